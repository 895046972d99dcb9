//! A step of each method, on as many parameters as the digits' network has and on more than fit any cache.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use highwater_benches::normal;
use highwater_optim::{
    Adagrad, Adam, AdamW, Method, Optimizer, RmsProp, Rprop, Rprop1993, Sgd, clip_norm, clip_value,
};
use std::hint::black_box;
use std::time::Duration;

const PARAMETERS: [usize; 2] = [64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10, 10_000_000];

fn vector(parameters: usize, seed: u64) -> Vec<f32> {
    normal((1, parameters), seed).into_raw_vec_and_offset().0
}

fn methods(c: &mut Criterion) {
    let methods = [
        ("sgd", Method::Sgd(Sgd::default())),
        ("sgd, momentum", Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() })),
        ("adam", Method::Adam(Adam::default())),
        ("adam, amsgrad", Method::Adam(Adam { amsgrad: true, ..Adam::default() })),
        ("adamw", Method::AdamW(AdamW::default())),
        ("rmsprop", Method::RmsProp(RmsProp::default())),
        (
            "rmsprop, centered",
            Method::RmsProp(RmsProp { centered: true, momentum: 0.5, ..RmsProp::default() }),
        ),
        ("adagrad", Method::Adagrad(Adagrad::default())),
        ("rprop", Method::Rprop(Rprop::default())),
        ("rprop1993", Method::Rprop1993(Rprop1993::default())),
    ];
    let mut group = c.benchmark_group("optimizer");
    for parameters in PARAMETERS {
        group.throughput(Throughput::Elements(parameters as u64));
        for (name, method) in methods {
            let (mut params, grads) = (vector(parameters, 1), vector(parameters, 2));
            let mut optimizer = Optimizer::new(method, parameters).expect("sound hyper-parameters");
            group.bench_function(BenchmarkId::new(name, parameters), |b| {
                b.iter(|| optimizer.step(black_box(&mut params), black_box(&grads), 1e-3));
            });
        }
    }
}

fn clipping(c: &mut Criterion) {
    let mut group = c.benchmark_group("clipping");
    for parameters in PARAMETERS {
        let mut grads = vector(parameters, 3);
        group.throughput(Throughput::Elements(parameters as u64));
        group.bench_function(BenchmarkId::new("norm", parameters), |b| {
            b.iter(|| clip_norm(black_box(&mut grads), 1.0));
        });
        group.bench_function(BenchmarkId::new("value", parameters), |b| {
            b.iter(|| clip_value(black_box(&mut grads), 1.0));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    targets = methods, clipping
}
criterion_main!(benches);
