//! The configuration of a run that goes on with another one.

use crate::config::RunConfig;
use crate::folder::RunFolder;
use anyhow::Result;
use highwater_trainer::{Event, Observer};
use std::ops::ControlFlow;

/// Writes config.toml when a run begins: what is refused before leaves the folder as it was.
pub(crate) struct Amended<'a> {
    folder: &'a RunFolder,
    config: &'a RunConfig,
    pub(crate) written: Result<()>,
}

impl<'a> Amended<'a> {
    pub(crate) fn new(folder: &'a RunFolder, config: &'a RunConfig) -> Amended<'a> {
        Amended { folder, config, written: Ok(()) }
    }
}

impl Observer for Amended<'_> {
    fn observe(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        if let Event::Started(_) = event {
            self.written = self.folder.write_config(self.config);
        }
        if self.written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}
