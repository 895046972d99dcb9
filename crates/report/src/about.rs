//! What is known of a run before it begins.

use highwater_trainer::{Config, MeasuredOn};

/// What is known of a run before it begins.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// What is trained.
    pub title: &'a str,
    /// Facts about data, model and machine, each with a label.
    pub facts: &'a [(String, String)],
    /// What becomes of each column of the table.
    pub columns: &'a [ColumnUse],
    /// Rows that are trained on.
    pub training_rows: usize,
    /// What validations are measured on.
    pub measured_on: MeasuredOn,
    /// What the run is asked to do.
    pub config: &'a Config,
    /// All settings by name, one by one.
    pub settings: &'a [(String, String)],
    /// The command that repeats the run.
    pub command: &'a str,
    /// The complete configuration, as text.
    pub configuration: &'a str,
}

impl<'a> About<'a> {
    /// Of a run of which only the configuration is known, validated on rows that are held out.
    pub fn new(config: &'a Config) -> About<'a> {
        About {
            title: "",
            facts: &[],
            columns: &[],
            training_rows: 0,
            measured_on: MeasuredOn::ValidationRows,
            config,
            settings: &[],
            command: "",
            configuration: "",
        }
    }
}

/// What becomes of a column of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    /// The column's name.
    pub name: String,
    /// How it is taken: `number`, `category`, …
    pub kind: String,
    /// How many inputs of the network it becomes; 0 if it is left out.
    pub inputs: usize,
    /// What else there is to say: why it is left out, what stands for missing values.
    pub remark: String,
}
