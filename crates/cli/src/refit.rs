//! The kept model's network once more, on all rows: how good it is has been measured, and rows are too few to be idle.
//!
//! For how long is a question that one small set of validation rows answers badly: of 20 rows, one that is odd decides.
//! So the rows are divided, each part is once left out of training and validated on, and the middle of the best epochs
//! counts.

use crate::config::RunConfig;
use crate::folder::{BEST_STEP, RunFolder};
use crate::saved;
use crate::source::Source;
use crate::train::{Job, in_memory};
use anyhow::{Context, Result};
use highwater_checkpoint::{Array, Snapshot, write};
use highwater_data::{Preparation, folds};
use highwater_early_stopping::Rule;
use highwater_nn::Model;
use highwater_report::{Count, Screen};
use highwater_trainer::{Config, Ended, Event, Every, Observer, Record, Report};
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Parts that the rows are divided into, up to so many rows: more are judge enough as they were divided.
const PARTS: usize = 4;
const FEW: usize = 2000;

/// The best epoch without each part of the rows, which is validated on; none where rows cannot be divided.
fn best_epochs(
    source: &Source,
    config: &RunConfig,
    rows: &[usize],
    screen: &Screen,
    interrupt: &AtomicBool,
) -> Result<Vec<u64>> {
    let (data, table) = (&config.data, &source.table);
    if !data.validates() || rows.len() > FEW {
        return Ok(Vec::new());
    }
    let parts = folds(table, rows, data.classes().as_deref(), &data.split, PARTS, data.split_seed);
    // In the order of time there is one division only, and it has been used.
    let Ok(parts) = parts else { return Ok(Vec::new()) };
    let done = AtomicUsize::new(0);
    let show = |done| {
        let (rows, parts) = (Count(rows.len() as u64), parts.len());
        screen.show(&format!("finding for how long to train on all {rows} rows: {done} of {parts} parts"));
    };
    show(0);
    let epochs_without = |part: &Vec<usize>| {
        let best = without(part, source, config, rows, interrupt);
        show(1 + done.fetch_add(1, Ordering::Relaxed));
        best
    };
    // Each part in a thread of its own, whose result does not depend on the others.
    let threads = rayon::current_num_threads().clamp(1, parts.len());
    let found: Vec<Result<Vec<Option<u64>>>> = thread::scope(|scope| {
        let of_thread = |first: usize| {
            let (parts, epochs_without) = (&parts, &epochs_without);
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
                let own = parts.iter().skip(first).step_by(threads);
                pool.install(|| own.map(epochs_without).collect())
            })
        };
        let running: Vec<_> = (0..threads).map(of_thread).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    Ok(found.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().flatten().collect())
}

/// The best epoch of training on all rows but this part, if that can be told.
fn without(
    part: &[usize],
    source: &Source,
    config: &RunConfig,
    rows: &[usize],
    interrupt: &AtomicBool,
) -> Result<Option<u64>> {
    let (data, table) = (&config.data, &source.table);
    let others: Vec<usize> = rows.iter().copied().filter(|row| part.binary_search(row).is_err()).collect();
    // Of a class with very few rows a part may hold all.
    let Ok(preparation) = Preparation::fit_recipe(table, &others, &data.recipe()) else { return Ok(None) };
    let Ok(validation) = preparation.dataset(table, part) else { return Ok(None) };
    let train = preparation.dataset(table, &others)?;
    let (_, report) = in_memory(config, &preparation, &train, &validation, None, Some(interrupt))?;
    Ok(report.best().map(|best| epochs_of(best, others.len(), config)))
}

/// How many epochs of so many rows a record took.
fn epochs_of(record: &Record, rows: usize, config: &RunConfig) -> u64 {
    let steps_per_epoch = (rows as u64).div_ceil(config.training.batch_size as u64);
    record.step.div_ceil(steps_per_epoch).max(1)
}

/// The middle one, or the mean of the two in the middle.
fn median(mut epochs: Vec<u64>) -> u64 {
    epochs.sort_unstable();
    let middle = epochs.len() / 2;
    if epochs.len() % 2 == 1 { epochs[middle] } else { (epochs[middle - 1] + epochs[middle]).div_ceil(2) }
}

