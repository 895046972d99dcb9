//! The store on a real disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use highwater_checkpoint::{
    Array, Checkpoint, Collected, Entry, Error, Fate, FileSystem, Folder, Goal, KeepBest, KeepEvery,
    KeepLast, Key, Part, Retention, Saved, Snapshot, Store,
};

use crate::simulated::{Fault, Simulated};

fn save(store: &mut Store, step: u64, value: f32) -> Saved {
    let w = [value];
    let snapshot = Snapshot {
        step,
        score: Some(f64::from(value)),
        arrays: &[Array::f32("w", &[1], &w)],
        ..Snapshot::default()
    };
    store.save(&snapshot).unwrap()
}

fn value(checkpoint: &Checkpoint) -> f32 {
    checkpoint.array("w").unwrap().as_f32().unwrap()[0]
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let (info, n) = {
        let (n, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        (metadata.info("w").unwrap().data_offsets.0, n)
    };
    bytes[8 + n + info] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn the_newest_sound_checkpoint_is_found_and_the_refused_ones_are_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let paths: Vec<PathBuf> = (1..=4).map(|step| save(&mut store, step, step as f32).path).collect();
    damage(&paths[3]);
    fs::write(&paths[2], "half a fi").unwrap();
    let (found, report) = store.latest().unwrap();
    assert_eq!(value(&found.unwrap()), 2.0);
    assert_eq!(report.chosen.as_ref(), Some(&paths[1]));
    assert_eq!(report.rejected.iter().map(|r| &r.path).collect::<Vec<_>>(), [&paths[3], &paths[2]]);
    let Error::Damaged { damage, .. } = &report.rejected[0].error else { panic!() };
    assert_eq!(damage[0].part, Part::Tensor("w".to_owned()));
    assert_eq!(damage[0].range.end - damage[0].range.start, 4);
    let text = report.to_string();
    assert!(text.contains("tensor `w` (bytes ") && text.contains("step-00000002"), "{text}");
}

#[test]
fn no_sound_checkpoint_is_an_error_and_no_checkpoint_is_a_fresh_start() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path().join("new/folder")).unwrap();
    let (found, report) = store.latest().unwrap();
    assert!(found.is_none() && report.rejected.is_empty());
    damage(&save(&mut store, 1, 1.0).path);
    fs::write(store.folder().path_of(Key { branch: 0, step: 2 }), "").unwrap();
    let error = store.latest().unwrap_err();
    assert!(matches!(&error, Error::NoneSound { report, .. } if report.rejected.len() == 2), "{error}");
    let (found, report) = Folder::new(dir.path().join("elsewhere")).latest().unwrap();
    assert!(found.is_none());
    assert_eq!(report.to_string(), "no checkpoint is there");
}

#[test]
fn a_folder_that_cannot_be_listed_is_not_taken_for_an_empty_one() {
    let fs = Simulated::new();
    let mut store = Store::open_in("run/checkpoints", Arc::new(fs.clone())).unwrap();
    save(&mut store, 1, 1.0);
    fs.fail_from(fs.operations(), Fault::Device);
    assert!(matches!(store.folder().latest(), Err(Error::Io { .. })));
    assert!(matches!(store.folder().list(), Err(Error::Io { .. })));
}

#[test]
fn a_checkpoint_under_the_name_of_another_step_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let saved = save(&mut store, 1, 1.0);
    fs::copy(&saved.path, store.folder().path_of(Key { branch: 0, step: 9 })).unwrap();
    let (found, report) = store.latest().unwrap();
    assert_eq!(found.unwrap().facts().step, 1);
    assert!(report.rejected[0].error.to_string().contains("holds step 1"));
    assert_eq!(store.list().unwrap().unreadable.len(), 1);
}

