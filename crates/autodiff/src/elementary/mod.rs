//! Elementary functions in `f32`, written so that a plain loop over a slice becomes vector code.
//!
//! Each function is one straight line of additions, multiplications, fused multiply-adds, at most one division and
//! integer arithmetic on the bits: no branch, no table, no call. Inlined into a loop that is compiled for AVX-512, or
//! for AVX2 with FMA (see [`pulp::Arch::dispatch`]), it works on 16 or 8 numbers at a time. All operations are exactly
//! rounded ones of IEEE 754, so a number's value does not depend on the vector width or on its place in the slice.
//! Without a fused multiply-add in hardware the same values come slowly.
//!
//! Every input is defined: subnormal numbers in and out, both zeros, infinities (the limit), NaN (a NaN). Compared with
//! `f64` for every one of the 2³² inputs, a result is at most so many `f32` values away from the correctly rounded one,
//! and its error is at most so many ulp:
//!
//! | function | values | ulp |
//! |---|---|---|
//! | [`exp`] | 1 | 0.90 |
//! | [`exp_m1`] | 1 | 1.47 |
//! | [`ln`] | 1 | 0.88 |
//! | [`tanh`] | 2 | 2.50 |
//! | [`sigmoid`] | 2 | 2.41 |
//! | [`softplus`] | 2 | 2.09 |
//! | [`gelu`] | 2 | 2.40 |
//! | [`gelu_derivative`], outside −1 … 0 | 2 | 2.36 |
//! | [`gelu_derivative`], there, where it crosses zero | | 2⁻²⁴ absolute |
//!
//! Coefficients are derived by `fit.py`, beside this file.

mod exponential;
mod logarithm;
mod logistic;
mod normal;
#[cfg(test)]
mod sweep;

pub(crate) use exponential::{exp, exp_m1};
pub(crate) use logarithm::ln;
pub(crate) use logistic::{sigmoid, softplus, tanh};
pub(crate) use normal::{gelu, gelu_derivative};

/// `coefficients[0] + coefficients[1] x + …` by Horner's rule.
#[inline(always)]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[N - 1];
    for &c in coefficients[..N - 1].iter().rev() {
        sum = sum.mul_add(x, c);
    }
    sum
}

/// The larger of the two; NaN stays NaN, which `f32::max` would drop.
#[inline(always)]
fn at_least(x: f32, bound: f32) -> f32 {
    if x < bound { bound } else { x }
}

/// The smaller of the two; NaN stays NaN.
#[inline(always)]
fn at_most(x: f32, bound: f32) -> f32 {
    if x > bound { bound } else { x }
}
