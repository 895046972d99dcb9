//! What separates the fields of a text table, and whether its first line names the columns.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};

use crate::cell;
use crate::error::{Error, Result};

/// How many rows of the beginning of a file are looked at.
const SAMPLE_ROWS: usize = 200;

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
    const ALL: [Delimiter; 5] =
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
    /// What alone stands for a missing value: the customary signs (`NA`, `?`, `-`, …) are values like others then. An
    /// empty cell is missing in any case.
    pub missing_only: Option<Vec<String>>,
    /// What the columns are called if there is no header; then a first row is taken for one if one of these is in it.
    pub names: Vec<String>,
    /// Of these names, those that a table without a header may lack, all of them or none: what is to be predicted.
    #[serde(skip)]
    pub optional: Vec<String>,
    /// Columns of which it is known whether a minus is a value there, which a table may be too short to tell: from another
    /// one ([`Table::plus_minus`](crate::Table::plus_minus)), or from what was learnt
    /// ([`Preparation::plus_minus`](crate::Preparation::plus_minus)).
    #[serde(skip)]
    pub plus_minus: BTreeMap<String, bool>,
}

impl Dialect {
    /// How other tables are read that go with one of so many columns, which was read like this. If that had names, they
    /// must have them, too, or (if names are given) may. If it had none, places tell which column is which, and there
    /// must be as many.
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

/// What separates the fields in the rows of `head`, the beginning of a file or (if `whole`) all of it.
pub(crate) fn sniff_delimiter(head: &str, whole: bool) -> Delimiter {
    let mut best = (0.0, Delimiter::Comma);
    for delimiter in Delimiter::ALL {
        let rows = sample(head, whole, delimiter);
        let counts: Vec<usize> = rows.iter().map(StringRecord::len).collect();
        let Some(usual) = most_frequent(&counts).filter(|count| *count >= 2) else { continue };
        let fits = |(row, count): (usize, &usize)| *count == usual || (row == 0 && heads(&rows, usual));
        let share = counts.iter().enumerate().filter(|at| fits(*at)).count() as f64 / counts.len() as f64;
        // So many sentences of equally many words are none.
        let is_even = || usual >= 5 && rows.len() >= 20;
        if share == 1.0 && (delimiter != Delimiter::Blanks || mostly_numbers(&rows) || is_even()) {
            return delimiter;
        }
        if share > best.0 && delimiter != Delimiter::Blanks {
            best = (share, delimiter);
        }
    }
    best.1
}

/// Whether the first of these rows, which have `usual` fields, has one less or one more as the names of columns have in
/// files of R (no name for those of the rows), of programs that end rows with a delimiter (but not this one) and of NumPy
/// (a `#` before the first).
fn heads(rows: &[StringRecord], usual: usize) -> bool {
    let first = &rows[0];
    let of_numpy = first.len() == usual + 1 && first.get(0) == Some("#");
    rows.len() > 1 && (of_numpy || first.len() + 1 == usual)
}

/// The row of names of these rows as they are, with as many fields as the others.
pub(crate) fn aligned(rows: &[StringRecord]) -> Option<StringRecord> {
    let (first, others) = rows.split_first()?;
    let usual = others.first()?.len();
    let even = others.iter().all(|row| row.len() == usual);
    let mut seen = HashSet::new();
    // Names of rows are there once each.
    let named = first.len() > usual || others.iter().all(|row| seen.insert(&row[0]));
    let ended = others.iter().all(|row| row.iter().next_back().is_some_and(|cell| cell.trim().is_empty()));
    match first.len() > usual {
        _ if !even || !(named || ended) || !heads(rows, usual) => None,
        true => Some(first.iter().skip(1).collect()),
        false if ended => Some(first.iter().chain([""]).collect()),
        false => Some(std::iter::once("").chain(first).collect()),
    }
}

/// Whether the first of these rows names the columns of the others.
///
/// It does not if a cell of it is a number (save 0, 1, 2, … throughout, as some programs name columns, and years). It does if a
/// column has a name over numbers. Otherwise it does not if a cell stands for a missing value, and of columns with words
/// alone, it is taken for a row if one of its cells occurs again in its column.
pub(crate) fn sniff_header(rows: &[StringRecord]) -> bool {
    let [first, others @ ..] = rows else { return true };
    if numbered(first) || names_years(first) {
        return true;
    }
    let cells = || first.iter().map(str::trim);
    let is_sign = |cell: &str| !cell.is_empty() && cell::is_missing(cell);
    if cells().any(|cell| cell::number(cell).is_some()) {
        return false;
    }
    let column = |at: usize| others.iter().filter_map(move |row| row.get(at)).map(str::trim);
    let over_numbers = |at: usize| {
        let mut present = column(at).filter(|cell| !cell::is_missing(cell)).peekable();
        present.peek().is_some() && present.all(|cell| cell::number(cell).is_some())
    };
    if cells().enumerate().any(|(at, cell)| !is_sign(cell) && over_numbers(at)) {
        return true;
    }
    if cells().any(is_sign) {
        return false;
    }
    let again = |(at, cell): (usize, &str)| !cell.is_empty() && column(at).any(|other| other == cell);
    !cells().enumerate().any(again)
}

/// Whether a row reads 0, 1, 2, …, perhaps after a nameless first column: the header that pandas gives to columns
/// without names.
fn numbered(row: &StringRecord) -> bool {
    let skip = usize::from(row.get(0).is_some_and(|cell| cell.trim().is_empty()));
    let mut numbers = row.iter().skip(skip).enumerate();
    row.len() >= skip + 2 && numbers.all(|(at, cell)| cell.trim() == at.to_string())
}

/// Whether the numbers in a row are three years or more at equal distances, and words are there, too: a table with a
/// column for each year.
fn names_years(row: &StringRecord) -> bool {
    let numbers: Vec<f64> = row.iter().filter_map(|cell| cell::number(cell.trim())).collect();
    let steps: Vec<f64> = numbers.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let is_year = |number: &f64| number.fract() == 0.0 && (1800.0..=2100.0).contains(number);
    numbers.len() < row.len()
        && steps.len() >= 2
        && steps[0] != 0.0
        && numbers.iter().all(is_year)
        && steps.iter().all(|step| *step == steps[0])
}

/// The first rows, blank ones left out. Of a part of a file the last row may be cut, and is left out too.
pub(crate) fn sample(head: &str, whole: bool, delimiter: Delimiter) -> Vec<StringRecord> {
    let mut rows: Vec<StringRecord> = match delimiter.byte() {
        None => {
            let fields = |line| {
                let mut row = StringRecord::new();
                split_at_blanks(line, &mut row).then_some(row)
            };
            let rows = head.split(['\n', '\r']).map_while(fields);
            rows.filter(|row| !row.is_empty()).take(SAMPLE_ROWS + 1).collect()
        }
        Some(byte) => {
            let mut reader = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(byte)
                .from_reader(head.as_bytes());
            let rows = reader.records().map_while(std::result::Result::ok);
            rows.filter(|row| row.len() > 1 || !row.as_slice().trim().is_empty())
                .take(SAMPLE_ROWS + 1)
                .collect()
        }
    };
    if rows.len() > SAMPLE_ROWS || (!whole && rows.len() > 1) {
        rows.pop();
    }
    rows
}

/// Fields between blanks; one that begins with a quote goes on to the next. Whether every quote has its other half.
pub(crate) fn split_at_blanks(text: &str, row: &mut StringRecord) -> bool {
    let mut rest = text.trim();
    while !rest.is_empty() {
        let field = if let Some(quoted) = rest.strip_prefix('"') {
            let Some(end) = quoted.find('"') else { return false };
            rest = &quoted[end + 1..];
            &quoted[..end]
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let field = &rest[..end];
            rest = &rest[end..];
            field
        };
        row.push_field(field);
        rest = rest.trim_start();
    }
    true
}

fn most_frequent(counts: &[usize]) -> Option<usize> {
    counts.iter().copied().max_by_key(|count| (counts.iter().filter(|c| *c == count).count(), *count))
}

/// Blanks occur within text, too: they separate fields only where most fields below the first row are numbers.
fn mostly_numbers(rows: &[StringRecord]) -> bool {
    let below = if rows.len() > 1 { &rows[1..] } else { rows };
    let cells = || below.iter().flat_map(StringRecord::iter);
    let numbers = cells().filter(|cell| cell::number(cell).is_some() || cell::is_missing(cell)).count();
    2 * numbers >= cells().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, delimiter: Delimiter, header: bool) {
        let found = sniff_delimiter(text, true);
        assert_eq!(found, delimiter, "{text:?}");
        assert_eq!(sniff_header(&sample(text, true, found)), header, "{text:?}");
    }

