//! How the end of a run is told.

use crate::figures::{Rounded, counted};
use highwater_early_stopping::StopReason;
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

/// Which model is kept and by what merit, as a sentence without its full stop.
pub(crate) fn kept(report: &Report, select: Score, measured_on: MeasuredOn) -> String {
    match report.best() {
        Some(best) => {
            let (score, value) = (measured_on.score(select), Rounded(best.score(select)));
            format!("the model of {}, the best by {score} ({value})", place(best, report))
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
