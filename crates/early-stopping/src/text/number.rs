//! Numbers as they are printed and read back.

use alloc::format;
use core::{fmt, time::Duration};

/// A number in the fewest digits that give it back exactly.
pub(crate) struct Shortest(pub(crate) f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let magnitude = self.0.abs();
        if magnitude != 0.0 && magnitude.is_finite() && !(1e-5..1e16).contains(&magnitude) {
            write!(f, "{:e}", self.0)
        } else {
            write!(f, "{}", self.0)
        }
    }
}

/// A number in four significant digits, for a reader.
pub(crate) struct Rounded(pub(crate) f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let scientific = format!("{:.3e}", self.0);
        let Some((mantissa, exponent)) = scientific.split_once('e') else { return f.write_str(&scientific) };
        let trimmed = |digits: &str| match digits.contains('.') {
            true => digits.trim_end_matches('0').trim_end_matches('.').len(),
            false => digits.len(),
        };
        match exponent.parse::<i32>() {
            Ok(exponent @ -4..=5) => {
                let decimals = (3 - exponent).max(0) as usize;
                let plain = format!("{:.decimals$}", self.0);
                f.write_str(&plain[..trimmed(&plain)])
            }
            _ => write!(f, "{}e{exponent}", &mantissa[..trimmed(mantissa)]),
        }
    }
}

const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A duration such as `1h30m` or `1s500ms`, exact to the nanosecond.
pub(crate) struct Timespan(pub(crate) Duration);

impl Timespan {
    /// Rounded to what a reader wants to know: milliseconds below ten seconds, else seconds.
    pub(crate) fn rounded(duration: Duration) -> Self {
        let step: u64 = if duration.as_secs() < 10 { 1 } else { 1000 };
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(Duration::from_millis(milliseconds / step * step))
    }
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS {
            if rest >= length {
                write!(f, "{}{unit}", rest / length)?;
                rest %= length;
            }
        }
        Ok(())
    }
}

/// Reads `90s`, `1h30m`, `1.5h`: numbers with units, each unit at most once and smaller than the one before.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, nanoseconds) = units.find(|(name, _)| *name == unit)?;
        let part = match number.parse::<u64>() {
            Ok(whole) => {
                let total = u128::from(whole) * nanoseconds;
                let seconds = u64::try_from(total / 1_000_000_000).ok()?;
                Duration::new(seconds, (total % 1_000_000_000) as u32)
            }
            Err(_) => {
                let seconds = number.parse::<f64>().ok()? * (*nanoseconds as f64 / 1e9);
                Duration::try_from_secs_f64(seconds).ok()?
            }
        };
        sum = sum.checked_add(part)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn numbers_for_readers_have_four_digits() {
        for (number, text) in [
            (0.081_234, "0.08123"),
            (5.0, "5"),
            (1.0 / 3.0, "0.3333"),
            (-2.5, "-2.5"),
            (123_456.0, "123456"),
            (0.99996, "1"),
            (1e-9, "1e-9"),
            (1.2345e300, "1.234e300"),
            (0.0, "0"),
            (100.0, "100"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(Rounded(number).to_string(), text);
        }
    }

    #[test]
    fn durations_parse_and_print() {
        for (text, milliseconds, printed) in [
            ("90s", 90_000, "1m30s"),
            ("1h30m", 5_400_000, "1h30m"),
            ("1.5h", 5_400_000, "1h30m"),
            ("2d1ms", 172_800_001, "2d1ms"),
            ("0.25s", 250, "250ms"),
            ("0s", 0, "0s"),
        ] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(parse_duration(text), Some(duration), "{text}");
            assert_eq!(Timespan(duration).to_string(), printed);
            assert_eq!(parse_duration(printed), Some(duration));
        }
        assert_eq!(parse_duration(&Timespan(Duration::MAX).to_string()), Some(Duration::MAX));
        for wrong in
            ["", "30", "m", "30m1h", "1m1m", "1x", "-5s", "1e3s", "99999999999999999999d", ".s", "30 m"]
        {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn long_times_are_rounded_to_seconds() {
        for (milliseconds, text) in [(1_234, "1s234ms"), (61_999, "1m1s"), (9_999, "9s999ms")] {
            assert_eq!(Timespan::rounded(Duration::from_millis(milliseconds)).to_string(), text);
        }
    }
}
