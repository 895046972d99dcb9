//! What the benchmarks and the comparison programs share: workloads, and training steps on them.

mod training;
mod workload;

use std::process::ExitCode;

pub use training::{Memory, Training, normal};
pub use workload::{Error, LossName, OptimizerName, Workload};

/// How a program ends that was given workloads: with 2, after it said what is wrong with them.
#[allow(clippy::print_stderr, reason = "it is where errors go")]
pub fn exit(result: Result<(), Error>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}
