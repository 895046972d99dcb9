//! Splitting the rows of a table: evenly by class, by groups that stay together, or by time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::classes::{self, NameIndex};
use crate::error::{Error, Result};
use crate::kind::Kind;
use crate::moment::MomentFormat;
use crate::split::{Fractions, Split, grouped, held_out, sorted, split};
use crate::stream::{Purpose, shuffle, stream};
use crate::table::{Column, Table};

/// What decides which rows are held out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Chance, evenly by class where the target has classes. The default.
    #[default]
    Class,
    /// Chance alone.
    Random,
    /// Chance, but rows that are equal in this column (a patient, a machine) stay together.
    Group(String),
    /// Time, as this column has it: the last rows are for testing, those before them for validation. Rows of the same
    /// time stay together.
    Time(String),
}

impl Table {
    /// The rows in which none of these columns is missing.
    ///
    /// # Errors
    /// [`Error::UnknownColumn`]; [`Error::NoTargets`] if no row is left.
    pub fn rows_with(&self, columns: &[String]) -> Result<Vec<usize>> {
        let columns = columns.iter().map(|name| self.column(name)).collect::<Result<Vec<_>>>()?;
        let there = |row: &usize| columns.iter().all(|column| !column.is_missing(*row));
        let rows: Vec<usize> = (0..self.rows()).filter(there).collect();
        if rows.is_empty() {
            let columns = columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ");
            return Err(Error::NoTargets { file: self.source().to_owned(), columns });
        }
        Ok(rows)
    }
}

/// Splits some rows of a table. `classes` is the target column if it has classes; `kinds` tells whether days or months
/// are first in a column of times, where that is not to be told from the texts (as in a
/// [`Recipe`](crate::Recipe::kinds)).
///
/// ```
/// use highwater_data::{Fractions, SplitBy, Table, split_rows};
/// use std::collections::{BTreeMap, BTreeSet};
///
/// let visits: String = (0..60).map(|visit| format!("P{},{}\n", visit / 3, visit % 7)).collect();
/// let table = Table::from_csv_reader("visits.csv", format!("patient,days\n{visits}P20,\n").as_bytes())?;
///
/// let rows = table.rows_with(&["days".to_owned()])?; // the last row has nothing to learn from
/// let by = SplitBy::Group("patient".to_owned());
/// let parts = split_rows(&table, &rows, None, &by, &BTreeMap::new(), Fractions::default(), 1)?;
///
/// let patients = table.column("patient")?;
/// let of = |rows: &[usize]| rows.iter().map(|row| patients.get(*row)).collect::<BTreeSet<_>>();
/// assert_eq!([of(&parts.train).len(), of(&parts.validation).len(), of(&parts.test).len()], [14, 3, 3]);
/// assert!(of(&parts.train).is_disjoint(&of(&parts.test)));
/// # Ok::<(), highwater_data::Error>(())
/// ```
///
/// # Errors
/// As [`split`]; also [`Error::UnknownColumn`], and [`Error::NotKnown`] or [`Error::NotATime`] where a row has no class,
/// group or time; [`Error::TooFewGroups`] if there are not enough different groups or times.
///
/// # Panics
/// If the table has no such row.
pub fn split_rows(
    table: &Table,
    rows: &[usize],
    classes: Option<&str>,
    by: &SplitBy,
    kinds: &BTreeMap<String, Kind>,
    fractions: Fractions,
    seed: u64,
) -> Result<Split> {
    let of = |split: Split| {
        let named = |places: Vec<usize>| places.into_iter().map(|place| rows[place]).collect();
        Split { train: named(split.train), validation: named(split.validation), test: named(split.test) }
    };
    let file = || table.source().to_owned();
    match by {
        SplitBy::Class | SplitBy::Random => {
            let strata = match (by, classes) {
                (SplitBy::Class, Some(target)) => Some(strata(table, rows, target)?),
                _ => None,
            };
            let split = split(rows.len(), strata.as_deref(), fractions, seed);
            split.map(of).map_err(|error| error.in_file(file()))
        }
        SplitBy::Group(name) => {
            let mut groups = grouped(known(table, rows, table.column(name)?)?);
            shuffle(&mut groups, &mut stream(seed, Purpose::Split, 1));
            join(table, groups, name, fractions)
        }
        SplitBy::Time(name) => {
            let column = table.column(name)?;
            let texts = known(table, rows, column)?;
            let numbers = texts.iter().all(|(text, _)| cell::number(text).is_some());
            let kind = kinds.get(name).copied().unwrap_or(Kind::Date);
            let format = MomentFormat::of(kind, texts.iter().map(|(text, _)| *text));
            let time = |row: usize, text: &str| {
                let time = if numbers { cell::number(text) } else { format.seconds(text) };
                time.ok_or_else(|| Error::NotATime {
                    at: table.place(row, column),
                    text: cell::shorten(text),
                })
            };
            let mut timed =
                texts.iter().map(|(text, row)| Ok((time(*row, text)?, *row))).collect::<Result<Vec<_>>>()?;
            timed.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let groups = timed.chunk_by(|a, b| a.0 == b.0);
            let groups = groups.map(|rows| rows.iter().map(|(_, row)| *row).collect()).collect();
            join(table, groups, name, fractions)
        }
    }
}

