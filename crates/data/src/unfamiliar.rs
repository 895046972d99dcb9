//! Columns of another table than that of the training rows in which a model finds nothing that it knows.

use crate::encoding::Encoding;
use crate::preparation::{Input, Preparation};
use crate::table::Table;

/// A column of other rows that tells a model nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfamiliar<'a> {
    /// The column.
    pub column: &'a str,
    /// What is odd about it.
    pub oddity: Oddity<'a>,
}

/// What is odd about a column of other rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Oddity<'a> {
    /// No row has a value.
    Empty,
    /// No row has a name that the model tells apart from others.
    Unknown {
        /// The first name that is there.
        text: &'a str,
        /// The names that the model knows.
        known: &'a [String],
    },
    /// All numbers are more than ten standard deviations from the mean of the training rows.
    FarOff {
        /// The first number that is there.
        text: &'a str,
    },
}

impl Preparation {
    /// The columns of these rows that are empty, written otherwise than in training, or in another unit, so that they tell the
    /// model nothing. In one row or two that is no wonder.
    ///
    /// ```
    /// use highwater_data::{Oddity, Preparation, Table, Task};
    ///
    /// let rows: String = (0..40).map(|i| format!("{},{},{}\n", i % 7, ["red", "blue"][i % 2], i % 3)).collect();
    /// let table = Table::from_csv_reader("t.csv", format!("size,hue,y\n{rows}").as_bytes())?;
    /// let rows: Vec<usize> = (0..40).collect();
    /// let preparation = Preparation::fit(&table, &rows, "y", Task::Classification)?;
    /// let other = Table::from_csv_reader("u.csv", format!("size,hue\n{}", "?,RED\n".repeat(2)).as_bytes())?;
    /// let found = preparation.unfamiliar(&other, &[0, 1]);
    /// let known = &["blue".to_owned(), "red".to_owned()];
    /// assert_eq!((found[0].column, &found[0].oddity), ("size", &Oddity::Empty));
    /// assert_eq!((found[1].column, &found[1].oddity), ("hue", &Oddity::Unknown { text: "RED", known }));
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn unfamiliar<'a>(&'a self, table: &'a Table, rows: &[usize]) -> Vec<Unfamiliar<'a>> {
        let odd =
            |input: &'a Input| Some(Unfamiliar { column: &input.name, oddity: oddity(input, table, rows)? });
        self.inputs().iter().filter_map(odd).collect()
    }
}

fn oddity<'a>(input: &'a Input, table: &'a Table, rows: &[usize]) -> Option<Oddity<'a>> {
    let column = table.find(&input.name)?;
    let text = |row: usize| column.get(row);
    let first = || column.present(rows).next().map(text);
    match &input.encoding {
        // Names that come once or twice are new in every table.
        Encoding::OneHot(of) | Encoding::Embedded(of) if of.rare > 0.1 => None,
        Encoding::OneHot(of) | Encoding::Embedded(of) => {
            let index = input.encoding.index();
            let none_is_known = rows.iter().all(|row| index.get(text(*row)).is_none());
            let known = &of.names;
            none_is_known.then(|| first().map_or(Oddity::Empty, |text| Oddity::Unknown { text, known }))
        }
        encoding => {
            let Some(text) = first() else { return Some(Oddity::Empty) };
            let (Encoding::Number { scale, .. } | Encoding::Quantity { scale, .. }) = encoding else {
                return None;
            };
            let number = |row| column.number(row, encoding.unit());
            let is_far = |row| number(row).is_some_and(|number| scale.apply(number).abs() > 10.0);
            column.present(rows).all(is_far).then_some(Oddity::FarOff { text })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Task;

    #[test]
    fn a_column_that_is_written_otherwise_is_unfamiliar() {
        let table = |names: &str, rows: &str| {
            Table::from_csv_reader("t.csv", format!("{names}\n{rows}").as_bytes()).unwrap()
        };
        let row =
            |at: usize| format!("{},{},n{at},{}\n", ["1", "2", "A"][at % 3], at % 13, ["u", "v"][at % 2]);
        let training = table("code,x,name,y", &(0..60).map(row).collect::<String>());
        let all = |table: &Table| (0..table.rows()).collect::<Vec<_>>();
        let preparation = Preparation::fit(&training, &all(&training), "y", Task::Classification).unwrap();
        let known = &["1", "2", "A"].map(str::to_owned);
        let [code, x] = ["code", "x"].map(|column| Unfamiliar { column, oddity: Oddity::Empty });
        let unknown = Unfamiliar { column: "code", oddity: Oddity::Unknown { text: "1.0", known } };
        let far = Unfamiliar { column: "x", oddity: Oddity::FarOff { text: "6000" } };
        for (rows, expected) in [
            ("1.0,5,new\n".repeat(5), vec![unknown.clone()]),
            ("1.0,,new\n".repeat(5) + "1,5,new\n", vec![]),
            ("1,6000,new\n".repeat(5), vec![far]),
            ("1,6000,new\n".repeat(5) + "1,6,new\n", vec![]),
            (",,\n".repeat(5), vec![code, x]),
        ] {
            let other = table("code,x,name", &rows);
            assert_eq!(preparation.unfamiliar(&other, &all(&other)), expected, "{rows:?}");
        }
        assert_eq!(preparation.unfamiliar(&training, &all(&training)), []);
    }
}
