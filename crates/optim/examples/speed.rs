//! Times a step of each method: `cargo run --release -p highwater-optim --example speed`.
#![allow(clippy::print_stdout)] // It exists to print.

use std::hint::black_box;
use std::time::Instant;

use highwater_optim::{Adagrad, Adam, Method, Optimizer, RmsProp, Rprop, Rprop1993, Sgd, clip_norm, norm};

/// The smallest of many means over short runs, in microseconds: what a busy machine disturbs least.
fn time(mut step: impl FnMut()) -> f64 {
    step();
    let start = Instant::now();
    step();
    let repeats = (3e-4 / start.elapsed().as_secs_f64().max(1e-9)).clamp(1.0, 1e5) as u32;
    let sample = |_| {
        let start = Instant::now();
        (0..repeats).for_each(|_| step());
        start.elapsed().as_secs_f64() / f64::from(repeats) * 1e6
    };
    (0..200).map(sample).fold(f64::INFINITY, f64::min)
}

fn main() {
    let threads = std::env::args().nth(1).map_or(1, |threads| threads.parse().expect("a number of threads"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads");
    let methods = [
        ("sgd", Method::Sgd(Sgd::default())),
        ("sgd, momentum", Method::Sgd(Sgd { momentum: 0.9, ..Sgd::default() })),
        ("adam", Method::Adam(Adam::default())),
        ("adam, amsgrad", Method::Adam(Adam { amsgrad: true, ..Adam::default() })),
        ("rmsprop", Method::RmsProp(RmsProp::default())),
        (
            "rmsprop, centered",
            Method::RmsProp(RmsProp { centered: true, momentum: 0.5, ..RmsProp::default() }),
        ),
        ("adagrad", Method::Adagrad(Adagrad::default())),
        ("rprop", Method::Rprop(Rprop::default())),
        ("rprop1993", Method::Rprop1993(Rprop1993::default())),
    ];
    println!("{threads} threads, f32: microseconds and GB/s");
    for parameters in [241, 17_226, 535_818, 10_000_000] {
        let grads: Vec<f32> =
            (0..parameters).map(|index| ((index * 7919) % 1000) as f32 / 1000.0 - 0.5).collect();
        for (name, method) in methods {
            let mut params = vec![0.1_f32; parameters];
            let mut optimizer = Optimizer::new(method, parameters).expect("valid hyper-parameters");
            let time =
                pool.install(|| time(|| optimizer.step(black_box(&mut params), black_box(&grads), 1e-3)));
            let bytes = 4 * parameters * (3 + 2 * method.slots().len());
            println!("{parameters:>9}  {name:<18} {time:>10.3}  {:>6.1}", bytes as f64 / time / 1e3);
        }
        let mut grads = grads;
        let bytes = 4 * parameters;
        let time_norm = pool.install(|| time(|| _ = black_box(norm(black_box(&grads)))));
        println!(
            "{parameters:>9}  {:<18} {time_norm:>10.3}  {:>6.1}",
            "norm",
            bytes as f64 / time_norm / 1e3
        );
        let time_clip = pool.install(|| time(|| _ = black_box(clip_norm(black_box(&mut grads), 1e-3))));
        println!(
            "{parameters:>9}  {:<18} {time_clip:>10.3}  {:>6.1}",
            "clip_norm",
            3.0 * bytes as f64 / time_clip / 1e3
        );
    }
}
