//! `cargo xtask examples`: the packages of the folder `examples`, which have dependencies that nothing else here needs.

use std::fs;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};

use crate::cargo;

pub(crate) fn run() -> ExitCode {
    let packages = match packages() {
        Ok(packages) => packages,
        Err(error) => {
            eprintln!("cannot read the folder examples: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut skipped = 0;
    for package in &packages {
        let call = |words: &str| {
            let mut command = cargo::command();
            command
                .args(words.split(' '))
                .arg("--locked")
                .arg("--manifest-path")
                .arg(package.join("Cargo.toml"));
            command.env("CARGO_TARGET_DIR", cargo::root().join("target/examples"));
            command.stdin(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        if !call("fetch") {
            eprintln!(
                "examples: {} skipped: its dependencies cannot be downloaded, or its Cargo.lock is old",
                package.display()
            );
            skipped += 1;
        } else if !call("run --release") {
            eprintln!("examples failed: {}", package.display());
            return ExitCode::FAILURE;
        }
    }
    eprintln!("examples: {} passed, {skipped} skipped", packages.len() - skipped);
    ExitCode::SUCCESS
}

fn packages() -> std::io::Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    for entry in fs::read_dir(cargo::root().join("examples"))? {
        let path = entry?.path();
        if path.join("Cargo.toml").exists() {
            packages.push(path);
        }
    }
    packages.sort();
    Ok(packages)
}
