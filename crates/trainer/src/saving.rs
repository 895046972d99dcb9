//! Checkpoints on their way to the disk while training goes on.

use crate::error::Error;
use crate::event::{Audience, Event};
use crate::run::Checkpoints;
use highwater_checkpoint::{Error as Failure, Role, Saved, Saver, Section, Snapshot};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How the checkpoints of a run are written. Nothing in it changes what is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saving {
    /// What a checkpoint that cannot be written does to the run.
    pub on_failure: OnFailure,
    /// What happens when checkpoints come faster than the disk takes them.
    pub pace: Pace,
}

/// What a checkpoint that cannot be written does to the run.
///
/// With each of them, a run ends with an error
/// - if its first checkpoint cannot be written (or it waits), since there is no use in training what cannot be saved;
/// - if in the end its last state or its best is not on the disk;
/// - if its folder is gone, or somebody removed its lock file and another run saves there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// There is a warning and training goes on. The newest and the best of what could not be written are kept in memory
    /// and tried again with each later checkpoint. The default.
    #[default]
    Warn,
    /// The run ends with the error, at the next step.
    Stop,
    /// If the disk is full, training pauses until there is space, or until somebody asks for the end. With any other error, the run
    /// ends.
    Wait,
}

/// What happens when checkpoints come faster than the disk takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Of the checkpoints that wait for the disk, only the newest and the best are written. Training waits only if both do. The
    /// default.
    #[default]
    Newest,
    /// Every one is written: training waits while two are under way.
    Every,
}

impl OnFailure {
    /// All there are.
    pub const ALL: [OnFailure; 3] = [OnFailure::Warn, OnFailure::Stop, OnFailure::Wait];

    fn name(self) -> &'static str {
        match self {
            OnFailure::Warn => "warn",
            OnFailure::Stop => "stop",
            OnFailure::Wait => "wait",
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for OnFailure {
    type Err = String;

    fn from_str(name: &str) -> Result<OnFailure, String> {
        let found = OnFailure::ALL.into_iter().find(|policy| policy.name() == name);
        found.ok_or_else(|| format!("{name:?} is none of warn, stop, wait"))
    }
}

/// What saving took, in this process: what a run did before it was resumed does not count.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Saves {
    /// Checkpoints written.
    pub written: u64,
    /// Checkpoints passed over because newer ones came before the disk was ready.
    pub superseded: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Seconds that the writes took in the background, until the file was durable, all together.
    pub took: f64,
    /// Seconds that the longest write took.
    pub longest: f64,
    /// Seconds that training waited: for copies of its state, for a place, and in the end for the last write.
    pub stalled: f64,
    /// Of these, the seconds after the last step, until the last state was on the disk.
    pub finishing: f64,
    /// Seconds of training, with those that it waited.
    pub training: f64,
}

/// How long training waits before it asks a disk without space again.
const RETRY: Duration = Duration::from_millis(250);

/// Hands snapshots to the background, and tells what became of them.
pub(crate) struct Keeper {
    saver: Saver,
    /// Those of the caller, and what stays as it is of ours.
    sections: Vec<Section>,
    saving: Saving,
    /// There are checkpoints of an earlier process.
    resumed: bool,
    /// A warning was given, and nothing was written since.
    warned: bool,
    /// What the saver passed over is not counted here.
    saves: Saves,
}

impl Keeper {
    pub(crate) fn new(checkpoints: Checkpoints<'_>, own: Section, resumed: bool) -> Keeper {
        let Checkpoints { store, best, sections, saving } = checkpoints;
        Keeper {
            saver: Saver::new(store, best.map(Into::into)),
            sections: [&[own], sections].concat(),
            saving,
            resumed,
            warned: false,
            saves: Saves::default(),
        }
    }

    pub(crate) fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Whether a checkpoint that is neither the best nor the last would only wait for a newer one to take its place. Then it
    /// counts as passed over.
    pub(crate) fn passes_over(&mut self) -> bool {
        let passes = self.saving.pace == Pace::Newest && self.saver.rests();
        self.saves.superseded += u64::from(passes);
        passes
    }

    /// Takes a snapshot, to be written soon, which the caller began to make at `began`. Whether it was accepted: one that is
    /// neither the best nor the last may be passed over.
    pub(crate) fn save(
        &mut self,
        began: Instant,
        snapshot: &Snapshot<'_>,
        (best, last): (bool, bool),
        audience: &mut Audience<'_>,
    ) -> Result<bool, Error> {
        let role = match (best, last || self.saving.pace == Pace::Every) {
            (false, false) => Role::Routine,
            (true, false) => Role::Best,
            (false, true) => Role::Last,
            (true, true) => Role::LastAndBest,
        };
        let result = self.saver.save(snapshot, role);
        self.saves.stalled += began.elapsed().as_secs_f64();
        self.tell(result, audience)?;
        Ok(self.saver.accepted() == Some(snapshot.step))
    }

