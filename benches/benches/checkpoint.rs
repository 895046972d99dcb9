//! A durable save and a verified load: of the digits' network with Adam's state, and of 4 MB.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use highwater_benches::normal;
use highwater_checkpoint::{Array, Checkpoint, Snapshot, write};
use std::hint::black_box;
use std::time::Duration;

const DIGITS: &[[usize; 2]] = &[[128, 64], [128, 1], [64, 128], [64, 1], [10, 64], [10, 1]];
const FOUR_MB: &[[usize; 2]] = &[[512, 512], [256, 256], [64, 64]];

fn save_and_load(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is room for temporary files");
    let path = folder.path().join("model.safetensors");
    let mut group = c.benchmark_group("checkpoint");
    for (name, shapes) in [("digits", DIGITS), ("4 MB", FOUR_MB)] {
        let tensors: Vec<_> = shapes.iter().map(|&[rows, columns]| normal((rows, columns), 1)).collect();
        let mut arrays = Vec::new();
        for slot in ["model", "optimizer.exp_avg", "optimizer.exp_avg_sq"] {
            for (number, tensor) in tensors.iter().enumerate() {
                let values = tensor.as_slice().expect("a new matrix is contiguous");
                arrays.push(Array::f32(format!("{slot}.{number}"), tensor.shape(), values));
            }
        }
        let elements = 3 * tensors.iter().map(ndarray::Array2::len).sum::<usize>();
        let snapshot = Snapshot { step: 1, arrays: &arrays, ..Snapshot::default() };
        group.throughput(Throughput::Bytes(4 * elements as u64));
        group.bench_function(format!("save/{name}"), |b| {
            b.iter(|| write(&path, &snapshot).expect("the folder can be written to"));
        });
        group.bench_function(format!("load/{name}"), |b| {
            b.iter(|| Checkpoint::open(black_box(&path)).expect("it was just saved"));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = save_and_load
}
criterion_main!(benches);
