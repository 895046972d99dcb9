//! A machine that stops at any moment, and a disk that fails at any operation.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use highwater_checkpoint::{
    Array, Checkpoint, Entry, Error, Folder, Goal, KeepLast, Key, Section, Snapshot, Store,
};

use crate::simulated::{Event, Fault, PROMISES, Simulated};

const DIR: &str = "run/checkpoints";
const BEST: &str = "run/best.safetensors";

/// What a run has begun and what was promised to it, in the order of its saves.
#[derive(Debug, Default, Clone)]
struct Log {
    started: Vec<u64>,
    durable: Option<u64>,
    best_started: Vec<u64>,
    best_durable: bool,
    pinned: Option<u64>,
}

/// Bytes that tell which save they are from, several sectors of them.
fn content(value: u64) -> Vec<f64> {
    (0..200).map(|i| (value * 1000 + i) as f64).collect()
}

fn with_snapshot<T>(step: u64, value: u64, work: impl FnOnce(&Snapshot<'_>) -> T) -> T {
    let numbers = content(value);
    work(&Snapshot {
        step,
        score: Some(value as f64),
        arrays: &[Array::f64("w", &[200], &numbers)],
        sections: &[Section::required("value", 1, &value).unwrap()],
        ..Snapshot::default()
    })
}

fn save(store: &mut Store, step: u64, value: u64, log: &mut Log) -> Result<Key, Error> {
    log.started.push(value);
    let saved = with_snapshot(step, value, |snapshot| store.save(snapshot))?;
    log.durable = Some(value);
    Ok(saved.key)
}

fn save_and_publish(store: &mut Store, step: u64, value: u64, log: &mut Log) -> Result<(), Error> {
    log.started.push(value);
    log.best_started.push(value);
    with_snapshot(step, value, |snapshot| store.save_and_publish(snapshot, BEST))?;
    log.durable = Some(value);
    log.best_durable = true;
    Ok(())
}

fn publish(store: &mut Store, key: Key, value: u64, log: &mut Log) -> Result<(), Error> {
    log.best_started.push(value);
    store.publish(key, BEST)?;
    log.best_durable = true;
    Ok(())
}

/// Which save a checkpoint is, all of it.
fn value_of(checkpoint: &Checkpoint) -> u64 {
    let value = checkpoint.section("value", 1).unwrap();
    assert_eq!(*checkpoint.array("w").unwrap().as_f64().unwrap(), content(value), "a mixture");
    value
}

type Scenario = fn(&Simulated, &mut Log) -> Result<(), Error>;

fn open(fs: &Simulated) -> Result<Store, Error> {
    Store::open_in(DIR, Arc::new(fs.clone()))
}

fn one_save(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    save(&mut open(fs)?, 1, 1, log).map(drop)
}

fn two_saves_one_published(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    let mut store = open(fs)?;
    store.retain(KeepLast(1));
    let first = save(&mut store, 1, 1, log)?;
    publish(&mut store, first, 1, log)?;
    let second = save(&mut store, 2, 2, log)?;
    publish(&mut store, second, 2, log)
}

fn two_saves_published_at_once(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    let mut store = open(fs)?;
    store.retain(KeepLast(1));
    save_and_publish(&mut store, 1, 1, log)?;
    save_and_publish(&mut store, 2, 2, log)
}

fn a_best_that_must_be_copied(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    fs.without_links();
    two_saves_published_at_once(fs, log)
}

fn three_saves_with_pin_and_deletions(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    let mut store = open(fs)?;
    store.retain(|listing: &[Entry]| vec![false; listing.len()]);
    let first = save(&mut store, 1, 1, log)?;
    store.folder().pin(first)?;
    log.pinned = Some(1);
    let second = save(&mut store, 2, 2, log)?;
    publish(&mut store, second, 2, log)?;
    save(&mut store, 3, 3, log).map(drop)
}

fn a_step_saved_again(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    let mut store = open(fs)?;
    let key = save(&mut store, 1, 1, log)?;
    publish(&mut store, key, 1, log)?;
    save(&mut store, 1, 2, log)?;
    save(&mut store, 1, 3, log).map(drop)
}

fn two_processes_and_a_branch(fs: &Simulated, log: &mut Log) -> Result<(), Error> {
    let first = {
        let mut store = open(fs)?;
        let first = save(&mut store, 1, 1, log)?;
        save(&mut store, 2, 2, log)?;
        first
    };
    let mut store = open(fs)?;
    store.retain(KeepLast(2));
    let older = store.folder().open(first)?;
    store.continue_from(&older)?;
    save(&mut store, 2, 3, log)?;
    save(&mut store, 3, 4, log).map(drop)
}

const SCENARIOS: [(&str, Scenario); 7] = [
    ("one save", one_save),
    ("two saves, one published", two_saves_one_published),
    ("two saves, published at once", two_saves_published_at_once),
    ("a best that must be copied", a_best_that_must_be_copied),
    ("three saves with pin and deletions", three_saves_with_pin_and_deletions),
    ("a step saved again", a_step_saved_again),
    ("two processes and a branch", two_processes_and_a_branch),
];

/// What was promised is there, nothing else is, and the run can go on.
fn check(fs: &Simulated, log: &Log, context: &dyn Fn() -> String) {
    let folder = Folder::new_in(DIR, Arc::new(fs.clone()));
    let (found, report) = folder.latest().unwrap_or_else(|error| panic!("{}: {error}", context()));
    assert!(report.rejected.is_empty(), "{}: {report}", context());
    let order = |value: u64| log.started.iter().position(|&started| started == value);
    let found = found.as_ref().map(value_of);
    if let Some(durable) = log.durable {
        assert!(
            found.is_some_and(|found| order(found) >= order(durable)),
            "{}: found {found:?} of {log:?}",
            context()
        );
    }
    assert!(found.is_none_or(|found| order(found).is_some()), "{}: found {found:?} of {log:?}", context());

    match Checkpoint::open_in(fs, Path::new(BEST)) {
        Ok(best) => {
            let best = value_of(&best);
            assert!(log.best_started.contains(&best), "{}", context());
            assert!(order(best) <= found.and_then(order), "{}: best {best} of {found:?}", context());
        }
        Err(Error::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            assert!(!log.best_durable, "{}: no best", context());
        }
        Err(error) => panic!("{}: {error}", context()),
    }
    if let Some(pinned) = log.pinned {
        let listing = folder.list().unwrap();
        let kept =
            listing.entries.iter().find(|entry| entry.pinned).map(|entry| folder.open(entry.key).unwrap());
        assert_eq!(kept.as_ref().map(value_of), Some(pinned), "{}", context());
    }

    let mut log = log.clone();
    let mut store = open(fs).unwrap();
    if let (Some(checkpoint), _) = store.latest().unwrap() {
        store.continue_from(&checkpoint).unwrap();
    }
    // Each save is better than those before it, and the last may not have been published any more.
    let best =
        store.publish_best(Goal::Maximize, BEST).unwrap_or_else(|error| panic!("{}: {error}", context()));
    assert_eq!(best.and_then(|facts| facts.score), found.map(|value| value as f64), "{}", context());
    let best = Checkpoint::open_in(&fs.after_crash(|_| false), Path::new(BEST)).ok();
    assert_eq!(best.as_ref().map(value_of), found, "{}", context());
    store.retain(KeepLast(1));
    store.collect().unwrap();
    for survivors in [false, true] {
        let after = Folder::new_in(DIR, Arc::new(fs.after_crash(|_| survivors)));
        assert_eq!(after.latest().unwrap().0.as_ref().map(value_of), found, "{}", context());
    }
    let key = save(&mut store, 9, 99, &mut log).unwrap_or_else(|error| panic!("{}: {error}", context()));
    let after = Folder::new_in(DIR, Arc::new(fs.after_crash(|_| false)));
    assert_eq!(after.latest().unwrap().0.as_ref().map(value_of), Some(99), "{}", context());
    publish(&mut store, key, 99, &mut log).unwrap();
    let best = Checkpoint::open_in(&fs.after_crash(|_| false), Path::new(BEST)).unwrap();
    assert_eq!(value_of(&best), 99, "{}", context());
}

/// Which of `n` changes survive: all choices if they are few, else the telling ones and a thousand others.
fn choices(n: usize) -> Box<dyn Iterator<Item = Box<dyn Fn(usize) -> bool>>> {
    if n <= 12 {
        return Box::new(
            (0..1_u32 << n)
                .map(|choice| -> Box<dyn Fn(usize) -> bool> { Box::new(move |i| choice >> i & 1 == 1) }),
        );
    }
    let telling = (0..=n).flat_map(|k| -> [Box<dyn Fn(usize) -> bool>; 4] {
        [
            Box::new(move |i| i < k),
            Box::new(move |i| i >= k),
            Box::new(move |i| i != k),
            Box::new(move |i| i == k),
        ]
    });
    let others = (1..=1000_u64).map(|seed| -> Box<dyn Fn(usize) -> bool> {
        Box::new(move |i| {
            (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(i as u32 * 7) ^ seed).count_ones() % 2 == 1
        })
    });
    Box::new(telling.chain(others))
}

#[test]
fn after_a_crash_at_any_moment_the_newest_durable_save_or_a_newer_one_is_found() {
    let mut states = BTreeMap::new();
    for ((name, scenario), promises) in SCENARIOS.iter().flat_map(|&s| PROMISES.map(|promises| (s, promises)))
    {
        let count: &mut usize = states.entry(name).or_default();
        for at in 0.. {
            let fs = Simulated::with(Event::Crash, at).per_write(700).promising(promises);
            let mut log = Log::default();
            let finished = scenario(&fs, &mut log).is_ok();
            for (choice, survives) in choices(fs.pending()).enumerate() {
                let context = || format!("{name}, crash at operation {at}, choice {choice}, {promises:?}");
                check(&fs.after_crash(survives), &log, &context);
                *count += 1;
            }
            // The process alone may die, too: then everything it did is still there.
            fs.process_dies();
            check(&fs, &log, &|| format!("{name}, killed at operation {at}"));
            *count += 1;
            if finished {
                break;
            }
        }
    }
    println!("crash states: {} ({states:?})", states.values().sum::<usize>());
}

#[test]
fn a_disk_that_fails_at_any_operation_takes_nothing_away() {
    let (mut faults, mut failed, mut states) = (0, 0, 0);
    for ((name, scenario), promises) in SCENARIOS.iter().flat_map(|&s| PROMISES.map(|promises| (s, promises)))
    {
        let operations = {
            let fs = Simulated::new().promising(promises);
            scenario(&fs, &mut Log::default()).unwrap();
            fs.operations()
        };
        for fault in [Fault::Full, Fault::Device, Fault::Interrupted, Fault::Short, Fault::Sync] {
            for for_good in [false, true] {
                for at in 0..operations {
                    let fs = Simulated::with(Event::Fail(fault, for_good), at).promising(promises);
                    let mut log = Log::default();
                    let result = scenario(&fs, &mut log);
                    if fault == Fault::Short {
                        assert!(result.is_ok(), "short writes are gone on with");
                    }
                    faults += 1;
                    failed += usize::from(result.is_err());
                    let context =
                        || format!("{name}, {fault:?} at operation {at}, for good: {for_good}, {promises:?}");
                    fs.heal();
                    for survivors in [0, 1, 2] {
                        check(
                            &fs.after_crash(|i| survivors == 1 || survivors == 2 && i % 2 == 0),
                            &log,
                            &context,
                        );
                        states += 1;
                    }
                    check(&fs, &log, &context);
                    states += 1;
                }
            }
        }
    }
    println!("faults: {faults} injected, {failed} surfaced as errors, {states} states checked");
}

#[test]
fn what_a_killed_process_left_is_durable_before_anything_goes_for_it() {
    for promises in PROMISES {
        for at in 0.. {
            let fs = Simulated::with(Event::Crash, at).promising(promises);
            let mut log = Log::default();
            let finished = open(&fs).and_then(|mut store| {
                (1..=3).try_for_each(|step| save(&mut store, step, step, &mut log).map(drop))
            });
            fs.process_dies();
            let newest = |fs: &Simulated| {
                let found = Folder::new_in(DIR, Arc::new(fs.clone())).latest().unwrap().0;
                found.as_ref().map(value_of)
            };
            let found = newest(&fs);
            let mut store = open(&fs).unwrap();
            store.retain(KeepLast(1));
            let removed = store.collect().unwrap().removed;
            let promised = if removed.is_empty() { log.durable } else { found };
            for survives in choices(fs.pending()) {
                let left = newest(&fs.after_crash(survives));
                assert!(left >= promised, "{left:?} of {promised:?}: {promises:?}, killed at operation {at}");
            }
            if finished.is_ok() {
                break;
            }
        }
    }
}

#[test]
fn a_failed_save_is_an_error_that_deletes_nothing_and_the_store_goes_on() {
    for fault in [Fault::Full, Fault::Device, Fault::Sync] {
        let log = &mut Log::default();
        let before = |log: &mut Log| {
            let fs = Simulated::new();
            let mut store = open(&fs).unwrap();
            (1..=2).for_each(|step| _ = save(&mut store, step, step, log).unwrap());
            store.retain(KeepLast(1));
            (fs, store)
        };
        let (fs, mut store) = before(log);
        let operations = fs.operations();
        save(&mut store, 3, 3, log).unwrap();
        let per_save = fs.operations() - operations;
        let mut failures = 0;
        for at in 0..per_save {
            let (fs, mut store) = before(log);
            fs.fail_at(fs.operations() + at, fault);
            let failed = save(&mut store, 3, 3, log).is_err();
            fs.heal();
            if failed {
                failures += 1;
                let steps: Vec<u64> = store.list().unwrap().entries.iter().map(|e| e.key.step).collect();
                assert!(steps.starts_with(&[1, 2]), "{fault:?} at {at}: {steps:?}");
            }
            save(&mut store, 4, 4, log).unwrap();
            assert_eq!(store.latest().unwrap().0.as_ref().map(value_of), Some(4), "{fault:?} at {at}");
        }
        // A disk that is full for a moment has room again when retention has made some.
        assert_eq!(failures > 0, fault != Fault::Full, "{fault:?}");
    }
}

#[test]
fn a_full_disk_is_noticed_before_anything_is_written_and_retention_makes_room() {
    let size = {
        let fs = Simulated::new();
        save(&mut open(&fs).unwrap(), 1, 1, &mut Log::default()).unwrap();
        open(&fs).unwrap().list().unwrap().entries[0].bytes
    };
    let fs = Simulated::with_capacity(size * 5 / 2);
    let mut log = Log::default();
    let mut store = open(&fs).unwrap();
    for step in [1, 2] {
        save(&mut store, step, step, &mut log).unwrap();
    }
    let operations = fs.operations();
    let error = save(&mut store, 3, 3, &mut log).unwrap_err();
    assert!(
        matches!(error, Error::NoSpace { needed, available, .. } if needed == size && available == size / 2),
        "{error}"
    );
    assert!(fs.operations() - operations < 20, "no write was tried");
    assert_eq!(store.available().unwrap(), size / 2);
    store.retain(KeepLast(1));
    // What went in vain is told.
    let numbers = [content(4), content(5)].concat();
    let arrays = [Array::f64("w", &[400], &numbers)];
    let error = store.save(&Snapshot { step: 4, arrays: &arrays, ..Snapshot::default() }).unwrap_err();
    let text = error.to_string();
    assert!(
        error.is_full() && text.ends_with("retention deleted 1 checkpoint: step-00000001.safetensors"),
        "{text}"
    );
    let numbers = content(4);
    let saved = store
        .save(&Snapshot {
            step: 4,
            arrays: &[Array::f64("w", &[200], &numbers)],
            sections: &[Section::required("value", 1, &4_u64).unwrap()],
            ..Snapshot::default()
        })
        .unwrap();
    let removed: Vec<_> =
        saved.removed.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(removed, ["step-00000002.safetensors"]);
    assert_eq!(store.list().unwrap().entries.len(), 1);
}
