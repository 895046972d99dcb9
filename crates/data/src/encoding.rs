//! How the cells of one column become inputs of a network.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::error::{Error, Result};
use crate::kind::{Kind, boolean};
use crate::moment::{DAY, MomentFormat};
use crate::scale::Scale;
use crate::table::{Column, Table};

/// How the cells of one column become inputs of a network, learnt from training rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// A number, standardised: one input.
    Number {
        /// What standardises it.
        scale: Scale,
        /// The median, which stands for what is missing.
        fill: f64,
    },
    /// No or yes, as 0 or 1 and standardised: one input.
    Boolean {
        /// What standardises it.
        scale: Scale,
        /// The more frequent of the two, which stands for what is missing.
        fill: bool,
    },
    /// A moment: its days since 1970 standardised, and its place within the year, the week and the day, each as sine and
    /// cosine: one to seven inputs.
    Moment(Moments),
    /// One of several names: one input for each, of which one is 1.
    OneHot(Categories),
}

/// How moments become inputs. Parts that are the same in all training rows are left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// How they are written.
    pub format: MomentFormat,
    /// The median in seconds since 1970, which stands for what is missing.
    pub fill: f64,
    /// Standardises the days since 1970.
    pub days: Option<Scale>,
    /// Whether the place within the year counts.
    pub of_year: bool,
    /// Whether the place within the week counts.
    pub of_week: bool,
    /// Whether the time of day counts.
    pub of_day: bool,
}

/// The names that are told apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Categories {
    /// At most 256, in the order of the letters (of the numbers, if all are numbers), rare ones left out.
    pub names: Vec<String>,
    /// The share of each in the training rows, what is missing not counted.
    pub shares: Vec<f32>,
    /// The share of all rare names together, which have one place behind the others; 0 if there are none. Names that no
    /// training row has go there, too. Without such a place, they count as a mixture of the names in the training rows.
    pub rare: f32,
    /// The place of the most frequent, which stands for what is missing.
    pub fill: usize,
}

/// The most names of a column that are told apart, the most frequent ones.
const MOST_NAMES: usize = 256;

/// Below so many rows of each, names are rare: one in a thousand, and at least so many.
pub(crate) fn rare_below(rows: usize) -> usize {
    (rows / 1000).max(2)
}

impl Encoding {
    /// Learns from some rows; also how many of them lack a value.
    pub(crate) fn fit(
        table: &Table,
        rows: &[usize],
        column: &Column,
        kind: Kind,
    ) -> Result<(Encoding, usize)> {
        let present: Vec<usize> =
            rows.iter().copied().filter(|row| !cell::is_missing(column.get(*row))).collect();
        let missing = rows.len() - present.len();
        if present.is_empty() {
            let (file, column) = (table.source().to_owned(), column.name().to_owned());
            return Err(Error::NothingThere { file, column, rows: rows.len() });
        }
        let encoding = match kind {
            Kind::Number => {
                let values = read(&present, |row| number(table, row, column))?;
                let fill = median(values.clone());
                Encoding::Number { scale: filled(&values, missing, fill), fill }
            }
            Kind::Boolean => {
                let values = read(&present, |row| yes(table, row, column).map(f64::from))?;
                let fill = 2.0 * values.iter().sum::<f64>() > values.len() as f64;
                Encoding::Boolean { scale: filled(&values, missing, f64::from(fill)), fill }
            }
            Kind::Date => {
                let (format, ..) = MomentFormat::recognise(present.iter().map(|row| column.get(*row)));
                Encoding::Moment(Moments::fit(table, &present, column, format, missing)?)
            }
            Kind::Category | Kind::Constant | Kind::Identifier | Kind::Text | Kind::Ignore => {
                Encoding::OneHot(Categories::fit(present.iter().map(|row| column.get(*row))))
            }
        };
        Ok((encoding, missing))
    }

    /// The number of inputs.
    pub fn width(&self) -> usize {
        match self {
            Encoding::Number { .. } | Encoding::Boolean { .. } => 1,
            Encoding::Moment(moments) => moments.width(),
            Encoding::OneHot(categories) => categories.width(),
        }
    }

    /// Writes the inputs of a row. Whether a value was there.
    pub(crate) fn encode(
        &self,
        table: &Table,
        row: usize,
        column: &Column,
        index: &Index<'_>,
        to: &mut [f32],
    ) -> Result<bool> {
        let text = column.get(row);
        let missing = cell::is_missing(text);
        match self {
            Encoding::Number { scale, fill } => {
                let value = if missing { *fill } else { number(table, row, column)? };
                to[0] = scaled(table, row, column, *scale, value)?;
            }
            Encoding::Boolean { scale, fill } => {
                let value = if missing { *fill } else { yes(table, row, column)? };
                to[0] = scale.apply(f64::from(value));
            }
            Encoding::Moment(moments) => {
                let value = if missing { moments.fill } else { seconds(table, row, column, moments.format)? };
                moments.encode(value, to);
                if to.iter().any(|value| !value.is_finite()) {
                    return Err(Error::OutOfScale { at: table.place(row, column), text: text.to_owned() });
                }
            }
            Encoding::OneHot(categories) => {
                let place = if missing { Some(categories.fill) } else { index.get(text) };
                categories.encode(place, to);
            }
        }
        Ok(!missing)
    }

