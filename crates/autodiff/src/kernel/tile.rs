//! The innermost part of a large product: some rows of the result by one or two vectors, whose sums fill the registers
//! while the inner dimension passes by.

use super::arch::has_many_registers;
use super::block::{Block, prefetch};
use super::{LANES, Write};
use crate::real::Real;
use pulp::{NullaryFnOnce, Simd};
use std::hint::black_box;

/// Vectors of a tile, side by side.
pub(super) const VECTORS: usize = 2;
/// The most rows of a tile, for 32 registers: 28 hold sums, the others what they are made of.
pub(super) const MAX_ROWS: usize = 14;

/// Some rows of the result by at most [`VECTORS`] vectors.
pub(super) struct Tile<'a, 'b, T, S> {
    pub(super) simd: S,
    pub(super) left: &'a [T],
    pub(super) right: &'a [T],
    pub(super) block: &'a mut Block<'b, T>,
    pub(super) row: usize,
    pub(super) column: usize,
    pub(super) width: usize,
    pub(super) write: Write,
}

impl<T: Real, S: Simd> Tile<'_, '_, T, S> {
    #[inline(always)]
    pub(super) fn of_height<const V: usize>(self, rows: usize) {
        let simd = self.simd;
        match rows {
            1 => simd.vectorize(Kernel::<T, S, 1, V>(self)),
            2 => simd.vectorize(Kernel::<T, S, 2, V>(self)),
            3 => simd.vectorize(Kernel::<T, S, 3, V>(self)),
            4 => simd.vectorize(Kernel::<T, S, 4, V>(self)),
            5 => simd.vectorize(Kernel::<T, S, 5, V>(self)),
            6 => simd.vectorize(Kernel::<T, S, 6, V>(self)),
            7 => simd.vectorize(Kernel::<T, S, 7, V>(self)),
            8 => simd.vectorize(Kernel::<T, S, 8, V>(self)),
            9 => simd.vectorize(Kernel::<T, S, 9, V>(self)),
            10 => simd.vectorize(Kernel::<T, S, 10, V>(self)),
            11 => simd.vectorize(Kernel::<T, S, 11, V>(self)),
            12 => simd.vectorize(Kernel::<T, S, 12, V>(self)),
            13 => simd.vectorize(Kernel::<T, S, 13, V>(self)),
            MAX_ROWS => simd.vectorize(Kernel::<T, S, MAX_ROWS, V>(self)),
            _ => unreachable!("a panel has at most {MAX_ROWS} rows"),
        }
    }
}

/// The same elements, at an address that the compiler takes for another one.
///
/// A multiply-add of AVX-512 can read its factor from memory and repeat it in all lanes. Where two have the same factor,
/// the compiler reads and repeats it once, in an instruction of its own: three where two do, which is too many for a
/// core that decodes for another guest as well.
#[inline(always)]
fn at_own_address<S: Simd, E>(elements: &E) -> &E {
    match cfg!(target_arch = "x86_64") && has_many_registers::<S>() {
        true => black_box(elements),
        false => elements,
    }
}

/// sums += left · right for a column of the left factor and a row of the right one; the left one at an address for each vector.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "unrolled, it keeps the sums in registers")]
fn add_product<T: Real, S: Simd, const R: usize, const V: usize>(
    simd: S,
    sums: &mut [[T::Vector<S>; V]; R],
    left: [&[[T; R]]; V],
    right: &[[T::Vector<S>; VECTORS]],
    k: usize,
) {
    for r in 0..R {
        for v in 0..V {
            let factor = T::splat(simd, left[v][k][r]);
            sums[r][v] = T::mul_add_vectors(simd, factor, right[k][v], sums[r][v]);
        }
    }
}

/// R rows by V vectors.
struct Kernel<'a, 'b, T, S, const R: usize, const V: usize>(Tile<'a, 'b, T, S>);

impl<T: Real, S: Simd, const R: usize, const V: usize> NullaryFnOnce for Kernel<'_, '_, T, S, R, V> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::needless_range_loop, reason = "unrolled, it keeps the sums in registers")]
    fn call(self) {
        let Tile { simd, left, right, block, row, column, width, write } = self.0;
        let lanes = T::lanes::<S>();
        let mut target = block.part(row..row + R, column..column + width);
        for r in 0..R {
            for v in 0..V {
                prefetch(target.row_mut(r), v * lanes);
            }
        }
        let mut sums = [[T::splat(simd, T::ZERO); V]; R];
        // A panel's rows are as far apart as those of the widest tile.
        let (left, right) = (left.as_chunks::<R>().0, T::vectors::<S>(right).as_chunks::<VECTORS>().0);
        let (left, last_left) = left.as_chunks::<4>();
        let (right, last_right) = right.split_at(4 * left.len());
        let right = right.as_chunks::<4>().0;
        for (left, right) in left.iter().zip(right) {
            let mut lefts: [&[[T; R]]; V] = [left; V];
            for v in 0..V {
                lefts[v] = at_own_address::<S, [[T; R]; 4]>(left);
            }
            // The compiler would leave a loop a loop, and then addresses have an index, which takes another instruction.
            add_product(simd, &mut sums, lefts, right, 0);
            add_product(simd, &mut sums, lefts, right, 1);
            add_product(simd, &mut sums, lefts, right, 2);
            add_product(simd, &mut sums, lefts, right, 3);
        }
        for k in 0..last_left.len() {
            add_product(simd, &mut sums, [last_left; V], last_right, k);
        }
        // The sums go straight from the registers to where they belong, or all through memory.
        if width == V * lanes {
            for r in 0..R {
                let target = T::vectors_mut::<S>(target.row_mut(r));
                for v in 0..V {
                    target[v] = match write {
                        Write::Set => sums[r][v],
                        Write::Add => T::add_vectors(simd, target[v], sums[r][v]),
                    };
                }
            }
        } else {
            let mut elements = [T::ZERO; MAX_ROWS * VECTORS * LANES];
            let vectors = T::vectors_mut::<S>(&mut elements);
            for r in 0..R {
                for v in 0..V {
                    vectors[r * V + v] = sums[r][v];
                }
            }
            for (r, elements) in elements.chunks(V * lanes).take(R).enumerate() {
                let target = target.row_mut(r);
                match write {
                    Write::Set => target.copy_from_slice(&elements[..width]),
                    Write::Add => target.iter_mut().zip(elements).for_each(|(t, &e)| *t += e),
                }
            }
        }
    }
}
