//! Whether a model is better than a guess that knows nothing of the columns.

use crate::config::DataConfig;
use crate::data_args::ClassWeights;
use crate::evaluate;
use crate::measures::loss;
use highwater_data::{Dataset, Preparation, Targets};
use highwater_nn::{Init, Layer, Model, Sequential};
use highwater_objective::metrics::Metric;
use highwater_report::Rounded;
use highwater_trainer::Scores;

/// One answer for all rows.
pub(crate) struct Guess {
    /// The most frequent class, quoted, or the mean.
    pub(crate) answer: String,
    /// The first of the metrics of the task.
    pub(crate) score: (Metric, f64),
    /// Where the shares of the classes are taken for probabilities.
    pub(crate) loss: f64,
}

impl Guess {
    /// From what is known of some rows, training rows where they are at hand; scored on others. Where all classes count the
    /// same there is none: such a model is not made for being right most often.
    pub(crate) fn of(
        config: &DataConfig,
        preparation: &Preparation,
        known: &Targets,
        data: &Dataset,
    ) -> Option<Guess> {
        if config.is_balanced() {
            return None;
        }
        let (outputs, answer) = match known {
            Targets::Classes(rows) => {
                let mut counts = vec![0_u32; preparation.class_names().len()];
                rows.iter().for_each(|class| counts[*class as usize] += 1);
                let (most, _) = counts.iter().enumerate().rev().max_by_key(|(_, count)| **count)?;
                let name = format!("{:?}", preparation.class_names()[most]);
                (counts.into_iter().map(|count| (count as f32).ln()).collect(), name)
            }
            // Standardised, the mean is 0.
            Targets::Values(values) => (vec![0.0; values.ncols()], "the mean".to_owned()),
        };
        let loss = loss(preparation, ClassWeights::None, known);
        let scores = evaluate::scores(&constant(data.inputs(), &outputs)?, &loss, &[], preparation, data);
        Some(Guess { answer, score: *scores.metrics.first()?, loss: scores.loss })
    }

    /// What is to be said of a model with this score and loss on the same rows, if the guess scores as well and could be
    /// wrong; `on` says which rows these are.
    pub(crate) fn note(&self, of_model: f64, loss: f64, on: &str) -> Option<String> {
        let Guess { answer, score: (metric, value), .. } = self;
        // The mean explains nothing, rounding aside.
        let shown = Rounded(if value.abs() < 1e-12 { 0.0 } else { *value });
        // Where one class is rare, a useful model may call no row by its name.
        let tells = matches!(metric, Metric::Accuracy) && loss < 0.9 * self.loss;
        let (loss, shares) = (Rounded(loss), Rounded(self.loss));
        let but = match tells {
            true => format!(
                "; but its probabilities tell more than the shares of the classes: loss {loss}, not {shares}"
            ),
            false => String::new(),
        };
        (of_model <= *value && *value < 1.0)
            .then(|| format!("no better than always guessing {answer}: {metric} {shown}{on}{but}"))
    }

    /// As [`Guess::note`], of all scores of a model.
    pub(crate) fn note_on(&self, scores: &Scores, on: &str) -> Option<String> {
        self.note(scores.metrics.first()?.1, scores.loss, on)
    }
}

/// A model that says the same of every row.
fn constant(inputs: usize, outputs: &[f32]) -> Option<Model<f32>> {
    let network = Sequential { inputs, layers: vec![Layer::Linear { outputs: outputs.len() }] };
    let mut model = Model::new(network, Init::Constant { value: 0.0 }, 0).ok()?;
    let parameters = model.parameters_mut();
    let weights = parameters.len() - outputs.len();
    parameters[weights..].copy_from_slice(outputs);
    Some(model)
}
