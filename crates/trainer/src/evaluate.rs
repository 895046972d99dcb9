//! Trying a model on data it was not trained on.

use crate::config::Score;
use highwater_autodiff::{Feed, Mode, Program, Workspace};
use highwater_data::{Batch, BatchTargets, Dataset, Scale, Targets};
use highwater_nn::Model;
use highwater_objective::Loss;
use highwater_objective::metrics::{Evaluation, Metric, Scores as Kind};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Rows of one pass; it bounds memory and does not change what is computed for a row.
const ROWS: usize = 1024;

/// Loss and metrics of a model on a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// The number of rows.
    pub rows: usize,
    /// The mean loss of the rows.
    pub loss: f64,
    /// Metrics in the order asked for; NaN where a metric is undefined, for instance an area under a curve where
    /// there is one class only.
    pub metrics: Vec<(Metric, f64)>,
}

/// Evaluates one model any number of times without allocating for it anew.
pub struct Evaluator {
    program: Program,
    loss: Loss,
    ws: Workspace<f32>,
    /// As the model gives them.
    outputs: Vec<f32>,
    /// In the unit of the table, where a large mean may leave `f32` no digits for what differs.
    said: Vec<f64>,
    columns: usize,
    metrics: Vec<Metric>,
    units: Vec<Scale>,
    /// In the unit of the table, too.
    targets: Vec<f64>,
    /// Losses of rows; empty if they have none of their own.
    rows: Vec<f32>,
    /// Of the losses of the rows last tried.
    spread: Spread,
}

/// Mean and sum of squared distances from it, of numbers one after another (Welford 1962).
#[derive(Default)]
struct Spread {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Spread {
    fn add(&mut self, number: f64) {
        self.count += 1;
        let before = number - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (number - self.mean);
    }

    fn error_of_mean(&self) -> Option<f64> {
        let count = self.count as f64;
        (self.count > 1).then(|| (self.squares / (count - 1.0) / count).sqrt())
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Evaluator { loss, metrics, .. } = self;
        f.debug_struct("Evaluator").field("loss", loss).field("metrics", metrics).finish_non_exhaustive()
    }
}

impl Evaluator {
    /// For models of this network. If the targets were standardised, `units` (one for each output) map outputs and
    /// targets back, so that metrics are in the units of the table; the loss stays as it is trained.
    ///
    /// # Panics
    /// If a metric is not of the kind of the loss: of classes or of values; if there are units, and not one for each
    /// output.
    pub fn new(model: &Model<f32>, loss: &Loss, metrics: &[Metric], units: &[Scale]) -> Evaluator {
        for metric in metrics {
            assert_eq!(metric.is_of_classes(), loss.wants_classes(), "{metric} does not go with {loss:?}");
        }
        let mut has_rows = false;
        let program = model.compile_evaluation_of(|outputs| {
            let (mean, rows) = loss.record_with_rows(outputs);
            has_rows = rows.is_some();
            [mean, outputs].into_iter().chain(rows).collect()
        });
        let ws = program.workspace(ROWS);
        let columns = model.network().outputs();
        assert!(units.is_empty() || units.len() == columns, "{} units for {columns} outputs", units.len());
        Evaluator {
            program,
            loss: loss.clone(),
            ws,
            outputs: vec![0.0; ROWS * columns],
            said: vec![0.0; ROWS * columns],
            columns,
            metrics: metrics.to_vec(),
            units: units.to_vec(),
            targets: vec![0.0; ROWS * columns],
            rows: vec![0.0; if has_rows { ROWS } else { 0 }],
            spread: Spread::default(),
        }
    }

    /// Loss and metrics on `data` of a model with these parameters and buffers, or `None` as soon as `interrupted` says so.
    ///
    /// # Panics
    /// If there are not as many `values` as the model has, or `data` have other columns, or targets of another kind.
    pub fn scores(
        &mut self,
        values: &[f32],
        data: &Dataset,
        interrupted: impl Fn() -> bool,
    ) -> Option<Scores> {
        let mut evaluation = match data.targets() {
            Targets::Classes(_) => Evaluation::of_classes(&self.metrics, self.columns, Kind::Logits),
            Targets::Values(_) => Evaluation::of_values(&self.metrics, self.columns),
        };
        let loss = self.each(values, data, interrupted, |batch, said, targets| match batch.targets {
            BatchTargets::Classes(classes) => evaluation.update_classes(said, classes),
            BatchTargets::Values(_) => evaluation.update_values(said, targets),
        })?;
        let metrics = evaluation.values().map(|(metric, value)| (metric, value.unwrap_or(f64::NAN)));
        Some(Scores { rows: data.rows(), loss, metrics: metrics.collect() })
    }

    /// The outputs of the model for each row of `data`, rows × outputs: logits of classes, or values in the unit of the table.
    ///
    /// # Panics
    /// As [`scores`](Evaluator::scores).
    pub fn outputs(&mut self, values: &[f32], data: &Dataset) -> Array2<f64> {
        let mut all = Vec::with_capacity(data.rows() * self.columns);
        self.each(values, data, || false, |_, said, _| all.extend_from_slice(said));
        Array2::from_shape_vec((data.rows(), self.columns), all).expect("each row has its outputs")
    }

    /// The mean loss of the rows of `data`, and no metrics.
    ///
    /// # Panics
    /// As [`scores`](Evaluator::scores).
    pub fn loss(&mut self, values: &[f32], data: &Dataset) -> f64 {
        self.each(values, data, || false, |_, _, _| {}).expect("nobody interrupts")
    }

