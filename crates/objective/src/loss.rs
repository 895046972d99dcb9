//! What training makes small, recorded into a graph.

use crate::error::{Error, require, require_positive};
use highwater_autodiff::{Axis, Indices, Var};
use serde::{Deserialize, Serialize};

/// A loss function with its settings.
///
/// Every loss is a weighted mean over the rows of the batch, Σ wᵢ·lᵢ / Σ wᵢ, with wᵢ = 1 unless sample weights or
/// class weights are given; the loss of a row with several outputs is the mean over them. This is what PyTorch's
/// `reduction="mean"` computes (with sample weights, of what its `reduction="none"` gives). Of a batch whose weights are
/// all 0, say rows of classes without weight alone, the loss is 0 / 0: NaN, and so is its gradient. Where that can be,
/// look at [`Loss::divisor`] first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// (output - target)².
    MeanSquaredError,
    /// |output - target|.
    MeanAbsoluteError,
    /// ½d² up to |d| = `delta`, then linear: delta·(|d| - ½delta) (Huber 1964).
    Huber {
        /// Where the parabola ends; above 0.
        delta: f64,
    },
    /// -ln softmax(outputs) of the class, from logits.
    CrossEntropy(CrossEntropy),
    /// -target·ln σ(output) - (1 - target)·ln(1 - σ(output)) for each output, from logits; targets within 0..=1.
    BinaryCrossEntropy(BinaryCrossEntropy),
}

/// Settings of the cross-entropy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// Mixes the target with the uniform distribution over all classes, of which it takes this share, within 0..=1
    /// (Szegedy et al. 2016, section 7).
    pub label_smoothing: f64,
    /// A weight for each class, at least 0 and not all 0; empty: all 1.
    pub class_weights: Vec<f64>,
}

/// Settings of the binary cross-entropy.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BinaryCrossEntropy {
    /// A weight for the positive examples of each output, above 0; empty: all 1.
    pub positive_weights: Vec<f64>,
}

impl From<CrossEntropy> for Loss {
    fn from(settings: CrossEntropy) -> Loss {
        Loss::CrossEntropy(settings)
    }
}

impl From<BinaryCrossEntropy> for Loss {
    fn from(settings: BinaryCrossEntropy) -> Loss {
        Loss::BinaryCrossEntropy(settings)
    }
}

