//! Limits of observations, epochs, steps and time.

use crate::span::Position;
use crate::{Observation, Span, StopReason, StoppingRule};
use core::time::Duration;

/// Fires from the first observation on that has reached a limit of observations, epochs or steps.
#[derive(Debug)]
pub(super) struct Counting {
    limit: Span,
    position: Position,
}

impl Counting {
    pub(super) fn new(limit: Span) -> Self {
        Self { limit, position: Position::new(limit.unit) }
    }
}

impl StoppingRule for Counting {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let completed = self.position.observe(observation)?;
        (completed >= self.limit.length).then_some(StopReason::Limit { limit: self.limit, completed })
    }

    fn reset(&mut self) {
        *self = Self::new(self.limit);
    }

    fn earliest(&self) -> u64 {
        self.position.until(self.limit.length)
    }
}

/// Fires when the time is used up, or would be by the next observation.
#[derive(Debug)]
pub(super) struct Timing {
    limit: Duration,
    elapsed: Duration,
    /// From the observation before to the latest.
    latest: Duration,
}

impl Timing {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, elapsed: Duration::ZERO, latest: Duration::ZERO }
    }
}

impl StoppingRule for Timing {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let elapsed = observation.elapsed?;
        self.latest = elapsed.saturating_sub(self.elapsed);
        self.elapsed = elapsed;
        (elapsed.saturating_add(self.latest) > self.limit || elapsed == self.limit)
            .then_some(StopReason::TimeLimit { limit: self.limit, elapsed, next: self.latest })
    }

    fn reset(&mut self) {
        *self = Self::new(self.limit);
    }

    fn earliest(&self) -> u64 {
        let left = self.limit.saturating_sub(self.elapsed).as_nanos();
        match self.latest.as_nanos() {
            0 => 1,
            latest => u64::try_from(left / latest).unwrap_or(u64::MAX).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{epochs, first_reason, stop_at};
    use alloc::string::ToString;

    #[test]
    fn limits_hold_in_their_own_unit() {
        let history =
            epochs(&[(10, 1.0), (20, 1.0), (30, 1.0)]).map(|o| Observation { step: Some(o.at * 100), ..o });
        for (rule, at) in [
            ("epochs(20)", Some(20)),
            ("epochs(21)", Some(30)),
            ("epochs(31)", None),
            ("steps(1001)", Some(20)),
            ("observations(1)", Some(10)),
            ("observations(3)", Some(30)),
        ] {
            assert_eq!(stop_at(rule, &history), at, "{rule}");
        }
        assert_eq!(stop_at("steps(1)", &epochs(&[(1, 1.0)])), None);
    }

    #[test]
    fn a_run_ends_before_the_epoch_that_would_exceed_the_time() {
        let timed = |seconds: [u64; 4]| {
            let mut history = epochs(&[(1, 1.0), (2, 1.0), (3, 1.0), (4, 1.0)]);
            for (observation, seconds) in history.iter_mut().zip(seconds) {
                observation.elapsed = Some(Duration::from_secs(seconds));
            }
            history
        };
        for (rule, seconds, at) in [
            ("time(40s)", [10, 20, 30, 40], Some(4)),
            ("time(39s)", [10, 20, 30, 40], Some(3)),
            ("time(35s)", [10, 25, 30, 40], Some(2)),
            ("time(45s)", [10, 20, 30, 40], Some(4)),
            ("time(50s)", [10, 20, 30, 40], None),
            ("time(5s)", [10, 20, 30, 40], Some(1)),
        ] {
            assert_eq!(stop_at(rule, &timed(seconds)), at, "{rule} {seconds:?}");
        }
        let (_, reason) = first_reason("time(39s)", &timed([10, 20, 30, 40])).unwrap();
        assert_eq!(
            reason.to_string(),
            "of the time limit of 39s, 30s are used and going on takes another 10s"
        );
        assert_eq!(stop_at("time(1s)", &epochs(&[(1, 1.0)])), None);
    }

    #[test]
    fn the_time_left_is_told_in_observations() {
        let mut rule = Timing::new(Duration::from_secs(100));
        rule.observe(&Observation { elapsed: Some(Duration::from_secs(20)), ..Observation::new(1, 0.0) });
        assert_eq!(rule.earliest(), 4);
        rule.reset();
        assert_eq!(rule.earliest(), 1);
        let reason =
            rule.observe(&Observation { elapsed: Some(Duration::from_secs(51)), ..Observation::new(1, 0.0) });
        assert!(reason.is_some(), "the first observation took as long as all before it");
    }
}
