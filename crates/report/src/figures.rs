//! Numbers and times as a reader wants them. Files get exact ones instead.

use std::fmt;

/// The least and the largest finite value; 0 and 1 without any.
pub(crate) fn extent(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (low, high) = finite
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high { (0.0, 1.0) } else { (low, high) }
}

/// Whether values of this extent are drawn by their logarithms.
pub(crate) fn is_wide((low, high): (f64, f64)) -> bool {
    low > 0.0 && high / low >= 15.0
}

/// A measured value, with about four digits that count: `0.0812`, `12.034`, `1.2e-7`.
#[derive(Debug, Clone, Copy)]
pub struct Rounded(pub f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        let text = match magnitude {
            0.0 => "0".to_owned(),
            _ if !magnitude.is_finite() => self.0.to_string(),
            1e-4..1e9 => format!("{:.*}", decimals(magnitude), self.0),
            _ => format!("{:.2e}", self.0),
        };
        f.pad(&text)
    }
}

/// How many decimals show four digits of a number of this magnitude.
pub(crate) fn decimals(magnitude: f64) -> usize {
    match magnitude {
        10.0..100.0 => 3,
        100.0..1e3 => 2,
        1e3..1e5 => 1,
        1e5.. => 0,
        _ if magnitude < 0.1 && magnitude > 0.0 => ((3.0 - magnitude.log10().floor()) as usize).min(7),
        _ => 4,
    }
}

/// Whether a score is undefined for rows whose loss is not, as R² of a single row is.
pub fn is_undefined(score: f64, loss: f64) -> bool {
    score.is_nan() && loss.is_finite()
}

/// A score of rows with this loss: rounded, or a dash if it is [undefined](is_undefined).
pub fn score_text(score: f64, loss: f64) -> String {
    if is_undefined(score, loss) { "–".to_owned() } else { Rounded(score).to_string() }
}

/// A count with its thousands apart: `1,797`.
#[derive(Debug, Clone, Copy)]
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

/// A time given in seconds, in one or two units: `850 ms`, `3.2 s`, `41 s`, `2 min 5 s`, `3 h 7 min`.
#[derive(Clone, Copy)]
pub(crate) struct Time(pub(crate) f64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0;
        let pair = |whole: u64, large: &str, size: u64, small: &str, part: u64| match whole % size / part {
            0 => format!("{} {large}", whole / size),
            rest => format!("{} {large} {rest} {small}", whole / size),
        };
        let text = match seconds.round() as u64 {
            _ if seconds < 0.0005 => "0 s".to_owned(),
            _ if seconds < 0.9995 => format!("{:.0} ms", seconds * 1e3),
            _ if seconds < 9.95 => format!("{seconds:.1} s"),
            whole @ 0..60 => format!("{whole} s"),
            whole @ 60..3_600 => pair(whole, "min", 60, "s", 1),
            whole @ 3_600..86_400 => pair(whole, "h", 3_600, "min", 60),
            whole => pair(whole, "d", 86_400, "h", 3_600),
        };
        f.pad(&text)
    }
}

/// A size in bytes: `812 B`, `74.3 kB`, `1.2 GB`.
#[derive(Clone, Copy)]
pub(crate) struct Size(pub(crate) u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut size = self.0 as f64;
        let mut units = ["kB", "MB", "GB", "TB"].into_iter();
        let mut unit = "B";
        while size >= 999.95
            && let Some(larger) = units.next()
        {
            (size, unit) = (size / 1e3, larger);
        }
        f.pad(&if unit == "B" { format!("{size} B") } else { format!("{size:.1} {unit}") })
    }
}

/// A name, or its beginning and its end, which tells apart what begins alike, if it has more characters than this.
pub(crate) fn shortened(name: &str, most: usize) -> String {
    let count = name.chars().count();
    if count <= most {
        return name.to_owned();
    }
    let end = (most - 1) / 3;
    name.chars().take(most - 1 - end).chain(['…']).chain(name.chars().skip(count - end)).collect()
}

/// `1 epoch`, `2 epochs`.
pub(crate) fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", Count(count), if count == 1 { "" } else { "s" })
}

/// Whether a count is one of the first ten, or a tenth, from a hundred on a hundredth and so on.
pub(crate) fn is_round(count: u64) -> bool {
    count.is_multiple_of(10_u64.pow(count.saturating_sub(1).checked_ilog10().unwrap_or(0)))
}

/// As a title begins.
pub(crate) fn capitalised(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_show_about_four_digits() {
        for (value, text) in [
            (0.081_234, "0.08123"),
            (0.5, "0.5000"),
            (0.000_123_45, "0.0001234"),
            (0.001, "0.001000"),
            (1.203_44, "1.2034"),
            (-12.034_4, "-12.034"),
            (99.5, "99.500"),
            (123.456, "123.46"),
            (1_797.0, "1797.0"),
            (123_456.7, "123457"),
            (1.234e12, "1.23e12"),
            (1.2e-7, "1.20e-7"),
            (0.0, "0"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(Rounded(value).to_string(), text);
        }
        assert_eq!(format!("{:>8}|{:<8}|", Rounded(0.5), Rounded(0.5)), "  0.5000|0.5000  |");
    }

    #[test]
    fn a_score_is_undefined_only_where_the_loss_is_not() {
        assert_eq!(score_text(f64::NAN, 0.5), "–");
        assert_eq!(score_text(f64::NAN, f64::NAN), "NaN");
    }

    #[test]
    fn positive_values_over_more_than_a_decade_are_drawn_by_their_logarithms() {
        assert!(is_wide((2.0, 30.0)) && !is_wide((2.0, 29.9)));
        assert!(!is_wide((0.0, 30.0)) && !is_wide((-1.0, 30.0)));
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (count, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(Count(count).to_string(), text);
        }
        assert_eq!(counted(1, "epoch") + ", " + &counted(1_000, "epoch"), "1 epoch, 1,000 epochs");
    }

    #[test]
    fn sizes_and_long_names_are_short() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (74_321, "74.3 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1.0 MB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!((shortened("größe", 5), shortened("größen", 5)), ("größe".into(), "grö…n".into()));
        for (words, title) in [("no better", "No better"), ("économe", "Économe"), ("", "")] {
            assert_eq!(capitalised(words), title);
        }
    }

    #[test]
    fn times_are_told_in_one_or_two_units() {
        for (seconds, text) in [
            (0.0, "0 s"),
            (-1.0, "0 s"),
            (0.0123, "12 ms"),
            (0.999, "999 ms"),
            (0.9996, "1.0 s"),
            (3.24, "3.2 s"),
            (9.96, "10 s"),
            (59.4, "59 s"),
            (59.6, "1 min"),
            (125.0, "2 min 5 s"),
            (3_599.7, "1 h"),
            (11_220.0, "3 h 7 min"),
            (90_000.0, "1 d 1 h"),
        ] {
            assert_eq!(Time(seconds).to_string(), text, "{seconds}");
        }
    }
}
