//! Runs from outside: what is promised of them, on small data.
#![allow(clippy::unwrap_used, reason = "a failure is the test's result")]

mod allocation;
mod damage;
mod ends;
mod exact;
mod oracle;
mod problem;
mod proof;
mod refusals;
mod saving;
mod signals;
mod watching;
mod weights;