    #[test]
    fn the_delimiter_and_the_header_are_recognised() {
        use Delimiter::{Blanks, Comma, Pipe, Semicolon, Tab};
        check("a,b\n1,2\n", Comma, true);
        check("a;b\n1,5;2,5\n3,5;4,5\n", Semicolon, true);
        check("a\tb c\n1\tx, y\n", Tab, true);
        check("a|b\n1|2\n", Pipe, true);
        check("2 1 530101 38.50 ?\n1 1  534817 39.2 3 \n", Blanks, false);
        check("a b\n1 2\n", Blanks, true);
        check("a\n1\n2\n", Comma, true);
        check("text\none of two\nsome other words\n", Comma, true);
        check("63.0,1.0,?\n67.0,1.0,6\n", Comma, false);
        check("a,b\n1,2\n3\n", Comma, true);
        check("RI,Na,Type\n1.51,13.6,1\n1.52,13.9,2\n", Comma, true);
        check("Na,x\nna,y\n", Comma, false);
        check("name,colour\nx,red\ny,blue\n", Comma, true);
        check("x,red\ny,blue\nz,red\n", Comma, false);
        check("republican,n,y\ndemocrat,?,y\n", Comma, false);
        check(",0,1,2\n0,5.5,1,3\n1,2.5,1,3\n", Comma, true);
        check(",size\n0,5.5\n1,2.5\n", Comma, true);
        check("a b 1990 1991 1992\nx y 1 2 3\n", Blanks, true);
        check("state,1990,2000,2010\nOhio,5,,7\n", Comma, true);
        check("1990,2000,2010\n5,6,7\n", Comma, false);
        check("Ohio,1990,2000\nUtah,1991,2003\n", Comma, false);
        check("Ohio,1990,1990,1990\nUtah,1991,1991,1990\n", Comma, false);
        check(&"A11 6 A34 A43 A65 1\n".repeat(20), Blanks, false);
        check(&"some words and no more\nand some others\n".repeat(20), Comma, false);
        check("\"a, b\",c\n\"1, 2\",3\n", Comma, true);
    }

