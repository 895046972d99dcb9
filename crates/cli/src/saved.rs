//! What is saved with each checkpoint, so that a model can be used without its run folder, and two compared.

use crate::config::RunConfig;
use crate::same_run::{ROWS, Rows};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Migration, NoPrevious, Schema, Section};
use highwater_data::{Preparation, PreparationV2};
use highwater_nn::{Init, Model, Sequential};
use highwater_trainer::Record;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) const PREPARATION: &str = "preparation";
const NETWORK: &str = "network";
const CONFIGURATION: &str = "configuration";
/// The first schema that was released.
const FIRST: u32 = 2;

/// The sections of a checkpoint of this run.
pub(crate) fn sections(
    preparation: &Preparation,
    network: &Sequential,
    config: &RunConfig,
) -> Result<Vec<Section>> {
    Ok(vec![
        Section::required(PREPARATION, Prepared::NUMBER, preparation)?,
        Section::required(NETWORK, FIRST, network)?,
        Section::optional(CONFIGURATION, FIRST, &config.to_toml()?)?,
    ])
}

/// A saved model, and how its data are prepared.
pub(crate) fn load(checkpoint: &Checkpoint) -> Result<(Model<f32>, Preparation)> {
    let at = || format!("{} is not a checkpoint of a training run", checkpoint.path().display());
    let Prepared(preparation) = checkpoint.migrate(PREPARATION).with_context(at)?;
    let network: Sequential = checkpoint.section(NETWORK, FIRST).with_context(at)?;
    let mut model = Model::new(network, Init::Constant { value: 0.0 }, 0)?;
    highwater_trainer::load_model(checkpoint, &mut model)?;
    Ok((model, preparation))
}

/// The same, to be used: an error if its answers could be nothing but NaN.
pub(crate) fn usable(checkpoint: &Checkpoint) -> Result<(Model<f32>, Preparation)> {
    let (model, preparation) = load(checkpoint)?;
    // Of an export nobody knows how it was trained.
    let history = highwater_trainer::history(checkpoint).unwrap_or_default();
    if ran_away(&model, &history) {
        bail!(
            "{} is of a training that ran away, with losses of NaN or infinity: there are no answers in it. {CALMER}",
            checkpoint.path().display()
        );
    }
    Ok((model, preparation))
}

/// Whether weights are not finite, or no loss ever was.
pub(crate) fn ran_away(model: &Model<f32>, history: &[Record]) -> bool {
    let weights = model.parameters().iter().all(|value| value.is_finite());
    let losses = history.is_empty() || history.iter().any(|record| record.validation_loss.is_finite());
    !(weights && losses)
}

/// What helps against a training that runs away.
pub(crate) const CALMER: &str = "Train again with a smaller --learning-rate, or with --clip-norm 1";

/// The configuration of the run when it saved, if that is recorded.
pub(crate) fn configuration(checkpoint: &Checkpoint) -> Result<Option<toml::Value>> {
    Ok(config_text(checkpoint)?.map(|text| toml::from_str(&text)).transpose()?)
}

/// The same, to go on with.
pub(crate) fn run_config(checkpoint: &Checkpoint) -> Result<Option<RunConfig>> {
    let wrong = || format!("the configuration in {} cannot be used", checkpoint.path().display());
    config_text(checkpoint)?.map(|text| toml::from_str(&text)).transpose().with_context(wrong)
}

fn config_text(checkpoint: &Checkpoint) -> Result<Option<String>> {
    let is_there = checkpoint.sections().any(|name| name == CONFIGURATION);
    Ok(is_there.then(|| checkpoint.section(CONFIGURATION, FIRST)).transpose()?)
}

/// All sections of a run's checkpoints, at their newest schemas.
pub(crate) fn migration() -> Migration {
    let own = Migration::new()
        .section::<Prepared>(PREPARATION)
        .section::<First<Sequential>>(NETWORK)
        .section::<First<String>>(CONFIGURATION)
        .section::<Rows>(ROWS);
    highwater_trainer::migration(own)
}