#[test]
fn a_second_writer_is_told_who_is_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    save(&mut store, 1, 1.0);
    let error = Store::open(dir.path()).err().unwrap();
    let holder = format!("process {}", std::process::id());
    assert!(matches!(&error, Error::Locked { holder: found, .. } if found.starts_with(&holder)), "{error}");
    assert_eq!(Folder::new(dir.path()).latest().unwrap().0.unwrap().facts().step, 1, "readers need no lock");
    // One that is just ending is waited for.
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            drop(store);
        });
        assert!(Store::open(dir.path()).is_ok());
    });
}

#[cfg(unix)]
#[test]
fn a_lock_whose_file_was_removed_is_taken_again_unless_somebody_else_was_first() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("checkpoints");
    let lock = dir.join(".lock");
    let again = |store: &mut Store| {
        let w = [9.0];
        store.save(&Snapshot { step: 9, arrays: &[Array::f32("w", &[1], &w)], ..Snapshot::default() })
    };
    let mut first = Store::open(&dir).unwrap();
    let key = save(&mut first, 1, 1.0).key;
    fs::remove_file(&lock).unwrap();
    save(&mut first, 2, 2.0);
    assert!(matches!(Store::open(&dir), Err(Error::Locked { .. })));

    fs::remove_file(&lock).unwrap();
    let mut second = Store::open(&dir).unwrap();
    save(&mut second, 3, 3.0);
    let before = names(&dir);
    for second in [Some(second), None] {
        assert!(matches!(again(&mut first), Err(Error::LockLost { .. })));
        assert!(matches!(first.publish(key, root.path().join("best")), Err(Error::LockLost { .. })));
        assert_eq!(names(&dir), before, "the other one is there: {}", second.is_some());
    }

    let mut third = Store::open(&dir).unwrap();
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&dir, &elsewhere).unwrap();
    assert!(matches!(again(&mut third), Err(Error::Gone { .. })));
    assert!(!dir.exists());
    fs::rename(&elsewhere, &dir).unwrap();
    again(&mut third).unwrap();
}

#[test]
fn what_a_dead_writer_left_half_written_goes_and_other_files_stay() {
    let dir = tempfile::tempdir().unwrap();
    for name in [".step-00000001.safetensors.77-0.tmp", "notes.tmp", ".other.tmp", "best.safetensors"] {
        fs::write(dir.path().join(name), "x").unwrap();
    }
    let _store = Store::open(dir.path()).unwrap();
    assert_eq!(names(dir.path()), [".other.tmp", "best.safetensors", "notes.tmp"]);
}

#[test]
fn retention_deletes_after_the_save_and_says_what() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(KeepLast(2).or(KeepBest(1, Goal::Minimize)));
    let losses = [3.0, 1.0, 2.0, 4.0, 5.0];
    let removed: Vec<usize> =
        (1..).zip(losses).map(|(step, v)| save(&mut store, step, v).removed.len()).collect();
    assert_eq!(removed, [0, 0, 1, 0, 1]);
    assert_eq!(
        names(dir.path()),
        ["step-00000002.safetensors", "step-00000004.safetensors", "step-00000005.safetensors"]
    );
}

#[test]
fn the_newest_sound_checkpoint_never_goes() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(|listing: &[Entry]| vec![false; listing.len()]);
    save(&mut store, 1, 1.0);
    save(&mut store, 2, 2.0);
    assert_eq!(names(dir.path()), ["step-00000002.safetensors"]);
    // Nor in a store that has just been opened, if an older one stays.
    store.retain(KeepLast(9));
    save(&mut store, 3, 3.0);
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(KeepBest(1, Goal::Minimize));
    assert_eq!(store.collect().unwrap().removed, Vec::<PathBuf>::new());
}

