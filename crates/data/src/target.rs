//! What is to be predicted, as learnt from the training rows.

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::classes;
use crate::encoding;
use crate::error::{Error, Result};
use crate::scale::Scale;
use crate::table::{Column, Table};
use crate::task::Task;
use crate::unit::Unit;

/// The most classes of a target.
const MOST_CLASSES: usize = 1000;

/// A column to predict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The column's name.
    pub column: String,
    /// What its values are.
    pub kind: TargetKind,
}

/// What the values of a target are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum TargetKind {
    /// The classes' names, two or more; a class's number is its place. In the order of the numbers if all are
    /// numbers, of the letters if not.
    Classes(Vec<String>),
    /// A number, standardised for training; [`Scale::invert`] maps a prediction back.
    Value(Scale),
    /// A number within a unit, standardised as well; what comes back is the number alone.
    Quantity(Scale, Unit),
}

impl TargetKind {
    /// What maps standardised values back to the units of the table; `None` for classes.
    pub fn scale(&self) -> Option<Scale> {
        match self {
            TargetKind::Classes(_) => None,
            TargetKind::Value(scale) | TargetKind::Quantity(scale, _) => Some(*scale),
        }
    }

    /// What is around the numbers, if anything is.
    pub fn unit(&self) -> Option<&Unit> {
        match self {
            TargetKind::Quantity(_, unit) => Some(unit),
            TargetKind::Classes(_) | TargetKind::Value(_) => None,
        }
    }
}

/// What the values of a target are in some rows.
pub(crate) fn fit(table: &Table, rows: &[usize], column: &Column, task: Task) -> Result<TargetKind> {
    let texts = rows.iter().map(|row| table.target(*row, column)).collect::<Result<Vec<_>>>()?;
    let constant = || Error::ConstantTarget {
        file: table.source().to_owned(),
        column: column.name().to_owned(),
        value: cell::shorten(texts[0]),
        rows: rows.len(),
    };
    match task {
        Task::Classification => {
            let names = classes::names(texts.iter().copied());
            if names.len() == 1 {
                return Err(constant());
            }
            if names.len() == rows.len() {
                return Err(classes::one_per_row(table, column, &texts));
            }
            if names.len() > MOST_CLASSES {
                let (file, column) = (table.source().to_owned(), column.name().to_owned());
                let (classes, most) = (names.len(), MOST_CLASSES);
                return Err(Error::TooManyClasses { file, column, classes, most });
            }
            Ok(TargetKind::Classes(names))
        }
        Task::Regression => {
            let (values, unit) = encoding::numbers(table, rows.iter().copied(), column)?;
            if values.iter().all(|value| *value == values[0]) {
                return Err(constant());
            }
            let scale = Scale::fit(values);
            Ok(unit.map_or(TargetKind::Value(scale), |unit| TargetKind::Quantity(scale, unit)))
        }
    }
}
