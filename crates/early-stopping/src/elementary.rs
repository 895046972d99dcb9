//! Functions of the standard library that `core` does not have.

use core::f64::consts::{LN_2, LOG2_E};

/// e to a power of at most zero, to thirteen digits. Powers below −708 give zero.
pub(crate) fn exp(x: f64) -> f64 {
    if x.is_nan() || x < -708.0 {
        return if x.is_nan() { x } else { 0.0 };
    }
    let doublings = (x * LOG2_E - 0.5) as i32;
    let rest = x - f64::from(doublings) * LN_2;
    let series = (1..=18).rev().fold(1.0, |sum, n| 1.0 + sum * rest / f64::from(n));
    series * f64::from_bits(((1023 + doublings) as u64) << 52)
}

/// The square root of a number of at least zero.
pub(crate) fn sqrt(x: f64) -> f64 {
    if x == 0.0 || !x.is_finite() {
        return x;
    }
    let guess = f64::from_bits((x.to_bits() >> 1) + (1023 << 51));
    (0..6).fold(guess, |root, _| 0.5 * (root + x / root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_agree_with_the_standard_library() {
        for i in 0..=70_800 {
            let x = -f64::from(i) / 100.0;
            assert!((exp(x) - x.exp()).abs() <= 1e-13 * x.exp(), "{x}: {} {}", exp(x), x.exp());
        }
        assert_eq!((exp(-1e9), exp(f64::NEG_INFINITY), exp(0.0)), (0.0, 0.0, 1.0));
        for x in [0.0, 1e-300, 0.1, 1.0, 2.0, 144.0, 1e17, 1e300] {
            assert!((sqrt(x) - x.sqrt()).abs() <= 1e-15 * x.sqrt(), "{x}: {} {}", sqrt(x), x.sqrt());
        }
    }
}
