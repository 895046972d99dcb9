//! The two element types.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The two number types that parameters come in: `f32` and `f64`.
pub trait Real: arithmetic::Arithmetic {}

impl Real for f32 {}
impl Real for f64 {}

/// This share of the way from `start` to `end`, reckoned from the nearer one, as PyTorch's `lerp` does: a share of 1 gives
/// `end` itself, and not what rounding leaves of it beside a much larger `start`.
#[inline(always)]
pub(crate) fn lerp<T: Real>(start: T, end: T, share: T) -> T {
    let way = end - start;
    let rest = T::ONE - share;
    if share < rest { start + share * way } else { end - way * rest }
}

pub(crate) mod arithmetic {
    use super::*;

    /// What the kernels need of a number. Kept out of reach so that [`Real`] stays a closed set.
    pub trait Arithmetic:
        Copy
        + Debug
        + Default
        + PartialOrd
        + Send
        + Sync
        + Add<Output = Self>
        + Sub<Output = Self>
        + Mul<Output = Self>
        + Div<Output = Self>
        + Neg<Output = Self>
        + 'static
    {
        /// Whether a division by a scalar may become a multiplication by its reciprocal.
        const RECIPROCALS: bool;
        /// 0.
        const ZERO: Self;
        /// 1.
        const ONE: Self;
        /// Rounded to the nearest.
        fn from_f64(value: f64) -> Self;
        /// Exact.
        fn to_f64(self) -> f64;
        /// Correctly rounded.
        fn sqrt(self) -> Self;
    }

    macro_rules! arithmetic {
        ($number:ty, reciprocals: $reciprocals:literal) => {
            impl Arithmetic for $number {
                const RECIPROCALS: bool = $reciprocals;
                const ZERO: Self = 0.0;
                const ONE: Self = 1.0;

                #[inline(always)]
                fn from_f64(value: f64) -> Self {
                    value as $number
                }

                #[inline(always)]
                fn to_f64(self) -> f64 {
                    f64::from(self)
                }

                #[inline(always)]
                fn sqrt(self) -> Self {
                    self.sqrt()
                }
            }
        };
    }

    arithmetic!(f32, reciprocals: true);
    arithmetic!(f64, reciprocals: false);
}
