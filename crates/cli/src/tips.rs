//! What somebody means who gives an argument that there is not.

use crate::args::Arguments;
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
pub(crate) fn name_flag(error: &mut clap::Error) {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return };
    let word = word.trim_start_matches('-').replace('_', "-");
    // No job has arguments of these names.
    let here = ELSEWHERE.iter().find(|(names, _)| names.contains(&&word[..])).map(|(_, here)| *here);
    let Some(here) = here else { return };
    let all = Arguments::described();
    let job = env::args().nth(1).and_then(|job| all.find_subcommand(&job).cloned());
    let name = here.trim_start_matches("--").split(' ').next();
    if job.is_none_or(|job| job.get_arguments().all(|argument| argument.get_long() != name)) {
        return;
    }
    error.insert(ContextKind::SuggestedArg, ContextValue::String(here.to_owned()));
}

/// For a word that is no argument, and the name of a file: that is what somebody means who is used to other programs. Of a
/// whole number that is none, which numbers are.
pub(crate) fn tip(error: &clap::Error) -> Option<String> {
    if error.source().is_some_and(|source| source.is::<ParseIntError>()) {
        return Some("Give a whole number, 0 or more".to_owned());
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg) else { return None };
    let is_file = error.kind() == ErrorKind::UnknownArgument && Path::new(word).is_file();
    is_file.then(|| format!("A table is given as --data {word}"))
}
