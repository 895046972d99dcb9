//! Which checkpoint was found to be sound, and which were refused.

use std::fmt;
use std::path::PathBuf;

use crate::error::Error;

/// The outcome of a search for the newest sound checkpoint.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct RecoveryReport {
    /// The checkpoint that was chosen; `None` if there are no checkpoints at all.
    pub chosen: Option<PathBuf>,
    /// Newer ones that were refused, newest first.
    pub rejected: Vec<Rejected>,
}

/// A checkpoint that was refused.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// The file.
    pub path: PathBuf,
    /// Why; it names the damaged part and its bytes.
    pub error: Error,
}

impl fmt::Display for RecoveryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.chosen.is_none() && self.rejected.is_empty() {
            return f.write_str("no checkpoint is there");
        }
        let refused = self.rejected.iter().map(|rejected| format!("refused {}", rejected.error));
        let chosen = self.chosen.iter().map(|path| format!("chosen {}", path.display()));
        f.write_str(&refused.chain(chosen).collect::<Vec<_>>().join("\n"))
    }
}
