//! Dates and times of day in the customary spellings, as numbers.

use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::table::Table;

/// How the moments of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MomentFormat {
    /// `2026-11-23`, `2026/11/23`, perhaps with a time of day behind a blank or a `T`.
    YearFirst,
    /// `23.11.2026`, `23/11/2026`, perhaps with a time of day.
    DayFirst,
    /// `11/23/2026`, `11-23-2026`, perhaps with a time of day.
    MonthFirst,
    /// `14:30`, `14:30:15`, `2:30 PM`.
    TimeOfDay,
}

pub(crate) const DAY: f64 = 86_400.0;

impl MomentFormat {
    const ALL: [MomentFormat; 4] =
        [MomentFormat::YearFirst, MomentFormat::DayFirst, MomentFormat::MonthFirst, MomentFormat::TimeOfDay];

    /// The format that most of the texts have: how many have it, and how many texts there are. Where days and months are
    /// told apart by no text, the [course](Course) of the texts decides, and if that does not either, the day is first.
    pub(crate) fn recognise<'a>(
        texts: impl Iterator<Item = &'a str> + Clone,
    ) -> (MomentFormat, usize, usize) {
        let mut counts = [0; 4];
        let mut all = 0;
        for text in texts.clone() {
            all += 1;
            for (count, format) in counts.iter_mut().zip(MomentFormat::ALL) {
                *count += usize::from(format.seconds(text).is_some());
            }
        }
        let best = (0..4).rev().max_by_key(|at| counts[*at]).unwrap_or(0);
        let format = match MomentFormat::ALL[best] {
            MomentFormat::DayFirst if counts[1] == counts[2] => {
                let course = |format| Course::of(format, texts.clone());
                if course(MomentFormat::MonthFirst) > course(MomentFormat::DayFirst) {
                    MomentFormat::MonthFirst
                } else {
                    MomentFormat::DayFirst
                }
            }
            format => format,
        };
        (format, counts[best], all)
    }

    /// The format of texts of a kind, which may say whether the day or the month is first.
    pub(crate) fn of<'a>(kind: Kind, texts: impl Iterator<Item = &'a str> + Clone) -> MomentFormat {
        match kind {
            Kind::DayFirst => MomentFormat::DayFirst,
            Kind::MonthFirst => MomentFormat::MonthFirst,
            _ => MomentFormat::recognise(texts).0,
        }
    }

    /// What is written like this.
    pub(crate) fn example(self) -> &'static str {
        match self {
            MomentFormat::YearFirst => "a date like 2026-11-23",
            MomentFormat::DayFirst => "a date like 23.11.2026, the day first",
            MomentFormat::MonthFirst => "a date like 11/23/2026, the month first",
            MomentFormat::TimeOfDay => "a time of day like 14:30",
        }
    }

    /// Whether all these texts, if they are of this format, can be read with days for months and months for days.
    fn leaves_open<'a>(self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        let other = match self {
            MomentFormat::DayFirst => MomentFormat::MonthFirst,
            MomentFormat::MonthFirst => MomentFormat::DayFirst,
            MomentFormat::YearFirst | MomentFormat::TimeOfDay => return false,
        };
        texts.all(|text| other.seconds(text).is_some() || self.seconds(text).is_none())
    }

    /// Seconds since the beginning of 1970 (of the day, for a time of day), in the text's own zone or else in any.
    pub(crate) fn seconds(self, text: &str) -> Option<f64> {
        if self == MomentFormat::TimeOfDay {
            return time_of_day(text);
        }
        let (date, time) = match text.find([' ', 'T']) {
            Some(at) => (&text[..at], Some(text[at + 1..].trim_start())),
            None => (text, None),
        };
        let separator = date.chars().find(|c| !c.is_ascii_digit())?;
        let fits = match self {
            MomentFormat::YearFirst => matches!(separator, '-' | '/' | '.'),
            MomentFormat::DayFirst => matches!(separator, '.' | '/' | '-'),
            MomentFormat::MonthFirst => matches!(separator, '/' | '-'),
            MomentFormat::TimeOfDay => false,
        };
        let parts: Vec<&str> = date.split(separator).collect();
        let [a, b, c] = parts[..] else { return None };
        let (year, month, day) = match self {
            MomentFormat::YearFirst => (a, b, c),
            MomentFormat::DayFirst => (c, b, a),
            MomentFormat::MonthFirst => (c, a, b),
            MomentFormat::TimeOfDay => return None,
        };
        if !fits || year.len() != 4 || month.len() > 2 || day.len() > 2 {
            return None;
        }
        let day = days(digits(year)?, digits(month)?, digits(day)?)? as f64;
        let of_day = match time {
            None => 0.0,
            Some(time) => zoned(time)?,
        };
        Some(day * DAY + of_day)
    }
}