#[test]
fn a_store_that_knows_nothing_yet_verifies_before_it_deletes() {
    // Which of three checkpoints are damaged, and what becomes of them under `KeepLast(1)`.
    let cases = [
        ([false, false, false], [Fate::Removed, Fate::Removed, Fate::Kept]),
        ([false, false, true], [Fate::Removed, Fate::Needed, Fate::Kept]),
        ([false, true, true], [Fate::Needed, Fate::Removed, Fate::Kept]),
        ([true, true, true], [Fate::Needed, Fate::Needed, Fate::Kept]),
    ];
    for (damaged, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let paths: Vec<PathBuf> = (1..=3).map(|step| save(&mut store, step, 1.0).path).collect();
        paths.iter().zip(damaged).filter(|(_, damaged)| *damaged).for_each(|(path, _)| damage(path));
        drop(store);
        let mut store = Store::open(dir.path()).unwrap();
        store.retain(KeepLast(1));
        let plan = store.explain().unwrap().0;
        let fates: Vec<Fate> = plan.iter().map(|explained| explained.fate).collect();
        assert_eq!(fates, expected, "{damaged:?}");
        let needed = plan.iter().filter(|explained| explained.fate == Fate::Needed);
        assert!(needed.map(|e| &e.why).all(|why| why == "no newer one is known to be sound"), "{damaged:?}");
        let removed = store.collect().unwrap().removed;
        let expected = paths.iter().zip(expected).filter(|(_, fate)| *fate == Fate::Removed);
        assert_eq!(removed, expected.map(|(path, _)| path.clone()).collect::<Vec<_>>(), "{damaged:?}");
    }
}

#[test]
fn what_is_deleted_is_what_was_decided_in_one_look() {
    let fs = Simulated::new();
    let mut store = Store::open_in("run/checkpoints", Arc::new(fs.clone())).unwrap();
    (1..=3).for_each(|step| _ = save(&mut store, step, 1.0));
    store.retain(KeepLast(1));
    let before = fs.listings();
    let Collected { plan, removed, .. } = store.collect().unwrap();
    assert_eq!(fs.listings() - before, 1);
    let going = plan.iter().filter(|explained| explained.fate == Fate::Removed);
    assert_eq!(removed, going.map(|explained| explained.entry.path.clone()).collect::<Vec<_>>());
    assert_eq!((plan.len(), removed.len()), (3, 2));
}

#[test]
fn pinned_checkpoints_stay_until_they_are_unpinned() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(KeepLast(1));
    let first = save(&mut store, 1, 1.0).key;
    store.folder().pin(first).unwrap();
    store.folder().pin(first).unwrap();
    save(&mut store, 2, 2.0);
    let (plan, _) = store.explain().unwrap();
    assert_eq!(plan.iter().map(|e| e.fate).collect::<Vec<_>>(), [Fate::Pinned, Fate::Kept]);
    assert!(plan[0].entry.pinned && !plan[1].entry.pinned);
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(KeepLast(1));
    store.collect().unwrap();
    assert_eq!(store.list().unwrap().entries.len(), 2);
    store.folder().unpin(first).unwrap();
    store.folder().unpin(first).unwrap();
    store.collect().unwrap();
    assert_eq!(names(dir.path()), ["step-00000002.safetensors"]);
    assert!(store.folder().pin(Key { branch: 0, step: 7 }).is_err());
}

#[test]
fn a_pin_that_cannot_be_removed_is_an_error() {
    let fs = Simulated::new();
    let mut store = Store::open_in("run/checkpoints", Arc::new(fs.clone())).unwrap();
    let (key, folder) = (save(&mut store, 1, 1.0).key, store.folder());
    folder.pin(key).unwrap();
    fs.fail_at(fs.operations(), Fault::Device);
    assert!(folder.unpin(key).is_err());
    assert!(folder.list().unwrap().entries[0].pinned);
}

#[test]
fn what_is_pinned_between_a_look_and_the_deletion_stays() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    (1..=3).for_each(|step| _ = save(&mut store, step, step as f32));
    let other = Folder::new(dir.path());
    store.retain(move |listing: &[Entry]| {
        other.pin(listing[0].key).unwrap();
        KeepLast(1).keep(listing)
    });
    let removed = store.collect().unwrap().removed;
    assert_eq!(removed, [dir.path().join("step-00000002.safetensors")]);
    assert!(store.list().unwrap().entries[0].pinned);
}

