//! A compiled computation, and running it.

use crate::compile::{Node, Stage};
use crate::feed::Feed;
use crate::forward::Run;
use crate::graph::Parameter;
use crate::op::Op;
use crate::real::Real;
use crate::workspace::Workspace;
use std::ops::Range;
use std::sync::Arc;

/// A computation that can be run any number of times, by any number of threads, each with a [`Workspace`] of its own.
///
/// `{:?}` prints its listing: for each stage what is computed once and what for each tile of rows, and after ∂ the
/// gradients that each step gives on the way back (`+` where it adds to what a later step gave).
#[derive(Clone)]
pub struct Program(pub(crate) Arc<Plan>);

/// What to compute, in which order, and who writes which gradient first.
pub(crate) struct Plan {
    pub(crate) nodes: Vec<Node>,
    pub(crate) stages: Vec<Stage>,
    pub(crate) loss: Option<usize>,
    /// Whether it has the gradients of the loss.
    pub(crate) gradients: bool,
    pub(crate) outputs: Vec<usize>,
    pub(crate) parameters: Vec<Parameter>,
    /// Ranges of parameters that the loss does not depend on.
    pub(crate) unreached: Vec<Range<usize>>,
}

/// The two directions for elements of one type. As they are not generic, kernels are compiled in this crate, and not again in
/// each that runs programs. No other type can have it, as it is private.
pub trait Runs: Sized {
    /// Values.
    fn forward(run: Run<'_, '_, Self>, ws: &mut Workspace<Self>);
    /// Gradients of the node `loss`.
    fn backward(run: Run<'_, '_, Self>, ws: &mut Workspace<Self>, loss: usize, gradients: &mut [Self]);
}

impl Runs for f32 {
    fn forward(run: Run<'_, '_, f32>, ws: &mut Workspace<f32>) {
        run.forward(ws);
    }
    fn backward(run: Run<'_, '_, f32>, ws: &mut Workspace<f32>, loss: usize, gradients: &mut [f32]) {
        run.backward(ws, loss, gradients);
    }
}

impl Runs for f64 {
    fn forward(run: Run<'_, '_, f64>, ws: &mut Workspace<f64>) {
        run.forward(ws);
    }
    fn backward(run: Run<'_, '_, f64>, ws: &mut Workspace<f64>, loss: usize, gradients: &mut [f64]) {
        run.backward(ws, loss, gradients);
    }
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Random choices (dropout) are made, as a function of the key.
    Train {
        /// Different for every step.
        key: u64,
    },
    /// No random choices.
    Evaluate,
}

impl Program {
    /// The table of parameters, in the order of the flat slice.
    pub fn parameters(&self) -> &[Parameter] {
        &self.0.parameters
    }

    /// The length of the flat slice of parameters.
    pub fn parameter_count(&self) -> usize {
        self.0.parameter_count()
    }

    /// Computes loss and outputs; read them from the workspace.
    ///
    /// `feeds` are the inputs and indices in the order of recording; all have the same number of rows, the batch (one
    /// row, if there are none). Those at the end that this program does not use may be left out.
    ///
    /// # Panics
    /// If the workspace is another program's; if `params` has the wrong length; if a feed is missing, has the wrong
    /// kind, columns or number of rows, or is not contiguous row by row; if an index is out of range; if the batch
    /// has no row or more than the workspace is for.
    #[track_caller]
    pub fn forward<T: Real>(&self, ws: &mut Workspace<T>, params: &[T], feeds: &[Feed<'_, T>], mode: Mode) {
        ws.rows = self.check(ws, params, feeds);
        ws.key = match mode {
            Mode::Train { key } => Some(key),
            Mode::Evaluate => None,
        };
        T::forward(self.run(ws, params, feeds), ws);
    }

    /// Computes the gradient of the loss for every parameter, after [`forward`](Program::forward) with the same
    /// `params` and `feeds`. `gradients` is overwritten.
    ///
    /// # Panics
    /// As `forward`; also if the program has no gradients ([`Graph::compile`](crate::Graph::compile) gives them), or did not
    /// run forward on as many rows.
    #[track_caller]
    pub fn backward<T: Real>(
        &self,
        ws: &mut Workspace<T>,
        params: &[T],
        feeds: &[Feed<'_, T>],
        gradients: &mut [T],
    ) {
        let loss = self.0.loss.filter(|_| self.0.gradients);
        let loss = loss.expect("only a program that was compiled with a loss, by `compile`, has gradients");
        let batch = self.check(ws, params, feeds);
        assert_eq!(batch, ws.rows, "backward on {batch} rows after forward on {}", ws.rows);
        assert_eq!(gradients.len(), params.len(), "as many gradients as parameters");
        T::backward(self.run(ws, params, feeds), ws, loss, gradients);
    }

    fn run<'a, 'f, T>(
        &'a self,
        ws: &Workspace<T>,
        params: &'a [T],
        feeds: &'a [Feed<'f, T>],
    ) -> Run<'a, 'f, T> {
        let Workspace { rows: batch, key, shares_products, .. } = *ws;
        Run { plan: &self.0, params, feeds, batch, key, shares_products }
    }

    /// The number of batch rows, if everything is as it must be.
    #[track_caller]
    fn check<T: Real>(&self, ws: &Workspace<T>, params: &[T], feeds: &[Feed<'_, T>]) -> usize {
        assert!(Arc::ptr_eq(&self.0, &ws.plan), "a workspace of another program");
        let count = self.parameter_count();
        assert_eq!(params.len(), count, "the program has {count} parameters, not {}", params.len());
        let rows = feeds.first().map_or(1, Feed::rows);
        assert!(rows > 0, "a batch has at least one row");
        assert!(rows <= ws.max_rows, "a batch of {rows} rows, and the workspace is for {}", ws.max_rows);
        for node in &self.0.nodes {
            match node.op {
                Op::Input(position) | Op::Indices(position) => {
                    let Some(feed) = feeds.get(position) else {
                        panic!("feed {position} (counted from 0) is missing: {} are given", feeds.len())
                    };
                    let found = feed.rows();
                    assert_eq!(found, rows, "feed {position} has {found} rows, the first has {rows}");
                    match node.op {
                        Op::Input(_) => feed.check_values(position, node.shape.columns),
                        _ => feed.check_indices(position),
                    }
                }
                // Feeds come before what uses them: this one was found to be indices.
                Op::Pick => {
                    let columns = self.0.nodes[node.args[0]].shape.columns;
                    self.0.check_range(feeds, node, columns, "`pick` chooses from columns");
                }
                Op::LookUp => {
                    let rows = self.0.nodes[node.args[0]].shape.rows_for(0);
                    self.0.check_range(feeds, node, rows, "the table of `look_up` has rows");
                }
                _ => {}
            }
        }
        rows
    }
}

impl Plan {
    pub(crate) fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |p| p.range().end)
    }

    #[track_caller]
    fn check_range<T>(&self, feeds: &[Feed<'_, T>], node: &Node, limit: usize, what: &str) {
        let Op::Indices(position) = self.nodes[node.args[1]].op else {
            unreachable!("the second are indices")
        };
        let indices = feeds[position].indices(0..feeds[position].rows());
        if let Some(row) = indices.iter().position(|&index| index as usize >= limit) {
            panic!("feed {position}: index {} in row {row}, but {what} 0 to {}", indices[row], limit - 1);
        }
    }
}
