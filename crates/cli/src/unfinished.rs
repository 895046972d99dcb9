//! That a run has not come to its end.

use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::folder::RunFolder;
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
