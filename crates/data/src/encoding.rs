//! How the cells of one column become inputs of a network.

use serde::{Deserialize, Serialize};

use crate::calendar::DAY;
use crate::categories::Categories;
use crate::classes::NameIndex;
use crate::error::{Error, Result};
use crate::kind::{Kind, boolean};
use crate::misfit::Misfits;
use crate::moment::MomentFormat;
use crate::scale::Scale;
use crate::table::{Column, Table};
use crate::unit::Unit;

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
    /// cosine: one to seven inputs. Of a duration its days alone.
    Moment(Moments),
    /// One of several names: one input for each, of which one is 1.
    OneHot(Categories),
    /// One of many names: one input, the number of its row in a table that the network learns
    /// ([`Preparation::embedded`](crate::Preparation::embedded)).
    Embedded(Categories),
    /// A number within a unit, standardised: one input.
    Quantity {
        /// What is around the number.
        unit: Unit,
        /// What standardises it.
        scale: Scale,
        /// The median, which stands for what is missing.
        fill: f64,
    },
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

impl Encoding {
    /// Learns from some rows; also how many of them lack a value.
    pub(crate) fn fit(
        table: &Table,
        rows: &[usize],
        column: &Column,
        kind: Kind,
        one_hot: usize,
    ) -> Result<(Encoding, usize)> {
        let present = || column.present(rows);
        let missing = rows.len() - present().count();
        if missing == rows.len() {
            let (file, column) = (table.source().to_owned(), column.name().to_owned());
            return Err(Error::NothingThere { file, column, rows: rows.len() });
        }
        let encoding = match kind {
            Kind::Number => {
                let (values, unit) = numbers(table, present(), column)?;
                let fill = median(values.clone());
                let scale = filled(&values, missing, fill);
                match unit {
                    None => Encoding::Number { scale, fill },
                    Some(unit) => Encoding::Quantity { unit, scale, fill },
                }
            }
            Kind::Boolean => {
                let values = read(table, present(), column, |row| yes(table, row, column).map(f64::from))?;
                let fill = 2.0 * values.iter().sum::<f64>() > values.len() as f64;
                Encoding::Boolean { scale: filled(&values, missing, f64::from(fill)), fill }
            }
            Kind::Date | Kind::DayFirst | Kind::MonthFirst => {
                let format = MomentFormat::of(kind, present().map(|row| column.get(row)));
                let values = read(table, present(), column, |row| seconds(table, row, column, format))?;
                Encoding::Moment(Moments::fit(&values, format, missing))
            }
            Kind::Category | Kind::Constant | Kind::Identifier | Kind::Text | Kind::Ignore => {
                Categories::fit(present().map(|row| column.get(row)), one_hot)
            }
        };
        Ok((encoding, missing))
    }

    /// What it encodes.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Encoding::Number { .. } | Encoding::Quantity { .. } => Kind::Number,
            Encoding::Boolean { .. } => Kind::Boolean,
            Encoding::Moment(moments) => match moments.format {
                MomentFormat::DayFirst | MomentFormat::ShortDayFirst => Kind::DayFirst,
                MomentFormat::MonthFirst | MomentFormat::ShortMonthFirst => Kind::MonthFirst,
                MomentFormat::YearFirst | MomentFormat::ShortYearFirst => Kind::Date,
                MomentFormat::NamedMonth | MomentFormat::ShortNamedMonth => Kind::Date,
                MomentFormat::TimeOfDay | MomentFormat::Month | MomentFormat::Duration => Kind::Date,
            },
            Encoding::OneHot(_) | Encoding::Embedded(_) => Kind::Category,
        }
    }

    /// What is around the numbers, if anything is.
    pub fn unit(&self) -> Option<&Unit> {
        match self {
            Encoding::Quantity { unit, .. } => Some(unit),
            _ => None,
        }
    }

    /// The number of inputs.
    pub fn width(&self) -> usize {
        match self {
            Encoding::Number { .. } | Encoding::Quantity { .. } => 1,
            Encoding::Boolean { .. } | Encoding::Embedded(_) => 1,
            Encoding::Moment(moments) => moments.width(),
            Encoding::OneHot(categories) => categories.width(),
        }
    }

    /// Writes the inputs of a row. Whether a value was there. An error is about this row alone.
    pub(crate) fn encode(
        &self,
        table: &Table,
        row: usize,
        column: &Column,
        index: &NameIndex<'_>,
        to: &mut [f32],
    ) -> Result<bool> {
        let text = column.get(row);
        // A name of the training rows is a value, whatever it looks like.
        let named = index.get(text);
        let missing = named.is_none() && column.is_missing(row);
        let filled = |categories: &Categories| missing.then_some(categories.fill);
        match self {
            Encoding::Number { scale, fill } | Encoding::Quantity { scale, fill, .. } => {
                let value = if missing { *fill } else { number(table, row, column, self.unit())? };
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
            Encoding::OneHot(categories) => categories.encode(named.or(filled(categories)), to),
            Encoding::Embedded(categories) => {
                let place = named.or(filled(categories));
                to[0] = place.unwrap_or(categories.names.len()) as f32;
            }
        }
        Ok(!missing)
    }

    /// Makes the names of a category quick to find.
    pub(crate) fn index(&self) -> NameIndex<'_> {
        match self {
            Encoding::OneHot(categories) | Encoding::Embedded(categories) => {
                NameIndex::new(&categories.names)
            }
            _ => NameIndex::new(&[]),
        }
    }
}

