//! Saving in the background: what waits, what gives way, and where errors go.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use highwater_checkpoint::{
    Array, Checkpoint, Entry, Error, Folder, Role, Saved, Saver, Section, Snapshot, Store,
};

use crate::simulated::{Fault, Simulated};

const DIR: &str = "run/checkpoints";
const BEST: &str = "run/best.safetensors";

fn start(fs: &Simulated) -> Saver {
    Saver::new(Store::open_in(DIR, Arc::new(fs.clone())).unwrap(), Some(BEST.into()))
}

fn save(saver: &mut Saver, step: u64, role: Role) -> Result<Vec<Saved>, Error> {
    let w = [step as f32; 3];
    let section = Section::optional("step", 1, &step).unwrap();
    saver.save(
        &Snapshot {
            step,
            arrays: &[Array::f32("w", &[3], &w)],
            sections: &[section],
            labels: &[("k", "v")],
            ..Snapshot::default()
        },
        role,
    )
}

fn steps(fs: &Simulated) -> Vec<u64> {
    let folder = Folder::new_in(DIR, Arc::new(fs.clone()));
    let entries = folder.list().unwrap().entries;
    for entry in &entries {
        let checkpoint = folder.open(entry.key).unwrap();
        assert_eq!(*checkpoint.array("w").unwrap().as_f32().unwrap(), [entry.key.step as f32; 3]);
        assert_eq!(checkpoint.section::<u64>("step", 1).unwrap(), entry.key.step);
        assert_eq!(checkpoint.facts().labels["k"], "v");
    }
    entries.iter().map(|entry| entry.key.step).collect()
}

fn steps_if_healed(fs: &Simulated) -> Vec<u64> {
    fs.heal();
    steps(fs)
}

fn best(fs: &Simulated) -> Option<u64> {
    Checkpoint::open_in(fs, BEST.as_ref()).ok().map(|checkpoint| checkpoint.facts().step)
}

#[test]
fn while_one_is_written_the_newest_waits_and_the_best_and_the_last_do_not_give_way() {
    use Role::{Best, Last, LastAndBest, Routine};
    // The roles of steps 2, 3, … while step 1 is being written; what is on disk in the end; which is best.
    let cases: [(&[Role], &[u64], Option<u64>); 8] = [
        (&[], &[1], None),
        (&[Routine, Routine, Routine], &[1, 4], None),
        (&[Routine, Best], &[1, 3], Some(3)),
        (&[Best, Routine], &[1, 2], Some(2)),
        (&[Best, Best, Best], &[1, 4], Some(4)),
        (&[Best, Routine, LastAndBest], &[1, 4], Some(4)),
        (&[Routine, Last], &[1, 3], None),
        (&[Last, Routine, Routine], &[1, 2], None),
    ];
    for (roles, expected, expected_best) in cases {
        let fs = Simulated::new();
        let mut saver = start(&fs);
        fs.hold_renames(true);
        save(&mut saver, 1, Routine).unwrap();
        fs.wait_for_a_held_rename();
        for (step, &role) in (2..).zip(roles) {
            assert!(save(&mut saver, step, role).unwrap().is_empty());
        }
        fs.hold_renames(false);
        let saved: Vec<u64> = saver.flush().unwrap().iter().map(|saved| saved.key.step).collect();
        assert_eq!((saved.as_slice(), best(&fs)), (expected, expected_best), "{roles:?}");
        assert_eq!(steps(&fs), expected, "{roles:?}");
        assert_eq!(saver.superseded() as usize, roles.len() + 1 - expected.len());
    }
}

#[test]
fn what_may_not_give_way_is_waited_for() {
    for (waiting, newer) in [(Role::Best, Role::Last), (Role::Last, Role::Best), (Role::Last, Role::Last)] {
        let fs = Simulated::new();
        let mut saver = start(&fs);
        fs.hold_renames(true);
        save(&mut saver, 1, Role::Routine).unwrap();
        fs.wait_for_a_held_rename();
        save(&mut saver, 2, waiting).unwrap();
        std::thread::scope(|scope| {
            let third = scope.spawn(|| save(&mut saver, 3, newer).unwrap());
            fs.hold_renames(false);
            third.join().unwrap();
        });
        saver.close().unwrap();
        assert_eq!(steps(&fs), [1, 2, 3], "{waiting:?}, then {newer:?}");
    }
}

