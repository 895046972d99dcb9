//! Commas within numbers: what stands before the decimals, or groups thousands.

use csv::StringRecord;

use crate::cell;
use crate::unit;

/// What stands before the decimals, as far as some cell can be read in one way only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecimalMarks {
    pub(crate) comma: bool,
    pub(crate) point: bool,
    /// A number, perhaps within a unit, has both: commas before, and a point.
    pub(crate) grouped: bool,
}

/// What a comma within a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Commas {
    /// What stands before the decimals.
    Decimal,
    /// What groups thousands.
    Group,
    /// Either: it counts only where it can be nothing but one of a group.
    Either,
}

impl Commas {
    /// The usual spelling of a number, if it is another.
    pub(crate) fn plain(self, cell: &str) -> Option<String> {
        match self {
            Commas::Decimal => with_decimal_point(cell),
            Commas::Group => without_thousands(cell, true),
            Commas::Either => without_thousands(cell, false),
        }
    }
}

/// Commas count in columns where four of five cells are numbers then, and no other has one; the first may be a name.
pub(crate) fn decimal_marks(rows: &[StringRecord]) -> DecimalMarks {
    let commas = |cell: &str| {
        cell.contains(',') && with_decimal_point(cell).is_some() && without_thousands(cell, true).is_none()
    };
    let points = |cell: &str| {
        let decimals = cell::number(cell).is_some() && with_decimal_point(cell).is_none();
        cell.contains('.') && (decimals || without_thousands(cell, true).is_some())
    };
    let is_number = |cell: &str| {
        cell::is_missing(cell) || cell::number(cell).is_some() || with_decimal_point(cell).is_some()
    };
    let width = rows.iter().map(StringRecord::len).max().unwrap_or(0);
    let column = |at: usize| {
        let cells = rows.iter().filter_map(move |row| row.get(at)).map(str::trim);
        cells.map(|cell| unit::digits(cell).unwrap_or(cell))
    };
    let has_commas = |at: usize| {
        let others = || column(at).skip(1).filter(|cell| !is_number(cell));
        let few = 5 * others().count() <= column(at).skip(1).count();
        column(at).any(commas) && few && !others().any(|cell| cell.contains(','))
    };
    let is_grouped = |cell: &str| cell.contains('.') && cell.contains(',') && points(cell);
    DecimalMarks {
        comma: (0..width).any(has_commas),
        point: rows.iter().flatten().map(str::trim).any(points),
        grouped: (0..width).any(|at| column(at).any(is_grouped)),
    }
}

/// What groups thousands and is no part of a number otherwise: blanks (French, ISO), also unbreakable ones, and apostrophes
/// (Swiss).
pub(crate) const GAPS: [char; 5] = [' ', '\u{a0}', '\u{202f}', '\'', '’'];

/// The usual spelling of a number with a decimal comma; `None` if the cell is none.
pub(crate) fn with_decimal_point(cell: &str) -> Option<String> {
    let (whole, decimals) = cell.split_once(',').unwrap_or((cell, ""));
    let unsigned = whole.trim_start_matches(['-', '+']);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let ends_group = |c: char| c == '.' || GAPS.contains(&c);
    let mut groups = unsigned.split(ends_group);
    // Thousands do not begin with a zero.
    let leads = |group: &str| group.len() <= 3 && !group.starts_with('0');
    let first = groups.next().is_some_and(|group| digits(group) && (leads(group) || group == unsigned));
    let thousands = groups.all(|group| group.len() == 3 && digits(group));
    let has_decimals = cell.contains(',');
    let sound =
        first && thousands && (digits(decimals) || !has_decimals) && whole.len() - unsigned.len() <= 1;
    if !sound || !(has_decimals || whole.contains(ends_group)) {
        return None;
    }
    let whole = whole.replace(ends_group, "");
    Some(if has_decimals { format!("{whole}.{decimals}") } else { whole })
}

/// A number without the commas or [`GAPS`] that group its thousands (`1,234.5`, `12'345`); `None` if there are no such
/// groups.
/// With one comma and no point it may also be a decimal one: that counts only where `commas_separate` fields, as the
/// cell is quoted then.
pub(crate) fn without_thousands(cell: &str, commas_separate: bool) -> Option<String> {
    // Most cells have none, so that the look for one comes first.
    let mark = cell.chars().find(|c| *c == ',' || GAPS.contains(c))?;
    let (whole, decimals) = cell.split_once('.').unwrap_or((cell, ""));
    let unsigned = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (first, groups) = unsigned.split_once(mark)?;
    let grouped = (1..=3).contains(&first.len())
        && digits(first)
        && !first.starts_with('0')
        && groups.split(mark).all(|group| group.len() == 3 && digits(group))
        && digits(decimals);
    let sure = commas_separate || mark != ',' || cell.contains('.') || groups.contains(mark);
    (grouped && sure).then(|| cell.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sniff::{sample, sniff_delimiter};

    #[test]
    fn a_decimal_comma_is_recognised_and_becomes_a_point() {
        let sniff = |text: &str| {
            let marks = decimal_marks(&sample(text, true, sniff_delimiter(text, true)));
            marks.comma && !marks.point
        };
        assert!(sniff("a;b\n1,5;2,25\n3;4,125\n"));
        assert!(sniff("a\tb\n-1,5\t1.234,5\n"));
        assert!(!sniff("a;b\n1,500;2\n"), "thousands, perhaps");
        assert!(!sniff("a;b\n1,5;2.5\n"));
        assert!(sniff("a;b\n0,123;red\n1,288;red\n"), "no thousands begin with a zero");
        assert!(sniff("a;b\n29.037,17;1\n1.837,20;2\n"));
        assert!(!sniff("a\tb\n1159.366\t1,9\n672.214\t1,7\n"));
        assert!(!sniff("a\tb\n1,5\tx\nof 3, 4\ty\n"), "words");
        let column = |odd: &str| format!("a;b\n{}{odd};x\n", "1,5;x\n".repeat(20));
        assert!(sniff(&column("none")), "a cell that is no number");
        assert!(!sniff(&column("1,5,2")), "lists");
        assert!(!sniff("a;b\n1,5;x\nnone;x\nnone;x\n"));
        assert!(!sniff("a,b\n1,5\n2,25\n"));
        for (cell, expected) in [
            ("1,5", Some("1.5")),
            ("-0,25", Some("-0.25")),
            ("1.234,5", Some("1234.5")),
            ("12.345.678", Some("12345678")),
            ("7", None),
            ("1.5", None),
            ("1234.567,5", None),
            ("1,", None),
            (",5", None),
            ("--1,5", None),
            ("23.11.2026", None),
            ("one, two", None),
        ] {
            assert_eq!(with_decimal_point(cell).as_deref(), expected, "{cell}");
        }
    }

    #[test]
    fn thousands_lose_their_commas_where_these_can_be_nothing_else() {
        for (cell, commas_separate, expected) in [
            ("1,100.5", false, Some("1100.5")),
            ("-12,345,678", false, Some("-12345678")),
            ("1,100", true, Some("1100")),
            ("1 100", false, Some("1100")),
            ("12 345 678.5", false, Some("12345678.5")),
            ("110 00", false, None),
            ("1 100 20", false, None),
            ("1,100", false, None),
            ("1100.5", true, None),
            ("1,10", true, None),
            ("1234,567", true, None),
            (",100", true, None),
            ("1,100.5.2", true, None),
            ("1,100.000,5", true, None),
            ("one,two", true, None),
        ] {
            assert_eq!(without_thousands(cell, commas_separate).as_deref(), expected, "{cell}");
        }
    }
}
