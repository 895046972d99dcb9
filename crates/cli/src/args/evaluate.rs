//! The arguments of `evaluate`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Score a run's kept model on its own test rows, or the model that predict uses on other data
#[derive(Debug, Args)]
#[command(after_help = "\
    On the run's own rows best.safetensors is scored, the kept model: final.safetensors, which small tables have, \
    was trained on all of them. On other data the model is scored that predict would use for them: final.safetensors \
    if there is one, else best.safetensors. A run of `train --refit no` has the kept model alone.")]
pub(crate) struct Evaluate {
    /// The run folder
    pub(crate) run: PathBuf,
    /// A table with the run's columns and target, of any format that train reads [default: the run's own rows]
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Which of the run's own rows
    #[arg(long, value_enum, default_value_t = SplitName::Test, conflicts_with = "data")]
    pub(crate) split: SplitName,
    /// The main score alone, as a number: the accuracy, or R²
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitName {
    Train,
    Validation,
    Test,
}

impl SplitName {
    pub(crate) fn name(self) -> &'static str {
        match self {
            SplitName::Train => "train",
            SplitName::Validation => "validation",
            SplitName::Test => "test",
        }
    }
}
