//! Saving in the background, so that training goes on meanwhile.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::layout;
use crate::role::Role;
use crate::snapshot::Snapshot;
use crate::staging::{Staged, Table};
use crate::store::{Saved, Store};

/// Writes snapshots to a [`Store`] from a thread of its own.
///
/// [`Saver::save`] copies the state into a buffer that is used again and again, and returns. One snapshot is being written,
/// one may wait. A newer one takes the place of the one that waits, unless that has a [`Role`] which the newer one does not
/// take over: then the newer one is passed over, or, if it has a role itself, waits for the place. So neither the best nor
/// the last snapshot is ever lost to a slow disk.
///
/// The writer keeps out of the way of the training: after each write it rests for a hundred times as long, ten seconds at
/// most, and then takes the newest. It does not rest if it is asked to flush, or if what waits may not be passed over. Nor
/// does handing a snapshot over wake it, which would cost more than to copy a small state: while snapshots come often, the
/// writer looks for one. Whoever has a routine snapshot to hand over may ask whether it [rests](Saver::rests).
///
/// An error of the background is returned by the next call, whichever it is; [`Saver::close`] returns the last one.
/// Dropping a saver waits for its writes, but has no way to return what went wrong.
///
/// A snapshot that could not be written is kept, and every later [`Saver::save`] and [`Saver::flush`] has it tried again;
/// closing, for the last time. Until that succeeds nobody waits for a place: a newer snapshot takes that of any other, but
/// the newest of the best stays beside it. So a disk that is full for a while costs neither the best state nor the newest,
/// and whoever trains may go on, stop, or wait for space.
///
/// ```
/// use highwater_checkpoint::{Array, Role, Saver, Snapshot, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let run = tempfile::tempdir()?;
/// # let run = run.path();
/// let mut saver = Saver::new(Store::open(run.join("checkpoints"))?, Some(run.join("best.safetensors")));
/// let mut weights = vec![1.0_f32; 4];
/// saver.save(&Snapshot { step: 1, arrays: &[Array::f32("w", &[4], &weights)], ..Snapshot::default() }, Role::Best)?;
/// weights.fill(2.0); // the snapshot is not touched by this
/// saver.save(&Snapshot { step: 2, arrays: &[Array::f32("w", &[4], &weights)], ..Snapshot::default() }, Role::Last)?;
/// let (store, _saved) = saver.close()?;
/// assert_eq!(store.folder().latest()?.0.map(|checkpoint| checkpoint.facts().step), Some(2));
/// let best = highwater_checkpoint::Checkpoint::open(run.join("best.safetensors"))?;
/// assert_eq!(&*best.array("w")?.as_f32()?, [1.0; 4]);
/// # Ok(()) }
/// ```
pub struct Saver {
    shared: Arc<Shared>,
    /// The arrays of the last snapshot, which need not be looked at again.
    table: Arc<Table>,
    writer: Option<JoinHandle<Store>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Option<(Staged, Role)>,
    /// The newest best one, if it could not be written and another waits; it goes first.
    owed: Option<(Staged, Role)>,
    /// The last attempt to write failed.
    failing: bool,
    /// Somebody has asked for an attempt since the last one began.
    again: bool,
    writing: bool,
    /// The writer will look for a snapshot before long, and need not be woken.
    lingers: bool,
    /// Until when it takes nothing that may wait.
    rests_until: Option<Instant>,
    /// What waits must not wait for the writer to have rested.
    urgent: bool,
    closing: bool,
    /// The writer has left, by the door or by a panic.
    gone: bool,
    /// Buffers that nobody uses.
    free: Vec<Staged>,
    saved: Vec<Saved>,
    failed: Option<Error>,
    superseded: u64,
    /// The step of the newest snapshot that was accepted.
    accepted: Option<u64>,
}

/// The writer works for at most one part in so many of the time, if nobody asks for more.
const SHARE: u32 = 100;
/// The longest rest, and the shortest, which is also how long the writer sleeps between two looks for a snapshot.
const REST: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_secs(10);
/// How long it goes on to look when it has rested; then it has to be woken.
const LINGER: Duration = Duration::from_secs(1);

impl Saver {
    /// Takes over a store. A snapshot that is [`Role::Best`] is also published at `best`, if there is such a path; a relative one is
    /// taken from the current folder once, as that of the store is.
    pub fn new(store: Store, best: Option<PathBuf>) -> Self {
        let best = best.map(|best| store.folder().fix(best));
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let writer = std::thread::spawn(move || theirs.write_all(store, best));
        Self { shared, table: Arc::default(), writer: Some(writer) }
    }

