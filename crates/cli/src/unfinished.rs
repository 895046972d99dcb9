//! That a run has not come to its end.

use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::folder::RunFolder;
use crate::refit;
use highwater_checkpoint::Checkpoint;
use highwater_report::{read_history, reconstruct};
use highwater_trainer::{Ended, Report};

/// What is to be said of the model of a run that was interrupted, or still trains; also of one that was killed, of which nothing
/// but its history tells so.
pub(crate) fn note(folder: &RunFolder, config: &RunConfig) -> Option<String> {
    interrupted(&told(folder, config)?, folder)
}

/// As [`note`], of the [model to use](RunFolder::model); also of a run that ended without the model of all rows that should be
/// used.
pub(crate) fn note_of_model(folder: &RunFolder, config: &RunConfig, model: &Checkpoint) -> Option<String> {
    let report = told(folder, config)?;
    interrupted(&report, folder).or_else(|| {
        let parts = config.data.fractions();
        let is_due = refit::is_due(config, &report) && parts.validation + parts.test > 0.0;
        (is_due && model.path() != folder.final_file()).then(|| {
            format!(
                "unfinished: there is no final.safetensors, the model of all rows, that goes with the best model, and this is \
                 the one that was measured; to make it: {HIGHWATER} resume {}",
                folder.quoted()
            )
        })
    })
}

/// How the run ended, as its history tells. A model that was imported has none.
fn told(folder: &RunFolder, config: &RunConfig) -> Option<Report> {
    let history = read_history(folder.history_file()).ok().filter(|history| !history.is_empty())?;
    Some(reconstruct(history, &config.training))
}

fn interrupted(report: &Report, folder: &RunFolder) -> Option<String> {
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
