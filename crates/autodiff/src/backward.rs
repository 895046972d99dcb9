//! The backward direction: one exhaustive match over the ops.

use crate::buffer::Buffer;
use crate::compile::{Node, Place};
use crate::forward::Run;
use crate::kernel::binary::Side;
use crate::kernel::matmul::{Factor, product};
use crate::kernel::{Matrix, Write, accumulate, columns, dropout, linear, log_softmax};
use crate::op::{Axis, Op};
use crate::real::Real;
use crate::workspace::{Shared, Tile, Workspace};
use std::ops::Range;

/// Where gradients of arguments go.
struct Targets<'a, T> {
    /// Gradients of the tile's values.
    tile: &'a mut [Buffer<T>],
    /// Gradients of fixed values, or a tile's part of them.
    fixed: &'a mut [Buffer<T>],
    /// Gradients of parameters, or a tile's part of them.
    parameters: &'a mut [T],
    /// Whether `fixed` and `parameters` are a tile's part.
    in_part: bool,
}

/// What a sweep knows of the gradients of fixed values.
enum Fixed<'a, T> {
    /// All of them: there is one tile, and it writes them directly.
    Direct(&'a mut [Buffer<T>], &'a mut [T]),
    /// Those of joined values, to read; what the tile adds to others goes to its part.
    InPart(&'a [Buffer<T>]),
}

impl<T: Real> Run<'_, '_, T> {
    pub(crate) fn backward(&self, ws: &mut Workspace<T>, loss: usize, gradients: &mut [T]) {
        self.plan.unreached.iter().for_each(|range| gradients[range.clone()].fill(T::ZERO));
        if !self.plan.nodes[loss].has_gradient {
            return;
        }
        let tiles = &mut ws.tiles[..self.batch.div_ceil(ws.tile_rows)];
        let Shared { values, gradients: fixed, scratch } = &mut ws.shared;
        fixed[loss][0] = T::ONE;
        for stage in self.plan.stages.iter().rev() {
            if let [tile] = tiles {
                self.sweep_back(&stage.sweep, 0..self.batch, tile, values, Fixed::Direct(fixed, gradients));
            } else {
                self.for_each_tile(&stage.sweep, tiles, ws.tile_rows, |tile, rows| {
                    self.sweep_back(&stage.sweep, rows, tile, values, Fixed::InPart(fixed));
                });
                for &(id, write) in &stage.joins {
                    self.join_gradient(id, write, tiles, fixed, gradients);
                }
            }
            let is_shared = |&id: &usize| self.plan.nodes[id].place == Place::Shared;
            for id in self.graded(&stage.shared).filter(is_shared) {
                let (before, rest) = fixed.split_at_mut(id);
                let targets = Targets { tile: &mut [], fixed: before, parameters: gradients, in_part: false };
                self.hand_back(id, 0..0, |arg| &values[arg], &mut rest[0], targets, scratch);
            }
        }
    }

    /// Those of `ids` that have a gradient, last to first.
    fn graded(&self, ids: &[usize]) -> impl Iterator<Item = usize> {
        ids.iter().rev().copied().filter(|&id| self.plan.nodes[id].has_gradient)
    }

    /// One tile's way back through one stage; `shared` are the values of fixed size.
    fn sweep_back(
        &self,
        sweep: &[usize],
        rows: Range<usize>,
        tile: &mut Tile<T>,
        shared: &[Buffer<T>],
        mut fixed: Fixed<'_, T>,
    ) {
        let Tile { values, gradients, parts, parameter_parts, scratch } = tile;
        let value = |arg: usize| match self.plan.nodes[arg].place {
            Place::Tile => &values[arg][..],
            _ => &shared[arg][..],
        };
        for id in self.graded(sweep) {
            let (before, rest) = gradients.split_at_mut(id);
            let (joined, targets) = match &mut fixed {
                Fixed::Direct(all, parameters) => {
                    let (fixed, joined) = all.split_at_mut(id);
                    (&joined[0], Targets { tile: before, fixed, parameters, in_part: false })
                }
                Fixed::InPart(all) => (
                    &all[id],
                    Targets { tile: before, fixed: parts, parameters: parameter_parts, in_part: true },
                ),
            };
            match self.plan.nodes[id].place {
                Place::Joined => self.spread(id, rows.clone(), value, joined, targets, scratch),
                _ => self.hand_back(id, rows.clone(), value, &mut rest[0], targets, scratch),
            }
        }
    }

