//! What holds for every rule and every composition of rules.

use crate::strategies::{comparing, composed, goal, history, policy, rule, steady_history};
use highwater_early_stopping::{
    BestTracker, Delta, Divergence, EarlyStopping, Goal, NonFinite, Observation, ParseError, Patience,
    Plateau, Rule, Selection, StoppingRule, Verdict, replay,
};
use proptest::prelude::*;
use std::time::Duration;

/// Whether the rule holds at each of the observations.
fn holds(rule: &Rule, goal: Goal, policy: NonFinite, history: &[Observation]) -> Vec<bool> {
    let mut running = rule.start(goal, policy);
    history.iter().map(|observation| running.observe(observation).is_some()).collect()
}

fn verdicts(stopper: &mut EarlyStopping, history: &[Observation]) -> Vec<String> {
    history.iter().map(|observation| text(&stopper.observe(observation))).collect()
}

/// NaN equals nothing, its text does.
fn text(verdict: &Verdict) -> String {
    format!("{verdict:?}")
}

fn values(values: impl IntoIterator<Item = f64>) -> Vec<Observation> {
    (1..).zip(values).map(|(at, value)| Observation::new(at, value)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_run_that_was_interrupted_is_judged_as_one_that_was_not(
        rule in rule(), goal in goal(), policy in policy(), history in history(40), cut in 0.0..1.0_f64,
    ) {
        let (before, after) = history.split_at((cut * history.len() as f64) as usize);
        let mut whole = EarlyStopping::with(goal, rule.start(goal, policy));
        let expected = verdicts(&mut whole, &history);

        let rule: Rule = rule.to_string().parse()?;
        let mut resumed = EarlyStopping::with(goal, rule.start(goal, policy));
        let latest = resumed.replay(before);
        if let Some(last) = before.len().checked_sub(1) {
            prop_assert_eq!(&text(&latest), &expected[last]);
        }
        prop_assert_eq!(verdicts(&mut resumed, after), &expected[before.len()..]);
        prop_assert_eq!(resumed.best(), whole.best());
        prop_assert_eq!(resumed.earliest_stop(), whole.earliest_stop());
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_rule_and_its_history_are_all_that_must_be_stored(
        rule in rule(), goal in goal(), policy in policy(), history in history(40), cut in 0.0..1.0_f64,
    ) {
        let (before, after) = history.split_at((cut * history.len() as f64) as usize);
        let mut whole = EarlyStopping::with(goal, rule.start(goal, policy));
        let expected = verdicts(&mut whole, &history);

        let stored = serde_json::to_string(&(&rule, goal, policy, before)).unwrap();
        let (rule, goal, policy, before): (Rule, Goal, NonFinite, Vec<Observation>) =
            serde_json::from_str(&stored).unwrap();
        let mut resumed = EarlyStopping::with(goal, rule.start(goal, policy));
        resumed.replay(&before);
        prop_assert_eq!(verdicts(&mut resumed, after), &expected[before.len()..]);

        whole.reset();
        for observation in &history {
            let verdict = whole.observe(observation);
            let stored = serde_json::to_string(&verdict).unwrap();
            prop_assert_eq!(text(&serde_json::from_str(&stored).unwrap()), text(&verdict));
        }
    }

    #[test]
    fn after_a_reset_a_rule_is_as_good_as_new(
        rule in rule(), goal in goal(), policy in policy(), first in history(30), second in history(30),
    ) {
        let mut used = EarlyStopping::with(goal, rule.start(goal, policy));
        used.replay(&first);
        used.reset();
        let mut new = EarlyStopping::with(goal, rule.start(goal, policy));
        prop_assert_eq!(used.earliest_stop(), new.earliest_stop());
        prop_assert_eq!(verdicts(&mut used, &second), verdicts(&mut new, &second));
        prop_assert_eq!(used.best(), new.best());
    }

    #[test]
    fn a_rule_never_fires_while_the_series_improves_by_more_than_its_delta(
        rule in composed(comparing()), goal in goal(), policy in policy(), length in 1..60_u32, se in 0.0..1.0,
    ) {
        let sign = if goal == Goal::Minimize { -1.0 } else { 1.0 };
        let mut history = values((0..length).map(|i| sign * (40.0 * f64::from(i) - 300.0)));
        for observation in &mut history {
            let train = Some(1.0 / observation.at as f64);
            let reductions = Some(observation.at);
            *observation =
                Observation { train, reductions, step: reductions, standard_error: Some(se), ..*observation };
        }
        let stops = holds(&rule, goal, policy, &history);
        prop_assert!(!stops.contains(&true), "{} {:?}", rule, stops);
    }

    #[test]
    fn on_a_constant_series_smoothing_changes_nothing(
        rule in rule(), goal in goal(), value in -9.0..9.0, decay in 0.0..0.99, window in 1..9_u64,
    ) {
        let history = values([value; 30]);
        let plain = holds(&rule, goal, NonFinite::Count, &history);
        for by in [format!("ema({decay}"), format!("median({window}")] {
            let smoothed: Rule = format!("{by}, {rule})").parse()?;
            prop_assert_eq!(&holds(&smoothed, goal, NonFinite::Count, &history), &plain);
        }
    }

    #[test]
    fn on_a_constant_series_a_patience_runs_out_exactly(
        patience in (1..30_u64), value in -9.0..9.0, delta in 0.0..1.0,
    ) {
        let rule: Rule = format!("patience({patience}, min_delta={delta})").parse()?;
        let stops = holds(&rule, Goal::Maximize, NonFinite::Stop, &values([value; 40]));
        let expected: Vec<_> = (0..40).map(|i| i >= patience).collect();
        prop_assert_eq!(stops, expected);
    }

    #[test]
    fn on_a_constant_series_nothing_gets_worse(
        alpha in 0.0..9.0, rises in 1..4_u64, strip in 2..4_u64, factor in 1.01..9.0, value in -9.0..9.0,
    ) {
        let falls = format!("gl({alpha}) or pq({alpha}, strip={strip}) or diverged({factor}x)");
        let rule: Rule = format!("{falls} or up({rises}, strip=1)").parse()?;
        let mut history = values([value; 30]);
        history.iter_mut().for_each(|observation| observation.train = Some(1.0));
        prop_assert!(!holds(&rule, Goal::Minimize, NonFinite::Stop, &history).contains(&true));
    }

    #[test]
    fn a_single_observation_is_best_and_no_reason_to_stop(
        rule in composed(comparing()), goal in goal(), policy in policy(), value in -9.0..9.0,
    ) {
        let mut stopper = EarlyStopping::with(goal, rule.start(goal, policy));
        let observation = Observation { train: Some(1.0), reductions: Some(9), ..Observation::new(6, value) };
        prop_assert_eq!(stopper.observe(&observation), Verdict { improved: true, stop: None });
        prop_assert_eq!(stopper.best().map(|best| (best.at, best.value, best.index)), Some((6, value, 0)));
    }

    #[test]
    fn what_is_not_finite_never_becomes_best(
        rule in rule(), goal in goal(), policy in policy(), history in history(40),
    ) {
        let mut stopper = EarlyStopping::with(goal, rule.start(goal, policy));
        let mut best: Option<f64> = None;
        for observation in &history {
            let improved = stopper.observe(observation).improved;
            let value = observation.value;
            prop_assert_eq!(improved, value.is_finite() && best.is_none_or(|best| goal.better(value, best)));
            best = if improved { Some(value) } else { best };
            prop_assert_eq!(stopper.best().map(|best| best.value), best);
        }
    }

    #[test]
    fn a_non_finite_value_stops_the_run_where_it_is_meant_to(
        rule in rule(), goal in goal(), history in history(40),
    ) {
        let plain = holds(&rule, goal, NonFinite::Count, &history);
        let guarded = holds(&rule, goal, NonFinite::Stop, &history);
        for (i, observation) in history.iter().enumerate() {
            prop_assert_eq!(guarded[i], plain[i] || !observation.value.is_finite());
        }
    }

    #[test]
    fn what_is_ignored_leaves_no_trace_in_rules_that_watch_the_value(
        rule in comparing(), goal in goal(), history in history(40),
    ) {
        let finite: Vec<_> = history.iter().copied().filter(|o| o.value.is_finite()).collect();
        let all = holds(&rule, goal, NonFinite::Ignore, &history);
        let mut expected = holds(&rule, goal, NonFinite::Stop, &finite).into_iter();
        let mut latest = false;
        for (found, observation) in all.into_iter().zip(&history) {
            latest = if observation.value.is_finite() { expected.next().unwrap() } else { latest };
            prop_assert_eq!(found, latest);
        }
    }

    #[test]
    fn a_counted_non_finite_value_is_one_worse_than_all(
        patience in 1..5_u64, delta in 0.0..2.0, cumulative: bool, inclusive: bool, goal in goal(),
        history in history(40),
    ) {
        let flags = format!("cumulative={cumulative}, inclusive={inclusive}");
        let rule: Rule = format!("patience({patience}, min_delta={delta}, {flags})").parse()?;
        let worst = if goal == Goal::Minimize { 1e9 } else { -1e9 };
        let replaced: Vec<_> = history
            .iter()
            .map(|o| Observation { value: if o.value.is_finite() { o.value } else { worst }, ..*o })
            .collect();
        // Two values that are equally bad would be a gain of zero.
        prop_assume!(!inclusive || delta > 0.0);
        let counted = holds(&rule, goal, NonFinite::Count, &history);
        prop_assert_eq!(counted, holds(&rule, goal, NonFinite::Stop, &replaced));
    }

    #[test]
    fn maximizing_decides_as_minimizing_the_negative_does(
        rule in rule(), policy in policy(), history in history(40),
    ) {
        let negative: Vec<_> = history.iter().map(|o| Observation { value: -o.value, ..*o }).collect();
        prop_assert_eq!(
            holds(&rule, Goal::Minimize, policy, &history),
            holds(&converted(&rule, |value| -value, |gain| gain), Goal::Maximize, policy, &negative)
        );
    }

    #[test]
    fn the_unit_of_the_values_decides_nothing(
        rule in rule(), goal in goal(), policy in policy(), history in history(40),
    ) {
        let double = |x: f64| 2.0 * x;
        let doubled = |o: &Observation| Observation {
            value: double(o.value),
            standard_error: o.standard_error.map(double),
            ..*o
        };
        let in_halves: Vec<_> = history.iter().map(doubled).collect();
        let converted = converted(&rule, |value| 2.0 * value, |gain| 2.0 * gain);
        prop_assert_eq!(holds(&rule, goal, policy, &history), holds(&converted, goal, policy, &in_halves));
    }

    #[test]
    fn a_replay_tells_what_would_have_been(
        rule in rule(), goal in goal(), policy in policy(), history in history(40),
    ) {
        let outcome = &replay(&history, goal, policy, std::slice::from_ref(&rule))[0];
        let mut stopper = EarlyStopping::with(goal, rule.start(goal, policy));
        let mut reasons = history.iter().map(|observation| stopper.observe(observation).stop);
        let live = reasons.by_ref().enumerate().find_map(|(index, reason)| Some((index as u64, reason?)));
        prop_assert_eq!(outcome.chosen, stopper.best());
        let stop = outcome.stop.as_ref().map(|stop| (stop.index, &stop.reason));
        prop_assert_eq!(format!("{stop:?}"), format!("{:?}", live.as_ref().map(|(index, reason)| (*index, reason))));
        let seen = live.map_or(history.len(), |(index, _)| index as usize + 1);
        prop_assert_eq!(outcome.end, history[..seen].last().map_or(0, |observation| observation.at));
        stopper.replay(&history[seen..]);
        prop_assert_eq!(outcome.oracle, stopper.best());
        prop_assert_eq!(outcome.loss.is_some(), outcome.chosen.is_some());
        prop_assert!(outcome.loss.is_none_or(|loss| loss >= 0.0));
    }

    #[test]
    fn compositions_hold_when_their_rules_say_so(
        a in rule(), b in rule(), c in rule(), goal in goal(), history in history(40),
    ) {
        let of = |rule: &Rule| holds(rule, goal, NonFinite::Count, &history);
        let (in_a, in_b, in_c) = (of(&a), of(&b), of(&c));
        let any = of(&a.clone().or(b.clone()));
        let all = of(&a.clone().and(b.clone()));
        let not = of(&!a.clone());
        let two = of(&Rule::AtLeast { needed: 2, rules: vec![a.clone(), b, c] });
        let latched = of(&a.latched());
        for i in 0..history.len() {
            prop_assert_eq!(any[i], in_a[i] || in_b[i]);
            prop_assert_eq!(all[i], in_a[i] && in_b[i]);
            prop_assert_eq!(not[i], !in_a[i]);
            prop_assert_eq!(two[i], [in_a[i], in_b[i], in_c[i]].iter().filter(|holds| **holds).count() >= 2);
            prop_assert_eq!(latched[i], in_a[..=i].contains(&true));
        }
    }

    #[test]
    fn no_rule_fires_before_it_said_it_could(rule in rule(), goal in goal(), history in steady_history(40)) {
        let mut running = rule.start(goal, NonFinite::Count);
        running.observe(&Observation { step: Some(0), elapsed: Some(Duration::ZERO), ..Observation::new(0, 1.0) });
        let mut earliest = 0;
        for (i, observation) in (0..).zip(&history) {
            // Before the first epoch there is no pace yet.
            if i > 0 {
                earliest = earliest.max(running.earliest().saturating_add(i));
            }
            let stop = running.observe(observation);
            prop_assert!(stop.is_none() || i + 1 >= earliest, "{} at {} before {}", rule, i + 1, earliest);
        }
    }

    #[test]
    fn the_text_of_a_rule_gives_it_back(rule in rule()) {
        prop_assert_eq!(rule.to_string().parse::<Rule>()?, rule.clone());
        prop_assert_eq!(rule.check(), Ok(()));
    }

    #[test]
    fn any_text_is_a_rule_or_an_error_with_a_place(
        text in "([a-z_]{1,9}|[0-9.]{1,3}|gl|patience|strip|not|of|or|and|[(),=]|[µ \t\n]){0,12}"
    ) {
        match text.parse::<Rule>() {
            Ok(rule) => prop_assert_eq!(rule.to_string().parse::<Rule>()?, rule),
            Err(error) => {
                let error: ParseError = error;
                prop_assert!(text.get(error.place()).is_some());
                prop_assert_eq!(error.to_string().lines().count(), 3);
            }
        }
    }

    #[test]
    fn the_ranking_is_the_start_of_the_sorted_series(goal in goal(), keep in 1..6_usize, history in history(30)) {
        let mut tracker = BestTracker::with(Selection { keep, ..Selection::new(goal) });
        for observation in &history {
            let rank = tracker.observe(observation);
            prop_assert_eq!(rank.map(|rank| tracker.ranking()[rank].value), rank.map(|_| observation.value));
        }
        let mut sorted: Vec<_> = (0_u64..).zip(&history).filter(|(_, o)| o.value.is_finite()).collect();
        sorted.sort_by(|(_, a), (_, b)| goal.error(a.value).total_cmp(&goal.error(b.value)));
        sorted.truncate(keep);
        let expected: Vec<_> = sorted.iter().map(|(index, _)| *index).collect();
        prop_assert_eq!(tracker.ranking().iter().map(|best| best.index).collect::<Vec<_>>(), expected);
    }
}

/// The rule with each level that it holds the value against, and each distance between values, as these say.
fn converted(rule: &Rule, level: fn(f64) -> f64, distance: fn(f64) -> f64) -> Rule {
    let one = |rule: &Rule| Box::new(converted(rule, level, distance));
    let several = |rules: &[Rule]| rules.iter().map(|rule| converted(rule, level, distance)).collect();
    let gain = |delta| match delta {
        Delta::Absolute(gain) => Delta::Absolute(distance(gain)),
        relative => relative,
    };
    match rule.clone() {
        Rule::Target(value) => Rule::Target(level(value)),
        Rule::Divergence(Divergence::Beyond(value)) => Rule::Divergence(Divergence::Beyond(level(value))),
        Rule::Patience(spec) => Rule::Patience(Patience {
            baseline: spec.baseline.map(level),
            min_delta: gain(spec.min_delta),
            ..spec
        }),
        Rule::Plateau(spec) => Rule::Plateau(Plateau { min_delta: gain(spec.min_delta), ..spec }),
        Rule::Smoothed { by, rule } => Rule::Smoothed { by, rule: one(&rule) },
        Rule::After { warm_up, rule } => Rule::After { warm_up, rule: one(&rule) },
        Rule::Skip { first, rule } => Rule::Skip { first, rule: one(&rule) },
        Rule::Held { times, rule } => Rule::Held { times, rule: one(&rule) },
        Rule::Latched(rule) => Rule::Latched(one(&rule)),
        Rule::Not(rule) => Rule::Not(one(&rule)),
        Rule::AtLeast { needed, rules } => Rule::AtLeast { needed, rules: several(&rules) },
        Rule::Any(rules) => Rule::Any(several(&rules)),
        Rule::All(rules) => Rule::All(several(&rules)),
        same => same,
    }
}

#[test]
fn a_text_of_any_length_is_pointed_into_and_any_number_is_ranked() {
    for text in ["x".repeat(70_000), "patience(3) or ".repeat(5_000) + "gk(5)"] {
        let error = text.parse::<Rule>().unwrap_err().to_string();
        let lines: Vec<&str> = error.lines().collect();
        assert!(lines.len() == 3 && error.len() < 1_000, "{error}");
        assert!(lines[2].len() <= lines[1].len(), "carets beyond what is shown\n{error}");
    }
    let selection = Selection { keep: usize::MAX, ..Selection::new(Goal::Minimize) };
    assert_eq!(BestTracker::with(selection).observe(&Observation::new(1, 0.5)), Some(0));
}
