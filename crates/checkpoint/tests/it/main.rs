//! What the crate promises, held against files, folders and a file system that fails.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod crash;
mod damage;
mod format;
mod fuzz;
mod golden;
mod hostile;
mod kill;
mod kills;
mod migration;
mod one_file;
mod saver;
mod simulated;
mod store;
