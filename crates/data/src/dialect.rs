//! What separates the fields of a text table, and whether its first line names the columns.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// What separates the fields of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Delimiter {
    /// `,`
    Comma,
    /// `;`
    Semicolon,
    /// A tab character.
    Tab,
    /// `|`
    Pipe,
    /// Any number of blanks; those at the ends of a line do not count.
    Blanks,
}

impl Delimiter {
    /// In the order of preference: what is rare in text is more telling than what is common in it.
    pub(crate) const ALL: [Delimiter; 5] =
        [Delimiter::Tab, Delimiter::Semicolon, Delimiter::Pipe, Delimiter::Comma, Delimiter::Blanks];

    /// The character, if it is one.
    pub(crate) fn byte(self) -> Option<u8> {
        match self {
            Delimiter::Comma => Some(b','),
            Delimiter::Semicolon => Some(b';'),
            Delimiter::Tab => Some(b'\t'),
            Delimiter::Pipe => Some(b'|'),
            Delimiter::Blanks => None,
        }
    }

    pub(crate) fn of_byte(byte: u8) -> Option<Delimiter> {
        Delimiter::ALL.into_iter().find(|delimiter| delimiter.byte() == Some(byte))
    }

    fn name(self) -> &'static str {
        match self {
            Delimiter::Comma => "comma",
            Delimiter::Semicolon => "semicolon",
            Delimiter::Tab => "tab",
            Delimiter::Pipe => "pipe",
            Delimiter::Blanks => "blanks",
        }
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Delimiter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Delimiter> {
        let found = match text.as_bytes() {
            [byte] => Delimiter::of_byte(*byte),
            _ => Delimiter::ALL.into_iter().find(|delimiter| delimiter.name() == text),
        };
        let known = r#""comma", "semicolon", "tab", "pipe" and "blanks""#;
        found.ok_or_else(|| Error::UnknownWord { what: "delimiter", text: text.to_owned(), known })
    }
}

/// How a text table is read. What is not said is recognised from the beginning of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dialect {
    /// What separates the fields.
    pub delimiter: Option<Delimiter>,
    /// Whether the first row names the columns. Without names, they are `column_1`, `column_2`, …
    pub header: Option<bool>,
    /// Whether a comma stands before the decimals (`1,5` and `1.234,5`), as in much of Europe.
    pub decimal_comma: Option<bool>,
    /// Lines to leave out at the beginning.
    pub skip_lines: u64,
    /// What stands for a missing value, besides the customary signs; `COLUMN=TEXT` in one column alone.
    pub missing: Vec<String>,
    /// The only texts that stand for a missing value; the customary signs (`NA`, `?`, `-`, …) are then ordinary values. An
    /// empty cell is always missing.
    pub missing_only: Option<Vec<String>>,
    /// Names for the columns of a table without a header. A first row that contains one of them is taken for a header.
    pub names: Vec<String>,
    /// Those of `names` whose columns may be absent, all together: the targets, in a table to predict for.
    #[serde(skip)]
    pub optional: Vec<String>,
    /// For some columns, whether a minus sign is a value there (as beside a plus) or stands for a missing value. A short
    /// table may not show it; another table ([`Table::plus_minus`](crate::Table::plus_minus)) or a preparation
    /// ([`Preparation::plus_minus`](crate::Preparation::plus_minus)) tells it.
    #[serde(skip)]
    pub plus_minus: BTreeMap<String, bool>,
}

impl Dialect {
    /// How to read further tables that go with a table read like this, such as rows to predict for. If that table had a
    /// header, they must have one, too; if `names` were given instead, they may. If it had neither, columns are told by
    /// their place, and there must be as many, `columns`.
    ///
    /// ```
    /// use highwater_data::{Dialect, Table, TableReader};
    ///
    /// let table = Table::from_csv_reader("t.csv", "1,2,a\n2,1,b\n".as_bytes())?;
    /// let others = Dialect::default().of_others(table.has_header(), table.columns().len());
    /// assert!(TableReader::new("u.csv", "1,a\n".as_bytes(), &others).is_err());
    /// let no_answers = Dialect { optional: vec!["column_2".to_owned()], ..others };
    /// let reader = TableReader::new("u.csv", "1,a\n".as_bytes(), &no_answers)?;
    /// assert_eq!(reader.names(), ["column_1", "column_3"]);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    pub fn of_others(&self, has_header: bool, columns: usize) -> Dialect {
        match has_header {
            _ if !self.names.is_empty() => Dialect { header: None, ..self.clone() },
            true => Dialect { header: Some(true), ..self.clone() },
            false => {
                let names = (1..=columns).map(column_name).collect();
                Dialect { header: Some(false), names, ..self.clone() }
            }
        }
    }

    /// The names of the columns of a table that has none: those that are given, or else numbers.
    pub(crate) fn names_of(&self, file: &str, found: usize) -> Result<Vec<String>> {
        if self.names.is_empty() {
            return Ok((1..=found).map(column_name).collect());
        }
        let needed: Vec<&String> = self.names.iter().filter(|name| !self.optional.contains(name)).collect();
        match found {
            found if found == self.names.len() => Ok(self.names.clone()),
            found if found == needed.len() => Ok(needed.into_iter().cloned().collect()),
            _ => {
                let (file, expected, needed) = (file.to_owned(), self.names.len(), needed.len());
                Err(Error::UnnamedColumns { file, found, expected, needed })
            }
        }
    }
}

/// What a column without a name is called; the first is number 1.
pub(crate) fn column_name(number: usize) -> String {
    format!("column_{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_named_or_written() {
        for delimiter in Delimiter::ALL {
            assert_eq!(delimiter.to_string().parse::<Delimiter>().unwrap(), delimiter);
        }
        assert_eq!(";".parse::<Delimiter>().unwrap(), Delimiter::Semicolon);
        assert!("dash".parse::<Delimiter>().unwrap_err().to_string().contains("semicolon"));
    }
}
