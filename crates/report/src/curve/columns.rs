//! Which column means what, told from the names that training programs give them.

use super::{Columns, number};
use crate::Error;
use highwater_data::{Column, Table};
use highwater_early_stopping::Goal;
use std::path::Path;

/// The columns that were found.
pub(super) struct Found<'t> {
    pub(super) epoch: Option<&'t Column>,
    pub(super) training: Option<&'t Column>,
    pub(super) value: Option<&'t Column>,
    pub(super) step: Option<&'t Column>,
    pub(super) elapsed: Option<&'t Column>,
    pub(super) standard_error: Option<&'t Column>,
    pub(super) reductions: Option<&'t Column>,
    pub(super) evidence: Option<&'t Column>,
}

/// What a table is about.
pub(super) struct Picked<'t> {
    pub(super) found: Found<'t>,
    pub(super) watched: String,
    pub(super) goal: Goal,
}

const EPOCHS: [&str; 9] =
    ["epoch", "epochs", "ep", "iteration", "iterations", "iter", "round", "boosting_round", "n_iter"];
const STEPS: [&str; 4] = ["step", "steps", "global_step", "train_step"];
const ELAPSED: [&str; 4] = ["elapsed_s", "elapsed", "elapsed_seconds", "elapsed_time"];
/// Of the day: TensorBoard's and that of Weights & Biases, in seconds since 1970.
const CLOCK: [&str; 2] = ["wall_time", "timestamp"];
/// What held-out rows are called, the least fit to be watched last.
const HELD_OUT: [&str; 7] = ["validation", "val", "valid", "eval", "dev", "holdout", "test"];
const TRAINED_ON: [&str; 4] = ["training", "train", "tr", "fit"];
const LOSSES: [&str; 4] = ["loss", "error", "err", "objective"];

pub(super) fn pick<'t>(path: &Path, table: &'t Table, given: &Columns) -> Result<Picked<'t>, Error> {
    let named = |given: &Option<String>, usual: &[&str]| match given {
        Some(name) => Ok(Some(table.column(name)?)),
        None => Ok::<_, Error>(usual.iter().find_map(|name| of_name(table, name))),
    };
    let epoch = match named(&given.epoch, &EPOCHS)? {
        None => named(&None, &STEPS)?,
        found => found,
    };
    let value = match &given.validation {
        Some(name) => table.column(name)?,
        None => validation(path, table)?,
    };
    let goal = match given.goal.or_else(|| goal(metric(value.name(), &HELD_OUT).as_deref()?)) {
        Some(goal) => goal,
        None => return Err(Error::Goal { path: path.into(), column: value.name().to_owned() }),
    };
    let training = match &given.training {
        Some(name) => Some(table.column(name)?),
        None => training(table),
    };
    Ok(Picked {
        watched: value.name().to_owned(),
        goal,
        found: Found {
            epoch,
            training,
            value: Some(value),
            step: named(&given.step, &STEPS)?,
            elapsed: named(&given.elapsed, &ELAPSED)?.or_else(|| clock(table)),
            standard_error: of_name(table, "standard_error"),
            reductions: of_name(table, "reductions"),
            evidence: of_name(table, "evidence"),
        },
    })
}

/// The column of this name, whatever its case and separators.
fn of_name<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns().iter().find(|column| words(column.name()).join("_") == name)
}

/// The column of the time of day, where it is a number: a date is none.
fn clock(table: &Table) -> Option<&Column> {
    let column = CLOCK.iter().find_map(|name| of_name(table, name))?;
    (0..table.rows()).all(|row| number(column.get(row)).is_some()).then_some(column)
}

/// `Validation/top-5 Accuracy` in lower case: validation, top, 5, accuracy.
fn words(name: &str) -> Vec<String> {
    let parts = name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    parts.map(str::to_lowercase).collect()
}

