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
}

impl Recipe {
    /// Everything told from the texts, and no inputs that say where values are missing.
    pub fn new(target: impl Into<String>, task: Task) -> Recipe {
        Recipe { targets: vec![target.into()], task, kinds: BTreeMap::new(), indicators: false }
    }
}
