//! How long a training step takes, one JSON object a line.

#![allow(clippy::print_stdout, reason = "it exists to print")]

use clap::Parser;
use highwater_benches::{Error, Training, Workload, exit};
use rayon::ThreadPoolBuilder;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a training step takes on each workload, one JSON object a line: name, us_per_step (microseconds), threads,
/// gflops (10⁹ floating-point operations a second, those of the matrix products).
///
/// A step takes the next `batch` consecutive rows of random data and goes forward, computes the loss, goes backward,
/// and has the optimizer move the parameters. After a warm-up, the time is the median of some repeats, each of as many
/// steps as last 0.3 s.
#[derive(Parser)]
struct Arguments {
    /// A JSON list of {name, sizes, activation, loss, optimizer, rows, batch} [default: the workloads that come along]
    #[arg(long, value_name = "FILE")]
    workloads: Option<PathBuf>,
    /// The number of threads [default: the faster of 1 and all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// How often each time is taken
    #[arg(long, value_name = "R", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeats: u16,
    /// Only the workloads of these names
    names: Vec<String>,
}

/// How long the steps of one repeat take together, at least.
const REPEAT: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut counts = arguments.threads.map_or(vec![1, cores], |threads| vec![usize::from(threads)]);
    counts.dedup();
    for workload in Workload::read(arguments.workloads.as_deref(), &arguments.names)? {
        let times =
            counts.iter().map(|&threads| (seconds_per_step(&workload, threads, arguments.repeats), threads));
        let (seconds, threads) =
            times.min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is a number of threads");
        let hundredths = |x: f64| (x * 100.0).round() / 100.0;
        println!(
            "{}",
            json!({
                "name": workload.name,
                "us_per_step": hundredths(seconds * 1e6),
                "threads": threads,
                "gflops": hundredths(workload.flops() / seconds / 1e9),
            })
        );
    }
    Ok(())
}

/// The median time of a step, on so many threads.
fn seconds_per_step(workload: &Workload, threads: usize, repeats: u16) -> f64 {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    pool.install(|| {
        let mut training = Training::new(workload);
        let mut time = |steps: usize| {
            let start = Instant::now();
            (0..steps).for_each(|index| _ = training.step(index));
            start.elapsed().as_secs_f64()
        };
        let mut steps = 1;
        while time(steps) < REPEAT.as_secs_f64() {
            steps *= 2;
        }
        let mut times: Vec<f64> = (0..repeats).map(|_| time(steps) / steps as f64).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}
