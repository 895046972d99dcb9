//! What somebody means who gives an argument that there is not.

use crate::args::Arguments;
use crate::called::HIGHWATER;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::env;
use std::error::Error as _;
use std::num::ParseIntError;
use std::path::Path;

/// What flags of other programs are called here.
const ELSEWHERE: [(&[&str], &str); 15] = [
    (&["patience", "early-stopping"], "--stop 'patience(N)'"),
    (&["layers", "hidden-layers", "hidden-units", "units", "hidden-size"], "--hidden"),
    (&["label", "labels", "class", "response"], "--target"),
    (&["input", "file", "train", "table", "csv"], "--data"),
    (&["output", "run", "dir"], "--out"),
    (&["lr", "eta", "step-size"], "--learning-rate"),
    (&["l2", "decay"], "--weight-decay"),
    (&["max-epochs", "iterations", "steps"], "--epochs"),
    (&["cv", "kfold", "k-folds", "cross-validate"], "--folds"),
    (&["val", "valid", "val-split", "validation-split", "holdout"], "--validation"),
    (&["test-size", "test-split"], "--test"),
    (&["jobs", "workers", "cores"], "--threads"),
    (&["sep", "separator"], "--delimiter"),
    (&["categorical", "category"], "--column NAME=category"),
    (&["ignore", "drop", "exclude", "id"], "--column NAME=ignore"),
];

/// Has the error name the flag that is called otherwise elsewhere, instead of one that is spelled alike, if the job has it.
/// Nobody means the value of something by a word that begins with `--`, as clap proposes.
pub(crate) fn name_flag(error: &mut clap::Error) {
    error.remove(ContextKind::Suggested);
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return };
    let word = word.trim_start_matches('-').replace('_', "-");
    // No job has arguments of these names.
    let here = ELSEWHERE.iter().find(|(names, _)| names.contains(&&word[..])).map(|(_, here)| *here);
    let Some(here) = here else { return };
    let name = here.trim_start_matches("--").split(' ').next().unwrap_or_default();
    if env::args().nth(1).is_some_and(|job| has(&job, name)) {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(here.to_owned()));
    }
}

/// Whether a job has this flag.
fn has(job: &str, flag: &str) -> bool {
    let all = Arguments::described();
    let job = all.find_subcommand(job);
    job.is_some_and(|job| job.get_arguments().any(|argument| argument.get_long() == Some(flag)))
}

/// For a word that is no argument of this job: where it would be one. The name of a file is what somebody gives who is used to
/// other programs. Of a whole number that is none, which numbers are.
pub(crate) fn tip(error: &clap::Error) -> Option<String> {
    if error.source().is_some_and(|source| source.is::<ParseIntError>()) {
        return Some("Give a whole number, 0 or more".to_owned());
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    if Path::new(word).is_file() {
        return Some(format!("A table is given as --data {word}"));
    }
    match (env::args().nth(1)?.as_str(), word.strip_prefix("--")?) {
        ("init", "data") => Some(format!("The table needs no flag: {HIGHWATER} init FILE")),
        ("resume" | "evaluate" | "predict" | "report", flag) if has("train", flag) => {
            Some(format!("{word} is for `{HIGHWATER} train`: a run remembers what it was trained with"))
        }
        _ => None,
    }
}
