//! What kind of values a column holds, told from its texts.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::codes::{self, are_codes};
use crate::date::joined;
use crate::error::{Error, Result};
use crate::moment::MomentFormat::{self, YearFirst};
use crate::preparation::{Dropped, Preparation};
use crate::table::{Column, Table};
use crate::unit::Unit;

/// What kind of values a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Quantities.
    Number,
    /// One of several names.
    Category,
    /// Yes or no.
    Boolean,
    /// Dates, times of day, or both; or durations.
    Date,
    /// The same in every row, or missing in every row: nothing to learn from.
    Constant,
    /// Only tells rows apart, as a row number does.
    Identifier,
    /// Sentences.
    Text,
    /// Left out because the recipe says so.
    Ignore,
    /// Dates with the day before the month.
    #[serde(rename = "dmy")]
    DayFirst,
    /// Dates with the month before the day.
    #[serde(rename = "mdy")]
    MonthFirst,
}

impl Kind {
    const ALL: [Kind; 10] = [
        Kind::Number,
        Kind::Category,
        Kind::Boolean,
        Kind::Date,
        Kind::Constant,
        Kind::Identifier,
        Kind::Text,
        Kind::Ignore,
        Kind::DayFirst,
        Kind::MonthFirst,
    ];

    /// Whether a network gets to see such a column.
    pub fn is_used(self) -> bool {
        match self {
            Kind::Number | Kind::Category | Kind::Boolean => true,
            Kind::Date | Kind::DayFirst | Kind::MonthFirst => true,
            Kind::Constant | Kind::Identifier | Kind::Text | Kind::Ignore => false,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Number => "number",
            Kind::Category => "category",
            Kind::Boolean => "boolean",
            Kind::Date => "date",
            Kind::Constant => "constant",
            Kind::Identifier => "identifier",
            Kind::Text => "text",
            Kind::Ignore => "ignore",
            Kind::DayFirst => "dmy",
            Kind::MonthFirst => "mdy",
        }
    }

