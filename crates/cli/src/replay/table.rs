//! What `replay` prints.

use super::{Replayed, goal_name};
use highwater_early_stopping::{Outcome, Rule, Spread, Summary};
use highwater_report::{Rounded, text_table};
use std::fmt::Write as _;

const NOTHING: &str = "–";

/// One run: a line for each rule.
pub(super) fn of_run(run: &Replayed) -> String {
    let Replayed { curve, outcomes, .. } = run;
    let end = curve.observations.last().map_or(0, |observation| observation.at);
    let best = outcomes.first().and_then(|outcome| outcome.oracle);
    let best = best.map_or("no finite value".to_owned(), |best| {
        format!("best {} at epoch {}", Rounded(best.value), best.at)
    });
    let (file, watched, goal) = (curve.path.display(), &curve.watched, goal_name(curve.goal));
    let mut text = format!("{file}: {watched} ({goal}) over {end} epochs, {best}\n");
    for note in &curve.notes {
        _ = writeln!(text, "  note: {note}");
    }
    let heading = ["rule", "stops at", "keeps", "of epoch", "slowness", "redundancy", "loss", "in %"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(outcomes.iter().map(row));
    text + &text_table(&rows)
}

fn row(outcome: &Outcome) -> Vec<String> {
    let or_nothing = |text: Option<String>| text.unwrap_or(NOTHING.to_owned());
    vec![
        outcome.rule.to_string(),
        or_nothing(outcome.stop.as_ref().map(|stop| stop.at.to_string())),
        or_nothing(outcome.chosen.map(|best| Rounded(best.value).to_string())),
        or_nothing(outcome.chosen.map(|best| best.at.to_string())),
        or_nothing(outcome.slowness.map(|times| format!("{times:.2}"))),
        or_nothing(outcome.redundancy.map(|share| format!("{share:.2}"))),
        or_nothing(outcome.loss.map(|loss| Rounded(loss).to_string())),
        or_nothing(outcome.loss_percent.map(|percent| format!("{percent:.2}"))),
    ]
}

/// Many runs: mean and deviation for each rule.
pub(super) fn of_rules(rules: &[Rule], summaries: &[Summary]) -> String {
    let runs = summaries.first().map_or(0, |summary| summary.runs);
    let mut text = format!("{runs} runs: mean ± standard deviation\n");
    let heading = ["rule", "stopped", "kept the best", "slowness", "redundancy", "loss", "in %"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    let spread = |spread: Option<Spread>, number: fn(f64) -> String| {
        spread.map_or(NOTHING.to_owned(), |s| format!("{} ± {}", number(s.mean), number(s.deviation)))
    };
    let hundredths = |number: f64| format!("{number:.2}");
    for (rule, summary) in rules.iter().zip(summaries) {
        rows.push(vec![
            rule.to_string(),
            summary.stopped.to_string(),
            summary.right.to_string(),
            spread(summary.slowness, hundredths),
            spread(summary.redundancy, hundredths),
            spread(summary.loss, |number| Rounded(number).to_string()),
            spread(summary.loss_percent, hundredths),
        ]);
    }
    text += &text_table(&rows);
    text
}

/// Why each rule stopped.
pub(super) fn reasons(run: &Replayed) -> String {
    let mut text = String::new();
    for outcome in &run.outcomes {
        let why = match &outcome.stop {
            Some(stop) => stop.reason.to_string(),
            None => "lets the whole run pass".to_owned(),
        };
        _ = writeln!(text, "  {}: {why}", outcome.rule);
    }
    text
}
