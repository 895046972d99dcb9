//! From cells of text to numbers, as fitted on the training rows.

mod v2;

use std::ops::Range;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::cell;
use crate::classes::NameIndex;
use crate::dataset::{Dataset, DatasetWriter, Targets};
use crate::encoding::{self, Encoding};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::on_disk::BLOCK;
use crate::recipe::Recipe;
use crate::scale::Scale;
use crate::table::Table;
use crate::target::{self, Target, TargetKind};
use crate::task::Task;
pub use v2::PreparationV2;

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
    dropped: Vec<Dropped>,
    targets: Vec<Target>,
    header: bool,
}

/// A feature column, which becomes one or more inputs of the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The column's name.
    pub name: String,
    /// How its cells become numbers.
    pub encoding: Encoding,
    /// How many of the training rows lack a value.
    pub missing: usize,
    /// Whether there is one more input, 1 where a value is missing and 0 elsewhere.
    pub indicator: bool,
}

impl Input {
    /// The number of inputs of the network.
    pub fn width(&self) -> usize {
        self.encoding.width() + usize::from(self.indicator)
    }
}

/// A column that is not learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The column's name.
    pub name: String,
    /// Why it is not.
    pub kind: Kind,
}

impl Preparation {
    /// Learns from some rows of a table how to prepare it. Every column but the target is a feature, unless its
    /// [`Kind`] has nothing to tell.
    ///
    /// # Errors
    /// As [`fit_recipe`](Preparation::fit_recipe).
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn fit(table: &Table, rows: &[usize], target: &str, task: Task) -> Result<Preparation> {
        Preparation::fit_recipe(table, rows, &Recipe::new(target, task))
    }

    /// Learns from some rows of a table how to prepare it, as the recipe wishes.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] (a target, or a column of the recipe), [`Error::NoInputs`], [`Error::NoUsableInputs`],
    /// [`Error::NoTrainingRows`], [`Error::NotANumber`] and the like (a feature, or the target of a regression),
    /// [`Error::MissingTarget`], [`Error::ConstantTarget`], [`Error::ClassPerRow`], [`Error::TooManyClasses`] and
    /// [`Error::SeveralClasses`].
    ///
    /// # Panics
    /// If the table has no such row, or the recipe no target.
    pub fn fit_recipe(table: &Table, rows: &[usize], recipe: &Recipe) -> Result<Preparation> {
        let file = || table.source().to_owned();
        assert!(!recipe.targets.is_empty(), "a target");
        let columns = recipe.targets.iter().map(|name| table.column(name)).collect::<Result<Vec<_>>>()?;
        if recipe.task == Task::Classification && columns.len() > 1 {
            return Err(Error::SeveralClasses { file: file(), columns: recipe.targets.join(", ") });
        }
        for name in recipe.kinds.keys() {
            table.column(name)?;
        }
        if rows.is_empty() {
            return Err(Error::NoTrainingRows { file: file() });
        }
        let targets = columns.into_iter().map(|column| {
            let kind = target::fit(table, rows, column, recipe.task)?;
            Ok(Target { column: column.name().to_owned(), kind })
        });
        let targets = targets.collect::<Result<Vec<_>>>()?;
        let (mut inputs, mut dropped) = (Vec::new(), Vec::new());
        for column in
            table.columns().iter().filter(|column| !recipe.targets.iter().any(|t| t == column.name()))
        {
            let name = column.name().to_owned();
            let kind = recipe.kinds.get(&name).copied();
            let kind = kind.unwrap_or_else(|| match Kind::infer(column, rows) {
                // A cross or nothing: where it is missing says all.
                Kind::Constant if recipe.indicators && column.has_gaps(rows) => Kind::Category,
                kind => kind,
            });
            if !kind.is_used() {
                dropped.push(Dropped { name, kind });
                continue;
            }
            let (encoding, missing) = Encoding::fit(table, rows, column, kind, recipe.one_hot)?;
            // The same moment may be written in several ways.
            if encoding.width() == 0 {
                dropped.push(Dropped { name, kind: Kind::Constant });
                continue;
            }
            inputs.push(Input { name, encoding, missing, indicator: recipe.indicators && missing > 0 });
        }
        let target = || recipe.targets.join(", ");
        if inputs.is_empty() && dropped.is_empty() {
            return Err(Error::NoInputs { file: file(), target: target() });
        }
        if inputs.is_empty() {
            let reasons = dropped.iter().map(|dropped| format!("{:?} is {}", dropped.name, dropped.reason()));
            let reasons = cell::shorten_to(&reasons.collect::<Vec<_>>().join(", "), 300);
            return Err(Error::NoUsableInputs { file: file(), reasons });
        }
        Ok(Preparation { inputs, dropped, targets, header: table.has_header() })
    }