/// What is measured by a column that is about these rows: its name without theirs.
fn metric(name: &str, rows: &[&str]) -> Option<String> {
    let words = words(name);
    let place = words.iter().position(|word| rows.contains(&&word[..]));
    match place {
        Some(place) if place == 0 || place + 1 == words.len() => {
            Some([&words[..place], &words[place + 1..]].concat().join("_"))
        }
        // A name that says nothing of rows may still say what it is.
        None => Some(words.join("_")),
        Some(_) => None,
    }
}

/// How far down the list of candidates a column is, if it is one: by the rows, then a loss before other metrics.
fn rank(name: &str, rows: &[&str]) -> Option<(bool, bool)> {
    let words = words(name);
    let of_rows = words.iter().find(|word| rows.contains(&&word[..]))?;
    let metric = metric(name, rows)?;
    Some((of_rows == "test", !LOSSES.contains(&&metric[..])))
}

fn validation<'t>(path: &Path, table: &'t Table) -> Result<&'t Column, Error> {
    let ranked = |column: &'t Column| Some((rank(column.name(), &HELD_OUT)?, column));
    let candidates: Vec<_> = table.columns().iter().filter_map(ranked).collect();
    let best = candidates.iter().map(|(rank, _)| *rank).min();
    let first: Vec<_> =
        candidates.iter().filter(|(rank, _)| Some(*rank) == best).map(|(_, column)| *column).collect();
    match first[..] {
        [only] => Ok(only),
        [] => Err(Error::NoColumn {
            path: path.into(),
            columns: table.columns().iter().map(|column| column.name().to_owned()).collect(),
        }),
        [one, other, ..] => Err(Error::Ambiguous {
            path: path.into(),
            one: one.name().to_owned(),
            other: other.name().to_owned(),
        }),
    }
}

/// The training loss: Keras calls it `loss`. There may be none, or several metrics and none of them a loss: then the first.
fn training(table: &Table) -> Option<&Column> {
    let ranked = |column| Some((rank(Column::name(column), &TRAINED_ON)?, column));
    let best = table.columns().iter().filter_map(ranked).min_by_key(|(rank, _)| *rank);
    match (best, of_name(table, "loss")) {
        (Some(((_, false), column)), _) | (_, Some(column)) => Some(column),
        (best, None) => best.map(|(_, column)| column),
    }
}

/// Whether small or large values of a metric are good, where its name tells.
fn goal(metric: &str) -> Option<Goal> {
    const SMALL: [&str; 20] = [
        "loss",
        "error",
        "err",
        "mae",
        "mse",
        "rmse",
        "rmsle",
        "mape",
        "smape",
        "nll",
        "perplexity",
        "ppl",
        "logloss",
        "entropy",
        "deviance",
        "brier",
        "wer",
        "cer",
        "fid",
        "quantile",
    ];
    const LARGE: [&str; 20] = [
        "accuracy",
        "acc",
        "auc",
        "auroc",
        "auprc",
        "f1",
        "precision",
        "recall",
        "r2",
        "score",
        "map",
        "ndcg",
        "iou",
        "dice",
        "bleu",
        "rouge",
        "mcc",
        "kappa",
        "reward",
        "psnr",
    ];
    let has = |names: &[&str]| metric.split('_').any(|word| names.contains(&word));
    match (has(&SMALL), has(&LARGE)) {
        (true, _) => Some(Goal::Minimize),
        (false, true) => Some(Goal::Maximize),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_goal_is_told_from_the_name_of_the_metric() {
        for (name, expected) in [
            ("val_loss", Some(Goal::Minimize)),
            ("Validation/top-5 Accuracy", Some(Goal::Maximize)),
            ("eval_log_loss", Some(Goal::Minimize)),
            ("roc_auc_val", Some(Goal::Maximize)),
            ("brier_score", Some(Goal::Minimize)),
            ("val_wombats", None),
            ("validation", None),
        ] {
            let found = metric(name, &HELD_OUT).as_deref().and_then(goal);
            assert_eq!(found, expected, "{name}");
        }
    }
}