/// Divides rows for cross-validation into parts of nearly equal size: evenly by class if `by` says so, and groups stay
/// together. Each part is in ascending order.
///
/// # Errors
/// As [`split_rows`], and [`Error::Folds`] if there are fewer rows or groups than parts, fewer than two parts, or the rows
/// are in the order of time.
pub fn folds(
    table: &Table,
    rows: &[usize],
    classes: Option<&str>,
    by: &SplitBy,
    count: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>> {
    let wrong = |what: &str| Error::Folds { file: table.source().to_owned(), count, what: what.to_owned() };
    let mut words = stream(seed, Purpose::Split, 2);
    let empty_parts = |found: usize| match count < 2 || found < count {
        true => Err(wrong("there must be at least two, and a row (or group) for each")),
        false => Ok(vec![Vec::new(); count]),
    };
    let parts = match by {
        SplitBy::Time(_) => {
            return Err(wrong(
                "rows in the order of time have one split only, which training without folds tests on",
            ));
        }
        SplitBy::Group(name) => {
            let mut groups = grouped(known(table, rows, table.column(name)?)?);
            let mut parts = empty_parts(groups.len())?;
            shuffle(&mut groups, &mut words);
            groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
            for group in groups {
                let smallest = parts.iter_mut().min_by_key(|part| part.len()).expect("two parts or more");
                smallest.extend(group);
            }
            parts
        }
        SplitBy::Random | SplitBy::Class => {
            let strata = match classes.filter(|_| *by == SplitBy::Class) {
                Some(target) => strata(table, rows, target)?,
                None => vec![0; rows.len()],
            };
            let mut parts = empty_parts(rows.len())?;
            let mut places = (0..count).cycle();
            for mut class in grouped(strata.into_iter().zip(rows.iter().copied())) {
                shuffle(&mut class, &mut words);
                class.into_iter().zip(&mut places).for_each(|(row, place)| parts[place].push(row));
            }
            parts
        }
    };
    Ok(parts.into_iter().map(sorted).collect())
}

/// The class of each row, as a number.
fn strata(table: &Table, rows: &[usize], target: &str) -> Result<Vec<u32>> {
    let column = table.column(target)?;
    let texts = rows.iter().map(|row| table.target(*row, column)).collect::<Result<Vec<_>>>()?;
    let names = classes::names(texts.iter().copied());
    // Of few rows there is more to say than that.
    if names.len() == texts.len() && texts.len() >= 20 {
        return Err(classes::one_per_row(table, column, &texts));
    }
    let index = NameIndex::new(&names);
    Ok(texts.into_iter().map(|text| index.get(text).expect("named above") as u32).collect())
}

/// What each row has in a column, in which nothing may be missing, and the row.
fn known<'a>(table: &Table, rows: &[usize], column: &'a Column) -> Result<Vec<(&'a str, usize)>> {
    let cells = rows.iter().map(|row| match column.is_missing(*row) {
        true => Err(Error::NotKnown { at: table.place(*row, column) }),
        false => Ok((column.get(*row), *row)),
    });
    cells.collect()
}

