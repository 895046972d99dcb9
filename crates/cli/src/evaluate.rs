//! `evaluate`: scores of a kept model.

use crate::args::Evaluate;
use crate::config::{loss, metrics};
use crate::data_args::ClassWeights;
use crate::folder::RunFolder;
use crate::source::{self, Source};
use crate::{line, print, same_run};
use anyhow::{Context, Result, bail};
use highwater_data::{Dataset, Preparation};
use highwater_nn::Model;
use highwater_trainer::{Scores, evaluate};
use serde_json::{Map, Value, json};

/// Scores of a model on data.
pub(crate) fn scores(model: &Model<f32>, preparation: &Preparation, data: &Dataset) -> Scores {
    let task = preparation.task();
    let loss = loss(task, ClassWeights::None, data.targets());
    evaluate(model, &loss, &metrics(task), data, &preparation.units())
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
    let (model, preparation, name, data) = match &args.data {
        Some(file) => {
            let (model, preparation) = source::load(&folder.model()?)?;
            let mut data = folder.config()?.data;
            data.read = source::dialect(&data, &preparation);
            let table = source::table(&data, Some(file), folder.root())?;
            let targets: Vec<String> = preparation.targets().iter().map(|t| t.column.clone()).collect();
            let rows = table.rows_with(&targets)?;
            let data = preparation.dataset(&table, &rows)?;
            (model, preparation, file.display().to_string(), data)
        }
        None => {
            // Not the model of all rows, which has seen these.
            let best = folder.best()?;
            let (model, preparation) = source::load(&best)?;
            let source = Source::of_run(&folder.config()?, &preparation, folder.root())?;
            if source.part(args.split).1.is_empty() {
                bail!("the run has no {} rows", args.split.name());
            }
            let data = source.dataset(&preparation, args.split)?;
            same_run::check_part(&best, &source, args.split, &data)?;
            (model, preparation, args.split.name().to_owned(), data)
        }
    };
    let scores = scores(&model, &preparation, &data);
    if args.json {
        let mut object = Map::from_iter([("split".to_owned(), Value::from(name))]);
        object.extend(as_json(&scores));
        line(Value::Object(object))
    } else if args.quiet {
        let (_, main) = named(&scores).into_iter().nth(1).context("every task has a metric")?;
        line(main)
    } else {
        let mut text = format!("{name}: {} rows\n", scores.rows);
        let named = named(&scores);
        let width = named.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in named {
            text += &format!("  {name:width$}  {value:.4}\n");
        }
        print(text)
    }
}
