//! The limiter at blocks of 2 to 1024 beside the plain C form, mono.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ossicle_benches::limiter::{SAMPLES, core, naive, node, signal};

fn limiter(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("limiter, one second of sound");
    group.throughput(Throughput::Elements(SAMPLES as u64));
    let input = signal();
    let mut samples = input.clone();
    for block in [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] {
        let mut run = |name: &str, process: &mut dyn FnMut(&mut [f32])| {
            group.bench_function(BenchmarkId::new(name, block), |bencher| {
                bencher.iter(|| {
                    samples.copy_from_slice(&input);
                    samples.chunks_mut(block).for_each(&mut *process);
                });
            });
        };
        run("plain C", &mut naive());
        run("core", &mut core());
        run("node", &mut node(block).expect("the setting is allowed"));
    }
    group.finish();
}

criterion_group!(benches, limiter);
criterion_main!(benches);
