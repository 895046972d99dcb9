//! Axes: from values to places on a drawing, and where the ticks are.

use crate::figures::{Count, decimals, extent, is_wide};

/// An axis: a range of values, mapped to 0..1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    /// The ends: of a logarithmic axis their decimal logarithms.
    low: f64,
    high: f64,
    pub(crate) logarithmic: bool,
    step: f64,
}

impl Axis {
    /// For these values, of which the finite ones count, with about so many ticks. It is logarithmic if
    /// that is allowed and the values are [wide](is_wide).
    pub(crate) fn of(values: impl Iterator<Item = f64>, ticks: usize, may_be_logarithmic: bool) -> Axis {
        let (low, high) = extent(values);
        if may_be_logarithmic && is_wide((low, high)) {
            let margin = 0.04 * (high.log10() - low.log10());
            let (low, high) = (low.log10() - margin, high.log10() + margin);
            return Axis { low, high, logarithmic: true, step: 0.0 };
        }
        let (low, high) = match low == high {
            true => (low - 0.5 * low.abs().max(1e-3), high + 0.5 * high.abs().max(1e-3)),
            false => (low, high),
        };
        let step = nice(high / ticks as f64 - low / ticks as f64);
        let whole = |steps: f64| (steps * step).clamp(f64::MIN, f64::MAX);
        Axis { low: whole((low / step).floor()), high: whole((high / step).ceil()), logarithmic: false, step }
    }

    /// From the first to the last of whole numbers that rise, with about so many ticks.
    pub(crate) fn of_counts(first: u64, last: u64, ticks: usize) -> Axis {
        let (first, last) = (first as f64, last as f64);
        let (low, high) = if first == last { (first - 1.0, last + 1.0) } else { (first, last) };
        Axis { low, high, logarithmic: false, step: nice((high - low) / ticks as f64).max(1.0) }
    }

    /// The place of a value: 0 at the low end, 1 at the high one.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.log10() } else { value };
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// The values at the ends of an axis that is not logarithmic.
    pub(crate) fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// The values of the ticks, each with its text.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        if self.logarithmic {
            return self.logarithmic_ticks();
        }
        let decimals = (-self.step.log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (self.low / self.step - 1e-6).ceil();
        let count = ((self.high / self.step + 1e-6).floor() - first).clamp(0.0, 50.0) as u64;
        let tick = |number: u64| {
            let value = (first + number as f64) * self.step;
            let text = match self.high.abs().max(self.low.abs()) {
                1e4..1e5 if self.step >= 1.0 => with_thousands(value),
                1e5..1e6 => in_units(value, self.step, 1e3, "k"),
                1e6..1e10 => in_units(value, self.step, 1e6, "M"),
                1e10.. => short(value),
                _ if self.step < 1e-6 => short(value),
                _ => format!("{value:.decimals$}"),
            };
            (value, text)
        };
        (0..=count).map(tick).collect()
    }

    fn logarithmic_ticks(&self) -> Vec<(f64, String)> {
        let decades = self.high - self.low;
        let mantissas: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = nice((decades / 6.0).max(1.0)) as i32;
        let powers =
            (self.low.floor() as i32..=self.high as i32).filter(|power| power.rem_euclid(every) == 0);
        let values =
            powers.flat_map(|power| mantissas.iter().map(move |mantissa| mantissa * 10_f64.powi(power)));
        let within = values.filter(|value| (self.low..=self.high).contains(&value.log10()));
        within.map(|value| (value, short(value))).collect()
    }
}

/// The least of 1, 2, 5 times a power of ten that is not below a step.
fn nice(step: f64) -> f64 {
    let step = step.max(1e-300);
    let power = 10_f64.powf(step.log10().floor());
    let mantissa = step / power;
    power * [1.0, 2.0, 5.0].into_iter().find(|nice| mantissa <= nice * (1.0 + 1e-9)).unwrap_or(10.0)
}

/// A tick of whole numbers, with its thousands apart.
fn with_thousands(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{}", Count(value.abs().round() as u64))
}

/// A tick of large numbers, in thousands or millions.
fn in_units(value: f64, step: f64, unit: f64, sign: &str) -> String {
    let decimals = (-(step / unit).log10().floor()).clamp(0.0, 12.0) as usize;
    if value == 0.0 { "0".to_owned() } else { format!("{:.decimals$}{sign}", value / unit) }
}

/// A round number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        1e-3..1e5 => {
            let text = format!("{:.*}", decimals(value.abs()), value);
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        _ => format!("{:e}", format!("{value:.0e}").parse::<f64>().unwrap_or(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: Axis) -> Vec<String> {
        axis.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (values, expected) in [
            (&[0.91, 0.978][..], &["0.90", "0.92", "0.94", "0.96", "0.98"][..]),
            (&[0.0, 1.0], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (&[-3.0, 4.0], &["-4", "-2", "0", "2", "4"]),
            (&[-6e3, 1e4], &["-10,000", "-5,000", "0", "5,000", "10,000"]),
            (&[0.5, f64::NAN, f64::INFINITY], &["0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8"]),
            (&[2.31, 0.05], &["0.05", "0.1", "0.2", "0.5", "1", "2"]),
            (&[1e-4, 3e3], &["1e-4", "0.01", "1", "100"]),
            (&[1e-300, 1e300], &["1e-200", "1", "1e200"]),
            (&[-1e300, 1e300], &["-1e300", "-5e299", "0", "5e299", "1e300"]),
            (&[f64::NAN], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ] {
            assert_eq!(texts(Axis::of(values.iter().copied(), 5, true)), expected, "{values:?}");
        }
        assert_eq!(texts(Axis::of_counts(1, 33, 6)), ["10", "20", "30"]);
        assert_eq!(texts(Axis::of_counts(1, 3, 6)), ["1", "2", "3"]);
        assert_eq!(texts(Axis::of_counts(4, 4, 6)), ["3", "4", "5"]);
    }

    #[test]
    fn large_ticks_are_short() {
        for (value, step, unit, sign, text) in [
            (-200_000.0, 100_000.0, 1e3, "k", "-200k"),
            (0.0, 200_000.0, 1e6, "M", "0"),
            (800_000.0, 200_000.0, 1e6, "M", "0.8M"),
            (3e9, 1e9, 1e6, "M", "3000M"),
        ] {
            assert_eq!(in_units(value, step, unit, sign), text);
        }
    }

    #[test]
    fn every_finite_value_has_a_place_on_the_axis() {
        for values in [
            [0.1, 0.2],
            [-1e300, 1e300],
            [-f64::MAX, f64::MAX],
            [1e-12, 1e12],
            [5e-324, 1.0],
            [3.0, 3.0],
            [0.0, 0.0],
        ] {
            for may_be_logarithmic in [true, false] {
                let axis = Axis::of(values.into_iter(), 5, may_be_logarithmic);
                for value in values {
                    let place = axis.place(value);
                    assert!(
                        (-1e-9..=1.0 + 1e-9).contains(&place),
                        "{value} of {values:?} is at {place}: {axis:?}"
                    );
                }
            }
        }
    }
}
