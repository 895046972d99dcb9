//! Where another process left off: its state, and its best model.

use super::Session;
use crate::best::Best;
use crate::error::Error;
use crate::event::Event;
use crate::fingerprint::Fingerprint;
use crate::kept;
use crate::record::{Record, observations, score_in};
use crate::run::Checkpoints;
use crate::state::{self, State};
use highwater_checkpoint::{Checkpoint, Section};

impl Session<'_> {
    /// Goes on where a checkpoint left off. One that is `in_store` is the newest there, and need not be saved again.
    pub(crate) fn go_on_from(&mut self, checkpoint: &Checkpoint, in_store: bool) -> Result<(), Error> {
        let own = self.checkpoints.as_ref().map_or(&[][..], |checkpoints| checkpoints.sections);
        let reasons = self.load(checkpoint, own)?;
        if !reasons.is_empty() {
            let (file, reasons) = (checkpoint.path().display(), reasons.join("; "));
            let text = format!("the same bits cannot be expected: {file} was computed elsewhere: {reasons}");
            self.audience.tell(&Event::Warning(&text));
        }
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.store.continue_from(checkpoint)?;
            let select = self.config.select;
            checkpoints.store.score_by(move |facts| score_in(facts, select));
        }
        self.resumed_at = Some(self.counters.step);
        self.saved = in_store.then_some(self.counters.step);
        self.recover_best(checkpoint)
    }

    /// Takes the state from a checkpoint; `sections` are the caller's own. Returns why the same bits cannot be expected, if
    /// they cannot.
    pub(crate) fn load(
        &mut self,
        checkpoint: &Checkpoint,
        sections: &[Section],
    ) -> Result<Vec<String>, Error> {
        let state = state::load(checkpoint, self.model, &mut self.optimizer, sections)?;
        let State { counters, history, fingerprint, foreign } = state;
        (self.counters, self.history, self.foreign) = (counters, history, foreign);
        for record in &mut self.history {
            self.stop = record.show(self.config.monitor, self.plateau.as_mut(), &mut self.stopping);
        }
        Ok(fingerprint.map_or_else(Vec::new, |there| there.differences(&Fingerprint::here())))
    }

    /// Finds the best model of the history: published, among the checkpoints, or in the one that the run goes on from,
    /// which may be from elsewhere.
    fn recover_best(&mut self, origin: &Checkpoint) -> Result<(), Error> {
        let Some(Checkpoints { store, best: path, .. }) = &self.checkpoints else { return Ok(()) };
        let published = path.filter(|path| path.exists()).and_then(|path| Checkpoint::open(path).ok());
        let (folder, listing) = (store.folder().clone(), store.list()?);
        let mut key = None;
        let find = |place: usize| {
            let record: &Record = &self.history[place];
            let values = |checkpoint: &Checkpoint| state::values_of(checkpoint, self.model);
            let within =
                |checkpoint: &Checkpoint| state::is_of(record, checkpoint).then(|| values(checkpoint));
            let in_store = || {
                let (candidate, checkpoint) = kept::checkpoint_of(record, &folder, &listing)?;
                let found = values(&checkpoint)?;
                key = Some(candidate);
                Some(found)
            };
            let published = published.as_ref().and_then(within).flatten();
            published.or_else(in_store).or_else(|| within(origin).flatten())
        };
        let selected = observations(&self.history, self.config.select);
        let (lost, best) = Best::recover(self.config.select.goal(), &selected, find);
        self.best = best;
        if let (Some(key), Some(Checkpoints { store, best: Some(path), .. })) = (key, &mut self.checkpoints) {
            store.publish(key, path)?;
        }
        // Beside a published one, what a run that selected by another score had no reason to keep is not missing.
        let mut lost = lost.into_iter().map(|place| &self.history[place]);
        let missing = lost.find(|record| published.is_none() || kept::is_damaged(record, &folder, &listing));
        if let Some(Record { step, epoch, .. }) = missing {
            let left = match self.best.place() {
                Some(place) => format!("the best that is left is that of step {}", self.history[place].step),
                None => "no other is left".to_owned(),
            };
            let text = format!("the best model, of step {step} (epoch {epoch}), is gone or damaged; {left}");
            self.audience.tell(&Event::Warning(&text));
        }
        Ok(())
    }
}
