//! Dates, times of day and durations in the customary spellings, as numbers.

use std::cmp::Reverse;

use jiff::civil::Date as Day;
use serde::{Deserialize, Serialize};

use crate::calendar::{DAY, civil};
use crate::clock::time_of_day;
use crate::date::{Date, fields, joined, monday_of_week, one_or_two};
use crate::duration;
use crate::kind::Kind;
use crate::table::Table;

/// How the moments of a column are written. A time of day may be behind a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MomentFormat {
    /// `2026-11-23`, `2026/11/23`, `2026-11-23T14:30`, `20261123`.
    YearFirst,
    /// `23.11.2026`, `23/11/2026`.
    DayFirst,
    /// `11/23/2026`, `11-23-2026`.
    MonthFirst,
    /// `14:30`, `14:30:15`, `2:30 PM`.
    TimeOfDay,
    /// `23 Nov 2026`, `23-Nov-2026`, `Mon, November 23, 2026`: the month by its English name.
    NamedMonth,
    /// `23.11.26`, `23/11/26`. Of years with two digits, 69 is 1969 and 68 is 2068, as in POSIX's `strptime`.
    ShortDayFirst,
    /// `11/23/26`, `11-23-26`.
    ShortMonthFirst,
    /// `26-11-23`, `26/11/23`.
    ShortYearFirst,
    /// `23-Nov-26`, `Nov 23, 26`, and, for its first day, `Nov-26`.
    ShortNamedMonth,
    /// `2026-11`, `11/2026`, `2026-Q4`, `2026-W47`: the first day of a month, a quarter or a week.
    Month,
    /// `36:15:00`, `27:15` (minutes and seconds), `1:23.456`, `2 days 03:00:00`, `2h 50m`: how long something took.
    Duration,
}

use MomentFormat::{
    DayFirst, Duration, Month, MonthFirst, NamedMonth, ShortDayFirst, ShortMonthFirst, ShortNamedMonth,
    ShortYearFirst, TimeOfDay, YearFirst,
};

impl MomentFormat {
    /// In the order of preference.
    const ALL: [MomentFormat; 11] = [
        YearFirst,
        DayFirst,
        MonthFirst,
        TimeOfDay,
        NamedMonth,
        ShortDayFirst,
        ShortMonthFirst,
        ShortYearFirst,
        ShortNamedMonth,
        Month,
        Duration,
    ];

    /// The format that most of the texts have, and how many have it. Where the parts of a date are told apart by no text, the
    /// [course](Course) of the texts decides, and if that does not either, the day is first.
    pub(crate) fn recognise<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> (MomentFormat, usize) {
        let mut counts = [0; MomentFormat::ALL.len()];
        for text in texts.clone() {
            for (count, format) in counts.iter_mut().zip(MomentFormat::ALL) {
                *count += usize::from(format.seconds(text).is_some());
            }
        }
        let most = counts.into_iter().max().unwrap_or(0);
        let mut fitting = MomentFormat::ALL.into_iter().zip(counts).filter(|at| at.1 == most).map(|at| at.0);
        let mut format = fitting.next().unwrap_or(YearFirst);
        let rivals: Vec<MomentFormat> = fitting.filter(|_| most > 0).collect();
        if !rivals.is_empty() {
            let mut course = Course::of(format, texts.clone());
            for rival in rivals {
                let other = Course::of(rival, texts.clone());
                if other > course {
                    (format, course) = (rival, other);
                }
            }
        }
        (format, most)
    }

    /// A format of days, spelled out, that this text has.
    pub(crate) fn of_day(text: &str) -> Option<MomentFormat> {
        [YearFirst, DayFirst, MonthFirst, NamedMonth]
            .into_iter()
            .find(|format| format.seconds(text).is_some())
    }