    /// The features of some rows of any table that has the columns: rows × inputs.
    ///
    /// Columns are found by name; others, the target among them, are ignored.
    ///
    /// # Errors
    /// [`Error::MissingInput`], [`Error::NotANumber`] and the like, and [`Error::OutOfScale`].
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn features(&self, table: &Table, rows: &[usize]) -> Result<Array2<f32>> {
        let width = self.input_count();
        let mut features = vec![0.0; rows.len() * width];
        for (input, range) in self.input_ranges() {
            let column = table.find(&input.name).ok_or_else(|| Error::MissingInput {
                file: table.source().to_owned(),
                column: input.name.clone(),
                instead: table.instead(&input.name),
            })?;
            let index = input.encoding.index();
            let places = range.start..range.start + input.encoding.width();
            let encode = |row, to: &mut [f32]| input.encoding.encode(table, row, column, &index, to);
            let fits = |row| encode(row, &mut vec![0.0; places.len()]).is_ok();
            for (row, to) in rows.iter().zip(features.chunks_exact_mut(width)) {
                let there = encode(*row, &mut to[places.clone()])
                    .map_err(|error| error.of_all(table, column, fits))?;
                if input.indicator {
                    to[places.end] = if there { 0.0 } else { 1.0 };
                }
            }
        }
        Ok(Array2::from_shape_vec((rows.len(), width), features).expect("so many were made"))
    }

