//! Training state that survives.
//!
//! A training run is worth more with every hour, and lives in memory. What most programs write to disk is not yet a
//! backup: the file is not synced, or synced and its name is not; the old one is deleted before the new one is safe; a
//! flipped bit is loaded as a weight; and after a crash the newest file is half a file. This crate writes named arrays and
//! serde values so that they come back exactly or not at all.
//!
//! A checkpoint is one file, and a valid [safetensors](https://github.com/huggingface/safetensors) file: PyTorch, JAX,
//! candle and every other reader of that format open it. Its last tensor, `integrity`, holds the XXH3-128 of the header and
//! of every other tensor; [`Checkpoint::open`] trusts nothing that it has not verified.
//!
//! ```
//! use highwater_checkpoint::{Array, Goal, KeepBest, KeepLast, Retention, Section, Snapshot, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let run = tempfile::tempdir()?;
//! # let run = run.path();
//! let mut store = Store::open(run.join("checkpoints"))?;
//! store.retain(KeepLast(2).or(KeepBest(1, Goal::Minimize)));
//!
//! let mut weights = vec![0.0_f32; 6];
//! for (step, loss) in [(1, 0.9), (2, 0.2), (3, 0.4), (4, 0.3)] {
//!     weights.fill(step as f32);
//!     let saved = store.save(&Snapshot {
//!         step,
//!         score: Some(loss),
//!         arrays: &[Array::f32("model.weight", &[2, 3], &weights)],
//!         sections: &[Section::required("losses", 1, &vec![loss])?],
//!         labels: &[("commit", "1a2b3c")],
//!         ..Snapshot::default()
//!     })?; // durable now
//!     if loss <= 0.2 {
//!         store.publish(saved.key, run.join("best.safetensors"))?;
//!     }
//! }
//! let steps: Vec<u64> = store.list()?.entries.iter().map(|entry| entry.key.step).collect();
//! assert_eq!(steps, [2, 3, 4]);
//! drop(store);
//!
//! // After a crash: the newest checkpoint that verifies, and what was refused on the way to it.
//! let mut store = Store::open(run.join("checkpoints"))?;
//! let (checkpoint, report) = store.latest()?;
//! let checkpoint = checkpoint.expect("there are three");
//! assert!(report.rejected.is_empty());
//! store.continue_from(&checkpoint)?;
//! assert_eq!(checkpoint.facts().step, 4);
//! assert_eq!(&*checkpoint.array("model.weight")?.as_f32()?, [4.0; 6]);
//! assert_eq!(checkpoint.section::<Vec<f64>>("losses", 1)?, [0.3]);
//! # Ok(()) }
//! ```
//!
//! | to | use |
//! |---|---|
//! | write one file, durably | [`write()`]; one that is no checkpoint: [`durable::replace`]; one that can be made again: [`Replacement`] |
//! | keep several, delete old ones, publish the best | [`Store`] |
//! | save while training goes on | [`Saver`] |
//! | look into a folder that somebody writes to | [`Folder`] |
//! | read one file | [`Checkpoint::open`], [`Checkpoint::map`], [`verify()`] |
//! | change the type of a section and still read old files | [`Schema`] |
//! | rewrite old files | [`Migration`] |
//! | compare two | [`Diff`] |
//! | see what the numbers of an array are like | [`Statistics`] |
//! | exchange arrays with other programs | [`export`], [`Checkpoint::import`] |
//! | take the disk away, in a test | [`FileSystem`] |
//!
//! When a save returns, its file and its name are synced; until then everything is as it was. The tests hold this against a
//! simulated disk that crashes after every operation and keeps any subset of what was not synced. The format is specified,
//! for readers in other languages, in `docs/FORMAT.md`.

mod array;
mod cast;
mod check;
mod checkpoint;
mod codec;
mod diff;
pub mod durable;
mod envelope;
mod error;
mod facts;
mod filesystem;
mod folder;
mod half;
mod header;
mod integrity;
mod layout;
mod lineage;
mod memory;
mod migration;
#[cfg(target_os = "linux")]
mod promise;
mod recovery;
mod replacement;
mod retention;
mod role;
mod saver;
mod section;
mod snapshot;
mod staging;
mod statistics;
mod store;
mod workers;

/// The examples of the guide's page.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../../../docs/checkpoint-alone.md")]
    mod checkpoint_alone {}
}

pub use array::{Array, ArrayView, Dtype, Other};
pub use checkpoint::{Checkpoint, VerifyReport, verify, verify_in};
pub use diff::{Change, Diff};
pub use error::{Damage, Error, Part};
pub use facts::Facts;
pub use filesystem::{Disk, FileHandle, FileSystem, Lock};
pub use folder::{Entry, Folder, Key, Listing};
pub use header::TensorInfo;
pub use lineage::Leaf;
pub use migration::{Migration, Upgraded};
pub use recovery::{RecoveryReport, Rejected};
pub use replacement::Replacement;
pub use retention::{Either, Goal, KeepAll, KeepBest, KeepEvery, KeepEveryInterval, KeepLast, Retention};
pub use role::Role;
pub use saver::Saver;
pub use section::{NoPrevious, Schema, Section};
pub use snapshot::{Snapshot, export, write};
pub use statistics::Statistics;
pub use store::{Collected, Explained, Fate, Saved, Store};