/// A type of another crate at its first schema.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct First<T>(T);

impl<T: DeserializeOwned> Schema for First<T> {
    const NUMBER: u32 = FIRST;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// How data are prepared, at the schema of now.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Prepared(Preparation);

impl Schema for Prepared {
    const NUMBER: u32 = 3;
    type Previous = First<PreparationV2>;

    fn upgrade(First(previous): First<PreparationV2>) -> Self {
        Prepared(previous.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_checkpoint::{Snapshot, write};
    use highwater_data::{Table, Task};
    use highwater_nn::{Activation, Embedding, Layer};
    use safetensors::SafeTensors;

    /// As the test of the same name in `state.rs` of the trainer, which is about the loop's own sections.
    #[test]
    fn the_sections_of_a_released_run_are_read_and_written_as_they_are() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/../trainer/tests/golden/run-v1.safetensors");
        let checkpoint = Checkpoint::open(golden).unwrap();
        let (model, preparation) = load(&checkpoint).unwrap();
        let layers = [
            Layer::Embed { tables: vec![Embedding { column: 10, rows: 39, width: 3 }] },
            Layer::Linear { outputs: 2 },
            Layer::Activation(Activation::Relu),
            Layer::Dropout { rate: 0.25 },
            Layer::Linear { outputs: 2 },
        ];
        assert_eq!((model.network().inputs, &model.network().layers[..]), (11, &layers[..]));
        let names: Vec<&str> = preparation.inputs().iter().map(|input| &*input.name).collect();
        assert_eq!(names, ["number", "flag", "day", "hue", "maker"]);
        let dropped: Vec<&str> = preparation.dropped().iter().map(|dropped| &*dropped.name).collect();
        assert_eq!(dropped, ["same", "id"]);
        assert_eq!(preparation.class_names(), ["fig", "plum"]);
        assert!(
            configuration(&checkpoint)
                .unwrap()
                .is_some_and(|config| config["data"]["one_hot"].as_integer() == Some(8))
        );

        let dir = tempfile::tempdir().unwrap();
        let again = dir.path().join("again.safetensors");
        let text: String = checkpoint.section(CONFIGURATION, FIRST).unwrap();
        let sections = [
            Section::required(NETWORK, FIRST, model.network()).unwrap(),
            Section::optional(CONFIGURATION, FIRST, &text).unwrap(),
        ];
        write(&again, &Snapshot { sections: &sections, ..Snapshot::default() }).unwrap();
        let (golden, again) = (std::fs::read(golden).unwrap(), std::fs::read(again).unwrap());
        let [golden, again] = [&golden, &again].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
        for name in [NETWORK, CONFIGURATION] {
            let bytes =
                |file: &SafeTensors<'_>| file.tensor(&format!("state.{name}")).unwrap().data().to_vec();
            assert_eq!(bytes(&again), bytes(&golden), "{name}");
        }
    }

    /// One of units that were two texts.
    #[test]
    fn a_preparation_of_schema_2_is_what_the_same_rows_say_now() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/units-v2.safetensors");
        let checkpoint = Checkpoint::open(golden).unwrap();
        let csv = include_str!("../tests/golden/units-v2.csv");
        let table = Table::from_csv_reader("units.csv", csv.as_bytes()).unwrap();
        let rows: Vec<usize> = (0..table.rows()).collect();
        let preparation = Preparation::fit(&table, &rows, "price", Task::Regression).unwrap();
        assert_eq!(load(&checkpoint).unwrap().1, preparation);
        let units = preparation.inputs().iter().map(|input| input.encoding.unit().unwrap().to_string());
        let expected = ["kg", "€1.2K is 1200", "€K", "<1 is 1", ""];
        assert_eq!(units.collect::<Vec<_>>(), expected);
        assert_eq!(preparation.target().kind.unit().unwrap().to_string(), "$");
    }
}
