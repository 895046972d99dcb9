//! Which rows are for training, validation and testing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::partition::{SplitBy, split_rows};
use crate::stream::{Purpose, shuffle, stream};
use crate::table::Table;
use crate::task::Task;

/// The shares of the rows that are held out; the rest is for training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// For deciding when to stop and which model is best: from 0 to 1, of all rows.
    pub validation: f64,
    /// For measuring, once, how good that model is: the same.
    pub test: f64,
}

impl Default for Fractions {
    /// 0.15 each, leaving 0.7.
    fn default() -> Self {
        Fractions { validation: 0.15, test: 0.15 }
    }
}

/// Which rows are for what. No row is in two parts; each part is in ascending order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Rows to fit to.
    pub train: Vec<usize>,
    /// Rows to stop and choose by.
    pub validation: Vec<usize>,
    /// Rows to measure with.
    pub test: Vec<usize>,
}

/// Splits the rows `0..rows` at random, reproducibly.
///
/// A part gets its fraction of the rows, rounded, but at least one row if its fraction is above zero. `strata` gives
/// each row's class: then test, and validation from what is left, hold each class in proportion, rounded up or down
/// (largest remainders first, ties at random), and training has a row of every class. Where rows are too few for
/// that, the larger of validation and test yields first.
///
/// ```
/// use highwater_data::{Fractions, split};
///
/// let classes = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1];
/// let parts = split(10, Some(&classes), Fractions { validation: 0.2, test: 0.2 }, 7)?;
/// assert_eq!([parts.train.len(), parts.validation.len(), parts.test.len()], [6, 2, 2]);
/// assert_eq!(parts.test.iter().map(|row| classes[*row]).collect::<Vec<_>>(), [0, 1]);
/// # Ok::<(), highwater_data::Error>(())
/// ```
///
/// # Errors
/// [`Error::Fractions`]; [`Error::TooFewRows`] if there is not a row for each class in training and for each of the
/// other parts that has a fraction.
///
/// # Panics
/// If `strata` has another length than `rows`, or a class more than `u32::MAX` rows.
pub fn split(rows: usize, strata: Option<&[u32]>, fractions: Fractions, seed: u64) -> Result<Split> {
    if let Some(strata) = strata {
        assert_eq!(strata.len(), rows, "a class for each row");
    }
    let mut left = grouped((0..rows).map(|row| (strata.map_or(0, |strata| strata[row]), row)));
    let (validation, test) = held_out(rows, left.len(), fractions)?;

    let mut words = stream(seed, Purpose::Split, 0);
    for class in &mut left {
        shuffle(class, &mut words);
    }
    let mut take = |count: usize| {
        let mut visits: Vec<usize> = (0..left.len()).collect();
        shuffle(&mut visits, &mut words);
        let shares = apportion(count, &left.iter().map(Vec::len).collect::<Vec<_>>(), visits);
        let taken =
            left.iter_mut().zip(shares).flat_map(|(class, share)| class.split_off(class.len() - share));
        sorted(taken.collect())
    };
    let test = take(test);
    let validation = take(validation);
    Ok(Split { train: sorted(left.concat()), validation, test })
}

/// [`split`] for a table, by class if the task is classification.
///
/// # Errors
/// As [`split`]; also [`Error::UnknownColumn`], and [`Error::MissingTarget`] if a row has no class.
pub fn split_table(
    table: &Table,
    target: &str,
    task: Task,
    fractions: Fractions,
    seed: u64,
) -> Result<Split> {
    table.column(target)?;
    let classes = Some(target).filter(|_| task == Task::Classification);
    let rows: Vec<usize> = (0..table.rows()).collect();
    split_rows(table, &rows, classes, &SplitBy::Class, &BTreeMap::new(), fractions, seed)
}

/// How many rows go to validation and to test.
pub(crate) fn held_out(rows: usize, classes: usize, fractions: Fractions) -> Result<(usize, usize)> {
    let Fractions { validation, test } = fractions;
    if !(validation >= 0.0 && test >= 0.0 && validation + test < 1.0) {
        return Err(Error::Fractions { validation, test });
    }
    let wanted = |fraction: f64| match fraction {
        0.0 => 0,
        _ => ((rows as f64 * fraction).round() as usize).max(1),
    };
    let parts = usize::from(validation > 0.0) + usize::from(test > 0.0);
    let needed = classes.max(1);
    let Some(free) = rows.checked_sub(needed).filter(|free| *free >= parts) else {
        return Err(Error::TooFewRows {
            file: "the data".to_owned(),
            rows,
            classes: needed,
            held_out: parts,
        });
    };
    let (mut validation, mut test) = (wanted(validation), wanted(test));
    while validation + test > free {
        *if validation > test { &mut validation } else { &mut test } -= 1;
    }
    Ok((validation, test))
}

