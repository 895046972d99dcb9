//! The running form of a rule, and a rule together with a best tracker.

use crate::{Best, BestTracker, Goal, NonFinite, Observation, Rule, StopReason};
use alloc::boxed::Box;
use core::fmt::Debug;

/// A condition that watches a run and says when it should end.
///
/// [`Rule::start`] makes one from a description; a rule of your own implements this trait and can be handed
/// to [`EarlyStopping::with`].
///
/// A rule may depend on nothing but the observations it was shown since it was made or reset, so that a run
/// can be continued by showing its history to a new rule. It must put up with observations after it has
/// fired: it is asked each time whether the condition holds *now*, and a condition that no longer holds is
/// reported no longer.
///
/// One that is to be composed with others holds them, and shows them every observation:
///
/// ```
/// use highwater_early_stopping::{EarlyStopping, Goal, NonFinite, Observation, Rule, StopReason, StoppingRule};
///
/// /// The other rule, or a validation loss that is twice the training loss.
/// #[derive(Debug)]
/// struct OrOverfitting(Box<dyn StoppingRule>);
///
/// impl StoppingRule for OrOverfitting {
///     fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
///         let other = self.0.observe(observation);
///         let overfits = observation.train.is_some_and(|train| observation.value > 2.0 * train);
///         other.or(overfits.then(|| StopReason::Custom("it overfits".to_owned())))
///     }
///
///     fn reset(&mut self) {
///         self.0.reset();
///     }
/// }
///
/// let patience = Rule::patience(10).start(Goal::Minimize, NonFinite::Stop);
/// let mut stopper = EarlyStopping::with(Goal::Minimize, OrOverfitting(patience));
/// let verdict = stopper.observe(&Observation { train: Some(0.1), ..Observation::new(1, 0.3) });
/// assert_eq!(verdict.stop.unwrap().to_string(), "it overfits");
/// ```
pub trait StoppingRule: Debug + Send {
    /// Takes the next observation in; says why the run should end, if it should.
    fn observe(&mut self, observation: &Observation) -> Option<StopReason>;

    /// Forgets every observation: afterwards the rule is as good as new.
    fn reset(&mut self);

    /// How many more observations it takes at the least until the rule can fire: 1 if the next may do it or
    /// the rule holds already, `u64::MAX` if it never can. Where the rule counts epochs, steps or time, this
    /// assumes that each further observation advances as far as the latest did. For showing the time left;
    /// nothing is decided by it.
    fn earliest(&self) -> u64 {
        1
    }
}

impl<R: StoppingRule + ?Sized> StoppingRule for Box<R> {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        (**self).observe(observation)
    }

    fn reset(&mut self) {
        (**self).reset();
    }

    fn earliest(&self) -> u64 {
        (**self).earliest()
    }
}

/// A stopping rule and a best tracker that watch the same values.
///
/// ```
/// use highwater_early_stopping::{EarlyStopping, Goal, Observation, Rule};
///
/// let rule: Rule = "patience(2)".parse()?;
/// let mut stopper = EarlyStopping::new(Goal::Minimize, rule);
/// let losses = [0.9, 0.5, 0.6, 0.7, 0.8];
/// let (epoch, reason) = (1..)
///     .zip(losses)
///     .find_map(|(epoch, loss)| Some((epoch, stopper.observe(&Observation::new(epoch, loss)).stop?)))
///     .unwrap();
/// assert_eq!(epoch, 4);
/// assert_eq!(stopper.best().unwrap().at, 2);
/// assert_eq!(reason.to_string(), "no improvement in 2 epochs: best 0.5 at epoch 2");
/// # Ok::<(), highwater_early_stopping::ParseError>(())
/// ```
#[derive(Debug)]
pub struct EarlyStopping {
    best: BestTracker,
    rule: Box<dyn StoppingRule>,
}

/// What an observation meant.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Verdict {
    /// Whether it is the best observation so far.
    pub improved: bool,
    /// Why the run should end now, if it should.
    pub stop: Option<StopReason>,
}

impl EarlyStopping {
    /// Watches a run under a rule; a non-finite value stops it ([`NonFinite::Stop`]).
    ///
    /// # Panics
    /// If the rule was put together by hand from numbers without sense, see [`Rule::check`].
    #[track_caller]
    pub fn new(goal: Goal, rule: Rule) -> Self {
        Self::with(goal, rule.start(goal, NonFinite::default()))
    }

    /// Watches a run under a rule that is already started, with another policy for [non-finite
    /// values](NonFinite) perhaps, or under a rule of your own.
    pub fn with(goal: Goal, rule: impl StoppingRule + 'static) -> Self {
        Self { best: BestTracker::new(goal), rule: Box::new(rule) }
    }

    /// Takes the next observation in. It may come after a stop: a run that goes on all the same is told each time whether
    /// the rule holds now.
    pub fn observe(&mut self, observation: &Observation) -> Verdict {
        Verdict { improved: self.best.observe(observation) == Some(0), stop: self.rule.observe(observation) }
    }

    /// Shows the history of a run that is to be continued. Returns the verdict on its last observation.
    pub fn replay<'a>(&mut self, history: impl IntoIterator<Item = &'a Observation>) -> Verdict {
        history.into_iter().map(|observation| self.observe(observation)).last().unwrap_or_default()
    }

    /// The best observation so far, whatever the rule thinks of it.
    pub fn best(&self) -> Option<Best> {
        self.best.best()
    }

    /// How many more observations it takes at the least until the rule can fire; `None` if it never can. See
    /// [`StoppingRule::earliest`].
    pub fn earliest_stop(&self) -> Option<u64> {
        Some(self.rule.earliest()).filter(|observations| *observations != u64::MAX)
    }

    /// Forgets every observation.
    pub fn reset(&mut self) {
        self.best.reset();
        self.rule.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[derive(Debug)]
    struct Alarm;

    impl StoppingRule for Alarm {
        fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
            (observation.value > 9.0).then(|| StopReason::Custom("the alarm went off".to_string()))
        }

        fn reset(&mut self) {}
    }

    #[test]
    fn a_rule_of_ones_own_can_end_a_run() {
        let mut stopper = EarlyStopping::with(Goal::Minimize, Alarm);
        let calm = stopper.observe(&Observation::new(1, 1.0));
        assert_eq!(calm, Verdict { improved: true, stop: None });
        let verdict = stopper.observe(&Observation::new(2, 10.0));
        assert_eq!(verdict.stop.unwrap().to_string(), "the alarm went off");
        assert!(!verdict.improved);
        assert_eq!(stopper.earliest_stop(), Some(1));
    }

    #[test]
    fn replaying_a_history_gives_the_verdict_on_its_end() {
        let history = [3.0, 2.0, 2.5].map(|value| Observation::new(0, value));
        let mut stopper = EarlyStopping::new(Goal::Minimize, Rule::patience(3));
        assert_eq!(stopper.replay(&history), Verdict { improved: false, stop: None });
        assert_eq!((stopper.best().unwrap().index, stopper.earliest_stop()), (1, Some(2)));
        stopper.reset();
        assert_eq!((stopper.best(), stopper.replay([])), (None, Verdict::default()));
    }
}
