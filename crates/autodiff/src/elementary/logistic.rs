//! The logistic function and its relatives. Each is written with e to a power that cannot overflow.

use super::exponential::{exp, exp_m1_reduced, reduce};
use super::{at_most, polynomial};

/// ln(1 + z) / z for z from 0 to 1.
const LN_1P: [f32; 10] = [
    1.0,
    -0.499_999_3,
    0.333_304_64,
    -0.249_580_19,
    0.196_921_02,
    -0.153_448_8,
    0.106_611_28,
    -0.057_457_23,
    0.020_086_242,
    -0.003_290_468_6,
];

/// The hyperbolic tangent, −m / (m + 2) of |x| with m = e^−2|x| − 1: the sum is at most 2, so that it is rounded to half an
/// ulp of 1.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let (n, r) = reduce(-2.0 * at_most(x.abs(), 10.0));
    let power = n.power();
    let m = power.mul_add(exp_m1_reduced(r), power - 1.0);
    (m / (m + 2.0)).copysign(x)
}

/// 1 / (1 + e⁻ˣ), to full relative precision in the left tail too.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    let z = exp(-x.abs());
    (if x < 0.0 { z } else { 1.0 }) / (1.0 + z)
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|), to full relative precision in the left tail too.
#[inline(always)]
pub(crate) fn softplus(x: f32) -> f32 {
    let z = exp(-x.abs());
    z.mul_add(polynomial(z, LN_1P), if x > 0.0 { x } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::super::sweep::{check, check_odd, check_values};
    use super::*;

    #[test]
    fn tanh_is_odd_and_within_two_of_the_correctly_rounded_value() {
        check(tanh, f64::tanh, 2);
        check_values(tanh, &[(-0.0, -0.0), (1e-45, 1e-45), (9.02, 1.0), (f32::NEG_INFINITY, -1.0)]);
        check_odd(tanh);
    }

    #[test]
    fn sigmoid_is_within_two_of_the_correctly_rounded_value_in_both_tails() {
        check(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2);
        check_values(
            sigmoid,
            &[
                (0.0, 0.5),
                (-0.0, 0.5),
                (-103.972_07, 1e-45),
                (-104.0, 0.0),
                (18.0, 1.0),
                (f32::NEG_INFINITY, 0.0),
                (f32::INFINITY, 1.0),
            ],
        );
    }

    #[test]
    fn softplus_is_within_two_of_the_correctly_rounded_value_in_both_tails() {
        check(softplus, |x| if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }, 2);
        check_values(
            softplus,
            &[
                (0.0, std::f32::consts::LN_2),
                (-103.972_07, 1e-45),
                (-104.0, 0.0),
                (1e4, 1e4),
                (f32::NEG_INFINITY, 0.0),
                (f32::INFINITY, f32::INFINITY),
            ],
        );
    }
}
