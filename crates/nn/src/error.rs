//! What can be wrong with a network.

use crate::activation::Activation;
use crate::init::Init;
use thiserror::Error;

/// What is wrong with a network.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer, or the input, has no units.
    #[error("{} needs at least one unit", layer.map_or("the input".to_owned(), |l| format!("layer {l}")))]
    Width {
        /// The layer's number; `None` for the input.
        layer: Option<usize>,
    },
    /// A dropout rate out of range.
    #[error("layer {layer}: a dropout rate lies within 0 and 1 (1 excluded), not {rate}")]
    DropoutRate {
        /// The layer.
        layer: usize,
        /// The rate.
        rate: f64,
    },
    /// Bounds that are not finite or not in order.
    #[error("the initial weights {init:?} must have finite bounds, the lower one first")]
    Init {
        /// The initialisation.
        init: Init,
    },
    /// A name that no activation has.
    #[error("there is no activation {name:?}; known are {}", Activation::ALL.map(Activation::name).join(", "))]
    UnknownActivation {
        /// The name.
        name: String,
    },
    /// A connection that does not come from an earlier layer.
    #[error("layer {layer} takes the value that entered layer {from}, which is not an earlier one")]
    NotEarlier {
        /// The layer.
        layer: usize,
        /// Where it is connected to.
        from: usize,
    },
    /// A table for a column that is not there or has one already, or a table without an element.
    #[error("layer {layer}: no table can take the place of column {column}: {why}")]
    Embedding {
        /// The layer.
        layer: usize,
        /// The column.
        column: usize,
        /// What is wrong with the two.
        why: &'static str,
    },
    /// A residual connection between values of different widths.
    #[error("layer {layer} adds a value of {found} columns to one of {needed}")]
    ResidualWidth {
        /// The layer.
        layer: usize,
        /// The earlier value's width.
        found: usize,
        /// The present value's width.
        needed: usize,
    },
    /// Values of another number than a parameter or buffer has.
    #[error("{name} has {} elements (its shape is {shape:?}), not {found}", shape.iter().product::<usize>())]
    Elements {
        /// Of the parameter or buffer.
        name: String,
        /// Its own.
        shape: Vec<usize>,
        /// How many were given.
        found: usize,
    },
}
