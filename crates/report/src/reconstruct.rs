//! How a run ended, told from its history.

use highwater_early_stopping::{BestTracker, EarlyStopping, Observation};
use highwater_trainer::{Config, Ended, Record, Report, Saves, Score};

/// How a run ended, from what it recorded: the configured rule is shown the history again.
///
/// A run that no rule stopped counts as interrupted unless its last record is of the last epoch. Steps after the last
/// record are not known of.
pub fn reconstruct(history: Vec<Record>, config: &Config) -> Report {
    let goal = config.monitor.goal();
    let mut stopping = EarlyStopping::with(goal, config.stop.start(goal, config.non_finite));
    let monitored: Vec<Observation> =
        history.iter().map(|record| record.observation(config.monitor)).collect();
    let epochs = history.last().map_or(0, |record| record.epoch);
    let ended = match stopping.replay(&monitored).stop {
        Some(reason) => Ended::Stopped(reason),
        None if epochs >= config.epochs => Ended::EpochLimit,
        None => Ended::Interrupted,
    };
    Report {
        ended,
        best: best_of(&history, config.select),
        steps: history.last().map_or(0, |record| record.step),
        epochs,
        epoch_limit: config.epochs,
        elapsed: history.last().map_or(0.0, |record| record.elapsed),
        saves: Saves::default(),
        history,
    }
}

/// The place of the best record of a history by a score, of equal ones the first.
pub(crate) fn best_of(history: &[Record], select: Score) -> Option<usize> {
    let mut tracker = BestTracker::new(select.goal());
    history.iter().for_each(|record| _ = tracker.observe(&record.observation(select)));
    tracker.best().map(|best| best.index as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{config, records};

    #[test]
    fn a_history_tells_how_its_run_ended() {
        let ended =
            |stop: &str, losses: &[f64]| reconstruct(records(losses), &config(stop)).ended.to_string();
        let falling: Vec<f64> = (1..=200).map(|epoch| 1.0 / f64::from(epoch)).collect();
        assert_eq!(ended("patience(1)", &[0.5, 0.6]), "no improvement in 1 epoch: best 0.5 at epoch 1");
        assert_eq!(ended("patience(1)", &falling), "the limit of epochs");
        assert_eq!(ended("patience(1)", &falling[..199]), "interrupted");
        assert_eq!(ended("patience(1)", &[]), "interrupted");
        assert_eq!(ended("patience(9)", &[0.5, f64::NAN]), "the value at epoch 2 is NaN");
    }

    #[test]
    fn the_kept_model_is_the_first_of_the_best() {
        let best = |losses: &[f64]| reconstruct(records(losses), &config("never")).best;
        assert_eq!(best(&[f64::NAN, 0.5, 0.4, 0.4, 0.6]), Some(2));
        assert_eq!(best(&[f64::NAN]), None);
    }
}
