//! What the benchmarks and the comparison programs share: workloads, and training steps on them.

mod training;
mod workload;

pub use training::{Memory, Training, normal};
pub use workload::{Error, LossName, OptimizerName, Workload};
