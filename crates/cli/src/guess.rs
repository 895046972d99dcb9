//! Whether a model is better than a guess that knows nothing of the columns.

use crate::evaluate;
use highwater_data::{Dataset, Preparation, Targets};
use highwater_nn::{Init, Layer, Model, Sequential};
use highwater_objective::Loss;
use highwater_objective::metrics::Metric;
use highwater_report::Rounded;
use highwater_trainer::Scores;

/// What is to be said of a model with these scores on the rows of a part, if a guess scores as well there.
pub(crate) fn note(
    scores: &Scores,
    loss: &Loss,
    preparation: &Preparation,
    train: &Targets,
    (part, data): (&str, &Dataset),
) -> Option<String> {
    let Guess { answer, score: (metric, at_most) } = Guess::of(loss, preparation, train, data)?;
    let (_, of_model) = *scores.metrics.first()?;
    let shown = Rounded(at_most);
    (of_model <= at_most)
        .then(|| format!("no better than always guessing {answer}: {metric} {shown} on the {part} rows"))
}

/// One answer for all rows.
pub(crate) struct Guess {
    /// The most frequent class of the training rows, quoted, or their mean.
    pub(crate) answer: String,
    /// The first of the metrics of the task.
    pub(crate) score: (Metric, f64),
}

impl Guess {
    /// Scored on these rows. Where all classes count the same there is none: such a model is not made for being right most
    /// often.
    pub(crate) fn of(
        loss: &Loss,
        preparation: &Preparation,
        train: &Targets,
        data: &Dataset,
    ) -> Option<Guess> {
        if loss.weighs_classes() {
            return None;
        }
        let (outputs, answer) = match train {
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
        let scores = evaluate::scores(&constant(data.inputs(), &outputs)?, loss, preparation, data);
        Some(Guess { answer, score: *scores.metrics.first()? })
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
