//! The place of a step in the run: its learning rate, and whether a validation follows it.

use super::Session;
use highwater_optim::Plateau;

impl Session<'_> {
    pub(super) fn learning_rate(&self, step: u64) -> f64 {
        let base = self.plateau.as_ref().map_or(self.config.learning_rate, Plateau::learning_rate);
        self.config.schedule.learning_rate(base, step)
    }

    pub(super) fn last_step(&self) -> u64 {
        self.config.epochs.saturating_mul(self.steps_per_epoch)
    }

    /// Whether this step has a validation that has not taken place yet.
    pub(crate) fn validation_is_due(&self) -> bool {
        let step = self.counters.step;
        let recorded = self.history.last().map_or(0, |record| record.step);
        step > recorded && self.is_validated(step)
    }

    /// Whether a validation follows this step.
    pub(super) fn is_validated(&self, step: u64) -> bool {
        step.is_multiple_of(self.config.validate.steps(self.steps_per_epoch)) || step == self.last_step()
    }
}
