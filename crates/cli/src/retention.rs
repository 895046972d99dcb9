//! Which checkpoints stay.

use highwater_checkpoint::{self as checkpoint, KeepBest, KeepEvery, KeepEveryInterval, KeepLast, Retention};
use highwater_early_stopping::Goal;
use highwater_trainer::{OnFailure, Pace, Saving};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What stays of what is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckpointConfig {
    pub(crate) keep_last: usize,
    pub(crate) keep_best: usize,
    #[serde(default)]
    pub(crate) keep_every: Option<u64>,
    #[serde(default)]
    pub(crate) keep_minutes: Option<u64>,
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
}

impl CheckpointConfig {
    /// What the store keeps of a run whose best has the least or the largest score.
    pub(crate) fn retention(&self, goal: Goal) -> Box<dyn Retention> {
        let goal = match goal {
            Goal::Minimize => checkpoint::Goal::Minimize,
            Goal::Maximize => checkpoint::Goal::Maximize,
        };
        let mut policy: Box<dyn Retention> =
            Box::new(KeepLast(self.keep_last).or(KeepBest(self.keep_best, goal)));
        if let Some(steps) = self.keep_every {
            policy = Box::new(policy.or(KeepEvery(steps)));
        }
        if let Some(minutes) = self.keep_minutes {
            let interval = Duration::from_secs(minutes.saturating_mul(60));
            policy = Box::new(policy.or(KeepEveryInterval(interval)));
        }
        policy
    }

    /// Those that are to stay for ever must not be passed over because the disk is slow.
    pub(crate) fn saving(&self) -> Saving {
        let for_ever = self.keep_every.is_some() || self.keep_minutes.is_some();
        let pace = if for_ever { Pace::Every } else { Pace::Newest };
        Saving { on_failure: self.on_failure, pace }
    }
}
