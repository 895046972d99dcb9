//! The history of a run: it is the run's state, as far as stopping and choosing go.

use crate::config::Score;
use crate::measured_on::MeasuredOn;
use highwater_checkpoint::Facts;
use highwater_early_stopping::{EarlyStopping, Observation, StopReason};
use highwater_objective::metrics::Metric;
use highwater_optim::Plateau;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What was found at one validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Epochs complete: 0 within the first.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// Mean loss of the training rows since the record before, each with the parameters of its step.
    pub training_loss: f64,
    /// Loss of the validation rows, or of the training rows if there are none, all with the present parameters.
    pub validation_loss: f64,
    /// Metrics of the same rows, in the configured order; NaN where a metric is undefined.
    pub metrics: Vec<(Metric, f64)>,
    /// Of the last step.
    pub learning_rate: f64,
    /// Norm of the gradient of the last step, before it was clipped; NaN in checkpoints of schema 1.
    pub gradient_norm: f64,
    /// Training time so far, in seconds, interruptions not counted.
    pub elapsed: f64,
    /// What some stopping rules go by beside the values.
    pub signals: Signals,
}

/// What some stopping rules go by beside the values: each is there where the configuration asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Signals {
    /// How many times the [`plateau`](crate::Config::plateau) has called for a smaller learning rate, this record included, if there
    /// is one.
    pub reductions: Option<u64>,
    /// The [evidence of the gradients](highwater_early_stopping::GradientEvidence) of the steps since the record before, if the
    /// stopping rule is to go by it.
    pub evidence: Option<f64>,
    /// Standard error of the validation loss as a mean over rows, if the stopping rule is to go by it.
    pub loss_error: Option<f64>,
    /// Standard error of the accuracy, if it is among the metrics and the stopping rule is to go by it.
    pub accuracy_error: Option<f64>,
}

/// [`Record`] in schema 1.
#[derive(Deserialize)]
pub(crate) struct RecordV1 {
    epoch: u64,
    step: u64,
    training_loss: f64,
    validation_loss: f64,
    metrics: Vec<(Metric, f64)>,
    learning_rate: f64,
    elapsed: f64,
}

impl From<RecordV1> for Record {
    fn from(record: RecordV1) -> Record {
        let RecordV1 { epoch, step, training_loss, validation_loss, metrics, learning_rate, elapsed } =
            record;
        Record {
            epoch,
            step,
            training_loss,
            validation_loss,
            metrics,
            learning_rate,
            gradient_norm: f64::NAN,
            elapsed,
            signals: Signals::default(),
        }
    }
}

/// The value of a score at the validation that a checkpoint of a run was saved with, as
/// [`Record::observation`] has it; `None` if it was saved between validations, or the score was not among the metrics.
///
/// [`resume`](crate::resume) ranks the checkpoints of its store by this for
/// [`Config::select`](crate::Config::select), since a run may have selected by another score when it saved them.
pub fn score_in(facts: &Facts, score: Score) -> Option<f64> {
    let label = |name: &str| facts.labels.get(name)?.parse::<f64>().ok();
    MeasuredOn::ALL.into_iter().find_map(|measured_on| {
        let loss = label(&measured_on.loss_column())?;
        match score {
            Score::Metric(metric) if loss.is_finite() => label(&format!("{}_{metric}", measured_on.key())),
            Score::Metric(_) | Score::Loss => Some(loss),
        }
    })
}

impl Record {
    /// The value of a score; NaN if it was not recorded.
    pub fn score(&self, score: Score) -> f64 {
        match score {
            Score::Loss => self.validation_loss,
            Score::Metric(metric) => {
                self.metrics.iter().find(|(m, _)| *m == metric).map_or(f64::NAN, |(_, value)| *value)
            }
        }
    }

    /// Shows the record to the plateau, whose reductions it notes, and then to the stopping rule, and returns what that says.
    pub(crate) fn show(
        &mut self,
        monitor: Score,
        plateau: Option<&mut Plateau>,
        stopping: &mut EarlyStopping,
    ) -> Option<StopReason> {
        self.signals.reductions = plateau.map(|plateau| {
            plateau.observe(self.observation(monitor).value);
            plateau.reductions()
        });
        stopping.observe(&self.observation(monitor)).stop
    }

    /// For people who look into a checkpoint.
    pub(crate) fn labels(&self, measured_on: MeasuredOn) -> Vec<(String, String)> {
        let losses = [
            ("training_loss".to_owned(), self.training_loss),
            (measured_on.loss_column(), self.validation_loss),
        ];
        let metrics =
            self.metrics.iter().map(|(metric, value)| (format!("{}_{metric}", measured_on.key()), *value));
        let all = losses.into_iter().chain(metrics);
        all.map(|(name, value)| (name, value.to_string())).collect()
    }

    /// As the stopping rules and the choice of the best see it. The value of a record whose validation loss is not
    /// finite is not finite either: the accuracy, say, of a model that computes NaN is a number, but no merit.
    pub fn observation(&self, monitor: Score) -> Observation {
        let value = if self.validation_loss.is_finite() { self.score(monitor) } else { self.validation_loss };
        let standard_error = match monitor {
            Score::Loss => self.signals.loss_error,
            Score::Metric(Metric::Accuracy) => self.signals.accuracy_error,
            Score::Metric(_) => None,
        };
        Observation {
            train: Some(self.training_loss),
            elapsed: Duration::try_from_secs_f64(self.elapsed).ok(),
            step: Some(self.step),
            standard_error,
            reductions: self.signals.reductions,
            evidence: self.signals.evidence,
            ..Observation::new(self.epoch, value)
        }
    }
}

/// What [`Record::observation`] makes of each record.
pub(crate) fn observations(history: &[Record], score: Score) -> Vec<Observation> {
    history.iter().map(|record| record.observation(score)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_without_a_finite_loss_has_no_merit() {
        let accuracy = Score::Metric("accuracy".parse().unwrap());
        for (loss, expected) in [("0.5", "Some(0.25)"), ("NaN", "Some(NaN)")] {
            let mut facts = Facts::default();
            for (name, value) in [("validation_loss", loss), ("validation_accuracy", "0.25")] {
                facts.labels.insert(name.to_owned(), value.to_owned());
            }
            assert_eq!(format!("{:?}", score_in(&facts, accuracy)), expected);
        }
    }

    #[test]
    fn a_record_without_a_finite_loss_has_no_merit() {
        let accuracy: Metric = "accuracy".parse().unwrap();
        for (validation_loss, value) in [(0.5, 0.25), (f64::NAN, f64::NAN), (f64::INFINITY, f64::INFINITY)] {
            let record = Record {
                epoch: 3,
                step: 30,
                training_loss: 0.75,
                validation_loss,
                metrics: vec![(accuracy, 0.25)],
                learning_rate: 0.1,
                gradient_norm: 2.0,
                elapsed: 1.5,
                signals: Signals {
                    reductions: Some(2),
                    evidence: Some(-0.5),
                    loss_error: Some(0.125),
                    accuracy_error: Some(0.0625),
                },
            };
            let observation = record.observation(Score::Metric(accuracy));
            assert_eq!(observation.value.to_bits(), value.to_bits());
            assert_eq!((observation.at, observation.step, observation.train), (3, Some(30), Some(0.75)));
            assert_eq!(observation.elapsed, Some(Duration::from_millis(1500)));
            assert_eq!((observation.reductions, observation.evidence), (Some(2), Some(-0.5)));
            assert_eq!(observation.standard_error, Some(0.0625));
            assert_eq!(record.observation(Score::Loss).standard_error, Some(0.125));
        }
    }
}