#[test]
fn an_error_reaches_the_next_call_and_the_next_snapshot_is_saved() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    save(&mut saver, 1, Role::Routine).unwrap();
    saver.flush().unwrap();
    fs.fail_at(fs.operations() + 3, Fault::Device);
    save(&mut saver, 2, Role::Routine).unwrap();
    let error = saver.flush().unwrap_err();
    assert!(error.to_string().contains("step-00000002"), "{error}");
    // An error is returned once; what failed is tried again by each call, and this time the disk works.
    saver.flush().unwrap();
    save(&mut saver, 3, Role::Last).unwrap();
    saver.close().unwrap();
    assert_eq!(steps(&fs), [1, 2, 3]);
}

#[test]
fn while_the_disk_fails_the_newest_and_the_best_are_kept_and_nobody_waits() {
    use Role::{Best, Last, LastAndBest, Routine};
    // The roles of steps 2, 3, … on a disk that is full; what is written once it is not; which is best.
    let cases: [(&[Role], &[u64], Option<u64>); 9] = [
        (&[Routine], &[2], None),
        (&[Routine, Routine, Routine], &[4], None),
        (&[Last, Last], &[3], None),
        (&[Best, Routine, Routine], &[2, 4], Some(2)),
        (&[Routine, Best, Routine, Last], &[3, 5], Some(3)),
        (&[Best, Routine, Best], &[4], Some(4)),
        (&[Best, Routine, Best, Routine], &[4, 5], Some(4)),
        (&[Best, Last, LastAndBest], &[4], Some(4)),
        (&[LastAndBest, Last, Routine], &[2, 4], Some(2)),
    ];
    for (roles, expected, expected_best) in cases {
        // Whether every attempt has failed before the next snapshot comes, or they come all at once.
        for patient in [true, false] {
            let fs = Simulated::new();
            let mut saver = start(&fs);
            save(&mut saver, 1, Routine).unwrap();
            saver.flush().unwrap();
            fs.fail_from(fs.operations(), Fault::Device);
            for (step, &role) in (2..).zip(roles) {
                _ = save(&mut saver, step, role);
                assert_eq!(saver.accepted(), Some(step));
                if patient || step == 2 {
                    saver.flush().unwrap_err();
                }
            }
            saver.flush().unwrap_err();
            assert!(!saver.rests(), "what failed is to be tried again soon");
            assert_eq!((steps_if_healed(&fs), best(&fs)), (vec![1], None), "{roles:?}");
            saver.flush().unwrap();
            let mut all = vec![1];
            all.extend(expected);
            assert_eq!((steps(&fs), best(&fs)), (all, expected_best), "{roles:?}, patient: {patient}");
            assert_eq!(saver.superseded() as usize, roles.len() - expected.len(), "{roles:?}");
            save(&mut saver, 9, Last).unwrap();
            saver.close().unwrap();
            assert_eq!(steps(&fs).last(), Some(&9));
        }
    }
}

#[test]
fn the_writer_rests_after_a_write_and_newer_snapshots_take_the_place_of_older_ones_unless_it_is_urgent() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    for step in 1..=100 {
        save(&mut saver, step, Role::Best).unwrap();
    }
    // At least 20 ms lie between two writes; copying a hundred small snapshots takes less than a second.
    saver.flush().unwrap();
    assert!(saver.superseded() > 0);
    assert_eq!((steps(&fs).last(), best(&fs)), (Some(&100), Some(100)));
    // Whoever may not be passed over does not let the writer rest: this would take 2 s otherwise.
    let superseded = saver.superseded();
    for step in 101..=200 {
        save(&mut saver, step, Role::Last).unwrap();
    }
    saver.close().unwrap();
    assert!(superseded == 100 - (steps(&fs).len() as u64 - 100) && steps(&fs).ends_with(&[199, 200]));
}

