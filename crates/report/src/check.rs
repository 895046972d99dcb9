//! Runs to test with.

use crate::{About, reconstruct};
use highwater_trainer::{Config, Ended, Event, Plan, Record, Report, Scores, Weights};

/// With accuracy as its one metric, and at most 200 epochs.
pub(crate) fn config(stop: &str) -> Config {
    Config {
        seed: 7,
        epochs: 200,
        learning_rate: 0.01,
        stop: stop.parse().unwrap(),
        metrics: vec!["accuracy".parse().unwrap()],
        ..Config::default()
    }
}

/// What an [`About`] borrows, of a run with some stopping rule.
pub(crate) struct Text {
    pub(crate) config: Config,
    facts: Vec<(String, String)>,
}

impl Text {
    pub(crate) fn new(stop: &str) -> Text {
        Text { config: config(stop), facts: vec![("data".into(), "digits.csv: 1,797 rows".into())] }
    }

    pub(crate) fn about(&self) -> About<'_> {
        About {
            title: "digits",
            facts: &self.facts,
            training_rows: 1_149,
            command: "highwater train --data digits.csv",
            configuration: "seed = 7\n",
            ..About::new(&self.config)
        }
    }
}

/// A record after each of these epochs, of 36 steps and a quarter of a second.
pub(crate) fn records(losses: &[f64]) -> Vec<Record> {
    let record = |(epoch, &loss): (u64, &f64)| Record {
        epoch,
        step: 36 * epoch,
        training_loss: loss * 0.9,
        validation_loss: loss,
        metrics: vec![("accuracy".parse().unwrap(), 1.0 - loss / 2.0)],
        learning_rate: 0.01,
        gradient_norm: 1.5,
        elapsed: 0.25 * epoch as f64,
        signals: Default::default(),
    };
    (1..).zip(losses).map(record).collect()
}

/// A run that ended in some way.
pub(crate) fn ended(losses: &[f64], ended: Ended, epoch_limit: u64) -> Report {
    let report = reconstruct(records(losses), &config("never"));
    Report { ended, epoch_limit, ..report }
}

/// A run that falls to its third epoch and rises, stopped by a rule.
pub(crate) fn wiggle(stop: &str) -> Report {
    let config = config(stop);
    let losses = [0.9, 0.5, 0.4, 0.45, 0.42, 0.5];
    let ended = |count: usize| reconstruct(records(&losses[..count]), &config);
    let stopped = (1..=losses.len()).map(ended).find(|report| matches!(report.ended, Ended::Stopped(_)));
    stopped.expect("the rule fires")
}

/// Scores with accuracy as the one metric.
pub(crate) fn scores(rows: usize, loss: f64, accuracy: f64) -> Scores {
    Scores { rows, loss, metrics: vec![("accuracy".parse().unwrap(), accuracy)] }
}

/// Of a run that goes on from these records.
pub(crate) fn plan(history: &[Record]) -> Plan {
    Plan {
        training_rows: 1_149,
        validation_rows: 288,
        parameters: 9_610,
        steps_per_epoch: 36,
        epochs: 200,
        steps_per_validation: 36,
        resumed_at: history.last().map(|record| record.step),
        history: history.to_vec(),
        best: reconstruct(history.to_vec(), &config("never")).best,
    }
}

/// A validation of which observers need nothing but the record.
pub(crate) fn validated(record: &Record) -> Event<'_> {
    Event::Validated { record, improved: false, best: None, earliest_stop: None, weights: Weights::default() }
}
