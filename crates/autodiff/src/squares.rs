//! Squares of the gradients of single rows, for dense layers: what the spread of a batch's gradient is told from.

use crate::compile::{Node, Place};
use crate::feed::Feed;
use crate::forward::Run;
use crate::kernel::{Matrix, Write, linear, vectorize};
use crate::op::Op;
use crate::program::{Plan, Program};
use crate::real::Real;
use crate::workspace::Workspace;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// For each weight and bias of a dense layer, the sum over the rows of the batch of the squares of what the row alone
/// adds to its gradient.
///
/// A layer y = f(x · wᵀ + b) with the gradient Δ (rows×outputs) before f gives w the gradient Δᵀx, a sum over rows, of
/// which row i adds the product of the i-th rows of Δ and x. The squares of these are summed by one more product,
/// (Δ∘Δ)ᵀ(x∘x), and those for b are the sums of the columns of Δ∘Δ (Goodfellow 2015, arXiv 1510.01799, for the norms;
/// Mahsereci et al. 2017, arXiv 1703.09580, for the elements).
///
/// ```
/// use highwater_autodiff::{Graph, Mode};
/// use ndarray::array;
///
/// let g = Graph::new();
/// let w = g.param("w", [1, 1]);
/// let b = g.param_vector("b", 1);
/// let y = g.input(1).matmul_t(w) + b;
/// let program = g.compile(y.square().mean(), &[]);
///
/// // With w = 1 and b = 0 the rows 1 and 3 add 2·1·1 / 2 and 2·3·3 / 2 to the gradient of w.
/// let (params, x) = ([1.0, 0.0], array![[1.0], [3.0]]);
/// let (mut ws, mut gradients) = (program.workspace(2), [0.0; 2]);
/// program.forward(&mut ws, &params, &[(&x).into()], Mode::Train { key: 0 });
/// program.backward(&mut ws, &params, &[(&x).into()], &mut gradients);
/// let mut squares = program.row_squares(2).expect("rows meet in the loss alone");
/// assert_eq!(gradients, [1.0 + 9.0, 1.0 + 3.0]);
/// assert_eq!(squares.compute(&ws, &[(&x).into()]), [1.0 + 81.0, 1.0 + 9.0]);
/// ```
#[derive(Clone)]
pub struct RowSquares<T> {
    plan: Arc<Plan>,
    layers: Vec<Layer>,
    covered: Vec<Range<usize>>,
    squares: Vec<T>,
    /// Δ∘Δ, x∘x and what their product wants.
    dz: Vec<T>,
    x: Vec<T>,
    scratch: Vec<T>,
}

impl<T> fmt::Debug for RowSquares<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowSquares").field("covered", &self.covered).finish_non_exhaustive()
    }
}

/// A dense layer, and where its parameters are.
#[derive(Clone)]
struct Layer {
    node: usize,
    weight: Range<usize>,
    bias: Range<usize>,
}

impl Program {
    /// Memory for the squares of the rows of batches of up to `max_rows` rows. `None` if rows meet before the loss, as
    /// they do where a batch is normalised by its own mean: then no row has a gradient of its own.
    pub fn row_squares<T: Real>(&self, max_rows: usize) -> Option<RowSquares<T>> {
        let plan = &self.0;
        if plan.rows_meet() {
            return None;
        }
        let layers: Vec<Layer> = (0..plan.nodes.len()).filter_map(|node| plan.layer(node)).collect();
        let mut covered: Vec<Range<usize>> =
            layers.iter().flat_map(|layer| [layer.weight.clone(), layer.bias.clone()]).collect();
        covered.sort_by_key(|range| range.start);
        let most = |size: &dyn Fn(usize, usize) -> usize| {
            let sizes = layers.iter().map(|layer| size(plan.inputs(layer), layer.bias.len()));
            vec![T::ZERO; sizes.max().unwrap_or(0)]
        };
        Some(RowSquares {
            squares: vec![T::ZERO; plan.parameter_count()],
            x: most(&|inputs, _| max_rows * inputs),
            dz: most(&|_, outputs| max_rows * outputs),
            scratch: most(&|inputs, outputs| linear::scratch(max_rows, inputs, outputs)),
            plan: Arc::clone(plan),
            layers,
            covered,
        })
    }
}

