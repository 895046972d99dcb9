//! `cargo xtask crash`: the tests that kill real processes, many more times than `ci` does.

use std::ffi::OsString;
use std::process::{ExitCode, Stdio};

use crate::cargo;

const KILLS: u64 = 5000;
/// Processes that save for ever, and training runs that are resumed until they end: a test of `checkpoint` and one of `cli`.
const TESTS: [&str; 2] = [
    "kill::killing_the_process_at_any_moment_takes_nothing_away",
    "crash::killed_at_random_moments_runs_end_with_the_bits_of_an_uninterrupted_one",
];

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let kills = match kills(args) {
        Ok(kills) => kills,
        Err(error) => {
            eprintln!("{error}\n\nUsage: cargo xtask crash [--kills N]");
            return ExitCode::from(2);
        }
    };
    let mut command = cargo::command();
    command.current_dir(cargo::root()).stdin(Stdio::null()).env("HIGHWATER_KILLS", kills.to_string());
    command.args([
        "test",
        "--locked",
        "-p",
        "highwater-checkpoint",
        "-p",
        "highwater-cli",
        "--test",
        "it",
        "--",
    ]);
    command.arg("--exact").args(TESTS).arg("--nocapture");
    match command.status() {
        Ok(status) if status.success() => {
            eprintln!("\ncrash passed: {kills} kills of saving processes, {kills} of training processes");
            ExitCode::SUCCESS
        }
        Ok(status) => {
            eprintln!("\ncrash failed: the tests ended with {status}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn kills(args: &[OsString]) -> Result<u64, String> {
    let words: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let number = |text: &str| match text.parse() {
        Ok(kills) if kills > 0 => Ok(kills),
        _ => Err(format!("{text:?} is not a number of kills")),
    };
    match words[..] {
        [] => Ok(KILLS),
        ["--kills", text] => number(text),
        [word] => match word.strip_prefix("--kills=") {
            Some(text) => number(text),
            None => Err(format!("unknown argument {word:?}")),
        },
        _ => Err("too many arguments".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_kills_is_read_and_mistakes_are_named() {
        let read = |words: &[&str]| kills(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(read(&[]), Ok(5000));
        assert_eq!(read(&["--kills", "20"]), Ok(20));
        assert_eq!(read(&["--kills=7"]), Ok(7));
        for words in
            [&["--kills"][..], &["--kills", "0"], &["--kills", "x"], &["-k", "1", "2"], &["--kills="]]
        {
            assert!(read(words).is_err(), "{words:?}");
        }
    }
}
