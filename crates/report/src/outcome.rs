//! What is found out at the end of a run.

use crate::Importance;
use highwater_trainer::Scores;
use ndarray::Array2;

/// What is found out at the end of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome<'a> {
    /// Scores of the kept model on parts of the data, by the names of the parts; the last are the headline.
    pub scores: &'a [(&'a str, &'a Scores)],
    /// A remark on the kept model by these scores, if there is one: the rest of a sentence that begins with `The kept model is`,
    /// without its full stop.
    pub note: Option<&'a str>,
    /// Predictions of the kept model for held-out rows.
    pub predictions: Option<Predictions<'a>>,
    /// Which columns the kept model goes by.
    pub importance: Option<&'a Importance>,
    /// The models and states that are on the disk.
    pub files: &'a [SavedFile],
}

/// What a model predicts for some rows, and their true targets.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    /// Which rows they are: `test`, say.
    pub part: &'a str,
    /// Rows × outputs: of classes logits, of values in the unit of the table.
    pub outputs: &'a Array2<f64>,
    /// The true targets of the rows.
    pub truth: Truth<'a>,
}

/// The true targets of some rows.
#[derive(Debug, Clone, Copy)]
pub enum Truth<'a> {
    /// A class for each row.
    Classes {
        /// The names of the classes, two or more.
        names: &'a [String],
        /// The number of each row's class.
        of_rows: &'a [u32],
    },
    /// Values for each row, one for each target.
    Values {
        /// The names of the targets.
        names: &'a [String],
        /// Rows × targets, in the unit of the table.
        of_rows: &'a Array2<f64>,
    },
}

/// A model or state on the disk.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedFile {
    /// Its name within the run's folder.
    pub name: String,
    /// Why it is there.
    pub what: String,
    /// Epochs done.
    pub epoch: u64,
    /// Steps done.
    pub step: u64,
    /// The score that selects; `None` if it was not validated there.
    pub score: Option<f64>,
    /// Its size in bytes.
    pub bytes: u64,
}
