//! What the crate promises of all its rules, and what other libraries decide.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod laws;
mod oracle;
mod strategies;
