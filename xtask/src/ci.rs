//! Every check of this workspace, cheapest first, up to the first that fails.

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::cargo;

/// Name and command line of each step. The line that is shown is the line that runs, and the one that repeats it.
///
/// `cargo test` runs the examples of the documentation too. The two crates that people use by themselves are checked
/// by themselves, without the features that the rest of the workspace turns on in what they share.
const STEPS: [(&str, &str); 9] = [
    ("fmt", "cargo fmt --check"),
    ("tidy", "cargo xtask tidy"),
    ("early-stopping alone", "cargo check --locked -p highwater-early-stopping"),
    ("checkpoint alone", "cargo check --locked -p highwater-checkpoint"),
    ("clippy", "cargo clippy --locked --workspace --all-targets -- -D warnings"),
    ("doc", "RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --no-deps"),
    ("test", "cargo test --locked --workspace"),
    ("package", PACKAGE),
    ("guide", "cargo xtask guide --quick"),
];

/// What a registry would be given, put together and not built again.
const PACKAGE: &str = "cargo package --locked --offline --allow-dirty --no-verify --quiet \
     --workspace --exclude xtask --exclude highwater-benches";

pub(crate) fn run() -> ExitCode {
    let start = Instant::now();
    let mut times = Vec::new();
    for (number, (name, line)) in STEPS.iter().enumerate() {
        eprintln!("\n[{}/{}] {name}: {line}", number + 1, STEPS.len());
        let step_start = Instant::now();
        let outcome = call(line).stdin(Stdio::null()).status();
        let time = show(step_start.elapsed());
        match outcome {
            Ok(status) if status.success() => {
                eprintln!("[{}/{}] {name}: passed, {time}", number + 1, STEPS.len())
            }
            Ok(status) => {
                eprintln!("\nci failed: {name} ended with {status} after {time}. To repeat it:\n  {line}");
                return ExitCode::FAILURE;
            }
            Err(error) => {
                eprintln!("\nci failed: {name} could not be started: {error}. To repeat it:\n  {line}");
                return ExitCode::FAILURE;
            }
        }
        times.push(format!("{name} {time}"));
    }
    eprintln!("\nci passed in {} ({})", show(start.elapsed()), times.join(", "));
    ExitCode::SUCCESS
}

/// The command of a line such as `NAME=value cargo doc --no-deps`, to be run in the folder of the workspace.
fn call(line: &str) -> Command {
    let mut command = cargo::command();
    command.current_dir(cargo::root());
    let (variables, words) = line.split_once("cargo ").expect("each step is a call of cargo");
    command.envs(variables.split_whitespace().filter_map(|variable| variable.split_once('=')));
    command.args(words.split_whitespace());
    command
}

/// A duration to read: `0.4 s`, `2 min 05 s`.
fn show(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_the_command_that_a_shell_would_run() {
        let command = call("RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps");
        assert_eq!(command.get_args().collect::<Vec<_>>(), ["doc", "--workspace", "--no-deps"]);
        assert!(
            command.get_envs().any(|pair| pair == ("RUSTDOCFLAGS".as_ref(), Some("-Dwarnings".as_ref())))
        );
        assert_eq!(command.get_current_dir(), Some(cargo::root()));
    }

    #[test]
    fn no_call_of_cargo_inherits_the_description_of_this_package() {
        let removed: Vec<_> =
            call("cargo test").get_envs().map(|(name, value)| (name.to_owned(), value.is_none())).collect();
        assert!(removed.contains(&("CARGO_PKG_NAME".into(), true)), "{removed:?}");
        assert!(removed.contains(&("CARGO_MANIFEST_DIR".into(), true)), "{removed:?}");
        assert!(!removed.iter().any(|(name, _)| name == "CARGO_HOME"));
    }

    #[test]
    fn durations_are_shown_in_the_unit_one_would_say() {
        assert_eq!(show(Duration::from_millis(449)), "0.4 s");
        assert_eq!(show(Duration::from_secs(125)), "2 min 05 s");
    }
}