    /// Makes the names of a category quick to find.
    pub(crate) fn index(&self) -> Index<'_> {
        match self {
            Encoding::OneHot(categories) => Index::new(&categories.names),
            _ => Index::new(&[]),
        }
    }
}

impl Moments {
    fn fit(
        table: &Table,
        present: &[usize],
        column: &Column,
        format: MomentFormat,
        missing: usize,
    ) -> Result<Moments> {
        let values = read(present, |row| seconds(table, row, column, format))?;
        let differ = |part: fn(f64) -> f64| values.iter().any(|value| part(*value) != part(values[0]));
        let fill = median(values.clone());
        let dated = format != MomentFormat::TimeOfDay;
        let days: Vec<f64> = values.iter().map(|value| value / DAY).collect();
        Ok(Moments {
            format,
            fill,
            days: (dated && differ(|value| value)).then(|| filled(&days, missing, fill / DAY)),
            of_year: dated && differ(|value| (value / DAY).floor()),
            of_week: dated && differ(|value| (value / DAY).floor().rem_euclid(7.0)),
            of_day: differ(|value| value.rem_euclid(DAY)),
        })
    }

    fn width(&self) -> usize {
        let pairs = [self.of_year, self.of_week, self.of_day].into_iter().filter(|part| *part).count();
        usize::from(self.days.is_some()) + 2 * pairs
    }

    fn encode(&self, seconds: f64, to: &mut [f32]) {
        const YEAR: f64 = 365.2425;
        let days = seconds / DAY;
        let mut at = 0;
        if let Some(scale) = self.days {
            to[0] = scale.apply(days);
            at = 1;
        }
        let cycles = [(self.of_year, days / YEAR), (self.of_week, days.floor() / 7.0), (self.of_day, days)];
        for (_, turns) in cycles.into_iter().filter(|(counts, _)| *counts) {
            let (sine, cosine) = (std::f64::consts::TAU * turns.rem_euclid(1.0)).sin_cos();
            (to[at], to[at + 1]) = (sine as f32, cosine as f32);
            at += 2;
        }
    }
}

impl Categories {
    fn fit<'a>(texts: impl Iterator<Item = &'a str>) -> Categories {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut all = 0;
        for text in texts {
            *counts.entry(text).or_default() += 1;
            all += 1;
        }
        let few = rare_below(all);
        let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
        names.sort_unstable();
        let most = names.iter().map(|(_, count)| *count).max().unwrap_or(0);
        // If all are rare, the most frequent are what there is to tell apart.
        names.retain(|(_, count)| *count >= few.min(most));
        if names.len() > MOST_NAMES {
            names.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
            names.truncate(MOST_NAMES);
            names.sort_unstable();
        }
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

    fn width(&self) -> usize {
        self.names.len() + usize::from(self.rare > 0.0)
    }

    fn encode(&self, place: Option<usize>, to: &mut [f32]) {
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

/// Finds the place of a name.
pub(crate) struct Index<'a>(HashMap<&'a str, usize>);

impl<'a> Index<'a> {
    fn new(names: &'a [String]) -> Self {
        Index(names.iter().map(String::as_str).zip(0..).collect())
    }

    fn get(&self, name: &str) -> Option<usize> {
        self.0.get(name).copied()
    }
}

fn read(rows: &[usize], value: impl Fn(usize) -> Result<f64>) -> Result<Vec<f64>> {
    rows.iter().map(|row| value(*row)).collect()
}

/// The scale of values when `missing` more of them are `fill`.
fn filled(values: &[f64], missing: usize, fill: f64) -> Scale {
    Scale::fit(values.iter().copied().chain(std::iter::repeat_n(fill, missing)))
}

/// The middle value, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    match below.iter().copied().reduce(f64::max) {
        Some(lower) if values.len().is_multiple_of(2) => lower + (upper - lower) / 2.0,
        _ => upper,
    }
}

pub(crate) fn number(table: &Table, row: usize, column: &Column) -> Result<f64> {
    let text = column.get(row);
    cell::number(text)
        .ok_or_else(|| Error::NotANumber { at: table.place(row, column), text: text.to_owned() })
}

