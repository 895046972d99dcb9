//! What the program is called by.

use std::env;
use std::fmt;

/// Stands in a text for the command that started this program: `cargo xtask` in a clone of the repository, and `highwater` where
/// it is installed. Cargo tells a program that it runs which package it is of.
pub(crate) const HIGHWATER: Called = Called;

pub(crate) struct Called;

impl fmt::Display for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by_cargo = env::var_os("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"));
        f.write_str(if by_cargo { "cargo xtask" } else { "highwater" })
    }
}