/// The first groups are for testing, the next for validation, the others for training: as many as come nearest to the
/// wished numbers of rows, and at least one each.
fn join(table: &Table, groups: Vec<Vec<usize>>, column: &str, fractions: Fractions) -> Result<Split> {
    let file = || table.source().to_owned();
    let rows = groups.iter().map(Vec::len).sum();
    let (validation, test) = held_out(rows, 1, fractions).map_err(|error| error.in_file(file()))?;
    let needed = 1 + usize::from(validation > 0) + usize::from(test > 0);
    if groups.len() < needed {
        let (found, column) = (groups.len(), column.to_owned());
        return Err(Error::TooFewGroups { file: file(), column, found, needed });
    }
    let mut groups = std::collections::VecDeque::from(groups);
    let mut take = |wanted: usize, leave: usize| {
        let mut part = Vec::new();
        while wanted > 0 && groups.len() > leave {
            let size = groups[0].len();
            if !part.is_empty() && (part.len() + size).abs_diff(wanted) > wanted.abs_diff(part.len()) {
                break;
            }
            part.extend(groups.pop_front().expect("one is there"));
        }
        sorted(part)
    };
    let test = take(test, 1 + usize::from(validation > 0));
    let validation = take(validation, 1);
    Ok(Split { train: sorted(groups.into_iter().flatten().collect()), validation, test })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(cells: impl IntoIterator<Item = (String, String)>) -> Table {
        let lines: String = cells.into_iter().map(|(a, b)| format!("{a},{b}\n")).collect();
        Table::from_csv_reader("t.csv", format!("key,y\n{lines}").as_bytes()).unwrap()
    }

    fn all(table: &Table) -> Vec<usize> {
        (0..table.rows()).collect()
    }

    const HALVES: Fractions = Fractions { validation: 0.25, test: 0.25 };

    #[test]
    fn what_is_held_out_is_later_than_what_is_trained_on() {
        for spelling in [
            |day: u64| format!("2026-03-{day:02}"),
            |day: u64| format!("{day}.3.2026"),
            |day: u64| day.to_string(),
        ] {
            let days = [9_u64, 3, 5, 5, 5, 1, 2, 8, 7, 7, 4, 6];
            let table = table(days.map(|day| (spelling(day), "0".to_owned())));
            let by = SplitBy::Time("key".to_owned());
            let split = split_rows(&table, &all(&table), None, &by, &BTreeMap::new(), HALVES, 1).unwrap();
            let days = |part: &[usize]| part.iter().map(|row| days[*row]).collect::<Vec<_>>();
            assert_eq!(days(&split.test), [9, 8, 7, 7]);
            assert_eq!(days(&split.validation), [5, 5, 5, 6]);
            assert_eq!(days(&split.train), [3, 1, 2, 4]);
        }
    }

    #[test]
    fn rows_without_a_group_or_time_are_named() {
        let check = |by: SplitBy, second: &str, message: &str| {
            let table = table(["1", second, "3", "4"].map(|key| (key.to_owned(), "0".to_owned())));
            let error = split_rows(&table, &all(&table), None, &by, &BTreeMap::new(), HALVES, 1).unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
        };
        check(SplitBy::Group("key".into()), "?", "t.csv, line 3, column \"key\": the value is missing");
        check(SplitBy::Time("key".into()), "soon", "t.csv, line 2, column \"key\": \"1\" is no date");
        check(SplitBy::Group("kee".into()), "2", "t.csv has no column \"kee\"; did you mean \"key\"?");
        let one = table((0..8).map(|_| ("a".to_owned(), "0".to_owned())));
        let error =
            split_rows(&one, &all(&one), None, &SplitBy::Group("key".into()), &BTreeMap::new(), HALVES, 1)
                .unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv: column \"key\" has 1 different value, and the split needs 3: one for each part"
        );
    }

    #[test]
    fn a_file_in_which_no_row_has_a_target_is_refused() {
        let table = table([("1".to_owned(), "?".to_owned()), ("2".to_owned(), String::new())]);
        let error = table.rows_with(&["y".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "t.csv: no row has a value in y");
    }

    #[test]
    fn which_rows_and_groups_are_held_out_is_chance_that_follows_from_the_seed() {
        let table = table((0..60).map(|row| (format!("g{:02}", row / 3), "0".to_owned())));
        let rows = all(&table);
        let by = SplitBy::Group("key".to_owned());
        let split = |seed| split_rows(&table, &rows, None, &by, &BTreeMap::new(), HALVES, seed).unwrap();
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
        for by in [by.clone(), SplitBy::Random] {
            let folds = |seed| folds(&table, &rows, None, &by, 3, seed).unwrap();
            assert_eq!(folds(1), folds(1), "{by:?}");
            assert_ne!(folds(1), folds(2), "{by:?}");
        }
    }

    #[test]
    fn folds_of_groups_are_as_even_as_the_groups_allow() {
        let keys = [1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 6];
        let table = table(keys.map(|key| (format!("g{key}"), "0".to_owned())));
        for seed in 0..10 {
            let folds = folds(&table, &all(&table), None, &SplitBy::Group("key".into()), 3, seed).unwrap();
            assert!(folds.iter().all(|part| part.len() == 6), "{folds:?}");
        }
    }

    #[test]
    fn no_part_is_empty_however_large_a_group_is() {
        let check = |days: &[(usize, usize)], expected: Option<[usize; 3]>| {
            let rows = days.iter().flat_map(|(day, rows)| std::iter::repeat_n(*day, *rows));
            let table = table(rows.map(|day| (day.to_string(), "0".to_owned())));
            let by = SplitBy::Time("key".to_owned());
            let split = split_rows(&table, &all(&table), None, &by, &BTreeMap::new(), HALVES, 1);
            let sizes =
                split.ok().map(|split| [split.train, split.validation, split.test].map(|part| part.len()));
            assert_eq!(sizes, expected, "{days:?}");
        };
        check(&[(1, 10), (2, 1), (3, 1)], Some([10, 1, 1]));
        check(&[(1, 1), (2, 1), (3, 10)], Some([1, 1, 10]));
        check(&[(1, 6), (2, 6)], None);
    }

    #[test]
    fn fewer_rows_or_groups_than_folds_are_refused_and_so_is_an_order_of_time() {
        let table = table((0..6).map(|row| (format!("{}", row / 2), "0".to_owned())));
        let by = |by: fn(String) -> SplitBy| by("key".to_owned());
        for (by, count, possible) in [
            (SplitBy::Random, 1, false),
            (SplitBy::Random, 6, true),
            (SplitBy::Random, 7, false),
            (by(SplitBy::Group), 3, true),
            (by(SplitBy::Group), 4, false),
            (by(SplitBy::Time), 2, false),
        ] {
            let folds = folds(&table, &all(&table), None, &by, count, 1);
            assert_eq!(folds.is_ok(), possible, "{by:?} {count}");
        }
    }

    #[test]
    fn classes_count_only_where_the_split_is_by_class() {
        let table = table((0..20).map(|row| ("0".to_owned(), format!("c{row}"))));
        let check = |by: SplitBy, possible: bool| {
            let split = split_rows(&table, &all(&table), Some("y"), &by, &BTreeMap::new(), HALVES, 1);
            let folds = folds(&table, &all(&table), Some("y"), &by, 3, 1);
            assert_eq!((split.is_ok(), folds.is_ok()), (possible, possible), "{by:?}");
        };
        check(SplitBy::Class, false);
        check(SplitBy::Random, true);
    }

    proptest! {
        #[test]
        fn groups_stay_together(keys in prop::collection::vec(0..12_u32, 12..80), seed: u64) {
            let table = table(keys.iter().map(|key| (format!("g{key}"), "0".to_owned())));
            let by = SplitBy::Group("key".to_owned());
            let Ok(split) = split_rows(&table, &all(&table), None, &by, &BTreeMap::new(), HALVES, seed) else { return Ok(()) };
            let groups = |part: &[usize]| {
                part.iter().map(|row| keys[*row]).collect::<std::collections::BTreeSet<_>>()
            };
            let parts = [groups(&split.train), groups(&split.validation), groups(&split.test)];
            prop_assert!(parts.iter().all(|part| !part.is_empty()));
            prop_assert!(parts[0].is_disjoint(&parts[1]) && parts[1].is_disjoint(&parts[2]));
            prop_assert!(parts[0].is_disjoint(&parts[2]));
            prop_assert_eq!(split.train.len() + split.validation.len() + split.test.len(), keys.len());

            if let Ok(folds) = folds(&table, &all(&table), None, &by, 3, seed) {
                let parts: Vec<_> = folds.iter().map(|part| groups(part)).collect();
                prop_assert!(parts[0].is_disjoint(&parts[1]) && parts[1].is_disjoint(&parts[2]));
                prop_assert_eq!(folds.concat().len(), keys.len());
            }
        }

        #[test]
        fn folds_are_a_partition_even_in_size_and_class(
            classes in prop::collection::vec(0..3_u32, 10..100),
            count in 2..6_usize,
            seed: u64,
        ) {
            let table = table(classes.iter().map(|class| ("0".to_owned(), format!("c{class}"))));
            let folds = folds(&table, &all(&table), Some("y"), &SplitBy::Class, count, seed).unwrap();
            let mut rows = folds.concat();
            rows.sort_unstable();
            prop_assert_eq!(rows, all(&table));
            for class in 0..3 {
                let counts: Vec<usize> =
                    folds.iter().map(|part| part.iter().filter(|row| classes[**row] == class).count()).collect();
                prop_assert!(counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1, "{counts:?}");
            }
            let sizes: Vec<usize> = folds.iter().map(Vec::len).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
        }
    }
}
