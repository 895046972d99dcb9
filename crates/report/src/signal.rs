//! The columns of a history that are there only if a stopping rule or a schedule asks for them.

use highwater_objective::metrics::Metric;
use highwater_trainer::{Config, Signals};

/// One of what [`Signals`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Reductions,
    Evidence,
    LossError,
    AccuracyError,
}

impl Signal {
    /// In the order of the columns.
    pub(crate) const ALL: [Signal; 4] =
        [Signal::Reductions, Signal::Evidence, Signal::LossError, Signal::AccuracyError];

    /// That of the column of this name.
    pub(crate) fn named(name: &str) -> Option<Signal> {
        Signal::ALL.into_iter().find(|signal| signal.name() == name)
    }

    /// Of the column.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Signal::Reductions => "reductions",
            Signal::Evidence => "evidence",
            Signal::LossError => "loss_error",
            Signal::AccuracyError => "accuracy_error",
        }
    }

    pub(crate) fn is_asked_for(self, config: &Config) -> bool {
        match self {
            Signal::Reductions => config.plateau.is_some(),
            Signal::Evidence => config.asks_for_evidence(),
            Signal::LossError => config.asks_for_standard_errors(),
            Signal::AccuracyError => {
                config.metrics.contains(&Metric::Accuracy) && config.asks_for_standard_errors()
            }
        }
    }

    /// With as many digits as give it back exactly; empty if it is not known.
    pub(crate) fn text(self, signals: &Signals) -> String {
        let number = match self {
            Signal::Reductions => return signals.reductions.map_or(String::new(), |count| count.to_string()),
            Signal::Evidence => signals.evidence,
            Signal::LossError => signals.loss_error,
            Signal::AccuracyError => signals.accuracy_error,
        };
        number.map_or(String::new(), |number| format!("{number:?}"))
    }

    /// Reads what [`text`](Signal::text) wrote.
    pub(crate) fn set(self, signals: &mut Signals, text: &str) -> Option<()> {
        let place = match self {
            Signal::Reductions => {
                signals.reductions = Some(text.parse().ok()?);
                return Some(());
            }
            Signal::Evidence => &mut signals.evidence,
            Signal::LossError => &mut signals.loss_error,
            Signal::AccuracyError => &mut signals.accuracy_error,
        };
        *place = Some(text.parse().ok()?);
        Some(())
    }
}
