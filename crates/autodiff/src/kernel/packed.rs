//! Products of large matrices, near the limit of the processor's multiply-add units, and of all that have no kernel of
//! their own.
//!
//! The left factor is packed as a whole: panels of a few rows, within them column after column. Threads share it, and
//! share out the columns of the result in groups, a few panels of a few vectors each. For a group, a thread packs its
//! part of the right factor, which then stays in its second-level cache, and goes through the tiles of the group, panel
//! after panel of the left factor, each of which stays in its first-level cache meanwhile: some rows by two vectors,
//! whose sums fill the registers while the inner dimension passes by. The inner dimension is cut where the panels would
//! no longer fit the caches. A factor that lies the other way round is turned while it is packed.
//!
//! Each sum runs over the inner dimension in its order, cut at places that depend on its length alone: the bits depend
//! neither on the number of threads nor on how rows and columns are grouped.
//!
//! This is the design of Goto & van de Geijn, *Anatomy of High-Performance Matrix Multiplication* (2008), with the
//! loop over columns outermost.

use super::arch::has_many_registers;
use super::block::Block;
use super::matmul::Factor;
use super::pack::{Rows, turn, with_memory};
use super::tile::{MAX_ROWS, Tile, VECTORS};
use super::{ARCH, Write};
use crate::real::Real;
use highwater_threads::join;
use pulp::{Simd, WithSimd};
use std::marker::PhantomData;
use std::ops::Range;

/// The longest piece of the inner dimension.
const INNER: usize = 512;
/// Elements of the packed left factor: more rows than fit are a product of their own.
const LEFT: usize = 1 << 20;
/// Panels of a group of columns: so many that there are at least four groups, if possible, and at most these.
const PANELS: usize = 8;
const GROUPS: usize = 4;
/// Rows of a group, where there are not enough groups of columns.
const GROUP_ROWS: usize = 64;
/// A turned left factor has the gradient of a weight as its product. Up to so many elements each thread computes half of
/// its rows: packing the right factor twice costs less than half of the left one brings as it stays in the cache.
const BY_ROWS: usize = 1 << 19;
/// Elements of the left factor that a thread packs at a time, at least.
const PACKED_AT_ONCE: usize = 1 << 14;

/// Of a tile: what the registers of this processor hold.
#[derive(Clone, Copy)]
struct Geometry {
    rows: usize,
    columns: usize,
}

struct Registers<T>(PhantomData<T>);

impl<T: Real> WithSimd for Registers<T> {
    type Output = Geometry;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Geometry {
        let rows = if has_many_registers::<S>() { MAX_ROWS } else { 6 };
        Geometry { rows, columns: VECTORS * T::lanes::<S>() }
    }
}

/// `length` in `parts` equal parts, as far as that goes: the bounds of one of them.
fn part(length: usize, parts: usize, number: usize) -> Range<usize> {
    number * length / parts..(number + 1) * length / parts
}

/// How many elements of scratch memory a product wants, and every product that is smaller.
pub(super) fn scratch(rows: usize, inner: usize) -> usize {
    (rows * inner).min(LEFT.max(8 * MAX_ROWS * inner))
}

/// In how many parts the rows are multiplied.
fn left_parts(rows: usize, inner: usize) -> usize {
    rows.div_ceil((LEFT / inner).max(8 * MAX_ROWS))
}

/// target = left · right, or target += left · right, shared between threads; then `then(elements, first_column)` for each
/// row of each group of columns, by the thread that computed it.
pub(super) fn shared<T: Real>(
    target: &mut [T],
    left: Factor<'_, T>,
    right: Factor<'_, T>,
    write: Write,
    scratch: &mut [T],
    then: &(dyn Fn(&mut [T], usize) + Sync),
) {
    for_each_part(target, left, right, |target, packing| {
        let packed = &mut scratch[..packing.length()];
        packing.share(packed, packing.all());
        let product = Product { left: packed, packing, right, write, then };
        match left.transposed
            && target.rows() >= 2 * GROUP_ROWS
            && target.rows() * target.columns() <= BY_ROWS
        {
            true => product.halve(target, 0, 0),
            false => product.share(target, 0, 0),
        }
    });
}

/// target = left · right, or target += left · right, by the thread that calls.
pub(super) fn alone<T: Real>(target: &mut [T], left: Factor<'_, T>, right: Factor<'_, T>, write: Write) {
    for_each_part(target, left, right, |mut target, packing| {
        let wide = packing.geometry.columns;
        let group = (PANELS * wide).min(right.shape()[1].next_multiple_of(wide));
        with_memory(packing.length() + INNER * group, |memory| {
            let (packed, of_right) = memory.split_at_mut(packing.length());
            packing.pack(packed, packing.all());
            let product = Product { left: packed, packing, right, write, then: &|_, _| {} };
            let (rows, columns) = (target.rows(), target.columns());
            for column in (0..columns).step_by(group) {
                let block = target.part(0..rows, column..columns.min(column + group));
                ARCH.dispatch(Group { product: &product, block, panel: 0, column, packed: of_right });
            }
        });
    });
}