/// What the outputs are compared with.
#[derive(Debug, Clone, Copy)]
pub enum Target<'g> {
    /// batch×outputs.
    Values(Var<'g>),
    /// The class of each row.
    Classes(Indices<'g>),
}

impl Loss {
    /// Whether targets are classes; else they are values.
    pub fn wants_classes(&self) -> bool {
        matches!(self, Loss::CrossEntropy(_))
    }

    /// Whether rows count by the weight of their class.
    pub fn weighs_classes(&self) -> bool {
        matches!(self, Loss::CrossEntropy(settings) if !settings.class_weights.is_empty())
    }

    /// What the loss of rows of these classes is divided by: the sum of their weights, or their number.
    ///
    /// # Panics
    /// If there are class weights, and none for one of the classes.
    pub fn divisor(&self, classes: &[u32]) -> f64 {
        match self {
            Loss::CrossEntropy(settings) if self.weighs_classes() => {
                classes.iter().map(|class| settings.class_weights[*class as usize]).sum()
            }
            _ => classes.len() as f64,
        }
    }

    /// Checks that each setting is in the range in which the loss is defined.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is not; [`Error::NoWeight`].
    pub fn validate(&self) -> Result<(), Error> {
        match self {
            Loss::MeanSquaredError | Loss::MeanAbsoluteError => Ok(()),
            Loss::Huber { delta } => require_positive("huber", "delta", *delta),
            Loss::CrossEntropy(CrossEntropy { label_smoothing, class_weights }) => {
                let (of, smoothing) = ("cross_entropy", *label_smoothing);
                require((0.0..=1.0).contains(&smoothing), of, "label_smoothing", smoothing, "in [0, 1]")?;
                for weight in class_weights {
                    let accepted = (0.0..f64::INFINITY).contains(weight);
                    require(accepted, of, "class_weights", *weight, "at least 0 and finite")?;
                }
                let any = class_weights.is_empty() || class_weights.iter().any(|weight| *weight > 0.0);
                if any { Ok(()) } else { Err(Error::NoWeight) }
            }
            Loss::BinaryCrossEntropy(BinaryCrossEntropy { positive_weights }) => {
                let (of, name) = ("binary_cross_entropy", "positive_weights");
                positive_weights.iter().try_for_each(|weight| require_positive(of, name, *weight))
            }
        }
    }

    /// As [`validate`](Loss::validate), and that weights are as many as the outputs of the network.
    ///
    /// # Errors
    /// Also [`Error::WeightCount`].
    pub fn validate_for(&self, outputs: usize) -> Result<(), Error> {
        self.validate()?;
        let (of, name, found) = match self {
            Loss::CrossEntropy(settings) => ("cross_entropy", "class_weights", settings.class_weights.len()),
            Loss::BinaryCrossEntropy(settings) => {
                ("binary_cross_entropy", "positive_weights", settings.positive_weights.len())
            }
            Loss::MeanSquaredError | Loss::MeanAbsoluteError | Loss::Huber { .. } => return Ok(()),
        };
        if found == 0 || found == outputs {
            Ok(())
        } else {
            Err(Error::WeightCount { of, name, found, outputs })
        }
    }

    /// Records the loss (1×1) of `outputs` (batch×n), and the target as the next thing that is given with each run.
    ///
    /// # Panics
    /// If [`validate_for`](Loss::validate_for) refuses the loss.
    #[track_caller]
    pub fn record<'g>(&self, outputs: Var<'g>) -> Var<'g> {
        let target = self.record_target(outputs);
        self.between(outputs, target, None)
    }

    /// Like [`record`](Loss::record), and after the target the sample weights (batch×1, not negative, not all 0) are
    /// given with each run.
    ///
    /// # Panics
    /// As `record`.
    #[track_caller]
    pub fn record_weighted<'g>(&self, outputs: Var<'g>) -> Var<'g> {
        let target = self.record_target(outputs);
        let weights = outputs.graph().input(1);
        self.between(outputs, target, Some(weights))
    }

    /// Like [`record`](Loss::record), and the loss of each row (batch×1), of which the first is the mean; `None` where it
    /// is a weighted mean, as it is with class weights.
    ///
    /// # Panics
    /// As `record`.
    #[track_caller]
    pub fn record_with_rows<'g>(&self, outputs: Var<'g>) -> (Var<'g>, Option<Var<'g>>) {
        let target = self.record_target(outputs);
        match self.rows(outputs, target) {
            Some(rows) => (rows.mean(), Some(rows)),
            None => (self.between(outputs, target, None), None),
        }
    }

    fn record_target<'g>(&self, outputs: Var<'g>) -> Target<'g> {
        match self.wants_classes() {
            true => Target::Classes(outputs.graph().indices()),
            false => Target::Values(outputs.graph().input(outputs.columns())),
        }
    }

    /// The loss (1×1) of `outputs` (batch×n) against targets recorded elsewhere, with a weight (batch×1) for each row
    /// or without.
    ///
    /// # Panics
    /// If the target is of the wrong kind or shape, or [`validate_for`](Loss::validate_for) refuses the loss.
    #[track_caller]
    pub fn between<'g>(&self, outputs: Var<'g>, target: Target<'g>, weights: Option<Var<'g>>) -> Var<'g> {
        if let Some(rows) = self.rows(outputs, target) {
            return weighted_mean(rows, weights);
        }
        let (Loss::CrossEntropy(settings), Target::Classes(target)) = (self, target) else {
            unreachable!("without class weights each row has its loss")
        };
        let (graph, classes, smoothing) = (outputs.graph(), outputs.columns(), settings.label_smoothing);
        let log_probabilities = outputs.log_softmax();
        let picked = -log_probabilities.pick(target);
        let class_weights = graph.constant([classes, 1], &settings.class_weights);
        let weight = class_weights.look_up(target);
        let weight_and_sample = weights.map_or(weight, |w| w * weight);
        let share = |rows: Var<'g>, weight: Var<'g>| (rows * weight).sum() / weight_and_sample.sum();
        let hard = share(picked, weight_and_sample);
        if smoothing == 0.0 {
            return hard;
        }
        let row_weights = graph.constant([1, classes], &settings.class_weights);
        let spread = -(log_probabilities * row_weights).mean_over(Axis::Columns);
        let spread = weights.map_or(spread, |w| spread * w);
        hard * (1.0 - smoothing) + spread.sum() / weight_and_sample.sum() * smoothing
    }

    /// The loss of each row (batch×1), unless classes have weights: then the loss is no plain mean of such.
    #[track_caller]
    fn rows<'g>(&self, outputs: Var<'g>, target: Target<'g>) -> Option<Var<'g>> {
        if let Err(refused) = self.validate_for(outputs.columns()) {
            panic!("{refused}");
        }
        match (self, target) {
            (_, Target::Classes(_)) if self.weighs_classes() => None,
            (Loss::CrossEntropy(settings), Target::Classes(target)) => {
                let log_probabilities = outputs.log_softmax();
                let picked = -log_probabilities.pick(target);
                let smoothing = settings.label_smoothing;
                let spread = || log_probabilities.mean_over(Axis::Columns) * smoothing;
                Some(if smoothing == 0.0 { picked } else { picked * (1.0 - smoothing) - spread() })
            }
            (Loss::CrossEntropy(_), Target::Values(_)) => {
                panic!("cross-entropy is against classes, not values")
            }
            (_, Target::Classes(_)) => panic!("{self:?} is against values, not classes"),
            (_, Target::Values(target)) => {
                let elements = self.elements(outputs, target);
                Some(if outputs.columns() == 1 { elements } else { elements.mean_over(Axis::Columns) })
            }
        }
    }

    #[track_caller]
    fn elements<'g>(&self, outputs: Var<'g>, target: Var<'g>) -> Var<'g> {
        match self {
            Loss::MeanSquaredError => (outputs - target).square(),
            Loss::MeanAbsoluteError => (outputs - target).abs(),
            Loss::Huber { delta } => {
                let distance = (outputs - target).abs();
                let near = distance.clamp(0.0, *delta);
                near * (distance - near * 0.5)
            }
            Loss::BinaryCrossEntropy(settings) => {
                let positive = target * (-outputs).softplus();
                let negative = (1.0 - target) * outputs.softplus();
                if settings.positive_weights.is_empty() {
                    return positive + negative;
                }
                let weights = outputs.graph().constant([1, outputs.columns()], &settings.positive_weights);
                positive * weights + negative
            }
            Loss::CrossEntropy(_) => unreachable!("its targets are classes"),
        }
    }
}

