//! Gradient statistics for the evidence-based criterion, which needs no validation set.

/// The evidence that the gradients of a batch are more than noise, without any validation data.
///
/// M. Mahsereci, L. Balles, C. Lassner and P. Hennig, *Early Stopping without a Validation Set* (arXiv
/// 1703.09580), equation 7: with g the gradient of the mean loss of B samples and Σ the variance of one
/// sample's gradient, both per parameter,
///
/// `criterion = 1 − B · mean over the parameters of g² / Σ`
///
/// If the true gradient were zero, B·g²/Σ would be about 1. A criterion above zero says that the gradients
/// are no larger than their noise explains, and training fits nothing but noise from there on. The paper uses
/// it with gradient descent, with or without batches, and without momentum.
///
/// Terms of several batches may be added; the criterion is then of their mean. Parameters whose gradient does
/// not vary within the batch by more than rounding (a standard deviation of a thousandth of it), such as those
/// behind a dead unit, say nothing and are left out, and so is a batch of one.
///
/// Σ is estimated from the same batch, so that even of noise alone B·g²/Σ is (B − 1) / (B − 3) on average and
/// not 1 (Fisher's distribution), and has no average at all with three samples or fewer: take batches of
/// tens.
///
/// ```
/// use highwater_early_stopping::{GradientEvidence, Observation};
///
/// let mut evidence = GradientEvidence::default();
/// // One parameter, three samples, with the gradients 1, 2 and 3 of one sample each.
/// evidence.add(3, 2.0, 1.0 + 4.0 + 9.0);
/// assert_eq!(evidence.criterion(), Some(-11.0));
/// let observation = Observation { evidence: evidence.criterion(), ..Observation::new(1, 0.5) };
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GradientEvidence {
    #[cfg_attr(feature = "serde", serde(with = "crate::float"))]
    sum: f64,
    count: u64,
}

/// Sums side by side, for the sake of vector instructions; it fixes their order.
const LANES: usize = 8;

/// The share of the mean square from which on a variance is more than rounding, in single precision.
const ROUNDING: f64 = 1e-6;

impl GradientEvidence {
    /// Adds one parameter of one batch: how many samples it had, the gradient of their mean loss, and the sum
    /// over the samples of the squared gradient of each one's own loss.
    pub fn add(&mut self, samples: u64, gradient: f64, sum_of_squares: f64) {
        self.add_batch(samples, &[gradient], &[sum_of_squares]);
    }

    /// Adds several parameters of one batch, in single or double precision; see [`add`](Self::add).
    ///
    /// # Panics
    /// If there are not as many sums of squares as gradients.
    #[track_caller]
    pub fn add_batch<T: Copy + Into<f64>>(&mut self, samples: u64, gradients: &[T], sums_of_squares: &[T]) {
        assert_eq!(gradients.len(), sums_of_squares.len(), "a sum of squares for each gradient");
        if samples < 2 {
            return;
        }
        let batch = samples as f64;
        let (mut sums, mut counts) = ([0.0; LANES], [0; LANES]);
        for (gradients, squares) in gradients.chunks(LANES).zip(sums_of_squares.chunks(LANES)) {
            for (lane, (&gradient, &square)) in gradients.iter().zip(squares).enumerate() {
                let (gradient, square): (f64, f64) = (gradient.into(), square.into());
                let signal = batch * gradient * gradient;
                let spread = square - signal;
                let counts_in = spread > ROUNDING * square;
                sums[lane] += if counts_in { signal / spread } else { 0.0 };
                counts[lane] += u64::from(counts_in);
            }
        }
        self.sum += (batch - 1.0) * sums.iter().sum::<f64>();
        self.count += counts.iter().sum::<u64>();
    }

    /// The criterion over everything that was added, `None` if nothing was of use.
    pub fn criterion(&self) -> Option<f64> {
        (self.count > 0).then(|| 1.0 - self.sum / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_alone_is_no_evidence_and_a_signal_is() {
        for (gradients, criterion) in
            [([1.0, -1.0], Some(1.0)), ([3.0, 1.0], Some(-3.0)), ([0.0, 0.0], None), ([2.0, 2.0], None)]
        {
            let [a, b]: [f64; 2] = gradients;
            let mut evidence = GradientEvidence::default();
            evidence.add(2, (a + b) / 2.0, a * a + b * b);
            assert_eq!(evidence.criterion(), criterion, "{gradients:?}");
        }
    }

    #[test]
    fn many_parameters_at_once_are_as_one_by_one() {
        let gradients: [f32; 21] = core::array::from_fn(|i| i as f32 / 8.0 - 1.0);
        let squares: [f32; 21] = core::array::from_fn(|i| if i == 7 { 0.0 } else { 4.0 + i as f32 });
        let (mut at_once, mut one_by_one) = (GradientEvidence::default(), GradientEvidence::default());
        at_once.add_batch(3, &gradients, &squares);
        for (gradient, square) in gradients.into_iter().zip(squares) {
            one_by_one.add(3, gradient.into(), square.into());
        }
        assert_eq!(at_once.count, 20);
        let (found, expected) = (at_once.criterion().unwrap(), one_by_one.criterion().unwrap());
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }

    #[test]
    fn the_unit_of_the_loss_is_none_of_the_evidence() {
        let criterion = |unit: f64| {
            let mut evidence = GradientEvidence::default();
            evidence.add_batch(5, &[0.3 * unit, -0.7 * unit], &[2.9 * unit * unit, 4.1 * unit * unit]);
            evidence.criterion()
        };
        assert!(criterion(1.0).is_some());
        assert_eq!(criterion(1.0), criterion(2f64.powi(-20)));
    }

    #[test]
    fn a_gradient_that_varies_by_no_more_than_rounding_is_left_out() {
        let mut evidence = GradientEvidence::default();
        evidence.add(4, 1.0, 4.0 + 1e-6);
        evidence.add(4, f64::NAN, 4.0);
        assert_eq!(evidence.criterion(), None);
    }

    #[test]
    fn terms_are_averaged_and_a_batch_of_one_adds_none() {
        let mut evidence = GradientEvidence::default();
        evidence.add(1, 5.0, 25.0);
        assert_eq!(evidence.criterion(), None);
        evidence.add(2, 0.0, 2.0);
        evidence.add(2, 2.0, 10.0);
        assert_eq!(evidence.criterion(), Some(-1.0));
    }
}
