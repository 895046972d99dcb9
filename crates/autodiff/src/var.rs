//! A [`Var`] is a value of a graph; its methods record what is computed from it.

use crate::graph::{Graph, Recorded};
use crate::kernel::binary::Binary;
use crate::kernel::reduce::Reduction;
use crate::kernel::unary::Unary;
use crate::op::{Axis, Op};
use crate::shape::{Rows, Shape};
use std::fmt;
use std::ops::{self, Range};

/// A value within a graph.
///
/// # Panics
/// A method or an operator that takes another value panics where it is called if their shapes do not fit, with both of
/// them, or if the other value is of another graph.
#[derive(Clone, Copy)]
pub struct Var<'g> {
    pub(crate) graph: &'g Graph,
    pub(crate) id: usize,
}

/// One whole number for each row of the batch: a class, or the row of a table.
#[derive(Debug, Clone, Copy)]
pub struct Indices<'g>(pub(crate) Var<'g>);

impl<'g> Var<'g> {
    /// The graph it belongs to.
    pub fn graph(self) -> &'g Graph {
        self.graph
    }

    /// Its rows and columns.
    pub fn shape(self) -> Shape {
        self.graph.record.borrow().nodes[self.id].shape
    }

    /// The number of its columns.
    pub fn columns(self) -> usize {
        self.shape().columns
    }

    #[track_caller]
    fn unary(self, op: Unary) -> Var<'g> {
        self.graph.apply(Op::Unary(op), &[self])
    }

    #[track_caller]
    fn product(self, transpose_left: bool, right: Var<'g>, transpose_right: bool) -> Var<'g> {
        self.graph.apply(Op::MatMul { transpose_left, transpose_right }, &[self, right])
    }

    /// self · right, m×k by k×n.
    #[track_caller]
    pub fn matmul(self, right: Var<'g>) -> Var<'g> {
        self.product(false, right, false)
    }

    /// self · rightᵀ, m×k by n×k: a dense layer whose weight is stored as outputs×inputs.
    #[track_caller]
    pub fn matmul_t(self, right: Var<'g>) -> Var<'g> {
        self.product(false, right, true)
    }

    /// selfᵀ · right, k×m by k×n; k may be the number of batch rows.
    #[track_caller]
    pub fn t_matmul(self, right: Var<'g>) -> Var<'g> {
        self.product(true, right, false)
    }

    /// selfᵀ · rightᵀ, k×m by n×k.
    #[track_caller]
    pub fn t_matmul_t(self, right: Var<'g>) -> Var<'g> {
        self.product(true, right, true)
    }

    /// |x|; the derivative at 0 is 0.
    pub fn abs(self) -> Var<'g> {
        self.unary(Unary::Abs)
    }

    /// x².
    pub fn square(self) -> Var<'g> {
        self.unary(Unary::Square)
    }

    /// √x.
    pub fn sqrt(self) -> Var<'g> {
        self.unary(Unary::Sqrt)
    }

    /// eˣ.
    pub fn exp(self) -> Var<'g> {
        self.unary(Unary::Exp)
    }

    /// The natural logarithm.
    pub fn ln(self) -> Var<'g> {
        self.unary(Unary::Ln)
    }

    /// x to the power of a constant.
    pub fn powf(self, exponent: f64) -> Var<'g> {
        self.unary(Unary::Power(exponent))
    }

    /// x limited to low..=high; the derivative is 1 at the limits too, as PyTorch has it.
    ///
    /// # Panics
    /// If `low` is above `high`, or one of them is NaN.
    #[track_caller]
    pub fn clamp(self, low: f64, high: f64) -> Var<'g> {
        assert!(low <= high, "there is nothing within {low}..={high}");
        self.unary(Unary::Clamp(low, high))
    }

    /// max(x, 0); the derivative at 0 is 0.
    pub fn relu(self) -> Var<'g> {
        self.unary(Unary::Relu)
    }

    /// x where positive, else `slope`·x.
    pub fn leaky_relu(self, slope: f64) -> Var<'g> {
        self.unary(Unary::LeakyRelu(slope))
    }

    /// x where positive, else `alpha`·(eˣ - 1).
    pub fn elu(self, alpha: f64) -> Var<'g> {
        self.unary(Unary::Elu(alpha))
    }

    /// The hyperbolic tangent.
    pub fn tanh(self) -> Var<'g> {
        self.unary(Unary::Tanh)
    }

    /// 1 / (1 + e⁻ˣ).
    pub fn sigmoid(self) -> Var<'g> {
        self.unary(Unary::Sigmoid)
    }

    /// x / (1 + |x|).
    pub fn softsign(self) -> Var<'g> {
        self.unary(Unary::Softsign)
    }

    /// ln(1 + eˣ).
    pub fn softplus(self) -> Var<'g> {
        self.unary(Unary::Softplus)
    }

    /// x · sigmoid(x).
    pub fn silu(self) -> Var<'g> {
        self.unary(Unary::Silu)
    }

    /// x · Φ(x), Φ the distribution function of the standard normal distribution (Hendrycks & Gimpel 2016).
    pub fn gelu(self) -> Var<'g> {
        self.unary(Unary::Gelu)
    }

    /// The approximation of [`gelu`](Var::gelu) by a hyperbolic tangent.
    pub fn gelu_tanh(self) -> Var<'g> {
        self.unary(Unary::GeluTanh)
    }

    #[track_caller]
    fn reduce(self, how: Reduction, axis: Axis) -> Var<'g> {
        self.graph.apply(Op::Reduce(how, axis), &[self])
    }

    /// The sum over rows (giving 1×n) or over columns (giving m×1).
    pub fn sum_over(self, axis: Axis) -> Var<'g> {
        self.reduce(Reduction::Sum, axis)
    }

    /// The mean over rows (giving 1×n) or over columns (giving m×1).
    pub fn mean_over(self, axis: Axis) -> Var<'g> {
        self.reduce(Reduction::Mean, axis)
    }

    /// The largest element over rows (giving 1×n) or over columns (giving m×1); its gradient goes to the first of
    /// equals.
    pub fn max_over(self, axis: Axis) -> Var<'g> {
        self.reduce(Reduction::Max, axis)
    }

    /// The sum of all elements, 1×1.
    pub fn sum(self) -> Var<'g> {
        self.reduce_all(Reduction::Sum)
    }

    /// The mean of all elements, 1×1.
    pub fn mean(self) -> Var<'g> {
        self.reduce_all(Reduction::Mean)
    }

    fn reduce_all(self, how: Reduction) -> Var<'g> {
        let per_row = if self.columns() == 1 { self } else { self.reduce(how, Axis::Columns) };
        match per_row.shape().rows {
            Rows::Fixed(1) => per_row,
            _ => per_row.reduce(how, Axis::Rows),
        }
    }

    /// ln(softmax(x)) of each row.
    pub fn log_softmax(self) -> Var<'g> {
        self.graph.apply(Op::LogSoftmax, &[self])
    }

    /// eˣ over the sum of eˣ of its row: what is positive and adds up to 1.
    pub fn softmax(self) -> Var<'g> {
        self.log_softmax().exp()
    }

    /// Of each row the column that `indices` names: batch×n gives batch×1.
    #[track_caller]
    pub fn pick(self, indices: Indices<'g>) -> Var<'g> {
        self.graph.apply(Op::Pick, &[self, indices.0])
    }

    /// The rows of this table that `indices` names: k×n gives batch×n.
    #[track_caller]
    pub fn look_up(self, indices: Indices<'g>) -> Var<'g> {
        self.graph.apply(Op::LookUp, &[self, indices.0])
    }

    /// The rows of this table whose numbers `places` has: k×n and batch×1 give batch×n.
    ///
    /// A number is rounded, and one that is out of range names the first row or the last; NaN names the first. No gradient
    /// goes to `places`.
    #[track_caller]
    pub fn look_up_at(self, places: Var<'g>) -> Var<'g> {
        self.graph.apply(Op::LookUpAt, &[self, places])
    }

    /// This and others side by side.
    #[track_caller]
    pub fn concatenate(self, others: &[Var<'g>]) -> Var<'g> {
        let all: Vec<Var<'g>> = [self].into_iter().chain(others.iter().copied()).collect();
        self.graph.apply(Op::Concatenate, &all)
    }

    /// The columns `columns.start..columns.end`.
    ///
    /// # Panics
    /// If there are no such columns.
    #[track_caller]
    pub fn slice(self, columns: Range<usize>) -> Var<'g> {
        self.graph.apply(Op::Slice { columns }, &[self])
    }

    /// While training, zeroes elements with probability `rate` and scales the others by 1 / (1 - rate); elsewhere
    /// the identity (Srivastava et al. 2014). Which elements is a function of the key given with the run, of the
    /// element's place in the batch, and of how many dropouts were recorded before this one.
    ///
    /// # Panics
    /// If `rate` is not within 0..1.
    #[track_caller]
    pub fn dropout(self, rate: f64) -> Var<'g> {
        assert!((0.0..1.0).contains(&rate), "a dropout rate lies within 0..1, not {rate}");
        let is_dropout = |node: &&Recorded| matches!(node.op, Op::Dropout { .. });
        let number = self.graph.record.borrow().nodes.iter().filter(is_dropout).count();
        self.graph.apply(Op::Dropout { rate, number }, &[self])
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:expr, $by_number:expr, $of_number:expr) => {
        impl<'g> ops::$trait for Var<'g> {
            type Output = Var<'g>;
            #[track_caller]
            fn $method(self, right: Var<'g>) -> Var<'g> {
                self.graph.apply(Op::Binary($op), &[self, right])
            }
        }
        impl<'g> ops::$trait<f64> for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, right: f64) -> Var<'g> {
                self.unary($by_number(right))
            }
        }
        impl<'g> ops::$trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            fn $method(self, right: Var<'g>) -> Var<'g> {
                let recorded: fn(f64, Var<'g>) -> Var<'g> = $of_number;
                recorded(self, right)
            }
        }
    };
}
operator!(Add, add, Binary::Add, Unary::Shift, |k, x| x + k);
operator!(Sub, sub, Binary::Sub, |k: f64| Unary::Shift(-k), |k, x| -x + k);
operator!(Mul, mul, Binary::Mul, Unary::Scale, |k, x| x * k);
operator!(Div, div, Binary::Div, |k: f64| Unary::Scale(1.0 / k), |k, x| x.graph.constant([1, 1], &[k]) / x);

impl<'g> ops::Neg for Var<'g> {
    type Output = Var<'g>;
    fn neg(self) -> Var<'g> {
        self.unary(Unary::Neg)
    }
}

impl fmt::Debug for Var<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{} {}", self.id, self.shape())
    }
}
