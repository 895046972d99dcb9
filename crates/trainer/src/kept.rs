//! The best model of a run among its checkpoints, by whatever score the run selects now.

use crate::best::ranking;
use crate::config::Score;
use crate::error::Error;
use crate::record::{Record, observations};
use crate::state::{history, is_of};
use highwater_checkpoint::{Checkpoint, Folder, Key, Listing};

/// The model that [`resume`](crate::resume) would keep if there were none but those of this folder: of the history of the
/// newest sound checkpoint, the best by this score that still has a sound one, and of equal scores the earlier. `None` if
/// there is none with a finite score.
///
/// It is for those who look at a run whose published best is gone.
///
/// # Errors
/// If no checkpoint is sound, or the newest that is sound is not one of a run.
pub fn kept(folder: &Folder, select: Score) -> Result<Option<Checkpoint>, Error> {
    let Some(newest) = folder.latest()?.0 else { return Ok(None) };
    let (history, listing) = (history(&newest)?, folder.list()?);
    let ranked = ranking(select.goal(), &observations(&history, select));
    let found = ranked.into_iter().find_map(|place| checkpoint_of(&history[place], folder, &listing));
    Ok(found.map(|(_, checkpoint)| checkpoint))
}

/// The sound checkpoint of the folder that was saved with a record.
pub(crate) fn checkpoint_of(
    record: &Record,
    folder: &Folder,
    listing: &Listing,
) -> Option<(Key, Checkpoint)> {
    let of_step = listing.entries.iter().map(|entry| entry.key).filter(|key| key.step == record.step);
    let opened = of_step.rev().filter_map(|key| Some((key, folder.open(key).ok()?)));
    opened.into_iter().find(|(_, checkpoint)| is_of(record, checkpoint))
}

/// Whether the folder has a file of a record's step that cannot be used.
pub(crate) fn is_damaged(record: &Record, folder: &Folder, listing: &Listing) -> bool {
    let mut readable = listing.entries.iter().map(|entry| entry.key).filter(|key| key.step == record.step);
    let mut unreadable = listing.unreadable.iter().filter_map(|rejected| Key::of_file(&rejected.path));
    unreadable.any(|key| key.step == record.step) || readable.any(|key| folder.open(key).is_err())
}
