//! `replay`: where stopping rules would have stopped recorded runs, and at what price.

mod history;
mod table;

use crate::args::Replay;
use crate::{line, print};
use anyhow::Result;
use highwater_early_stopping::{Goal, NonFinite, Outcome, Rule, Summary, replay};
use highwater_report::Curve;
use serde_json::{Value, json};

/// A recorded run and what each rule would have made of it.
pub(crate) struct Replayed {
    curve: Curve,
    non_finite: NonFinite,
    outcomes: Vec<Outcome>,
}

pub(crate) fn run(args: &Replay) -> Result<()> {
    let mut runs = Vec::with_capacity(args.histories.len());
    for path in &args.histories {
        let (mut curve, policy) = history::read(path, args)?;
        curve.notes.extend(history::missing(&curve.observations, &args.stop));
        let non_finite = args.non_finite.or(policy).unwrap_or_default();
        let outcomes = replay(&curve.observations, curve.goal, non_finite, &args.stop);
        runs.push(Replayed { curve, non_finite, outcomes });
    }
    let summaries: Vec<Summary> =
        (0..args.stop.len()).map(|rule| Summary::of(runs.iter().map(|run| &run.outcomes[rule]))).collect();
    if args.json {
        return line(as_json(&runs, &args.stop, &summaries));
    }
    if !args.summary {
        for (number, run) in runs.iter().enumerate() {
            print(format_args!("{}{}", if number == 0 { "" } else { "\n" }, table::of_run(run)))?;
        }
    }
    if runs.len() > 1 || args.summary {
        let gap = if args.summary { "" } else { "\n" };
        print(format_args!("{gap}{}", table::of_rules(&args.stop, &summaries)))?;
    }
    if runs.len() == 1 && !args.summary {
        print(format_args!("\n{}", table::reasons(&runs[0])))?;
    }
    Ok(())
}

fn goal_name(goal: Goal) -> &'static str {
    match goal {
        Goal::Minimize => "minimize",
        Goal::Maximize => "maximize",
    }
}

fn as_json(runs: &[Replayed], rules: &[Rule], summaries: &[Summary]) -> Value {
    let of_run = |run: &Replayed| {
        let Replayed { curve, non_finite, outcomes } = run;
        let outcomes = outcomes.iter().map(|outcome| {
            let mut value = json!(outcome);
            if let Some(object) = value.as_object_mut() {
                // It is the same of all rules.
                object.remove("oracle");
            }
            if let Some(stop) = &outcome.stop {
                value["stop"]["sentence"] = stop.reason.to_string().into();
            }
            value
        });
        json!({
            "file": curve.path,
            "watched": curve.watched,
            "goal": goal_name(curve.goal),
            "non_finite": non_finite.to_string(),
            "observations": curve.observations.len(),
            "epochs": curve.observations.last().map(|observation| observation.at),
            "oracle": run.outcomes.first().and_then(|outcome| outcome.oracle),
            "notes": curve.notes,
            "outcomes": outcomes.collect::<Vec<_>>(),
        })
    };
    let of_rule = |(rule, summary): (&Rule, &Summary)| {
        let mut value = json!(summary);
        value["rule"] = rule.to_string().into();
        value
    };
    json!({
        "runs": runs.iter().map(of_run).collect::<Vec<_>>(),
        "rules": rules.iter().zip(summaries).map(of_rule).collect::<Vec<_>>(),
    })
}