/// What speaks for a reading of dates, the weightiest first.
#[derive(PartialEq, PartialOrd)]
struct Course {
    /// The rows are in the order of time, or in the opposite one.
    in_order: bool,
    /// One row for a month: all dates are the first of one.
    first_of_month: bool,
    /// One row for a day: all dates are of one month.
    one_month: bool,
}

impl Course {
    fn of<'a>(format: MomentFormat, texts: impl Iterator<Item = &'a str> + Clone) -> Course {
        let moments = || texts.clone().filter_map(|text| format.seconds(text));
        let dates = || moments().map(|at| civil((at / DAY) as i64));
        let month = |(year, month, _)| (year, month);
        Course {
            in_order: moments().is_sorted() || moments().is_sorted_by(|a, b| a >= b),
            first_of_month: dates().all(|(_, _, day)| day == 1),
            one_month: dates().map(month).is_sorted_by(|a, b| a == b),
        }
    }
}

/// The order in which the days and months of a column are read, where every one of its texts in these rows allows the
/// other order, too.
///
/// ```
/// use highwater_data::{MomentFormat, Table, open_date_order};
///
/// // Days of January, or months of 2024? These are rather the latter.
/// let table = Table::from_csv_reader("t.csv", "at,due\n1/1/2024,2/1/2024\n2/1/2024,13/1/2024\n".as_bytes())?;
/// assert_eq!(open_date_order(&table, "at", &[0, 1]), Some(MomentFormat::MonthFirst));
/// assert_eq!(open_date_order(&table, "due", &[0, 1]), None);
/// # Ok::<(), highwater_data::Error>(())
/// ```
///
/// # Panics
/// If the table has no such row.
pub fn open_date_order(table: &Table, column: &str, rows: &[usize]) -> Option<MomentFormat> {
    let column = table.find(column)?;
    let texts = || rows.iter().filter(|row| !column.is_missing(**row)).map(|row| column.get(*row));
    let (format, found, _) = MomentFormat::recognise(texts());
    (found > 0 && format.leaves_open(texts())).then_some(format)
}

const MICROS_PER_DAY: i64 = DAY as i64 * 1_000_000;

/// A moment as text that starts with the year, with a time of day, to the microsecond, unless that is midnight.
#[cfg_attr(not(feature = "parquet"), allow(dead_code))]
pub(crate) fn date_and_time(seconds: f64) -> String {
    let micros = (seconds * 1e6).round() as i64;
    let (day, of_day) = (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY));
    let (year, month, date) = civil(day);
    let date = format!("{year:04}-{month:02}-{date:02}");
    if of_day == 0 {
        return date;
    }
    let (second, micro) = (of_day / 1_000_000, of_day % 1_000_000);
    let time = format!("{date} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
    match micro {
        0 => time,
        _ => format!("{time}.{micro:06}").trim_end_matches('0').to_owned(),
    }
}

/// Year, month and day of the month, so many days after 1 January 1970.
///
/// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let of_cycle = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (date, month) =
        (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    (of_cycle + era * 400 + i64::from(month <= 2), month, date)
}

