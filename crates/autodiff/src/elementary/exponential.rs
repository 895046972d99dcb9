//! Exponentials, by the reduction of W. J. Cody & W. Waite (*Software Manual for the Elementary Functions*, 1980,
//! chapter 6): x = n ln 2 + r with |r| ≤ ln 2 / 2, so that eˣ = 2ⁿ eʳ. ln 2 is the sum of a short and a small number:
//! n times the short one is exact, and so is its difference from x.

use super::{at_least, at_most, polynomial};
use std::f32::consts::LOG2_E;
use std::f64::consts::LN_2;

/// ln 2 to 15 bits: a product with an integer below 2⁹ is exact.
const LN_2_SHORT: f32 = f32::from_bits(0x3f31_7200);
const LN_2_SMALL: f32 = (LN_2 - LN_2_SHORT as f64) as f32;

/// A number that is added to leaves no room for a fraction: 1.5·2²³ rounds to an integer n, and 254 + n are the last
/// nine bits of the sum.
const ROUNDING: f32 = 12_582_912.0 + 254.0;

/// (eʳ − 1 − r) / r² for |r| ≤ ln 2 / 2.
const SERIES: [f32; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_255, 0.008_368_663, 0.001_382_146_8];

/// The integer n of a reduction, as the bits of [`ROUNDING`] + n.
#[derive(Clone, Copy)]
pub(super) struct Exponent(u32);

impl Exponent {
    /// 2ⁿ for −127 < n < 128.
    #[inline(always)]
    pub(super) fn power(self) -> f32 {
        f32::from_bits((self.0 - 127) << 23)
    }

    /// 2ⁿ x for |n| < 200, rounded once: n is shared out over two powers, as one may be out of range where the product
    /// is not.
    #[inline(always)]
    pub(super) fn scale(self, x: f32) -> f32 {
        let half = self.0 >> 1;
        x * f32::from_bits(half << 23) * f32::from_bits((self.0 - half) << 23)
    }
}

/// n and r of x = n ln 2 + r, for |x| < 170.
#[inline(always)]
pub(super) fn reduce(x: f32) -> (Exponent, f32) {
    let rounded = x.mul_add(LOG2_E, ROUNDING);
    let n = rounded - ROUNDING;
    (Exponent(rounded.to_bits()), n.mul_add(-LN_2_SMALL, n.mul_add(-LN_2_SHORT, x)))
}

/// [`reduce`] for the sum of a number and a far smaller one.
#[inline(always)]
pub(super) fn reduce_sum(x: f32, small: f32) -> (Exponent, f32) {
    let rounded = x.mul_add(LOG2_E, ROUNDING);
    let n = rounded - ROUNDING;
    (Exponent(rounded.to_bits()), n.mul_add(-LN_2_SHORT, x) + n.mul_add(-LN_2_SMALL, small))
}

/// eʳ for a reduced r.
#[inline(always)]
pub(super) fn exp_reduced(r: f32) -> f32 {
    r.mul_add(r.mul_add(polynomial(r, SERIES), 1.0), 1.0)
}

/// eʳ − 1 for a reduced r.
#[inline(always)]
pub(super) fn exp_m1_reduced(r: f32) -> f32 {
    (r * r).mul_add(polynomial(r, SERIES), r)
}

/// eˣ.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let (n, r) = reduce(at_most(at_least(x, -104.0), 89.0));
    n.scale(exp_reduced(r))
}

/// eˣ − 1, to full relative precision near 0 too.
#[inline(always)]
pub(crate) fn exp_m1(x: f32) -> f32 {
    let (Exponent(n), r) = reduce(at_most(at_least(x, -20.0), 89.0));
    // 2ⁿ is out of range where eˣ is not yet: work with half of everything.
    let half = Exponent(n - 1).power();
    let y = 2.0 * half.mul_add(exp_m1_reduced(r), half - 0.5);
    // Halves of the smallest numbers and the sign of zero would get lost.
    if x.abs() < 1e-8 { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::super::sweep::{check, check_values};
    use super::*;

    #[test]
    fn exp_is_next_to_the_correctly_rounded_value() {
        check(exp, f64::exp, 1);
        check_values(
            exp,
            &[
                (0.0, 1.0),
                (-0.0, 1.0),
                (88.72284, f32::INFINITY),
                (-103.972_07, 1e-45),
                (-104.0, 0.0),
                (f32::NEG_INFINITY, 0.0),
                (f32::INFINITY, f32::INFINITY),
            ],
        );
    }

    #[test]
    fn exp_m1_is_next_to_the_correctly_rounded_value() {
        check(exp_m1, f64::exp_m1, 1);
        check_values(
            exp_m1,
            &[
                (0.0, 0.0),
                (-0.0, -0.0),
                (1e-45, 1e-45),
                (-1e-45, -1e-45),
                (88.72284, f32::INFINITY),
                (f32::NEG_INFINITY, -1.0),
                (f32::INFINITY, f32::INFINITY),
            ],
        );
    }
}
