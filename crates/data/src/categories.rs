//! Which names of a column are told apart, and how.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::encoding::Encoding;

/// The names that are told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Categories {
    /// In alphabetical order (of the numbers, if all are numbers), without rare ones.
    pub names: Vec<String>,
    /// The share of each among the training rows that have a value.
    pub shares: Vec<f32>,
    /// The share of all rare names together; 0 if there are none. Rare names have one place in common, behind the others, and
    /// a name that no training row has goes there, too. Where no name is rare, an embedding has that place all the same; a
    /// one-hot encoding has not, and gives an unseen name the [shares](Categories::shares) of all names instead of a 1.
    pub rare: f32,
    /// The place of the most frequent name, which stands for a missing value.
    pub fill: usize,
}

/// The most names of a column that have rows of a table, the most frequent ones. Numbers up to 2²⁴ are exact in `f32`.
const MOST_NAMES: usize = 100_000;

/// If rare names are in more rows than this share, it is worth while to tell more of them apart.
const MANY: f64 = 0.1;

/// Below so many rows of each, names are rare where each is an input: one in a thousand, and at least so many.
pub(crate) fn rare_below(rows: usize) -> usize {
    (rows / 1000).max(2)
}

/// Below so many rows of each, names are rare where each has a row of a table.
fn too_rare_for_a_row(rows: usize) -> usize {
    (rows / 20_000).clamp(2, 10)
}

impl Categories {
    /// Learns from the names in training rows: one input for each name if those that are not rare are at most `one_hot`
    /// and together in most rows, else rows of a table.
    pub(crate) fn fit<'a>(texts: impl Iterator<Item = &'a str>, one_hot: usize) -> Encoding {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut all = 0;
        for text in texts {
            *counts.entry(text).or_default() += 1;
            all += 1;
        }
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_unstable();
        let most = names.iter().map(|(_, count)| *count).max().unwrap_or(0);
        // If all are rare, the most frequent are what there is to tell apart.
        let at_least = |few: usize| {
            let few = few.min(most);
            let kept: Vec<_> = names.iter().copied().filter(|(_, count)| *count >= few).collect();
            let rows: usize = kept.iter().map(|(_, count)| count).sum();
            (kept, rows)
        };
        let (few, rows) = at_least(rare_below(all));
        if few.len() <= one_hot && (all - rows) as f64 <= MANY * all as f64 {
            return Encoding::OneHot(Categories::of(few, all));
        }
        let (mut many, _) = at_least(too_rare_for_a_row(all));
        if many.len() <= one_hot {
            return Encoding::OneHot(Categories::of(many, all));
        }
        if many.len() > MOST_NAMES {
            many.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
            many.truncate(MOST_NAMES);
            many.sort_unstable();
        }
        Encoding::Embedded(Categories::of(many, all))
    }

    /// These names with their numbers of rows, of `all` rows.
    fn of(mut names: Vec<(&str, usize)>, all: usize) -> Categories {
        if names.iter().all(|(name, _)| cell::number(name).is_some()) {
            names.sort_by(|(a, _), (b, _)| cell::number(a).partial_cmp(&cell::number(b)).expect("finite"));
        }
        let named: usize = names.iter().map(|(_, count)| count).sum();
        let share = |count: usize| count as f32 / all as f32;
        let fill = (0..names.len()).rev().max_by_key(|at| names[*at].1).unwrap_or(0);
        Categories {
            shares: names.iter().map(|(_, count)| share(*count)).collect(),
            names: names.into_iter().map(|(name, _)| name.to_owned()).collect(),
            rare: share(all - named),
            fill,
        }
    }

    /// The number of inputs if each name is one.
    pub(crate) fn width(&self) -> usize {
        self.names.len() + usize::from(self.rare > 0.0)
    }

    /// Writes the inputs if each name is one.
    pub(crate) fn encode(&self, place: Option<usize>, to: &mut [f32]) {
        match place {
            Some(place) => {
                to.fill(0.0);
                to[place] = 1.0;
            }
            None if self.rare > 0.0 => {
                to.fill(0.0);
                to[self.names.len()] = 1.0;
            }
            None => to.copy_from_slice(&self.shares),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names with numbers of rows: how they are told apart, how many are, and how many rows are rare.
    fn check(
        counts: impl IntoIterator<Item = (String, usize)>,
        one_hot: usize,
        (hot, names, rare): (bool, usize, usize),
    ) {
        let counts: Vec<(String, usize)> = counts.into_iter().collect();
        let all: usize = counts.iter().map(|(_, count)| count).sum();
        let texts = counts.iter().flat_map(|(name, count)| std::iter::repeat_n(name.as_str(), *count));
        let (found_hot, found) = match Categories::fit(texts, one_hot) {
            Encoding::OneHot(categories) => (true, categories),
            Encoding::Embedded(categories) => (false, categories),
            other => panic!("{other:?}"),
        };
        let found_rare = (f64::from(found.rare) * all as f64).round() as usize;
        assert_eq!((found_hot, found.names.len(), found_rare), (hot, names, rare), "{found:?}");
    }

    #[test]
    fn few_names_are_inputs_and_many_are_rows_of_a_table() {
        let names = |count: usize, rows: usize| (0..count).map(move |at| (format!("{rows}-{at}"), rows));
        check(names(3, 10), 64, (true, 3, 0));
        check(names(64, 10), 64, (true, 64, 0));
        check(names(65, 10), 64, (false, 65, 0));
        check(names(2, 10), 1, (false, 2, 0));
        check(names(300, 1), 64, (false, 300, 0)); // all are rare
        check(names(10, 50).chain(names(20, 1)), 64, (true, 10, 20));
        check(names(10, 50).chain(names(200, 1)), 64, (true, 10, 200)); // nothing to learn of what occurs once
        check(names(10, 1000).chain(names(600, 4)), 64, (false, 610, 0));
        check(names(10, 1000).chain(names(100, 4)), 64, (true, 10, 400));
        check(names(10, 1900).chain(names(5, 30)).chain(names(5, 10)), 64, (true, 15, 50)); // below one in a thousand
        check(names(100_001, 10).chain(names(1, 11)), 64, (false, 100_000, 20));
    }
}
