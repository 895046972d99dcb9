//! Whether a model is better than a guess that knows nothing of the columns.

use crate::evaluate;
use highwater_data::{Dataset, Preparation, Targets};
use highwater_nn::{Init, Layer, Model, Sequential};
use highwater_objective::Loss;
use highwater_report::Rounded;
use highwater_trainer::Scores;

/// What is to be said of a model with these scores on the rows of a part, if always guessing the most frequent class of the
/// training rows, or their mean, scores as well there. Of a model for which all classes count the same, nothing: it is not
/// made for being right most often.
pub(crate) fn note(
    scores: &Scores,
    loss: &Loss,
    preparation: &Preparation,
    train: &Targets,
    (part, data): (&str, &Dataset),
) -> Option<String> {
    let (outputs, guess) = match train {
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
    let of_guess = evaluate::scores(&constant(data.inputs(), &outputs)?, loss, preparation, data);
    let ((metric, at_most), (_, of_model)) = (*of_guess.metrics.first()?, *scores.metrics.first()?);
    let no_better = of_model <= at_most && !loss.weighs_classes();
    let at_most = Rounded(at_most);
    no_better
        .then(|| format!("no better than always guessing {guess}: {metric} {at_most} on the {part} rows"))
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
