//! Tensors against their hashes, several at a time.

use std::cmp::Reverse;
use std::io;
use std::path::Path;

use twox_hash::XxHash3_128;

use crate::error::{Context, Damage, Error, Part};
use crate::filesystem::{FileHandle, read_exact_at};
use crate::header::TensorInfo;
use crate::memory;
use crate::workers;

/// A tensor to be read and verified.
pub(crate) struct Job<'a> {
    pub(crate) tensor: &'a TensorInfo,
    pub(crate) expected: u128,
    /// Where its bytes go, if anybody wants them.
    pub(crate) into: Option<&'a mut [u8]>,
}

/// Bytes that are read and hashed while they are in the cache.
const CHUNK: usize = 256 << 10;
/// Below so many bytes a thread costs more than it brings.
const WORTH_A_THREAD: u64 = 4 << 20;
/// More readers than this wait for the memory, not for each other.
const MAX_THREADS: usize = 8;

/// Does all jobs. [`Error::Damaged`] names every tensor whose hash does not hold.
pub(crate) fn read_and_verify(
    file: &dyn FileHandle,
    path: &Path,
    mut jobs: Vec<Job<'_>>,
) -> Result<(), Error> {
    let bytes = jobs.iter().map(|job| job.tensor.len()).sum();
    let threads = workers::threads(bytes, WORTH_A_THREAD, MAX_THREADS.min(jobs.len()));
    // The longest first, so that no thread is left with a long one at the end.
    jobs.sort_by_key(|job| Reverse(job.tensor.len()));
    let found = workers::share(threads, jobs, |jobs| {
        let mut buffer = Vec::new();
        jobs.filter_map(|job| run(file, job, &mut buffer).transpose()).collect::<io::Result<Vec<_>>>()
    });
    let mut damage = found.into_iter().collect::<io::Result<Vec<_>>>().context("read", path)?.concat();
    damage.sort_by_key(|damage| damage.range.start);
    if damage.is_empty() { Ok(()) } else { Err(Error::Damaged { path: path.to_path_buf(), damage }) }
}

fn run(file: &dyn FileHandle, job: Job<'_>, buffer: &mut Vec<u8>) -> io::Result<Option<Damage>> {
    let Job { tensor, expected, mut into } = job;
    let mut hasher = XxHash3_128::new();
    for at in (0..tensor.len()).step_by(CHUNK) {
        let n = (tensor.len() - at).min(CHUNK as u64) as usize;
        let chunk = match &mut into {
            Some(bytes) => {
                let chunk = &mut bytes[at as usize..][..n];
                if n == CHUNK {
                    memory::provide(chunk);
                }
                chunk
            }
            None => {
                buffer.resize(CHUNK, 0);
                &mut buffer[..n]
            }
        };
        read_exact_at(file, chunk, tensor.range.start + at)?;
        hasher.write(chunk);
    }
    Ok(compare(tensor, hasher.finish_128(), expected))
}

/// The damage, if a tensor's hash is not the one that was written.
pub(crate) fn compare(tensor: &TensorInfo, found: u128, expected: u128) -> Option<Damage> {
    (found != expected).then(|| Damage {
        part: Part::Tensor(tensor.name.clone()),
        range: tensor.range.clone(),
        reason: format!("XXH3-128 is {found:032x}, {expected:032x} was written"),
    })
}