/// Shares `count` out over classes in proportion to their sizes, leaving at least one of each class: rounded down,
/// then what is lacking one by one, largest remainders first, ties in the order of `visits`.
fn apportion(count: usize, sizes: &[usize], mut visits: Vec<usize>) -> Vec<usize> {
    let total = sizes.iter().sum::<usize>() as u128;
    let exact = |class: usize| sizes[class] as u128 * count as u128;
    let mut shares: Vec<usize> = (0..sizes.len()).map(|class| (exact(class) / total) as usize).collect();
    visits.sort_by_key(|class| std::cmp::Reverse(exact(*class) % total));
    let mut lacking = count - shares.iter().sum::<usize>();
    while lacking > 0 {
        for class in &visits {
            if lacking > 0 && shares[*class] + 1 < sizes[*class] {
                shares[*class] += 1;
                lacking -= 1;
            }
        }
    }
    shares
}

/// The rows of each key, in the order of the keys.
pub(crate) fn grouped<K: Ord>(rows: impl IntoIterator<Item = (K, usize)>) -> Vec<Vec<usize>> {
    let mut groups: BTreeMap<K, Vec<usize>> = BTreeMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups.into_values().collect()
}

pub(crate) fn sorted(mut rows: Vec<usize>) -> Vec<usize> {
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sizes(split: &Split) -> [usize; 3] {
        [split.train.len(), split.validation.len(), split.test.len()]
    }

    #[test]
    fn parts_have_their_fraction_and_are_not_empty_when_rows_are_few() {
        for (rows, validation, test, expected) in [
            (1000, 0.15, 0.15, [700, 150, 150]),
            (150, 0.1, 0.0, [135, 15, 0]),
            (10, 0.0, 0.0, [10, 0, 0]),
            (3, 0.15, 0.15, [1, 1, 1]),
            (4, 0.01, 0.9, [1, 1, 2]),
            (2, 0.0, 0.5, [1, 0, 1]),
            (1, 0.0, 0.0, [1, 0, 0]),
        ] {
            let split = split(rows, None, Fractions { validation, test }, 1).unwrap();
            assert_eq!(sizes(&split), expected, "{rows} rows, {validation}, {test}");
        }
    }

    #[test]
    fn a_class_with_one_row_is_in_training() {
        let strata = [0, 0, 0, 0, 0, 0, 0, 0, 9, 5];
        for seed in 0..50 {
            let split = split(10, Some(&strata), Fractions { validation: 0.4, test: 0.4 }, seed).unwrap();
            assert_eq!(sizes(&split), [3, 4, 3]);
            assert!([8, 9].iter().all(|row| split.train.contains(row)), "{split:?}");
        }
    }

    #[test]
    fn the_row_that_is_left_over_is_of_the_class_that_lacks_most_of_one() {
        let strata: Vec<u32> = (0..20).map(|row| u32::from(row >= 16)).collect();
        for seed in 0..20 {
            let split = split(20, Some(&strata), Fractions { validation: 0.0, test: 0.2 }, seed).unwrap();
            let classes: Vec<u32> = split.test.iter().map(|row| strata[*row]).collect();
            assert_eq!(classes, [0, 0, 0, 1], "seed {seed}");
        }
    }

    #[test]
    fn too_few_rows_and_wrong_fractions_are_refused() {
        let check = |rows: usize, strata: Option<&[u32]>, validation, test, message: &str| {
            let error = split(rows, strata, Fractions { validation, test }, 0).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        };
        check(
            2,
            None,
            0.1,
            0.1,
            "2 rows cannot be split: one row is needed for training, one each for 2 other parts",
        );
        check(0, None, 0.0, 0.0, "0 rows");
        check(4, Some(&[1, 2, 3, 1]), 0.1, 0.1, "one row of each of 3 classes is needed for training");
        check(9, None, -0.1, 0.1, "hold out -0.1");
        check(9, None, 0.5, 0.5, "together less than 1");
        check(9, None, f64::NAN, 0.5, "hold out NaN");
        check(9, None, 0.1, f64::INFINITY, "inf to test");
    }

    #[test]
    fn the_seed_decides_and_the_split_stays_what_it_is() {
        let of = |seed| {
            split(12, Some(&[0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]), Fractions::default(), seed).unwrap()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        // From a second implementation, written in Python from the description alone.
        assert_eq!(of(1).test, [0, 1]);
        assert_eq!(of(1).validation, [9, 11]);
    }

    proptest! {
        #[test]
        fn a_split_is_a_partition_with_each_class_in_proportion(
            strata in prop::collection::vec(0..6_u32, 12..300),
            validation in 0.0..0.45,
            test in 0.0..0.45,
            seed: u64,
        ) {
            let rows = strata.len();
            let split = split(rows, Some(&strata), Fractions { validation, test }, seed).unwrap();

            let mut all = [&split.train[..], &split.validation, &split.test].concat();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..rows));

            let count = |part: &[usize], class| part.iter().filter(|row| strata[**row] == class).count();
            for class in strata.iter().copied().collect::<std::collections::BTreeSet<_>>() {
                let size = strata.iter().filter(|other| **other == class).count();
                prop_assert!(count(&split.train, class) >= 1);
                if size >= 20 {
                    for part in [&split.validation, &split.test] {
                        let exact = size as f64 * part.len() as f64 / rows as f64;
                        prop_assert!((count(part, class) as f64 - exact).abs() < 2.0, "{class}: {exact}");
                    }
                }
            }
            for part in [&split.train, &split.validation, &split.test] {
                prop_assert!(part.is_sorted());
            }
        }
    }
}
