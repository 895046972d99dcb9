//! The classes of a target column: their names in order, and the number of each.

use std::collections::{BTreeSet, HashMap};

use crate::cell;

/// The different classes among these texts: in the order of the numbers if all are numbers, of the letters if not.
/// Texts of the same number (`1`, `1.0`) are one class, named by the shortest.
pub(crate) fn names<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: BTreeSet<&str> = texts.collect();
    let numbers: Option<Vec<(f64, &str)>> =
        names.iter().map(|name| cell::number(name).map(|value| (value, *name))).collect();
    match numbers {
        Some(mut numbers) => {
            numbers.sort_by(|(a, x), (b, y)| a.partial_cmp(b).expect("finite").then(x.len().cmp(&y.len())));
            numbers.dedup_by_key(|(value, _)| *value);
            numbers.into_iter().map(|(_, name)| name.to_owned()).collect()
        }
        None => names.into_iter().map(str::to_owned).collect(),
    }
}

/// Finds a class's number by its name.
pub(crate) struct ClassIndex<'a> {
    by_name: HashMap<&'a str, u32>,
    /// Ascending; empty if some class is not a number.
    values: Vec<f64>,
}

impl<'a> ClassIndex<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        ClassIndex {
            by_name: names.iter().map(String::as_str).zip(0..).collect(),
            values: names.iter().map(|name| cell::number(name)).collect::<Option<_>>().unwrap_or_default(),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied().or_else(|| {
            let value = cell::number(name)?;
            Some(self.values.iter().position(|known| *known == value)? as u32)
        })
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
        check(&[], &[]);
    }

    #[test]
    fn a_class_is_found_by_its_name_and_by_another_spelling_of_its_number() {
        let numbers = names(["0", "1", "10"].into_iter());
        let index = ClassIndex::new(&numbers);
        for (text, expected) in
            [("0", Some(0)), ("10", Some(2)), ("1.0", Some(1)), ("2", None), ("one", None)]
        {
            assert_eq!(index.get(text), expected, "{text:?}");
        }
        let words = names(["1", "one"].into_iter());
        let index = ClassIndex::new(&words);
        for (text, expected) in [("1", Some(0)), ("one", Some(1)), ("1.0", None), ("One", None)] {
            assert_eq!(index.get(text), expected, "{text:?}");
        }
    }
}