    /// Hands the gradient `dy` of a node back to its arguments; it is used up.
    fn hand_back<'v>(
        &'v self,
        id: usize,
        rows: Range<usize>,
        value: impl Fn(usize) -> &'v [T] + Sync,
        dy: &mut [T],
        targets: Targets<'_, T>,
        scratch: &mut [T],
    ) {
        let node = &self.plan.nodes[id];
        if let Op::Linear(activation) = node.op {
            let dy = &mut dy[..node.shape.rows_for(rows.len()) * node.shape.columns];
            linear::backward_activation(activation, &value(id)[..dy.len()], dy);
        }
        self.spread(id, rows, value, dy, targets, scratch);
    }

    /// From the gradient of a node to those of its arguments. Those of a large dense layer are computed side by side: two
    /// products keep two threads busier than one that they share, and each packs its factors into its own cache.
    fn spread<'v>(
        &'v self,
        id: usize,
        rows: Range<usize>,
        value: impl Fn(usize) -> &'v [T] + Sync,
        dy: &[T],
        mut targets: Targets<'_, T>,
        scratch: &mut [T],
    ) {
        let node = &self.plan.nodes[id];
        let (count, width) = (node.shape.rows_for(rows.len()), node.shape.columns);
        let (y, dy) = (&value(id)[..count * width], &dy[..count * width]);
        let gradient = Matrix { data: dy, rows: count, columns: width };
        let arg = |slot: usize| self.matrix(node.args[slot], &rows, value(node.args[slot]));
        let hand_to = |slot: usize, targets: &mut Targets<'_, T>, scratch: &mut [T]| {
            let Some((target, write)) = self.target(id, slot, &rows, targets) else { return };
            match &node.op {
                Op::Input(_) | Op::Indices(_) | Op::Parameter(_) | Op::Constant(_) => {
                    unreachable!("has no arguments")
                }
                Op::Unary(op) => op.backward(arg(0).data, y, dy, target, write),
                Op::Binary(op) => {
                    let side = if slot == 0 { Side::Left } else { Side::Right };
                    op.backward(side, arg(0), arg(1), count, y, dy, target, write);
                }
                Op::MatMul { transpose_left, transpose_right } => {
                    let left = Factor { matrix: arg(0), transposed: *transpose_left };
                    let right = Factor { matrix: arg(1), transposed: *transpose_right };
                    let dy = Factor::from(gradient);
                    match (slot, *transpose_left, *transpose_right) {
                        (0, false, _) => product(target, dy, right.transpose(), write, scratch),
                        (0, true, _) => product(target, right, dy.transpose(), write, scratch),
                        (_, _, false) => product(target, left.transpose(), dy, write, scratch),
                        (_, _, true) => product(target, dy.transpose(), left, write, scratch),
                    }
                }
                Op::Linear(_) => match slot {
                    0 => linear::backward_input(gradient, arg(1), scratch, target, write),
                    1 => linear::backward_weight(gradient, arg(0), scratch, target, write),
                    _ => linear::backward_bias(dy, target, write),
                },
                Op::Reduce(how, Axis::Columns) => {
                    how.backward(arg(0).data, arg(0).columns, dy, target, write)
                }
                Op::Reduce(how, Axis::Rows) => {
                    let all_rows = self.plan.nodes[node.args[0]].shape.rows_for(self.batch);
                    how.rows_backward(arg(0).data, dy, all_rows, target, write);
                }
                Op::LogSoftmax => log_softmax::backward(y, width, dy, target, write),
                Op::Pick => {
                    let indices = self.indices(node.args[1], &rows);
                    columns::pick_backward(indices, dy, arg(0).columns, target, write);
                }
                Op::LookUp => {
                    let index = columns::given(self.indices(node.args[1], &rows));
                    columns::look_up_backward(index, dy, width, target, write);
                }
                Op::LookUpAt => {
                    let index = columns::nearest(arg(1).data, arg(0).rows);
                    columns::look_up_backward(index, dy, width, target, write);
                }
                Op::Concatenate => {
                    let start = (0..slot).map(|before| arg(before).columns).sum();
                    columns::take(dy, width, start, target, arg(slot).columns, write);
                }
                Op::Slice { columns } => {
                    columns::slice_backward(dy, width, target, arg(0).columns, columns.start, write);
                }
                Op::Dropout { rate, number } => match self.key {
                    Some(key) => {
                        dropout::backward(dy, *rate, (key, *number, rows.start * width), target, write);
                    }
                    None => accumulate(target, dy, write),
                },
            }
        };
        match self.input_scratch(node, count).filter(|_| self.shares_products) {
            Some(of_input) => {
                let (of_input, of_others) = scratch.split_at_mut(of_input);
                let Targets { tile, fixed, parameters, in_part } = targets;
                let mut input = Targets { tile, fixed: &mut [], parameters: &mut [], in_part };
                let mut others = Targets { tile: &mut [], fixed, parameters, in_part };
                highwater_threads::join(
                    || hand_to(0, &mut input, of_input),
                    || (1..node.args.len()).for_each(|slot| hand_to(slot, &mut others, of_others)),
                );
            }
            None => (0..node.args.len()).for_each(|slot| hand_to(slot, &mut targets, scratch)),
        }
    }

    /// If one thread may compute the gradient of the input of a dense layer while another one computes that of its weight: how
    /// much of the scratch memory it takes.
    fn input_scratch(&self, node: &Node, rows: usize) -> Option<usize> {
        let arg = |slot: usize| &self.plan.nodes[node.args[slot]];
        let in_tile = |slot: usize| arg(slot).place == Place::Tile;
        let apart = matches!(node.op, Op::Linear(_)) && in_tile(0) && !in_tile(1) && !in_tile(2);
        (apart && node.edges[0].is_some())
            .then(|| linear::input_scratch(rows, arg(0).shape.columns, node.shape.columns))
    }

    /// The gradient of the argument in `slot` and how to write it; `None` if nobody asks for it.
    fn target<'t>(
        &self,
        id: usize,
        slot: usize,
        rows: &Range<usize>,
        targets: &'t mut Targets<'_, T>,
    ) -> Option<(&'t mut [T], Write)> {
        let node = &self.plan.nodes[id];
        let edge = node.edges[slot]?;
        let arg = node.args[slot];
        let Node { place, shape, .. } = &self.plan.nodes[arg];
        let write = if targets.in_part { edge.part } else { edge.write };
        let gradient = match place {
            Place::Tile => &mut targets.tile[arg][..shape.rows_for(rows.len()) * shape.columns],
            Place::Shared | Place::Joined => &mut targets.fixed[arg][..],
            Place::Parameters(range) => &mut targets.parameters[range.clone()],
            Place::Feed(_) => unreachable!("nobody asks for the gradient of what is given with a run"),
        };
        Some((gradient, write))
    }

    /// Joins the parts that the tiles gave of one gradient, in their order.
    fn join_gradient(
        &self,
        id: usize,
        write: Write,
        tiles: &[Tile<T>],
        fixed: &mut [Buffer<T>],
        gradients: &mut [T],
    ) {
        let writes = std::iter::once(write).chain(std::iter::repeat(Write::Add));
        for (tile, write) in tiles.iter().zip(writes) {
            match &self.plan.nodes[id].place {
                Place::Parameters(range) => {
                    accumulate(&mut gradients[range.clone()], &tile.parameter_parts[range.clone()], write);
                }
                _ => accumulate(&mut fixed[id], &tile.parts[id], write),
            }
        }
    }
}