#[test]
fn a_save_looks_into_the_folder_only_if_something_is_to_go_and_then_sees_what_others_did() {
    let fs = Simulated::new();
    let mut store = Store::open_in("run/checkpoints", Arc::new(fs.clone())).unwrap();
    store.retain(KeepLast(1).or(KeepBest(1, Goal::Minimize)).or(KeepEvery(2)));
    let steps = |store: &Store| store.list().unwrap().entries.iter().map(|e| e.key.step).collect::<Vec<_>>();
    save(&mut store, 2, 0.0);
    let before = fs.listings();
    for step in 2..20 {
        save(&mut store, 2 * step, step as f32);
    }
    assert_eq!((fs.listings(), steps(&store).len()), (before, 19));
    // Saved again: what the store knew of it counts no more.
    let first = save(&mut store, 2, 50.0).key;
    assert_eq!(steps(&store).len(), 19);
    // Somebody deletes one that the store knows as the best, and pins another one.
    let other = Folder::new_in("run/checkpoints", Arc::new(fs.clone()));
    fs.remove_file(&other.path_of(Key { branch: 0, step: 4 })).unwrap();
    save(&mut store, 41, 90.0);
    other.pin(Key { branch: 0, step: 41 }).unwrap();
    store.retain(KeepLast(1).or(KeepBest(1, Goal::Minimize)));
    let removed = save(&mut store, 42, 91.0).removed;
    assert_eq!(steps(&store), [6, 41, 42]);
    assert_eq!(removed.len(), 17);
    assert!(removed.contains(&other.path_of(first)));
}

#[test]
fn the_published_best_is_complete_and_outlives_its_checkpoint() {
    let run = tempfile::tempdir().unwrap();
    let best = run.path().join("best.safetensors");
    let mut store = Store::open(run.path().join("checkpoints")).unwrap();
    store.retain(KeepLast(1));
    let first = save(&mut store, 1, 1.0).key;
    fs::write(run.path().join(".best.safetensors.1-1.tmp"), "left behind").unwrap();
    store.publish(first, &best).unwrap();
    store.publish(first, &best).unwrap();
    assert_eq!(names(run.path()), ["best.safetensors", "checkpoints"]);
    save(&mut store, 2, 2.0);
    assert_eq!(value(&Checkpoint::open(&best).unwrap()), 1.0);
    let second = Key { branch: 0, step: 2 };
    store.publish(second, &best).unwrap();
    assert_eq!(value(&Checkpoint::open(&best).unwrap()), 2.0);
    // A checkpoint is replaced by a new file: the published name keeps the old one.
    save(&mut store, 2, 3.0);
    assert_eq!(value(&Checkpoint::open(&best).unwrap()), 2.0);
}

#[test]
fn a_best_of_several_pieces_is_copied_whole_where_there_are_no_links() {
    let fs = Simulated::new();
    fs.without_links();
    let numbers: Vec<f64> = (0..300_000).map(f64::from).collect();
    let arrays = [Array::f64("w", &[numbers.len()], &numbers)];
    let mut store = Store::open_in("run/checkpoints", Arc::new(fs.clone())).unwrap();
    store.save_and_publish(&Snapshot { arrays: &arrays, ..Snapshot::default() }, "run/best").unwrap();
    let best = Checkpoint::open_in(&fs, Path::new("run/best")).unwrap();
    assert_eq!(*best.array("w").unwrap().as_f64().unwrap(), numbers);
}

#[test]
fn a_damaged_checkpoint_is_not_published() {
    let run = tempfile::tempdir().unwrap();
    let best = run.path().join("best.safetensors");
    let mut store = Store::open(run.path().join("checkpoints")).unwrap();
    let saved = save(&mut store, 1, 1.0);
    drop(store);
    damage(&saved.path);
    let mut store = Store::open(run.path().join("checkpoints")).unwrap();
    assert!(matches!(store.publish(saved.key, &best), Err(Error::Damaged { .. })));
    assert!(!best.exists());
}

