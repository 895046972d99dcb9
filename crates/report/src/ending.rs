//! How the end of a run is told.

use crate::figures::{Rounded, counted};
use highwater_early_stopping::{BestTracker, StopReason};
use highwater_trainer::{Ended, MeasuredOn, Record, Report, Score};

/// When a run ended and why, as a sentence without its full stop.
pub(crate) fn ending(report: &Report) -> String {
    let (epochs, limit) = (report.epochs, report.epoch_limit);
    match &report.ended {
        Ended::Stopped(reason) => {
            let verb = if reason.is_failure() { "Failed" } else { "Stopped" };
            format!("{verb} at epoch {epochs} of at most {limit}: {reason}")
        }
        Ended::EpochLimit => format!("Ended at the limit of {}", counted(limit, "epoch")),
        Ended::Interrupted => format!("Interrupted at epoch {epochs} of at most {limit}"),
    }
}

/// Which model is kept and by what merit, as a sentence without its full stop. A run that came to select by another score
/// may not have kept what was best by that.
pub(crate) fn kept(report: &Report, select: Score, measured_on: MeasuredOn) -> String {
    let mut tracker = BestTracker::new(select.goal());
    report.history.iter().for_each(|record| _ = tracker.observe(&record.observation(select)));
    let of_all = tracker.best().map(|best| &report.history[best.index as usize]);
    match report.best() {
        Some(best) => {
            let score = measured_on.score(select);
            let merit = |record: &Record| (place(record, report), Rounded(record.score(select)));
            let (at, value) = merit(best);
            match of_all.filter(|of_all| of_all.score(select) != best.score(select)).map(merit) {
                None => format!("the model of {at}, the best by {score} ({value})"),
                Some((other, than)) => format!(
                    "the model of {at}, the best by {score} ({value}) of those that are left: that of {other} ({than}) was not \
                     kept"
                ),
            }
        }
        None => format!("the last model, since no validation gave a finite {select}"),
    }
}

/// `epoch 12`, and the step as well if there are several records of that epoch.
pub(crate) fn place(record: &Record, report: &Report) -> String {
    let of_epoch = report.history.iter().filter(|other| other.epoch == record.epoch).count();
    match of_epoch {
        0 | 1 => format!("epoch {}", record.epoch),
        _ => format!("epoch {}, step {}", record.epoch, record.step),
    }
}

/// What the end of a run before its limit has saved.
pub(crate) struct Saved {
    /// Epochs of the limit that were not run.
    pub(crate) epochs: u64,
    /// Their share of the limit, in percent.
    pub(crate) percent: f64,
    /// Seconds they would have taken, going by those before.
    pub(crate) seconds: f64,
}

impl Saved {
    /// `None` if a run was not stopped by a rule, or not before its limit, or by a value that is not finite.
    pub(crate) fn by(report: &Report) -> Option<Saved> {
        let epochs = report.epoch_limit.saturating_sub(report.epochs);
        let sound = |reason: &StopReason| !matches!(reason, StopReason::NonFinite { .. });
        let sound = matches!(&report.ended, Ended::Stopped(reason) if sound(reason));
        if epochs == 0 || !sound {
            return None;
        }
        Some(Saved {
            epochs,
            percent: 100.0 * epochs as f64 / report.epoch_limit as f64,
            seconds: report.elapsed / report.epochs.max(1) as f64 * epochs as f64,
        })
    }
}

/// Whether a run ended at its limit while it was still getting better on rows that are held out: on training rows
/// nearly every run does.
pub(crate) fn ended_too_early(report: &Report, measured_on: MeasuredOn) -> bool {
    let last_is_best = report.best.is_some_and(|best| best + 1 == report.history.len());
    measured_on == MeasuredOn::ValidationRows && report.ended == Ended::EpochLimit && last_is_best
}
