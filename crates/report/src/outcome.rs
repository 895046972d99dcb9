//! What is found out at the end of a run.

use crate::Importance;
use highwater_trainer::Scores;
use ndarray::Array2;

/// What is found out at the end of a run, as far as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome<'a> {
    /// Scores of the kept model on parts of the data, by the names of the parts; the last are the headline.
    pub scores: &'a [(&'a str, &'a Scores)],
    /// What the kept model is by them, if that is to be said: how `The kept model is …` goes on, without the full stop.
    pub note: Option<&'a str>,
    /// What the kept model says of held-out rows.
    pub predictions: Option<Predictions<'a>>,
    /// What the kept model goes by.
    pub importance: Option<&'a Importance>,
    /// The models and states that are on the disk.
    pub files: &'a [SavedFile],
}

/// What a model says of some rows, and what is true.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    /// Which rows they are: `test`, say.
    pub part: &'a str,
    /// Rows × outputs: of classes logits, of values in the unit of the table.
    pub outputs: &'a Array2<f64>,
    /// What is true of the rows.
    pub truth: Truth<'a>,
}

/// What is true of some rows.
#[derive(Debug, Clone, Copy)]
pub enum Truth<'a> {
    /// Each is of a class.
    Classes {
        /// The names of the classes, two or more.
        names: &'a [String],
        /// The number of each row's class.
        of_rows: &'a [u32],
    },
    /// Each has a value for each target.
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
