//! What the ops do with numbers: for each op its forward and its backward rule, side by side.
//!
//! Kernels see slices of row-major matrices and allocate nothing.

mod arch;
pub(crate) mod binary;
mod block;
mod column;
pub(crate) mod columns;
pub(crate) mod dropout;
pub(crate) mod linear;
pub(crate) mod log_softmax;
pub(crate) mod matmul;
mod pack;
mod packed;
pub(crate) mod reduce;
pub(crate) mod rows;
mod thin;
mod tile;
pub(crate) mod transpose;
pub(crate) mod unary;

pub use arch::vectors;

use crate::real::Real;
use arch::ARCH;
pub(crate) use arch::vectorize;
use highwater_threads::for_each_piece;

/// A row-major matrix to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a, T> {
    pub(crate) data: &'a [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

/// Whether a gradient is written for the first time or added to what other uses of the value contributed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    Set,
    Add,
}

/// Elements from which on threads share a pass over them, and what a thread takes at a time.
const SHARED: usize = 1 << 15;
const PIECE: usize = 1 << 13;

/// Runs `work(start, piece)` on pieces of `elements`, on several threads if there are many.
fn in_pieces<T: Real>(elements: &mut [T], work: impl Fn(usize, &mut [T]) + Sync) {
    match elements.len() < SHARED {
        true => work(0, elements),
        false => for_each_piece(elements, PIECE, work),
    }
}

/// The number of partial sums kept side by side: it fixes the order of every sum, on every processor.
const LANES: usize = 16;

/// The sum of `count` elements, in one order whatever the processor.
#[inline(always)]
fn sum_of<T: Real>(count: usize, element: impl Fn(usize) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let whole = count / LANES * LANES;
    let mut start = 0;
    while start < whole {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += element(start + lane);
        }
        start += LANES;
    }
    for (lane, sum) in lanes.iter_mut().enumerate().take(count - whole) {
        *sum += element(whole + lane);
    }
    join(lanes, |a, b| a + b)
}

/// Joins partial results, those of two halves at a time.
#[inline(always)]
fn join<T: Real>(mut lanes: [T; LANES], both: impl Fn(T, T) -> T) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = both(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// target = source, or target += source.
pub(crate) fn accumulate<T: Real>(target: &mut [T], source: &[T], write: Write) {
    match write {
        Write::Set => target.copy_from_slice(source),
        Write::Add => vectorize(
            #[inline(always)]
            || {
                for (t, &s) in target.iter_mut().zip(source) {
                    *t += s;
                }
            },
        ),
    }
}
