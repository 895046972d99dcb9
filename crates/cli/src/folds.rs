//! `train --folds K`: cross-validation.

use crate::args::Shared;
use crate::config::RunConfig;
use crate::evaluate;
use crate::guess::Guess;
use crate::measures::loss;
use crate::source::Source;
use crate::train::{in_memory, pool};
use crate::{line, print, remarks, say};
use anyhow::{Result, anyhow, bail};
use highwater_data::{Dataset, Fractions, Preparation, Table, folds};
use highwater_report::score_text;
use highwater_trainer::Scores;
use serde_json::{Value, json};
use std::process::ExitCode;

/// A part of the rows to test on, and the others.
struct Fold {
    train: Vec<usize>,
    preparation: Preparation,
    validation: Dataset,
    test: Dataset,
}

/// Trains once for each part of the rows, which is tested on; of the other rows some are for validation. Nothing is saved.
pub(crate) fn run(table: Table, config: &RunConfig, count: usize, shared: &Shared) -> Result<ExitCode> {
    let data = &config.data;
    if data.validation_file.is_some() || data.test_file.is_some() {
        bail!("--folds divides the rows of one table: leave out the files of --validation and --test");
    }
    let classes = data.classes();
    let source = Source::whole(table, data)?;
    let (table, rows) = (&source.table, &source.split.train);
    let parts = folds(table, rows, classes.as_deref(), &data.split, count, data.split_seed)?;
    let pool = pool(shared)?;
    let fold = |test: &[usize]| -> Result<Fold> {
        let others: Vec<usize> =
            rows.iter().copied().filter(|row| test.binary_search(row).is_err()).collect();
        let fractions = Fractions { validation: data.validation, test: 0.0 };
        let split = data.divide(table, &others, fractions)?;
        let preparation = Preparation::fit_recipe(table, &split.train, &data.recipe())?;
        let part = |rows: &[usize]| preparation.dataset(table, rows);
        let (validation, test) = (part(&split.validation)?, part(test)?);
        Ok(Fold { train: split.train, preparation, validation, test })
    };
    // What is wrong with one of them shows before any is trained. (Every cell of the training rows is read to prepare it.)
    for test in &parts {
        fold(test).map_err(with_advice)?;
    }
    if !shared.quiet {
        remarks::of_processor().iter().for_each(say);
        remarks::of(&source, &source.prepare(data)?, config).iter().for_each(say);
    }
    let (mut scores, mut guesses) = (Vec::new(), Vec::new());
    for (number, test) in (1..).zip(&parts) {
        let Fold { train, preparation, validation, test } = fold(test)?;
        let train = preparation.dataset(table, &train)?;
        let (scored, guess) = pool.install(|| -> Result<(Scores, Option<Guess>)> {
            let (model, _) = in_memory(config, &preparation, &train, &validation, None, None)?;
            let loss = loss(&preparation, data.class_weights, train.targets());
            let guess = Guess::of(data, &preparation, train.targets(), &test);
            Ok((evaluate::scores(&model, &loss, &config.training.metrics, &preparation, &test), guess))
        })?;
        if !shared.quiet && !shared.json {
            let named = evaluate::named(&scored);
            let shown =
                named.iter().map(|(name, value)| format!("{name} {}", score_text(*value, scored.loss)));
            let shown: Vec<String> = shown.collect();
            say(format_args!("fold {number}/{count}  {} rows  {}", scored.rows, shown.join("  ")));
        }
        scores.push(scored);
        guesses.extend(guess);
    }
    let names: Vec<String> = evaluate::named(&scores[0]).into_iter().map(|(name, _)| name).collect();
    let of = |at: usize| scores.iter().map(move |scores| evaluate::named(scores)[at].1);
    let spread = |at: usize| {
        let mean = of(at).sum::<f64>() / count as f64;
        let variance = of(at).map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
        (mean, variance.sqrt())
    };
    let of_guesses = |of: fn(&Guess) -> f64| guesses.iter().map(of).sum::<f64>() / guesses.len() as f64;
    let (score, loss) = (of_guesses(|guess| guess.score.1), of_guesses(|guess| guess.loss));
    let guess = guesses.pop().map(|last| Guess { score: (last.score.0, score), loss, ..last });
    let note = guess.and_then(|guess| guess.note(spread(1).0, spread(0).0, ""));
    if shared.json {
        let of_folds: Vec<Value> = scores.iter().map(|scores| evaluate::as_json(scores).into()).collect();
        let summary = names.iter().enumerate().map(|(at, name)| {
            let (mean, sd) = spread(at);
            (name.clone(), json!({ "mean": mean, "sd": sd }))
        });
        let summary = summary.collect::<serde_json::Map<_, _>>();
        line(json!({ "folds": of_folds, "summary": summary, "note": note }))?;
    } else if !shared.quiet {
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let mut text = format!("Cross-validation of {} rows in {count} parts\n\n", rows.len());
        text += &format!("  {:width$}  {:>9}  {:>9}\n", "", "mean", "sd");
        let (loss, _) = spread(0);
        for (at, name) in names.iter().enumerate() {
            let (mean, sd) = spread(at);
            let [mean, sd] = [mean, sd].map(|value| score_text(value, loss));
            text += &format!("  {name:width$}  {mean:>9}  {sd:>9}\n");
        }
        if let Some(note) = note {
            text += &format!("\nThe models are {note}.\n");
        }
        print(text + "\nNothing was saved: for a model to use, train without --folds.\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What is to be done where a class has too few rows to be divided.
fn with_advice(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(highwater_data::Error::UnseenClass { at, class, .. }) => anyhow!(
            "{at}: class {class:?}: without the fold that is tested on, no row of it is left to train on. Give that class \
             more rows, join it with another, or take its rows out"
        ),
        _ => error,
    }
}
