//! How long something took.

use jiff::{Span, SpanRelativeTo, Unit};

use crate::calendar::DAY;
use crate::clock::digits;

/// The seconds of `36:15:00`, `27:15` (minutes and seconds), `1:23.456`, `2 days 03:00:00` as Python and pandas write it,
/// `2h 50m` or `PT2H50M`.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    if !text.contains(':') {
        return in_words(text);
    }
    let (days, time) = match text.split_once(" day") {
        Some((days, rest)) => (days.parse::<i32>().ok()?, rest.trim_start_matches(['s', ',', ' ', '+'])),
        None => (0, text),
    };
    let mut parts = time.rsplit(':');
    let (s, minutes, hours) = (parts.next()?, parts.next()?, parts.next());
    let two = |text: &str| digits(text).filter(|number| text.len() == 2 && *number < 60);
    let sound = two(s.get(..2)?).is_some() && (s.len() == 2 || s[2..].starts_with(['.', ',']));
    let minutes = match hours {
        None => digits(minutes)?,
        Some(hours) => 60 * digits(hours)? + two(minutes)?,
    };
    let seconds: f64 = s.replace(',', ".").parse().ok()?;
    (sound && parts.next().is_none()).then_some(f64::from(days) * DAY + 60.0 * minutes as f64 + seconds)
}

/// Numbers with units behind them, each smaller than the one before; in all days there are 24 hours.
fn in_words(text: &str) -> Option<f64> {
    let span: Span = text.to_lowercase().parse().ok()?;
    span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_the_customary_spellings() {
        // Numbers from pandas.Timedelta, where it reads them.
        for (text, expected) in [
            ("36:15:00", Some(130_500.0)),
            ("100:00:01.5", Some(360_001.5)),
            ("27:15", Some(1635.0)),
            ("75:30", Some(4530.0)),
            ("1:23.25", Some(83.25)),
            ("1:23,25", Some(83.25)),
            ("0 days 00:05:30", Some(330.0)),
            ("2 days 03:00:00.250000", Some(183_600.25)),
            ("-1 days +23:59:30", Some(-30.0)),
            ("1 day, 0:00:05", Some(86_405.0)),
            ("", None),
            ("27", None),
            ("27:5", None),
            ("27:60", None),
            ("16:9", None),
            ("1:60:00", None),
            ("1:2:03", None),
            ("1:02:03:04", None),
            ("27:15 PM", None),
            ("27:155", None),
            ("27:1e", None),
            ("27:é1", None),
            ("119:105", None),
            ("5 days", Some(432_000.0)),
            ("2h 50m", Some(10_200.0)),
            ("25m", Some(1500.0)),
            ("250ms", Some(0.25)),
            ("1 hr, 5 min", Some(3900.0)),
            ("PT4M13.5S", Some(253.5)),
            ("P1DT2H", Some(93_600.0)),
            ("2H 50 Min", Some(10_200.0)),
            ("5 months", None),
            ("50m 2h", None),
            ("5m 5m", None),
            ("2h 50", None),
            ("h", None),
            ("5 kg", None),
            ("5é", None),
            ("some day 10:00", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
