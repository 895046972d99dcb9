//! Days, counted and named.

use jiff::Span;
use jiff::civil::{Date, ISOWeekDate, Weekday, date};
#[cfg(any(test, feature = "parquet"))]
use jiff::{Timestamp, civil::Time, tz::TimeZone};

/// The seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;

const FIRST: Date = date(1970, 1, 1);

/// A moment as text that starts with the year, with a time of day, to the microsecond, unless that is midnight.
#[cfg(any(test, feature = "parquet"))]
pub(crate) fn date_and_time(seconds: f64) -> String {
    let Ok(moment) = Timestamp::from_microsecond((seconds * 1e6).round() as i64) else {
        return format!("{seconds} seconds after 1970");
    };
    let moment = TimeZone::UTC.to_datetime(moment);
    let format = if moment.time() == Time::midnight() { "%F" } else { "%F %T%.f" };
    moment.strftime(format).to_string()
}

/// The day so many days after 1 January 1970, if its year has four digits.
pub(crate) fn civil(day: i64) -> Option<Date> {
    FIRST.checked_add(Span::new().try_days(day).ok()?).ok()
}

/// Whether a number may be a year, in a column or a row of such.
pub(crate) fn is_year(number: f64) -> bool {
    (1500.0..2200.0).contains(&number)
}

/// Days since 1 January 1970 in the Gregorian calendar, if there is such a day.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?);
    Some(since_first(date.ok()?))
}

/// The Monday of a week of ISO 8601, in days since 1 January 1970, if the year has such a week.
pub(crate) fn monday(year: i64, week: i64) -> Option<i64> {
    let monday = ISOWeekDate::new(year.try_into().ok()?, week.try_into().ok()?, Weekday::Monday);
    Some(since_first(monday.ok()?.date()))
}

fn since_first(date: Date) -> i64 {
    i64::from((date - FIRST).get_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::moment::MomentFormat;

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
        assert_eq!(date_and_time(1e13), "10000000000000 seconds after 1970");
    }
}
