//! The memory of a running program: made once, reused by every run.

use crate::buffer::Buffer;
use crate::compile::{Node, Place};
use crate::kernel::{linear, matmul};
use crate::op::Op;
use crate::program::{Plan, Program};
use crate::real::Real;
use ndarray::Array2;
use std::fmt;
use std::sync::Arc;

/// A batch is cut into about this many tiles, unless they become too small or too large.
const TILES: usize = 8;
/// Rows and multiplications (going forward) that a tile has at least, to be worth handing to another thread.
const MIN_TILE_ROWS: usize = 64;
const MIN_TILE_WORK: usize = 1 << 16;
/// Values and gradients that stay in the cache of a core.
const MAX_TILE_ELEMENTS: usize = 1 << 17;
/// Above this many parameters, tiles of their own would cost more memory than they save: rows stay together, and
/// single products are shared between threads.
const TILE_PARAMETERS: usize = 1 << 16;
/// Rows of a tile are a multiple of this.
const TILE_STEP: usize = 16;

/// Values and gradients of one program for batches of up to a number of rows. A run allocates nothing.
pub struct Workspace<T> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) tiles: Vec<Tile<T>>,
    pub(crate) shared: Shared<T>,
    pub(crate) tile_rows: usize,
    pub(crate) max_rows: usize,
    /// Rows of the last run.
    pub(crate) rows: usize,
    /// The last run's key for random choices, if it was a run for training.
    pub(crate) key: Option<u64>,
    /// Whether there is one tile and a large product in it: then products are what threads share.
    pub(crate) shares_products: bool,
}

/// What belongs to a run of rows. Each vector has one entry for each node, empty where it does not apply.
pub(crate) struct Tile<T> {
    /// Values of batch rows, and parts of joined values.
    pub(crate) values: Vec<Buffer<T>>,
    /// Gradients of values of batch rows.
    pub(crate) gradients: Vec<Buffer<T>>,
    /// Parts of the gradients of values of fixed size; empty where there is but one tile.
    pub(crate) parts: Vec<Buffer<T>>,
    /// Parts of the gradients of parameters; empty where there is but one tile.
    pub(crate) parameter_parts: Buffer<T>,
    /// What products are packed into.
    pub(crate) scratch: Buffer<T>,
}

/// What has a fixed size. Each vector has one entry for each node, empty where it does not apply.
pub(crate) struct Shared<T> {
    pub(crate) values: Vec<Buffer<T>>,
    pub(crate) gradients: Vec<Buffer<T>>,
    /// What products are packed into.
    pub(crate) scratch: Buffer<T>,
}

/// How many elements the vectors of a workspace have.
struct Lengths {
    tiles: usize,
    tile_rows: usize,
    tile_values: Vec<usize>,
    tile_gradients: Vec<usize>,
    tile_parts: Vec<usize>,
    parameter_parts: usize,
    tile_scratch: usize,
    shared_scratch: usize,
    shared_values: Vec<usize>,
    shared_gradients: Vec<usize>,
}

impl Program {
    /// Memory for batches of up to `max_rows` rows.
    ///
    /// # Panics
    /// If `max_rows` is 0.
    #[track_caller]
    pub fn workspace<T: Real>(&self, max_rows: usize) -> Workspace<T> {
        assert!(max_rows > 0, "a workspace is for at least one row");
        self.workspace_with_tile_rows(max_rows, self.0.tile_rows(max_rows))
    }

