//! What the processor can do at most, one JSON object a line: what the times of steps are held against.

#![allow(clippy::print_stdout, reason = "it exists to print")]

use clap::Parser;
use pulp::{Arch, Simd, WithSimd};
use serde_json::json;
use std::hint::black_box;
use std::sync::Barrier;
use std::time::Instant;

/// What the processor can do at most, one JSON object a line: fused multiplications and additions of `f32` (10⁹
/// floating-point operations a second, two for each) on one thread and on all, and copying 64 MiB (10⁹ bytes a second,
/// read and written counted once). Each is the best of some tries.
#[derive(Parser)]
struct Arguments {}

/// Chains of dependent operations: enough to hide how long one takes.
const CHAINS: usize = 24;
const ROUNDS: usize = 2_000_000;
const TRIES: usize = 20;
const COPIED: usize = 64 << 20;

/// A round is one operation in each chain; returns operations, two for each element.
struct Chains;

impl WithSimd for Chains {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let (factor, term) = (simd.splat_f32s(1.000_000_1), simd.splat_f32s(1e-9));
        let mut sums = [simd.splat_f32s(1.0); CHAINS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        black_box(sums.map(|sum| simd.reduce_sum_f32s(sum)));
        (ROUNDS * CHAINS * 2 * size_of::<S::f32s>() / size_of::<f32>()) as f64
    }
}

fn best(mut rate: impl FnMut() -> f64) -> f64 {
    (0..TRIES).map(|_| rate()).fold(0.0, f64::max)
}

/// Of one thread while all of them compute.
fn gflops(threads: usize) -> f64 {
    let start = Barrier::new(threads);
    let one = || {
        start.wait();
        best(|| {
            let began = Instant::now();
            Arch::new().dispatch(Chains) / began.elapsed().as_secs_f64() / 1e9
        })
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let rates = others.into_iter().map(|other| other.join().expect("it only computes"));
        one() + rates.sum::<f64>()
    })
}

fn main() {
    Arguments::parse();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in if cores > 1 { vec![1, cores] } else { vec![1] } {
        let gflops = gflops(threads).round();
        println!("{}", json!({ "what": "multiply-add", "threads": threads, "gflops": gflops }));
    }
    let (from, mut to) = (vec![1u8; COPIED], vec![0u8; COPIED]);
    let copied = best(|| {
        let began = Instant::now();
        to.copy_from_slice(black_box(&from));
        black_box(&mut to);
        COPIED as f64 / began.elapsed().as_secs_f64() / 1e9
    });
    println!("{}", json!({ "what": "copy", "threads": 1, "gb_per_s": (copied * 10.0).round() / 10.0 }));
}
