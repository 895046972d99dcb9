//! Days, counted and named.

/// The seconds of a day.
pub(crate) const DAY: f64 = 86_400.0;

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
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let of_cycle = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let shifted = (5 * of_year + 2) / 153;
    let (date, month) =
        (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    (of_cycle + era * 400 + i64::from(month <= 2), month, date)
}

/// Days since 1 January 1970 in the Gregorian calendar, if there is such a day.
///
/// H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
pub(crate) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
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
    }
}
