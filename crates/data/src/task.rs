//! Whether classes or values are to be predicted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::table::Table;
use crate::unit::Unit;

/// The most different whole numbers that are still taken for names of classes.
const MOST_NUMBERED_CLASSES: usize = 20;
/// So many of them may occur twice on average; of more, classes would have too few rows to learn.
const FEW_NUMBERED_CLASSES: usize = 5;
/// How often more of them occur on average.
const ROWS_OF_MANY: usize = 10;

/// What is to be learnt about the target column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Which of two or more classes a row belongs to.
    Classification,
    /// How much: a number.
    Regression,
}

impl Task {
    /// The task that a target column suggests.
    ///
    /// Classification if a value is not a number (nor are all numbers of one [`Unit`]), or if all are whole numbers, at most
    /// 20 different ones, each occurring twice on average, of more than five ten times; otherwise regression. Missing values
    /// have no say.
    ///
    /// ```
    /// use highwater_data::{Table, Task};
    ///
    /// let csv = "size,rooms,price\n50,2,200.5\n70,3,280\n71,3,291\n90,2,350\n";
    /// let table = Table::from_csv_reader("flats", csv.as_bytes())?;
    /// assert_eq!(Task::infer(&table, "price")?, Task::Regression);
    /// assert_eq!(Task::infer(&table, "rooms")?, Task::Classification);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if there is no such column.
    pub fn infer(table: &Table, target: &str) -> Result<Task> {
        let column = table.column(target)?;
        let mut whole = BTreeSet::new();
        let mut measured = false;
        let mut unit = None;
        let there = || (0..table.rows()).filter(|row| !column.is_missing(*row));
        for row in there() {
            let mut value = column.number(row, None);
            if value.is_none() {
                unit = unit.or_else(|| Unit::of(column, there()));
                value = unit.as_ref().and_then(|unit| column.number(row, Some(unit)));
            }
            match value {
                None => return Ok(Task::Classification),
                Some(value) if value.fract() != 0.0 => measured = true,
                Some(value) => {
                    // A zero may have a minus.
                    whole.insert((value + 0.0).to_bits());
                }
            }
        }
        let often = if whole.len() <= FEW_NUMBERED_CLASSES { 2 } else { ROWS_OF_MANY };
        let few = whole.len() <= MOST_NUMBERED_CLASSES && often * whole.len() <= table.rows();
        Ok(if few && !measured { Task::Classification } else { Task::Regression })
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Classification => "classification",
            Task::Regression => "regression",
        })
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(text: &str) -> Result<Task> {
        match text {
            "classification" => Ok(Task::Classification),
            "regression" => Ok(Task::Regression),
            _ => {
                let known = r#""classification" and "regression""#;
                Err(Error::UnknownWord { what: "task", text: text.to_owned(), known })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(target: &[&str], expected: Task) {
        let csv = format!("x,y\n{}", target.iter().map(|cell| format!("0,{cell}\n")).collect::<String>());
        let table = Table::from_csv_reader("t.csv", csv.as_bytes()).unwrap();
        assert_eq!(Task::infer(&table, "y").unwrap(), expected, "{target:?}");
    }

    #[test]
    fn names_and_a_few_whole_numbers_are_classes_and_other_numbers_are_not() {
        check(&["yes", "no"], Task::Classification);
        check(&["1", "2", "three"], Task::Classification);
        check(&["1.5", "no"], Task::Classification);
        check(&["0", "1", "0", "1"], Task::Classification);
        check(&["0", "-0", "1", "1"], Task::Classification);
        check(&["0.0", "1.0", "0.0", "1"], Task::Classification);
        check(&["0", "1", "", "NA", "0", "1"], Task::Classification);
        check(&["36 months", "60 months", "36 months", "36 months"], Task::Classification);
        check(&["$1", "2", "$3"], Task::Classification);
        check(&["$1", "$2", "$3"], Task::Regression);
        check(&["1.5%", "2%", "2%", "2%"], Task::Regression);
        check(&["0", "1", "2"], Task::Regression);
        check(&["0.5", "1", "0.5", "1"], Task::Regression);
        let numbers =
            |count: usize, rows: usize| (0..rows).map(|i| (i % count).to_string()).collect::<Vec<_>>();
        for (count, rows, expected) in [
            (5, 10, Task::Classification),
            (6, 59, Task::Regression),
            (6, 60, Task::Classification),
            (20, 200, Task::Classification),
            (20, 199, Task::Regression),
        ] {
            check(&numbers(count, rows).iter().map(String::as_str).collect::<Vec<_>>(), expected);
        }
        let years: Vec<String> = (0..100).map(|i| (1950 + i % 21).to_string()).collect();
        check(&years.iter().map(String::as_str).collect::<Vec<_>>(), Task::Regression);
    }

    #[test]
    fn a_task_is_written_and_read_back() {
        for task in [Task::Classification, Task::Regression] {
            assert_eq!(task.to_string().parse::<Task>().unwrap(), task);
        }
        assert_eq!(
            "clustering".parse::<Task>().unwrap_err().to_string(),
            "unknown task \"clustering\"; there are \"classification\" and \"regression\""
        );
    }
}
