//! Rules as values: the description of when to stop.

mod composition;
mod evidence;
mod expected_increase;
mod generalization_loss;
mod inc_to_dec;
mod level;
mod limit;
mod patience;
mod plateau;
mod print;
mod progress;
mod rises;
mod smoothed;
mod strip;

pub use generalization_loss::GeneralizationLoss;
pub use inc_to_dec::IncToDec;
pub use level::Divergence;
pub use patience::Patience;
pub use plateau::Plateau;
pub use progress::{ProgressBelow, ProgressQuotient};
pub use rises::Rises;
pub use smoothed::Smoothing;
pub(crate) use strip::excess;

use crate::non_finite::{Guarded, Ignoring};
use crate::{Goal, NonFinite, Observation, Span, StopReason, StoppingRule};
use alloc::{boxed::Box, string::ToString, vec::Vec};
use composition::{Held, Latched, Not, Quorum, Several, WarmUp};
use core::{error::Error, fmt, ops, time::Duration};

/// When to stop, as a value: it can be compared, kept in a configuration, written and read as text.
///
/// A rule is a description and watches nothing; [`start`](Rule::start) makes what does.
///
/// | text | stops when |
/// |---|---|
/// | `patience(10, min_delta=0.001)` | nothing was gained for so long: [`Patience`] |
/// | `gl(5)` | the value is so many percent worse than the best: [`GeneralizationLoss`] |
/// | `pq(0.75, strip=5)` | that loss outweighs the progress of training: [`ProgressQuotient`] |
/// | `up(3, strip=5)` | the value was worse so many times in a row: [`Rises`] |
/// | `progress_below(0.1, strip=5)` | training makes no more progress: [`ProgressBelow`] |
/// | `epochs(100)`, `steps(5000)`, `observations(50)` | so much is complete: [`Limit`](Rule::Limit) |
/// | `time(30m)` | the time is used up: [`Time`](Rule::Time) |
/// | `target(0.95)` | the value is good enough: [`Target`](Rule::Target) |
/// | `diverged(10x)`, `diverged(2.5)` | the value is hopeless: [`Divergence`] |
/// | `inc_to_dec(0.001, wait=20)` | a new best is improbable: [`IncToDec`] |
/// | `plateau(3)` | smaller learning rates don't help: [`Plateau`] |
/// | `evidence` | the gradients are noise: [`GradientEvidence`](crate::GradientEvidence) |
/// | `never` | never |
/// | `a or b`, `a and b`, `2 of (a, b, c)`, `not a` | any, all, some, none of these hold |
/// | `after(20 epochs, a)` | a holds, after a warm-up in which it may hold and does not stop |
/// | `skip(3, a)` | a holds, which is not shown the first observations |
/// | `latched(a)` | a holds or has held before |
/// | `held(3, a)` | a holds for the third time in a row |
/// | `ema(0.9, a)`, `median(5, a)` | a holds on the smoothed series: [`Smoothing`] |
///
/// `not` binds tighter than `and`, `and` tighter than `or`. [`Display`](fmt::Display) prints what
/// [`FromStr`](core::str::FromStr) reads, and with the feature `serde` a rule is its text.
///
/// A condition *holds* or does not at each observation, and it can cease to hold. A rule that tests at the
/// end of strips holds from one end to the next.
///
/// ```
/// use highwater_early_stopping::Rule;
///
/// let rule: Rule = "(gl(5) and up(3)) or patience(20, min_delta=0.01x) or time(30m)".parse()?;
/// assert_eq!(rule.to_string(), "gl(5) and up(3) or patience(20, min_delta=0.01x) or time(30m)");
///
/// let same: Rule = "patience(5) or epochs(100)".parse()?;
/// assert_eq!(same, Rule::patience(5).or(Rule::epochs(100)));
/// # Ok::<(), highwater_early_stopping::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "alloc::string::String", into = "alloc::string::String")
)]
pub enum Rule {
    /// Goes on for ever.
    Never,
    /// Nothing was gained for a while.
    Patience(Patience),
    /// The value is so many percent worse than the best.
    GeneralizationLoss(GeneralizationLoss),
    /// The generalization loss outweighs the progress of training.
    ProgressQuotient(ProgressQuotient),
    /// The value was worse several times in a row.
    Rises(Rises),
    /// Training makes no more progress.
    ProgressBelow(ProgressBelow),
    /// So many observations, epochs or steps are complete; at least 1. An observation without a step count
    /// never reaches a limit of steps.
    Limit(Span),
    /// The training time is used up, which is [`Observation::elapsed`]: as part of the history it goes on
    /// where a continued run had stopped. Fires also when the next observation would come too late if it took
    /// as long as the latest, so that a budget is kept, not just noticed. The first observation took as long
    /// as all before it. Observations without a time decide nothing. Above 0.
    Time(Duration),
    /// The value is as good as this or better; non-finite values never are.
    Target(f64),
    /// The value is worse than it can be in a run that goes well.
    Divergence(Divergence),
    /// A new best is improbable.
    IncToDec(IncToDec),
    /// Reductions of the learning rate brought nothing.
    Plateau(Plateau),
    /// The gradients are noise: [`Observation::evidence`] is above zero. The criterion of a single batch is
    /// itself noisy; average it over an epoch, or ask for `held(3, evidence)`. An observation without it
    /// decides nothing, and so does one in which it is not finite. The value is not looked at.
    Evidence,
    /// The rule holds on the smoothed series.
    Smoothed {
        /// How it is smoothed.
        by: Smoothing,
        /// The rule that sees the smoothed values.
        rule: Box<Rule>,
    },
    /// The rule holds after a warm-up: while no more than `warm_up` is complete it sees everything and cannot
    /// stop the run.
    After {
        /// How long the rule cannot stop the run.
        warm_up: Span,
        /// The rule.
        rule: Box<Rule>,
    },
    /// The rule holds, and is not shown what comes before more than `first` is complete.
    Skip {
        /// What the rule does not see.
        first: Span,
        /// The rule.
        rule: Box<Rule>,
    },
    /// The rule has held at so many observations in a row; at least 1.
    Held {
        /// How many.
        times: u64,
        /// The rule.
        rule: Box<Rule>,
    },
    /// The rule holds or has held before. The reason is the first.
    Latched(Box<Rule>),
    /// The rule does not hold.
    Not(Box<Rule>),
    /// At least `needed` of the rules hold; from 1 to as many as there are.
    AtLeast {
        /// How many.
        needed: u64,
        /// Of which.
        rules: Vec<Rule>,
    },
    /// One of the rules holds; two rules or more.
    Any(Vec<Rule>),
    /// All the rules hold; two rules or more.
    All(Vec<Rule>),
}