#[test]
fn going_on_from_the_newest_state_stays_on_its_branch_and_replaces_what_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for step in [1, 2] {
        save(&mut store, step, step as f32);
    }
    let good = fs::read(store.folder().path_of(Key { branch: 0, step: 2 })).unwrap();
    damage(&store.folder().path_of(Key { branch: 0, step: 2 }));
    drop(store);

    let mut store = Store::open(dir.path()).unwrap();
    let checkpoint = store.latest().unwrap().0.unwrap();
    assert_eq!(store.continue_from(&checkpoint).unwrap(), 0);
    let saved = save(&mut store, 2, 2.0);
    assert_eq!(fs::read(saved.path).unwrap(), good, "the same state is the same file");
    assert_eq!(names(dir.path()), ["step-00000001.safetensors", "step-00000002.safetensors"]);
}

#[test]
fn what_is_newer_and_cannot_be_read_or_is_of_a_later_version_is_left_alone_by_a_new_branch() {
    let of_a_later_version = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        let (len, own) = (bytes.len(), 72 + 16);
        bytes[len - own + 8] = 99;
        let hash = twox_hash::XxHash3_128::oneshot(&bytes[len - own..len - 16]);
        bytes[len - 16..].copy_from_slice(&hash.to_be_bytes());
        fs::write(path, bytes).unwrap();
        assert!(matches!(Checkpoint::open(path), Err(Error::FormatVersion { version: 99, .. })));
    };
    let unreadable = |path: &Path| {
        fs::remove_file(path).unwrap();
        fs::create_dir(path).unwrap();
    };
    for spoil in [&of_a_later_version as &dyn Fn(&Path), &unreadable] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let paths: Vec<PathBuf> = (1..=3).map(|step| save(&mut store, step, step as f32).path).collect();
        spoil(&paths[2]);
        drop(store);
        let mut store = Store::open(dir.path()).unwrap();
        let found = store.latest().unwrap().0.unwrap();
        assert_eq!(store.continue_from(&found).unwrap(), 1);
        store.retain(KeepLast(1));
        for step in [3, 4] {
            save(&mut store, step, 5.0);
        }
        assert!(paths[2].exists());
        let newest = store.latest().unwrap().0.unwrap();
        assert_eq!(newest.facts().parent.as_deref(), Some("step-00000002.safetensors"));
    }
}

#[test]
fn damaged_files_that_a_run_has_passed_go_and_those_of_others_stay() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let paths: Vec<PathBuf> = (1..=4).map(|step| save(&mut store, step, step as f32).path).collect();
    damage(&paths[0]);
    damage(&paths[2]);
    fs::write(&paths[3], "half a fi").unwrap();
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    let checkpoint = store.latest().unwrap().0.unwrap();
    assert_eq!((checkpoint.facts().step, store.continue_from(&checkpoint).unwrap()), (2, 0));
    let steps = |saved: Saved| -> Vec<u64> {
        let key = |path: &PathBuf| Key::from_file_name(path.file_name()?.to_str()?);
        saved.removed.iter().filter_map(key).map(|key| key.step).collect()
    };
    // Step 3 is passed over; step 4 is saved anew.
    assert_eq!(steps(save(&mut store, 4, 4.0)), [3]);
    assert_eq!(steps(save(&mut store, 5, 5.0)), [0; 0]);
    let (listing, kept) =
        (store.list().unwrap(), |listing: &[Entry]| listing.iter().map(|e| e.key.step).collect::<Vec<_>>());
    assert_eq!(kept(&listing.entries), [1, 2, 4, 5]);
    assert!(paths[0].exists(), "nobody has continued from before it");
}

