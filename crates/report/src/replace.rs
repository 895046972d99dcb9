//! Files that are replaced all at once.

use highwater_trainer::checkpoint::durable::shortened;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

/// Puts a file in place of another: a reader sees the old one or the new one, each complete. It is not made durable, as by
/// `highwater_checkpoint::durable`, since training would have to wait for that, and what it says is also in the checkpoints.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A name of its own: a run and the command `report` may write the same page at once.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let part = path.with_file_name(format!(".{}.{process}-{count}.part", shortened(path)));
    fs::write(&part, text).and_then(|()| fs::rename(&part, path)).inspect_err(|_| _ = fs::remove_file(&part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_who_write_the_same_file_do_not_mix_theirs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.html");
        let texts = ["a", "b"].map(|letter| letter.repeat(100_000));
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| (0..200).for_each(|_| replace(&path, text).unwrap()));
            }
        });
        assert!(texts.contains(&fs::read_to_string(&path).unwrap()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
