//! How the end of a run is told.

use crate::figures::{Rounded, counted};
use crate::reconstruct::best_of;
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

/// Which model is kept and by what merit, as a sentence without its full stop. A run that came to select by another score
/// may not have kept what was best by that.
pub(crate) fn kept(report: &Report, select: Score, measured_on: MeasuredOn) -> String {
    let Some(best) = report.best() else {
        return format!("the last model, since no validation gave a finite {select}");
    };
    let score = measured_on.score(select);
    let merit = |record: &Record| (place(record, report), Rounded(record.score(select)));
    let of_all = best_of(&report.history, select).map(|place| &report.history[place]);
    let (at, value) = merit(best);
    match of_all.filter(|of_all| of_all.score(select) != best.score(select)).map(merit) {
        None => format!("the model of {at}, the best by {score} ({value})"),
        Some((other, than)) => format!(
            "the model of {at}, the best by {score} ({value}) of those that are left: that of {other} ({than}) was not kept"
        ),
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

/// What a run has saved by ending before its limit.
pub(crate) struct Savings {
    /// Epochs of the limit that were not run.
    pub(crate) epochs: u64,
    /// Their share of the limit, in percent.
    pub(crate) percent: f64,
    /// Seconds they would have taken, going by those before.
    pub(crate) seconds: f64,
}

impl Savings {
    /// `None` if a run was not stopped by a rule, or not before its limit, or by a value that is not finite.
    pub(crate) fn of(report: &Report) -> Option<Savings> {
        let epochs = report.epoch_limit.saturating_sub(report.epochs);
        let by_a_rule = match &report.ended {
            Ended::Stopped(reason) => !matches!(reason, StopReason::NonFinite { .. }),
            Ended::EpochLimit | Ended::Interrupted => false,
        };
        if epochs == 0 || !by_a_rule {
            return None;
        }
        Some(Savings {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{config, records};
    use crate::reconstruct::reconstruct;

    fn ended(losses: &[f64]) -> Report {
        reconstruct(records(losses), &config("patience(1)"))
    }

    #[test]
    fn only_a_rule_saves_epochs_and_only_before_the_limit() {
        let falling: Vec<f64> = (1..=200).map(|epoch| 1.0 / f64::from(epoch)).collect();
        let saved = |losses: &[f64]| Savings::of(&ended(losses)).map(|savings| savings.epochs);
        assert_eq!(saved(&[0.5, 0.6]), Some(198));
        assert_eq!(saved(&[&falling[..199], &[0.6]].concat()), None, "stopped at the last epoch");
        assert_eq!(saved(&falling), None);
        assert_eq!(saved(&[0.5, f64::NAN]), None);
    }

    #[test]
    fn a_run_ended_too_early_if_it_was_still_getting_better_on_rows_held_out() {
        let falling: Vec<f64> = (1..=200).map(|epoch| 1.0 / f64::from(epoch)).collect();
        let (limit, stopped) = (ended(&falling), ended(&[0.5, 0.6]));
        assert!(ended_too_early(&limit, MeasuredOn::ValidationRows));
        assert!(!ended_too_early(&limit, MeasuredOn::TrainingRows));
        assert!(!ended_too_early(&stopped, MeasuredOn::ValidationRows));
    }
}
