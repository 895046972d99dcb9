//! The crate from outside: against recorded truths, through save and restore, and on every number of threads.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod allocation;
mod oracle;
mod restore;
mod step;
