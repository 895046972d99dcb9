//! The rule that the gradients look like noise.

use crate::{Observation, StopReason, StoppingRule};

/// Fires while the observed criterion is above zero.
#[derive(Debug)]
pub(crate) struct Evidence;

impl StoppingRule for Evidence {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let criterion = observation.evidence.filter(|criterion| criterion.is_finite() && *criterion > 0.0)?;
        Some(StopReason::Evidence { criterion, at: observation.at })
    }

    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use crate::Observation;
    use crate::check::{epochs, stop_at};

    #[test]
    fn the_criterion_fires_above_zero() {
        let criteria =
            [None, Some(-1.0), Some(f64::NAN), Some(f64::INFINITY), Some(0.0), Some(0.1), Some(0.2)];
        let mut history = epochs(&[(0, 0.0); 7]);
        for (i, observation) in history.iter_mut().enumerate() {
            *observation = Observation { evidence: criteria[i], ..Observation::new(i as u64 + 1, 1.0) };
        }
        assert_eq!(stop_at("evidence", &history), Some(6));
        assert_eq!(stop_at("held(2, evidence)", &history), Some(7));
    }
}