/// A rule with numbers that make no sense, such as a patience of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRule {
    rule: &'static str,
    needs: &'static str,
}

impl InvalidRule {
    fn unless(holds: bool, rule: &'static str, needs: &'static str) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self { rule, needs }) }
    }
}

impl fmt::Display for InvalidRule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "`{}` needs {}", self.rule, self.needs)
    }
}

impl Error for InvalidRule {}

impl Rule {
    /// `patience(n)`, in observations, with any improvement as a gain.
    pub fn patience(observations: u64) -> Self {
        Rule::Patience(Patience { wait: observations.into(), ..Patience::default() })
    }

    /// `epochs(n)`, a limit.
    pub fn epochs(epochs: u64) -> Self {
        Rule::Limit(Span::epochs(epochs))
    }

    /// This rule or the other.
    pub fn or(self, other: Rule) -> Self {
        match self {
            Rule::Any(mut rules) => {
                rules.push(other);
                Rule::Any(rules)
            }
            one => Rule::Any(Vec::from([one, other])),
        }
    }

    /// This rule and the other at once.
    pub fn and(self, other: Rule) -> Self {
        match self {
            Rule::All(mut rules) => {
                rules.push(other);
                Rule::All(rules)
            }
            one => Rule::All(Vec::from([one, other])),
        }
    }

    /// This rule after a warm-up.
    pub fn after(self, warm_up: Span) -> Self {
        Rule::After { warm_up, rule: Box::new(self) }
    }

    /// This rule, or that it has held before.
    pub fn latched(self) -> Self {
        Rule::Latched(Box::new(self))
    }

