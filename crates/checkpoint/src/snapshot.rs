//! A state that is to be saved.

use std::path::Path;
use std::time::Duration;

use crate::array::Array;
use crate::durable;
use crate::error::Error;
use crate::filesystem::Disk;
use crate::layout::Layout;
use crate::section::Section;

/// A state on its way into a file. Borrows everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snapshot<'a> {
    /// Optimizer steps done; the name of the file in a [`Store`](crate::Store).
    pub step: u64,
    /// Passes over the training data done.
    pub epoch: u64,
    /// The value of the selecting metric, for [`KeepBest`](crate::KeepBest).
    pub score: Option<f64>,
    /// Training time so far, for [`KeepEveryInterval`](crate::KeepEveryInterval).
    pub elapsed: Option<Duration>,
    /// Parameters, optimizer slots and the like, in any order.
    pub arrays: &'a [Array<'a>],
    /// Everything else, in any order.
    pub sections: &'a [Section],
    /// Words for humans and tools; no key twice.
    pub labels: &'a [(&'a str, &'a str)],
}

/// Writes a single checkpoint file, all or nothing, in place of one that is there. When this returns, the file is durable; the
/// result is its length. For runs that keep several, see [`Store`](crate::Store).
///
/// # Errors
/// As [`Store::save`](crate::Store::save); also if there is a folder, a device or a pipe at `path`.
pub fn write(path: impl AsRef<Path>, snapshot: &Snapshot<'_>) -> Result<u64, Error> {
    durable::must_be_replaceable(path.as_ref())?;
    Layout::new(snapshot, None)?.save(&Disk, path.as_ref())
}

/// Writes arrays and labels as a plain safetensors file, as durably as [`write()`], for programs that expect nothing but
/// their own arrays in it: no `integrity`, no sections, labels under their own names.
///
/// # Errors
/// As [`write()`].
pub fn export(path: impl AsRef<Path>, arrays: &[Array<'_>], labels: &[(&str, &str)]) -> Result<u64, Error> {
    durable::must_be_replaceable(path.as_ref())?;
    Layout::plain(arrays, labels)?.save(&Disk, path.as_ref())
}
