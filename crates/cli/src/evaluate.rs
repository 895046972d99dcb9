//! `evaluate`: scores of a kept model.

use crate::args::Evaluate;
use crate::called::HIGHWATER;
use crate::config::DataConfig;
use crate::folder::RunFolder;
use crate::guess::Guess;
use crate::measures::{loss, metrics};
use crate::repeat::quoted;
use crate::saved;
use crate::source::{self, Source};
use crate::{line, print, remarks, same_run, say, unfinished};
use anyhow::{Context, Result, anyhow, bail};
use highwater_data::{Dataset, Error, Preparation, Targets};
use highwater_nn::Model;
use highwater_objective::Loss;
use highwater_objective::metrics::Metric;
use highwater_report::{Count, is_undefined, score_text};
use highwater_trainer::{Scores, evaluate};
use ndarray::ArrayView1;
use serde_json::{Map, Value, json};
use std::path::Path;

/// Scores of a model on data, whose loss is this one: the metrics of the task, and those of the run besides. Those that say
/// nothing of such rows are NaN.
pub(crate) fn scores(
    model: &Model<f32>,
    loss: &Loss,
    of_run: &[Metric],
    preparation: &Preparation,
    data: &Dataset,
) -> Scores {
    let mut metrics = metrics(preparation.task());
    if preparation.class_names().len() == 2 {
        metrics.push(Metric::RocAuc);
    }
    let besides: Vec<Metric> = of_run.iter().copied().filter(|metric| !metrics.contains(metric)).collect();
    metrics.extend(besides);
    let mut scores = evaluate(model, loss, &metrics, data, &preparation.units());
    let is_one = |values: ArrayView1<'_, f32>| values.iter().all(|value| *value == values[0]);
    if let Targets::Values(values) = data.targets()
        && values.columns().into_iter().any(is_one)
    {
        let r2 = scores.metrics.iter_mut().filter(|(metric, _)| *metric == Metric::R2);
        r2.for_each(|(_, value)| *value = f64::NAN);
    }
    scores
}

/// What rows must have for a metric to say anything.
fn needs(metric: &str) -> &'static str {
    match metric {
        "r2" => "two different values of the target",
        _ => "rows of two classes",
    }
}

/// Names and values as they are shown: the loss, then the metrics.
pub(crate) fn named(scores: &Scores) -> Vec<(String, f64)> {
    let metrics = scores.metrics.iter().map(|(metric, value)| (metric.to_string(), *value));
    [("loss".to_owned(), scores.loss)].into_iter().chain(metrics).collect()
}

/// A JSON object; an undefined value is null.
pub(crate) fn as_json(scores: &Scores) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("rows".into(), scores.rows.into());
    object.extend(named(scores).into_iter().map(|(name, value)| (name, json!(value))));
    object
}