#[test]
fn a_routine_snapshot_waits_until_the_writer_has_rested() {
    for _ in 0..100 {
        let fs = Simulated::new();
        let mut saver = start(&fs);
        assert!(!saver.rests());
        let began = Instant::now();
        save(&mut saver, 1, Role::Routine).unwrap();
        while saver.news().unwrap().is_empty() {}
        save(&mut saver, 2, Role::Routine).unwrap();
        std::thread::sleep(Duration::from_millis(5));
        let found = (saver.rests(), steps(&fs));
        // On a machine that is busy, the rest may be over before one can look.
        if began.elapsed() < Duration::from_millis(20) {
            assert_eq!(found, (true, vec![1]));
            // Then it is written, though nobody asks again.
            while saver.news().unwrap().is_empty() {
                assert!(began.elapsed() < Duration::from_secs(60));
            }
            return;
        }
    }
}

#[test]
fn news_come_without_waiting_and_tell_how_long_a_save_took() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    fs.hold_renames(true);
    save(&mut saver, 1, Role::Routine).unwrap();
    fs.wait_for_a_held_rename();
    assert!(saver.news().unwrap().is_empty());
    fs.hold_renames(false);
    let saved = loop {
        if let Some(saved) = saver.news().unwrap().pop() {
            break saved;
        }
    };
    assert_eq!(saved.key.step, 1);
    assert!(saved.took > Duration::ZERO);
}

#[test]
fn closing_returns_the_last_error() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    fs.fail_at(fs.operations() + 3, Fault::Full);
    save(&mut saver, 1, Role::Last).unwrap();
    assert!(saver.close().is_err());
    assert!(Store::open_in(DIR, Arc::new(fs)).is_ok(), "the lock is free");
}

#[test]
fn a_panic_of_the_writer_goes_on_where_its_writes_are_waited_for() {
    let mut store = Store::open_in(DIR, Arc::new(Simulated::new())).unwrap();
    store.retain(|_: &[Entry]| -> Vec<bool> { panic!("by a retention of one's own") });
    let (done, waited) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut saver = Saver::new(store, None);
        save(&mut saver, 1, Role::Routine).unwrap();
        let result = std::panic::catch_unwind(AssertUnwindSafe(|| saver.flush().map(drop)));
        done.send(result.is_err()).unwrap();
    });
    assert_eq!(waited.recv_timeout(Duration::from_secs(60)), Ok(true));
}

#[test]
fn dropping_a_saver_waits_for_its_writes() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    save(&mut saver, 1, Role::Routine).unwrap();
    save(&mut saver, 2, Role::Best).unwrap();
    drop(saver);
    assert!(steps(&fs).ends_with(&[2]));
    assert_eq!(best(&fs), Some(2));
}

#[test]
fn a_snapshot_that_cannot_be_stored_is_refused_at_once() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    let arrays = [Array::f32("w", &[2], &[1.0])];
    let error = saver.save(&Snapshot { arrays: &arrays, ..Snapshot::default() }, Role::Routine).unwrap_err();
    assert!(matches!(error, Error::Unstorable { .. }));
    saver.close().unwrap();
    assert!(steps(&fs).is_empty());
}

#[test]
fn a_snapshot_may_have_other_arrays_than_the_one_before() {
    let fs = Simulated::new();
    let mut saver = start(&fs);
    let shapes: [&[(&str, usize)]; 5] =
        [&[("a", 2)], &[("a", 3), ("b", 1)], &[], &[("b", 3), ("c", 1)], &[("b", 3)]];
    for (step, shapes) in (0..).zip(shapes) {
        let values: Vec<Vec<f64>> = shapes.iter().map(|&(_, n)| vec![step as f64; n]).collect();
        let arrays: Vec<Array<'_>> =
            shapes.iter().zip(&values).map(|(&(name, n), values)| Array::f64(name, &[n], values)).collect();
        saver.save(&Snapshot { step, arrays: &arrays, ..Snapshot::default() }, Role::Last).unwrap();
    }
    let (store, _) = saver.close().unwrap();
    for (entry, shapes) in store.list().unwrap().entries.iter().zip(shapes) {
        let checkpoint = store.folder().open(entry.key).unwrap();
        assert_eq!(checkpoint.arrays().count(), shapes.len());
        for &(name, n) in shapes {
            assert_eq!(*checkpoint.array(name).unwrap().as_f64().unwrap(), vec![entry.key.step as f64; n]);
        }
    }
}
