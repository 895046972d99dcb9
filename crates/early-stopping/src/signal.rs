//! What rules go by besides the value.

use crate::{Delta, Observation, Rule, Span, Unit};

/// A part of an [`Observation`] that not every rule goes by, nor every program records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// [`Observation::train`].
    Train,
    /// [`Observation::elapsed`].
    Elapsed,
    /// [`Observation::step`].
    Step,
    /// [`Observation::standard_error`].
    StandardError,
    /// [`Observation::reductions`].
    Reductions,
    /// [`Observation::evidence`].
    Evidence,
}

impl Signal {
    /// Every one, in the order of an observation.
    pub const ALL: [Signal; 6] = [
        Signal::Train,
        Signal::Elapsed,
        Signal::Step,
        Signal::StandardError,
        Signal::Reductions,
        Signal::Evidence,
    ];

    /// Whether an observation has it.
    pub fn is_in(self, observation: &Observation) -> bool {
        match self {
            Signal::Train => observation.train.is_some(),
            Signal::Elapsed => observation.elapsed.is_some(),
            Signal::Step => observation.step.is_some(),
            Signal::StandardError => observation.standard_error.is_some(),
            Signal::Reductions => observation.reductions.is_some(),
            Signal::Evidence => observation.evidence.is_some(),
        }
    }
}

impl Rule {
    /// Whether a part of the rule goes by a signal. Where it is missing that part decides nothing, and a `min_delta` in
    /// standard errors asks for nothing.
    ///
    /// ```
    /// use highwater_early_stopping::{Rule, Signal};
    ///
    /// let rule: Rule = "patience(5, min_delta=1se) or after(100 steps, pq(0.75))".parse()?;
    /// let by: Vec<Signal> = Signal::ALL.into_iter().filter(|signal| rule.goes_by(*signal)).collect();
    /// assert_eq!(by, [Signal::Train, Signal::Step, Signal::StandardError]);
    /// # Ok::<(), highwater_early_stopping::ParseError>(())
    /// ```
    pub fn goes_by(&self, signal: Signal) -> bool {
        let counts = |span: Span| signal == Signal::Step && span.unit == Unit::Steps;
        let asks =
            |delta: Delta| signal == Signal::StandardError && matches!(delta, Delta::StandardErrors(_));
        match self {
            Rule::Never
            | Rule::GeneralizationLoss(_)
            | Rule::Rises(_)
            | Rule::Target(_)
            | Rule::Divergence(_)
            | Rule::IncToDec(_) => false,
            Rule::ProgressQuotient(_) | Rule::ProgressBelow(_) => signal == Signal::Train,
            Rule::Time(_) => signal == Signal::Elapsed,
            Rule::Limit(span) => counts(*span),
            Rule::Patience(patience) => counts(patience.wait) || asks(patience.min_delta),
            Rule::Plateau(plateau) => signal == Signal::Reductions || asks(plateau.min_delta),
            Rule::Evidence => signal == Signal::Evidence,
            Rule::After { warm_up: span, rule } | Rule::Skip { first: span, rule } => {
                counts(*span) || rule.goes_by(signal)
            }
            Rule::Smoothed { rule, .. } | Rule::Held { rule, .. } | Rule::Latched(rule) | Rule::Not(rule) => {
                rule.goes_by(signal)
            }
            Rule::Any(rules) | Rule::All(rules) | Rule::AtLeast { rules, .. } => {
                rules.iter().any(|rule| rule.goes_by(signal))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    /// Takes one signal out of an observation that has all.
    fn without(signal: Signal) -> Observation {
        let mut observation = Observation {
            train: Some(1.0),
            elapsed: Some(Duration::from_secs(1)),
            step: Some(1),
            standard_error: Some(1.0),
            reductions: Some(1),
            evidence: Some(1.0),
            ..Observation::new(1, 1.0)
        };
        match signal {
            Signal::Train => observation.train = None,
            Signal::Elapsed => observation.elapsed = None,
            Signal::Step => observation.step = None,
            Signal::StandardError => observation.standard_error = None,
            Signal::Reductions => observation.reductions = None,
            Signal::Evidence => observation.evidence = None,
        }
        observation
    }

    #[test]
    fn each_signal_is_a_part_of_its_own() {
        for missing in Signal::ALL {
            for signal in Signal::ALL {
                assert_eq!(signal.is_in(&without(missing)), signal != missing, "{signal:?} of {missing:?}");
            }
        }
    }

    #[test]
    fn a_rule_goes_by_what_its_parts_go_by() {
        for (text, expected) in [
            ("never or gl(5) or up(3) or target(1) or diverged(2x) or inc_to_dec(0.1)", &[][..]),
            ("patience(5, min_delta=0.1)", &[]),
            ("patience(5 steps)", &[Signal::Step]),
            ("skip(5 steps, gl(5))", &[Signal::Step]),
            ("after(5 epochs, gl(5)) and observations(3)", &[]),
            ("not progress_below(0.1)", &[Signal::Train]),
            ("plateau(3, min_delta=2se)", &[Signal::StandardError, Signal::Reductions]),
            ("1 of (held(3, evidence), ema(0.5, latched(time(1m))))", &[Signal::Elapsed, Signal::Evidence]),
        ] {
            let rule: Rule = text.parse().unwrap();
            assert!(
                Signal::ALL.into_iter().filter(|signal| rule.goes_by(*signal)).eq(expected.iter().copied()),
                "{text}"
            );
        }
    }
}