    /// The format of texts of a kind, which may say whether the day or the month is first.
    pub(crate) fn of<'a>(kind: Kind, texts: impl Iterator<Item = &'a str> + Clone) -> MomentFormat {
        let fitting =
            |format: MomentFormat| texts.clone().filter(|text| format.seconds(text).is_some()).count();
        let longer = |long, short| if fitting(short) > fitting(long) { short } else { long };
        match kind {
            Kind::DayFirst => longer(DayFirst, ShortDayFirst),
            Kind::MonthFirst => longer(MonthFirst, ShortMonthFirst),
            _ => MomentFormat::recognise(texts).0,
        }
    }

    /// Whether years have two digits, and are those from 1969 to 2068.
    pub fn has_short_years(self) -> bool {
        match self {
            ShortDayFirst | ShortMonthFirst | ShortYearFirst | ShortNamedMonth => true,
            YearFirst | DayFirst | MonthFirst | TimeOfDay | NamedMonth | Month | Duration => false,
        }
    }

    /// Whether this is of days, and not of hours on any day.
    pub(crate) fn is_dated(self) -> bool {
        !matches!(self, TimeOfDay | Duration)
    }

    /// Whether so much else is written like this that a column has such moments only if all of its texts are some.
    pub(crate) fn is_weak(self) -> bool {
        self.has_short_years() || matches!(self, Month | Duration)
    }

    /// What is written like this.
    pub fn example(self) -> &'static str {
        match self {
            YearFirst => "a date like 2026-11-23",
            DayFirst => "a date like 23.11.2026, the day first",
            MonthFirst => "a date like 11/23/2026, the month first",
            TimeOfDay => "a time of day like 14:30",
            NamedMonth => "a date like 23 Nov 2026",
            ShortDayFirst => "a date like 23.11.26, the day first",
            ShortMonthFirst => "a date like 11/23/26, the month first",
            ShortYearFirst => "a date like 26-11-23, the year first",
            ShortNamedMonth => "a date like 23-Nov-26",
            Duration => "a duration like 36:15:00, 1:23.4 or 2h 50m",
            Month => "a month like 2026-11, a quarter like 2026-Q4 or a week like 2026-W47",
        }
    }

    /// Whether all these texts, if they are of this format, can be read with days for months and months for days.
    fn leaves_open<'a>(self, mut texts: impl Iterator<Item = &'a str>) -> bool {
        let other = match self {
            DayFirst => MonthFirst,
            MonthFirst => DayFirst,
            ShortDayFirst => ShortMonthFirst,
            ShortMonthFirst => ShortDayFirst,
            YearFirst | TimeOfDay | NamedMonth | ShortYearFirst | ShortNamedMonth | Month | Duration => {
                return false;
            }
        };
        texts.all(|text| other.seconds(text).is_some() || self.seconds(text).is_none())
    }

    /// Seconds since the beginning of 1970 (of the day, for a time of day; of all, for a duration), in the text's own zone or else in any.
    pub(crate) fn seconds(self, text: &str) -> Option<f64> {
        let date = match self {
            TimeOfDay => return time_of_day(text),
            Duration => return duration::seconds(text),
            NamedMonth | ShortNamedMonth => Date::with_named_month(text)?,
            Month if text.contains('W') => return Some(monday_of_week(text)? as f64 * DAY),
            Month => Date::of_month(text)?,
            YearFirst | ShortYearFirst => {
                let apart = || fields(text, &['-', '/', '.']);
                let ([year, month, day], time) = joined(text).map(|fields| (fields, None)).or_else(apart)?;
                Date { year, month: one_or_two(month)?, day, time }
            }
            DayFirst | ShortDayFirst => {
                let ([day, month, year], time) = fields(text, &['.', '/', '-'])?;
                Date { year, month: one_or_two(month)?, day, time }
            }
            MonthFirst | ShortMonthFirst => {
                let ([month, day, year], time) = fields(text, &['/', '-'])?;
                Date { year, month: one_or_two(month)?, day, time }
            }
        };
        date.seconds(self.has_short_years())
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
    /// From the first year to the last.
    years: Reverse<i16>,
}