impl<T: Real> RowSquares<T> {
    /// Where in the flat slice of parameters those are that have squares: of each dense layer whose weight and bias
    /// take part nowhere else. In ascending order.
    pub fn covered(&self) -> &[Range<usize>] {
        &self.covered
    }

    /// The squares for each parameter, in the order of the flat slice, after [`backward`](Program::backward) with the
    /// same `feeds`; 0 for those that are not [covered](RowSquares::covered). Allocates nothing.
    ///
    /// # Panics
    /// If the workspace is of another program, or its last run was of more rows than there is memory for.
    #[track_caller]
    pub fn compute(&mut self, ws: &Workspace<T>, feeds: &[Feed<'_, T>]) -> &[T] {
        let RowSquares { plan, layers, squares, dz, x, scratch, .. } = self;
        assert!(Arc::ptr_eq(plan, &ws.plan), "a workspace of another program");
        // Layers read their inputs from tiles and feeds, never from parameters.
        let run = Run { plan, params: &[], feeds, batch: ws.rows, key: None, shares_products: false };
        for (number, tile) in ws.tiles[..ws.rows.div_ceil(ws.tile_rows)].iter().enumerate() {
            let write = if number == 0 { Write::Set } else { Write::Add };
            let rows = number * ws.tile_rows..((number + 1) * ws.tile_rows).min(ws.rows);
            for Layer { node, weight, bias } in layers.iter() {
                let source = plan.nodes[*node].args[0];
                let input = run.matrix(source, &rows, &tile.values[source]);
                let gradient = &tile.gradients[*node][..rows.len() * bias.len()];
                let x = squared(input.data, x);
                let dz = squared(gradient, dz);
                linear::backward_bias(dz, &mut squares[bias.clone()], write);
                let dz = Matrix { data: dz, rows: rows.len(), columns: bias.len() };
                let x = Matrix { data: x, ..input };
                linear::backward_weight(dz, x, scratch, &mut squares[weight.clone()], write);
            }
        }
        squares
    }
}

fn squared<'a, T: Real>(source: &[T], memory: &'a mut [T]) -> &'a [T] {
    let target = &mut memory[..source.len()];
    vectorize(
        #[inline(always)]
        || {
            for (t, &s) in target.iter_mut().zip(source) {
                *t = s * s;
            }
        },
    );
    target
}

impl Plan {
    /// Whether a value of one row depends on other rows of the batch.
    fn rows_meet(&self) -> bool {
        let mut mixed: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for Node { args, place, .. } in &self.nodes {
            let of_mixed = args.iter().any(|&arg| mixed[arg]);
            if of_mixed && *place == Place::Tile {
                return true;
            }
            mixed.push(of_mixed || *place == Place::Joined);
        }
        false
    }

    /// The dense layer that a node is, if its parameters have gradients and are used here alone.
    fn layer(&self, node: usize) -> Option<Layer> {
        let Node { op: Op::Linear(_), args, place: Place::Tile, has_gradient: true, edges, .. } =
            &self.nodes[node]
        else {
            return None;
        };
        let own = |slot: usize| match &self.nodes[args[slot]].place {
            Place::Parameters(range) if edges[slot].is_some() && self.uses(args[slot]) == 1 => {
                Some(range.clone())
            }
            _ => None,
        };
        Some(Layer { node, weight: own(1)?, bias: own(2)? })
    }

    fn inputs(&self, layer: &Layer) -> usize {
        self.nodes[self.nodes[layer.node].args[0]].shape.columns
    }

    fn uses(&self, id: usize) -> usize {
        self.nodes.iter().flat_map(|node| &node.args).filter(|&&arg| arg == id).count()
    }
}
