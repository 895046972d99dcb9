//! Proben1, the benchmark collection on which early stopping was first measured: L. Prechelt, *PROBEN1 – A Set of Neural
//! Network Benchmark Problems and Benchmarking Rules*, Technical Report 21/94, Universität Karlsruhe 1994.
//!
//! A library that claims to stop where the literature says has to show it. This crate trains the report's networks on
//! its data ([`highwater_data::Proben1`]) under its [`Protocol`], computes the [`Figures`] of its tables, and holds those
//! that were [`published`]. [`study`] asks the question of *Early Stopping – But When?* (1998) again: what 14 criteria,
//! replayed over runs that were not stopped, cost and bring.
//!
//! ```
//! use highwater_data::Proben1;
//! use highwater_proben1::{Figures, Protocol, architecture, published, side_by_side};
//!
//! // Exclusive or, each example once for training, validation and testing.
//! let rows = "0 0 0\n0 1 1\n1 0 1\n1 1 0\n".repeat(3);
//! let head = "bool_in=2\nreal_in=0\nbool_out=1\nreal_out=0\n\
//!             training_examples=4\nvalidation_examples=4\ntest_examples=4\n";
//! let problem = Proben1::parse(&format!("{head}{rows}"), "xor.dt")?;
//!
//! let network = architecture(&problem.name, false);
//! assert_eq!(network.to_string(), "16+8 linear");
//! let protocol = Protocol { stop: "target(0.01)".parse()?, ..Protocol::default() };
//! let runs = side_by_side(4, 2, |run| protocol.run(&problem, &network, run as u64), |_| ())?;
//! let figures = Figures::of(&runs);
//! assert!(figures.test_mean <= 0.01 && figures.epochs_mean < 500.0, "{figures:?}");
//!
//! assert_eq!(published("xor", false), None);
//! assert_eq!(published("cancer1", false).unwrap().test_mean, 1.32);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod error;
mod figures;
mod history;
mod network;
mod outputs;
pub mod plot;
mod protocol;
mod published;
pub mod study;

pub use batch::side_by_side;
pub use error::Error;
pub use figures::Figures;
pub use history::{End, History};
pub use network::{Architecture, Output, TOPOLOGIES};
pub use protocol::Protocol;
pub use published::{architecture, published};
