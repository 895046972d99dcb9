//! The kept model's network once more, on all rows: how good it is has been measured, and rows are too few to be idle.

use crate::config::{RunConfig, loss};
use crate::folder::RunFolder;
use crate::source::{self, Source};
use anyhow::{Context, Result};
use highwater_checkpoint::{Array, Snapshot, write};
use highwater_data::Preparation;
use highwater_early_stopping::Rule;
use highwater_nn::Model;
use highwater_trainer::{Config, Data, Every, Report, Run, fit};

/// Trains on training, validation and test rows together for as many epochs as the best model had, and writes the result
/// beside it. Rows in files of their own stay unseen.
pub(crate) fn run(source: &Source, config: &RunConfig, report: &Report, folder: &RunFolder) -> Result<()> {
    let best = report.best().context("a run that kept a model")?;
    let rows = source.all();
    let preparation = Preparation::fit_recipe(&source.table, &rows, &config.data.recipe())?;
    let data = preparation.dataset(&source.table, &rows)?;
    let network = config.model.network(preparation.input_count(), preparation.output_count());
    let mut model = Model::new(network, config.model.init, config.model.init_seed)?;
    let steps_per_epoch = (source.split.train.len() as u64).div_ceil(config.training.batch_size as u64);
    let epochs = best.step.div_ceil(steps_per_epoch).max(1);
    let training =
        Config { epochs, validate: Every::Epochs(epochs), stop: Rule::Never, ..config.training.clone() };
    let units = preparation.units();
    let few = data.select(&(0..data.rows().min(1)).collect::<Vec<_>>());
    let run = Run {
        model: &mut model,
        loss: &loss(config.data.task, config.data.class_weights, data.targets()),
        store: None,
        observers: Vec::new(),
        interrupt: None,
    };
    let report = fit(run, Data { train: &data, validation: &few, units: &units }, &training)?;
    let learned = model.table().iter().chain(model.buffers());
    let arrays: Vec<Array<'_>> = learned
        .map(|p| Array::f32(format!("model.{}", p.name), &p.shape, &model.values()[p.range()]))
        .collect();
    let rows = rows.len().to_string();
    write(
        folder.final_file(),
        &Snapshot {
            step: report.steps,
            epoch: epochs,
            score: None,
            elapsed: None,
            arrays: &arrays,
            sections: &source::sections(&preparation, model.network(), config)?,
            labels: &[("trained_on", "all rows"), ("rows", &rows)],
        },
    )?;
    Ok(())
}
