//! Tensors against their hashes, several at a time.

use std::cmp::Reverse;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::{Context, Damage, Error, Part};
use crate::filesystem::{FileHandle, read_exact_at};
use crate::header::TensorInfo;
use crate::integrity::Hasher;

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
    let bytes: u64 = jobs.iter().map(|job| len(job.tensor)).sum();
    let mut threads = MAX_THREADS.min(jobs.len()).min((bytes / WORTH_A_THREAD) as usize);
    if threads > 1 {
        threads = threads.min(std::thread::available_parallelism().map_or(1, usize::from));
    }
    // The longest first, so that no thread is left with a long one at the end.
    jobs.sort_by_key(|job| Reverse(len(job.tensor)));
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || {
        let mut buffer = Vec::new();
        let mut damage = Vec::new();
        while let Some(job) = next() {
            damage.extend(run(file, job, &mut buffer)?);
        }
        Ok(damage)
    };
    let mut damage = if threads < 2 {
        work()
    } else {
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            let join = |worker: std::thread::ScopedJoinHandle<'_, io::Result<Vec<Damage>>>| {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            workers.into_iter().map(join).collect::<io::Result<Vec<_>>>().map(|found| found.concat())
        })
    }
    .context("read", path)?;
    damage.sort_by_key(|damage| damage.range.start);
    if damage.is_empty() { Ok(()) } else { Err(Error::Damaged { path: path.to_path_buf(), damage }) }
}

fn run(file: &dyn FileHandle, job: Job<'_>, buffer: &mut Vec<u8>) -> io::Result<Option<Damage>> {
    let Job { tensor, expected, mut into } = job;
    let mut hasher = Hasher::new();
    for at in (0..len(tensor)).step_by(CHUNK) {
        let n = (len(tensor) - at).min(CHUNK as u64) as usize;
        let chunk = match &mut into {
            Some(bytes) => &mut bytes[at as usize..][..n],
            None => {
                buffer.resize(CHUNK, 0);
                &mut buffer[..n]
            }
        };
        read_exact_at(file, chunk, tensor.range.start + at)?;
        hasher.update(chunk);
    }
    Ok(compare(tensor, hasher.finish(), expected))
}

/// The damage, if a tensor's hash is not the one that was written.
pub(crate) fn compare(tensor: &TensorInfo, found: u128, expected: u128) -> Option<Damage> {
    (found != expected).then(|| Damage {
        part: Part::Tensor(tensor.name.clone()),
        range: tensor.range.clone(),
        reason: format!("XXH3-128 is {found:032x}, {expected:032x} was written"),
    })
}

fn len(tensor: &TensorInfo) -> u64 {
    tensor.range.end - tensor.range.start
}
