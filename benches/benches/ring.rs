//! A block of 128 stereo frames through the ring of frames, beside bare rtrb doing the same.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ossicle::io::ring::frame_ring;

const CHANNELS: usize = 2;
const BLOCK_FRAMES: usize = 128;
const CAPACITY_FRAMES: usize = 4096;

fn ring(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ring");
    group.throughput(Throughput::Elements(BLOCK_FRAMES as u64));
    let block: Vec<f32> = (0..BLOCK_FRAMES * CHANNELS).map(|at| at as f32).collect();
    let mut out = vec![0.0; block.len()];

    let (mut writer, mut reader) = frame_ring(CHANNELS, CAPACITY_FRAMES);
    group.bench_function("frames", |bencher| {
        bencher.iter(|| {
            writer.write(black_box(&block));
            black_box(reader.next_piece(&mut out))
        });
    });

    let (mut producer, mut consumer) = rtrb::RingBuffer::<f32>::new(CAPACITY_FRAMES * CHANNELS);
    group.bench_function("bare rtrb", |bencher| {
        bencher.iter(|| {
            let fits = producer.push_entire_slice(black_box(&block)).is_ok();
            fits && consumer.pop_entire_slice(&mut out).is_ok()
        });
    });
    group.finish();
}

criterion_group!(benches, ring);
criterion_main!(benches);