/// Cuts a product where the packed left factor would have too many rows.
fn for_each_part<'a, T: Real>(
    target: &mut [T],
    left: Factor<'a, T>,
    right: Factor<'_, T>,
    mut multiply: impl FnMut(Block<'_, T>, Left<'a, T>),
) {
    let ([rows, inner], columns) = (left.shape(), right.shape()[1]);
    let geometry = ARCH.dispatch(Registers::<T>(PhantomData));
    let parts = left_parts(rows, inner);
    let mut rest = target;
    for number in 0..parts {
        let rows = part(rows, parts, number);
        let (target, others) = std::mem::take(&mut rest).split_at_mut(rows.len() * columns);
        rest = others;
        multiply(Block::new(target, columns), Left { left, rows, pieces: inner.div_ceil(INNER), geometry });
    }
}

/// Some rows of a left factor, to be packed: piece after piece of the inner dimension, panel after panel of rows.
#[derive(Clone)]
struct Left<'a, T> {
    left: Factor<'a, T>,
    rows: Range<usize>,
    pieces: usize,
    geometry: Geometry,
}

impl<T: Real> Left<'_, T> {
    fn panels(&self) -> usize {
        self.rows.len().div_ceil(self.geometry.rows)
    }

    /// The rows of a panel, counted from the first.
    fn panel(&self, panel: usize) -> Range<usize> {
        part(self.rows.len(), self.panels(), panel)
    }

    fn piece(&self, piece: usize) -> Range<usize> {
        part(self.left.shape()[1], self.pieces, piece)
    }

    /// Where a panel begins, of all pieces' panels.
    fn start(&self, number: usize) -> usize {
        let (piece, panel) = (number / self.panels(), number % self.panels());
        match piece == self.pieces {
            true => self.length(),
            false => {
                let piece = self.piece(piece);
                piece.start * self.rows.len() + self.panel(panel).start * piece.len()
            }
        }
    }

    /// All panels of all pieces.
    fn all(&self) -> Range<usize> {
        0..self.pieces * self.panels()
    }

    /// How many elements they have.
    fn length(&self) -> usize {
        self.rows.len() * self.left.shape()[1]
    }

    /// Packs some panels, on several threads if they are large.
    fn share(&self, target: &mut [T], panels: Range<usize>) {
        if target.len() <= PACKED_AT_ONCE || panels.len() == 1 {
            return self.pack(target, panels);
        }
        let middle = panels.start + panels.len() / 2;
        let (first, second) = target.split_at_mut(self.start(middle) - self.start(panels.start));
        join(|| self.share(first, panels.start..middle), || self.share(second, middle..panels.end));
    }

    fn pack(&self, mut target: &mut [T], panels: Range<usize>) {
        for number in panels {
            let (piece, panel) = (self.piece(number / self.panels()), self.panel(number % self.panels()));
            let (elements, rest) = std::mem::take(&mut target).split_at_mut(panel.len() * piece.len());
            target = rest;
            let Factor { matrix, transposed } = self.left;
            let row = self.rows.start + panel.start;
            let (stride, height) = (matrix.columns, panel.len());
            if transposed {
                let source = &matrix.data[piece.start * stride + row..];
                let shape = [piece.len(), height];
                ARCH.dispatch(Rows { source, stride, shape, target: elements, width: height, panel: 0 });
            } else {
                let source = &matrix.data[row * stride + piece.start..];
                turn(source, stride, [height, piece.len()], elements, height);
            }
        }
    }
}

struct Product<'a, T> {
    /// Packed.
    left: &'a [T],
    packing: Left<'a, T>,
    right: Factor<'a, T>,
    write: Write,
    then: &'a (dyn Fn(&mut [T], usize) + Sync),
}

