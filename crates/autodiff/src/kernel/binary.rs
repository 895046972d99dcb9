//! Functions of two elements, with broadcasting: the value and both derivatives side by side.
//!
//! Broadcasting is undone here, once for all functions: a gradient is summed over the sizes in which its operand was
//! repeated.

use super::{Matrix, Write, sum_of, vectorize};
use crate::real::Real;

/// A function applied to pairs of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
}

/// One of the two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// What is done with a function's rules.
trait Visitor<T> {
    /// `value(a, b)` is y; the derivatives are dy/da and dy/db of (a, b, y).
    fn visit(self, value: impl Fn(T, T) -> T, left: impl Fn(T, T, T) -> T, right: impl Fn(T, T, T) -> T);
}

impl Binary {
    #[inline(always)]
    fn rules<T: Real>(self, v: impl Visitor<T>) {
        let one = T::ONE;
        match self {
            Binary::Add => v.visit(|a, b| a + b, |_, _, _| one, |_, _, _| one),
            Binary::Sub => v.visit(|a, b| a - b, |_, _, _| one, |_, _, _| -one),
            Binary::Mul => v.visit(|a, b| a * b, |_, b, _| b, |a, _, _| a),
            Binary::Div => v.visit(|a, b| a / b, |_, b, _| one / b, |_, b, y| -y / b),
        }
    }

    /// y = f(a, b), where `y` has `rows` rows.
    pub(crate) fn forward<T: Real>(self, a: Matrix<'_, T>, b: Matrix<'_, T>, rows: usize, y: &mut [T]) {
        struct Forward<'a, T>(Pairs<'a, T>, &'a mut [T]);
        impl<T: Real> Visitor<T> for Forward<'_, T> {
            #[inline(always)]
            fn visit(self, value: impl Fn(T, T) -> T, _: impl Fn(T, T, T) -> T, _: impl Fn(T, T, T) -> T) {
                let Forward(pairs, y) = self;
                for row in 0..pairs.rows {
                    let y = &mut y[row * pairs.columns..][..pairs.columns];
                    pairs.for_row(row, FillRow(y, &value));
                }
            }
        }
        vectorize(
            #[inline(always)]
            || self.rules(Forward(Pairs::new(a, b, rows, y.len() / rows), y)),
        )
    }

    /// The gradient of one operand from that of the result, summed over what was broadcast.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn backward<T: Real>(
        self,
        side: Side,
        a: Matrix<'_, T>,
        b: Matrix<'_, T>,
        rows: usize,
        y: &[T],
        dy: &[T],
        target: &mut [T],
        write: Write,
    ) {
        let pairs = Pairs::new(a, b, rows, y.len() / rows);
        vectorize(
            #[inline(always)]
            || self.rules(Backward { side, pairs, y, dy, target, write }),
        )
    }
}

/// Both operands seen as `rows`×`columns`, flattened to one row where neither is repeated along just one of them.
#[derive(Clone, Copy)]
struct Pairs<'a, T> {
    a: Matrix<'a, T>,
    b: Matrix<'a, T>,
    rows: usize,
    columns: usize,
}

/// What is done with the pairs of one row.
trait RowVisitor<T> {
    fn visit(self, a: impl Fn(usize) -> T, b: impl Fn(usize) -> T);
}

impl<'a, T: Real> Pairs<'a, T> {
    fn new(a: Matrix<'a, T>, b: Matrix<'a, T>, rows: usize, columns: usize) -> Self {
        let flat = |m: &Matrix<'_, T>| m.data.len() == 1 || m.data.len() == rows * columns;
        if flat(&a) && flat(&b) {
            let one_row = |m: Matrix<'a, T>| Matrix { data: m.data, rows: 1, columns: m.data.len() };
            return Pairs { a: one_row(a), b: one_row(b), rows: 1, columns: rows * columns };
        }
        Pairs { a, b, rows, columns }
    }

    #[inline(always)]
    fn for_row(&self, row: usize, v: impl RowVisitor<T>) {
        let slice = |m: Matrix<'a, T>| {
            let row = if m.rows == 1 { 0 } else { row };
            &m.data[row * m.columns..][..m.columns]
        };
        let (a, b) = (slice(self.a), slice(self.b));
        match (a.len() == self.columns, b.len() == self.columns) {
            (true, true) => v.visit(|i| a[i], |i| b[i]),
            (true, false) => v.visit(|i| a[i], |_| b[0]),
            (false, true) => v.visit(|_| a[0], |i| b[i]),
            (false, false) => v.visit(|_| a[0], |_| b[0]),
        }
    }
}

struct FillRow<'a, T, F>(&'a mut [T], &'a F);

impl<T: Real, F: Fn(T, T) -> T> RowVisitor<T> for FillRow<'_, T, F> {
    #[inline(always)]
    fn visit(self, a: impl Fn(usize) -> T, b: impl Fn(usize) -> T) {
        for (i, y) in self.0.iter_mut().enumerate() {
            *y = (self.1)(a(i), b(i));
        }
    }
}

struct Backward<'a, T> {
    side: Side,
    pairs: Pairs<'a, T>,
    y: &'a [T],
    dy: &'a [T],
    target: &'a mut [T],
    write: Write,
}

impl<T: Real> Visitor<T> for Backward<'_, T> {
    #[inline(always)]
    fn visit(self, _: impl Fn(T, T) -> T, left: impl Fn(T, T, T) -> T, right: impl Fn(T, T, T) -> T) {
        match self.side {
            Side::Left => self.gather(left),
            Side::Right => self.gather(right),
        }
    }
}

impl<T: Real> Backward<'_, T> {
    #[inline(always)]
    fn gather(self, derivative: impl Fn(T, T, T) -> T) {
        let Backward { side, pairs, y, dy, target, write } = self;
        let operand = if side == Side::Left { pairs.a } else { pairs.b };
        for row in 0..pairs.rows {
            let within = row * pairs.columns..(row + 1) * pairs.columns;
            let (target_row, write) = match operand.rows {
                1 if row > 0 => (0, Write::Add),
                1 => (0, write),
                _ => (row, write),
            };
            let target = &mut target[target_row * operand.columns..][..operand.columns];
            pairs.for_row(
                row,
                GatherRow { y: &y[within.clone()], dy: &dy[within], target, write, derivative: &derivative },
            );
        }
    }
}

struct GatherRow<'a, T, F> {
    y: &'a [T],
    dy: &'a [T],
    target: &'a mut [T],
    write: Write,
    derivative: &'a F,
}

impl<T: Real, F: Fn(T, T, T) -> T> RowVisitor<T> for GatherRow<'_, T, F> {
    #[inline(always)]
    fn visit(self, a: impl Fn(usize) -> T, b: impl Fn(usize) -> T) {
        let GatherRow { y, dy, target, write, derivative } = self;
        let element = |i: usize| dy[i] * derivative(a(i), b(i), y[i]);
        if target.len() == y.len() {
            for (i, t) in target.iter_mut().enumerate() {
                match write {
                    Write::Set => *t = element(i),
                    Write::Add => *t += element(i),
                }
            }
        } else {
            let sum = sum_of(y.len(), element);
            match write {
                Write::Set => target[0] = sum,
                Write::Add => target[0] += sum,
            }
        }
    }
}
