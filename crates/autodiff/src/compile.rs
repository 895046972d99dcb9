//! From what was recorded to what is run: fuse, prune, order, and decide who writes a gradient first.
//!
//! Values with one row for each row of the batch are computed tile by tile: a tile is a run of rows that is carried
//! through as many ops as possible while it is in a cache, and tiles are independent of each other. Where rows meet (a
//! sum over the batch, for instance), each tile gives its part, the parts are joined in their order, and what depends
//! on the result belongs to the next *stage*. A multi-layer perceptron with a mean as its loss has two stages: all
//! rows, then the mean. Going backward the stages are walked in reverse, and the tiles' parts of the gradients of
//! fixed values are joined in the same way.

use crate::graph::{Parameter, Record, Recorded};
use crate::kernel::Write;
use crate::kernel::binary::Binary;
use crate::kernel::matmul::is_large;
use crate::kernel::reduce::Reduction;
use crate::kernel::unary::Unary;
use crate::op::{Axis, Op};
use crate::program::Plan;
use crate::shape::{Rows, Shape};
use std::ops::Range;

/// Where the value of a node lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In each tile, for the tile's rows.
    Tile,
    /// Once, of fixed size.
    Shared,
    /// Once, of fixed size, joined from parts that the tiles give.
    Joined,
    /// In the flat slice of parameters.
    Parameters(Range<usize>),
    /// In the given inputs, by position.
    Feed(usize),
}

/// How the gradient of an argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edge {
    /// Where it is written directly.
    pub(crate) write: Write,
    /// Where a tile gives its part of the gradient of a fixed value.
    pub(crate) part: Write,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) args: Vec<usize>,
    pub(crate) shape: Shape,
    pub(crate) place: Place,
    /// For each argument, how its gradient is written; `None` where none is asked for.
    pub(crate) edges: Vec<Option<Edge>>,
    /// Whether a gradient reaches it and leads on to a parameter.
    pub(crate) has_gradient: bool,
}

/// Nodes between two meetings of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage {
    /// Nodes of fixed size, in order.
    pub(crate) shared: Vec<usize>,
    /// Nodes of batch rows, and the tiles' parts of those that are joined for the next stage, in order.
    pub(crate) sweep: Vec<usize>,
    /// Fixed values whose gradients the sweep gives in parts, and how the joined parts are written.
    pub(crate) joins: Vec<(usize, Write)>,
}

/// With `gradients` there is a loss, and they are those of it.
pub(crate) fn compile(record: &Record, loss: Option<usize>, outputs: &[usize], gradients: bool) -> Plan {
    let roots: Vec<usize> = loss.iter().chain(outputs).copied().collect();
    let mut recorded = record.nodes.clone();
    fuse(&mut recorded, &roots);
    let (mut nodes, mut roots) = prune(recorded, &roots, &record.parameters);
    let outputs = roots.split_off(usize::from(loss.is_some()));
    let loss = roots.pop();
    let mut stages = order(&nodes);
    if let Some(loss) = loss.filter(|_| gradients) {
        plan_gradients(&mut nodes, &mut stages, loss);
    }
    let reached = |index| nodes.iter().any(|n| n.op == Op::Parameter(index) && n.has_gradient);
    let unreached = (0..record.parameters.len()).filter(|&index| !reached(index));
    let unreached = unreached.map(|index| record.parameters[index].range()).collect();
    Plan { nodes, stages, loss, gradients, outputs, parameters: record.parameters.clone(), unreached }
}

/// How often each node is used, by other nodes that the roots need or as a root.
fn count_uses(nodes: &[Recorded], roots: &[usize]) -> Vec<usize> {
    let mut uses = vec![0; nodes.len()];
    roots.iter().for_each(|&root| uses[root] += 1);
    for (id, node) in nodes.iter().enumerate().rev() {
        if uses[id] > 0 {
            node.args.iter().for_each(|&arg| uses[arg] += 1);
        }
    }
    uses
}

