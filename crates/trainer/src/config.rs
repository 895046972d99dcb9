//! What a run is asked to do.

use crate::error::Error;
use highwater_early_stopping::{Goal, NonFinite, Rule, Signal};
use highwater_nn::Model;
use highwater_objective::metrics::Metric;
use highwater_optim::{Adam, GroupRule, Groups, Method, Optimizer, Plateau, ReduceOnPlateau, Schedule};
use serde::{Deserialize, Serialize};

/// Everything that decides the course of a run, apart from the data and the model it begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Decides the order of the rows of each epoch, and what dropout drops.
    pub seed: u64,
    /// The run ends after so many epochs at the latest.
    pub epochs: u64,
    /// Rows of a training step; the last step of an epoch takes what is left. If the model has batch normalisation, a single
    /// row that is left joins the step before, as there is no variance over one.
    pub batch_size: usize,
    /// Computes a step from several smaller batches of at most so many rows, for the sake of memory: the gradient is the mean
    /// over all rows of the step. Batch normalisation goes by the rows of each smaller batch; of these, too, none has a single
    /// row.
    #[serde(default)]
    pub micro_batch: Option<usize>,
    /// The base learning rate.
    pub learning_rate: f64,
    /// How the learning rate goes on from the base, step by step.
    #[serde(default)]
    pub schedule: Schedule,
    /// Lowers the base when the monitored value no longer improves. `maximize` must be true if a large value of that is good.
    #[serde(default)]
    pub plateau: Option<ReduceOnPlateau>,
    /// How parameters are updated.
    pub optimizer: Method,
    /// Parameters that are updated otherwise, by their names in the [table](Model::table) of the model.
    #[serde(default)]
    pub groups: Vec<GroupRule>,
    /// Gradients with a larger norm are scaled down to it.
    pub clip_norm: Option<f64>,
    /// When the model is tried on the validation rows.
    pub validate: Every,
    /// When to stop before the last epoch.
    pub stop: Rule,
    /// What the rule watches, see [`Record::observation`](crate::Record::observation).
    pub monitor: Score,
    /// What chooses the model that is kept; of equal values the first. A run may be resumed with another one of its metrics:
    /// then its earlier checkpoints are ranked by that as well.
    pub select: Score,
    /// What a watched value that is not finite does.
    #[serde(default)]
    pub non_finite: NonFinite,
    /// Metrics of the validation rows that are recorded beside the loss.
    pub metrics: Vec<Metric>,
}

/// Adam at a learning rate of 0.001 over batches of 32 rows for up to 100 epochs, validated after each, until the loss has not
/// improved for ten. The best loss is kept.
impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 0,
            epochs: 100,
            batch_size: 32,
            micro_batch: None,
            learning_rate: 0.001,
            schedule: Schedule::default(),
            plateau: None,
            optimizer: Method::Adam(Adam::default()),
            groups: Vec::new(),
            clip_norm: None,
            validate: Every::Epochs(1),
            stop: Rule::patience(10),
            monitor: Score::Loss,
            select: Score::Loss,
            non_finite: NonFinite::default(),
            metrics: Vec::new(),
        }
    }
}

/// How often something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    /// After so many epochs.
    Epochs(u64),
    /// After so many steps.
    Steps(u64),
}

impl Every {
    /// In steps.
    pub(crate) fn steps(self, steps_per_epoch: u64) -> u64 {
        match self {
            Every::Epochs(epochs) => epochs.saturating_mul(steps_per_epoch),
            Every::Steps(steps) => steps,
        }
    }
}

/// A value of the validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The loss.
    Loss,
    /// One of the metrics.
    Metric(Metric),
}

impl Score {
    /// Whether small or large is good.
    pub fn goal(self) -> Goal {
        match self {
            Score::Metric(metric) if metric.higher_is_better() => Goal::Maximize,
            Score::Loss | Score::Metric(_) => Goal::Minimize,
        }
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Score::Loss => f.write_str("loss"),
            Score::Metric(metric) => metric.fmt(f),
        }
    }
}

impl std::str::FromStr for Score {
    type Err = highwater_objective::metrics::UnknownMetric;

    fn from_str(name: &str) -> Result<Score, Self::Err> {
        if name == "loss" { Ok(Score::Loss) } else { name.parse().map(Score::Metric) }
    }
}

impl Serialize for Score {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Score, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Config {
    /// The first of `monitor` and `select` that is a metric and not among [`metrics`](Config::metrics): the setting's name, and the
    /// metric.
    pub fn unmeasured(&self) -> Option<(&'static str, Metric)> {
        let decide = [("monitor", self.monitor), ("select", self.select)];
        decide.into_iter().find_map(|(field, score)| match score {
            Score::Metric(metric) if !self.metrics.contains(&metric) => Some((field, metric)),
            _ => None,
        })
    }

