//! Rules made of rules. Each shows every observation to every rule within, save where it says otherwise.

use crate::span::Position;
use crate::{Observation, Span, StopReason, StoppingRule};
use alloc::{boxed::Box, string::String, vec::Vec};

/// How many of several rules have to hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quorum {
    Any,
    All,
    AtLeast(u64),
}

#[derive(Debug)]
pub(super) struct Several {
    pub(super) quorum: Quorum,
    pub(super) rules: Vec<Box<dyn StoppingRule>>,
}

impl Several {
    fn needed(&self) -> usize {
        match self.quorum {
            Quorum::Any => 1,
            Quorum::All => self.rules.len(),
            Quorum::AtLeast(k) => usize::try_from(k).unwrap_or(usize::MAX),
        }
    }
}

impl StoppingRule for Several {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let mut reasons: Vec<_> =
            self.rules.iter_mut().filter_map(|rule| rule.observe(observation)).collect();
        if reasons.len() < self.needed() {
            return None;
        }
        match self.quorum {
            Quorum::Any if reasons.len() == 1 => reasons.pop(),
            Quorum::Any => Some(StopReason::Any(reasons)),
            Quorum::All => Some(StopReason::All(reasons)),
            Quorum::AtLeast(needed) => {
                Some(StopReason::AtLeast { needed, of: self.rules.len() as u64, reasons })
            }
        }
    }

    fn reset(&mut self) {
        self.rules.iter_mut().for_each(StoppingRule::reset);
    }

    fn earliest(&self) -> u64 {
        let mut each: Vec<_> = self.rules.iter().map(StoppingRule::earliest).collect();
        each.sort_unstable();
        each.get(self.needed() - 1).copied().unwrap_or(u64::MAX)
    }
}

/// Holds where the rule does not.
#[derive(Debug)]
pub(super) struct Not {
    /// The rule within, as text.
    pub(super) text: String,
    pub(super) rule: Box<dyn StoppingRule>,
}

impl StoppingRule for Not {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        match self.rule.observe(observation) {
            Some(_) => None,
            None => Some(StopReason::Not { rule: self.text.clone() }),
        }
    }

    fn reset(&mut self) {
        self.rule.reset();
    }
}

/// Where the observations of a warm-up differ from those after it.
#[derive(Debug)]
pub(super) struct WarmUp {
    length: u64,
    /// Whether the rule does not even see the observations of the warm-up.
    blind: bool,
    position: Position,
    rule: Box<dyn StoppingRule>,
}

impl WarmUp {
    pub(super) fn new(span: Span, blind: bool, rule: Box<dyn StoppingRule>) -> Self {
        Self { length: span.length, blind, position: Position::new(span.unit), rule }
    }
}

impl StoppingRule for WarmUp {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let over = self.position.observe(observation).is_some_and(|completed| completed > self.length);
        if !over && self.blind {
            return None;
        }
        self.rule.observe(observation).filter(|_| over)
    }

    fn reset(&mut self) {
        self.position.reset();
        self.rule.reset();
    }

    fn earliest(&self) -> u64 {
        let over = self.position.until(self.length.saturating_add(1));
        if self.blind && self.position.completed() <= self.length {
            over
        } else {
            over.max(self.rule.earliest())
        }
    }
}

/// Goes on holding, with its first reason, once the rule has held.
#[derive(Debug)]
pub(super) struct Latched {
    pub(super) rule: Box<dyn StoppingRule>,
    pub(super) first: Option<StopReason>,
}

impl StoppingRule for Latched {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        if self.first.is_none() {
            self.first = self.rule.observe(observation);
        }
        self.first.clone()
    }

    fn reset(&mut self) {
        self.rule.reset();
        self.first = None;
    }

    fn earliest(&self) -> u64 {
        if self.first.is_some() { 1 } else { self.rule.earliest() }
    }
}

/// Holds when the rule has held so many times in a row.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) needed: u64,
    pub(super) times: u64,
    pub(super) rule: Box<dyn StoppingRule>,
}

impl StoppingRule for Held {
    fn observe(&mut self, observation: &Observation) -> Option<StopReason> {
        let reason = self.rule.observe(observation);
        self.times = if reason.is_some() { self.times + 1 } else { 0 };
        let reason = Box::new(reason.filter(|_| self.times >= self.needed)?);
        Some(StopReason::Held { times: self.times, reason })
    }

    fn reset(&mut self) {
        self.times = 0;
        self.rule.reset();
    }