    /// Like [`workspace`](Program::workspace), with `tile_rows` rows carried through the program together instead of
    /// the program's own choice: to measure what that choice is worth. The sums over rows are grouped by tile, so
    /// different sizes differ in the last bits. A program with a maximum over the batch has but one tile.
    ///
    /// # Panics
    /// If one of the two is 0.
    #[track_caller]
    pub fn workspace_with_tile_rows<T: Real>(&self, max_rows: usize, tile_rows: usize) -> Workspace<T> {
        assert!(max_rows > 0, "a workspace is for at least one row");
        assert!(tile_rows > 0, "a tile has at least one row");
        let plan = &self.0;
        let lengths = Lengths::new(plan, max_rows, tile_rows);
        let vectors = |lengths: &[usize]| lengths.iter().map(|&n| Buffer::zeros(n)).collect();
        let tile = || Tile {
            values: vectors(&lengths.tile_values),
            gradients: vectors(&lengths.tile_gradients),
            parts: vectors(&lengths.tile_parts),
            parameter_parts: Buffer::zeros(lengths.parameter_parts),
            scratch: Buffer::zeros(lengths.tile_scratch),
        };
        let mut values: Vec<Buffer<T>> = vectors(&lengths.shared_values);
        for (value, node) in values.iter_mut().zip(&plan.nodes) {
            if let Op::Constant(elements) = &node.op {
                value.iter_mut().zip(elements).for_each(|(v, &e)| *v = T::from_f64(e));
            }
        }
        Workspace {
            plan: Arc::clone(plan),
            tiles: (0..lengths.tiles).map(|_| tile()).collect(),
            shared: Shared {
                values,
                gradients: vectors(&lengths.shared_gradients),
                scratch: Buffer::zeros(lengths.shared_scratch),
            },
            tile_rows: lengths.tile_rows,
            max_rows,
            rows: 0,
            key: None,
            shares_products: lengths.tiles == 1 && plan.has_large_product(max_rows),
        }
    }

    /// The bytes of all elements of a [`workspace`](Program::workspace).
    pub fn workspace_bytes<T: Real>(&self, max_rows: usize) -> usize {
        Lengths::new(&self.0, max_rows, self.0.tile_rows(max_rows)).elements() * size_of::<T>()
    }
}

impl Lengths {
    fn new(plan: &Plan, max_rows: usize, tile_rows: usize) -> Lengths {
        let tile_rows = if plan.can_be_tiled() { tile_rows.min(max_rows) } else { max_rows };
        let tiles = max_rows.div_ceil(tile_rows);
        let lengths = |applies: &dyn Fn(usize, &Node) -> bool| -> Vec<usize> {
            let size = |node: &Node| node.shape.rows_for(tile_rows) * node.shape.columns;
            let nodes = plan.nodes.iter().enumerate();
            nodes.map(|(id, node)| if applies(id, node) { size(node) } else { 0 }).collect()
        };
        let in_tile = |node: &Node| node.place == Place::Tile;
        let is_fixed = |node: &Node| matches!(node.place, Place::Shared | Place::Joined);
        let scratch = |applies: &dyn Fn(&Node) -> bool| {
            let nodes = plan.nodes.iter().filter(|node| applies(node));
            nodes.map(|node| plan.scratch(node, tile_rows)).max().unwrap_or(0)
        };
        let has_parts = |id: usize| plan.stages.iter().any(|s| s.joins.iter().any(|&(join, _)| join == id));
        Lengths {
            tiles,
            tile_rows,
            tile_values: lengths(&|_, node| in_tile(node) || node.place == Place::Joined),
            tile_gradients: lengths(&|_, node| in_tile(node) && node.has_gradient),
            tile_parts: lengths(&|id, node| tiles > 1 && is_fixed(node) && has_parts(id)),
            parameter_parts: if tiles > 1 && plan.gradients { plan.parameter_count() } else { 0 },
            // Several tiles keep the threads busy: their products are not shared.
            tile_scratch: if tiles > 1 { 0 } else { scratch(&|node| node.place != Place::Shared) },
            shared_scratch: scratch(&|node| node.place == Place::Shared),
            shared_values: lengths(&|_, node| is_fixed(node)),
            shared_gradients: lengths(&|_, node| is_fixed(node) && node.has_gradient),
        }
    }

    fn elements(&self) -> usize {
        let sum = |lengths: &[usize]| lengths.iter().sum::<usize>();
        let tile = sum(&self.tile_values) + sum(&self.tile_gradients) + sum(&self.tile_parts);
        let shared = sum(&self.shared_values) + sum(&self.shared_gradients);
        self.tiles * (tile + self.parameter_parts + self.tile_scratch) + shared + self.shared_scratch
    }
}