#[test]
fn a_damaged_file_that_somebody_pinned_stays_when_the_run_passes_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let paths: Vec<PathBuf> = (1..=3).map(|step| save(&mut store, step, step as f32).path).collect();
    paths[1..].iter().for_each(|path| damage(path));
    store.folder().pin(Key { branch: 0, step: 2 }).unwrap();
    let checkpoint = store.latest().unwrap().0.unwrap();
    assert_eq!(store.continue_from(&checkpoint).unwrap(), 0);
    assert_eq!(save(&mut store, 4, 4.0).removed, paths[2..]);
    assert!(paths[1].exists());
}

#[test]
fn going_on_from_an_older_state_is_a_branch_that_names_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let first = save(&mut store, 1, 1.0);
    for step in [2, 3] {
        save(&mut store, step, step as f32);
    }
    assert_eq!(store.continue_from(&Checkpoint::open(&first.path).unwrap()).unwrap(), 1);
    save(&mut store, 2, 20.0);
    let newest = store.latest().unwrap().0.unwrap();
    assert_eq!((value(&newest), newest.facts().parent.as_deref()), (20.0, Some("step-00000001.safetensors")));
    let old = store.folder().open(Key { branch: 0, step: 2 }).unwrap();
    assert_eq!(value(&old), 2.0);
    drop(store);

    let mut store = Store::open(dir.path()).unwrap();
    let newest = store.latest().unwrap().0.unwrap();
    assert_eq!(store.continue_from(&newest).unwrap(), 1);
    save(&mut store, 3, 30.0);
    let newest = store.latest().unwrap().0.unwrap();
    assert_eq!(
        newest.facts().parent.as_deref(),
        Some("step-00000001.safetensors"),
        "every save of a branch says so"
    );
    assert_eq!(
        names(dir.path()),
        [
            "step-00000001.safetensors",
            "step-00000002.b1.safetensors",
            "step-00000002.safetensors",
            "step-00000003.b1.safetensors",
            "step-00000003.safetensors",
        ]
    );
}

#[test]
fn retention_leaves_the_last_of_every_other_branch_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    for step in [1, 2, 3] {
        save(&mut store, step, step as f32);
    }
    let first = store.folder().open(Key { branch: 0, step: 1 }).unwrap();
    store.retain(KeepLast(1));
    store.continue_from(&first).unwrap();
    for step in [2, 3] {
        save(&mut store, step, step as f32);
    }
    assert_eq!(names(dir.path()), ["step-00000003.b1.safetensors", "step-00000003.safetensors"]);
    drop(store);
    // The same for somebody who only clears up.
    let mut store = Store::open(dir.path()).unwrap();
    store.retain(KeepLast(1));
    let plan: Vec<_> = store.explain().unwrap().0.into_iter().map(|e| (e.entry.key, e.fate, e.why)).collect();
    let expected = [
        (Key { branch: 0, step: 3 }, Fate::Needed, "the last of another branch".to_owned()),
        (Key { branch: 1, step: 3 }, Fate::Kept, "the newest".to_owned()),
    ];
    assert_eq!(plan, expected);
}

#[test]
fn of_another_branch_the_last_sound_one_stays_beside_a_damaged_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path()).unwrap();
    let paths: Vec<PathBuf> = (1..=4).map(|step| save(&mut store, step, step as f32).path).collect();
    let first = Checkpoint::open(&paths[0]).unwrap();
    damage(&paths[3]);
    drop(store);
    let mut store = Store::open(dir.path()).unwrap();
    store.continue_from(&first).unwrap();
    store.retain(KeepLast(1));
    for step in 2..6 {
        save(&mut store, step, 9.0);
    }
    let left = ["step-00000003.safetensors", "step-00000004.safetensors", "step-00000005.b1.safetensors"];
    assert_eq!(names(dir.path()), left);
}

