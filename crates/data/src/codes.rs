//! Numbers that are names, as the zeros before them tell.

use crate::encoding::Encoding;
use crate::preparation::{Input, Preparation};
use crate::table::Table;

/// From so many digits on, codes are taken for names. Fewer may count something.
pub(crate) const LONG: usize = 4;
/// From so many digits on, they may be names: two are months and hours as well.
const SHORT: usize = 3;

impl Preparation {
    /// The columns of whole numbers of at least three digits, all of the same length, some of which begin with a 0, as postal codes
    /// and those of counties do: whether they are taken for names, and the first with such a 0.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn codes<'a>(&'a self, table: &'a Table, rows: &[usize]) -> Vec<(&'a str, &'a str, bool)> {
        let code = |input: &'a Input| {
            let is_names = match &input.encoding {
                Encoding::OneHot(_) | Encoding::Embedded(_) => true,
                Encoding::Number { .. } => false,
                _ => return None,
            };
            let column = table.find(&input.name)?;
            let mut texts = column.present(rows).map(|row| column.get(row));
            let first =
                are_codes(texts.clone(), SHORT).then(|| texts.find(|text| text.starts_with('0')))??;
            Some((&*input.name, first, is_names))
        };
        self.inputs().iter().filter_map(code).collect()
    }
}

/// Whether these texts are codes: digits, of one length that is no less than this, some with a 0 before them, and not all of them
/// times of day.
pub(crate) fn are_codes<'a>(mut texts: impl Iterator<Item = &'a str> + Clone, least: usize) -> bool {
    let Some(length) = texts.clone().next().map(str::len).filter(|length| *length >= least) else {
        return false;
    };
    texts.clone().all(|text| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit()))
        && texts.clone().any(|text| text.starts_with('0'))
        && !texts.all(is_time)
}

/// Whether digits are a time of day, with or without seconds: `0930`, `235959`.
fn is_time(digits: &str) -> bool {
    let number = |pair: &[u8]| pair.iter().fold(0, |number, digit| 10 * number + u32::from(digit - b'0'));
    let parts: Vec<u32> = digits.as_bytes().chunks(2).map(number).collect();
    digits.len().is_multiple_of(2) && matches!(parts[..], [0..24, 0..60] | [0..24, 0..60, 0..60])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Task;

    #[test]
    fn columns_of_codes_are_told_and_what_they_are_taken_for() {
        let row = |at: usize| {
            format!(
                "{:05},{:03},{:02},{:02}{:02},{}",
                907 * (at % 9),
                at % 31,
                at % 12,
                at % 24,
                at,
                ["u", "v"][at % 2]
            )
        };
        let text: String = (0..60).map(|at| row(at) + "\n").collect();
        let table =
            Table::from_csv_reader("t.csv", format!("zip,ward,month,at,y\n{text}").as_bytes()).unwrap();
        let rows: Vec<usize> = (0..60).collect();
        let preparation = Preparation::fit(&table, &rows, "y", Task::Classification).unwrap();
        assert_eq!(preparation.codes(&table, &rows), [("zip", "00000", true), ("ward", "000", false)]);
    }
}
