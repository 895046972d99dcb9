//! Metrics and losses against scikit-learn's numbers, and what must hold of any rows.

#![allow(clippy::unwrap_used, reason = "a record that is not as expected fails the test")]

mod losses;
mod metrics;
mod oracle;