    fn earliest(&self) -> u64 {
        let left = self.needed.saturating_sub(self.times).max(1);
        left.max((self.needed - 1).saturating_add(self.rule.earliest()) * u64::from(self.times == 0))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{epochs, first_reason, stop, stop_at};
    use crate::{Goal, NonFinite, Observation, Rule, Span, StopReason};

    #[test]
    fn rules_are_composed() {
        let wiggle = [5.0, 6.0, 4.0, 5.0, 6.0, 3.0, 4.0, 9.0];
        for (rule, at) in [
            ("patience(1)", Some(2)),
            ("patience(2)", Some(5)),
            ("patience(2) or gl(15)", Some(2)),
            ("patience(2) and gl(60)", Some(8)),
            ("patience(2) and gl(25)", Some(5)),
            ("2 of (patience(1), gl(60), epochs(7))", Some(7)),
            ("3 of (patience(1), gl(60), epochs(7))", Some(8)),
            ("not target(4.5)", Some(1)),
            ("not patience(1) and epochs(4)", Some(6)),
            ("after(2, patience(1))", Some(4)),
            ("skip(1, patience(1))", Some(4)),
            ("skip(2, patience(1))", Some(4)),
            ("skip(3, patience(1))", Some(5)),
            ("after(4 epochs, patience(1))", Some(5)),
            ("after(1 step, patience(1))", None),
            ("skip(1 step, patience(1))", None),
            ("latched(gl(15)) and target(3)", Some(6)),
            ("gl(15) and target(3)", None),
            ("held(1, patience(1))", Some(2)),
            ("held(2, patience(1))", Some(5)),
            ("held(3, patience(1))", None),
            ("never", None),
            ("never or epochs(3)", Some(3)),
        ] {
            assert_eq!(stop(rule, &wiggle), at, "{rule}");
        }
    }

    #[test]
    fn the_only_one_of_several_rules_that_fires_is_the_reason_itself() {
        let reason = first_reason("patience(9) or epochs(2)", &epochs(&[(1, 1.0), (2, 2.0)]));
        assert_eq!(reason, Some((2, StopReason::Limit { limit: Span::epochs(2), completed: 2 })));
    }

    /// The footnote of Proben1 on its architecture runs: GL5 once, eight successive rises once, GL/P5 > 3
    /// once.
    #[test]
    fn the_three_conditions_of_proben1_are_one_line() {
        let rule = "latched(gl(5, strip=5)) and latched(up(8)) and latched(pq(3))";
        let rising = |from: u64, to: u64| {
            (from..=to).map(|at| (at, 1.0 + at as f64 / 100.0, 10.0 - at as f64 / 100.0))
        };
        let history: alloc::vec::Vec<_> = rising(1, 45)
            .chain((46..=50).map(|at| (at, 0.5, 2.0)))
            .chain((51..=60).map(|at| (at, 0.6, 2.0)))
            .map(|(at, value, train)| Observation { train: Some(train), ..Observation::new(at, value) })
            .collect();
        assert_eq!(stop_at("gl(5, strip=5)", &history), Some(15));
        assert_eq!(stop_at("up(8)", &history), Some(45));
        assert_eq!(stop_at("pq(3)", &history), Some(15));
        assert_eq!(stop_at(rule, &history), Some(45));
        assert_eq!(stop_at("gl(5, strip=5) and up(8) and pq(99)", &history), None);
        assert_eq!(stop_at("latched(up(8)) and latched(pq(99))", &history), Some(55));
    }

    #[test]
    fn a_condition_that_recovered_during_the_warm_up_does_not_stop_the_run() {
        let history = epochs(&[(1, 1.0), (2, 2.0), (3, 3.0), (4, 0.5), (5, 0.6), (6, 0.7)]);
        assert_eq!(stop_at("after(3 epochs, patience(2))", &history), Some(6));
        assert_eq!(stop_at("after(3 epochs, latched(patience(2)))", &history), Some(4));
    }

    #[test]
    fn a_rule_that_has_seen_nothing_yet_does_not_know_the_pace() {
        let rule: Rule = "skip(15 epochs, epochs(40))".parse().unwrap();
        let mut running = rule.start(Goal::Minimize, NonFinite::Stop);
        running.observe(&Observation::new(10, 1.0));
        assert_eq!(running.earliest(), 1);
    }

    #[test]
    fn the_earliest_stop_is_that_of_the_rules_within() {
        for (rule, before, after_one) in [
            ("patience(3)", 4, 3),
            ("patience(3 epochs)", 3, 3),
            ("epochs(10)", 10, 9),
            ("patience(3) or epochs(2)", 2, 1),
            ("patience(3) and epochs(9)", 9, 8),
            ("2 of (epochs(3), epochs(5), epochs(7))", 5, 4),
            ("never and epochs(9)", u64::MAX, u64::MAX),
            ("never or epochs(9)", 9, 8),
            ("not epochs(9)", 1, 1),
            ("after(5, patience(1))", 6, 5),
            ("after(5, patience(9))", 10, 9),
            ("skip(5, patience(1))", 6, 5),
            ("held(4, epochs(3))", 6, 5),
            ("latched(epochs(3))", 3, 2),
            ("up(2)", 15, 14),
            ("up(2, strip=1)", 3, 2),
            ("gl(5)", 2, 1),
            ("inc_to_dec(0.1, wait=5)", 6, 5),
            ("median(3, patience(3))", 4, 3),
        ] {
            for policy in [NonFinite::Stop, NonFinite::Ignore] {
                let mut running = rule.parse::<Rule>().unwrap().start(Goal::Minimize, policy);
                assert_eq!(running.earliest(), before, "{rule}, {policy}");
                running.observe(&Observation::new(1, 1.0));
                assert_eq!(running.earliest(), after_one, "{rule}, {policy}");
            }
        }
    }
}
