//! The classes of a target column: their names in order, and the number of each.

use std::collections::{BTreeSet, HashMap};

use crate::cell;
use crate::error::Error;
use crate::moment::MomentFormat;
use crate::table::{Column, Table};

/// The different classes among these texts: in the order of the numbers if all are numbers, of the letters if not.
/// Spellings of one number (`1`, `1.0`) are one class, named by the shortest.
pub(crate) fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = texts.collect();
    let numbers: Option<Vec<(f64, &str)>> =
        names.iter().map(|name| cell::number(name).map(|value| (value, *name))).collect();
    match numbers {
        Some(mut numbers) => {
            numbers.sort_by(|(a, x), (b, y)| {
                let spelling = || cell::without_zero_decimals(x).cmp(cell::without_zero_decimals(y));
                a.partial_cmp(b).expect("finite").then_with(spelling).then(x.len().cmp(&y.len()))
            });
            numbers.dedup_by_key(|(_, name)| cell::without_zero_decimals(name));
            numbers.into_iter().map(|(_, name)| name.to_owned()).collect()
        }
        None => names.into_iter().map(str::to_owned).collect(),
    }
}

/// What is wrong with a target that has these texts, all different, as classes.
pub(crate) fn one_per_row(table: &Table, column: &Column, texts: &[&str]) -> Error {
    let (_, dates) = MomentFormat::recognise(texts.iter().copied());
    // Among numbers, what is none is why they are taken for classes.
    let all = (0..table.rows()).filter(|row| !column.is_missing(*row)).map(|row| column.get(row));
    let odd = all.clone().find(|text| cell::number(text).is_none()).filter(|_| {
        let numbers = all.filter(|text| cell::number(text).is_some()).count();
        2 * numbers > table.rows()
    });
    Error::ClassPerRow {
        file: table.source().to_owned(),
        column: column.name().to_owned(),
        value: cell::shorten(odd.unwrap_or(texts[0])),
        rows: texts.len(),
        instead: match dates == texts.len() {
            true => "to have dates learned, write them as numbers (of days, of minutes)",
            false => "for a quantity choose regression, otherwise another target",
        },
    }
}

/// Finds the place of a name among names, or of another spelling of its number, if all are numbers.
pub(crate) struct NameIndex<'a> {
    by_name: HashMap<&'a str, usize>,
    /// Empty if some name is not a number.
    by_number: HashMap<&'a str, usize>,
}

impl<'a> NameIndex<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        let places = || names.iter().map(String::as_str).zip(0..);
        let by_number = match names.iter().all(|name| cell::number(name).is_some()) {
            true => places().map(|(name, place)| (cell::without_zero_decimals(name), place)).collect(),
            false => HashMap::new(),
        };
        NameIndex { by_name: places().collect(), by_number }
    }

    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        let place = self.by_name.get(name).or_else(|| self.by_number.get(cell::without_zero_decimals(name)));
        place.copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(texts: &[&str], expected: &[&str]) {
        assert_eq!(names(texts.iter().copied()), expected);
    }

    #[test]
    fn numbers_are_in_the_order_of_numbers_and_names_in_that_of_letters() {
        check(&["10", "9", "9", "-1", "2.5"], &["-1", "2.5", "9", "10"]);
        check(&["b", "a", "B", "10", "9"], &["10", "9", "B", "a", "b"]);
        check(&["1.0", "1", "02", "0"], &["0", "1", "02"]);
        check(&["-0", "1", "0", "-0.0"], &["0", "1"]);
        check(&["7", "007", "1.10", "1.1", "7.00"], &["1.1", "1.10", "007", "7"]);
        check(
            &["1234567890123456790", "1234567890123456789"],
            &["1234567890123456789", "1234567890123456790"],
        );
        check(&[], &[]);
    }

    #[test]
    fn a_class_is_found_by_its_name_and_by_another_spelling_of_its_number() {
        let numbers = names(["0", "1", "10"].into_iter());
        let index = NameIndex::new(&numbers);
        for (text, expected) in
            [("0", Some(0)), ("-0", Some(0)), ("10", Some(2)), ("1.0", Some(1)), ("2", None), ("one", None)]
        {
            assert_eq!(index.get(text), expected, "{text:?}");
        }
        let words = names(["1", "one"].into_iter());
        let index = NameIndex::new(&words);
        for (text, expected) in [("1", Some(0)), ("one", Some(1)), ("1.0", None), ("One", None)] {
            assert_eq!(index.get(text), expected, "{text:?}");
        }
    }
}
