//! A warm 16-bit stereo WAV through the buffered array: in a row, and 0.1 s at random. Beside
//! audioio and soundfile: `cargo xtask bench files`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ossicle::io::buffered_array::{BufferedArray, FileSource};
use ossicle::io::file::{Overwrite, WavSpec, WavWriter};
use ossicle::io::sample::SampleFormat;
use ossicle_benches::signal::swelling_noise;

const FRAMES: u64 = 48_000 * 20;
const WINDOW: u64 = 4_800;

fn buffered_array(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("noise.wav");
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 2,
        format: SampleFormat::I16,
    };
    let mut writer = WavWriter::create(&path, spec, Overwrite::Replace).expect("a new file");
    let noise = swelling_noise(FRAMES as usize * 2, 4_800);
    writer.write(&noise).expect("room on the disk");
    writer.finish().expect("room on the disk");
    let open = |buffer_frames| -> BufferedArray<FileSource<f32>> {
        BufferedArray::open(&path, buffer_frames, 0).expect("the file just written")
    };

    let mut group = criterion.benchmark_group("buffered array");
    group.sample_size(20);
    group.throughput(Throughput::Elements(FRAMES));
    let mut array = open(96_000);
    group.bench_function("in a row", |bencher| {
        bencher.iter(|| {
            let mut blocks = array.blocks(48_000, 0, ..).expect("no overlap");
            while let Some(block) = blocks.next_block().expect("a warm file") {
                black_box(block);
            }
        });
    });

    group.throughput(Throughput::Elements(WINDOW));
    let mut array = open(0);
    let mut state = 1_u64;
    group.bench_function("0.1 s at random", |bencher| {
        bencher.iter(|| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let start = (state >> 33) % (FRAMES - WINDOW);
            black_box(
                array
                    .range(start..start + WINDOW)
                    .expect("a warm file")
                    .len(),
            )
        });
    });
    group.finish();
}

criterion_group!(benches, buffered_array);
criterion_main!(benches);
