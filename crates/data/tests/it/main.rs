//! The crate from outside.

mod fuzz;
mod tables;
