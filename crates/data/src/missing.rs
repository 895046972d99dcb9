//! Which cells of a column stand for a missing value.

use std::collections::BTreeMap;

use crate::cell;
use crate::dialect::Dialect;
use crate::encoding::Encoding;
use crate::error::Result;
use crate::preparation::Preparation;
use crate::table::{ColumnWriter, Table};
use crate::target::TargetKind;

/// What a reader of tables is told of missing values.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    listed: Vec<String>,
    customary: bool,
    plus_minus: BTreeMap<String, bool>,
}

impl Missing {
    pub(crate) fn of(dialect: &Dialect) -> Missing {
        Missing {
            listed: dialect.signs().cloned().collect(),
            customary: dialect.missing_only.is_none(),
            plus_minus: dialect.plus_minus.clone(),
        }
    }

    /// Whether a text in this column is one of those that are named, or the same number as one of them.
    pub(crate) fn lists(&self, column: &str, text: &str) -> bool {
        let plain = cell::without_zero_decimals;
        let is_same = |sign: &str| sign == text || !text.is_empty() && plain(sign) == plain(text);
        self.listed.iter().any(|sign| is_same(sign) || of_column(sign, column).is_some_and(is_same))
    }

    /// Those that are named for this column, as far as they are numbers.
    pub(crate) fn numbers(&self, column: &str) -> Vec<f64> {
        let number = |sign: &String| cell::number(of_column(sign, column).unwrap_or(sign));
        self.listed.iter().filter_map(number).collect()
    }

    /// Columns to be filled, in which what is [listed](Missing::lists) is to be empty.
    pub(crate) fn columns(&self, names: &[String]) -> Vec<ColumnWriter> {
        let column = |name: &String| {
            let values = match self.plus_minus.get(name) {
                Some(true) => Values::PlusMinus,
                Some(false) => Values::Others,
                None => Values::Unknown,
            };
            ColumnWriter::with_signs(name.clone(), Signs { customary: self.customary, values })
        };
        names.iter().map(column).collect()
    }
}

impl Dialect {
    /// What is named as missing, in all columns or in one.
    pub(crate) fn signs(&self) -> impl Iterator<Item = &String> {
        self.missing.iter().chain(self.missing_only.iter().flatten())
    }

    /// Holds what is missing in one column alone (`COLUMN=TEXT`) against the columns of a table.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`] if there is no such column.
    ///
    /// [`Error::UnknownColumn`]: crate::Error::UnknownColumn
    pub fn check_signs(&self, table: &Table) -> Result<()> {
        for sign in self.signs() {
            let is_known = table.columns().iter().any(|column| of_column(sign, column.name()).is_some());
            match sign.split_once('=') {
                Some((column, _)) if !column.is_empty() && !is_known => _ = table.column(column)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The sign in `COLUMN=SIGN`, if that is this column.
pub(crate) fn of_column<'a>(sign: &'a str, column: &str) -> Option<&'a str> {
    sign.strip_prefix(column)?.strip_prefix('=')
}

/// Which texts of one column stand for a missing value: the empty one, and the customary signs. But a minus is a value
/// where, missing ones aside, a column has nothing but plus and minus signs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signs {
    customary: bool,
    values: Values,
}

/// What a column has of plus and minus signs; of two parts of a column, the larger holds for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Values {
    /// Nothing that tells.
    Unknown,
    /// Plus signs, and no value of another kind.
    PlusMinus,
    Others,
}

impl Signs {
    pub(crate) const CUSTOMARY: Signs = Signs { customary: true, values: Values::Unknown };

    pub(crate) fn is_missing(self, text: &str) -> bool {
        let is_value = || self.has_plus_minus() && is_plus_minus(text);
        text.is_empty() || self.customary && cell::is_missing(text) && !is_value()
    }

    /// Whether a minus is a value.
    pub(crate) fn has_plus_minus(self) -> bool {
        self.values == Values::PlusMinus
    }

    /// Takes another cell of the column into account.
    pub(crate) fn take(&mut self, text: &str) {
        let seen = match () {
            // One value tells.
            () if self.values == Values::Others || text.is_empty() => return,
            () if is_plus_minus(text) && text.contains('+') => Values::PlusMinus,
            () if cell::is_missing(text) => return,
            () => Values::Others,
        };
        self.values = self.values.max(seen);
    }

    /// What holds for this part of a column and another one.
    pub(crate) fn and(self, other: Signs) -> Signs {
        Signs { values: self.values.max(other.values), ..self }
    }
}

