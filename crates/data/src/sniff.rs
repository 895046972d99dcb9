//! How a text table is written, told from its beginning.

use std::collections::HashSet;

use csv::{ReaderBuilder, StringRecord};

use crate::calendar::is_year;
use crate::cell;
use crate::commas::{Commas, decimal_marks, with_decimal_point};
use crate::dialect::{Delimiter, Dialect};
use crate::drawn::Drawn;
use crate::missing::Missing;

/// How many rows of the beginning of a file are looked at.
const SAMPLE_ROWS: usize = 200;

/// How a text table is written, as somebody said or else as its beginning tells.
pub(crate) struct Layout {
    pub(crate) delimiter: Delimiter,
    pub(crate) drawn: Option<Drawn>,
    pub(crate) commas: Commas,
    /// Whether the first row names the columns.
    pub(crate) header: bool,
    /// These names, where they are not as many as the fields of a row.
    pub(crate) aligned: Option<StringRecord>,
}

impl Layout {
    /// Of a table that begins with `head`, or (if `whole`) is that; `given` is what separates its fields, if that is known.
    pub(crate) fn of(
        head: &str,
        whole: bool,
        given: Option<Delimiter>,
        dialect: &Dialect,
        missing: &Missing,
    ) -> Layout {
        let drawn = Drawn::of(head, given);
        let delimiter = given.or(drawn.map(|drawn| drawn.delimiter));
        let delimiter = delimiter.unwrap_or_else(|| sniff_delimiter(head, whole));
        let mut sample = sample(head, whole, delimiter);
        sample.retain_mut(|row| drawn.is_none_or(|drawn| drawn.unframe(row)));
        // What is named as missing tells nothing.
        if let Some((names, others)) = sample.split_first_mut() {
            for row in others {
                let lists = |at: usize, cell: &str| {
                    missing.lists(names.get(at).unwrap_or_default().trim(), cell.trim())
                };
                let cells = row.iter().enumerate();
                *row = cells.map(|(at, cell)| if lists(at, cell) { "" } else { cell }).collect();
            }
        }
        let marks = decimal_marks(&sample);
        // Other tables that go with one of decimal commas may be written the other way.
        let decimal_comma = match dialect.decimal_comma {
            Some(true) => marks.comma || !(marks.point || delimiter == Delimiter::Comma),
            Some(false) => false,
            None => marks.comma && !marks.point,
        };
        let commas = match decimal_comma {
            true => Commas::Decimal,
            false if delimiter == Delimiter::Comma => Commas::Group,
            false if !marks.comma && (marks.point || marks.grouped) => Commas::Group,
            false => Commas::Either,
        };
        let aligned = aligned(&sample);
        if let Some(names) = &aligned {
            sample[0] = names.clone();
        }
        if decimal_comma {
            for row in &mut sample {
                let plain = |cell: &str| with_decimal_point(cell.trim()).unwrap_or(cell.to_owned());
                *row = row.iter().map(plain).collect();
            }
        }
        let is_name = |cell: &str| dialect.names.iter().any(|name| name == cell.trim());
        let header = dialect.header.unwrap_or_else(|| match dialect.names[..] {
            [] => drawn.is_some() || sniff_header(&sample),
            _ => sample.first().is_some_and(|row| row.iter().any(is_name)),
        });
        Layout { delimiter, drawn, commas, header, aligned }
    }
}