#[test]
fn a_copied_folder_is_a_store_of_its_own() {
    let root = tempfile::tempdir().unwrap();
    let (original, copy) = (root.path().join("original"), root.path().join("copy"));
    let mut store = Store::open(&original).unwrap();
    let key = save(&mut store, 1, 1.0).key;
    store.folder().pin(key).unwrap();
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&original).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, copy.join(path.file_name().unwrap())).unwrap();
    }
    // Also while the original is locked.
    let mut copied = Store::open(&copy).unwrap();
    let checkpoint = copied.latest().unwrap().0.unwrap();
    assert_eq!(copied.continue_from(&checkpoint).unwrap(), 0);
    save(&mut copied, 2, 2.0);
    assert!(copied.list().unwrap().entries[0].pinned);
    assert_eq!((names(&original).len(), names(&copy).len()), (2, 3));
}

#[test]
fn a_published_checkpoint_is_recognised_and_one_from_elsewhere_begins_a_branch() {
    let run = tempfile::tempdir().unwrap();
    let best = run.path().join("best.safetensors");
    let mut store = Store::open(run.path().join("checkpoints")).unwrap();
    let saved = save(&mut store, 1, 1.0);
    store.publish(saved.key, &best).unwrap();
    assert_eq!(store.continue_from(&Checkpoint::open(&best).unwrap()).unwrap(), 0);
    let elsewhere = run.path().join("other.safetensors");
    highwater_checkpoint::write(&elsewhere, &Snapshot { step: 5, ..Snapshot::default() }).unwrap();
    assert_eq!(store.continue_from(&Checkpoint::open(&elsewhere).unwrap()).unwrap(), 1);
    save(&mut store, 6, 1.0);
    let (found, _) = store.latest().unwrap();
    assert_eq!(found.unwrap().facts().parent.as_deref(), Some("other.safetensors"));
}

#[test]
fn a_file_is_found_by_what_is_in_it_and_not_by_its_step() {
    let run = tempfile::tempdir().unwrap();
    let mut store = Store::open(run.path().join("checkpoints")).unwrap();
    let (first, second) = (save(&mut store, 1, 1.0), save(&mut store, 2, 2.0));
    let older = store.folder().open(first.key).unwrap();
    store.continue_from(&older).unwrap();
    let other = save(&mut store, 2, 3.0);
    let elsewhere = save(&mut Store::open(run.path().join("elsewhere")).unwrap(), 2, 4.0);
    let copy = run.path().join("copy");
    for (saved, expected) in [
        (&first, Some(first.key)),
        (&second, Some(second.key)),
        (&other, Some(other.key)),
        (&elsewhere, None),
    ] {
        fs::copy(&saved.path, &copy).unwrap();
        assert_eq!(store.folder().find(&copy).unwrap(), expected);
    }
}

#[cfg(unix)]
#[test]
fn what_is_deleted_before_it_can_be_opened_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::new(dir.path());
    // A link that leads nowhere has a name, and nothing behind it.
    std::os::unix::fs::symlink("nowhere", folder.path_of(Key { branch: 0, step: 2 })).unwrap();
    for expected in [None, Some(1)] {
        let (found, report) = folder.latest().unwrap();
        assert_eq!(found.map(|checkpoint| checkpoint.facts().step), expected);
        let listing = folder.list().unwrap();
        assert_eq!(listing.entries.iter().map(|entry| entry.key.step).next(), expected);
        assert_eq!((report.rejected.len(), listing.unreadable.len()), (0, 0));
        save(&mut Store::open(dir.path()).unwrap(), 1, 1.0);
    }
}

#[test]
fn a_new_run_in_a_used_folder_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    save(&mut Store::open(dir.path()).unwrap(), 1, 1.0);
    save(&mut Store::open(dir.path()).unwrap(), 1, 2.0);
    assert_eq!(names(dir.path()), ["step-00000001.b1.safetensors", "step-00000001.safetensors"]);
    assert_eq!(value(&Folder::new(dir.path()).latest().unwrap().0.unwrap()), 2.0);
}

