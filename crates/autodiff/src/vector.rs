//! Vectors of a processor, for the kernels that keep them in registers by hand.

use pulp::Simd;

/// What `f32` and `f64` have in common as elements of vectors. No other type can have it, as it is private.
pub trait Vectors: Copy {
    /// A vector of this processor.
    type Vector<S: Simd>: Copy;
    /// A vector of equal elements.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a * b + c`, element by element, each rounded once.
    fn mul_add_vectors<S: Simd>(
        simd: S,
        a: Self::Vector<S>,
        b: Self::Vector<S>,
        c: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// `a + b`, element by element.
    fn add_vectors<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// As many whole vectors as there are.
    fn vectors<S: Simd>(elements: &[Self]) -> &[Self::Vector<S>];
    /// As many whole vectors as there are.
    fn vectors_mut<S: Simd>(elements: &mut [Self]) -> &mut [Self::Vector<S>];
}

impl Vectors for f32 {
    type Vector<S: Simd> = S::f32s;

    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: f32) -> S::f32s {
        simd.splat_f32s(x)
    }
    #[inline(always)]
    fn mul_add_vectors<S: Simd>(simd: S, a: S::f32s, b: S::f32s, c: S::f32s) -> S::f32s {
        simd.mul_add_f32s(a, b, c)
    }
    #[inline(always)]
    fn add_vectors<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> S::f32s {
        simd.add_f32s(a, b)
    }
    #[inline(always)]
    fn vectors<S: Simd>(elements: &[f32]) -> &[S::f32s] {
        S::as_simd_f32s(elements).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(elements: &mut [f32]) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(elements).0
    }
}

impl Vectors for f64 {
    type Vector<S: Simd> = S::f64s;

    #[inline(always)]
    fn splat<S: Simd>(simd: S, x: f64) -> S::f64s {
        simd.splat_f64s(x)
    }
    #[inline(always)]
    fn mul_add_vectors<S: Simd>(simd: S, a: S::f64s, b: S::f64s, c: S::f64s) -> S::f64s {
        simd.mul_add_f64s(a, b, c)
    }
    #[inline(always)]
    fn add_vectors<S: Simd>(simd: S, a: S::f64s, b: S::f64s) -> S::f64s {
        simd.add_f64s(a, b)
    }
    #[inline(always)]
    fn vectors<S: Simd>(elements: &[f64]) -> &[S::f64s] {
        S::as_simd_f64s(elements).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(elements: &mut [f64]) -> &mut [S::f64s] {
        S::as_mut_simd_f64s(elements).0
    }
}
