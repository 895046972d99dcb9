//! `cargo xtask`: the chores of this workspace, and the door to the `highwater` program.
//!
//! A word that names no chore is a job. Jobs are not linked into this program: it has cargo build `highwater` with
//! full optimisation and then becomes it. So a chore never waits for the numeric code, the arguments of a job are
//! described in one place, and Ctrl-C reaches the job alone.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its terminal")]

mod book;
mod cargo;
mod ci;
mod crash;
mod examples;
mod guide;
mod markdown;
mod seen;
mod tidy;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

const HELP: &str = "\
The chores and jobs of Highwater.

Usage: cargo xtask CHORE
       cargo xtask JOB [ARGUMENTS]

Jobs, for everybody; they are the `highwater` program, built with full optimisation:
  train           train a network and keep the best one; without --data, on handwritten digits
  resume          continue a run from one of its checkpoints
  init            write a commented configuration for a data file
  evaluate        score a saved model on data
  predict         predict a label or a value for each row of a CSV file
  report          write a run's report page again, or one that compares several runs
  replay          stopping rules over recorded runs: where each would have stopped, and at what price
  proben1         train the networks of a published benchmark, and compare: proben1 --data DIR
  checkpoints     list, show, verify, compare, clean up, export and import what a run has saved
  completions     what bash, zsh or fish needs to complete the words of an installed `highwater`

Chores, for those who change the code:
  ci              every check, cheapest first, up to the first that fails
  tidy            the rules of this workspace that no compiler knows
  fmt             format the code
  crash           kill saving and training processes at random moments: `crash [--kills 5000]`
  examples        build and run the examples with candle and Burn; skipped if they cannot be downloaded
  guide           run every command of the README and of docs/; `guide --quick` leaves out the slow ones
  book            the guide in docs/ as a book of web pages, and whether its links lead somewhere; needs mdBook
  seen            look at report pages in Chromium, and read event files with TensorBoard, of real runs;
                  skipped if they cannot be installed; `seen --pictures` takes those of the guide anew
  bench           run the criterion benchmarks; `bench -- FILTER` runs some of them
  bench NAME      run a program of the `benches` folder; arguments may follow

`cargo xtask JOB --help` tells all about a job. A good first one: cargo xtask train
";

/// The words that are no jobs of the program.
const CHORES: [&str; 9] = ["bench", "book", "ci", "crash", "examples", "fmt", "guide", "seen", "tidy"];

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let (word, rest) = match args.split_first() {
        Some((first, rest)) => (first.to_str().unwrap_or_default(), rest),
        None => ("help", &args[..]),
    };
    let asks_for_help = rest.first().is_some_and(|arg| arg == "--help" || arg == "-h");
    match word {
        "help" | "--help" | "-h" if rest.is_empty() => help(),
        _ if CHORES.contains(&word) && asks_for_help => help(),
        "book" | "ci" | "examples" | "tidy" if !rest.is_empty() => {
            eprintln!("`cargo xtask {word}` takes no arguments, but got {}", rest[0].display());
            ExitCode::from(2)
        }
        "book" => book::run(),
        "ci" => ci::run(),
        "crash" => crash::run(rest),
        "examples" => examples::run(),
        "guide" => guide::run(rest),
        "seen" => seen::run(rest),
        "tidy" => tidy::run(),
        "fmt" => cargo::become_call("fmt", rest),
        "bench" => bench(rest),
        _ => cargo::become_call("run --profile train -p highwater-cli --bin highwater --", &args),
    }
}

fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

/// Without a name all criterion benchmarks, else the program of that name.
fn bench(args: &[OsString]) -> ExitCode {
    match args.split_first() {
        Some((name, rest)) if !name.as_encoded_bytes().starts_with(b"-") => {
            let program = [&[name.clone(), "--".into()], rest].concat();
            cargo::become_call("run --profile bench -p highwater-benches --bin", &program)
        }
        _ => cargo::become_call("bench -p highwater-benches", args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first words of the lines of the help.
    fn listed() -> Vec<&'static str> {
        HELP.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect()
    }

    #[test]
    fn the_help_lists_every_chore_and_every_job() {
        let args = std::fs::read_to_string(cargo::root().join("crates/cli/src/args.rs")).unwrap();
        let jobs = args.split_once("pub(crate) enum Job {\n").unwrap().1.split_once("\n}").unwrap().0;
        let jobs: Vec<String> = jobs
            .lines()
            .filter_map(|line| line.strip_prefix("    ").filter(|line| line.starts_with(char::is_uppercase)))
            .map(|line| line.split(['(', ' ']).next().unwrap_or_default().to_lowercase())
            .collect();
        assert!(jobs.len() >= 10, "{jobs:?}");
        for word in jobs.iter().map(String::as_str).chain(CHORES) {
            assert!(listed().contains(&word), "{word} is missing");
        }
    }
}