impl Plan {
    /// How many elements of scratch memory a node wants, on the way forward and back.
    fn scratch(&self, node: &Node, tile_rows: usize) -> usize {
        let rows = node.shape.rows_for(tile_rows);
        let columns = node.shape.columns;
        match node.op {
            Op::Linear(_) => linear::scratch(rows, self.nodes[node.args[0]].shape.columns, columns),
            Op::MatMul { transpose_left, transpose_right } => {
                let left = self.nodes[node.args[0]].shape;
                let inner = if transpose_left { left.rows_for(tile_rows) } else { left.columns };
                let forward = matmul::scratch([transpose_left, transpose_right], [rows, inner, columns]);
                let of_left = match transpose_left {
                    false => matmul::scratch([false, !transpose_right], [rows, columns, inner]),
                    true => matmul::scratch([transpose_right, true], [inner, columns, rows]),
                };
                let of_right = match transpose_right {
                    false => matmul::scratch([!transpose_left, false], [inner, rows, columns]),
                    true => matmul::scratch([true, transpose_left], [columns, rows, inner]),
                };
                forward.max(of_left).max(of_right)
            }
            _ => 0,
        }
    }

    /// How many rows are carried through the program together. It depends on the program and the size of the batch,
    /// not on the number of threads: sums have the same order on one thread as on many.
    fn tile_rows(&self, max_rows: usize) -> usize {
        if self.parameter_count() > TILE_PARAMETERS {
            return max_rows;
        }
        let least = (MIN_TILE_WORK / self.work_per_row().max(1)).max(MIN_TILE_ROWS);
        let most = (MAX_TILE_ELEMENTS / self.elements_per_row().max(1)).max(least);
        let tiles = max_rows.div_ceil(max_rows.div_ceil(TILES).clamp(least, most));
        max_rows.div_ceil(tiles).next_multiple_of(TILE_STEP)
    }
}

impl<T> fmt::Debug for Workspace<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Workspace { max_rows, rows, .. } = self;
        f.debug_struct("Workspace").field("max_rows", max_rows).field("rows", rows).finish_non_exhaustive()
    }
}

impl<T: Real> Workspace<T> {
    /// Whether the work on a full batch is enough to be shared between threads (see [`Awake`](crate::Awake)).
    pub fn shares_work(&self) -> bool {
        self.tiles.len() > 1 || self.shares_products
    }

    /// The loss of the last run.
    ///
    /// # Panics
    /// If the program has no loss or has not run.
    #[track_caller]
    pub fn loss(&self) -> T {
        let loss = self.plan.loss.expect("only a program that was compiled with a loss has one; what `compile_forward` was given is among its outputs");
        assert!(self.rows > 0, "the program has not run yet");
        self.shared.values[loss][0]
    }

    /// Copies output `index` (in the order of compilation) of the last run into `target`, row by row.
    ///
    /// # Panics
    /// If there is no such output, the program has not run, or `target` is not rows·columns long.
    #[track_caller]
    pub fn copy_output(&self, index: usize, target: &mut [T]) {
        let ([rows, columns], given) = (self.output_shape(index), target.len());
        assert_eq!(
            given,
            rows * columns,
            "output {index} is {rows}×{columns}, and the target has {given} elements"
        );
        let id = self.plan.outputs[index];
        if self.plan.nodes[id].place == Place::Tile {
            let blocks = target.chunks_mut(self.tile_rows * columns).zip(&self.tiles);
            blocks.for_each(|(block, tile)| block.copy_from_slice(&tile.values[id][..block.len()]));
        } else {
            target.copy_from_slice(&self.shared.values[id]);
        }
    }

    /// Output `index` (in the order of compilation) of the last run as a new matrix.
    ///
    /// # Panics
    /// If there is no such output, or the program has not run.
    #[track_caller]
    pub fn output(&self, index: usize) -> Array2<T> {
        let shape = self.output_shape(index);
        let mut elements = vec![T::ZERO; shape[0] * shape[1]];
        self.copy_output(index, &mut elements);
        Array2::from_shape_vec(shape, elements).expect("as many elements as rows times columns")
    }

    #[track_caller]
    fn output_shape(&self, index: usize) -> [usize; 2] {
        let outputs = &self.plan.outputs;
        assert!(index < outputs.len(), "the program has {} outputs, and none at {index}", outputs.len());
        assert!(self.rows > 0, "the program has not run yet");
        let shape = self.plan.nodes[outputs[index]].shape;
        [shape.rows_for(self.rows), shape.columns]
    }
}