impl Preparation {
    /// For each column of plus and minus signs alone, whether a minus is a value in it, as the names of its classes or
    /// categories tell. It is one, unless all these hold: no name is a minus, no name was rare, and training rows lack values.
    /// Then a minus was taken for a missing value.
    pub fn plus_minus(&self) -> BTreeMap<String, bool> {
        let inputs = self.inputs().iter().filter_map(|input| match &input.encoding {
            Encoding::OneHot(of) | Encoding::Embedded(of) => {
                Some((&input.name, &of.names, input.missing > 0 && of.rare == 0.0))
            }
            _ => None,
        });
        let targets = self.targets().iter().filter_map(|target| match &target.kind {
            TargetKind::Classes(names) => Some((&target.column, names, true)),
            TargetKind::Value(_) | TargetKind::Quantity(..) => None,
        });
        let named =
            inputs.chain(targets).filter(|(_, names, _)| names.iter().all(|name| is_plus_minus(name)));
        let has_minus = |names: &[String]| names.iter().any(|name| cell::is_missing(name));
        named.map(|(column, names, is_all)| (column.clone(), has_minus(names) || !is_all)).collect()
    }
}

/// Whether a text is made of plus and minus signs: `+`, `-`, `++`, …
fn is_plus_minus(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'+' || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Task;

    fn missing(cells: &[&str], dialect: &Dialect) -> Vec<bool> {
        let mut columns = Missing::of(dialect).columns(&["x".to_owned()]);
        cells.iter().for_each(|cell| columns[0].push(cell));
        let column = columns.remove(0).finish();
        (0..cells.len()).map(|row| column.is_missing(row)).collect()
    }

    #[test]
    fn a_minus_is_a_value_beside_nothing_but_plus() {
        let usual = Dialect::default();
        assert_eq!(missing(&["+", "-", "", "?"], &usual), [false, false, true, true]);
        assert_eq!(missing(&["-", "NA", "++", "--"], &usual), [false, true, false, false]);
        assert_eq!(missing(&["-", "-"], &usual), [true, true]);
        assert_eq!(missing(&["+", "-", "5"], &usual), [false, true, false]);
        assert_eq!(missing(&["5", "-", "+"], &usual), [false, true, false]);
        let told =
            |is_value| Dialect { plus_minus: [("x".to_owned(), is_value)].into(), ..Dialect::default() };
        assert_eq!(missing(&["-", "?"], &told(true)), [false, true]);
        assert_eq!(missing(&["+", "-", "++"], &told(false)), [false, true, false]);
    }

    #[test]
    fn a_preparation_knows_whether_a_minus_was_a_value() {
        let told = |mark: [&str; 8], class: [&str; 8]| {
            let rows: String =
                mark.iter().zip(class).map(|(mark, class)| format!("{mark},{class}\n")).collect();
            let table = Table::from_csv_reader("t.csv", format!("mark,class\n{rows}").as_bytes()).unwrap();
            let rows = table.rows_with(&["class".to_owned()]).unwrap();
            let preparation = Preparation::fit(&table, &rows, "class", Task::Classification).unwrap();
            ["mark", "class"].map(|column| preparation.plus_minus().get(column).copied())
        };
        let words = ["a", "b", "a", "b", "a", "b", "a", "b"];
        let plus = ["+", "++", "+", "++", "+", "++", "+", "++"];
        let minus = ["+", "-", "+", "-", "+", "-", "+", "-"];
        let gaps = ["+", "++", "+", "++", "", "++", "+", ""];
        let rare = ["+", "+++", "+", "++", "", "++", "+", ""];
        assert_eq!(told(minus, minus), [Some(true), Some(true)]);
        assert_eq!(told(gaps, plus), [Some(false), Some(false)]);
        assert_eq!(told(rare, gaps), [Some(true), Some(false)]);
        assert_eq!(told(words, words), [None, None]);
    }

    #[test]
    fn where_all_signs_are_named_no_other_counts() {
        let only = |signs: &[&str]| Dialect {
            missing_only: Some(signs.iter().map(|sign| (*sign).to_owned()).collect()),
            ..Dialect::default()
        };
        assert_eq!(missing(&["NA", "-", "?", ""], &only(&[])), [false, false, false, true]);
        assert!(Missing::of(&only(&["NA"])).lists("x", "NA"));
        assert!(!Missing::of(&only(&["NA"])).lists("x", "na"));
    }

    #[test]
    fn signs_of_columns_that_are_not_there_are_refused() {
        let table = Table::from_csv_reader("t.csv", "kids,age\n1,2\n".as_bytes()).unwrap();
        for (sign, is_known) in [("kids=99", true), ("none", true), ("=", true), ("kid=99", false)] {
            let dialect = Dialect { missing: vec![sign.to_owned()], ..Dialect::default() };
            assert_eq!(dialect.check_signs(&table).is_ok(), is_known, "{sign}");
        }
    }

    #[test]
    fn a_sign_may_be_of_one_column() {
        let missing = Missing::of(&Dialect { missing: vec!["kids=99".to_owned()], ..Dialect::default() });
        for (column, text, expected) in
            [("kids", "99", true), ("kids", "99.0", true), ("kids", "9", false), ("age", "99", false)]
        {
            assert_eq!(missing.lists(column, text), expected, "{column}: {text}");
        }
    }
}
