//! The two element types, `f32` and `f64`, and the functions that kernels need of them.

use crate::elementary;
use crate::program::Runs;
use crate::vector::Vectors;
use std::fmt::{Debug, Display};
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

/// An element of a matrix: `f32` for speed, `f64` for checks against other implementations.
///
/// The `f32` functions are written to vectorise and are within 2 ulp of the correctly rounded value; the `f64`
/// functions are those of the standard library and of `libm`.
pub trait Real:
    Vectors
    + Runs
    + Copy
    + Default
    + PartialOrd
    + Debug
    + Display
    + Send
    + Sync
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + MulAssign
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// -∞, the neutral element of `max`.
    const NEG_INFINITY: Self;
    /// The nearest value of this type.
    fn from_f64(x: f64) -> Self;
    /// The same value as `f64`.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Whether this is not a number.
    fn is_nan(self) -> bool;
    /// |x|.
    fn abs(self) -> Self;
    /// √x.
    fn sqrt(self) -> Self;
    /// eˣ.
    fn exp(self) -> Self;
    /// eˣ - 1.
    fn exp_m1(self) -> Self;
    /// The natural logarithm.
    fn ln(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh(self) -> Self;
    /// 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self;
    /// ln(1 + eˣ).
    fn softplus(self) -> Self;
    /// x·Φ(x), Φ the distribution function of the standard normal distribution.
    fn gelu(self) -> Self;
    /// The derivative of `gelu`: Φ(x) + x·φ(x).
    fn gelu_derivative(self) -> Self;
    /// x to the power of `exponent`.
    fn powf(self, exponent: f64) -> Self;
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const NEG_INFINITY: f32 = f32::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f32 {
        x as f32
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn mul_add(self, a: f32, b: f32) -> f32 {
        f32::mul_add(self, a, b)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f32::is_nan(self)
    }
    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> f32 {
        elementary::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f32 {
        elementary::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> f32 {
        elementary::ln(self)
    }
    #[inline(always)]
    fn tanh(self) -> f32 {
        elementary::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> f32 {
        elementary::sigmoid(self)
    }
    #[inline(always)]
    fn softplus(self) -> f32 {
        elementary::softplus(self)
    }
    #[inline(always)]
    fn gelu(self) -> f32 {
        elementary::gelu(self)
    }
    #[inline(always)]
    fn gelu_derivative(self) -> f32 {
        elementary::gelu_derivative(self)
    }
    #[inline(always)]
    fn powf(self, exponent: f64) -> f32 {
        f64::from(self).powf(exponent) as f32
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const NEG_INFINITY: f64 = f64::NEG_INFINITY;

    #[inline(always)]
    fn from_f64(x: f64) -> f64 {
        x
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn mul_add(self, a: f64, b: f64) -> f64 {
        f64::mul_add(self, a, b)
    }
    #[inline(always)]
    fn is_nan(self) -> bool {
        f64::is_nan(self)
    }
    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    #[inline(always)]
    fn exp_m1(self) -> f64 {
        f64::exp_m1(self)
    }
    #[inline(always)]
    fn ln(self) -> f64 {
        f64::ln(self)
    }
    #[inline(always)]
    fn tanh(self) -> f64 {
        f64::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> f64 {
        let e = (-self.abs()).exp();
        (if self < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }
    #[inline(always)]
    fn softplus(self) -> f64 {
        (if self > 0.0 { self } else { 0.0 }) + (-self.abs()).exp().ln_1p()
    }
    #[inline(always)]
    fn gelu(self) -> f64 {
        0.5 * self * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2)
    }
    #[inline(always)]
    fn gelu_derivative(self) -> f64 {
        let density = 0.398_942_280_401_432_7 * (-0.5 * self * self).exp();
        0.5 * libm::erfc(-self * std::f64::consts::FRAC_1_SQRT_2) + self * density
    }
    #[inline(always)]
    fn powf(self, exponent: f64) -> f64 {
        f64::powf(self, exponent)
    }
}
