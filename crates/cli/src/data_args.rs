//! The arguments that say how a table is taken.

use crate::config::DataConfig;
use anyhow::{Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use highwater_data::{Delimiter, Kind, SplitBy, Task};
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use toml::{Table, Value};

/// How a file is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct Reading {
    /// A text that stands for a missing value, besides the customary ones; COLUMN=TEXT: in this column alone
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    missing: Vec<String>,
    /// The only text, besides an empty cell, that stands for a missing value; NA, ?, - and the like are then values
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    missing_only: Vec<String>,
    /// What separates fields: comma, semicolon, tab, pipe, blanks [default: recognised]
    #[arg(long, value_name = "NAME")]
    delimiter: Option<Delimiter>,
    /// Whether the first row names the columns [default: recognised]
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no())]
    header: Option<bool>,
    /// What the columns are called in a table without a header: the names, or a file of them
    #[arg(long, value_name = "NAME,NAME,…|FILE", value_parser = names)]
    names: Option<Names>,
    /// Lines to leave out at the beginning [default: 0]
    #[arg(long, value_name = "N")]
    skip_lines: Option<u64>,
}

impl Reading {
    /// What is said, by the names of the settings in `data.read`.
    pub(crate) fn settings(&self) -> Result<Table> {
        let Reading { missing, missing_only, delimiter, header, names, skip_lines } = self;
        let mut table = Table::new();
        if !missing.is_empty() {
            table.insert("missing".into(), Value::from(missing.clone()));
        }
        if !missing_only.is_empty() {
            table.insert("missing_only".into(), Value::from(missing_only.clone()));
        }
        if let Some(delimiter) = delimiter {
            table.insert("delimiter".into(), delimiter.to_string().into());
        }
        if let Some(header) = header {
            table.insert("header".into(), (*header).into());
        }
        if let Some(names) = names {
            table.insert("names".into(), names.0.clone().into());
        }
        if let Some(lines) = skip_lines {
            table.insert("skip_lines".into(), Value::try_from(*lines)?);
        }
        Ok(table)
    }
}

/// How the columns of a table are taken.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
pub(crate) struct Columns {
    /// The kind of a column: number, category, boolean, date (dmy, mdy: the day or the month first), or ignore
    /// [default: told from its cells]
    #[arg(long, value_name = "NAME=KIND", value_parser = column)]
    pub(crate) column: Vec<(String, Kind)>,
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Let the network see where values are missing
    #[arg(long)]
    pub(crate) indicators: bool,
    /// A category of up to so many names becomes one input for each name; one of more is embedded: each name has a
    /// row of a table that is learned [default: 64]
    #[arg(long, value_name = "N")]
    pub(crate) one_hot: Option<usize>,
    /// Keep the table in a scratch file beside the run instead of in memory; the result is the same
    /// [default: told from its size and the free memory]
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no())]
    pub(crate) on_disk: Option<bool>,
}

/// Which rows are for what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rows")]
pub(crate) struct Parts {
    /// The share of the rows to validate on, or a file with such rows [default: 0.15]
    #[arg(long, value_name = "SHARE|FILE")]
    pub(crate) validation: Option<Held>,
    /// The share of the rows to test the kept model on, or a file with such rows [default: 0.15]
    #[arg(long, value_name = "SHARE|FILE")]
    pub(crate) test: Option<Held>,
    /// Keep rows that are equal in this column (a patient, a machine) in the same part
    #[arg(long, value_name = "COLUMN")]
    pub(crate) group: Option<String>,
    /// Train on the past and test on the future, as this column has it
    #[arg(long, value_name = "COLUMN", conflicts_with = "group")]
    pub(crate) time: Option<String>,
    /// Cross-validate: train K times, each time with another part of the rows to test on
    #[arg(long, value_name = "K", conflicts_with = "test")]
    pub(crate) folds: Option<usize>,
    /// When the run has ended, train the network once more, on all rows, for as many epochs as were best; predict then
    /// uses that model. Up to 2,000 rows, the number of epochs is also found with each quarter of the rows left out, and
    /// the median counts [default: yes, up to 20,000 rows]
    #[arg(long, value_name = "YES|NO", value_parser = yes_or_no())]
    pub(crate) refit: Option<bool>,
}

fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|word| word == "yes")
}

/// How much the classes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClassWeights {
    /// By their rows.
    None,
    /// All the same.
    Balanced,
}

/// Rows that are held out: a share of all, or a file of their own.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    Share(f64),
    File(PathBuf),
}

impl FromStr for Held {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Held, Self::Err> {
        Ok(text.parse().map_or_else(|_| Held::File(text.into()), Held::Share))
    }
}

impl DataConfig {
    /// What is asked for and would change nothing.
    pub(crate) fn check(&self) -> Result<()> {
        let targets = self.target.list();
        if let Some((name, kind)) = targets.iter().find_map(|target| self.columns.get_key_value(target)) {
            bail!("--column {name}={kind}: a target is learned as --task says: classification or regression");
        }
        if let SplitBy::Group(name) | SplitBy::Time(name) = &self.split
            && targets.contains(name)
        {
            bail!("the rows cannot be divided by {name:?}, as it is to be predicted: name another column");
        }
        if self.task == Task::Regression && self.class_weights == ClassWeights::Balanced {
            bail!(
                "--class-weights balanced: the target is a number; --task classification takes its values for classes"
            );
        }
        Ok(())
    }
}

/// Names of columns.
#[derive(Debug, Clone)]
struct Names(Vec<String>);

/// Between commas, or each on a line of its own; in a file if there is one that is called so.
fn names(text: &str) -> Result<Names, String> {
    let read;
    let text = match Path::new(text).is_file() {
        true => {
            read = fs::read_to_string(text).map_err(|error| error.to_string())?;
            &read
        }
        false => text,
    };
    let names: Vec<String> =
        text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.is_empty() { Err("no name is given".to_owned()) } else { Ok(Names(names)) }
}

fn column(text: &str) -> Result<(String, Kind), String> {
    let (name, kind) = text.rsplit_once('=').ok_or("write NAME=KIND, for instance zip=category")?;
    Ok((name.to_owned(), kind.parse().map_err(|error: highwater_data::Error| error.to_string())?))
}