pub(crate) fn scaled(table: &Table, row: usize, column: &Column, scale: Scale, value: f64) -> Result<f32> {
    let scaled = scale.apply(value);
    if scaled.is_finite() {
        Ok(scaled)
    } else {
        Err(Error::OutOfScale { at: table.place(row, column), text: column.get(row).to_owned() })
    }
}

fn yes(table: &Table, row: usize, column: &Column) -> Result<bool> {
    let text = column.get(row);
    let value = boolean(text).or(match text {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    });
    value.ok_or_else(|| Error::NotYesOrNo { at: table.place(row, column), text: cell::shorten(text) })
}

fn seconds(table: &Table, row: usize, column: &Column, format: MomentFormat) -> Result<f64> {
    let text = column.get(row);
    format.seconds(text).ok_or_else(|| Error::NotADate {
        at: table.place(row, column),
        text: cell::shorten(text),
        format,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(cells: &[&str], kind: Kind) -> Vec<Vec<f32>> {
        encoded(cells, kind, cells)
    }

    /// Fits to some cells and encodes others.
    fn encoded(cells: &[&str], kind: Kind, others: &[&str]) -> Vec<Vec<f32>> {
        let table = |cells: &[&str]| {
            let csv = format!("x,y\n{}", cells.iter().map(|cell| format!("{cell},0\n")).collect::<String>());
            Table::from_csv_reader("t.csv", csv.as_bytes()).unwrap()
        };
        let fitted = table(cells);
        let rows: Vec<usize> = (0..cells.len()).collect();
        let (encoding, _) = Encoding::fit(&fitted, &rows, &fitted.columns()[0], kind).unwrap();
        let (others, index) = (table(others), encoding.index());
        let mut to = vec![0.0; encoding.width()];
        let mut row = |row| {
            encoding.encode(&others, row, &others.columns()[0], &index, &mut to).unwrap();
            to.clone()
        };
        (0..others.rows()).map(&mut row).collect()
    }

    #[test]
    fn what_is_missing_is_the_median_or_the_most_frequent() {
        assert_eq!(inputs(&["1", "", "5", "3", "?"], Kind::Number)[1], [0.0]);
        assert_eq!(encoded(&["1", "4"], Kind::Number, &["NA"]), [[0.0]]);
        let yes = inputs(&["yes", "no", "yes", ""], Kind::Boolean);
        assert_eq!((yes[3][0], yes[0][0] > yes[1][0]), (yes[0][0], true));
        assert_eq!(inputs(&["b", "a", "b", "", "a", "b"], Kind::Category)[3], [0.0, 1.0]);
    }

    #[test]
    fn rare_and_unseen_names_share_a_place() {
        let cells = ["a", "b", "c", "a", "b", "d"];
        let found = encoded(&cells, Kind::Category, &["a", "b", "c", "d", "e"]);
        let other = [0.0, 0.0, 1.0];
        assert_eq!(found, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], other, other, other]);
    }

    #[test]
    fn where_no_name_is_rare_an_unseen_one_is_a_mixture() {
        assert_eq!(
            encoded(&["a", "b", "a", "b", "a", "a", "a", "a"], Kind::Category, &["c"]),
            [[0.75, 0.25]]
        );
        assert_eq!(encoded(&["10", "9", "9", "10"], Kind::Category, &["9", "10"]), [[1.0, 0.0], [0.0, 1.0]]);
        assert_eq!(encoded(&["a", "b"], Kind::Category, &["b"]), [[0.0, 1.0]], "all are rare");
    }

    #[test]
    fn of_very_many_names_the_most_frequent_are_told_apart() {
        let cells: Vec<String> = (0..3000).map(|row| format!("n{}", (row * row) % 2999 % 1000)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let found = encoded(&cells, Kind::Category, &["n0", "never seen"]);
        assert_eq!(found[0].len(), MOST_NAMES + 1);
        assert_eq!(found[1][MOST_NAMES], 1.0);
    }

    #[test]
    fn moments_turn_in_circles() {
        let found = inputs(&["2026-11-23", "2026-11-30", "2026-12-07"], Kind::Date);
        assert_eq!(found[0].len(), 3, "days and the place in the year; all are Mondays at midnight");
        assert_eq!(found[1][0], 0.0);
        let hours = inputs(&["00:00", "06:00", "12:00"], Kind::Date);
        for (found, expected) in hours.iter().zip([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]) {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6), "{hours:?}");
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        for (values, expected) in
            [(&[3.0][..], 3.0), (&[5.0, 1.0], 3.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 2.0, 9.0], 3.0)]
        {
            assert_eq!(median(values.to_vec()), expected);
        }
        assert_eq!(median(vec![3e38, -3e38]), 0.0);
    }
}
