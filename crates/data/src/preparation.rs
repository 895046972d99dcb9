//! From cells of text to numbers, as fitted on the training rows.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::cell;
use crate::classes::{self, ClassIndex};
use crate::dataset::{Dataset, Targets};
use crate::error::{Error, Result};
use crate::scale::Scale;
use crate::table::{Column, Table};
use crate::task::Task;

/// How the rows of a table become numbers for a network, learnt from training rows and nothing else.
///
/// It belongs to the model and is saved with it: any table with the same columns, in whatever order and with others
/// among them, is then prepared as the training rows were.
///
/// ```
/// use highwater_data::{Preparation, Table, Task};
/// use ndarray::array;
///
/// let csv = "length,hue,kind\n1,0,plum\n3,0,apple\n1,2,plum\n3,2,apple\n";
/// let table = Table::from_csv_reader("fruit", csv.as_bytes())?;
/// let preparation = Preparation::fit(&table, &[0, 1, 2, 3], "kind", Task::Classification)?;
/// assert_eq!(preparation.class_names(), ["apple", "plum"]);
///
/// let unknown = Table::from_csv_reader("basket", "hue,weight,length\n1,900,5\n".as_bytes())?;
/// assert_eq!(preparation.features(&unknown, &[0])?, array![[3.0, 0.0]]);
/// # Ok::<(), highwater_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    inputs: Vec<Input>,
    target: Target,
}

/// A feature column, which becomes one input of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The column's name.
    pub name: String,
    /// What standardises it.
    pub scale: Scale,
}

/// The column to predict.
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
}

impl Preparation {
    /// Learns from some rows of a table how to prepare it. Every column but the target is a feature.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] (the target), [`Error::NoInputs`], [`Error::NoTrainingRows`],
    /// [`Error::NotANumber`] (a feature, or the target of a regression), [`Error::MissingTarget`],
    /// [`Error::ConstantTarget`] and [`Error::ClassPerRow`].
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn fit(table: &Table, rows: &[usize], target: &str, task: Task) -> Result<Preparation> {
        let column = table.column(target)?;
        let file = || table.source().to_owned();
        if rows.is_empty() {
            return Err(Error::NoTrainingRows { file: file() });
        }
        let kind = fit_target(table, rows, column, task)?;
        let inputs = (table.columns().iter().filter(|column| column.name() != target))
            .map(|column| {
                let scale = Scale::fit(numbers(table, rows, column)?);
                Ok(Input { name: column.name().to_owned(), scale })
            })
            .collect::<Result<Vec<_>>>()?;
        if inputs.is_empty() {
            return Err(Error::NoInputs { file: file(), target: target.to_owned() });
        }
        Ok(Preparation { inputs, target: Target { column: target.to_owned(), kind } })
    }

    /// The features of some rows of any table that has the columns: rows × inputs, standardised.
    ///
    /// Columns are found by name; others, the target among them, are ignored.
    ///
    /// # Errors
    /// [`Error::MissingInput`], [`Error::NotANumber`] and [`Error::OutOfScale`].
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn features(&self, table: &Table, rows: &[usize]) -> Result<Array2<f32>> {
        let mut features = Array2::zeros((rows.len(), self.inputs.len()));
        for (input, mut to) in self.inputs.iter().zip(features.columns_mut()) {
            let column = table.find(&input.name).ok_or_else(|| Error::MissingInput {
                file: table.source().to_owned(),
                column: input.name.clone(),
                instead: table.instead(&input.name),
            })?;
            for (row, to) in rows.iter().zip(&mut to) {
                *to = scaled(table, *row, column, input.scale)?;
            }
        }
        Ok(features)
    }

    /// Features and targets of some rows.
    ///
    /// # Errors
    /// As [`features`](Preparation::features), and [`Error::UnknownColumn`], [`Error::MissingTarget`] and
    /// [`Error::UnseenClass`] for the target.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn dataset(&self, table: &Table, rows: &[usize]) -> Result<Dataset> {
        let column = table.column(&self.target.column)?;
        let targets = match &self.target.kind {
            TargetKind::Value(scale) => {
                let values = rows.iter().map(|row| {
                    table.target(*row, column)?;
                    scaled(table, *row, column, *scale)
                });
                let values = values.collect::<Result<Vec<_>>>()?;
                Targets::Values(Array2::from_shape_vec((rows.len(), 1), values).expect("one value a row"))
            }
            TargetKind::Classes(names) => {
                let index = ClassIndex::new(names);
                let classes = rows.iter().map(|row| {
                    let class = table.target(*row, column)?;
                    index.get(class).ok_or_else(|| Error::UnseenClass {
                        at: table.place(*row, column),
                        class: cell::shorten(class),
                        known: cell::shorten(&names.join(", ")),
                    })
                });
                Targets::Classes(classes.collect::<Result<_>>()?)
            }
        };
        Ok(Dataset::new(self.features(table, rows)?, targets))
    }

    /// What the target asks for.
    pub fn task(&self) -> Task {
        match self.target.kind {
            TargetKind::Classes(_) => Task::Classification,
            TargetKind::Value(_) => Task::Regression,
        }
    }

    /// The feature columns, in the order of the network's inputs; at least one.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The target column.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The number of inputs a network needs.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// The number of outputs a network needs: one for each class, or 1.
    pub fn output_count(&self) -> usize {
        self.class_names().len().max(1)
    }

    /// The classes' names, in the order of their numbers; none for a regression.
    pub fn class_names(&self) -> &[String] {
        match &self.target.kind {
            TargetKind::Classes(names) => names,
            TargetKind::Value(_) => &[],
        }
    }
}

fn fit_target(table: &Table, rows: &[usize], column: &Column, task: Task) -> Result<TargetKind> {
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
                let (file, column) = (table.source().to_owned(), column.name().to_owned());
                return Err(Error::ClassPerRow { file, column, rows: rows.len() });
            }
            Ok(TargetKind::Classes(names))
        }
        Task::Regression => {
            let values = numbers(table, rows, column)?;
            if values.iter().all(|value| *value == values[0]) {
                return Err(constant());
            }
            Ok(TargetKind::Value(Scale::fit(values)))
        }
    }
}

fn numbers(table: &Table, rows: &[usize], column: &Column) -> Result<Vec<f64>> {
    rows.iter().map(|row| number(table, *row, column)).collect()
}

fn number(table: &Table, row: usize, column: &Column) -> Result<f64> {
    let text = column.get(row);
    cell::number(text)
        .ok_or_else(|| Error::NotANumber { at: table.place(row, column), text: text.to_owned() })
}

fn scaled(table: &Table, row: usize, column: &Column, scale: Scale) -> Result<f32> {
    let value = scale.apply(number(table, row, column)?);
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::OutOfScale { at: table.place(row, column), text: column.get(row).to_owned() })
    }
}
