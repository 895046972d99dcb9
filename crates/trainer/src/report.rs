//! How a run ended.

use crate::record::Record;
use crate::saving::Saves;
use highwater_early_stopping::StopReason;
use std::fmt;

/// How a run ended, and what it leaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Why it ended.
    pub ended: Ended,
    /// Every validation, from the beginning of the run.
    pub history: Vec<Record>,
    /// Place of the kept model's record within the history; `None` if no finite score was seen, or no model with one is
    /// left: then the model is as it was last.
    pub best: Option<usize>,
    /// Steps done.
    pub steps: u64,
    /// Epochs begun.
    pub epochs: u64,
    /// The limit of epochs.
    pub epoch_limit: u64,
    /// Training time in seconds up to the last step's checkpoint, interruptions not counted.
    pub elapsed: f64,
    /// What saving took.
    pub saves: Saves,
}

impl Report {
    /// The record of the kept model.
    pub fn best(&self) -> Option<&Record> {
        self.best.map(|place| &self.history[place])
    }
}

/// Why a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The stopping rule fired.
    Stopped(StopReason),
    /// All epochs are done.
    EpochLimit,
    /// It was asked to, from outside; it can be resumed.
    Interrupted,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Stopped(reason) => reason.fmt(f),
            Ended::EpochLimit => f.write_str("the limit of epochs"),
            Ended::Interrupted => f.write_str("interrupted"),
        }
    }
}
