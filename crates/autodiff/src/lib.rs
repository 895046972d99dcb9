//! Reverse-mode differentiation over matrices: record a graph, compile it, replay it.
//!
//! Training a small network is mostly overhead: a framework finds out anew in each step which gradient flows where,
//! allocates what it threw away a moment ago, zeroes what it overwrites next, and wakes threads for ten microseconds of
//! work. But the computation is the same in every step. So it is recorded once; compiling it decides what can be decided
//! beforehand; and a step does arithmetic, on memory that is there:
//!
//! ```
//! use highwater_autodiff::{Graph, Mode};
//! use ndarray::array;
//!
//! let g = Graph::new();
//! let x = g.input(2);
//! let hidden = x.matmul_t(g.param("hidden.weight", [2, 2])) + g.param_vector("hidden.bias", 2);
//! let y = hidden.relu().matmul_t(g.param("output.weight", [1, 2])) + g.param_vector("output.bias", 1);
//! let loss = (y - g.input(1)).square().mean();
//! let program = g.compile(loss, &[y]);
//!
//! let params: [f32; 9] = [
//!     1.0, -1.0, // hidden.weight
//!     0.5, 0.5, //
//!     0.0, -0.5, // hidden.bias
//!     2.0, -3.0, // output.weight
//!     1.0, // output.bias
//! ];
//! let (x, target) = (array![[1.0, 2.0]], array![[1.0]]);
//! let feeds = [(&x).into(), (&target).into()];
//! let mut ws = program.workspace(1);
//! program.forward(&mut ws, &params, &feeds, Mode::Train { key: 0 });
//! assert_eq!(ws.output(0), array![[-2.0]]); // relu([-1, 1]) · [2, -3] + 1
//! assert_eq!(ws.loss(), 9.0);
//!
//! let mut gradients = [0.0; 9];
//! program.backward(&mut ws, &params, &feeds, &mut gradients);
//! assert_eq!(gradients, [0.0, 0.0, 18.0, 36.0, 0.0, 18.0, 0.0, -6.0, -6.0]);
//! ```
//!
//! # Values
//! Every value is a matrix: a batch of rows, a weight, a bias of one row, a loss of one element. The one size that is
//! open until a program runs is the number of batch rows ([`Rows::Batch`]), so the ragged last batch needs nothing
//! special. A [`Var`] records what is computed from it; `+ - * /` broadcast, and take numbers on either side; a value may
//! be used any number of times, several may be outputs, and shapes that do not fit panic at once, where they are written.
//! The same program runs in `f32` and in `f64`.
//!
//! All parameters live in one flat slice of the caller's, in the order of recording ([`Program::parameters`]), and so
//! do their gradients: an optimizer, a norm, a copy is one loop.
//!
//! # Is the gradient right?
//! A loss of your own is checked in `f64`, against the slope between two points that lie close together:
//!
//! ```
//! use highwater_autodiff::{Graph, Mode};
//! use ndarray::array;
//!
//! let g = Graph::new();
//! let distance = g.input(2).matmul_t(g.param("weight", [1, 2])) - g.input(1);
//! let log_cosh = (distance + (-2.0 * distance).softplus() - 2f64.ln()).mean();
//! let program = g.compile(log_cosh, &[]);
//!
//! let (x, target, params) = (array![[1.0, -2.0], [0.5, 3.0]], array![[0.3], [-1.0]], [0.4, -0.7]);
//! let feeds = [(&x).into(), (&target).into()];
//! let (mut ws, mut gradient) = (program.workspace::<f64>(2), [0.0; 2]);
//! program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
//! program.backward(&mut ws, &params, &feeds, &mut gradient);
//! for i in 0..2 {
//!     let mut loss_at = |shift: f64| {
//!         let mut params = params;
//!         params[i] += shift;
//!         program.forward(&mut ws, &params, &feeds, Mode::Evaluate);
//!         ws.loss()
//!     };
//!     let slope = (loss_at(1e-5) - loss_at(-1e-5)) / 2e-5;
//!     assert!((gradient[i] - slope).abs() < 1e-9);
//! }
//! ```
//!
//! # How a program runs
//! Compiling keeps what loss and outputs need, makes one op of product + bias + activation, finds out which gradients
//! lead on to a parameter (those of the inputs do not, and are not computed), and who writes each of them first: the
//! first overwrites, the others add, and nothing is ever zeroed. What came of it can be read:
//!
//! ```
//! # use highwater_autodiff::Graph;
//! # let g = Graph::new();
//! # let x = g.input(2);
//! # let hidden = x.matmul_t(g.param("hidden.weight", [2, 2])) + g.param_vector("hidden.bias", 2);
//! # let y = hidden.relu().matmul_t(g.param("output.weight", [1, 2])) + g.param_vector("output.bias", 1);
//! # let program = g.compile((y - g.input(1)).square().mean(), &[y]);
//! assert_eq!(
//!     format!("{program:?}"),
//!     "\
//! stage 0, for each tile of rows
//!   %3   batch×2  Linear Relu(feed 0, hidden.weight, hidden.bias)  ∂ hidden.weight, hidden.bias
//!   %6   batch×1  Linear(%3, output.weight, output.bias)           ∂ %3, output.weight, output.bias
//!   %8   batch×1  Sub(%6, feed 1)                                  ∂ %6
//!   %9   batch×1  Square(%8)                                       ∂ %8
//!   %10  1×1      Mean over Rows(%9), in parts                     ∂ %9
//! stage 1, once
//!   %10  1×1  join the parts
//! loss %10
//! outputs %6
//! "
//! );
//! ```
//!
//! - **Tiles.** Rows of a batch are independent of each other until something is summed over them. A *tile* of rows is
//!   carried through as many ops as possible while it is in the cache, and back again.
//! - **Stages.** Where rows meet (a mean over the batch, a product over it, the gradient of a weight) each tile gives
//!   its part and the parts are joined in their order. What depends on the result is the next stage.
//! - **Threads.** Tiles are shared between the threads of the current rayon pool. A program with many parameters has one
//!   tile, and its large products are shared instead.
//! - **The same bits.** How rows are tiled and products are split depends on sizes alone, never on the number of
//!   threads, and each sum has one order, whatever vectors the processor has ([`vectors`]). Every run of one version on one
//!   platform gives the same bits. (`f64` takes exponentials and logarithms from the system's mathematical library.)
//! - **No allocation.** All memory is in the [`Workspace`]. A step allocates nothing after the first, in which each
//!   thread makes its buffer for matrix products. (From outside a rayon pool, handing it work allocates now and then:
//!   train within `ThreadPool::install`.)
//! - **No state.** What dropout zeroes is a function of the key given with a run ([`Mode::Train`]).

mod backward;
mod buffer;
mod compile;
mod elementary;
mod feed;
mod forward;
mod graph;
mod kernel;
mod listing;
mod op;
mod program;
mod real;
mod shape;
mod squares;
mod var;
mod vector;
mod workspace;

pub use buffer::Buffer;
pub use feed::Feed;
pub use graph::{Graph, Parameter};
pub use highwater_threads::Awake;
pub use kernel::vectors;
pub use ndarray;
pub use op::Axis;
pub use program::{Mode, Program};
pub use real::Real;
pub use shape::{Rows, Shape};
pub use squares::RowSquares;
pub use var::{Indices, Var};
pub use workspace::Workspace;
