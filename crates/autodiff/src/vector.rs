//! Vectors of a processor, for the kernels that keep them in registers by hand.

use crate::buffer::Buffer;
use crate::kernel::transpose;
use pulp::Simd;
use std::cell::Cell;
use std::thread::LocalKey;

thread_local! {
    /// What a thread packs factors of products into.
    static SINGLE: Cell<Buffer<f32>> = const { Cell::new(Buffer::EMPTY) };
    static DOUBLE: Cell<Buffer<f64>> = const { Cell::new(Buffer::EMPTY) };
}

/// What `f32` and `f64` have in common as elements of vectors. No other type can have it, as it is private.
pub trait Vectors: Copy {
    /// A vector of this processor.
    type Vector<S: Simd>: Copy;
    /// Elements of a vector.
    #[inline(always)]
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
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
    /// The sum of a vector's elements: of its halves, of the halves of their sum, and so on.
    fn sum<S: Simd>(simd: S, vector: Self::Vector<S>) -> Self;
    /// As many whole vectors as there are.
    fn vectors<S: Simd>(elements: &[Self]) -> &[Self::Vector<S>];
    /// As many whole vectors as there are.
    fn vectors_mut<S: Simd>(elements: &mut [Self]) -> &mut [Self::Vector<S>];
    /// A vector that begins with `elements`, of which there are no more than it has.
    fn load_part<S: Simd>(simd: S, elements: &[Self]) -> Self::Vector<S>;
    /// Writes as much of the beginning of a vector as there are elements.
    fn store_part<S: Simd>(simd: S, elements: &mut [Self], vector: Self::Vector<S>);
    /// Transposes a matrix by squares, if it can: see [`transpose::squares`].
    fn turn_squares(
        source: &[Self],
        stride: usize,
        shape: [usize; 2],
        target: &mut [Self],
        width: usize,
    ) -> bool;
    /// What a thread packs factors of products into.
    fn memory() -> &'static LocalKey<Cell<Buffer<Self>>>;
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
    fn sum<S: Simd>(simd: S, vector: S::f32s) -> f32 {
        simd.reduce_sum_f32s(vector)
    }
    #[inline(always)]
    fn vectors<S: Simd>(elements: &[f32]) -> &[S::f32s] {
        S::as_simd_f32s(elements).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(elements: &mut [f32]) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(elements).0
    }
    #[inline(always)]
    fn load_part<S: Simd>(simd: S, elements: &[f32]) -> S::f32s {
        simd.partial_load_f32s(elements)
    }
    #[inline(always)]
    fn store_part<S: Simd>(simd: S, elements: &mut [f32], vector: S::f32s) {
        simd.partial_store_f32s(elements, vector);
    }
    fn turn_squares(
        source: &[f32],
        stride: usize,
        shape: [usize; 2],
        target: &mut [f32],
        width: usize,
    ) -> bool {
        transpose::squares(source, stride, shape, target, width)
    }
    fn memory() -> &'static LocalKey<Cell<Buffer<f32>>> {
        &SINGLE
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
    fn sum<S: Simd>(simd: S, vector: S::f64s) -> f64 {
        simd.reduce_sum_f64s(vector)
    }
    #[inline(always)]
    fn vectors<S: Simd>(elements: &[f64]) -> &[S::f64s] {
        S::as_simd_f64s(elements).0
    }
    #[inline(always)]
    fn vectors_mut<S: Simd>(elements: &mut [f64]) -> &mut [S::f64s] {
        S::as_mut_simd_f64s(elements).0
    }
    #[inline(always)]
    fn load_part<S: Simd>(simd: S, elements: &[f64]) -> S::f64s {
        simd.partial_load_f64s(elements)
    }
    #[inline(always)]
    fn store_part<S: Simd>(simd: S, elements: &mut [f64], vector: S::f64s) {
        simd.partial_store_f64s(elements, vector);
    }
    fn turn_squares(_: &[f64], _: usize, _: [usize; 2], _: &mut [f64], _: usize) -> bool {
        false
    }
    fn memory() -> &'static LocalKey<Cell<Buffer<f64>>> {
        &DOUBLE
    }
}
