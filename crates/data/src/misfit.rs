//! Cells that are not what their column needs, those of a column together.

use std::collections::HashSet;

use crate::cell;
use crate::error::Error;
use crate::place::Place;
use crate::table::{Column, Table};

/// Cells of a column that are not what it needs, such as words among numbers. What is to be learned from may also be read with
/// their texts as missing values ([`Dialect::missing`](crate::Dialect::missing)), or with the column as another kind
/// ([`Recipe::kinds`](crate::Recipe::kinds)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfits {
    /// Where the first of them is.
    pub at: Place,
    /// What is there.
    pub text: String,
    /// The lines of the others.
    pub lines: Box<[u64]>,
    /// The texts on these lines that are others than the first: each once, and no more than [`Misfits::TEXTS`] of them.
    pub texts: Box<[String]>,
    /// How many such texts there are.
    pub other_texts: usize,
}

impl Misfits {
    /// How many other texts are kept.
    pub const TEXTS: usize = 8;

    /// The cell in this row.
    pub(crate) fn one(table: &Table, row: usize, column: &Column) -> Misfits {
        Misfits {
            at: table.place(row, column),
            text: column.get(row).to_owned(),
            lines: Box::default(),
            texts: Box::default(),
            other_texts: 0,
        }
    }

    /// The cells of a table's column that have a value and do not fit, if there are any.
    fn of(table: &Table, column: &Column, fits: impl Fn(usize) -> bool) -> Option<Misfits> {
        let mut rows = (0..table.rows()).filter(|row| !column.is_missing(*row) && !fits(*row));
        let first = rows.next()?;
        let (mut lines, mut texts, mut seen) = (Vec::new(), Vec::new(), HashSet::from([column.get(first)]));
        for row in rows {
            lines.push(table.line(row));
            let text = column.get(row);
            if seen.insert(text) && texts.len() < Misfits::TEXTS {
                texts.push(text.to_owned());
            }
        }
        let other_texts = seen.len() - 1;
        let one = Misfits::one(table, first, column);
        Some(Misfits { lines: lines.into(), texts: texts.into(), other_texts, ..one })
    }

    /// What is wrong, where, and what to do; `fault` is what the first text is, or is not.
    pub(crate) fn told(&self, fault: &str) -> String {
        let Misfits { at, text, lines, .. } = self;
        let remedy = if lines.is_empty() {
            "correct the cell, or empty it"
        } else {
            "correct the cells, or empty them"
        };
        format!("{at}: {:?} {fault}{}; {remedy}", cell::shorten(text), self.nor())
    }

    /// As [`told`](Misfits::told), of cells that are not numbers.
    pub(crate) fn told_of_numbers(&self) -> String {
        // Only one that is infinite or too large can be read.
        let is_read = self.text.parse::<f64>().is_ok();
        self.told(if is_read { "is not a finite 32-bit number" } else { "is not a number" })
    }

    /// That the other cells are not what they should be either.
    fn nor(&self) -> String {
        const LINES: usize = 3;
        const TEXTS: usize = 4;
        let numbers = |lines: &[u64]| lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let lines = match &self.lines[..] {
            [] => return String::new(),
            [line] => format!("is that on line {line}"),
            [before @ .., last] if before.len() <= LINES => {
                format!("are those on lines {} and {last}", numbers(before))
            }
            lines => {
                format!("are those on lines {} and {} others", numbers(&lines[..LINES]), lines.len() - LINES)
            }
        };
        let shown = self.texts.iter().take(TEXTS).map(|text| format!("{:?}", cell::shorten(text)));
        let shown: Vec<String> = shown.collect();
        let texts = match self.other_texts - shown.len() {
            _ if shown.is_empty() => String::new(),
            0 => format!(": {}", shown.join(", ")),
            1 => format!(": {} and 1 other text", shown.join(", ")),
            more => format!(": {} and {more} other texts", shown.join(", ")),
        };
        format!(" (nor {lines}{texts})")
    }
}

impl Error {
    /// The same, with all cells of the table's column that have a value and do not fit.
    pub(crate) fn of_all(mut self, table: &Table, column: &Column, fits: impl Fn(usize) -> bool) -> Error {
        if let Error::NotANumber(misfits) | Error::NotYesOrNo(misfits) | Error::NotAsOthers { misfits, .. } =
            &mut self
            && let Some(all) = Misfits::of(table, column, fits)
        {
            **misfits = all;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn misfits(text: &str, others: &[(u64, &str)]) -> Misfits {
        let cells: String = others.iter().map(|(_, text)| format!("{text:?}\n")).collect();
        let table = Table::from_csv_reader("t.csv", format!("size\n{text:?}\n{cells}").as_bytes()).unwrap();
        let found = Misfits::of(&table, &table.columns()[0], |_| false).unwrap();
        Misfits { lines: others.iter().map(|(line, _)| *line).collect(), ..found }
    }

    #[test]
    fn the_first_lines_and_texts_are_named_and_the_others_counted() {
        let same = |lines: &[u64]| lines.iter().map(|line| (*line, "x")).collect::<Vec<_>>();
        let cases: [(&[(u64, &str)], &str); 8] = [
            (&[], ""),
            (&same(&[7]), " (nor is that on line 7)"),
            (&same(&[7, 9, 12]), " (nor are those on lines 7, 9 and 12)"),
            (&same(&[7, 9, 12, 20]), " (nor are those on lines 7, 9, 12 and 20)"),
            (&same(&[7, 9, 12, 20, 31]), " (nor are those on lines 7, 9, 12 and 2 others)"),
            (&[(7, "y")], " (nor is that on line 7: \"y\")"),
            (&[(7, "y"), (8, "x"), (9, "z")], " (nor are those on lines 7, 8 and 9: \"y\", \"z\")"),
            (
                &[(3, "a"), (4, "b"), (5, "a"), (6, "c"), (7, "d"), (8, "e"), (9, "f")],
                " (nor are those on lines 3, 4, 5 and 4 others: \"a\", \"b\", \"c\", \"d\" and 2 other texts)",
            ),
        ];
        for (others, expected) in cases {
            assert_eq!(misfits("x", others).nor(), expected);
        }
    }

    #[test]
    fn only_so_many_texts_are_kept() {
        let texts: Vec<String> = (0..20).map(|i| format!("n{i}")).collect();
        let others: Vec<(u64, &str)> = (3..).zip(texts.iter().map(String::as_str)).collect();
        let found = misfits("x", &others);
        assert_eq!((found.lines.len(), found.texts.len(), found.other_texts), (20, 8, 20));
    }

    #[test]
    fn what_is_said_of_a_text_is_what_is_wrong_with_it() {
        for (text, expected) in [
            (
                "tall",
                "t.csv, line 2, column \"size\": \"tall\" is not a number; correct the cell, or empty it",
            ),
            (
                "-inf",
                "t.csv, line 2, column \"size\": \"-inf\" is not a finite 32-bit number; correct the cell, or empty it",
            ),
        ] {
            assert_eq!(misfits(text, &[]).told_of_numbers(), expected);
        }
        let long = misfits(&"é".repeat(50), &[]).told_of_numbers();
        assert!(long.contains(&format!("\"{}…\" is not a number", "é".repeat(40))), "{long}");
    }
}