pub(crate) fn run(args: &Evaluate) -> Result<()> {
    let folder = RunFolder::open(&args.run)?;
    let config = folder.config()?;
    let last = folder.final_file();
    // The model of all rows has seen those of the run.
    let checkpoint = if args.data.is_some() { folder.model()? } else { folder.best()? };
    let (model, preparation) = saved::usable(&checkpoint)?;
    let (name, of_training, data) = match &args.data {
        Some(file) => (
            file.display().to_string(),
            None,
            of_table(file, args.quiet, &config.data, &preparation, &folder)?,
        ),
        None => {
            let source = Source::of_run(&config, &preparation, folder.root())?;
            if source.part(args.split).1.is_empty() {
                bail!("the run has no {} rows: {}", args.split.name(), others(&source));
            }
            let data = source.dataset(&preparation, args.split)?;
            same_run::check_part(&checkpoint, &source, args.split, &data)?;
            let of_training = preparation.targets_of(&source.table, &source.split.train)?;
            (args.split.name().to_owned(), Some(of_training), data)
        }
    };
    // Of other tables the training rows need not be there any more: these are balanced by themselves, and their own guess.
    let known = of_training.as_ref().unwrap_or(data.targets());
    let loss = loss(&preparation, config.data.class_weights, known);
    let scores = scores(&model, &loss, &config.training.metrics, &preparation, &data);
    if args.quiet {
        let (_, main) = named(&scores).into_iter().nth(1).context("every task has a metric")?;
        return line(main);
    }
    let unfinished = match &args.data {
        Some(_) => unfinished::note_of_model(&folder, &config, &checkpoint),
        None => unfinished::note(&folder, &config),
    };
    unfinished.iter().for_each(say);
    let guess = Guess::of(&config.data, &preparation, known, &data);
    let note = guess.and_then(|guess| guess.note_on(&scores, ""));
    let file = checkpoint.path();
    let file = file.strip_prefix(folder.root()).unwrap_or(file).display().to_string();
    if args.json {
        let mut object = Map::from_iter([
            ("split".to_owned(), Value::from(name)),
            ("model".to_owned(), Value::from(file)),
        ]);
        object.extend(as_json(&scores));
        let notes: Vec<String> = note.into_iter().chain(unfinished).collect();
        object.insert("note".to_owned(), json!((!notes.is_empty()).then(|| notes.join("; "))));
        line(Value::Object(object))
    } else {
        let why = match &args.data {
            _ if !last.exists() => "",
            None => ", as final.safetensors has seen all rows of the table",
            Some(_) if checkpoint.path() == last => ", the model of all rows of the run, as predict uses it",
            Some(_) => ", as final.safetensors goes with an earlier one",
        };
        let (rows, noun) = (Count(scores.rows as u64), if scores.rows == 1 { "row" } else { "rows" });
        let mut text = format!("{name}: {rows} {noun}, scored with {file}{why}\n");
        let named = named(&scores);
        let width = named.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in named {
            text += &format!("  {name:width$}  {}", score_text(value, scores.loss));
            if is_undefined(value, scores.loss) {
                text += &format!("  (needs {})", needs(&name));
            }
            text += "\n";
        }
        if let Some(note) = note {
            text += &format!("The model is {note}.\n");
        }
        if loss.weighs_classes() {
            text += "In the loss each class counts the same, however many rows it has.\n";
        }
        print(text)
    }
}

/// The rows of a table of which the answers are known. Unless it is to be quiet, what may mislead is said.
fn of_table(
    file: &Path,
    is_quiet: bool,
    config: &DataConfig,
    preparation: &Preparation,
    folder: &RunFolder,
) -> Result<Dataset> {
    let read = source::dialect(config, preparation);
    let table = source::table(&DataConfig { read, ..config.clone() }, Some(file), folder.root())?;
    let targets: Vec<String> = preparation.targets().iter().map(|t| t.column.clone()).collect();
    let rows = table.rows_with(&targets).map_err(|error| match error {
        Error::UnknownColumn { .. } | Error::NoTargets { .. } => anyhow!(
            "{error}; without answers nothing can be scored; for answers: {HIGHWATER} predict {} --data {}",
            folder.quoted(),
            quoted(&file.display().to_string())
        ),
        _ => error.into(),
    })?;
    let data = preparation.dataset(&table, &rows)?;
    if !is_quiet {
        remarks::unlabelled(table.rows() - rows.len()).iter().for_each(say);
        remarks::strange(preparation, &table, &rows).for_each(say);
        seen(config, file, folder).iter().for_each(say);
    }
    Ok(data)
}

/// What is to be said if this file is the table of the run.
fn seen(data: &DataConfig, file: &Path, folder: &RunFolder) -> Option<String> {
    source::is_same_file(data.file.as_ref()?, file).then(|| {
        format!(
            "seen: {} is the table that the model was trained on, and says little of how good it is on new rows; on rows that \
             the kept model has not seen: {HIGHWATER} evaluate {}",
            file.display(),
            folder.quoted()
        )
    })
}

/// What can be scored of a run.
fn others(source: &Source) -> String {
    let flags: Vec<String> = source.parts().map(|part| format!("--split {}", part.name())).collect();
    format!("{}, or other rows with --data FILE", flags.join(", "))
}