    /// The rules that are not made of others, from left to right.
    ///
    /// ```
    /// use highwater_early_stopping::Rule;
    ///
    /// let rule: Rule = "after(5, gl(5) and not up(3)) or time(30m)".parse()?;
    /// let leaves: Vec<String> = rule.leaves().into_iter().map(Rule::to_string).collect();
    /// assert_eq!(leaves, ["gl(5)", "up(3)", "time(30m)"]);
    /// # Ok::<(), highwater_early_stopping::ParseError>(())
    /// ```
    pub fn leaves(&self) -> Vec<&Rule> {
        match self {
            Rule::Any(rules) | Rule::All(rules) | Rule::AtLeast { rules, .. } => {
                rules.iter().flat_map(Rule::leaves).collect()
            }
            Rule::Smoothed { rule, .. }
            | Rule::After { rule, .. }
            | Rule::Skip { rule, .. }
            | Rule::Held { rule, .. }
            | Rule::Latched(rule)
            | Rule::Not(rule) => rule.leaves(),
            Rule::Never
            | Rule::Patience(_)
            | Rule::GeneralizationLoss(_)
            | Rule::ProgressQuotient(_)
            | Rule::Rises(_)
            | Rule::ProgressBelow(_)
            | Rule::Limit(_)
            | Rule::Time(_)
            | Rule::Target(_)
            | Rule::Divergence(_)
            | Rule::IncToDec(_)
            | Rule::Plateau(_)
            | Rule::Evidence => Vec::from([self]),
        }
    }

    /// Whether the numbers make sense. Rules that were parsed or deserialized are checked already.
    ///
    /// # Errors
    /// [`InvalidRule`] names the first number that does not.
    pub fn check(&self) -> Result<(), InvalidRule> {
        let two = |rules: &[Rule], name| InvalidRule::unless(rules.len() >= 2, name, "two rules or more");
        match self {
            Rule::Never | Rule::Evidence => Ok(()),
            Rule::Time(limit) => InvalidRule::unless(!limit.is_zero(), "time", "a limit above 0"),
            Rule::Patience(spec) => spec.check(),
            Rule::GeneralizationLoss(spec) => spec.check(),
            Rule::ProgressQuotient(spec) => spec.check(),
            Rule::Rises(spec) => spec.check(),
            Rule::ProgressBelow(spec) => spec.check(),
            Rule::Limit(span) => {
                InvalidRule::unless(span.length >= 1, span.unit.name(0), "a limit of at least 1")
            }
            Rule::Target(value) => InvalidRule::unless(value.is_finite(), "target", "a finite value"),
            Rule::Divergence(spec) => spec.check(),
            Rule::IncToDec(spec) => spec.check(),
            Rule::Plateau(spec) => spec.check(),
            Rule::Smoothed { by, rule } => by.check().and_then(|()| rule.check()),
            Rule::After { rule, .. } | Rule::Skip { rule, .. } | Rule::Latched(rule) | Rule::Not(rule) => {
                rule.check()
            }
            Rule::Held { times, rule } => {
                InvalidRule::unless(*times >= 1, "held", "at least 1 time")?;
                rule.check()
            }
            Rule::AtLeast { needed, rules } => {
                let possible = (1..=rules.len() as u64).contains(needed);
                InvalidRule::unless(possible, "of", "a number from 1 to the number of its rules")?;
                rules.iter().try_for_each(Rule::check)
            }
            Rule::Any(rules) => two(rules, "or").and_then(|()| rules.iter().try_for_each(Rule::check)),
            Rule::All(rules) => two(rules, "and").and_then(|()| rules.iter().try_for_each(Rule::check)),
        }
    }

    /// Makes a condition that watches a run from its first observation on.
    ///
    /// # Panics
    /// If the rule was put together by hand from numbers without sense, see [`check`](Rule::check).
    #[track_caller]
    pub fn start(&self, goal: Goal, non_finite: NonFinite) -> Box<dyn StoppingRule> {
        if let Err(invalid) = self.check() {
            panic!("{invalid}");
        }
        let rule = self.watch(goal, non_finite);
        match non_finite {
            NonFinite::Ignore | NonFinite::Count => rule,
            NonFinite::Stop => Box::new(Guarded { rule, failed: false }),
            NonFinite::Fail => Box::new(Guarded { rule, failed: true }),
        }
    }

