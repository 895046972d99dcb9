//! Calls of cargo, as if they had been typed in a shell.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

/// The folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace")
}

/// The cargo that runs this program, without the variables in which it describes the package `xtask`: a build script
/// that watches one of them would otherwise run again each time a chore and a typed command take turns.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let bytes = name.as_encoded_bytes();
        if bytes.starts_with(b"CARGO_PKG_") || bytes.starts_with(b"CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// The variable by which the program knows that it is called through cargo, so that it proposes commands for a clone.
pub(crate) const BY_CARGO: (&str, &str) = ("CARGO_PKG_NAME", "highwater-cli");

/// Calls cargo with `words` (split at spaces) and then `args`, in place of this process. Relative paths in `args` keep
/// their meaning, since the current folder stays what it is.
pub(crate) fn become_call(words: &str, args: &[OsString]) -> ExitCode {
    let (verb, words) = words.split_once(' ').unwrap_or((words, ""));
    let mut command = command();
    command.arg(verb).arg("--manifest-path").arg(root().join("Cargo.toml"));
    command.args(words.split_whitespace()).args(args);
    let error = replace_this_process(&mut command);
    eprintln!("cannot start {}: {error}", command.get_program().display());
    ExitCode::FAILURE
}

#[cfg(unix)]
fn replace_this_process(command: &mut Command) -> std::io::Error {
    std::os::unix::process::CommandExt::exec(command)
}

/// Where a process cannot become another one: waits for it, and leaves with its exit code.
#[cfg(not(unix))]
fn replace_this_process(command: &mut Command) -> std::io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