    /// Copies a snapshot, to be written soon, and returns what became durable since the last call.
    ///
    /// # Errors
    /// [`Error::Unstorable`] if this snapshot cannot be stored: it is not accepted. Any other error is that of an earlier
    /// one: this one is accepted nevertheless, for the reason may have gone.
    pub fn save(&mut self, snapshot: &Snapshot<'_>, role: Role) -> Result<Vec<Saved>, Error> {
        // Training waits for this, and as it is called once in many steps, its code is in no cache. So what is rarely needed is
        // kept out of it (`cold`): half as much to fetch saves the copy of a small state a tenth of its time.
        match self.table.fits(snapshot.arrays) {
            true => layout::check(&[], snapshot.sections, snapshot.labels)?,
            false => self.table = Arc::new(Table::of(snapshot)?),
        }
        let mut state = self.shared.lock();
        if let Some((_, older)) = state.waiting
            && !state.failing
            && !role.takes_over(older)
        {
            if role == Role::Routine {
                state.superseded += 1;
                return state.news();
            }
            state = self.shared.wait_for_place(state);
        }
        let place = state.make_room(role);
        let mut staged = place.or_else(|| state.free.pop()).unwrap_or_default();
        // The writer can wait for the copy; to let go of the lock and take it again would cost a small state more.
        staged.copy(snapshot, &self.table)?;
        if role.is_best()
            && let Some((owed, _)) = state.owed.take()
        {
            state.superseded += 1;
            state.free.push(owed);
        }
        state.waiting = Some((staged, role));
        state.accepted = Some(snapshot.step);
        state.again = true;
        state.urgent |= role.is_last();
        if !state.lingers || state.urgent {
            self.shared.changed.notify_all();
        }
        let (news, gone) = (state.news(), state.gone);
        drop(state);
        if gone {
            self.stop();
        }
        news
    }

    /// What became durable since the last call, without waiting for anything.
    ///
    /// # Errors
    /// The first error since the last call.
    pub fn news(&mut self) -> Result<Vec<Saved>, Error> {
        self.shared.lock().news()
    }

    /// Waits until everything accepted is durable or has failed once more, and returns what became durable since the last
    /// call.
    ///
    /// # Errors
    /// The first error since the last call. If there is none, everything accepted is durable.
    pub fn flush(&mut self) -> Result<Vec<Saved>, Error> {
        let mut state = self.shared.lock();
        (state.again, state.urgent) = (true, true);
        self.shared.changed.notify_all();
        let busy = |state: &mut State| (state.writing || state.has_work()) && !state.gone;
        let mut state = self.shared.wait_while(state, busy);
        let (news, gone) = (state.news(), state.gone);
        drop(state);
        if gone {
            self.stop();
        }
        news
    }

    /// Whether the writer rests after a write. A routine snapshot would only wait now until a newer one takes its place, and need
    /// not be handed over by a caller who will have another one later.
    pub fn rests(&self) -> bool {
        let state = self.shared.lock();
        !state.failing && state.rests_until.is_some_and(|end| Instant::now() < end)
    }

    /// How many snapshots were not written because newer ones took their places.
    pub fn superseded(&self) -> u64 {
        self.shared.lock().superseded
    }

    /// The step of the newest snapshot that was accepted. A routine one may have been passed over after it.
    pub fn accepted(&self) -> Option<u64> {
        self.shared.lock().accepted
    }

    /// Waits until everything accepted is durable, and gives the store back.
    ///
    /// # Errors
    /// As [`Saver::flush`].
    pub fn close(mut self) -> Result<(Store, Vec<Saved>), Error> {
        let saved = self.flush();
        let store = self.stop();
        Ok((store.unwrap_or_else(|| unreachable!("only `close` and a panic stop the writer")), saved?))
    }

    /// Lets the writer finish; a panic of its goes on here.
    #[cold]
    fn stop(&mut self) -> Option<Store> {
        self.join().map(|store| store.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }

    fn join(&mut self) -> Option<std::thread::Result<Store>> {
        self.shared.lock().closing = true;
        self.shared.changed.notify_all();
        self.writer.take().map(JoinHandle::join)
    }
}

impl fmt::Debug for Saver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saver").field("superseded", &self.superseded()).finish_non_exhaustive()
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.join();
    }
}

impl State {
    /// Something to write, and a reason to try it.
    fn has_work(&self) -> bool {
        (self.waiting.is_some() || self.owed.is_some()) && (!self.failing || self.again)
    }