/// A time of day with a zone (`Z`, `+01:00`) or without, in seconds of the universal day.
fn zoned(text: &str) -> Option<f64> {
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return time_of_day(time.trim_end());
    }
    let Some(at) = text.rfind(['+', '-']) else { return time_of_day(text) };
    let sign = if text[at..].starts_with('-') { 1.0 } else { -1.0 };
    let zone = &text[at + 1..];
    let offset = match zone.len() {
        2 => 3600 * digits(zone)?,
        4 if zone.is_ascii() => 3600 * digits(&zone[..2])? + 60 * digits(&zone[2..])?,
        _ => time_of_day(zone)? as i64,
    };
    Some(time_of_day(text[..at].trim_end())? + sign * offset as f64)
}

/// `hours:minutes`, perhaps `:seconds` with a fraction, perhaps of one half of the day (`2:30 PM`).
fn time_of_day(text: &str) -> Option<f64> {
    let end = text.len().checked_sub(2).filter(|end| text.is_char_boundary(*end));
    let (time, last) = text.split_at(end.unwrap_or(0));
    let half = [("am", 0), ("pm", 12)].into_iter().find(|(half, _)| last.eq_ignore_ascii_case(half));
    let mut parts = if half.is_some() { time.trim_end() } else { text }.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next());
    let h = match (digits(hours)?, half) {
        (h @ 1..=12, Some((_, noon))) => h % 12 + noon,
        (h @ 0..24, None) => h,
        _ => return None,
    };
    let m = digits(minutes)?;
    let s: f64 = match seconds {
        None => 0.0,
        Some(s) if s.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',') => {
            s.replace(',', ".").parse().ok()?
        }
        Some(_) => return None,
    };
    let sound = parts.next().is_none() && hours.len() <= 2 && minutes.len() == 2;
    (sound && m < 60 && s < 61.0).then_some((3600 * h + 60 * m) as f64 + s)
}

