//! Shapes: every value is a matrix, and the only size unknown while recording is the number of batch rows.

use std::fmt;

/// The number of rows of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rows {
    /// One row for each row of the batch; known when the program runs.
    Batch,
    /// The same number of rows in every run.
    Fixed(usize),
}

/// Rows and columns of a value. A scalar is 1×1, a bias 1×n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The number of rows.
    pub rows: Rows,
    /// The number of columns.
    pub columns: usize,
}

impl Shape {
    /// A value with one row for each row of the batch.
    pub fn batch(columns: usize) -> Shape {
        Shape { rows: Rows::Batch, columns }
    }

    /// A value of the same size in every run.
    pub fn fixed(rows: usize, columns: usize) -> Shape {
        Shape { rows: Rows::Fixed(rows), columns }
    }

    /// Whether the value has one row for each row of the batch.
    pub fn is_batch(&self) -> bool {
        self.rows == Rows::Batch
    }

    /// The number of rows when the batch has `batch` of them.
    pub fn rows_for(&self, batch: usize) -> usize {
        match self.rows {
            Rows::Batch => batch,
            Rows::Fixed(rows) => rows,
        }
    }

    /// The shape that two operands broadcast to: sizes agree, or one of them is 1.
    pub(crate) fn broadcast(self, other: Shape) -> Option<Shape> {
        let rows = match (self.rows, other.rows) {
            (a, b) if a == b => a,
            (a, Rows::Fixed(1)) => a,
            (Rows::Fixed(1), b) => b,
            _ => return None,
        };
        let columns = match (self.columns, other.columns) {
            (a, b) if a == b => a,
            (a, 1) => a,
            (1, b) => b,
            _ => return None,
        };
        Some(Shape { rows, columns })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            Rows::Batch => write!(f, "batch×{}", self.columns),
            Rows::Fixed(rows) => write!(f, "{rows}×{}", self.columns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_agree_or_one_of_them_is_one() {
        let check = |a: Shape, b: Shape, expected: Option<Shape>| {
            assert_eq!(a.broadcast(b), expected, "{a} with {b}");
            assert_eq!(b.broadcast(a), expected, "{b} with {a}");
        };
        check(Shape::batch(4), Shape::fixed(1, 4), Some(Shape::batch(4)));
        check(Shape::batch(4), Shape::fixed(1, 1), Some(Shape::batch(4)));
        check(Shape::batch(1), Shape::fixed(1, 4), Some(Shape::batch(4)));
        check(Shape::fixed(3, 1), Shape::fixed(1, 4), Some(Shape::fixed(3, 4)));
        check(Shape::batch(4), Shape::fixed(2, 4), None);
        check(Shape::batch(4), Shape::batch(3), None);
    }
}