    #[test]
    fn a_row_of_names_that_is_shorter_lacks_the_first_or_the_last() {
        for (text, expected) in [
            ("a,b\nr1,1,2\nr2,3,4\n", Some(vec!["", "a", "b"])),
            ("a,b\nr1,1,\nr2,3,4\n", Some(vec!["", "a", "b"])),
            ("a,b\n1,2,\n3,4,\n", Some(vec!["a", "b", ""])),
            ("a;b\n1;2;\n1;4; \n", Some(vec!["a", "b", ""])),
            ("a,b\n1,2,3\n1,4,5\n", None),
            ("a,b\n1,\n2,\n", None),
            ("a,b,\n1,2,\n", None),
        ] {
            let names = aligned(&sample(text, true, sniff_delimiter(text, true)));
            let names: Option<Vec<&str>> = names.as_ref().map(|names| names.iter().collect());
            assert_eq!(names, expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_that_is_cut_off_does_not_count() {
        assert_eq!(sniff_delimiter("a;b;c\n1;2;3\n4;", false), Delimiter::Semicolon);
    }

    #[test]
    fn a_delimiter_is_named_or_written() {
        for delimiter in Delimiter::ALL {
            assert_eq!(delimiter.to_string().parse::<Delimiter>().unwrap(), delimiter);
        }
        assert_eq!(";".parse::<Delimiter>().unwrap(), Delimiter::Semicolon);
        assert!("dash".parse::<Delimiter>().unwrap_err().to_string().contains("semicolon"));
    }
}