    /// The kind of a column, as some of its rows suggest.
    ///
    /// Missing values do not count. Four fifths of the values decide between numbers, dates and words, so that a typing error
    /// is reported with its place instead of turning numbers into names. Numbers with a [`Unit`] must all have the same, or
    /// four fifths of them if more than half of the texts are different; dates with two-digit years, months, quarters and
    /// durations must all be such. Then:
    /// - numbers are an *identifier* if there are at least 20, all of them whole and different, and the column is called an ID
    ///   or they are so dense in their range that they number the rows (and the column is not called a year or time);
    /// - numbers of eight digits that are all dates (`20261123`) are *dates*;
    /// - whole numbers of four digits or more, all of the same length, some of which begin with a 0, are names, such as postal codes:
    ///   a *category*, or an *identifier* as below; but not if all are times of day (`0930`, `235959`);
    /// - two words such as yes and no are a *boolean*;
    /// - of at least ten values, those of three words or more on average are *text* if more than half are different (of six
    ///   words or more, a fifth), and others are an *identifier* if nine tenths are different;
    /// - everything else is a *category*.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn infer(column: &Column, rows: &[usize]) -> Kind {
        let there = || column.present(rows);
        let present = || there().map(|row| column.get(row));
        let Some(first) = present().next() else { return Kind::Constant };
        let (mut count, mut numbers) = (0_usize, Vec::new());
        for text in present() {
            count += 1;
            numbers.extend(text.parse::<f64>().ok());
        }
        if numbers.len() < count && Unit::of(column, there()).is_some() {
            return if present().all(|text| text == first) { Kind::Constant } else { Kind::Number };
        }
        if 5 * numbers.len() >= 4 * count {
            return match () {
                () if numbers.len() == count && numbers.iter().all(|value| *value == numbers[0]) => {
                    Kind::Constant
                }
                () if numbers.len() < count => Kind::Number,
                () if present().all(|text| joined(text).is_some() && YearFirst.seconds(text).is_some()) => {
                    Kind::Date
                }
                () if tell_rows_apart(column.name(), &numbers) => Kind::Identifier,
                () if are_codes(present(), codes::LONG) => {
                    let different = present().collect::<HashSet<&str>>().len();
                    if is_for_each_row(different, count) { Kind::Identifier } else { Kind::Category }
                }
                () => Kind::Number,
            };
        }
        if present().all(|text| text == first) {
            return Kind::Constant;
        }
        if present().all(|text| boolean(text).is_some()) {
            return Kind::Boolean;
        }
        let (format, dates) = MomentFormat::recognise(present());
        if 5 * dates >= if format.is_weak() { 5 } else { 4 } * count {
            return Kind::Date;
        }
        let mut different: HashSet<&str> = HashSet::new();
        let mut words = 0;
        for text in present() {
            different.insert(text);
            words += text.split_whitespace().count();
        }
        let share = different.len() as f64 / count as f64;
        let words = words as f64 / count as f64;
        match () {
            () if count < 10 => Kind::Category,
            () if share > 0.5 && Unit::of_most(column, there(), 0.8).is_some() => Kind::Number,
            () if words >= 3.0 && share > 0.5 || words >= 6.0 && share > 0.2 => Kind::Text,
            () if is_for_each_row(different.len(), count) => Kind::Identifier,
            () => Kind::Category,
        }
    }

    /// The kinds of all columns of a table, as some of its rows suggest.
    ///
    /// ```
    /// use highwater_data::{Kind, Table};
    ///
    /// let table = Table::from_csv_reader("t.csv", "size,hue,unit,seen\n1,red,cm,2026-01-05\n2,blue,cm,2026-03-09\n".as_bytes())?;
    /// let kinds: Vec<Kind> = Kind::of_columns(&table, &[0, 1]).into_iter().map(|(_, kind)| kind).collect();
    /// assert_eq!(kinds, [Kind::Number, Kind::Category, Kind::Constant, Kind::Date]);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn of_columns<'a>(table: &'a Table, rows: &[usize]) -> Vec<(&'a str, Kind)> {
        table.columns().iter().map(|column| (column.name(), Kind::infer(column, rows))).collect()
    }
}

impl Preparation {
    /// The kind that each column was taken for, those to be predicted left out.
    ///
    /// In a [`Recipe`](crate::Recipe) they make the same of these columns, whatever kinds would be told from the texts.
    pub fn kinds(&self) -> BTreeMap<String, Kind> {
        let used = self.inputs().iter().map(|input| (input.name.clone(), input.encoding.kind()));
        used.chain(self.dropped().iter().map(|dropped| (dropped.name.clone(), dropped.kind))).collect()
    }
}

impl Dropped {
    /// Why, in a few words.
    pub fn reason(&self) -> &'static str {
        match self.kind {
            Kind::Constant => "the same, or missing, in all training rows",
            Kind::Identifier => "different in every row, as an identifier is",
            Kind::Text => "free text",
            _ => "to be ignored",
        }
    }
}

/// Whether these numbers of a column of this name do nothing but tell the rows apart: all are whole and different, and so
/// dense in their range that they number the rows, or called an ID. Years, which may be as dense, are quantities.
fn tell_rows_apart(name: &str, numbers: &[f64]) -> bool {
    if numbers.len() < 20 || numbers.iter().any(|v| v.fract() != 0.0) {
        return false;
    }
    let (low, high) =
        numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let is_dense = high - low + 1.0 <= 2.0 * numbers.len() as f64;
    let different = || numbers.iter().map(|value| value.to_bits()).collect::<HashSet<u64>>().len();
    (is_dense && !is_called_time(name) || is_called_id(name)) && different() == numbers.len()
}

/// Whether of so many texts so many are different that they stand for the rows.
fn is_for_each_row(different: usize, count: usize) -> bool {
    count >= 10 && 10 * different > 9 * count
}

/// `Fiscal Year`, `time`.
pub(crate) fn is_called_time(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("year") || name == "time"
}

