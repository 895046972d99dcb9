//! The parts of a date as it is written.

use crate::calendar::{DAY, days, monday};
use crate::clock::{digits, zoned};
use std::ops::RangeInclusive;

/// The parts of a date, and the time of day behind it.
#[derive(Debug, PartialEq)]
pub(crate) struct Date<'a> {
    pub(crate) year: &'a str,
    pub(crate) month: i64,
    pub(crate) day: &'a str,
    pub(crate) time: Option<&'a str>,
}

impl<'a> Date<'a> {
    /// Seconds since the beginning of 1970, if the year has four digits, or two where they are to be `short`.
    pub(crate) fn seconds(&self, short: bool) -> Option<f64> {
        let year = match (digits(self.year)?, self.year.len()) {
            (year @ 69.., 2) if short => 1900 + year,
            (year, 2) if short => 2000 + year,
            (year, 4) if !short => year,
            _ => return None,
        };
        let of_day = self.time.map_or(Some(0.0), zoned)?;
        Some(days(year, self.month, one_or_two(self.day)?)? as f64 * DAY + of_day)
    }

    /// With the month by its English name, whole or from three letters on: `5 Jan 2026`, `05JAN2026:14:30:00`,
    /// `Mon, January 5th, 2026 2:30 PM`, `Mon Jan 5 14:30:00 2026`, `2026-Jan-05`, and, for its first day, `Jan 2026` or, as Excel
    /// writes a month, `Jan-26`.
    pub(crate) fn with_named_month(text: &'a str) -> Option<Date<'a>> {
        let (first, rest) = run(text);
        let (first, rest) = if place(first, &DAYS).is_some() { run(rest) } else { (first, rest) };
        let (second, behind) = run_after_ordinal(rest);
        match (first.len(), place(first, &MONTHS), place(second, &MONTHS)) {
            (4, None, Some(month)) => {
                let (day, time) = run(behind);
                let day = if day.is_empty() { "1" } else { day };
                Some(Date { year: first, month, day, time: after(time) })
            }
            (1 | 2, None, Some(month)) => {
                let (year, time) = run(behind);
                Some(Date { year, month, day: first, time: after(time) })
            }
            (_, Some(month), None) if second.len() == 4 => {
                Some(Date { year: second, month, day: "1", time: after(behind) })
            }
            // `Jan 26` is rather a day.
            (_, Some(month), None) if behind.is_empty() && text[first.len()..].starts_with('-') => {
                Some(Date { year: second, month, day: "1", time: None })
            }
            (_, Some(month), None) => {
                let (time, year) = behind.trim().rsplit_once(' ').unwrap_or(("", behind));
                if time.contains(':') && year.len() == 4 && digits(year).is_some() {
                    return Some(Date { year, month, day: second, time: after(time) });
                }
                let (year, time) = run_after_ordinal(behind);
                Some(Date { year, month, day: second, time: after(time) })
            }
            _ => None,
        }
    }

    /// The first day of a month or a quarter: `2026-01`, `2026/01`, `01/2026`, `2026-Q1`, `2026Q1`.
    pub(crate) fn of_month(text: &'a str) -> Option<Date<'a>> {
        let (year, month) = match text.split_once('Q') {
            Some((year, quarter)) => (year.trim_end_matches(['-', ' ']), 3 * digits(quarter)? - 2),
            None => {
                let (first, second) = text.split_once(['-', '/'])?;
                let (year, month) = if first.len() == 4 { (first, second) } else { (second, first) };
                (year, digits(month).filter(|_| month.len() == 2)?)
            }
        };
        PLAUSIBLE.contains(&year).then_some(Date { year, month, day: "1", time: None })
    }
}

/// Years where a date is no more than two numbers, or one. They are fewer than a column of [years](crate::calendar::is_year)
/// may have: other numbers have dashes and strokes, too, and eight digits.
const PLAUSIBLE: RangeInclusive<&str> = "1900"..="2100";

/// The Monday of a week of ISO 8601 (`2026-W07`, `2026W07`), in days since the beginning of 1970.
pub(crate) fn monday_of_week(text: &str) -> Option<i64> {
    let (year, week) = text.split_once('W')?;
    let year = year.strip_suffix('-').unwrap_or(year);
    monday(digits(year).filter(|_| PLAUSIBLE.contains(&year))?, digits(week).filter(|_| week.len() == 2)?)
}

/// Year, month and day of eight digits (`20261123`).
pub(crate) fn joined(text: &str) -> Option<[&str; 3]> {
    let is_one = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    let fields = is_one.then(|| [&text[..4], &text[4..6], &text[6..]])?;
    PLAUSIBLE.contains(&fields[0]).then_some(fields)
}

/// The three fields between the first separator, which must be one of these, and the time of day behind them.
pub(crate) fn fields<'a>(text: &'a str, separators: &[char]) -> Option<([&'a str; 3], Option<&'a str>)> {
    let (date, time) = match text.find([' ', 'T']) {
        Some(at) => (&text[..at], Some(text[at + 1..].trim_start())),
        None => (text, None),
    };
    let separator = date.chars().find(|c| !c.is_ascii_digit()).filter(|c| separators.contains(c))?;
    let mut parts = date.split(separator);
    let found = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some((found, time))
}

/// The number of one or two digits.
pub(crate) fn one_or_two(text: &str) -> Option<i64> {
    digits(text).filter(|_| text.len() <= 2)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The place from 1 of the name that begins with this, if that is three letters or more.
fn place(text: &str, names: &[&str]) -> Option<i64> {
    let begins = |name: &str| name.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    (text.len() >= 3).then(|| names.iter().position(|name| begins(name)))?.map(|at| at as i64 + 1)
}

/// The letters or the digits at the beginning, and what is behind them and behind the marks that divide dates.
fn run(text: &str) -> (&str, &str) {
    let bytes = text.as_bytes();
    let is_same = |byte: &u8| match bytes[0].is_ascii_digit() {
        true => byte.is_ascii_digit(),
        false => byte.is_ascii_alphabetic(),
    };
    let (run, rest) = text.split_at(bytes.iter().take_while(|byte| is_same(byte)).count());
    (run, rest.trim_start_matches([' ', '-', '/', '.', ',']))
}

/// As [`run`], without `st`, `nd`, `rd` or `th` at the beginning.
fn run_after_ordinal(text: &str) -> (&str, &str) {
    let (first, rest) = run(text);
    let is_ordinal = ["st", "nd", "rd", "th"].iter().any(|ending| first.eq_ignore_ascii_case(ending));
    if is_ordinal { run(rest) } else { (first, rest) }
}

/// The time of day in what is behind a date.
fn after(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', ':', 'T']);
    let text = text.strip_prefix("at ").unwrap_or(text);
    (!text.is_empty()).then_some(text)
}
