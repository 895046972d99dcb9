//! Optimizers and learning-rate schedules over flat slices of parameters.
//!
//! An optimizer seems to need a network: its parameters, its layers, its tensors on their devices. It does not. To it a
//! model is one slice of numbers and a slice of gradients, and a step is one loop over both. That is all this crate
//! knows, and what makes it small, fast, and of use to any model at all:
//!
//! ```
//! use highwater_optim::{Adam, Curve, Optimizer, Schedule, clip_norm};
//!
//! // Minimize (x − 3)² + 10 (y + 1)².
//! let mut params = [0.0_f64, 0.0];
//! let mut optimizer = Optimizer::new(Adam { beta2: 0.99, ..Default::default() }, 2)?;
//! let schedule = Schedule::from(Curve::Cosine { steps: 300, min_learning_rate: 1e-4 });
//! for step in 0..300 {
//!     let [x, y] = params;
//!     let mut grads = [2.0 * (x - 3.0), 20.0 * (y + 1.0)];
//!     let norm = clip_norm(&mut grads, 10.0);
//!     assert!(norm.is_finite(), "the run diverged at step {step}");
//!     optimizer.step(&mut params, &grads, schedule.learning_rate(0.1, step));
//! }
//! assert!((params[0] - 3.0).abs() < 1e-3 && (params[1] + 1.0).abs() < 1e-3);
//!
//! // All there is to save: a count and named arrays.
//! assert_eq!(optimizer.steps(), 300);
//! assert_eq!(optimizer.slots().map(|(name, _)| name).collect::<Vec<_>>(), ["exp_avg", "exp_avg_sq"]);
//! # Ok::<(), highwater_optim::Error>(())
//! ```
//!
//! # What holds
//! - **The numbers are PyTorch's.** Defaults, names and formulas are; in `f64` the recorded trajectories of every method
//!   are met to 10⁻¹² relative, the learning rates of every schedule to 10⁻¹⁰. In `f32` Adam multiplies by one reciprocal
//!   where PyTorch divides.
//! - **The bits are the same** for every number of threads, every width of vectors, and whether or not a run was
//!   interrupted and [restored](Optimizer::restore): all is elementwise, but for [`norm`], whose order of summation is
//!   fixed.
//! - **Schedules have no state**: the learning rate is a function of the step. [`Plateau`] depends on what it has
//!   observed, and on nothing else.
//! - **Parameters may be treated differently by name** ([`Groups::by_name`]): no weight decay on biases, a slower
//!   learning rate for the part that is already trained.

mod accumulate;
mod adagrad;
mod adam;
mod clip;
mod error;
mod groups;
mod method;
mod optimizer;
mod pass;
mod plateau;
mod real;
mod rmsprop;
mod rprop;
mod schedule;
mod sgd;

pub use accumulate::Accumulator;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use clip::{clip_norm, clip_value, norm};
pub use error::Error;
pub use groups::{GroupRule, Groups};
pub use method::Method;
pub use optimizer::Optimizer;
pub use plateau::{Plateau, ReduceOnPlateau, Threshold};
pub use real::Real;
pub use rmsprop::RmsProp;
pub use rprop::{InitialStep, Rprop, Rprop1993};
pub use schedule::{Anneal, Curve, OneCycle, Phase, Schedule};
pub use sgd::Sgd;
