//! The `highwater` command: arguments, a run folder, and what to tell the person at the terminal. All that a library
//! user would miss is in the libraries.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted (after saving).

mod advice;
mod amended;
mod args;
mod called;
mod checkpoints;
mod closing;
mod config;
mod data_args;
mod decay;
mod evaluate;
mod folder;
mod folds;
mod guess;
mod init;
mod interrupt;
mod measures;
mod memory;
mod predict;
mod proben1;
mod prove;
mod refit;
mod remarks;
mod repeat;
mod replay;
mod report;
mod retention;
mod same_run;
mod saved;
mod setting_names;
mod settings;
#[cfg(test)]
mod settings_page;
mod source;
mod story;
mod tips;
mod train;
mod unfinished;

use anyhow::{Context, Result};
use args::{Arguments, Job};
use clap::FromArgMatches;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::{ExitCode, exit};

fn main() -> ExitCode {
    let parsed = Arguments::described().try_get_matches();
    let arguments =
        parsed.and_then(|found| Arguments::from_arg_matches(&found)).unwrap_or_else(|mut error| {
            tips::name_flag(&mut error);
            _ = error.print();
            if let Some(tip) = tips::tip(&error) {
                say(tip);
            }
            exit(error.exit_code())
        });
    run(&arguments.job).unwrap_or_else(|error| {
        say(format_args!("error: {error:#}{}", advice::of(&error, &arguments.job)));
        ExitCode::FAILURE
    })
}

fn run(job: &Job) -> Result<ExitCode> {
    match job {
        Job::Train(args) => return train::train(args),
        Job::Resume(args) => return train::resume(args),
        Job::Init(args) => init::run(args)?,
        Job::Evaluate(args) => evaluate::run(args)?,
        Job::Predict(args) => predict::run(args)?,
        Job::Report(args) => report::report(args)?,
        Job::Replay(args) => replay::run(args)?,
        Job::Proben1(args) => proben1::run(args)?,
        Job::Checkpoints(job) => checkpoints::run(job)?,
        Job::Completions { shell } => completions(*shell)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What a shell reads to complete the command's words.
fn completions(shell: clap_complete::Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::described(), "highwater", &mut script);
    print(String::from_utf8(script)?)
}

/// To standard output; that nobody listens any more is no error.
fn print(text: impl Display) -> Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// A line to standard error; that it cannot be written must not end what it is about.
fn say(text: impl Display) {
    _ = io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

fn line(text: impl Display) -> Result<()> {
    print(format_args!("{text}\n"))
}
