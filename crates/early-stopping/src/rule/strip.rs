//! Strips of so many epochs, at whose ends the criteria of Prechelt are measured.

use crate::span::Position;
use crate::{Observation, StopReason, StoppingRule, Unit};
use core::fmt::Debug;

/// What is asked at the end of a strip.
pub(super) trait Criterion: Clone + Debug + Send {
    /// Takes in a strip with the observation that completed it; says why the run should end, if it should.
    fn judge(&mut self, strip: &Strip, observation: &Observation) -> Option<StopReason>;

    /// How many more strips it takes at the least until it can say so.
    fn missing(&self) -> u64 {
        1
    }
}

/// Asks a criterion at the end of each strip, and holds to its answer until the next.
#[derive(Debug)]
pub(super) struct AtEnds<C> {
    strips: Strips,
    criterion: C,
    /// As it was before the first strip.
    fresh: C,
    latest: Option<StopReason>,
}

impl<C: Criterion> AtEnds<C> {
    /// Of strips of so many epochs.
    pub(super) fn new(length: u64, criterion: C) -> Self {
        Self { strips: Strips::new(length), fresh: criterion.clone(), criterion, latest: None }
    }
}

impl<C: Criterion> StoppingRule for AtEnds<C> {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        if let Some(strip) = self.strips.observe(observation) {
            self.latest = self.criterion.judge(&strip, observation);
        }
        self.latest.clone()
    }

    fn reset(&mut self) {
        (self.strips, self.latest) = (Strips::new(self.strips.length), None);
        self.criterion = self.fresh.clone();
    }

    fn earliest(&self) -> u64 {
        if self.latest.is_some() { 1 } else { self.strips.until(self.criterion.missing()) }
    }
}

/// Cuts a run into strips of k epochs: epochs n+1 to n+k with n divisible by k (Prechelt, Proben1, section
/// 3.3).
///
/// A strip ends with the observation that completes its last epoch, or else the first one after that. An
/// observation before any training (epoch 0) belongs to no strip; where a history begins within a strip, that
/// strip is what there is of it; a strip that the run does not complete is never tested. With k = 1 each
/// observation is a strip, also where several fall into one epoch.
#[derive(Debug)]
struct Strips {
    length: u64,
    position: Position,
    end: Option<u64>,
    training: Training,
}

/// The training errors of one strip.
#[derive(Debug, Default)]
struct Training {
    sum: f64,
    count: u32,
    least: Option<f64>,
    broken: bool,
}

/// A strip that is complete.
#[derive(Debug)]
pub(super) struct Strip {
    /// How many observations came before the one that completed it.
    pub(super) index: u64,
    /// P_k in per thousand: by how much the mean of the strip's training errors exceeds their least. Unknown
    /// where no training error was observed, or one that is not finite.
    pub(super) progress: Option<f64>,
}

impl Strips {
    fn new(length: u64) -> Self {
        let unit = if length == 1 { Unit::Observations } else { Unit::Epochs };
        Self { length, position: Position::new(unit), end: None, training: Training::default() }
    }

    fn observe(&mut self, observation: &Observation) -> Option<Strip> {
        let now = self.position.observe(observation)?;
        let end = *self.end.get_or_insert(now.max(1).div_ceil(self.length).saturating_mul(self.length));
        if let Some(error) = observation.train.filter(|_| now > 0) {
            self.training.add(error);
        }
        if now < end {
            return None;
        }
        self.end = Some((now / self.length + 1).saturating_mul(self.length));
        let progress = core::mem::take(&mut self.training).progress();
        Some(Strip { index: self.position.seen() - 1, progress })
    }

    /// The number of observations until so many further strips are complete, at the pace of the latest.
    fn until(&self, strips: u64) -> u64 {
        let end = self.end.unwrap_or(self.length);
        self.position.until(end.saturating_add(self.length.saturating_mul(strips.saturating_sub(1))))
    }
}

impl Training {
    fn add(&mut self, error: f64) {
        self.broken |= !error.is_finite();
        self.sum += error;
        self.count += 1;
        self.least = Some(self.least.map_or(error, |least| least.min(error)));
    }

    fn progress(self) -> Option<f64> {
        let least = self.least.filter(|_| !self.broken)?;
        Some(1000.0 * excess(self.sum / f64::from(self.count), least))
    }
}

/// By what share of |least| an error exceeds the least one: `error / least − 1` for the positive errors of
/// the definitions. Zero where nothing exceeds, infinite where the least is zero: the limit of both cases
/// from above.
pub(crate) fn excess(error: f64, least: f64) -> f64 {
    if error <= least { 0.0 } else { (error - least) / least.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn ends(length: u64, epochs: &[u64]) -> Vec<u64> {
        let mut strips = Strips::new(length);
        epochs.iter().copied().filter(|&at| strips.observe(&Observation::new(at, 0.0)).is_some()).collect()
    }

    #[test]
    fn strips_end_with_epochs_that_k_divides() {
        assert_eq!(ends(5, &[1, 2, 3, 4, 5, 6, 9, 10, 11]), [5, 10]);
        assert_eq!(ends(5, &[0, 1, 5, 5, 6]), [5]);
        assert_eq!(ends(5, &[4, 7, 11, 12, 21]), [7, 11, 21]);
        assert_eq!(ends(5, &[103, 105, 110]), [105, 110]);
        assert_eq!(ends(1, &[1, 1, 7, 7]), [1, 1, 7, 7]);
        assert!(ends(u64::MAX, &[1, 2]).is_empty());
    }

    #[test]
    fn the_progress_is_how_far_the_mean_is_above_the_least() {
        let progress = |errors: [f64; 2]| {
            let mut strips = Strips::new(2);
            let mut show =
                |at, train| strips.observe(&Observation { train: Some(train), ..Observation::new(at, 0.0) });
            assert!(show(0, 1000.0).is_none());
            assert!(show(1, errors[0]).is_none());
            show(2, errors[1]).unwrap().progress
        };
        assert_eq!(progress([10.0, 8.0]), Some(125.0));
        assert_eq!(progress([1.0, 1.0]), Some(0.0));
        assert_eq!(progress([-1.0, -2.0]), Some(250.0));
        assert_eq!(progress([0.0, 1.0]), Some(f64::INFINITY));
        assert_eq!(progress([0.0, 0.0]), Some(0.0));
        assert_eq!(progress([f64::NAN, 1.0]), None);
        assert_eq!(Strips::new(1).observe(&Observation::new(1, 0.0)).unwrap().progress, None);
    }
}