/// Makes one op of product + bias and of an activation after it; nobody uses what it absorbs any more.
fn fuse(nodes: &mut [Recorded], roots: &[usize]) {
    let uses = count_uses(nodes, roots);
    let dense = Op::MatMul { transpose_left: false, transpose_right: true };
    for id in (0..nodes.len()).filter(|&id| uses[id] > 0) {
        let Recorded { op, args, shape } = &nodes[id];
        let fused = match op {
            Op::Binary(Binary::Add) => {
                let fits = |product: usize, bias: usize| {
                    (nodes[product].op == dense && uses[product] == 1 && nodes[product].shape == *shape)
                        && nodes[bias].shape == Shape::fixed(1, shape.columns)
                };
                let pairs = [(args[0], args[1]), (args[1], args[0])];
                pairs.into_iter().find(|&(product, bias)| fits(product, bias)).map(|(product, bias)| {
                    let factors = &nodes[product].args;
                    (Op::Linear(None), vec![factors[0], factors[1], bias])
                })
            }
            Op::Unary(activation) if activation.derivative_needs_only_value() => {
                let inner = &nodes[args[0]];
                let fits = inner.op == Op::Linear(None) && uses[args[0]] == 1;
                fits.then(|| (Op::Linear(Some(*activation)), inner.args.clone()))
            }
            _ => None,
        };
        if let Some((op, args)) = fused {
            nodes[id] = Recorded { op, args, ..nodes[id] };
        }
    }
}

/// Keeps what the roots need, and finds each value its place; also returns where the roots went.
fn prune(recorded: Vec<Recorded>, roots: &[usize], parameters: &[Parameter]) -> (Vec<Node>, Vec<usize>) {
    let uses = count_uses(&recorded, roots);
    let mut nodes: Vec<Node> = Vec::new();
    let mut moved = vec![usize::MAX; recorded.len()];
    for (id, Recorded { op, args, shape }) in recorded.into_iter().enumerate() {
        if uses[id] > 0 {
            moved[id] = nodes.len();
            push(&mut nodes, op, args.iter().map(|&arg| moved[arg]).collect(), shape, parameters);
        }
    }
    let mut computed = |root: &usize| match nodes[moved[*root]].place {
        Place::Feed(_) | Place::Parameters(_) => {
            // What is given with a run is copied, so that a root is always a value of the workspace.
            let shape = nodes[moved[*root]].shape;
            push(&mut nodes, Op::Unary(Unary::Scale(1.0)), vec![moved[*root]], shape, parameters)
        }
        _ => moved[*root],
    };
    let roots = roots.iter().map(&mut computed).collect();
    (nodes, roots)
}

fn push(nodes: &mut Vec<Node>, op: Op, args: Vec<usize>, shape: Shape, parameters: &[Parameter]) -> usize {
    let place = match op {
        Op::Input(position) | Op::Indices(position) => Place::Feed(position),
        Op::Parameter(index) => Place::Parameters(parameters[index].range()),
        _ if shape.is_batch() => Place::Tile,
        _ if args.iter().any(|&arg| nodes[arg].shape.is_batch()) => Place::Joined,
        _ => Place::Shared,
    };
    let edges = vec![None; args.len()];
    nodes.push(Node { op, args, shape, place, edges, has_gradient: false });
    nodes.len() - 1
}

/// Assigns each node to the first stage at which its arguments are there.
fn order(nodes: &[Node]) -> Vec<Stage> {
    let mut stages = vec![Stage::default()];
    let mut stage_of = vec![0; nodes.len()];
    for (id, node) in nodes.iter().enumerate() {
        let ready = node.args.iter().map(|&arg| stage_of[arg]).max().unwrap_or(0);
        stage_of[id] = ready;
        match node.place {
            Place::Feed(_) | Place::Parameters(_) => {}
            Place::Tile => stages[ready].sweep.push(id),
            Place::Shared => stages[ready].shared.push(id),
            Place::Joined => {
                stages[ready].sweep.push(id);
                if stages.len() == ready + 1 {
                    stages.push(Stage::default());
                }
                stages[ready + 1].shared.push(id);
                stage_of[id] = ready + 1;
            }
        }
    }
    stages
}