    /// Features and targets of some rows. Those of a table that is kept in a scratch file are kept in another, too.
    ///
    /// # Errors
    /// As [`features`](Preparation::features), [`Error::Scratch`], and [`Error::UnknownColumn`], [`Error::MissingTarget`] and
    /// [`Error::UnseenClass`] for the target.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn dataset(&self, table: &Table, rows: &[usize]) -> Result<Dataset> {
        let targets = self.targets_of(table, rows)?;
        match table.scratch_folder().filter(|_| !rows.is_empty()) {
            None => Ok(Dataset::new(self.features(table, rows)?, targets)),
            Some(folder) => {
                let mut writer = DatasetWriter::new(self.input_count(), folder)?;
                for rows in rows.chunks(BLOCK) {
                    writer.push(&self.features(table, rows)?)?;
                }
                writer.finish(targets)
            }
        }
    }

    /// The targets of some rows alone.
    ///
    /// # Errors
    /// As [`dataset`](Preparation::dataset) for the target.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn targets_of(&self, table: &Table, rows: &[usize]) -> Result<Targets> {
        let TargetKind::Classes(names) = &self.targets[0].kind else { return self.values(table, rows) };
        let column = table.column(&self.targets[0].column)?;
        let index = NameIndex::new(names);
        let classes = rows.iter().map(|row| {
            if let Some(place) = index.get(column.get(*row)) {
                return Ok(place as u32);
            }
            let class = table.target(*row, column)?;
            Err(Error::UnseenClass {
                at: table.place(*row, column),
                class: cell::shorten(class),
                known: cell::shorten(&names.join(", ")),
            })
        });
        Ok(Targets::Classes(classes.collect::<Result<_>>()?))
    }

    fn values(&self, table: &Table, rows: &[usize]) -> Result<Targets> {
        let mut values = Array2::zeros((rows.len(), self.targets.len()));
        for (target, mut to) in self.targets.iter().zip(values.columns_mut()) {
            let column = table.column(&target.column)?;
            let scale = target.kind.scale().expect("several targets are values");
            let number = |row| encoding::number(table, row, column, target.kind.unit());
            for (row, to) in rows.iter().zip(&mut to) {
                table.target(*row, column)?;
                let value =
                    number(*row).map_err(|error| error.of_all(table, column, |row| number(row).is_ok()))?;
                *to = encoding::scaled(table, *row, column, scale, value)?;
            }
        }
        Ok(Targets::Values(values))
    }

    /// What the target asks for.
    pub fn task(&self) -> Task {
        if self.targets[0].kind.scale().is_some() { Task::Regression } else { Task::Classification }
    }

    /// The feature columns, in the order of the network's inputs; at least one.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// The feature columns, and which of the network's inputs each of them becomes.
    pub fn input_ranges(&self) -> impl Iterator<Item = (&Input, Range<usize>)> {
        let mut first = 0;
        self.inputs.iter().map(move |input| {
            let range = first..first + input.width();
            first = range.end;
            (input, range)
        })
    }

    /// The columns that are not learnt from, in the order of the table.
    pub fn dropped(&self) -> &[Dropped] {
        &self.dropped
    }

    /// The target column, the first of several.
    pub fn target(&self) -> &Target {
        &self.targets[0]
    }

    /// All target columns, in the order of the network's outputs.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// What maps standardised values back to the units of the table, one for each output; empty for classes.
    pub fn units(&self) -> Vec<Scale> {
        self.targets.iter().filter_map(|target| target.kind.scale()).collect()
    }

    /// Whether the columns had names of their own in the file; a file for prediction is read in the same way.
    pub fn has_header(&self) -> bool {
        self.header
    }

    /// The number of columns of the table that it was fitted to: used, left out and to be predicted.
    pub fn column_count(&self) -> usize {
        self.inputs.len() + self.dropped.len() + self.targets.len()
    }

    /// The number of inputs a network needs.
    pub fn input_count(&self) -> usize {
        self.inputs.iter().map(Input::width).sum()
    }

    /// A name for each of the network's inputs: its column's, with a number behind it if the column is several inputs:
    /// `age`, `town[0]`, `town[1]`.
    pub fn input_names(&self) -> Vec<String> {
        let of = |input: &Input| -> Vec<String> {
            match input.width() {
                1 => vec![input.name.clone()],
                width => (0..width).map(|place| format!("{}[{place}]", input.name)).collect(),
            }
        };
        self.inputs.iter().flat_map(of).collect()
    }

    /// The inputs that hold numbers of rows of a table, which the network has to learn: for each its place among the
    /// inputs, and the number of rows. The last row is that of rare names and of those that no training row has.
    ///
    /// ```
    /// use highwater_data::{Preparation, Recipe, Table, Task};
    /// use ndarray::array;
    ///
    /// let csv = "x,town,y\n1,a,u\n2,b,v\n3,a,u\n4,b,v\n5,c,v\n";
    /// let table = Table::from_csv_reader("t.csv", csv.as_bytes())?;
    /// let recipe = Recipe { one_hot: 1, ..Recipe::new("y", Task::Classification) };
    /// let preparation = Preparation::fit_recipe(&table, &[0, 1, 2, 3, 4], &recipe)?;
    /// assert_eq!(preparation.embedded(), [(1, 3)]); // a, b, and any other
    /// assert_eq!(preparation.features(&table, &[1, 4])?.column(1), array![1.0, 2.0]);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    pub fn embedded(&self) -> Vec<(usize, usize)> {
        let embedded = self.input_ranges().filter_map(|(input, range)| match &input.encoding {
            Encoding::Embedded(categories) => Some((range.start, categories.names.len() + 1)),
            _ => None,
        });
        embedded.collect()
    }

    /// The number of outputs a network needs: one for each class, or one for each target.
    pub fn output_count(&self) -> usize {
        self.class_names().len().max(self.targets.len())
    }

    /// The classes' names, in the order of their numbers; none for a regression.
    pub fn class_names(&self) -> &[String] {
        match &self.targets[0].kind {
            TargetKind::Classes(names) => names,
            TargetKind::Value(_) | TargetKind::Quantity(..) => &[],
        }
    }
}
