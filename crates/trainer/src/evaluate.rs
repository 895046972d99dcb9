//! Trying a model on data it was not trained on.

use highwater_autodiff::{Feed, Mode, Program, Workspace};
use highwater_data::{Batch, BatchTargets, Dataset, Scale, Targets};
use highwater_nn::Model;
use highwater_objective::Loss;
use highwater_objective::metrics::{Evaluation, Metric, Scores as Kind};

/// Rows of one pass; it bounds memory and does not change what is computed for a row.
const ROWS: usize = 1024;

/// Loss and metrics of a model on a data set.
#[derive(Debug, Clone, PartialEq)]
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
    ws: Workspace<f32>,
    outputs: Vec<f32>,
    columns: usize,
    metrics: Vec<Metric>,
    units: Vec<Scale>,
    /// Targets in their own unit.
    targets: Vec<f32>,
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
        let program = model.compile_evaluation(|y| loss.record(y));
        let ws = program.workspace(ROWS);
        let columns = model.network().outputs();
        assert!(units.is_empty() || units.len() == columns, "{} units for {columns} outputs", units.len());
        Evaluator {
            program,
            ws,
            outputs: vec![0.0; ROWS * columns],
            columns,
            metrics: metrics.to_vec(),
            units: units.to_vec(),
            targets: vec![0.0; ROWS * columns],
        }
    }

    /// Loss and metrics on `data`, or `None` as soon as `interrupted` says so.
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
        let mut loss = 0.0;
        for start in (0..data.rows()).step_by(ROWS) {
            if interrupted() {
                return None;
            }
            let batch = data.batch(start..(start + ROWS).min(data.rows()));
            let rows = batch.features.nrows();
            self.program.forward(&mut self.ws, values, &feeds(&batch), Mode::Evaluate);
            let mut of_rows = [0.0];
            self.ws.copy_output(0, &mut of_rows);
            loss += f64::from(of_rows[0]) * rows as f64;
            let outputs = &mut self.outputs[..rows * self.columns];
            self.ws.copy_output(1, outputs);
            match batch.targets {
                BatchTargets::Classes(classes) => evaluation.update_classes(outputs, classes),
                BatchTargets::Values(values) => {
                    let targets = &mut self.targets[..outputs.len()];
                    targets.copy_from_slice(values.to_slice().expect("batches are row-major"));
                    if !self.units.is_empty() {
                        for (value, unit) in outputs.iter_mut().zip(self.units.iter().cycle()) {
                            *value = unit.invert(*value) as f32;
                        }
                        for (value, unit) in targets.iter_mut().zip(self.units.iter().cycle()) {
                            *value = unit.invert(*value) as f32;
                        }
                    }
                    evaluation.update_values(outputs, targets);
                }
            }
        }
        let metrics = evaluation.values().map(|(metric, value)| (metric, value.unwrap_or(f64::NAN)));
        Some(Scores { rows: data.rows(), loss: loss / data.rows() as f64, metrics: metrics.collect() })
    }
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
