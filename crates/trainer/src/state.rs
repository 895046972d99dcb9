//! What of a run is in a checkpoint, and back again.

use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::record::{Record, RecordV1};
use highwater_autodiff::Parameter;
use highwater_checkpoint::{Array, Checkpoint, NoPrevious, Schema, Section};
use highwater_early_stopping::GradientEvidence;
use highwater_nn::Model;
use highwater_optim::Optimizer;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Where a run is, apart from parameters, optimizer and history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub(crate) step: u64,
    /// Steps the optimizer has counted.
    pub(crate) optimizer_steps: u64,
    /// Of the training rows since the last record.
    pub(crate) loss_sum: f64,
    pub(crate) loss_rows: u64,
    /// Of the last step if a validation follows it, before clipping; else of an earlier one.
    pub(crate) gradient_norm: f64,
    /// Seconds of training.
    pub(crate) elapsed: f64,
    /// Of the steps since the last record.
    pub(crate) evidence: GradientEvidence,
}

/// Schema 1.
#[derive(Deserialize)]
pub(crate) struct CountersV1 {
    step: u64,
    optimizer_steps: u64,
    loss_sum: f64,
    loss_rows: u64,
    elapsed: f64,
}

/// What [`sections`] and [`arrays`] wrote.
pub(crate) struct State {
    pub(crate) counters: Counters,
    pub(crate) history: Vec<Record>,
    /// Not in checkpoints of early versions, or of versions whose fingerprint is another.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Sections of other programs, to be written back.
    pub(crate) foreign: Vec<Section>,
}

/// The validations so far.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct History(pub(crate) Vec<Record>);

/// Schema 1.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct HistoryV1(Vec<RecordV1>);

pub(crate) const COUNTERS: &str = "counters";
pub(crate) const HISTORY: &str = "history";
pub(crate) const FINGERPRINT: &str = "fingerprint";

impl Schema for Counters {
    const NUMBER: u32 = 2;
    type Previous = CountersV1;

    fn upgrade(previous: CountersV1) -> Self {
        let CountersV1 { step, optimizer_steps, loss_sum, loss_rows, elapsed } = previous;
        let evidence = GradientEvidence::default();
        Counters { step, optimizer_steps, loss_sum, loss_rows, gradient_norm: f64::NAN, elapsed, evidence }
    }
}

