//! From a configuration to the rows that are trained on, validated on and tested on.

use crate::args::SplitName;
use crate::config::{DataConfig, RunConfig};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Migration, NoPrevious, Schema, Section};
use highwater_data::{Dataset, Preparation, Scale, Split, Table, TargetKind, digits, split_table};
use highwater_nn::{Init, Model, Sequential};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A table, and which of its rows are for what.
pub(crate) struct Source {
    pub(crate) table: Table,
    pub(crate) split: Split,
}

/// The parts of a source, ready to be computed with.
pub(crate) struct Datasets {
    pub(crate) train: Dataset,
    pub(crate) validation: Dataset,
    pub(crate) test: Dataset,
}

/// The table in a file, or the built-in one.
pub(crate) fn table(file: Option<&Path>) -> Result<Table> {
    match file {
        Some(file) => Ok(Table::read_csv(file)?),
        None => Ok(digits()),
    }
}

impl Source {
    pub(crate) fn new(config: &RunConfig) -> Result<Source> {
        Source::of(table(config.data.file.as_deref())?, &config.data)
    }

    pub(crate) fn of(table: Table, data: &DataConfig) -> Result<Source> {
        let split = split_table(&table, &data.target, data.task, data.fractions(), data.split_seed)?;
        if split.validation.is_empty() {
            bail!("no rows are left to validate on: raise --validation, or give more data");
        }
        Ok(Source { table, split })
    }

    /// The rows of a run whose model was trained on data prepared like this.
    ///
    /// # Errors
    /// If the file has changed since: other rows would take the place of the test rows.
    pub(crate) fn of_run(config: &RunConfig, preparation: &Preparation) -> Result<Source> {
        let source = Source::new(config)?;
        let DataConfig { target, task, .. } = &config.data;
        if Preparation::fit(&source.table, &source.split.train, target, *task)? != *preparation {
            bail!(
                "{} is not what the run was trained on: it has changed since, or config.toml has",
                source.table.source()
            );
        }
        Ok(source)
    }

    /// All rows, prepared: what is wrong with a cell shows now, and not when it is the turn of its part.
    pub(crate) fn datasets(&self, preparation: &Preparation) -> Result<Datasets> {
        let part = |rows: &[usize]| preparation.dataset(&self.table, rows);
        let Split { train, validation, test } = &self.split;
        Ok(Datasets { train: part(train)?, validation: part(validation)?, test: part(test)? })
    }

    pub(crate) fn rows(&self, part: SplitName) -> &[usize] {
        match part {
            SplitName::Train => &self.split.train,
            SplitName::Validation => &self.split.validation,
            SplitName::Test => &self.split.test,
        }
    }
}

/// What maps standardised targets back to the unit of the table.
pub(crate) fn unit(preparation: &Preparation) -> Option<Scale> {
    match &preparation.target().kind {
        TargetKind::Classes(_) => None,
        TargetKind::Value(scale) => Some(*scale),
    }
}

const PREPARATION: &str = "preparation";
const NETWORK: &str = "network";
const CONFIGURATION: &str = "configuration";
const SCHEMA: u32 = 1;

/// What is saved with each checkpoint, so that a model can be used without its run folder, and two compared.
pub(crate) fn sections(
    preparation: &Preparation,
    network: &Sequential,
    config: &RunConfig,
) -> Result<Vec<Section>> {
    Ok(vec![
        Section::required(PREPARATION, SCHEMA, preparation)?,
        Section::required(NETWORK, SCHEMA, network)?,
        Section::optional(CONFIGURATION, SCHEMA, &config.to_toml()?)?,
    ])
}

/// A saved model, and how its data are prepared.
pub(crate) fn load(checkpoint: &Checkpoint) -> Result<(Model<f32>, Preparation)> {
    let at = || format!("{} is not a checkpoint of a training run", checkpoint.path().display());
    let preparation: Preparation = checkpoint.section(PREPARATION, SCHEMA).with_context(at)?;
    let network: Sequential = checkpoint.section(NETWORK, SCHEMA).with_context(at)?;
    let mut model = Model::new(network, Init::Constant { value: 0.0 }, 0)?;
    highwater_trainer::load_model(checkpoint, &mut model)?;
    Ok((model, preparation))
}

/// The configuration of the run when it saved, if that is recorded.
pub(crate) fn configuration(checkpoint: &Checkpoint) -> Result<Option<toml::Value>> {
    if !checkpoint.sections().any(|name| name == CONFIGURATION) {
        return Ok(None);
    }
    Ok(Some(toml::from_str(&checkpoint.section::<String>(CONFIGURATION, SCHEMA)?)?))
}

/// All sections of a run's checkpoints, at their newest schemas.
pub(crate) fn migration() -> Migration {
    let own = Migration::new()
        .section::<First<Preparation>>(PREPARATION)
        .section::<First<Sequential>>(NETWORK)
        .section::<First<String>>(CONFIGURATION);
    highwater_trainer::migration(own)
}

/// A type of another crate at its first schema.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct First<T>(T);

impl<T: DeserializeOwned> Schema for First<T> {
    const NUMBER: u32 = SCHEMA;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}
