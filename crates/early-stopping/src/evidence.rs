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
/// not vary within the batch, such as those behind a dead unit, say nothing and are left out, and so is a
/// batch of one.
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
#[derive(Clone, Copy, Debug, Default)]
pub struct GradientEvidence {
    sum: f64,
    count: u64,
}

impl GradientEvidence {
    /// Adds one parameter of one batch: how many samples it had, the gradient of their mean loss, and the sum
    /// over the samples of the squared gradient of each one's own loss.
    pub fn add(&mut self, samples: u64, gradient: f64, sum_of_squares: f64) {
        let batch = samples as f64;
        let variance = (sum_of_squares - batch * gradient * gradient) / (batch - 1.0);
        if samples > 1 && variance > 0.0 {
            self.sum += batch * gradient * gradient / variance;
            self.count += 1;
        }
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
    fn terms_are_averaged_and_a_batch_of_one_adds_none() {
        let mut evidence = GradientEvidence::default();
        evidence.add(1, 5.0, 25.0);
        assert_eq!(evidence.criterion(), None);
        evidence.add(2, 0.0, 2.0);
        evidence.add(2, 2.0, 10.0);
        assert_eq!(evidence.criterion(), Some(-1.0));
    }
}
