//! The forward direction: one exhaustive match over the ops.

use crate::compile::Place;
use crate::feed::Feed;
use crate::kernel::matmul::{Factor, product};
use crate::kernel::{Matrix, Write, accumulate, columns, dropout, linear, log_softmax};
use crate::op::{Axis, Op};
use crate::program::Plan;
use crate::real::Real;
use crate::workspace::{Tile, Workspace};
use highwater_threads::for_each_piece;
use std::ops::Range;

/// What every op of a run can read.
#[allow(missing_debug_implementations, reason = "public only for the sake of `Runs`, which is private")]
#[derive(Clone, Copy)]
pub struct Run<'a, 'f, T> {
    pub(crate) plan: &'a Plan,
    pub(crate) params: &'a [T],
    pub(crate) feeds: &'a [Feed<'f, T>],
    /// All rows of the batch.
    pub(crate) batch: usize,
    /// The key of random choices, if they are to be made.
    pub(crate) key: Option<u64>,
    /// See [`Workspace`].
    pub(crate) shares_products: bool,
}

impl<T: Real> Run<'_, '_, T> {
    pub(crate) fn forward(&self, ws: &mut Workspace<T>) {
        let tiles = &mut ws.tiles[..self.batch.div_ceil(ws.tile_rows)];
        for stage in &self.plan.stages {
            for &id in &stage.shared {
                let (before, rest) = ws.shared.values.split_at_mut(id);
                match self.plan.nodes[id].place {
                    Place::Joined => self.join(id, tiles, &mut rest[0]),
                    _ => self.compute(id, 0..0, |arg| &before[arg], &mut rest[0], &mut ws.shared.scratch),
                }
            }
            let shared = &ws.shared.values;
            self.for_each_tile(&stage.sweep, tiles, ws.tile_rows, |tile, rows| {
                for &id in &stage.sweep {
                    let (before, rest) = tile.values.split_at_mut(id);
                    let value = |arg: usize| match self.plan.nodes[arg].place {
                        Place::Tile => &before[arg][..],
                        _ => &shared[arg][..],
                    };
                    self.compute(id, rows.clone(), value, &mut rest[0], &mut tile.scratch);
                }
            });
        }
    }

    /// Runs `work` on every tile and its rows of the batch, on the threads of the current pool, if there is any.
    pub(crate) fn for_each_tile(
        &self,
        sweep: &[usize],
        tiles: &mut [Tile<T>],
        tile_rows: usize,
        work: impl Fn(&mut Tile<T>, Range<usize>) + Sync,
    ) {
        if sweep.is_empty() {
            return;
        }
        let rows = |index: usize| index * tile_rows..((index + 1) * tile_rows).min(self.batch);
        if tiles.len() == 1 || rayon::current_num_threads() == 1 {
            tiles.iter_mut().enumerate().for_each(|(index, tile)| work(tile, rows(index)));
        } else {
            for_each_piece(tiles, 1, |index, tile: &mut [Tile<T>]| work(&mut tile[0], rows(index)));
        }
    }

    /// Argument `arg` as a matrix; `rows` are the tile's rows of the batch.
    pub(crate) fn matrix<'v>(&'v self, arg: usize, rows: &Range<usize>, own: &'v [T]) -> Matrix<'v, T> {
        let node = &self.plan.nodes[arg];
        let (count, columns) = (node.shape.rows_for(rows.len()), node.shape.columns);
        let data = match &node.place {
            Place::Tile | Place::Shared | Place::Joined => &own[..count * columns],
            Place::Parameters(range) => &self.params[range.clone()],
            Place::Feed(position) => self.feeds[*position].values(rows.clone()),
        };
        Matrix { data, rows: count, columns }
    }

    /// The indices that argument `arg` stands for; `rows` are the tile's rows of the batch.
    pub(crate) fn indices(&self, arg: usize, rows: &Range<usize>) -> &[u32] {
        match self.plan.nodes[arg].place {
            Place::Feed(position) => self.feeds[position].indices(rows.clone()),
            _ => unreachable!("indices are given with the run"),
        }
    }

    /// The value of a node: that of the tile's `rows`, their part in a value in which rows meet, or one of fixed size.
    fn compute<'v>(
        &'v self,
        id: usize,
        rows: Range<usize>,
        value: impl Fn(usize) -> &'v [T],
        buffer: &mut [T],
        scratch: &mut [T],
    ) {
        let node = &self.plan.nodes[id];
        let width = node.shape.columns;
        let count = node.shape.rows_for(rows.len());
        let y = &mut buffer[..count * width];
        let arg = |slot: usize| self.matrix(node.args[slot], &rows, value(node.args[slot]));
        match &node.op {
            Op::Input(_) | Op::Indices(_) | Op::Parameter(_) => unreachable!("lives elsewhere"),
            Op::Constant(_) => {}
            Op::Unary(op) => op.forward(arg(0).data, y),
            Op::Binary(op) => op.forward(arg(0), arg(1), count, y),
            Op::MatMul { transpose_left, transpose_right } => {
                let left = Factor { matrix: arg(0), transposed: *transpose_left };
                let right = Factor { matrix: arg(1), transposed: *transpose_right };
                product(y, left, right, Write::Set, scratch);
            }
            Op::Linear(activation) => {
                linear::forward(arg(0), arg(1), arg(2).data, *activation, y, scratch);
            }
            Op::Reduce(how, Axis::Columns) => how.forward(arg(0).data, arg(0).columns, y),
            Op::Reduce(how, Axis::Rows) => {
                how.rows_part(arg(0).data, width, y);
                if node.place != Place::Joined {
                    how.finish(arg(0).rows, y);
                }
            }
            Op::LogSoftmax => log_softmax::forward(arg(0).data, width, y),
            Op::Pick => columns::pick(arg(0).data, arg(0).columns, self.indices(node.args[1], &rows), y),
            Op::LookUp => {
                columns::look_up(arg(0).data, width, columns::given(self.indices(node.args[1], &rows)), y);
            }
            Op::LookUpAt => {
                columns::look_up(arg(0).data, width, columns::nearest(arg(1).data, arg(0).rows), y);
            }
            Op::Concatenate => {
                let mut start = 0;
                for slot in 0..node.args.len() {
                    let part = arg(slot);
                    columns::place(part.data, part.columns, y, width, start);
                    start += part.columns;
                }
            }
            Op::Slice { columns } => {
                columns::take(arg(0).data, arg(0).columns, columns.start, y, width, Write::Set);
            }
            Op::Dropout { rate, number } => match self.key {
                Some(key) => dropout::forward(arg(0).data, *rate, (key, *number, rows.start * width), y),
                None => y.copy_from_slice(arg(0).data),
            },
        }
    }

    /// Joins the parts that the tiles gave, in their order.
    fn join(&self, id: usize, tiles: &[Tile<T>], y: &mut [T]) {
        let op = &self.plan.nodes[id].op;
        y.copy_from_slice(&tiles[0].values[id]);
        for tile in &tiles[1..] {
            match op {
                Op::Reduce(how, _) => how.combine(y, &tile.values[id]),
                _ => accumulate(y, &tile.values[id], Write::Add),
            }
        }
        if let Op::Reduce(how, _) = op {
            how.finish(self.batch, y);
        }
    }
}
