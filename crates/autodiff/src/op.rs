//! The ops, and the shape of what each gives.

use crate::kernel::binary::Binary;
use crate::kernel::reduce::Reduction;
use crate::kernel::unary::Unary;
use crate::shape::{Rows, Shape};
use std::ops::Range;

/// Along which direction elements are reduced to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Over the rows: m×n becomes 1×n.
    Rows,
    /// Over the columns: m×n becomes m×1.
    Columns,
}

/// What a node computes from its arguments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// A matrix given with each run; its position among what is given.
    Input(usize),
    /// One whole number for each row, given with each run; its position among what is given.
    Indices(usize),
    /// A matrix whose gradient is asked for; the index into the table of parameters.
    Parameter(usize),
    /// A matrix known when recording.
    Constant(Vec<f64>),
    Unary(Unary),
    Binary(Binary),
    MatMul {
        transpose_left: bool,
        transpose_right: bool,
    },
    Reduce(Reduction, Axis),
    LogSoftmax,
    /// Of each row the column that the second argument names.
    Pick,
    /// Arguments side by side.
    Concatenate,
    /// Some columns next to each other.
    Slice {
        columns: Range<usize>,
    },
    /// Rows of the first argument that the second names.
    LookUp,
    /// Rows of the first argument that the second, one column, has as numbers. No gradient goes to the second.
    LookUpAt,
    /// Zeroes elements with probability `rate` and scales the others by 1 / (1 - rate); the `number` tells the
    /// dropouts of a graph apart.
    Dropout {
        rate: f64,
        number: usize,
    },
    /// f(x · wᵀ + b) in one pass; made by the compiler, never recorded.
    Linear(Option<Unary>),
}

impl Op {
    /// Whether a gradient goes to the argument in this slot.
    pub(crate) fn hands_back_to(&self, slot: usize) -> bool {
        !(*self == Op::LookUpAt && slot == 1)
    }

    /// The shape of the result, or what is wrong with the shapes of the arguments.
    pub(crate) fn shape(&self, args: &[Shape]) -> Result<Shape, String> {
        match self {
            Op::Input(_) | Op::Indices(_) | Op::Parameter(_) | Op::Constant(_) | Op::Linear(_) => {
                unreachable!("{self:?} has no shape rule: it is not recorded from arguments")
            }
            Op::Unary(_) | Op::LogSoftmax | Op::Dropout { .. } => Ok(args[0]),
            Op::Binary(op) => args[0].broadcast(args[1]).ok_or_else(|| {
                format!("{op:?} of {} and {}: sizes differ and neither is 1", args[0], args[1])
            }),
            Op::MatMul { transpose_left, transpose_right } => {
                product_shape(args[0], *transpose_left, args[1], *transpose_right)
            }
            Op::Reduce(_, Axis::Rows) => Ok(Shape::fixed(1, args[0].columns)),
            Op::Reduce(_, Axis::Columns) => Ok(Shape { rows: args[0].rows, columns: 1 }),
            Op::Pick => match args[0].rows == args[1].rows {
                true => Ok(Shape { rows: args[0].rows, columns: 1 }),
                false => Err(format!("pick from {}: there is one index for each row of the batch", args[0])),
            },
            Op::Concatenate => {
                let rows = args[0].rows;
                match args.iter().find(|a| a.rows != rows) {
                    Some(odd) => Err(format!("concatenation of {} and {odd}: rows differ", args[0])),
                    None => Ok(Shape { rows, columns: args.iter().map(|a| a.columns).sum() }),
                }
            }
            Op::Slice { columns } => match columns.start < columns.end && columns.end <= args[0].columns {
                true => Ok(Shape { rows: args[0].rows, columns: columns.len() }),
                false => Err(format!("slice of {}: there are no columns {columns:?}", args[0])),
            },
            Op::LookUp => match args[0].rows {
                Rows::Fixed(_) => Ok(Shape::batch(args[0].columns)),
                Rows::Batch => {
                    Err(format!("look-up in {}: the table must have a fixed number of rows", args[0]))
                }
            },
            Op::LookUpAt => match (args[0].rows, args[1].columns) {
                (Rows::Fixed(_), 1) => Ok(Shape { rows: args[1].rows, columns: args[0].columns }),
                (Rows::Fixed(_), _) => {
                    Err(format!("look-up at {}: there is one number for each row", args[1]))
                }
                (Rows::Batch, _) => {
                    Err(format!("look-up in {}: the table must have a fixed number of rows", args[0]))
                }
            },
        }
    }
}

fn product_shape(
    left: Shape,
    transpose_left: bool,
    right: Shape,
    transpose_right: bool,
) -> Result<Shape, String> {
    let sides = |s: Shape, transposed: bool| {
        let columns = Rows::Fixed(s.columns);
        if transposed { (columns, s.rows) } else { (s.rows, columns) }
    };
    let ((rows, inner), (right_inner, columns)) =
        (sides(left, transpose_left), sides(right, transpose_right));
    let mark = |transposed: bool| if transposed { "ᵀ" } else { "" };
    let text = || format!("({left}){} · ({right}){}", mark(transpose_left), mark(transpose_right));
    if inner != right_inner {
        return Err(format!("product {}: inner sizes differ", text()));
    }
    match columns {
        Rows::Fixed(columns) => Ok(Shape { rows, columns }),
        Rows::Batch => {
            Err(format!("product {}: the result would have as many columns as the batch has rows", text()))
        }
    }
}