impl Moments {
    fn fit(values: &[f64], format: MomentFormat, missing: usize) -> Moments {
        let differ = |part: fn(f64) -> f64| values.iter().any(|value| part(*value) != part(values[0]));
        let fill = median(values.to_vec());
        let dated = format.is_dated();
        let days: Vec<f64> = values.iter().map(|value| value / DAY).collect();
        Moments {
            format,
            fill,
            days: (format != MomentFormat::TimeOfDay && differ(|value| value))
                .then(|| filled(&days, missing, fill / DAY)),
            of_year: dated && differ(|value| (value / DAY).floor()),
            of_week: dated
                && format != MomentFormat::Month
                && differ(|value| (value / DAY).floor().rem_euclid(7.0)),
            of_day: format != MomentFormat::Duration && differ(|value| value.rem_euclid(DAY)),
        }
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

/// The values of some rows; an error says which rows of the table have none.
fn read(
    table: &Table,
    rows: impl Iterator<Item = usize>,
    column: &Column,
    value: impl Fn(usize) -> Result<f64>,
) -> Result<Vec<f64>> {
    let values: Result<Vec<f64>> = rows.map(&value).collect();
    values.map_err(|error| error.of_all(table, column, |row| value(row).is_ok()))
}

/// The scale of values when `missing` more of them are `fill`.
fn filled(values: &[f64], missing: usize, fill: f64) -> Scale {
    Scale::fit(values.iter().copied().chain(std::iter::repeat_n(fill, missing)))
}

/// The middle value, or the mean of the two in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    let (below, upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    match below.iter().copied().reduce(f64::max) {
        Some(lower) if values.len().is_multiple_of(2) => lower + (upper - lower) / 2.0,
        _ => upper,
    }
}

/// The numbers in some rows, and what is around them.
pub(crate) fn numbers(
    table: &Table,
    rows: impl Iterator<Item = usize> + Clone,
    column: &Column,
) -> Result<(Vec<f64>, Option<Unit>)> {
    let plain: Option<Vec<f64>> = rows.clone().map(|row| column.number(row, None)).collect();
    if let Some(values) = plain {
        return Ok((values, None));
    }
    let unit = Unit::of(column, rows.clone())
        .or_else(|| Unit::of_amounts(column, rows.clone()))
        .or_else(|| Unit::of_most(column, rows.clone(), 0.5));
    Ok((read(table, rows, column, |row| number(table, row, column, unit.as_ref()))?, unit))
}

/// The number in a row, in the unit of the column if it has one.
pub(crate) fn number(table: &Table, row: usize, column: &Column, unit: Option<&Unit>) -> Result<f64> {
    column.number(row, unit).ok_or_else(|| {
        let misfits = Box::new(Misfits::one(table, row, column));
        match unit {
            None => Error::NotANumber(misfits),
            Some(unit) => Error::NotAsOthers { misfits, like: unit.example().into() },
        }
    })
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
    value.ok_or_else(|| Error::NotYesOrNo(Box::new(Misfits::one(table, row, column))))
}

