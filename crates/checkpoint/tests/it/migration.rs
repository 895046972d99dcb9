//! Files of older schemas are rewritten, and lose nothing.

use std::time::Duration;

use highwater_checkpoint::{
    Array, Checkpoint, Error, Migration, NoPrevious, Schema, Section, Snapshot, Store, Upgraded, write,
};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct RateV1(f32);

#[derive(Serialize, Deserialize)]
struct RateV2 {
    rate: f32,
    warmup: u64,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
struct RateV3 {
    rate: f64,
    warmup: u64,
}

impl Schema for RateV1 {
    const NUMBER: u32 = 1;
    type Previous = NoPrevious;

    fn upgrade(previous: NoPrevious) -> Self {
        match previous {}
    }
}

impl Schema for RateV2 {
    const NUMBER: u32 = 2;
    type Previous = RateV1;

    fn upgrade(previous: RateV1) -> Self {
        RateV2 { rate: previous.0, warmup: 10 }
    }
}

impl Schema for RateV3 {
    const NUMBER: u32 = 3;
    type Previous = RateV2;

    fn upgrade(previous: RateV2) -> Self {
        RateV3 { rate: previous.rate.into(), warmup: previous.warmup }
    }
}

fn migration() -> Migration {
    Migration::new().section::<RateV3>("rate").section::<RateV3>("another")
}

#[test]
fn a_file_of_any_older_schema_becomes_one_of_the_newest_and_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    for (schema, section, warmup) in [
        (1, Section::required("rate", 1, &RateV1(0.5)).unwrap(), 10),
        (2, Section::required("rate", 2, &RateV2 { rate: 0.5, warmup: 3 }).unwrap(), 3),
        (3, Section::required("rate", 3, &RateV3 { rate: 0.5, warmup: 4 }).unwrap(), 4),
    ] {
        let mut store = Store::open(dir.path().join(schema.to_string())).unwrap();
        let weights = [1.0, f32::NAN, -0.0];
        let snapshot = |step| Snapshot { step, ..Snapshot::default() };
        let first = store.save(&snapshot(1)).unwrap();
        store.save(&snapshot(2)).unwrap();
        store.continue_from(&store.folder().open(first.key).unwrap()).unwrap();
        let saved = store
            .save(&Snapshot {
                epoch: 4,
                score: Some(0.1),
                elapsed: Some(Duration::new(3, 4)),
                arrays: &[Array::f32("model.w", &[3], &weights), Array::i64("n", &[], &[7])],
                sections: &[section.clone(), Section::optional("note", 9, &"of another program").unwrap()],
                labels: &[("commit", "1a2b3c")],
                ..snapshot(3)
            })
            .unwrap();
        let before = std::fs::read(&saved.path).unwrap();
        let old = Checkpoint::open(&saved.path).unwrap();
        assert_eq!(old.migrate::<RateV3>("rate").unwrap(), RateV3 { rate: 0.5, warmup });
        let expected: &[Upgraded] =
            &[Upgraded { name: "rate".to_owned(), from: schema, to: 3 }][..usize::from(schema < 3)];
        assert_eq!(migration().plan(&old).unwrap(), expected);
        assert!(std::fs::read(&saved.path).unwrap() == before, "a plan changes nothing");

        assert_eq!(migration().apply(&saved.path).unwrap(), expected);
        let new = Checkpoint::open(&saved.path).unwrap();
        assert_eq!(new.facts(), old.facts());
        assert!(new.facts().parent.is_some());
        assert_eq!(new.section::<RateV3>("rate", 3).unwrap(), RateV3 { rate: 0.5, warmup });
        assert_eq!(new.section::<String>("note", 9).unwrap(), "of another program");
        assert!(
            matches!(new.unknown_sections(&["note"]), Err(Error::UnknownSection { .. })),
            "still required"
        );
        for name in ["model.w", "n"] {
            let (old, new) = (old.array(name).unwrap(), new.array(name).unwrap());
            assert_eq!((old.shape(), old.bytes()), (new.shape(), new.bytes()));
        }
        if schema == 3 {
            assert!(std::fs::read(&saved.path).unwrap() == before, "nothing to do, nothing done");
        }
        assert_eq!(migration().apply(&saved.path).unwrap(), []);
        assert_eq!(store.latest().unwrap().0.unwrap().facts().step, 3);
    }
}

#[test]
fn what_is_newer_unknown_or_damaged_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    let check = |section: Section, damage: bool, expected: fn(&Error) -> bool| {
        write(&path, &Snapshot { sections: &[section], ..Snapshot::default() }).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        if damage {
            bytes[100] ^= 1;
            std::fs::write(&path, &bytes).unwrap();
        }
        let error = migration().apply(&path).unwrap_err();
        assert!(expected(&error), "{error}");
        assert!(std::fs::read(&path).unwrap() == bytes);
    };
    for unknown in [0, 4] {
        let section = Section::required("rate", unknown, &0_u8).unwrap();
        check(section, false, |error| matches!(error, Error::Schema { found: 0 | 4, supported: 3, .. }));
        assert!(Checkpoint::open(&path).unwrap().migrate::<RateV3>("rate").is_err());
    }
    let unknown = Section::required("unknown", 1, &0_u8).unwrap();
    check(unknown, false, |error| matches!(error, Error::UnknownSection { schema: 1, .. }));
    let wrong = Section::required("rate", 1, &0_u8).unwrap();
    check(wrong, false, |error| matches!(error, Error::Section { .. }));
    let sound = Section::required("rate", 1, &RateV1(0.5)).unwrap();
    check(sound, true, |error| matches!(error, Error::Damaged { .. }));
}