    /// Empties the place of the one that waits, for a newer one of this role. Returns the buffer of what is given up.
    fn make_room(&mut self, role: Role) -> Option<Staged> {
        let (older, older_role) = self.waiting.take()?;
        self.give_up(older, older_role, role)
    }

    #[cold]
    fn give_up(&mut self, older: Staged, older_role: Role, role: Role) -> Option<Staged> {
        let given_up = match older_role.is_best() && !role.is_best() {
            true => self.owed.replace((older, older_role)).map(|(owed, _)| owed),
            false => Some(older),
        };
        self.superseded += u64::from(given_up.is_some());
        given_up
    }

    /// Keeps a snapshot that could not be written, unless a newer one makes up for it.
    fn keep(&mut self, staged: Staged, role: Role) {
        // A best one that is owed came while this one was being written.
        let is_outdone = role.is_best() && self.owed.is_some();
        match &self.waiting {
            None if !is_outdone => self.waiting = Some((staged, role)),
            Some((_, newer)) if role.is_best() && !newer.is_best() && !is_outdone => {
                self.owed = Some((staged, role));
            }
            _ => {
                self.superseded += 1;
                self.free.push(staged);
            }
        }
    }

    fn news(&mut self) -> Result<Vec<Saved>, Error> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.saved)),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        condition: impl FnMut(&mut State) -> bool,
    ) -> MutexGuard<'a, State> {
        self.changed.wait_while(state, condition).unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the writer make haste, and waits until it has taken what waits.
    #[cold]
    fn wait_for_place<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.urgent = true;
        self.changed.notify_all();
        self.wait_while(state, |state| state.waiting.is_some() && !state.failing && !state.gone)
    }

    /// Waits until there is something to write, and the writer has rested or must not.
    fn wait_for_work(&self) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let rested = state.rests_until.unwrap_or_else(Instant::now);
        while !state.closing && !(state.has_work() && (state.urgent || Instant::now() >= rested)) {
            let now = Instant::now();
            let left = rested.saturating_duration_since(now);
            state.lingers = now < rested + LINGER;
            state = match state.lingers {
                true => {
                    let waited = self.changed.wait_timeout(state, left.max(*REST.start()));
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                false => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.lingers = false;
        state
    }

    /// The writer's life.
    fn write_all(&self, mut store: Store, best: Option<PathBuf>) -> Store {
        let _leaving = Leaving(self);
        loop {
            let mut state = self.wait_for_work();
            let Some((staged, role)) = state.owed.take().or_else(|| state.waiting.take()) else {
                return store;
            };
            (state.writing, state.again) = (true, false);
            // A second one, if there is one, is as urgent.
            state.urgent &= state.waiting.is_some();
            self.changed.notify_all();
            drop(state);
            let began = Instant::now();

            let published = best.as_deref().filter(|_| role.is_best());
            let saved = staged.with(|snapshot| store.save_as(snapshot, published));
            let rest = (began.elapsed() * SHARE).clamp(*REST.start(), *REST.end());

            let mut state = self.lock();
            state.rests_until = Some(Instant::now() + rest);
            let failed = match saved {
                Ok((saved, published)) => {
                    state.saved.push(saved);
                    published.err()
                }
                Err(error) => Some(error),
            };
            state.failing = failed.is_some();
            match failed {
                // There is no later attempt.
                Some(error) if state.closing => _ = state.failed.get_or_insert(error),
                Some(error) => {
                    state.failed.get_or_insert(error);
                    state.keep(staged, role);
                }
                None => state.free.push(staged),
            }
            state.writing = false;
            self.changed.notify_all();
        }
    }
}

struct Leaving<'a>(&'a Shared);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.lock().gone = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(step: u64) -> Staged {
        let mut staged = Staged::default();
        staged.copy(&Snapshot { step, ..Snapshot::default() }, &Arc::default()).unwrap();
        staged
    }

    fn step((staged, _): &(Staged, Role)) -> u64 {
        staged.with(|snapshot| snapshot.step)
    }

    #[test]
    fn a_best_one_that_fails_does_not_take_the_place_of_a_newer_best() {
        // The first is being written; the second came meanwhile, and after it a third, or one that could not be copied.
        for third_waits in [true, false] {
            let mut state =
                State { waiting: Some((staged(2), Role::Best)), failing: true, ..State::default() };
            assert!(state.make_room(Role::Routine).is_none());
            state.waiting = third_waits.then(|| (staged(3), Role::Routine));
            state.keep(staged(1), Role::Best);
            state.make_room(Role::Routine);
            assert_eq!(state.owed.as_ref().map(step), Some(2), "{third_waits}");
            assert_eq!(state.superseded, if third_waits { 2 } else { 1 });
        }
    }
}