    /// Whether the values make sense together.
    ///
    /// # Errors
    /// Names the first field that does not.
    pub fn validate(&self) -> Result<(), Error> {
        let positive = |field: &'static str, value: f64| match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(Error::Setting { field, value: value.to_string(), must: "be a positive number" }),
        };
        let counted = |field: &'static str, value: u64| match value {
            0 => Err(Error::Setting { field, value: "0".into(), must: "be at least 1" }),
            _ => Ok(()),
        };
        positive("learning_rate", self.learning_rate)?;
        self.clip_norm.map_or(Ok(()), |limit| positive("clip_norm", limit))?;
        counted("epochs", self.epochs)?;
        counted("batch_size", self.batch_size as u64)?;
        counted("validate", self.validate.steps(1))?;
        self.micro_batch.map_or(Ok(()), |rows| counted("micro_batch", rows as u64))?;
        // By its name it could not be read back from a checkpoint.
        if let Some(metric) = self.metrics.iter().find(|metric| **metric == Metric::TopKAccuracy(0)) {
            let (value, must) = (metric.to_string(), "count the first class at least");
            return Err(Error::Setting { field: "metrics", value, must });
        }
        if let Some((field, metric)) = self.unmeasured() {
            let (value, must) = (metric.to_string(), "be loss or one of the metrics of the run");
            return Err(Error::Setting { field, value, must });
        }
        self.stop.check().map_err(|what| Error::Rule { what: what.to_string() })?;
        self.stop.leaves().into_iter().try_for_each(|rule| self.feeds(rule))?;
        self.optimizer.validate()?;
        self.schedule.validate()?;
        self.optimizer.validate_with(&self.schedule, self.plateau.as_ref())?;
        if let Some(rule) = self.plateau {
            Plateau::new(rule, self.learning_rate)?;
            if rule.maximize != (self.monitor.goal() == Goal::Maximize) {
                return Err(Error::Setting {
                    field: "plateau.maximize",
                    value: rule.maximize.to_string(),
                    must: "be true if a large monitored value is good, and false if not",
                });
            }
        }
        Ok(())
    }

    /// Whether the stopping rule goes by the evidence of the gradients, which is computed then.
    pub fn asks_for_evidence(&self) -> bool {
        self.stop.goes_by(Signal::Evidence)
    }

    /// Whether the stopping rule goes by standard errors, which are computed then.
    pub fn asks_for_standard_errors(&self) -> bool {
        self.stop.goes_by(Signal::StandardError)
    }

    /// The optimizer of a model, before its first step.
    pub(crate) fn optimizer_of(&self, model: &Model<f32>) -> Result<Optimizer<f32>, Error> {
        let table = model.table().iter().map(|parameter| (&parameter.name[..], parameter.range()));
        Ok(Optimizer::new(self.optimizer, Groups::by_name(table, &self.groups)?)?)
    }

    /// An error if a rule goes by something that this run does not measure.
    fn feeds(&self, rule: &Rule) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::Rule { what: format!("`{rule}` {why}") });
        match rule {
            Rule::Plateau(_) if self.plateau.is_none() => refuse(
                "counts reductions of the learning rate, and this run makes none: set training.plateau"
                    .to_owned(),
            ),
            Rule::Evidence if self.batch_size < SMALLEST_SAMPLE => refuse(format!(
                "goes by the spread of the gradient within a batch: it needs a batch size of at least \
                 {SMALLEST_SAMPLE}, better 32",
            )),
            _ if rule.goes_by(Signal::StandardError)
                && !matches!(self.monitor, Score::Loss | Score::Metric(Metric::Accuracy)) =>
            {
                refuse(format!(
                    "goes by standard errors, which are known of loss and accuracy, not of {}: monitor one of these, \
                     or give min_delta as a number",
                    self.monitor
                ))
            }
            _ => Ok(()),
        }
    }
}

/// With fewer rows, the ratio of a signal to its estimated variance has no mean.
pub(crate) const SMALLEST_SAMPLE: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_good_if_it_is_small_unless_it_is_a_metric_that_should_be_large() {
        for (name, goal) in [("loss", Goal::Minimize), ("mae", Goal::Minimize), ("accuracy", Goal::Maximize)]
        {
            assert_eq!(name.parse::<Score>().unwrap().goal(), goal, "{name}");
        }
    }

    #[test]
    fn evidence_can_be_taken_of_the_smallest_batches_that_its_refusal_names() {
        for (batch_size, is_taken) in [(SMALLEST_SAMPLE - 1, false), (SMALLEST_SAMPLE, true)] {
            let config = Config { batch_size, stop: Rule::Evidence, ..Config::default() };
            assert_eq!(config.validate().is_ok(), is_taken, "{batch_size}");
        }
    }
}
