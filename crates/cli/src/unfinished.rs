//! That a run has not come to its end.

use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::folder::RunFolder;
use highwater_checkpoint::Checkpoint;
use highwater_report::{read_history, reconstruct};
use highwater_trainer::Ended;

/// What is to be said of the model of a run that was interrupted, or still trains; also of one that was killed, of which nothing
/// but its history tells so.
pub(crate) fn note(folder: &RunFolder, config: &RunConfig) -> Option<String> {
    // A model that was imported has none.
    let history = read_history(folder.history_file()).ok().filter(|history| !history.is_empty())?;
    let report = reconstruct(history, &config.training);
    (report.ended == Ended::Interrupted).then(|| {
        format!(
            "unfinished: the run was interrupted at epoch {} of at most {}, or still trains, and this is the best model so far; \
             to go on: {HIGHWATER} resume {}",
            report.epochs,
            report.epoch_limit,
            folder.quoted()
        )
    })
}

/// As [`note`], of the [model to use](RunFolder::model); also of a run that ended without the model of all rows that should be
/// used.
pub(crate) fn note_of_model(folder: &RunFolder, config: &RunConfig, model: &Checkpoint) -> Option<String> {
    note(folder, config).or_else(|| {
        let history = read_history(folder.history_file()).ok()?;
        let report = reconstruct(history, &config.training);
        let is_failure = matches!(&report.ended, Ended::Stopped(reason) if reason.is_failure());
        let parts = config.data.fractions();
        let is_due = config.data.refit && parts.validation + parts.test > 0.0;
        (is_due && !is_failure && report.best.is_some() && model.path() != folder.final_file()).then(|| {
            format!(
                "unfinished: there is no final.safetensors, the model of all rows, that goes with the best model, and this is \
                 the one that was measured; to make it: {HIGHWATER} resume {}",
                folder.quoted()
            )
        })
    })
}