    /// Shows each batch of `data` with the outputs of the model and, if they are values, its targets, both in the unit of the
    /// table. Returns the mean loss, or `None` as soon as `interrupted` says so.
    fn each(
        &mut self,
        values: &[f32],
        data: &Dataset,
        interrupted: impl Fn() -> bool,
        mut show: impl FnMut(&Batch<'_>, &[f64], &[f64]),
    ) -> Option<f64> {
        let (mut loss, mut divisor) = (0.0, 0.0);
        self.spread = Spread::default();
        for batch in batches(data) {
            if interrupted() {
                return None;
            }
            let (of_batch, weight) = self.pass(values, &batch);
            (loss, divisor) = (loss + of_batch, divisor + weight);
            let count = batch.features.nrows() * self.columns;
            show(&batch, &self.said[..count], &self.targets[..count]);
        }
        Some(loss / divisor)
    }

    /// What the mean loss of a batch is divided by: the number of rows, or the sum of the weights of their classes.
    pub(crate) fn divisor(&self, batch: &Batch<'_>) -> f64 {
        match batch.targets {
            BatchTargets::Classes(classes) => self.loss.divisor(classes),
            BatchTargets::Values(_) => batch.features.nrows() as f64,
        }
    }

    /// Fills `said` and, of values, `targets`, both in the unit of the table. Returns the loss, multiplied by what it
    /// was divided by, and that.
    fn pass(&mut self, values: &[f32], batch: &Batch<'_>) -> (f64, f64) {
        let rows = batch.features.nrows();
        self.program.forward(&mut self.ws, values, &feeds(batch), Mode::Evaluate);
        let mut loss = [0.0];
        self.ws.copy_output(0, &mut loss);
        if !self.rows.is_empty() {
            let of_rows = &mut self.rows[..rows];
            self.ws.copy_output(2, of_rows);
            of_rows.iter().for_each(|loss| self.spread.add(f64::from(*loss)));
        }
        let outputs = &mut self.outputs[..rows * self.columns];
        self.ws.copy_output(1, outputs);
        in_units(outputs, &self.units, &mut self.said);
        if let BatchTargets::Values(values) = batch.targets {
            in_units(values.to_slice().expect("batches are row-major"), &self.units, &mut self.targets);
        }
        match self.divisor(batch) {
            // Rows of classes of weight 0 alone have no mean.
            0.0 => (0.0, 0.0),
            divisor => (f64::from(loss[0]) * divisor, divisor),
        }
    }

    /// The standard error of the loss that was found last, as a mean over rows: the deviation of their losses by the root
    /// of their number. `None` of a single row, or if classes have weights.
    pub(crate) fn loss_error(&self) -> Option<f64> {
        self.spread.error_of_mean()
    }
}

impl Scores {
    /// The value of a score, if it is among these.
    pub fn score(&self, score: Score) -> Option<f64> {
        match score {
            Score::Loss => Some(self.loss),
            Score::Metric(metric) => {
                self.metrics.iter().find(|(found, _)| *found == metric).map(|(_, value)| *value)
            }
        }
    }

    /// The standard error of the accuracy p of n rows, √(p(1 − p)/n), if the accuracy is among the metrics.
    pub(crate) fn accuracy_error(&self) -> Option<f64> {
        let p = self.score(Score::Metric(Metric::Accuracy))?;
        Some((p * (1.0 - p) / self.rows as f64).sqrt())
    }
}

/// Standardised values, row by row, in the unit of the table; as they are if there are no units.
fn in_units(values: &[f32], units: &[Scale], target: &mut [f64]) {
    for (at, (target, value)) in target.iter_mut().zip(values).enumerate() {
        *target = match units {
            [] => f64::from(*value),
            units => units[at % units.len()].invert(*value),
        };
    }
}

fn batches(data: &Dataset) -> impl Iterator<Item = Batch<'_>> {
    (0..data.rows()).step_by(ROWS).map(|start| data.batch(start..(start + ROWS).min(data.rows())))
}

/// Loss and metrics of `model` on `data`.
///
/// # Panics
/// As [`Evaluator::new`], and if the data have not as many columns as the model has inputs.
pub fn evaluate(
    model: &Model<f32>,
    loss: &Loss,
    metrics: &[Metric],
    data: &Dataset,
    units: &[Scale],
) -> Scores {
    let scores = Evaluator::new(model, loss, metrics, units).scores(model.values(), data, || false);
    scores.expect("nobody interrupts")
}

/// What a program of inputs and targets is given.
pub(crate) fn feeds<'a>(batch: &Batch<'a>) -> [Feed<'a, f32>; 2] {
    let targets = match batch.targets {
        BatchTargets::Classes(classes) => Feed::Indices(classes),
        BatchTargets::Values(values) => Feed::Values(values),
    };
    [Feed::Values(batch.features), targets]
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_nn::{Activation, Init, Mlp};
    use ndarray::array;

    #[test]
    fn the_error_of_a_loss_is_of_the_rows_tried_last() {
        let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
        let model = Model::new(line.network(), Init::Constant { value: 0.0 }, 0).unwrap();
        let rows = |targets| Dataset::new(array![[0.0], [0.0]], Targets::Values(targets));
        // Losses of 0 and 4, with a deviation of √8; and of 1 and 1.
        let (wide, narrow) = (rows(array![[0.0], [2.0]]), rows(array![[1.0], [-1.0]]));
        let mut evaluator = Evaluator::new(&model, &Loss::MeanSquaredError, &[], &[]);
        assert_eq!((evaluator.loss(model.values(), &wide), evaluator.loss_error()), (2.0, Some(2.0)));
        assert_eq!((evaluator.loss(model.values(), &narrow), evaluator.loss_error()), (1.0, Some(0.0)));
        evaluator.outputs(model.values(), &wide);
        assert_eq!(evaluator.loss_error(), Some(2.0));
    }
}
