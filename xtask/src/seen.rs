//! `cargo xtask seen`: report pages in a browser and event files in TensorBoard, of real runs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo;

/// What TensorBoard's reader needs; the second has a module that it imports and newer versions lack.
const PACKAGES: [&str; 2] = ["tensorboard==2.21.0", "setuptools<81"];
/// Runs whose event files are read.
const RUNS: [&str; 4] = ["digits", "friedman", "many-epochs", "no-validation"];

/// With `--pictures` those of the guide are taken anew.
pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let pictures = match args {
        [] => false,
        [word] if word == "--pictures" => true,
        _ => {
            eprintln!("Usage: cargo xtask seen [--pictures]");
            return ExitCode::from(2);
        }
    };
    let root = cargo::root();
    let (folder, scripts) = (root.join("target/seen"), root.join("crates/report/tests/seen"));
    let mut build = cargo::command();
    build.current_dir(root).args(["build", "--locked", "--profile", "train", "-p", "highwater-cli"]);
    let mut pages = Command::new("python3");
    pages.envs([cargo::BY_CARGO]);
    pages.arg(scripts.join("pages.py")).arg(root.join("target/train/highwater")).arg(folder.join("runs"));
    if pictures {
        pages.arg(root.join("docs/images"));
    }
    if !(succeeds(&mut build) && succeeds(&mut pages)) {
        eprintln!("seen failed");
        return ExitCode::FAILURE;
    }
    if !folder.join("runs/digits").exists() {
        return ExitCode::SUCCESS;
    }
    let Some(python) = with_tensorboard(&folder.join("venv")) else {
        eprintln!("seen: TensorBoard skipped, as it cannot be installed");
        return ExitCode::SUCCESS;
    };
    let mut read = Command::new(python);
    read.arg(scripts.join("tensorboard.py")).args(RUNS.map(|run| folder.join("runs").join(run)));
    if succeeds(&mut read) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A Python that has TensorBoard.
fn with_tensorboard(venv: &Path) -> Option<OsString> {
    let python = venv.join("bin/python");
    let has_it = || {
        let mut ask = Command::new(&python);
        ask.args(["-c", "import tensorboard.plugins.hparams.metadata"]);
        succeeds(ask.stdout(Stdio::null()).stderr(Stdio::null()))
    };
    if !has_it() {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(venv));
        succeeds(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES));
    }
    has_it().then(|| python.into_os_string())
}

fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
}