impl Course {
    fn of<'a>(format: MomentFormat, texts: impl Iterator<Item = &'a str> + Clone) -> Course {
        let moments = || texts.clone().filter_map(|text| format.seconds(text));
        let dates = || moments().filter_map(|at| civil((at / DAY).floor() as i64));
        let years = dates()
            .map(Day::year)
            .fold((i16::MAX, i16::MIN), |(low, high), year| (low.min(year), high.max(year)));
        Course {
            in_order: moments().is_sorted() || moments().is_sorted_by(|a, b| a >= b),
            first_of_month: dates().all(|date| date.day() == 1),
            one_month: dates().map(Day::first_of_month).is_sorted_by(|a, b| a == b),
            years: Reverse(years.1.saturating_sub(years.0)),
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
    let texts = || column.present(rows).map(|row| column.get(row));
    let (format, found) = MomentFormat::recognise(texts());
    (found > 0 && format.leaves_open(texts())).then_some(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_in_the_customary_spellings() {
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
            (YearFirst, "2026/11/23 2:30:00 PM GMT+1", Some(1_795_440_600.0)),
            (YearFirst, "20261123", Some(1_795_392_000.0)),
            (YearFirst, "20261323", None),
            (YearFirst, "12341123", None),
            (YearFirst, "2026112", None),
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
            (Month, "2026-11", Some(1_793_491_200.0)),
            (Month, "2026/11", Some(1_793_491_200.0)),
            (Month, "11/2026", Some(1_793_491_200.0)),
            (Month, "2026-Q4", Some(1_790_812_800.0)),
            (Month, "2026Q4", Some(1_790_812_800.0)),
            (Month, "2026-W01", Some(1_766_966_400.0)),
            (Month, "2026W53", Some(1_798_416_000.0)),
            (Month, "2024-W07", Some(1_707_696_000.0)),
            (Month, "2025-W53", None),
            (Month, "2024-W54", None),
            (Month, "2024-W7", None),
            (Month, "1200W07", None),
            (Month, "2024-W07-3", None),
            (Month, "2026-13", None),
            (Month, "2026-1", None),
            (Month, "2026Q5", None),
            (Month, "1234-05", None),
            (Month, "12-05", None),
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
            (YearFirst, "2026-11-23 14:30:00 UTC", Some(1_795_444_200.0)),
            (YearFirst, "26-11-23", None),
            (DayFirst, "23.0011.2026", None),
            (MonthFirst, "0011/23/2026", None),
            (NamedMonth, "23 Nov 2026", Some(1_795_392_000.0)),
            (NamedMonth, "23-NOV-2026", Some(1_795_392_000.0)),
            (NamedMonth, "23NOV2026", Some(1_795_392_000.0)),
            (NamedMonth, "23NOV2026:14:30:00.000", Some(1_795_444_200.0)),
            (NamedMonth, "23. november 2026", Some(1_795_392_000.0)),
            (NamedMonth, "23rd of November 2026", None),
            (NamedMonth, "23rd November, 2026", Some(1_795_392_000.0)),
            (NamedMonth, "Nov 23, 2026", Some(1_795_392_000.0)),
            (NamedMonth, "November 23rd, 2026 at 2:30 PM", Some(1_795_444_200.0)),
            (NamedMonth, "Nov. 23, 2026, 14:30", Some(1_795_444_200.0)),
            (NamedMonth, "Mon, 23 Nov 2026 14:30:00 +0100", Some(1_795_440_600.0)),
            (NamedMonth, "Mon Nov 23 14:30:00 2026", Some(1_795_444_200.0)),
            (NamedMonth, "Mon Nov 23 14:30:00 UTC 2026", Some(1_795_444_200.0)),
            (NamedMonth, "Mon Nov 23 2026 14:30:00 GMT+0100 (CET)", Some(1_795_440_600.0)),
            (NamedMonth, "Monday, November 23, 2026", Some(1_795_392_000.0)),
            (NamedMonth, "2026-Nov-23T14:30", Some(1_795_444_200.0)),
            (NamedMonth, "Nov 2026", Some(1_793_491_200.0)),
            (NamedMonth, "2026 November", Some(1_793_491_200.0)),
            (NamedMonth, "29 Feb 2025", None),
            (NamedMonth, "Nov 23", None),
            (NamedMonth, "23 No 2026", None),
            (NamedMonth, "23 Novem. 2026 or so", None),
            (NamedMonth, "November", None),
            (NamedMonth, "Monday", None),
            (NamedMonth, "é Nov 2026", None),
            (NamedMonth, "23-Nov-26", None),
            (NamedMonth, "", None),
            (ShortNamedMonth, "23-Nov-26", Some(1_795_392_000.0)),
            (ShortNamedMonth, "Nov 23, 26 2:30 pm", Some(1_795_444_200.0)),
            (ShortNamedMonth, "31-Dec-69", Some(-86_400.0)),
            (ShortNamedMonth, "Nov-26", Some(1_793_491_200.0)),
            (ShortNamedMonth, "Nov 26", None),
            (ShortNamedMonth, "26-Nov", None),
            (ShortNamedMonth, "Nov-2026", None),
            (ShortNamedMonth, "Nov-2", None),
            (ShortNamedMonth, "23-Nov-2026", None),
            (ShortDayFirst, "23.11.26", Some(1_795_392_000.0)),
            (ShortDayFirst, "01/01/69", Some(-31_536_000.0)),
            (ShortDayFirst, "01/01/68", Some(3_092_601_600.0)),
            (ShortDayFirst, "23.11.2026", None),
            (ShortMonthFirst, "11/23/26 2:30 PM", Some(1_795_444_200.0)),
            (ShortMonthFirst, "11.23.26", None),
            (ShortYearFirst, "26-11-23T14:30", Some(1_795_444_200.0)),
            (ShortYearFirst, "6-11-23", None),
        ];
        for (format, text, expected) in cases {
            assert_eq!(format.seconds(text), expected, "{format:?} {text:?}");
        }
    }

    #[test]
    fn the_format_is_that_of_most_texts() {
        let of = |texts: &[&str]| MomentFormat::recognise(texts.iter().copied());
        assert_eq!(of(&["1/2/2026", "13/2/2026", "2/13/2026", "14/2/2026"]), (MomentFormat::DayFirst, 3));
        assert_eq!(of(&["1/2/2026", "2/13/2026"]), (MomentFormat::MonthFirst, 2));
        assert_eq!(of(&["1-2-2026", "2-13-2026"]), (MomentFormat::MonthFirst, 2));
        assert_eq!(of(&["08:15", "x"]), (MomentFormat::TimeOfDay, 1));
        assert_eq!(of(&["08:15", "23:59"]), (MomentFormat::TimeOfDay, 2));
        assert_eq!(of(&["08:15", "24:10"]), (MomentFormat::Duration, 2));
    }

    #[test]
    fn days_and_months_are_told_apart_by_the_course_of_the_rows() {
        let check = |texts: &[String], format: MomentFormat, open: bool| {
            let texts = || texts.iter().map(String::as_str);
            let (found, count) = MomentFormat::recognise(texts());
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
        check(&texts(&["3/11/69 10:00", "4/2/69 1:00", "5/1/69", "6/12/69"]), ShortMonthFirst, true); // before 1970
        check(&texts(&["05/01/24", "12/01/24", "02/02/24"]), ShortDayFirst, true);
        check(&texts(&["05/01/24", "05/13/24", "02/02/24"]), ShortMonthFirst, false);
        check(&texts(&["24-01-05", "24-01-12", "24-02-02"]), ShortYearFirst, false);
        check(&texts(&["24-02-05", "23-01-12", "24-01-02"]), ShortYearFirst, false); // fewest years
    }

    #[test]
    fn dates_before_1970_fall_on_their_own_day() {
        // At noon of the first of a month is not the day after.
        let texts: Vec<String> = (1..=12).map(|n| format!("{n}/1/1969 12:00")).collect();
        let texts = || texts.iter().map(String::as_str);
        let disordered = texts().skip(5).chain(texts().take(5));
        assert_eq!(MomentFormat::recognise(disordered).0, MonthFirst);
    }
}