/// Walks the backward pass as it will run and notes who writes each gradient first.
fn plan_gradients(nodes: &mut [Node], stages: &mut [Stage], loss: usize) {
    let mut leads_to_parameter: Vec<bool> = Vec::new();
    for node in nodes.iter() {
        let is_parameter = matches!(node.op, Op::Parameter(_));
        let leads = |(slot, &arg): (usize, &usize)| node.op.hands_back_to(slot) && leads_to_parameter[arg];
        leads_to_parameter.push(is_parameter || node.args.iter().enumerate().any(leads));
    }
    let first = |seen: &mut bool| if std::mem::replace(seen, true) { Write::Add } else { Write::Set };

    nodes[loss].has_gradient = leads_to_parameter[loss];
    let mut written = vec![false; nodes.len()];
    for stage in stages.iter_mut().rev() {
        let written_before = written.clone();
        let mut in_parts = vec![false; nodes.len()];
        let sweep = stage.sweep.iter().rev().map(|&id| (id, true));
        let shared = stage.shared.iter().rev().filter(|&&id| nodes[id].place == Place::Shared);
        let backward: Vec<_> = sweep.chain(shared.map(|&id| (id, false))).collect();
        for (id, in_sweep) in backward {
            for slot in 0..nodes[id].args.len() {
                let arg = nodes[id].args[slot];
                let asked = leads_to_parameter[arg] && nodes[id].op.hands_back_to(slot);
                if nodes[id].has_gradient && asked {
                    let write = first(&mut written[arg]);
                    let in_part = in_sweep && nodes[arg].place != Place::Tile;
                    let part = if in_part { first(&mut in_parts[arg]) } else { write };
                    nodes[id].edges[slot] = Some(Edge { write, part });
                    nodes[arg].has_gradient = true;
                }
            }
        }
        stage.joins = (0..nodes.len())
            .filter(|&id| in_parts[id])
            .map(|id| (id, if written_before[id] { Write::Add } else { Write::Set }))
            .collect();
    }
}

impl Plan {
    /// Whether rows may be computed in tiles: the first of equal maxima can only be told with all rows in sight.
    pub(crate) fn can_be_tiled(&self) -> bool {
        let is_max = |node: &Node| node.op == Op::Reduce(Reduction::Max, Axis::Rows);
        !self.nodes.iter().any(|node| is_max(node) && node.place == Place::Joined)
    }

    /// Multiplications and elements that one row of the batch takes going forward: what its computation costs.
    pub(crate) fn work_per_row(&self) -> usize {
        let work = |node: &Node| match (&node.op, node.shape.rows) {
            (Op::MatMul { .. } | Op::Linear(_), Rows::Batch) => {
                self.nodes[node.args[0]].shape.columns * node.shape.columns
            }
            (Op::MatMul { .. }, Rows::Fixed(rows)) if node.place == Place::Joined => {
                rows * node.shape.columns
            }
            (_, Rows::Batch) => node.shape.columns,
            _ => 0,
        };
        self.nodes.iter().map(work).sum()
    }

    /// Values and gradients of a row.
    pub(crate) fn elements_per_row(&self) -> usize {
        let of_rows = self.nodes.iter().filter(|node| node.place == Place::Tile);
        of_rows.map(|node| node.shape.columns * (1 + usize::from(node.has_gradient))).sum()
    }

    /// Whether a single product is worth more than one thread.
    pub(crate) fn has_large_product(&self, batch: usize) -> bool {
        self.nodes.iter().any(|node| match node.op {
            Op::Linear(_) => {
                let inner = self.nodes[node.args[0]].shape.columns;
                is_large([node.shape.rows_for(batch), inner, node.shape.columns])
            }
            Op::MatMul { transpose_left, .. } => {
                let left = self.nodes[node.args[0]].shape;
                let inner = if transpose_left { left.rows_for(batch) } else { left.columns };
                is_large([node.shape.rows_for(batch), inner, node.shape.columns])
            }
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::{Axis, Graph, Var};

    #[test]
    fn only_a_maximum_over_the_batch_keeps_its_rows_together() {
        let g = Graph::new();
        let (x, w) = (g.input(2), g.param("w", [3, 2]));
        let can_be_tiled = |y: Var<'_>| g.compile_forward(&[y]).0.can_be_tiled();
        assert!(!can_be_tiled(x.max_over(Axis::Rows)));
        for y in [x.mean_over(Axis::Rows), x.max_over(Axis::Columns), w.max_over(Axis::Rows)] {
            assert!(can_be_tiled(y));
        }
    }
}
