//! Recording: a [`Graph`] collects nodes and parameters.

use crate::compile;
use crate::op::Op;
use crate::program::Program;
use crate::shape::{Rows, Shape};
use crate::var::{Indices, Var};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// A computation being recorded. [`Graph::compile`] turns it into a [`Program`].
#[derive(Debug, Default)]
pub struct Graph {
    pub(crate) record: RefCell<Record>,
}

/// What has been recorded so far.
#[derive(Debug, Default, Clone)]
pub(crate) struct Record {
    pub(crate) nodes: Vec<Recorded>,
    pub(crate) parameters: Vec<Parameter>,
    /// How many matrices and indices are given with each run.
    pub(crate) feeds: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) op: Op,
    pub(crate) args: Vec<usize>,
    pub(crate) shape: Shape,
}

/// Where a parameter lies in the flat slice of all parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its unique name.
    pub name: String,
    /// `[rows, columns]` of a matrix, `[n]` of a vector (which takes part in the graph as 1×n).
    pub shape: Vec<usize>,
    /// Of its first element.
    pub offset: usize,
}

impl Parameter {
    /// The number of elements.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Its elements within the flat slice.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }
}

impl Graph {
    /// An empty graph.
    pub fn new() -> Graph {
        Graph::default()
    }

    /// A batch×`columns` matrix that is given with each run, in the order of recording.
    ///
    /// # Panics
    /// If there are no columns.
    #[track_caller]
    pub fn input(&self, columns: usize) -> Var<'_> {
        self.push(Op::Input(self.feed()), vec![], Shape::batch(columns))
    }

    /// One whole number for each row of the batch, given with each run, in the order of recording.
    pub fn indices(&self) -> Indices<'_> {
        Indices(self.push(Op::Indices(self.feed()), vec![], Shape::batch(1)))
    }

    /// A rows×columns parameter.
    ///
    /// # Panics
    /// If a parameter of this name was recorded already, or has no element.
    #[track_caller]
    pub fn param(&self, name: impl Into<String>, [rows, columns]: [usize; 2]) -> Var<'_> {
        self.parameter(name.into(), vec![rows, columns], Shape::fixed(rows, columns))
    }

    /// A vector of `n` elements, for instance a bias; it takes part in the graph as 1×n.
    ///
    /// # Panics
    /// If a parameter of this name was recorded already, or has no element.
    #[track_caller]
    pub fn param_vector(&self, name: impl Into<String>, n: usize) -> Var<'_> {
        self.parameter(name.into(), vec![n], Shape::fixed(1, n))
    }

    /// A rows×columns matrix of fixed elements, row by row.
    ///
    /// # Panics
    /// If `elements` are not rows·columns many, or none.
    #[track_caller]
    pub fn constant(&self, [rows, columns]: [usize; 2], elements: &[f64]) -> Var<'_> {
        let (size, given) = (rows * columns, elements.len());
        assert_eq!(size, given, "a constant {rows}×{columns} has {size} elements, and {given} are given");
        self.push(Op::Constant(elements.to_vec()), vec![], Shape::fixed(rows, columns))
    }

    /// The table of parameters recorded so far, in the order of the flat slice.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.record.borrow().parameters.clone()
    }

    /// A program that computes `loss` (1×1), `outputs`, and the gradient of the loss for every parameter.
    ///
    /// # Panics
    /// If the loss is not 1×1, or a value is another graph's.
    #[track_caller]
    pub fn compile(&self, loss: Var<'_>, outputs: &[Var<'_>]) -> Program {
        self.compile_loss(loss, outputs, true)
    }

    /// A program that computes `loss` (1×1) and `outputs` and has no gradients: to try what was trained.
    ///
    /// # Panics
    /// As [`compile`](Graph::compile).
    #[track_caller]
    pub fn compile_evaluation(&self, loss: Var<'_>, outputs: &[Var<'_>]) -> Program {
        self.compile_loss(loss, outputs, false)
    }

    #[track_caller]
    fn compile_loss(&self, loss: Var<'_>, outputs: &[Var<'_>], gradients: bool) -> Program {
        assert_eq!(loss.shape(), Shape::fixed(1, 1), "a loss is 1×1, not {}", loss.shape());
        let (loss, outputs) = (Some(self.own(loss)), self.own_all(outputs));
        Program(Arc::new(compile::compile(&self.record.borrow(), loss, &outputs, gradients)))
    }

    /// A program that computes `outputs` alone.
    ///
    /// # Panics
    /// If a value is another graph's.
    #[track_caller]
    pub fn compile_forward(&self, outputs: &[Var<'_>]) -> Program {
        Program(Arc::new(compile::compile(&self.record.borrow(), None, &self.own_all(outputs), false)))
    }

    #[track_caller]
    fn own(&self, var: Var<'_>) -> usize {
        assert!(std::ptr::eq(self, var.graph), "a value of another graph");
        var.id
    }

    #[track_caller]
    fn own_all(&self, vars: &[Var<'_>]) -> Vec<usize> {
        // A panic within a closure would be said to be here.
        let mut ids = Vec::with_capacity(vars.len());
        for &var in vars {
            ids.push(self.own(var));
        }
        ids
    }

    #[track_caller]
    fn parameter(&self, name: String, shape: Vec<usize>, matrix: Shape) -> Var<'_> {
        let index = {
            let parameters = &mut self.record.borrow_mut().parameters;
            assert!(parameters.iter().all(|p| p.name != name), "there is a parameter named {name} already");
            let offset = parameters.last().map_or(0, |last| last.range().end);
            parameters.push(Parameter { name, shape, offset });
            parameters.len() - 1
        };
        self.push(Op::Parameter(index), vec![], matrix)
    }

    /// Counts what is given with each run; returns the position of the next.
    fn feed(&self) -> usize {
        let feeds = &mut self.record.borrow_mut().feeds;
        *feeds += 1;
        *feeds - 1
    }

    #[track_caller]
    fn push(&self, op: Op, args: Vec<usize>, shape: Shape) -> Var<'_> {
        assert!(shape.columns > 0 && shape.rows != Rows::Fixed(0), "a value of {shape} has no element");
        let nodes = &mut self.record.borrow_mut().nodes;
        nodes.push(Recorded { op, args, shape });
        Var { graph: self, id: nodes.len() - 1 }
    }

    #[track_caller]
    pub(crate) fn apply<'g>(&'g self, op: Op, args: &[Var<'g>]) -> Var<'g> {
        let ids = self.own_all(args);
        let shapes: Vec<Shape> = args.iter().map(|a| a.shape()).collect();
        match op.shape(&shapes) {
            Ok(shape) => self.push(op, ids, shape),
            Err(what) => panic!("{what}"),
        }
    }
}
