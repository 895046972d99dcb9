//! What training makes small, and what people want to know afterwards: losses that are recorded into a graph of
//! [`highwater_autodiff`], and [`metrics`] over slices of numbers.
//!
//! ```
//! use highwater_autodiff::{Graph, Mode};
//! use highwater_objective::{CrossEntropy, Loss};
//! use ndarray::array;
//!
//! let g = Graph::new();
//! let logits = g.input(2);
//! let loss = Loss::CrossEntropy(CrossEntropy::default()).record(logits);
//! let program = g.compile(loss, &[]);
//! let mut ws = program.workspace(2);
//!
//! // Both classes equally likely: ln 2 for each row, whatever its class.
//! let (rows, classes): (_, &[u32]) = (array![[0.0_f64, 0.0], [3.0, 3.0]], &[0, 1]);
//! program.forward(&mut ws, &[], &[(&rows).into(), classes.into()], Mode::Evaluate);
//! assert!((ws.loss() - 2f64.ln()).abs() < 1e-15);
//! ```

mod error;
mod loss;
pub mod metrics;

pub use error::Error;
pub use loss::{BinaryCrossEntropy, CrossEntropy, Loss, Target};
