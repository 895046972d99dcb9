//! How a run ended.

use crate::record::Record;
use crate::saving::Saves;
use highwater_early_stopping::StopReason;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a run ended, and what it leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The stopping rule fired.
    Stopped(StopReason),
    /// All epochs are done.
    EpochLimit,
    /// It was asked to, from outside, by an observer or the flag; it can be resumed.
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

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};

    #[test]
    fn a_report_can_be_logged_and_read_back() {
        let mut stopper = EarlyStopping::new(Goal::Minimize, Rule::patience(1));
        stopper.observe(&Observation::new(1, 0.5));
        let reason = stopper.observe(&Observation::new(2, 0.75)).stop.unwrap();
        for ended in [Ended::Stopped(reason), Ended::EpochLimit, Ended::Interrupted] {
            let record = Record {
                epoch: 2,
                step: 20,
                training_loss: 0.25,
                validation_loss: 0.75,
                metrics: vec![("mae".parse().unwrap(), 0.5)],
                learning_rate: 0.1,
                gradient_norm: 1.5,
                elapsed: 3.0,
                signals: Default::default(),
            };
            let report = Report {
                ended,
                history: vec![record],
                best: Some(0),
                steps: 20,
                epochs: 2,
                epoch_limit: 9,
                elapsed: 3.0,
                saves: Saves::default(),
            };
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report, "{text}");
        }
    }
}
