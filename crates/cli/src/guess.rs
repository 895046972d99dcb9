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
                let mut counts = vec![0.0_f32; preparation.class_names().len()];
                rows.iter().for_each(|class| counts[*class as usize] += 1.0);
                let (most, _) = counts.iter().enumerate().rev().max_by(|a, b| a.1.total_cmp(b.1))?;
                let name = format!("{:?}", preparation.class_names()[most]);
                (counts, name)
            }
            // Standardised, the mean is 0.
            Targets::Values(values) => (vec![0.0; values.ncols()], "the mean".to_owned()),
        };
        let loss = loss(preparation, ClassWeights::None, known);
        let scores = evaluate::scores(&constant(data.inputs(), &outputs)?, &loss, preparation, data);
        Some(Guess { answer, score: *scores.metrics.first()? })
    }

    /// What is to be said of a model of this score on the same rows, if the guess scores as well and could be wrong.
    pub(crate) fn note(&self, of_model: f64) -> Option<String> {
        let Guess { answer, score: (metric, value) } = self;
        (of_model <= *value && *value < 1.0)
            .then(|| format!("no better than always guessing {answer}: {metric} {}", Rounded(*value)))
    }

    /// As [`Guess::note`], of all scores of a model.
    pub(crate) fn note_on(&self, scores: &Scores) -> Option<String> {
        self.note(scores.metrics.first()?.1)
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
