//! Training from one checkpoint to a later one again, to see whether it gives the same bits.

use crate::config::Config;
use crate::error::Error;
use crate::record::{Record, Signals};
use crate::run::{Data, Run};
use crate::session::Session;
use crate::state;
use highwater_checkpoint::{Array, Checkpoint, Section};
use std::fmt;

/// What a repeated piece of training gave.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Proof {
    /// The step that it began at.
    pub from: u64,
    /// The step that it went to.
    pub to: u64,
    /// Arrays that were compared: parameters, buffers, and the optimizer's.
    pub arrays: usize,
    /// Numbers in them.
    pub numbers: u64,
    /// What is not the same: of the model, in its order, then of the optimizer, then of the history. Empty if every bit is the
    /// same.
    pub differences: Vec<Difference>,
    /// Why the same bits could not be expected; empty if they could.
    pub reasons: Vec<String>,
}

/// Something that did not come out as it was saved.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// Numbers of an array.
    Array {
        /// Its name in the checkpoint.
        name: String,
        /// How many numbers differ.
        numbers: usize,
        /// Place of the first, in row-major order.
        first: usize,
        /// What was saved there.
        saved: f32,
        /// What came out.
        found: f32,
        /// The largest distance of all, in units in the last place: one more than the floating-point numbers that lie
        /// between.
        ulps: u32,
    },
    /// The record of this step in the history, which may also be missing or one too many.
    Record {
        /// The step.
        step: u64,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Array { name, numbers, first, saved, found, ulps } => write!(
                f,
                "`{name}`: {numbers} numbers differ, by up to {ulps} ULPs; at {first}, {saved} was saved and {found} found"
            ),
            Difference::Record { step } => write!(f, "the record of step {step} differs"),
        }
    }
}

/// Trains from `from` to the step of `to`, both of one run, and compares parameters, buffers, the optimizer's arrays and the
/// history (apart from times) with those of `to`, bit for bit. The run's store is neither needed nor used; `sections` are
/// those that a resumed run would give to its [`Checkpoints`](crate::Checkpoints).
///
/// The run's model is left at the step of `to`. `config` is that of the run between the two.
///
/// # Errors
/// As [`resume`](crate::resume), and [`Error::Mismatch`] if `to` is not later than `from`.
pub fn prove<'a>(
    run: Run<'a>,
    data: Data<'a>,
    config: &'a Config,
    sections: &[Section],
    (from, to): (&Checkpoint, &Checkpoint),
) -> Result<Option<Proof>, Error> {
    let goal = to.facts().step;
    if goal <= from.facts().step {
        let (checkpoint, other) = (to.path().display().to_string(), from.path().display());
        return Err(Error::Mismatch { checkpoint, what: format!("its step is not after that of {other}") });
    }
    let mut session = Session::new(run, data, config)?;
    let reasons = session.load(from, sections)?;
    let expected = state::history(to)?;
    // It may have been saved before the validation of its step, or after.
    let to_the_end = expected.last().is_some_and(|record| record.step == goal);
    loop {
        let step = session.counters.step;
        if session.validation_is_due() && (step < goal || to_the_end) {
            let Some(record) = session.validate() else { return Ok(None) };
            session.note(record);
        }
        if step >= goal {
            break;
        }
        if session.audience.wants_the_end() {
            return Ok(None);
        }
        session.step();
    }
    let arrays = session.arrays();
    let mut differences = Vec::new();
    let mut numbers = 0;
    for array in &arrays {
        numbers += array.bytes().len() as u64 / 4;
        differences.extend(compare(array, to)?);
    }
    differences.extend(records(&expected, &session.history));
    let (from, arrays) = (from.facts().step, arrays.len());
    Ok(Some(Proof { from, to: goal, arrays, numbers, differences, reasons }))
}

fn compare(array: &Array<'_>, checkpoint: &Checkpoint) -> Result<Option<Difference>, Error> {
    let saved = checkpoint.array(array.name())?;
    if saved.shape() != array.shape() {
        let (checkpoint, name) = (checkpoint.path().display().to_string(), array.name());
        let what = format!("{name} has the shape {:?}, and here it is {:?}", saved.shape(), array.shape());
        return Err(Error::Mismatch { checkpoint, what });
    }
    let numbers = saved.as_f32()?;
    if saved.bytes() == array.bytes() {
        return Ok(None);
    }
    let found = array.bytes().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let (saved, found): (_, Vec<f32>) = (numbers, found.collect());
    let differs = |i: &usize| saved[*i].to_bits() != found[*i].to_bits();
    let places: Vec<usize> = (0..saved.len()).filter(differs).collect();
    let first = places[0];
    Ok(Some(Difference::Array {
        name: array.name().to_owned(),
        numbers: places.len(),
        first,
        saved: saved[first],
        found: found[first],
        ulps: places.iter().map(|&i| ulps(saved[i], found[i])).max().unwrap_or(0),
    }))
}

/// The distance of two numbers in units in the last place; the largest there is, if one is NaN.
fn ulps(a: f32, b: f32) -> u32 {
    if a.is_nan() || b.is_nan() {
        return u32::MAX;
    }
    // Floating-point numbers of one sign are ordered as their bits are.
    let place = |x: f32| {
        let magnitude = i64::from(x.to_bits() & 0x7fff_ffff);
        if x.is_sign_negative() { -magnitude } else { magnitude }
    };
    // The zeros differ in their bits, and are one place.
    (place(a).abs_diff(place(b)) as u32).max(1)
}

fn records(expected: &[Record], found: &[Record]) -> Option<Difference> {
    let bits = |record: &Record| {
        let metrics: Vec<u64> = record.metrics.iter().map(|(_, value)| value.to_bits()).collect();
        let Record { training_loss, validation_loss, learning_rate, gradient_norm, .. } = *record;
        let values = [training_loss, validation_loss, learning_rate, gradient_norm].map(f64::to_bits);
        let Signals { reductions, evidence, loss_error, accuracy_error } = record.signals;
        let optional = [evidence, loss_error, accuracy_error].map(|value| value.map(f64::to_bits));
        (record.step, record.epoch, values, metrics, reductions, optional)
    };
    let longest = expected.len().max(found.len());
    let differs = |&i: &usize| expected.get(i).map(bits) != found.get(i).map(bits);
    let place = (0..longest).find(differs)?;
    let step = expected.get(place).or(found.get(place)).map_or(0, |record| record.step);
    Some(Difference::Record { step })
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_checkpoint::{Snapshot, write};

    #[test]
    fn an_array_of_other_elements_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.safetensors");
        let (bytes, halves) = ([0; 4], [0.5_f64; 4]);
        for other in [Array::u8("w", &[4], &bytes), Array::f64("w", &[4], &halves)] {
            write(&path, &Snapshot { arrays: &[other], ..Snapshot::default() }).unwrap();
            let own = Array::f32("w", &[4], &[0.5; 4]);
            let error = compare(&own, &Checkpoint::open(&path).unwrap()).unwrap_err().to_string();
            assert!(error.contains("`w` holds"), "{error}");
        }
    }

    #[test]
    fn distances_are_counted_in_numbers_between() {
        let one = 1.0_f32;
        for (a, b, expected) in [
            (one, one.next_up(), 1),
            (one.next_down(), one.next_up(), 2),
            (-one, -one.next_up(), 1),
            (0.0, -0.0, 1),
            (f32::from_bits(1), -f32::from_bits(1), 2),
            (f32::MAX, f32::INFINITY, 1),
            (f32::NAN, one, u32::MAX),
        ] {
            assert_eq!((ulps(a, b), ulps(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
