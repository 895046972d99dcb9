//! What the memory of a training run goes to, one JSON object for each workload.

#![allow(clippy::print_stdout, reason = "it exists to print")]

use clap::Parser;
use highwater_benches::{Error, Training, Workload, exit};
use serde_json::json;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// What the memory of a training run goes to, in MiB, one JSON object for each workload: the parameters, their
/// gradients, the optimizer's arrays and the workspace as they say themselves, the least that the arithmetic needs, and
/// the most that the process had at once, with and without its data.
///
/// The least: parameters, gradients and the optimizer's arrays, the output of each layer, which the way back reads, and
/// the gradients of the two largest outputs that follow each other, as one is computed from the other.
#[derive(Parser)]
struct Arguments {
    /// A JSON list of {name, sizes, activation, loss, optimizer, rows, batch} [default: the workloads that come along]
    #[arg(long, value_name = "FILE")]
    workloads: Option<PathBuf>,
    /// Only the workloads of these names
    names: Vec<String>,
    /// In this process, of which the peak is then known
    #[arg(long, hide = true)]
    here: bool,
}

const STEPS: usize = 5;

fn main() -> ExitCode {
    exit(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    for workload in Workload::read(arguments.workloads.as_deref(), &arguments.names)? {
        if arguments.here || !in_a_process_of_its_own(arguments, &workload.name) {
            println!("{}", measure(&workload));
        }
    }
    Ok(())
}

/// Whether that was possible.
fn in_a_process_of_its_own(arguments: &Arguments, name: &str) -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    let mut command = Command::new(program);
    command.args(["--here", name]);
    if let Some(file) = &arguments.workloads {
        command.arg("--workloads").arg(file);
    }
    command.status().is_ok_and(|status| status.success())
}

fn measure(workload: &Workload) -> serde_json::Value {
    let before = resident("VmRSS:");
    let mut training = Training::new(workload);
    (0..STEPS).for_each(|index| _ = training.step(index));
    let memory = training.memory();
    let peak = resident("VmHWM:");
    let sum = memory.parameters + memory.gradients + memory.optimizer + memory.workspace;
    let least = memory.parameters + memory.gradients + memory.optimizer + workload.least_activations();
    let mib = |bytes: usize| (bytes as f64 / 1048.576).round() / 1000.0;
    json!({
        "name": workload.name,
        "parameters": mib(memory.parameters),
        "gradients": mib(memory.gradients),
        "optimizer": mib(memory.optimizer),
        "workspace": mib(memory.workspace),
        "least": mib(least),
        "times_the_least": (sum as f64 / least as f64 * 1000.0).round() / 1000.0,
        "data": mib(memory.data),
        "program": before.map(mib),
        "peak": peak.map(mib),
        "peak_beyond_all_these": peak.map(|peak| mib(peak.saturating_sub(sum + memory.data))),
    })
}

/// A line of the system's account of this process, in bytes, where the system gives one.
fn resident(line: &str) -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|l| l.strip_prefix(line))?;
    Some(rest.trim().strip_suffix("kB")?.trim().parse::<usize>().ok()? * 1024)
}