fn digits(text: &str) -> Option<i64> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Days since 1 January 1970 in the Gregorian calendar, if there is such a day.
///
/// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_customary_spellings() {
        use MomentFormat::{DayFirst, MonthFirst, TimeOfDay, YearFirst};
        // Numbers from Python's datetime.
        let cases = [
            (YearFirst, "1970-01-01", Some(0.0)),
            (YearFirst, "2026-11-23", Some(1_795_392_000.0)),
            (YearFirst, "2000/2/29", Some(951_782_400.0)),
            (YearFirst, "1969-12-31 23:59:59.5", Some(-0.5)),
            (YearFirst, "2026-11-23T14:30", Some(1_795_444_200.0)),
            (YearFirst, "2026-11-23T14:30:00Z", Some(1_795_444_200.0)),
            (YearFirst, "2026-11-23 14:30:00+01:00", Some(1_795_440_600.0)),
            (YearFirst, "2026-11-23 14:30:00-0130", Some(1_795_449_600.0)),
            (YearFirst, "1900-02-29", None),
            (YearFirst, "2026-13-01", None),
            (YearFirst, "2026-11-23 25:00", None),
            (YearFirst, "23.11.2026", None),
            (DayFirst, "23.11.2026", Some(1_795_392_000.0)),
            (DayFirst, "3/4/2026 08:05", Some(1_775_203_500.0)),
            (MonthFirst, "11/23/2026", Some(1_795_392_000.0)),
            (MonthFirst, "11/23/2026 2:30 PM", Some(1_795_444_200.0)),
            (MonthFirst, "11/23/2026 2:30:00 PM +01:00", Some(1_795_440_600.0)),
            (MonthFirst, "23/11/2026", None),
            (TimeOfDay, "14:30", Some(52_200.0)),
            (TimeOfDay, "14:30:15.25", Some(52_215.25)),
            (TimeOfDay, "14:30:15,25", Some(52_215.25)),
            (TimeOfDay, "2:30 PM", Some(52_200.0)),
            (TimeOfDay, "12:05am", Some(300.0)),
            (TimeOfDay, "12:05:10 pm", Some(43_510.0)),
            (TimeOfDay, "14:30 PM", None),
            (TimeOfDay, "0:30 AM", None),
            (TimeOfDay, "PM", None),
            (TimeOfDay, "14", None),
            (TimeOfDay, "1:2:3:4", None),
            (YearFirst, "", None),
            (YearFirst, "é-é-é", None),
            (YearFirst, "2026-11-23T", None),
            (YearFirst, "2026-11-23T14:30+éé", None),
        ];
        for (format, text, expected) in cases {
            assert_eq!(format.seconds(text), expected, "{format:?} {text:?}");
        }
    }

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        for text in ["1970-01-01", "2026-11-23", "2000-02-29", "1969-12-31", "0001-01-01"] {
            let seconds = MomentFormat::YearFirst.seconds(text).unwrap();
            assert_eq!(date_and_time(seconds), text);
            for of_day in [0.25, 59.0, 3600.0, 86_399.5] {
                let text = date_and_time(seconds + of_day);
                assert_eq!(MomentFormat::YearFirst.seconds(&text), Some(seconds + of_day), "{text}");
            }
        }
    }

    #[test]
    fn the_format_is_that_of_most_texts() {
        let of = |texts: &[&str]| MomentFormat::recognise(texts.iter().copied());
        assert_eq!(of(&["1/2/2026", "13/2/2026", "2/13/2026", "14/2/2026"]), (MomentFormat::DayFirst, 3, 4));
        assert_eq!(of(&["1/2/2026", "2/13/2026"]), (MomentFormat::MonthFirst, 2, 2));
        assert_eq!(of(&["1-2-2026", "2-13-2026"]), (MomentFormat::MonthFirst, 2, 2));
        assert_eq!(of(&["08:15", "x"]), (MomentFormat::TimeOfDay, 1, 2));
    }

    #[test]
    fn days_and_months_are_told_apart_by_the_course_of_the_rows() {
        use MomentFormat::{DayFirst, MonthFirst};
        let check = |texts: &[String], format: MomentFormat, open: bool| {
            let texts = || texts.iter().map(String::as_str);
            let (found, count, _) = MomentFormat::recognise(texts());
            assert_eq!((found, count), (format, texts().count()), "{:?}", texts().collect::<Vec<_>>());
            assert_eq!(format.leaves_open(texts()), open, "{:?}", texts().collect::<Vec<_>>());
        };
        let each = |format: fn(u32) -> String| (1..=12).map(format).collect::<Vec<_>>();
        let years = |months: fn(u32, u32) -> String| -> Vec<String> {
            (2022..2025).flat_map(|year| (1..=12).map(move |month| months(year, month))).collect()
        };
        check(&each(|n| format!("{n}/1/2024")), MonthFirst, true); // monthly
        check(&each(|n| format!("1/{n}/2024")), DayFirst, true);
        check(&each(|n| format!("{n}/3/2024")), DayFirst, true); // daily
        check(&each(|n| format!("3/{n}/2024")), MonthFirst, true);
        check(&years(|year, month| format!("{month}/1/{year}")), MonthFirst, true);
        check(&years(|year, month| format!("01/{month:02}/{year} 00:00")), DayFirst, true);
        check(&years(|year, month| format!("{month}/13/{year}")), MonthFirst, false);
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        check(&texts(&["3/11/2024", "4/2/2024", "5/1/2024", "6/12/2024"]), MonthFirst, true); // in order
        check(&texts(&["12/6/2024", "1/5/2024", "2/4/2024", "11/3/2024"]), DayFirst, true); // backwards
        check(&texts(&["3/4/2024", "5/2/2023", "1/6/2024"]), DayFirst, true); // nothing tells
        check(&texts(&["03.04.2024", "05.02.2024"]), DayFirst, false);
    }
}