/// What separates the fields in the rows of `head`, the beginning of a file or (if `whole`) all of it.
pub(crate) fn sniff_delimiter(head: &str, whole: bool) -> Delimiter {
    let mut best = (0.0, Delimiter::Comma);
    for delimiter in Delimiter::ALL {
        let rows = sample(head, whole, delimiter);
        let counts: Vec<usize> = rows.iter().map(StringRecord::len).collect();
        let Some(usual) = most_frequent(&counts).filter(|count| *count >= 2) else { continue };
        let even = counts.iter().filter(|count| **count == usual).count();
        // This tells more than rows below a shorter row of names.
        if even == counts.len() && delimiter != Delimiter::Blanks {
            return delimiter;
        }
        let fitting = even + usize::from(counts[0] != usual && heads(&rows, usual));
        let share = fitting as f64 / counts.len() as f64;
        // So many sentences of equally many words are none.
        let is_even = || usual >= 5 && rows.len() >= 20;
        let may_be = delimiter != Delimiter::Blanks || share == 1.0 && (mostly_numbers(&rows) || is_even());
        if share > best.0 && may_be {
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
fn aligned(rows: &[StringRecord]) -> Option<StringRecord> {
    let (first, others) = rows.split_first()?;
    let usual = others.first()?.len();
    let even = others.iter().all(|row| row.len() == usual);
    let mut seen = HashSet::new();
    // Names of rows are there once each.
    let named = first.len() > usual || others.iter().all(|row| seen.insert(&row[0]));
    let ended = others.iter().all(|row| row.iter().next_back().is_some_and(|cell| cell.trim().is_empty()));
    match first.len() > usual {
        _ if !even || !(named || ended) || !heads(rows, usual) => None,
        // The names are below it, and it is a title.
        _ if is_over_numbers(others, |cell| !cell::is_missing(cell)) => None,
        true => Some(first.iter().skip(1).collect()),
        false if ended => Some(first.iter().chain([""]).collect()),
        false => Some(std::iter::once("").chain(first).collect()),
    }
}

/// Whether the first of these rows names the columns of the others.
///
/// It does not if a cell of it is a number (save 0, 1, 2, … throughout, as some programs name columns, and years). It does if a
/// column has a name over numbers, also where the whole row comes again, as in files that were put together. Otherwise it does
/// not if a cell stands for a missing value, and of columns with words alone, it is taken for a row if one of its cells occurs
/// again in its column.
fn sniff_header(rows: &[StringRecord]) -> bool {
    let [first, others @ ..] = rows else { return true };
    if numbered(first) || names_years(first) {
        return true;
    }
    let cells = || first.iter().map(str::trim);
    let is_sign = |cell: &str| !cell.is_empty() && cell::is_missing(cell);
    if cells().any(|cell| cell::number(cell).is_some()) {
        return false;
    }
    if is_over_numbers(rows, |cell| !is_sign(cell)) {
        return true;
    }
    if cells().any(is_sign) {
        return false;
    }
    let again = |(at, cell): (usize, &str)| {
        !cell.is_empty() && others.iter().filter_map(|row| row.get(at)).any(|other| other.trim() == cell)
    };
    !cells().enumerate().any(again)
}

/// Whether the first of these rows has a cell, no number and possibly a name, over nothing but numbers. Where that row comes
/// again, it is no row.
fn is_over_numbers(rows: &[StringRecord], may_name: impl Fn(&str) -> bool) -> bool {
    let Some((first, others)) = rows.split_first() else { return false };
    let over_numbers = |at: usize| {
        let below = others.iter().filter(|row| *row != first).filter_map(|row| row.get(at)).map(str::trim);
        let mut present = below.filter(|cell| !cell::is_missing(cell)).peekable();
        present.peek().is_some() && present.all(|cell| cell::number(cell).is_some())
    };
    let mut cells = first.iter().map(str::trim).enumerate();
    cells.any(|(at, cell)| cell::number(cell).is_none() && may_name(cell) && over_numbers(at))
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
    numbers.len() < row.len()
        && steps.len() >= 2
        && steps[0] != 0.0
        && numbers.iter().all(|number| number.fract() == 0.0 && is_year(*number))
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
        check("a,b,c\n8,\"x|y\",9\n1,\"x|y\",9\n", Comma, true);
        check("a b\tc\nr1\t1\t2\nr2\t3\t4\n", Tab, true);
        check("a,b\n1,x\na,b\n2,y\n", Comma, true);
        check("a,b\n1,x\na,c\n2,y\n", Comma, false);
    }

    #[test]
    fn a_row_of_names_that_is_shorter_lacks_the_first_or_the_last() {
        for (text, expected) in [
            ("a,b\nr1,1,2\nr2,3,4\n", Some(vec!["", "a", "b"])),
            ("a,b\nr1,1,\nr2,3,4\n", Some(vec!["", "a", "b"])),
            ("a,b\n1,2,\n3,4,\n", Some(vec!["a", "b", ""])),
            ("a;b\n1;2;\n1;4; \n", Some(vec!["a", "b", ""])),
            ("a,b\n1,2,3\n1,4,5\n", None),
            ("of fruit\na,b\n1,2\n3,4\n", None),
            ("a\nr1,NA\nr2,4\n", Some(vec!["", "a"])),
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
}