/// Whether a run that ended like this is to have a model of all rows, if it has others than it trains on.
pub(crate) fn is_due(config: &RunConfig, report: &Report) -> bool {
    let sound = !matches!(&report.ended, Ended::Stopped(reason) if reason.is_failure());
    config.data.refit && sound && report.ended != Ended::Interrupted && report.best.is_some()
}

/// Trains on training, validation and test rows together for as many epochs as the best models had, and writes the result
/// beside it, unless someone wants the end before. Whether it is written. Rows in files of their own stay unseen.
pub(crate) fn run(job: &Job, report: &Report, screen: &Screen, interrupt: &AtomicBool) -> Result<bool> {
    let Job { source, config, folder, .. } = job;
    let best = report.best().context("a run that kept a model")?;
    let rows = source.all();
    let as_learnt = RunConfig { data: config.data.as_learnt(&job.preparation), ..config.clone() };
    let preparation = Preparation::fit_recipe(&source.table, &rows, &as_learnt.data.recipe())?;
    let data = preparation.dataset(&source.table, &rows)?;
    let mut of_parts = best_epochs(source, &as_learnt, &rows, screen, interrupt)?;
    of_parts.push(epochs_of(best, source.split.train.len(), config));
    let epochs = median(of_parts);
    let training =
        Config { epochs, validate: Every::Epochs(epochs), stop: Rule::Never, ..config.training.clone() };
    let to_the_end = RunConfig { training, ..as_learnt };
    let few = data.select(&(0..data.rows().min(1)).collect::<Vec<_>>());
    let mut shown = Shown { screen, rows: rows.len() as u64, epochs };
    let (model, report) =
        in_memory(&to_the_end, &preparation, &data, &few, Some(&mut shown), Some(interrupt))?;
    screen.clear();
    if report.ended == Ended::Interrupted {
        return Ok(false);
    }
    let facts = Snapshot { step: report.steps, epoch: epochs, ..Snapshot::default() };
    let (rows, best_step) = (rows.len().to_string(), best.step.to_string());
    let labels = [(TRAINED_ON, ALL_ROWS), ("rows", &rows), (BEST_STEP, &best_step)];
    write_final(folder, &model, &preparation, config, &Snapshot { labels: &labels, ..facts })?;
    Ok(true)
}

/// The label that tells this model from the one that was measured, and what it says.
pub(crate) const TRAINED_ON: &str = "trained_on";
pub(crate) const ALL_ROWS: &str = "all rows";

/// Writes a model that has seen all rows to where `predict` looks for it. Of the snapshot, facts and labels count.
pub(crate) fn write_final(
    folder: &RunFolder,
    model: &Model<f32>,
    preparation: &Preparation,
    config: &RunConfig,
    snapshot: &Snapshot<'_>,
) -> Result<()> {
    let learned = model.table().iter().chain(model.buffers());
    let arrays: Vec<Array<'_>> = learned
        .map(|p| Array::f32(format!("model.{}", p.name), &p.shape, &model.values()[p.range()]))
        .collect();
    let sections = saved::sections(preparation, model.network(), config)?;
    write(folder.final_file(), &Snapshot { arrays: &arrays, sections: &sections, ..*snapshot })?;
    Ok(())
}

/// How far training on all rows is.
struct Shown<'a> {
    screen: &'a Screen,
    rows: u64,
    epochs: u64,
}

impl Observer for Shown<'_> {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        if let Event::Stepped { epoch, step_of_epoch: 1, .. } = event {
            let (rows, epochs) = (Count(self.rows), self.epochs);
            self.screen.show(&format!("training on all {rows} rows: epoch {epoch} of {epochs}"));
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_epochs_counts() {
        for (epochs, expected) in
            [(vec![7], 7), (vec![9, 2], 6), (vec![30, 1, 20], 20), (vec![1, 2, 3, 500], 3)]
        {
            assert_eq!(median(epochs.clone()), expected, "{epochs:?}");
        }
    }
}