    fn watch(&self, goal: Goal, policy: NonFinite) -> Box<dyn StoppingRule> {
        fn of_values(rule: impl StoppingRule + 'static, policy: NonFinite) -> Box<dyn StoppingRule> {
            match policy {
                NonFinite::Ignore => Box::new(Ignoring { rule, latest: None }),
                NonFinite::Count | NonFinite::Stop | NonFinite::Fail => Box::new(rule),
            }
        }
        let several = |quorum, rules: &[Rule]| -> Box<dyn StoppingRule> {
            Box::new(Several { quorum, rules: rules.iter().map(|rule| rule.watch(goal, policy)).collect() })
        };
        match self {
            Rule::Never => Box::new(Never),
            Rule::Patience(spec) => of_values(spec.start(goal), policy),
            Rule::GeneralizationLoss(spec) => of_values(spec.start(goal), policy),
            Rule::ProgressQuotient(spec) => of_values(spec.start(goal), policy),
            Rule::Rises(spec) => of_values(spec.start(goal), policy),
            Rule::ProgressBelow(spec) => Box::new(spec.start()),
            Rule::Limit(span) => Box::new(limit::Counting::new(*span)),
            Rule::Time(limit) => Box::new(limit::Timing::new(*limit)),
            Rule::Target(target) => of_values(level::Reaching { target: *target, goal }, policy),
            Rule::Divergence(spec) => of_values(spec.start(goal), policy),
            Rule::IncToDec(spec) => of_values(spec.start(goal), policy),
            Rule::Plateau(spec) => of_values(spec.start(goal), policy),
            Rule::Evidence => Box::new(evidence::Evidence),
            Rule::Smoothed { by, rule } => Box::new(smoothed::Smoothed::new(*by, rule.watch(goal, policy))),
            Rule::After { warm_up, rule } => Box::new(WarmUp::new(*warm_up, false, rule.watch(goal, policy))),
            Rule::Skip { first, rule } => Box::new(WarmUp::new(*first, true, rule.watch(goal, policy))),
            Rule::Held { times, rule } => {
                Box::new(Held { needed: *times, times: 0, rule: rule.watch(goal, policy) })
            }
            Rule::Latched(rule) => Box::new(Latched { rule: rule.watch(goal, policy), first: None }),
            Rule::Not(rule) => Box::new(Not { text: rule.to_string(), rule: rule.watch(goal, policy) }),
            Rule::AtLeast { needed, rules } => several(Quorum::AtLeast(*needed), rules),
            Rule::Any(rules) => several(Quorum::Any, rules),
            Rule::All(rules) => several(Quorum::All, rules),
        }
    }
}

/// That the rule does not hold.
impl ops::Not for Rule {
    type Output = Rule;

    fn not(self) -> Rule {
        Rule::Not(Box::new(self))
    }
}

#[derive(Debug)]
struct Never;

impl StoppingRule for Never {
    fn observe(&mut self, _: &Observation) -> Option<StopReason> {
        None
    }

    fn reset(&mut self) {}

    fn earliest(&self) -> u64 {
        u64::MAX
    }
}

#[cfg(test)]
mod tests {
    use crate::{Problem, Rule};
    use alloc::{format, string::ToString};

    #[test]
    fn numbers_without_sense_are_refused() {
        for (text, name, needs) in [
            ("patience(3, factor=-1)", "patience", "a factor of at least 0"),
            ("patience(3, min_delta=-1)", "patience", "a min_delta of at least 0"),
            ("gl(5, strip=0)", "gl", "a strip of at least 1"),
            ("pq(-1)", "pq", "an alpha of at least 0"),
            ("up(0)", "up", "at least 1 rise"),
            ("up(1, strip=0)", "up", "a strip of at least 1"),
            ("progress_below(0)", "progress_below", "a threshold above 0"),
            ("progress_below(1, strip=1)", "progress_below", "a strip of at least 2"),
            ("steps(0)", "steps", "a limit of at least 1"),
            ("inc_to_dec(0)", "inc_to_dec", "a threshold above 0 and at most 1"),
            ("inc_to_dec(1.1)", "inc_to_dec", "a threshold above 0 and at most 1"),
            ("inc_to_dec(1, wait=0)", "inc_to_dec", "a wait of at least 1"),
            ("plateau(0)", "plateau", "at least 1 reduction"),
            ("plateau(1, min_delta=-1)", "plateau", "a min_delta of at least 0"),
            ("ema(-0.1, never)", "ema", "a decay of at least 0 and below 1"),
            ("median(0, never)", "median", "a window of at least 1"),
            ("held(0, never)", "held", "at least 1 time"),
            ("0 of (never)", "of", "a number from 1 to the number of its rules"),
        ] {
            match text.parse::<Rule>().unwrap_err().problem() {
                Problem::Invalid(invalid) => {
                    assert_eq!(invalid.to_string(), format!("`{name}` needs {needs}"), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
