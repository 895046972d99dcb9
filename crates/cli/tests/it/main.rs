//! The command as its users see it: exit codes, messages and files.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod bad_input;
mod categories;
mod crash;
mod damage;
mod digits;
mod ending;
mod exchange;
mod help;
#[path = "../../../checkpoint/tests/it/kills.rs"]
mod kills;
mod kinds;
mod on_disk;
mod piped;
mod proben1;
mod replay;
mod resuming;
mod run;
mod saving;
mod scores;
mod settings;
mod spellings;
mod tables;