    /// Tells what has become durable, without waiting.
    pub(crate) fn look(&mut self, audience: &mut Audience<'_>) -> Result<(), Error> {
        let result = self.saver.news();
        self.tell(result, audience)
    }

    /// Waits until everything accepted is durable. What fails twice in a row is an error, unless it is worth waiting for.
    pub(crate) fn finish(&mut self, audience: &mut Audience<'_>) -> Result<(), Error> {
        let began = Instant::now();
        let result = self.flush(audience);
        let seconds = began.elapsed().as_secs_f64();
        self.saves.finishing += seconds;
        self.saves.stalled += seconds;
        self.written(result?, audience);
        Ok(())
    }

    pub(crate) fn saves(&self) -> Saves {
        Saves { superseded: self.saves.superseded + self.saver.superseded(), ..self.saves }
    }

    fn flush(&mut self, audience: &mut Audience<'_>) -> Result<Vec<Saved>, Failure> {
        let first = match self.saver.flush() {
            Ok(saved) => return Ok(saved),
            Err(error) => error,
        };
        self.saves.failed += 1;
        match self.saver.flush() {
            Ok(saved) => {
                if !self.warned {
                    audience.tell(&Event::Warning(&format!("{first}; the second attempt succeeded")));
                    self.warned = true;
                }
                Ok(saved)
            }
            Err(error) if self.saving.on_failure == OnFailure::Wait && error.is_full() => {
                self.wait(error, audience)
            }
            Err(error) => Err(error),
        }
    }

    /// Until there is space; the last error, if somebody asks for the end before.
    fn wait(&mut self, mut error: Failure, audience: &mut Audience<'_>) -> Result<Vec<Saved>, Failure> {
        if audience.wants_the_end() {
            return Err(error);
        }
        audience.tell(&Event::Warning(&format!("{error}; training waits for space")));
        self.warned = true;
        while !audience.wants_the_end() {
            std::thread::sleep(RETRY);
            match self.saver.flush() {
                Err(again) if again.is_full() => error = again,
                result => return result,
            }
        }
        Err(error)
    }

    fn tell(
        &mut self,
        result: Result<Vec<Saved>, Failure>,
        audience: &mut Audience<'_>,
    ) -> Result<(), Error> {
        let error = match result {
            Ok(saved) => {
                self.written(saved, audience);
                return Ok(());
            }
            // A later attempt would not help, or would do harm.
            Err(error @ (Failure::Unstorable { .. } | Failure::Gone { .. } | Failure::LockLost { .. })) => {
                return Err(error.into());
            }
            Err(error) => error,
        };
        self.saves.failed += 1;
        // An error is told before what was written until then.
        if let Ok(saved) = self.saver.news() {
            self.written(saved, audience);
        }
        match self.saving.on_failure {
            OnFailure::Warn if self.saves.written > 0 || self.resumed => {
                if !self.warned {
                    let text = format!("{error}; training goes on, and each later checkpoint tries again");
                    audience.tell(&Event::Warning(&text));
                    self.warned = true;
                }
                Ok(())
            }
            OnFailure::Wait if error.is_full() => {
                let began = Instant::now();
                let result = self.wait(error, audience);
                self.saves.stalled += began.elapsed().as_secs_f64();
                match result {
                    Ok(saved) => self.written(saved, audience),
                    // The run ends now, and tries once more as it does.
                    Err(error) if error.is_full() => {}
                    Err(error) => return Err(error.into()),
                }
                Ok(())
            }
            OnFailure::Warn | OnFailure::Stop | OnFailure::Wait => Err(error.into()),
        }
    }

    fn written(&mut self, saved: Vec<Saved>, audience: &mut Audience<'_>) {
        for Saved { path, bytes, took, warnings, .. } in &saved {
            if std::mem::take(&mut self.warned) {
                let name = path.file_name().unwrap_or_default().display();
                audience.tell(&Event::Warning(&format!("saving works again: {name} is on the disk")));
            }
            self.saves.written += 1;
            self.saves.took += took.as_secs_f64();
            self.saves.longest = self.saves.longest.max(took.as_secs_f64());
            audience.tell(&Event::Saved { path, bytes: *bytes, took: *took });
            for warning in warnings {
                audience.tell(&Event::Warning(&warning.to_string()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_back_from_their_names() {
        for policy in OnFailure::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("panic".parse::<OnFailure>().unwrap_err().contains("warn, stop, wait"));
    }
}