fn weighted_mean<'g>(rows: Var<'g>, weights: Option<Var<'g>>) -> Var<'g> {
    match weights {
        None => rows.mean(),
        Some(weights) => (rows * weights).sum() / weights.sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_autodiff::{Feed, Graph, Mode};
    use ndarray::{Array2, array};

    fn value<'a>(
        loss: &Loss,
        outputs: &'a Array2<f64>,
        target: Feed<'a, f64>,
        weights: Option<&'a Array2<f64>>,
    ) -> f64 {
        let g = Graph::new();
        let y = g.input(outputs.ncols());
        let recorded = if weights.is_some() { loss.record_weighted(y) } else { loss.record(y) };
        let program = g.compile(recorded, &[]);
        let mut ws = program.workspace(outputs.nrows());
        let mut feeds = vec![outputs.into(), target];
        feeds.extend(weights.map(Feed::from));
        program.forward(&mut ws, &[], &feeds, Mode::Evaluate);
        ws.loss()
    }

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1.0), "{found}, not {expected}");
    }

    #[test]
    fn losses_of_values_are_as_defined() {
        let (y, t) = (array![[1.0, -2.0], [0.5, 4.0]], array![[0.0, 0.0], [0.0, 1.0]]);
        let on = |loss: &Loss| value(loss, &y, (&t).into(), None);
        check(on(&Loss::MeanSquaredError), (1.0 + 4.0 + 0.25 + 9.0) / 4.0);
        check(on(&Loss::MeanAbsoluteError), (1.0 + 2.0 + 0.5 + 3.0) / 4.0);
        check(on(&Loss::Huber { delta: 1.0 }), (0.5 + 1.5 + 0.125 + 2.5) / 4.0);
        let softplus = |x: f64| (1.0 + x.exp()).ln();
        let binary = softplus(1.0) + softplus(-2.0) + softplus(0.5) + softplus(-4.0);
        check(on(&Loss::BinaryCrossEntropy(BinaryCrossEntropy::default())), binary / 4.0);
        let weighted = BinaryCrossEntropy { positive_weights: vec![1.0, 3.0] };
        let binary = softplus(1.0) + softplus(-2.0) + softplus(0.5) + 3.0 * softplus(-4.0);
        check(on(&Loss::BinaryCrossEntropy(weighted)), binary / 4.0);
    }

    #[test]
    fn cross_entropy_weighs_classes_and_smooths_labels_as_pytorch_does() {
        let y = array![[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]];
        let classes: &[u32] = &[1, 0];
        let p: Vec<f64> = y
            .rows()
            .into_iter()
            .flat_map(|r| {
                let sum: f64 = r.iter().map(|x: &f64| x.exp()).sum();
                r.iter().map(move |x: &f64| (x.exp() / sum).ln()).collect::<Vec<_>>()
            })
            .collect();
        let on = |settings: CrossEntropy| value(&Loss::CrossEntropy(settings), &y, classes.into(), None);
        check(on(CrossEntropy::default()), -(p[1] + p[3]) / 2.0);
        let smooth = CrossEntropy { label_smoothing: 0.1, ..Default::default() };
        let spread = -p.iter().sum::<f64>() / 3.0 / 2.0;
        check(on(smooth), 0.9 * -(p[1] + p[3]) / 2.0 + 0.1 * spread);
        let w = [0.5, 2.0, 1.0];
        let weighted = CrossEntropy { class_weights: w.to_vec(), ..Default::default() };
        let hard = -(2.0 * p[1] + 0.5 * p[3]) / 2.5;
        check(on(weighted.clone()), hard);
        let spread: f64 = -(0..6).map(|i| w[i % 3] * p[i]).sum::<f64>() / 3.0 / 2.5;
        check(on(CrossEntropy { label_smoothing: 0.2, ..weighted }), 0.8 * hard + 0.2 * spread);
    }

    #[test]
    fn settings_without_sense_are_refused_by_name() {
        const NAN: f64 = f64::NAN;
        let huber = |delta| Loss::Huber { delta };
        let smoothed =
            |label_smoothing| Loss::CrossEntropy(CrossEntropy { label_smoothing, ..Default::default() });
        let weighted = |weights: &[f64]| {
            Loss::CrossEntropy(CrossEntropy { class_weights: weights.to_vec(), ..Default::default() })
        };
        let positive = |weights: &[f64]| {
            Loss::BinaryCrossEntropy(BinaryCrossEntropy { positive_weights: weights.to_vec() })
        };
        for (loss, setting, given) in [
            (huber(0.0), "huber: `delta`", "0"),
            (huber(-1.0), "huber: `delta`", "-1"),
            (huber(NAN), "huber: `delta`", "NaN"),
            (huber(f64::INFINITY), "huber: `delta`", "inf"),
            (smoothed(-0.1), "cross_entropy: `label_smoothing`", "-0.1"),
            (smoothed(1.5), "cross_entropy: `label_smoothing`", "1.5"),
            (smoothed(NAN), "cross_entropy: `label_smoothing`", "NaN"),
            (weighted(&[1.0, -2.0]), "cross_entropy: `class_weights`", "-2"),
            (weighted(&[NAN, 1.0]), "cross_entropy: `class_weights`", "NaN"),
            (weighted(&[f64::INFINITY, 1.0]), "cross_entropy: `class_weights`", "inf"),
            (positive(&[1.0, 0.0]), "binary_cross_entropy: `positive_weights`", "0"),
            (positive(&[NAN]), "binary_cross_entropy: `positive_weights`", "NaN"),
        ] {
            let refused = loss.validate().unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("{setting} is {given} but must be ")),
                "{loss:?}: {refused}"
            );
        }
        assert_eq!(weighted(&[0.0, 0.0]).validate(), Err(Error::NoWeight));
        for loss in [huber(1e-3), smoothed(0.0), smoothed(1.0), weighted(&[0.0, 1.0]), positive(&[0.5, 2.0])]
        {
            assert_eq!(loss.validate_for(2), Ok(()), "{loss:?}");
        }
        let refused = weighted(&[1.0, 2.0]).validate_for(3).unwrap_err().to_string();
        assert_eq!(refused, "cross_entropy: `class_weights` has 2 weights but the network has 3 outputs");
    }

    #[test]
    #[should_panic(expected = "`delta` is 0 but must be above 0")]
    fn a_loss_without_sense_is_not_recorded() {
        let g = Graph::new();
        Loss::Huber { delta: 0.0 }.record(g.input(1));
    }

    #[test]
    fn a_sample_of_weight_two_counts_as_two_samples() {
        let y = array![[1.0, 2.0], [0.3, -1.0]];
        let twice = array![[1.0, 2.0], [1.0, 2.0], [0.3, -1.0]];
        let (t, t_twice) = (array![[0.1, 0.0], [0.0, 1.0]], array![[0.1, 0.0], [0.1, 0.0], [0.0, 1.0]]);
        let weights = array![[2.0], [1.0]];
        for loss in [
            Loss::MeanSquaredError,
            Loss::MeanAbsoluteError,
            Loss::Huber { delta: 0.4 },
            Loss::BinaryCrossEntropy(BinaryCrossEntropy::default()),
        ] {
            check(
                value(&loss, &y, (&t).into(), Some(&weights)),
                value(&loss, &twice, (&t_twice).into(), None),
            );
        }
        for settings in [
            CrossEntropy::default(),
            CrossEntropy { label_smoothing: 0.3, class_weights: vec![] },
            CrossEntropy { label_smoothing: 0.3, class_weights: vec![0.4, 1.5] },
        ] {
            let loss = Loss::CrossEntropy(settings);
            let (classes, classes_twice): (&[u32], &[u32]) = (&[1, 0], &[1, 1, 0]);
            check(
                value(&loss, &y, classes.into(), Some(&weights)),
                value(&loss, &twice, classes_twice.into(), None),
            );
        }
    }

    #[test]
    fn extreme_logits_give_finite_losses() {
        let y = array![[1e4, -1e4], [-1e4, 1e4]];
        let classes: &[u32] = &[0, 0];
        check(value(&CrossEntropy::default().into(), &y, classes.into(), None), 1e4);
        let t = array![[1.0, 0.0], [1.0, 0.0]];
        let loss = BinaryCrossEntropy::default().into();
        check(value(&loss, &y, (&t).into(), None), 5e3);
    }
}