impl Schema for CountersV1 {
    const NUMBER: u32 = 1;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Schema for Fingerprint {
    const NUMBER: u32 = 1;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Schema for History {
    const NUMBER: u32 = 2;
    type Previous = HistoryV1;

    fn upgrade(previous: HistoryV1) -> Self {
        History(previous.0.into_iter().map(Record::from).collect())
    }
}

impl Schema for HistoryV1 {
    const NUMBER: u32 = 1;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

/// Before the names of parameters and buffers, and of the optimizer's slots.
pub(crate) const MODEL: &str = "model.";
const OPTIMIZER: &str = "optimizer.";

/// The sections that belong to the loop itself, without that of [`fingerprint`].
pub(crate) fn sections(counters: &Counters, history: &[Record]) -> Result<[Section; 2], Error> {
    Ok([
        Section::required(COUNTERS, Counters::NUMBER, counters)?,
        Section::required(HISTORY, History::NUMBER, &history)?,
    ])
}

/// What computes the run, which is the same in all of its checkpoints.
pub(crate) fn fingerprint() -> Result<Section, Error> {
    Ok(Section::optional(FINGERPRINT, Fingerprint::NUMBER, &Fingerprint::here())?)
}

/// `model.<parameter or buffer>` and `optimizer.<slot>.<parameter>`.
pub(crate) fn arrays<'a>(model: &'a Model<f32>, optimizer: &'a Optimizer<f32>) -> Vec<Array<'a>> {
    let array = |prefix: &str, p: &'a Parameter, values: &'a [f32]| {
        Array::f32(format!("{prefix}{}", p.name), &p.shape, &values[p.range()])
    };
    let learned = model.table().iter().chain(model.buffers());
    let mut all: Vec<Array<'a>> = learned.map(|p| array(MODEL, p, model.values())).collect();
    for (slot, values) in optimizer.slots() {
        all.extend(model.table().iter().map(|p| array(&format!("{OPTIMIZER}{slot}."), p, values)));
    }
    all
}

/// Takes the parameters and buffers of a model from a checkpoint. The model has the same network, which may be saved beside
/// them: see [The model elsewhere](crate#the-model-elsewhere).
///
/// # Errors
/// If a parameter is missing, has another shape, or is one too many; then the model is unchanged.
pub fn load_model(checkpoint: &Checkpoint, model: &mut Model<f32>) -> Result<(), Error> {
    let expected = model.table().len() + model.buffers().len();
    let found = checkpoint.arrays().filter(|info| info.name().starts_with(MODEL)).count();
    if found != expected {
        let what = format!("its model has {found} parameters, this one has {expected}");
        return Err(mismatch(checkpoint, what));
    }
    model.load(|parameter| read(checkpoint, MODEL, parameter))
}

/// Takes everything from a checkpoint, or nothing. `sections` are the caller's own.
pub(crate) fn load(
    checkpoint: &Checkpoint,
    model: &mut Model<f32>,
    optimizer: &mut Optimizer<f32>,
    sections: &[Section],
) -> Result<State, Error> {
    let known: Vec<&str> =
        sections.iter().map(Section::name).chain([COUNTERS, HISTORY, FINGERPRINT]).collect();
    let state = State {
        counters: checkpoint.migrate(COUNTERS)?,
        history: history(checkpoint)?,
        fingerprint: checkpoint.migrate(FINGERPRINT).ok(),
        foreign: checkpoint.unknown_sections(&known)?,
    };
    let mut loaded = model.clone();
    load_model(checkpoint, &mut loaded)?;
    let of_optimizer = checkpoint.arrays().filter_map(|info| info.name().strip_prefix(OPTIMIZER));
    let names: BTreeSet<&str> = of_optimizer.filter_map(|name| name.split('.').next()).collect();
    let mut slots = Vec::new();
    for slot in names {
        let mut values = Vec::with_capacity(model.parameters().len());
        for parameter in model.table() {
            values.extend(read(checkpoint, &format!("{OPTIMIZER}{slot}."), parameter)?);
        }
        slots.push((slot, values));
    }
    let slots: Vec<(&str, &[f32])> = slots.iter().map(|(slot, values)| (*slot, &values[..])).collect();
    let restored = optimizer.restore(state.counters.optimizer_steps, &slots);
    restored.map_err(|error| mismatch(checkpoint, error.to_string()))?;
    *model = loaded;
    Ok(state)
}

/// The validations that led to a checkpoint of a run, oldest first.
///
/// # Errors
/// If the checkpoint is not one of a run.
pub fn history(checkpoint: &Checkpoint) -> Result<Vec<Record>, Error> {
    Ok(checkpoint.migrate::<History>(HISTORY)?.0)
}

/// Whether a checkpoint was saved together with this record.
pub(crate) fn is_of(record: &Record, checkpoint: &Checkpoint) -> bool {
    // No two branches take the same time to the same step, to the nanosecond.
    let moment = |record: &Record| (record.step, record.elapsed.to_bits());
    checkpoint.facts().step == record.step
        && history(checkpoint).is_ok_and(|history| history.last().map(moment) == Some(moment(record)))
}

/// The parameters and buffers in a checkpoint, if they are those of this model.
pub(crate) fn values_of(checkpoint: &Checkpoint, model: &Model<f32>) -> Option<Vec<f32>> {
    let mut model = model.clone();
    load_model(checkpoint, &mut model).ok()?;
    Some(model.values().to_vec())
}

fn read(checkpoint: &Checkpoint, prefix: &str, parameter: &Parameter) -> Result<Vec<f32>, Error> {
    let name = format!("{prefix}{}", parameter.name);
    let array = checkpoint.array(&name)?;
    let (there, here) = (array.shape(), &parameter.shape);
    if there != here {
        let what = format!("{name} has the shape {there:?}, and here it is {here:?}");
        return Err(mismatch(checkpoint, what));
    }
    Ok(array.as_f32()?.into_owned())
}

fn mismatch(checkpoint: &Checkpoint, what: String) -> Error {
    Error::Mismatch { checkpoint: checkpoint.path().display().to_string(), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_checkpoint::{Snapshot, write};
    use highwater_nn::{Activation, Init, Mlp};
    use highwater_objective::metrics::Metric;
    use highwater_optim::{Method, Sgd};
    use safetensors::SafeTensors;

    /// Fields one after another are what a struct of them is.
    #[test]
    fn what_earlier_versions_saved_is_read() {
        let line = Mlp { inputs: 1, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
        let mut model = Model::new(line.network(), Init::Constant { value: 0.5 }, 0).unwrap();
        let mut optimizer = Optimizer::new(Method::Sgd(Sgd::default()), 2).unwrap();
        let mae: Metric = "mae".parse().unwrap();
        let counters = (3_u64, 3_u64, 0.5_f64, 7_u64, 1.5_f64);
        let records = vec![(1_u64, 2_u64, 0.75_f64, 0.5_f64, vec![(mae, 0.25_f64)], 0.1_f64, 1.25_f64)];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("old.safetensors");
        let snapshot = Snapshot {
            step: 3,
            epoch: 1,
            score: None,
            elapsed: None,
            arrays: &arrays(&model, &optimizer),
            sections: &[
                Section::required(COUNTERS, 1, &counters).unwrap(),
                Section::required(HISTORY, 1, &records).unwrap(),
            ],
            labels: &[],
        };
        write(&path, &snapshot).unwrap();
        let checkpoint = Checkpoint::open(&path).unwrap();
        let state = load(&checkpoint, &mut model, &mut optimizer, &[]).unwrap();
        let expected = Counters {
            step: 3,
            optimizer_steps: 3,
            loss_sum: 0.5,
            loss_rows: 7,
            gradient_norm: f64::NAN,
            elapsed: 1.5,
            evidence: GradientEvidence::default(),
        };
        assert_eq!(format!("{:?}", state.counters), format!("{expected:?}"));
        let record = Record {
            epoch: 1,
            step: 2,
            training_loss: 0.75,
            validation_loss: 0.5,
            metrics: vec![(mae, 0.25)],
            learning_rate: 0.1,
            gradient_norm: f64::NAN,
            elapsed: 1.25,
            signals: Default::default(),
        };
        assert_eq!(format!("{:?}", state.history), format!("{:?}", [record]));
    }

    #[test]
    fn a_checkpoint_is_of_the_record_of_its_step_and_its_time() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/run-v1.safetensors");
        let checkpoint = Checkpoint::open(golden).unwrap();
        let records = history(&checkpoint).unwrap();
        let last = &records[records.len() - 1];
        let of_another_branch = Record { elapsed: last.elapsed + 1e-9, ..last.clone() };
        for (record, expected) in [(last, true), (&of_another_branch, false), (&records[0], false)] {
            assert_eq!(is_of(record, &checkpoint), expected, "{record:?}");
        }
    }

    /// A run of the first release, written by the command: what is in it is read for ever, and written as the same bytes as
    /// long as these are the newest schemas. (`saved.rs` of the command does the same for its own sections.)
    #[test]
    fn the_sections_of_a_released_run_are_read_and_written_as_they_are() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/run-v1.safetensors");
        let checkpoint = Checkpoint::open(golden).unwrap();
        let counters: Counters = checkpoint.migrate(COUNTERS).unwrap();
        let expected = Counters {
            step: 9,
            optimizer_steps: 9,
            loss_sum: 0.0,
            loss_rows: 0,
            gradient_norm: 0.39295991363929395,
            elapsed: 0.003669874,
            evidence: GradientEvidence::default(),
        };
        assert_eq!(counters, expected);
        let records = history(&checkpoint).unwrap();
        assert_eq!(records.iter().map(|record| record.step).collect::<Vec<_>>(), [2, 4, 6, 8, 9]);
        let [accuracy, f1] = ["accuracy", "f1_macro"].map(|name| name.parse::<Metric>().unwrap());
        let first = Record {
            epoch: 0,
            step: 2,
            training_loss: 0.9198541343212128,
            validation_loss: 0.8599863052368164,
            metrics: vec![(accuracy, 0.375), (f1, 0.3739130434782609)],
            learning_rate: 0.02,
            gradient_norm: 0.47021028275049737,
            elapsed: 0.000578706,
            signals: crate::record::Signals {
                reductions: Some(0),
                evidence: Some(-1.340654551985684),
                loss_error: Some(0.11678335349937519),
                accuracy_error: Some(0.09882117688026186),
            },
        };
        assert_eq!(records[0], first);
        assert_eq!(records[4].signals.evidence, None);
        let fingerprint: Fingerprint = checkpoint.migrate(FINGERPRINT).unwrap();
        assert_eq!((&*fingerprint.version, &*fingerprint.platform), ("0.1.0", "x86_64 linux"));

        let dir = tempfile::tempdir().unwrap();
        let again = dir.path().join("again.safetensors");
        let [counters, history] = sections(&counters, &records).unwrap();
        let fingerprint = Section::optional(FINGERPRINT, Fingerprint::NUMBER, &fingerprint).unwrap();
        write(&again, &Snapshot { sections: &[counters, history, fingerprint], ..Snapshot::default() })
            .unwrap();
        let (golden, again) = (std::fs::read(golden).unwrap(), std::fs::read(again).unwrap());
        let [golden, again] = [&golden, &again].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
        for name in [COUNTERS, HISTORY, FINGERPRINT] {
            let bytes =
                |file: &SafeTensors<'_>| file.tensor(&format!("state.{name}")).unwrap().data().to_vec();
            assert_eq!(bytes(&again), bytes(&golden), "{name}");
        }
    }
}
