//! The arguments of `replay`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use highwater_early_stopping::{Goal, NonFinite, Rule};
use std::path::PathBuf;

/// Show recorded runs to stopping rules: where each would have stopped, and at what price
#[derive(Debug, Args)]
#[command(after_help = "\
    A run is a run folder, its history.csv, or any table (CSV, TSV, JSON, plain or gzip) with a line for each epoch; \
    columns are told by their usual names, such as epoch, train_loss and val_loss. For each rule:\n\n  \
    stops at    the epoch after which it would have stopped; – if it lets the whole run pass\n  \
    keeps       the best value up to there\n  \
    slowness    epochs trained, as a multiple of those that the best epoch of the whole run took\n  \
    redundancy  epochs trained after the kept one, as a share of those before\n  \
    loss        how much worse the kept value is than the best of the whole run\n\n\
    To compare rules, record runs that no rule cut short: highwater train --stop never\n\nExamples:\n  \
    highwater replay runs/* --stop 'patience(5)' --stop 'patience(20)' --stop 'gl(5)'\n  \
    highwater replay keras.csv --validation val_accuracy --stop 'median(5, patience(10))'")]
pub(crate) struct Replay {
    /// Run folders, or tables
    #[arg(required = true, value_name = "HISTORY")]
    pub(crate) histories: Vec<PathBuf>,
    /// A rule to try; may be given several times
    #[arg(long, required = true, value_name = "RULE")]
    pub(crate) stop: Vec<Rule>,
    /// What to watch: a column, or a score of a run folder [default: what the run watched, or told from the names]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) validation: Option<String>,
    /// The column of training losses [default: told from the names]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) training: Option<String>,
    /// The column of epochs [default: told from the names]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) epoch: Option<String>,
    /// The column of steps [default: told from the names]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) step: Option<String>,
    /// The column of seconds since the beginning [default: told from the names]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time: Option<String>,
    /// Whether small or large values are good [default: told from the name of the metric]
    #[arg(long, value_parser = goal())]
    pub(crate) goal: Option<Goal>,
    /// What a value of NaN or infinity does: ignore, count, stop, fail [default: as in the run, or stop]
    #[arg(long, value_name = "POLICY")]
    pub(crate) non_finite: Option<NonFinite>,
    /// Of many runs, the means alone
    #[arg(long)]
    pub(crate) summary: bool,
    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn goal() -> impl TypedValueParser<Value = Goal> {
    PossibleValuesParser::new(["minimize", "maximize"]).map(|name| match &*name {
        "maximize" => Goal::Maximize,
        _ => Goal::Minimize,
    })
}
