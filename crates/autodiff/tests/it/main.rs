//! Whole programs: their values and gradients, their bits, their mistakes.
#![allow(clippy::unwrap_used)] // Helpers of tests are tests too.

mod bits;
mod corners;
mod dag;
mod gradients;
mod grow;
mod listing;
mod mistakes;
mod nets;
mod precision;
mod random_choices;
mod recipe;
mod squares;
mod vectors;
