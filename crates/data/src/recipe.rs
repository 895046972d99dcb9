//! What is wished of a preparation.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kind::Kind;
use crate::task::Task;

/// What is wished of a [`Preparation`](crate::Preparation): what to predict, and how columns are to be taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The columns to predict: one, or for a regression several.
    pub targets: Vec<String>,
    /// Whether they are classes or values.
    pub task: Task,
    /// Kinds of columns, by name, where they are not to be told from the texts.
    pub kinds: BTreeMap<String, Kind>,
    /// Whether a column in which training rows lack values gets another input that says where.
    pub indicators: bool,
    /// Up to so many names of a category are an input each; of more, each has a row of a table that the network learns.
    pub one_hot: usize,
}

impl Recipe {
    /// The [`one_hot`](Recipe::one_hot) of a recipe that nobody gave another.
    pub const ONE_HOT: usize = 64;

    /// Everything told from the texts, no inputs that say where values are missing, and 64 names of a category as inputs.
    pub fn new(target: impl Into<String>, task: Task) -> Recipe {
        Recipe {
            targets: vec![target.into()],
            task,
            kinds: BTreeMap::new(),
            indicators: false,
            one_hot: Recipe::ONE_HOT,
        }
    }
}