/// `id`, `Order ID`, `order_id`, `orderId`, but not `paid`.
pub(crate) fn is_called_id(name: &str) -> bool {
    let Some((before, end @ ("id" | "Id" | "ID"))) = name.split_at_checked(name.len().saturating_sub(2))
    else {
        return false;
    };
    match before.chars().next_back() {
        None => true,
        Some(last) => !last.is_alphanumeric() || last.is_lowercase() && end != "id",
    }
}

/// Whether a text says yes or no.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match () {
        () if is(["true", "yes", "y", "t"]) => Some(true),
        () if is(["false", "no", "n", "f"]) => Some(false),
        () => None,
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Kind> {
        let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
        let known = "\"number\", \"category\", \"boolean\", \"date\" (\"dmy\" or \"mdy\" where it is to be said whether the \
                     day or the month is first) and \"ignore\" (and \"constant\", \"identifier\", \"text\", which are left \
                     out, too)";
        found.ok_or_else(|| Error::UnknownWord { what: "kind", text: text.to_owned(), known })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::ColumnWriter;

    fn check<T: fmt::Display>(cells: impl IntoIterator<Item = T>, expected: Kind) {
        check_named("x", cells, expected);
    }

    fn check_named<T: fmt::Display>(name: &str, cells: impl IntoIterator<Item = T>, expected: Kind) {
        let cells: Vec<String> = cells.into_iter().map(|cell| cell.to_string()).collect();
        let rows: Vec<usize> = (0..cells.len()).collect();
        let mut column = ColumnWriter::new(name.to_owned());
        cells.iter().for_each(|cell| column.push(cell));
        let column = column.finish();
        assert_eq!(Kind::infer(&column, &rows), expected, "{column:?}");
    }

    #[test]
    fn kinds_are_told_from_the_texts() {
        check(["1", "2.5", "", "?"], Kind::Number);
        check(["1", "2", "3", "4", "five"], Kind::Number);
        check(["1", "inf", "2"], Kind::Number);
        check(["$1", "$2.50", "", "($1,234.00)"], Kind::Number);
        check(["1", "2", "(3)"], Kind::Number);
        check((0..30).map(|i| format!("{i} kg")), Kind::Number);
        check((0..30).map(|i| format!("{i}.5%")), Kind::Number);
        check(["5 %", "5 %", "?"], Kind::Constant);
        check(["$1", "2", "3"], Kind::Category);
        check(["$1", "€2"], Kind::Category);
        check((0..30).map(|i| if i == 7 { "EUR 5".to_owned() } else { format!("${i}.50") }), Kind::Number);
        check(
            (0..30).map(|i| if i == 7 { "EUR 5".to_owned() } else { format!("${}", i % 3) }),
            Kind::Category,
        );
        check((0..30).map(|i| format!("{}{i}", ["$", "€"][i % 2])), Kind::Identifier);
        check(["2 kg", "500 g"], Kind::Category);
        check(["1.2 MB", "500 KB", "700 MB"], Kind::Number);
        check(["16GB", "1TB"], Kind::Number);
        check(["32B", "34C"], Kind::Category);
        check(["1.2K", "3M", "950"], Kind::Number);
        check(["€2M", "€565K", "€0"], Kind::Number);
        check(["€1.2M", "$565K"], Kind::Category);
        check(["12B", "3K", "14"], Kind::Category);
        check(["<0.5", "0.7", "12", ">90"], Kind::Category);
        check(["<0.5", "0.7", "12", "<0.5", "<0.5"], Kind::Number);
        check(["<=50K", ">50K"], Kind::Category);
        check(["<5", "5", ">5"], Kind::Category);
        check(["1", "two", "three"], Kind::Category);
        check(["", "NA", "?"], Kind::Constant);
        check(["7", "7.0", ""], Kind::Constant);
        check(["cm", "cm"], Kind::Constant);
        check(["yes", "No", ""], Kind::Boolean);
        check(["0", "1", "0"], Kind::Number);
        check(["2026-01-05", "2026-03-09", ""], Kind::Date);
        check(["08:15", "09:30"], Kind::Date);
        check(["5 Jan 2024", "06-Feb-2024", "March 7, 2024"], Kind::Date);
        check(["5 Jan 2024", "06-Feb-2024", "7-Mar-2024", "8 Apr 2024", "soon"], Kind::Date);
        check(["1/2/24", "13/2/24"], Kind::Date);
        check(["1/2/24", "13/2/24", "1/3/24", "1/4/24", "soon"], Kind::Category);
        check(["05-Jan-24", "06-Jan-24"], Kind::Date);
        check(["2024-01", "2024-12"], Kind::Date);
        check(["27:15", "1:02:03"], Kind::Date);
        check(["2h 50m", "7h", "25m"], Kind::Date);
        check(["7h", "25h"], Kind::Number);
        check(["27:15", "19:45", "31:02", "22:10", "soon"], Kind::Category);
        check(["40:60", "50:50", "16:9"], Kind::Category);
        check(["2024Q1", "2024Q4"], Kind::Date);
        check(["2024-01", "2024-02", "2024-03", "2024-04", "2024-13"], Kind::Category);
        check(["red", "blue", "red"], Kind::Category);
        check((0..30).map(|i| 1000 + i * 7 % 30), Kind::Identifier);
        check((0..30).map(|i| i * 2), Kind::Identifier);
        check((0..30).map(|i| if i == 29 { 60 } else { i * 2 }), Kind::Number);
        check((0..30).map(|i| if i == 7 { "7o".to_owned() } else { i.to_string() }), Kind::Number);
        check((0..30).map(|i| i * 7), Kind::Number);
        check((0..30).map(|i| i % 29), Kind::Number);
        check(0..10, Kind::Number);
        check_named("Year", 1900..2000, Kind::Number);
        check_named("time", 1860..1960, Kind::Number);
        for name in ["id", "ID", "Order Id", "order_id", "orderID"] {
            check_named(name, (0..30).map(|i| 100 + i * 7), Kind::Identifier);
            check_named(name, (0..30).map(|i| 100 + i / 2 * 7), Kind::Number);
        }
        for name in ["paid", "PAID", "width", "größe", "d", ""] {
            check_named(name, (0..30).map(|i| 100 + i * 7), Kind::Number);
        }
        check(["01234", "90210", "", "01234"], Kind::Category);
        check((0..30).map(|i| format!("{:05}", 7919 * (i % 12))), Kind::Category);
        check((0..30).map(|i| format!("{:06}", 7919 * i)), Kind::Identifier);
        check((0..30).map(|i| format!("{:05}", 7919 * i)), Kind::Number); // up to 229651, which has six digits
        check((0..30).map(|i| format!("{:05}", i)), Kind::Identifier);
        check(["01234", "1235"], Kind::Number);
        check(["01234.0", "00234.5"], Kind::Number);
        check(["-0123", "00234"], Kind::Number);
        check(["007", "012", "007"], Kind::Number);
        check(["0930", "1745", "2359"], Kind::Number);
        check(["0930", "1745", "2399"], Kind::Category);
        check(["093059", "174500"], Kind::Number);
        check(["0000", "0000"], Kind::Constant);
        check(["20260105", "20260309", ""], Kind::Date);
        check(["20260105", "20260105"], Kind::Constant);
        check(["20260105", "20261309"], Kind::Number);
        check((1..=28).map(|day| 20_260_200 + day), Kind::Date);
        check((0..30).map(|i| format!("p-{i}")), Kind::Identifier);
        check((0..30).map(|i| format!("p-{}", i % 20)), Kind::Category);
        check((0..30).map(|i| format!("saw {i} of them there")), Kind::Text);
        check((0..30).map(|i| format!("a small town {}", i % 3)), Kind::Category);
        check((0..30).map(|i| format!("one of the towns by river {}", i % 9)), Kind::Text);
        check((0..30).map(|i| format!("one of the towns by river {}", i % 6)), Kind::Category);
    }

    #[test]
    fn a_kind_is_written_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse::<Kind>().unwrap(), kind);
        }
        assert!("nominal".parse::<Kind>().unwrap_err().to_string().contains("\"category\""));
    }
}
