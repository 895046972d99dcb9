//! The Gaussian error linear unit x Φ(x), Φ the distribution function of the standard normal distribution
//! (D. Hendrycks & K. Gimpel, [arXiv:1606.08415](https://arxiv.org/abs/1606.08415)) with its derivative.
//!
//! With a = |x| and ϱ = 1/√(2π), the tail is Φ(−a) = e^(−a²/2) M(a), where Mills' ratio M falls from ½ towards ϱ/a. So
//! M(a) (a + 2ϱ) lies between 0.39 and 0.48 everywhere, and it is ϱ plus a small quotient of polynomials, whose
//! rounding errors hardly count. Those of the few operations that do count are computed along with them and put right
//! at the end (the technique of T. J. Dekker, *A floating-point technique for extending the available precision*, 1971).

use super::exponential::{Exponent, exp_m1_reduced, reduce_sum};
use super::{at_most, polynomial};

/// ϱ = 1/√(2π), the density at 0, and what is missing from it.
const RHO: f32 = 0.398_942_3;
const RHO_SMALL: f32 = (0.398_942_280_401_432_7 - RHO as f64) as f32;

/// M(a) (a + 2ϱ) = ϱ + a TOP(a) / BOTTOM(a).
const TOP: [f32; 4] = [0.181_690_26, 0.115_832_53, 0.033_655_35, 0.004_422_648];
const BOTTOM: [f32; 6] = [1.0, 1.735_408, 1.298_394_9, 0.533_104_7, 0.123_092_89, 0.013_895_363];

/// The factors of Φ(−a) = 2ⁿ (1 + c) (m + m_small) at a = |x|.
struct Tail {
    a: f32,
    n: Exponent,
    c: f32,
    m: f32,
    m_small: f32,
}

#[inline(always)]
fn tail(x: f32) -> Tail {
    let a = at_most(x.abs(), 15.0);

    let half = -0.5 * a;
    let power = half * a;
    let (n, r) = reduce_sum(power, half.mul_add(a, -power));
    let c = exp_m1_reduced(r);

    let bottom = polynomial(a, BOTTOM);
    let divisor = a + 2.0 * RHO;
    let divisor_small = 2.0 * RHO - (divisor - a);
    let inverse = 1.0 / (bottom * divisor);
    let quotient = a * polynomial(a, TOP) * divisor;
    let dividend = quotient.mul_add(inverse, RHO);
    let dividend_small = quotient.mul_add(inverse, RHO - dividend);

    let reciprocal = bottom * inverse;
    let m = dividend * reciprocal;
    let remainder = m.mul_add(-divisor, dividend) + m.mul_add(-divisor_small, dividend_small);
    Tail { a, n, c, m, m_small: remainder * reciprocal }
}

/// x Φ(x) = max(x, 0) − a Φ(−a); in the left tail to full relative precision, also where Φ itself is subnormal.
/// Both zeros give +0.
#[inline(always)]
pub(crate) fn gelu(x: f32) -> f32 {
    let Tail { a, n, c, m, m_small } = tail(x);
    let y = n.scale(a.mul_add(m, a * m.mul_add(c, m_small)));
    (if x > 0.0 { x } else { 0.0 }) - y
}

/// Φ(x) + x φ(x), the derivative of [`gelu`].
///
/// It is zero at x = −0.7518; from −1 to 0 the error is at most 2⁻²⁴, half an ulp of 1. Elsewhere the result is within
/// 2 `f32` values of the correctly rounded one.
#[inline(always)]
pub(crate) fn gelu_derivative(x: f32) -> f32 {
    let Tail { a, n, c, m, m_small } = tail(x);
    let s = a.mul_add(-RHO, m);
    let s_small = a.mul_add(-RHO_SMALL, m_small);
    let y = n.scale(s + s.mul_add(c, s_small));
    if x > 0.0 { 1.0 - y } else { y }
}

#[cfg(test)]
mod tests {
    use super::super::sweep::{check, check_values, distance, sweep};
    use super::*;

    fn density(x: f64) -> f64 {
        0.398_942_280_401_432_7 * (-0.5 * x * x).exp()
    }

    /// Φ(x) − ½ = φ(x) (x + x³/3 + x⁵/(3·5) + …), see Abramowitz & Stegun 26.2.11.
    fn centre(x: f64) -> f64 {
        let (mut sum, mut term, mut odd) = (x, x, 1.0);
        while term.abs() > 1e-18 * sum.abs() {
            odd += 2.0;
            term *= x * x / odd;
            sum += term;
        }
        density(x) * sum
    }

    /// Φ(−a) = φ(a) / (a + 1/(a + 2/(a + 3/…))) far from 0, see Abramowitz & Stegun 26.2.14.
    fn reference_cdf(x: f64) -> f64 {
        let a = x.abs();
        if a < 3.0 {
            return 0.5 + centre(x);
        }
        let tail = density(a) / (1..60).rev().fold(a, |rest, k| a + k as f64 / rest);
        if x > 0.0 { 1.0 - tail } else { tail }
    }

    #[test]
    fn gelu_is_within_two_of_the_correctly_rounded_value_in_both_tails() {
        check(gelu, |x| if x == f64::NEG_INFINITY { 0.0 } else { x * reference_cdf(x) }, 2);
        check_values(
            gelu,
            &[(0.0, 0.0), (-0.0, 0.0), (f32::NEG_INFINITY, 0.0), (f32::INFINITY, f32::INFINITY)],
        );
    }

    #[test]
    fn the_derivative_of_gelu_is_within_two_of_the_correctly_rounded_value_or_half_an_ulp_of_one() {
        for (x, y) in sweep(gelu_derivative) {
            let wide = f64::from(x);
            let rise = if wide.is_infinite() { 0.0 } else { wide * density(wide) };
            let exact = reference_cdf(wide) + rise;
            let close = (f64::from(y) - exact).abs() <= 0.5 * f64::from(f32::EPSILON);
            let near_zero = (-1.0..0.0).contains(&wide);
            assert!(
                if near_zero { close } else { distance(y, exact as f32) <= 2 },
                "at {x:e}: {y:e} instead of {exact:e}"
            );
        }
    }
}