fn seconds(table: &Table, row: usize, column: &Column, format: MomentFormat) -> Result<f64> {
    format.seconds(column.get(row)).ok_or_else(|| Error::NotAsOthers {
        misfits: Box::new(Misfits::one(table, row, column)),
        like: format.example().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Recipe;

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
        let (encoding, _) =
            Encoding::fit(&fitted, &rows, &fitted.columns()[0], kind, Recipe::ONE_HOT).unwrap();
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
        let filled = inputs(&["1", "", "5", "3", "?"], Kind::Number);
        assert_eq!(filled[1], [0.0]);
        assert!((filled[2][0] - 2.0 / 1.6_f32.sqrt()).abs() < 1e-6, "what is filled in counts: {filled:?}");
        assert_eq!(encoded(&["1", "4"], Kind::Number, &["NA"]), [[0.0]]);
        let yes = inputs(&["yes", "no", "yes", "no", "yes", "no", "yes", ""], Kind::Boolean);
        assert_eq!((yes[7][0], yes[0][0] > yes[1][0]), (yes[0][0], true));
        let no = inputs(&["yes", "no", "no", ""], Kind::Boolean);
        assert_eq!(no[3], no[1]);
        let even = inputs(&["yes", "no", ""], Kind::Boolean);
        assert_eq!(even[2], even[1]);
        let days = inputs(&["2026-11-23", "", "2026-11-24", "2026-11-25"], Kind::Date);
        assert!((days[3][0] - 2.0_f32.sqrt()).abs() < 1e-6, "{days:?}");
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
    fn of_very_many_names_each_has_the_number_of_a_row() {
        let cells: Vec<String> = (0..3000).map(|row| format!("n{:03}", (row * row) % 2999 % 1000)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).chain(["once"]).collect();
        let found = encoded(&cells, Kind::Category, &["n000", "n001", "never seen", "once", "?"]);
        let names = found[2][0];
        assert!((Recipe::ONE_HOT as f32..1000.0).contains(&names), "{names}");
        assert_eq!(found[..4], [[0.0], [1.0], [names], [names]], "unseen and rare names share the last row");
        assert!(found[4][0] < names, "what is missing is the most frequent");
    }

    #[test]
    fn quantities_are_read_in_the_unit_of_their_column() {
        let found = encoded(&["$1", "$2", "$3"], Kind::Number, &["$2", "$3.00"]);
        assert_eq!(found[0], [0.0]);
        assert!((found[1][0] - 1.5_f32.sqrt()).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn what_is_said_to_be_a_number_may_be_in_thousands_and_millions() {
        let found = encoded(&["500K", "2M", "1M", "0"], Kind::Number, &["875K", "2M", "2000K"]);
        assert_eq!(found[0], [0.0]);
        assert_eq!(found[1], found[2]);
    }

    #[test]
    fn of_yes_and_no_one_and_zero_are_other_spellings() {
        let found = inputs(&["yes", "no", "1", "0"], Kind::Boolean);
        assert_eq!(found[2..], found[..2]);
        assert!(found[0] > found[1]);
    }

    #[test]
    fn a_moment_has_its_places_in_the_year_the_week_and_the_day_behind_its_days() {
        // The fifth day of 1970, after three quarters of it.
        let found = &inputs(&["1970-01-01 00:00", "1970-01-05 18:00", "1970-02-11 07:00"], Kind::Date)[1];
        let turns = [4.75 / 365.2425, 4.0 / 7.0, 0.75];
        let expected = turns.map(|turn| (std::f32::consts::TAU * turn).sin_cos());
        assert_eq!(found.len(), 7);
        for (found, (sine, cosine)) in found[1..].chunks(2).zip(expected) {
            assert!((found[0] - sine).abs() < 1e-6 && (found[1] - cosine).abs() < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn moments_turn_in_circles() {
        let found = inputs(&["2026-11-23", "2026-11-30", "2026-12-07"], Kind::Date);
        assert_eq!(found[0].len(), 3, "days and the place in the year; all are Mondays at midnight");
        assert_eq!(found[1][0], 0.0);
        let week = inputs(&["2026-11-23", "2026-11-24", "2026-11-30"], Kind::Date);
        assert_eq!(week[0][3..], week[2][3..], "both are Mondays");
        assert_ne!(week[0][3..], week[1][3..]);
        let years = inputs(&["1970-03-01", "2370-03-01", "1971-09-01"], Kind::Date);
        assert!((years[0][1] - years[1][1]).abs() < 1e-5, "400 years are 146097 days: {years:?}");
        let hours = inputs(&["00:00", "06:00", "12:00"], Kind::Date);
        for (found, expected) in hours.iter().zip([[0.0, 1.0], [1.0, 0.0], [0.0, -1.0]]) {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6), "{hours:?}");
        }
    }

    #[test]
    fn durations_are_numbers() {
        assert_eq!(inputs(&["20:00", "1:00:00", "1:40:00"], Kind::Date)[1], [0.0]);
        assert_eq!(inputs(&["0 days 12:00:00", "1 days 12:00:00", ""], Kind::Date)[2], [0.0]);
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
