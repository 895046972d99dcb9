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

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_checkpoint::Entry;

    fn config(keep_every: Option<u64>, keep_minutes: Option<u64>) -> CheckpointConfig {
        CheckpointConfig {
            keep_last: 1,
            keep_best: 1,
            keep_every,
            keep_minutes,
            on_failure: OnFailure::default(),
        }
    }

    /// The steps that stay of eight checkpoints, a minute apart, whose score is the best at step 5 and the worst at step 2.
    fn kept(config: &CheckpointConfig, goal: Goal) -> Vec<u64> {
        let scores = [4.0, 9.0, 4.0, 3.0, 1.0, 2.0, 3.0, 4.0];
        let entry = |(step, score): (u64, f64)| {
            let mut entry = Entry::sketch(step, Some(score));
            entry.facts.elapsed = Some(Duration::from_secs(60 * step));
            entry
        };
        let entries: Vec<Entry> = (1..).zip(scores).map(entry).collect();
        let stays = config.retention(goal).keep(&entries);
        entries.iter().zip(stays).filter(|(_, stays)| *stays).map(|(entry, _)| entry.key.step).collect()
    }

    #[test]
    fn the_newest_and_the_best_stay_and_what_is_to_stay_for_ever() {
        assert_eq!(kept(&config(None, None), Goal::Minimize), [5, 8]);
        assert_eq!(kept(&config(None, None), Goal::Maximize), [2, 8]);
        assert_eq!(kept(&config(Some(3), None), Goal::Minimize), [3, 5, 6, 8]);
        assert_eq!(kept(&config(None, Some(4)), Goal::Minimize), [1, 4, 5, 8]);
    }

    #[test]
    fn training_waits_for_the_disk_only_where_some_are_to_stay_for_ever() {
        for (keep_every, keep_minutes, pace) in
            [(None, None, Pace::Newest), (Some(3), None, Pace::Every), (None, Some(4), Pace::Every)]
        {
            assert_eq!(config(keep_every, keep_minutes).saving().pace, pace);
        }
    }
}