#[test]
fn a_folder_that_was_moved_still_works() {
    let root = tempfile::tempdir().unwrap();
    let (old, new) = (root.path().join("old"), root.path().join("new"));
    let mut store = Store::open(old.join("checkpoints")).unwrap();
    let key = save(&mut store, 1, 1.0).key;
    store.folder().pin(key).unwrap();
    store.publish(key, old.join("best.safetensors")).unwrap();
    drop(store);
    fs::rename(&old, &new).unwrap();
    let mut store = Store::open(new.join("checkpoints")).unwrap();
    let checkpoint = store.latest().unwrap().0.unwrap();
    assert_eq!(store.continue_from(&checkpoint).unwrap(), 0);
    assert!(store.list().unwrap().entries[0].pinned);
    save(&mut store, 2, 2.0);
    assert!(Checkpoint::open(new.join("best.safetensors")).is_ok());
}

#[test]
fn everything_can_be_handed_to_another_thread() {
    fn check<T: Send + Sync>() {}
    check::<Store>();
    check::<Folder>();
    check::<Checkpoint>();
    check::<highwater_checkpoint::Saver>();
    check::<Error>();
}

#[test]
fn the_best_that_is_sound_is_published_whatever_was_published_before() {
    let dir = tempfile::tempdir().unwrap();
    let best = dir.path().join("best.safetensors");
    let mut store = Store::open(dir.path().join("checkpoints")).unwrap();
    let published = |store: &mut Store| {
        let facts = store.publish_best(Goal::Minimize, &best).unwrap();
        let found = Checkpoint::open(&best).ok().map(|checkpoint| value(&checkpoint));
        assert_eq!(facts.and_then(|facts| facts.score), found.map(f64::from));
        found
    };
    assert_eq!(published(&mut store), None);
    save(&mut store, 1, f32::NAN);
    assert_eq!(published(&mut store), None, "not a number is never the best");
    let first = save(&mut store, 2, 3.0);
    assert_eq!(published(&mut store), Some(3.0));
    let second = save(&mut store, 3, 2.0);
    save(&mut store, 4, 2.5);
    assert_eq!(published(&mut store), Some(2.0), "saved and not published");
    fs::remove_file(&second.path).unwrap();
    assert_eq!(published(&mut store), Some(2.0), "kept by its published name alone");
    fs::write(&best, "half a fi").unwrap();
    assert_eq!(published(&mut store), Some(2.5), "the best that is left");
    let lost = save(&mut store, 5, 1.0);
    damage(&lost.path);
    fs::remove_file(&best).unwrap();
    drop(store);
    let mut store = Store::open(dir.path().join("checkpoints")).unwrap();
    assert_eq!(published(&mut store), Some(2.5), "what is damaged is passed over");
    assert!(first.path.exists());
}

#[test]
fn checkpoints_are_ranked_by_another_score_than_they_were_saved_with() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path().join("checkpoints")).unwrap();
    store.retain(KeepLast(1).or(KeepBest(1, Goal::Maximize)));
    // By the label the second is the best, by the score the third.
    let mut save = |step: u64, score: f64, label: &str| {
        let labels = [("other", label)];
        store.save(&Snapshot { step, score: Some(score), labels: &labels, ..Snapshot::default() }).unwrap();
        if step == 2 {
            store.score_by(|facts| facts.labels.get("other")?.parse().ok());
        }
    };
    save(1, 0.1, "10");
    save(2, 0.2, "30");
    save(3, 0.3, "20");
    save(4, 0.0, "no number");
    let steps: Vec<u64> = store.list().unwrap().entries.iter().map(|entry| entry.key.step).collect();
    assert_eq!(steps, [2, 4]);
    let best = store.publish_best(Goal::Maximize, dir.path().join("best.safetensors")).unwrap().unwrap();
    assert_eq!((best.step, best.score), (2, Some(30.0)));
}
