//! Which checkpoint is the best: by which score, and under which name it is to be found.

use std::path::Path;

use super::Store;
use crate::checkpoint::verify_in;
use crate::durable;
use crate::error::Error;
use crate::facts::Facts;
use crate::folder::Entry;
use crate::retention::{Goal, KeepBest};

/// Where the score of a checkpoint is from, if not from its [`Facts::score`].
pub(super) type ScoreBy = Box<dyn Fn(&Facts) -> Option<f64> + Send + Sync>;

impl Store {
    /// Has checkpoints ranked by what `score` reads from their facts, not by [`Facts::score`]: for a run that comes to select
    /// by another value than its older checkpoints were saved with. `None` is no score. Retention sees these scores, and so
    /// do [`Store::explain`] and [`Store::publish_best`]; the files stay as they are.
    pub fn score_by(&mut self, score: impl Fn(&Facts) -> Option<f64> + Send + Sync + 'static) {
        self.score_by = Some(Box::new(score));
        self.known = None;
    }

    /// Publishes the best checkpoint as [`Store::publish`] does, and returns its facts: the best of what is published at
    /// `path` already and of all that the store has, on every branch, as far as it is sound. Of equal ones the published one
    /// stays, and else the oldest is taken. `None` if none has a finite score; then nothing is done.
    ///
    /// For a run that goes on. The last one may have died after it saved its best and before it published it, and the
    /// published file may be damaged or gone; after this, what is best follows from what is there, and need not be saved. The
    /// retention should keep the best ([`KeepBest`]).
    ///
    /// # Errors
    /// As [`Store::publish`], except that checkpoints that are not sound are passed over.
    pub fn publish_best(&mut self, goal: Goal, path: impl AsRef<Path>) -> Result<Option<Facts>, Error> {
        let path = path.as_ref();
        self.look()?;
        let entries = self.known.clone().unwrap_or_default();
        let published = verify_in(&*self.folder.fs, path).map(|report| self.scored(report.facts)).ok();
        let published = published.filter(|facts| facts.score.is_some_and(f64::is_finite));
        for Entry { key, facts, .. } in
            KeepBest::ranking(&entries, goal).into_iter().map(|place| &entries[place])
        {
            if published.as_ref().is_some_and(|published| !goal.prefers(facts.score, published.score)) {
                break;
            }
            match self.publish(*key, path) {
                Ok(()) => return Ok(Some(facts.clone())),
                Err(Error::Damaged { .. } | Error::NotACheckpoint { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if published.is_some() {
            durable::make_durable(&*self.folder.fs, path)?;
        }
        Ok(published)
    }

    pub(super) fn scored(&self, facts: Facts) -> Facts {
        let score = self.score_by.as_ref().map_or(facts.score, |score| score(&facts));
        Facts { score, ..facts }
    }
}
