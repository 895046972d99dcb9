//! `cargo xtask pictures`: the pictures of the guide, made anew from real runs.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo;

/// File, window and arguments of `train` of each picture of a report.
const REPORTS: [(&str, &str, &[&str]); 2] = [
    ("report.png", "1100,1500", &[]),
    ("report-flats.png", "1100,1500", &["--data", "examples/tables/flats.csv", "--target", "price"]),
];
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

pub(crate) fn run() -> ExitCode {
    for (picture, window, args) in REPORTS {
        if let Err(error) = report(picture, window, args) {
            eprintln!("pictures failed: {picture}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Trains, and has a browser without a window draw the report.
fn report(picture: &str, window: &str, args: &[&str]) -> Result<(), String> {
    let run = cargo::root().join("target/pictures").join(picture);
    match std::fs::remove_dir_all(&run) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let mut train = cargo::command();
    train.args([
        "run",
        "--quiet",
        "--profile",
        "train",
        "-p",
        "highwater-cli",
        "--bin",
        "highwater",
        "--",
        "train",
    ]);
    train.args(args).args(["--quiet", "--out"]).arg(&run);
    succeed(&mut train)?;
    let page = run.join("report.html");
    let to = cargo::root().join("docs/images").join(picture);
    let shoot = |browser: &str| {
        let mut command = Command::new(browser);
        // A container has no sandbox for root, and the page is our own.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]);
        command.arg(format!("--window-size={window}")).arg(option("--screenshot=", &to));
        command.arg(option("file://", &page)).stderr(Stdio::null());
        command.stdin(Stdio::null()).status()
    };
    match BROWSERS.iter().find_map(|browser| shoot(browser).ok()) {
        Some(status) if status.success() && to.exists() => {
            eprintln!("pictures: {}", to.display());
            Ok(())
        }
        Some(status) => Err(format!("the browser ended with {status}")),
        None => Err(format!("none of the browsers {} is installed", BROWSERS.join(", "))),
    }
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.current_dir(cargo::root()).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo ended with {status}")),
        Err(error) => Err(format!("cannot start cargo: {error}")),
    }
}