impl<T: Real> Product<'_, T> {
    /// Shares a block of the result, which begins in a panel of the left factor and in a column, between threads.
    fn share(&self, block: Block<'_, T>, panel: usize, column: usize) {
        let wide = self.packing.geometry.columns;
        let panels = block.columns().div_ceil(wide);
        let all = self.right.shape()[1].div_ceil(wide);
        let few = (all / GROUPS).clamp(1, PANELS);
        if panels > few {
            let middle = panels.div_ceil(few) / 2 * few * wide;
            let (left, right) = block.split_columns(middle);
            join(|| self.share(left, panel, column), || self.share(right, panel, column + middle));
        } else if all < GROUPS && block.rows() >= 2 * GROUP_ROWS {
            self.halve(block, panel, column);
        } else {
            let size = INNER * block.columns().next_multiple_of(wide);
            with_memory(size, |packed| ARCH.dispatch(Group { product: self, block, panel, column, packed }));
        }
    }

    /// Shares a block half of whose rows go to another thread.
    fn halve(&self, block: Block<'_, T>, panel: usize, column: usize) {
        let middle = panel + block.rows().div_ceil(2).div_ceil(self.packing.geometry.rows);
        let rows = self.packing.panel(middle).start - self.packing.panel(panel).start;
        let (upper, lower) = block.split_rows(rows);
        join(|| self.share(upper, panel, column), || self.share(lower, middle, column));
    }
}

/// A block of the result, for one thread.
struct Group<'a, 'b, T> {
    product: &'a Product<'a, T>,
    block: Block<'b, T>,
    panel: usize,
    column: usize,
    /// Memory for its part of the right factor.
    packed: &'a mut [T],
}

impl<T: Real> WithSimd for Group<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Group { product, mut block, panel: first, column, packed } = self;
        let Product { left, packing, right, write, then } = product;
        let wide = packing.geometry.columns;
        let columns = block.columns();
        let origin = packing.panel(first).start;
        let panels = first
            ..(first..packing.panels())
                .find(|&panel| packing.panel(panel).start - origin >= block.rows())
                .unwrap_or(packing.panels());
        for number in 0..packing.pieces {
            let piece = packing.piece(number);
            pack_right(*right, piece.clone(), column..column + columns, packed, wide);
            let write = if number > 0 { Write::Add } else { *write };
            for panel in panels.clone() {
                let rows = packing.panel(panel);
                let from = packing.start(number * packing.panels() + panel);
                let left = &left[from..from + rows.len() * piece.len()];
                let row = rows.start - origin;
                for (strip, start) in (0..columns).step_by(wide).enumerate() {
                    let right = &packed[strip * wide * piece.len()..];
                    let width = wide.min(columns - start);
                    let tile =
                        Tile { simd, left, right, block: &mut block, row, column: start, width, write };
                    match width > T::lanes::<S>() {
                        true => tile.of_height::<VECTORS>(rows.len()),
                        false => tile.of_height::<1>(rows.len()),
                    }
                }
                if number + 1 == packing.pieces {
                    for row in row..row + rows.len() {
                        then(block.row_mut(row), column);
                    }
                }
            }
        }
    }
}

/// The columns of a piece of the right factor: panel after panel, row after row.
#[inline(always)]
fn pack_right<T: Real>(
    right: Factor<'_, T>,
    piece: Range<usize>,
    columns: Range<usize>,
    packed: &mut [T],
    wide: usize,
) {
    let Factor { matrix, transposed } = right;
    let stride = matrix.columns;
    let panel = wide * piece.len();
    if transposed {
        for (start, packed) in columns.clone().step_by(wide).zip(packed.chunks_mut(panel)) {
            let source = &matrix.data[start * stride + piece.start..];
            turn(source, stride, [wide.min(columns.end - start), piece.len()], packed, wide);
        }
    } else {
        let source = &matrix.data[piece.start * stride + columns.start..];
        let shape = [piece.len(), columns.len()];
        ARCH.dispatch(Rows { source, stride, shape, target: packed, width: wide, panel });
    }
}

#[cfg(test)]
mod tests {
    use super::super::Matrix;
    use super::*;

    fn numbers<T: Real>(count: usize, seed: usize) -> Vec<T> {
        (0..count).map(|i| T::from_f64(((i * 37 + seed * 101) % 19) as f64 - 9.0)).collect()
    }

    fn turned<T: Real>(elements: &[T], columns: usize) -> Vec<T> {
        let rows = elements.len() / columns;
        (0..elements.len()).map(|i| elements[i % rows * columns + i / rows]).collect()
    }

