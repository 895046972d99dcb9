//! What a program may do that others in the same process would notice.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::env;
use std::path::Path;

use highwater_checkpoint::{Array, Checkpoint, Folder, Role, Saver, Snapshot, Store};

/// The only test of its process, whose current folder it changes.
#[test]
fn relative_paths_are_those_of_the_folder_that_was_current_when_they_were_given() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    env::set_current_dir(&dir).unwrap();
    let run = env::current_dir().unwrap().join("run");
    let (store, folder) = (Store::open("run/checkpoints").unwrap(), Folder::new("run/./checkpoints"));
    let mut saver = Saver::new(store, Some("run/best.safetensors".into()));
    env::set_current_dir(&elsewhere).unwrap();

    let snapshot = Snapshot { step: 3, arrays: &[Array::f32("w", &[1], &[1.0])], ..Snapshot::default() };
    saver.save(&snapshot, Role::LastAndBest).unwrap();
    let (store, saved) = saver.close().unwrap();
    assert_eq!(
        std::fs::read_dir(&elsewhere).unwrap().count(),
        0,
        "nothing is written to the folder that is current now"
    );
    assert_eq!(folder.dir(), run.join("checkpoints"));
    assert_eq!(Checkpoint::open(&saved[0].path).unwrap().facts().step, 3);
    assert_eq!(Checkpoint::open(run.join("best.safetensors")).unwrap().facts().step, 3);
    assert_eq!(folder.latest().unwrap().1.chosen.as_ref(), Some(&saved[0].path));
    drop(store);

    env::set_current_dir(run.join("checkpoints")).unwrap();
    for here in ["", "."] {
        assert_eq!(Folder::new(here).list().unwrap().entries.len(), 1);
    }
    assert_eq!(Folder::new("/").dir(), Path::new("/"));
}
