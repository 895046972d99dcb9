//! What a validation is measured on.

use crate::config::Score;

/// Which rows the loss and the metrics of a validation are measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MeasuredOn {
    /// Rows that are held out. The default.
    #[default]
    ValidationRows,
    /// The rows that are trained on, since none are held out: a score says nothing of new rows.
    TrainingRows,
}

impl MeasuredOn {
    /// Both.
    pub const ALL: [MeasuredOn; 2] = [MeasuredOn::ValidationRows, MeasuredOn::TrainingRows];

    /// What a run with so many validation rows measures on.
    pub fn with(validation_rows: usize) -> MeasuredOn {
        if validation_rows == 0 { MeasuredOn::TrainingRows } else { MeasuredOn::ValidationRows }
    }

    /// What a curve or a value of these rows is called.
    pub fn name(self) -> &'static str {
        match self {
            MeasuredOn::ValidationRows => "validation",
            MeasuredOn::TrainingRows => "training rows",
        }
    }

    /// The [name](MeasuredOn::name) without blanks, for columns and tags.
    pub fn key(self) -> &'static str {
        match self {
            MeasuredOn::ValidationRows => "validation",
            MeasuredOn::TrainingRows => "training_rows",
        }
    }

    /// What the column of the loss is called in a table of validations, such as `history.csv`.
    pub fn loss_column(self) -> String {
        format!("{}_loss", self.key())
    }

    /// What a score of these rows is called: `validation accuracy`, `accuracy on the training rows`.
    pub fn score(self, score: Score) -> String {
        match self {
            MeasuredOn::ValidationRows => format!("validation {score}"),
            MeasuredOn::TrainingRows => format!("{score} on the training rows"),
        }
    }
}