    /// Small whole numbers: every sum is exact.
    fn check<T: Real>(rows: usize, inner: usize, columns: usize) {
        let (left, right) = (numbers::<T>(rows * inner, 1), numbers::<T>(inner * columns, 2));
        let (left_turned, right_turned) = (turned(&left, inner), turned(&right, columns));
        let before = numbers::<T>(rows * columns, 3);
        let mut product_alone = vec![T::ZERO; rows * columns];
        for (target, left) in product_alone.chunks_mut(columns).zip(left.chunks(inner)) {
            for (&left, right) in left.iter().zip(right.chunks(columns)) {
                target.iter_mut().zip(right).for_each(|(t, &r)| *t += left * r);
            }
        }
        let (as_it_is, turned) = (false, true);
        for (write, left_way, right_way) in [
            (Write::Set, as_it_is, as_it_is),
            (Write::Add, as_it_is, turned),
            (Write::Set, turned, as_it_is),
            (Write::Add, turned, turned),
        ] {
            let factor = |way: bool, plain, sideways, [rows, columns]: [usize; 2]| match way {
                false => Factor::from(Matrix { data: plain, rows, columns }),
                true => Factor::from(Matrix { data: sideways, rows: columns, columns: rows }).transpose(),
            };
            let left = factor(left_way, &left[..], &left_turned[..], [rows, inner]);
            let right = factor(right_way, &right[..], &right_turned[..], [inner, columns]);
            let mut target = before.clone();
            let mut scratch = vec![T::ZERO; scratch(rows, inner)];
            let then = |elements: &mut [T], column: usize| {
                elements.iter_mut().zip(column..).for_each(|(e, c)| *e += T::from_f64(c as f64));
            };
            shared(&mut target, left, right, write, &mut scratch, &then);
            let mut by_one = before.clone();
            alone(&mut by_one, left, right, write);
            by_one.chunks_mut(columns).for_each(|row| then(row, 0));
            assert_eq!(
                by_one, target,
                "{rows}×{inner}·{inner}×{columns}, {write:?}, {left_way}, {right_way}"
            );
            for (i, (&found, &alone)) in target.iter().zip(&product_alone).enumerate() {
                let added = if write == Write::Add { before[i] } else { T::ZERO };
                let expected = alone + added + T::from_f64((i % columns) as f64);
                assert!(
                    found == expected,
                    "{rows}×{inner}·{inner}×{columns}, {write:?}, {left_way}, {right_way}: {found:?} at {i}, not \
                     {expected:?}"
                );
            }
        }
    }

    #[test]
    fn every_shape_gives_the_exact_product() {
        for rows in [1, 2, 5, 13, 14, 15, 16, 29, 130] {
            for inner in [1, 3, 16, 17, 50] {
                for columns in [1, 7, 15, 16, 17, 31, 32, 33, 64, 100, 161] {
                    check::<f32>(rows, inner, columns);
                    check::<f64>(rows, inner, columns);
                }
            }
        }
    }

    #[test]
    fn long_inner_dimensions_and_many_rows_are_taken_in_parts() {
        check::<f32>(45, 1537, 40);
        check::<f64>(20, 1025, 300);
        let rows = 8 * MAX_ROWS + 1;
        let inner = LEFT / 16;
        assert_eq!(left_parts(rows, inner), 2);
        let (left, right) = (vec![1.0f32; rows * inner], vec![1.0; inner]);
        let left = Matrix { data: &left, rows, columns: inner }.into();
        let right = Matrix { data: &right, rows: inner, columns: 1 }.into();
        let (mut target, mut scratch) = (vec![0.0; rows], vec![0.0; scratch(rows, inner)]);
        shared(&mut target, left, right, Write::Set, &mut scratch, &|_, _| {});
        assert!(target.iter().all(|&t| t == inner as f32));
    }

    #[test]
    fn what_is_not_a_number_stays_in_its_row_and_column() {
        let (rows, inner, columns) = (20, 20, 40);
        let (mut left, mut right) = (vec![1.0f32; rows * inner], vec![1.0; inner * columns]);
        left[3 * inner + 19] = f32::NAN;
        right[19 * columns + 39] = f32::INFINITY;
        let left = Matrix { data: &left, rows, columns: inner }.into();
        let right = Matrix { data: &right, rows: inner, columns }.into();
        let (mut target, mut scratch) = (vec![0.0; rows * columns], vec![0.0; scratch(rows, inner)]);
        shared(&mut target, left, right, Write::Set, &mut scratch, &|_, _| {});
        for (i, &found) in target.iter().enumerate() {
            match (i / columns, i % columns) {
                (3, _) => assert!(found.is_nan(), "{i}"),
                (_, 39) => assert_eq!(found, f32::INFINITY, "{i}"),
                _ => assert_eq!(found, 20.0, "{i}"),
            }
        }
    }

    #[test]
    fn the_scratch_memory_of_a_product_is_enough_for_every_smaller_one() {
        for inner in [1, 100, 5000, 70_000] {
            for rows in [1_usize, 13, 200, 209, 210, 20_000] {
                let packed = rows.div_ceil(left_parts(rows, inner)) * inner;
                assert!(packed <= scratch(rows, inner), "{rows}×{inner}");
                assert!(scratch(rows, inner) <= scratch(rows + 1, inner));
                assert!(scratch(rows, inner) <= scratch(rows, inner + 1));
            }
        }
    }
}
