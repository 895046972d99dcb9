//! Damaged checkpoints are found, named, and passed over.

use crate::args;
use crate::run::{assert_same, checkpoints, done, history, run, table, tree};
use highwater_checkpoint::Checkpoint;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

fn iris(out: &Path, epochs: &str) -> Vec<OsString> {
    let data = table("iris.csv");
    args![
        "train", "--data", data, "--target", "species", "--epochs", epochs, "--hidden", "8", "--out", out,
        "--quiet"
    ]
}

/// Flips one bit in place: hard links of the file are damaged as well.
fn flip(file: &Path, place: impl Fn(usize) -> usize) {
    let content = fs::read(file).unwrap();
    let at = place(content.len());
    let mut file = File::options().write(true).open(file).unwrap();
    file.seek(SeekFrom::Start(at as u64)).unwrap();
    file.write_all(&[content[at] ^ 4]).unwrap();
}

#[test]
fn a_flipped_bit_is_named_and_the_run_goes_on_from_the_checkpoint_before() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    done(iris(&whole, "8"));
    let places: [fn(usize) -> usize; 6] =
        [|_| 0, |_| 7, |_| 100, |len| len / 2, |len| len - 100, |len| len - 1];
    for (number, place) in places.into_iter().enumerate() {
        let folder = dir.path().join(number.to_string());
        done(iris(&folder, "4"));
        let said = done(args!["checkpoints", "verify", &folder, "--quiet"]);
        assert_eq!((said.out, said.err), (String::new(), String::new()));
        let newest = checkpoints(&folder).pop().unwrap();
        let name = newest.file_name().unwrap().to_str().unwrap().to_owned();
        flip(&newest, place);

        let said = run(args!["checkpoints", "verify", &folder]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let damaged = |line: &str| line.starts_with("DAMAGED") && line.contains(&name);
        assert_eq!(said.out.lines().filter(|line| damaged(line)).count(), 1, "{said:?}");
        let lines = run(args!["checkpoints", "verify", &folder, "--json"]).out;
        assert!(
            lines.lines().any(|line| line.contains(&name) && line.contains(r#""sound":false"#)),
            "{lines}"
        );
        assert_eq!(run(args!["checkpoints", "verify", &newest]).code, Some(1));
        let quiet = run(args!["checkpoints", "verify", &folder, "--quiet"]);
        assert!(quiet.code == Some(1) && quiet.out.contains(&name), "{quiet:?}");
        assert!(quiet.out.lines().all(|line| line.starts_with("DAMAGED")), "{quiet:?}");

        let said = done(args!["resume", &folder, "--epochs", "8"]);
        assert!(said.err.contains("warning: refused") && said.err.contains(&name), "{said:?}");
        assert_same(&folder, &whole);
        done(args!["checkpoints", "verify", &folder]);
    }
}

#[test]
fn a_checkpoint_under_the_name_of_another_step_is_not_sound() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let other = folder.join("checkpoints/step-00000099.safetensors");
    fs::copy(checkpoints(&folder).pop().unwrap(), &other).unwrap();
    for path in [&folder, &other] {
        let said = run(args!["checkpoints", "verify", path]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let told = |line: &str| line.contains("step-00000099.safetensors: not a checkpoint: it holds step ");
        assert_eq!(said.out.lines().filter(|line| told(line)).count(), 1, "{said:?}");
    }
}

#[test]
fn a_damaged_model_of_all_rows_is_found_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let all_rows = folder.join("final.safetensors");
    let sound = fs::read(&all_rows).unwrap();
    flip(&all_rows, |len| len / 2);
    for job in ["verify", "migrate"] {
        let said = run(args!["checkpoints", job, &folder]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("final.safetensors: damaged"), "{said:?}");
    }
    let predict = || run(args!["predict", &folder, "--data", table("iris.csv")]);
    let said = predict();
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("resume") && said.err.contains("final.safetensors: damaged"), "{said:?}");
    done(args!["resume", &folder, "--quiet"]);
    assert!(fs::read(&all_rows).unwrap() == sound);
    // Without it, the model that was measured answers, and that is said where it is not what was asked for.
    assert!(!predict().err.contains("unfinished: "));
    fs::remove_file(&all_rows).unwrap();
    let evaluate = args!["evaluate", &folder, "--json"];
    let said = done(evaluate.clone());
    assert!(![said.err, said.out].concat().contains("unfinished: "));
    let of_table = done([evaluate, args!["--data", table("iris.csv")]].concat());
    for text in [predict().err, of_table.json()["note"].to_string(), of_table.err] {
        for words in ["no final.safetensors", &format!("cargo xtask resume {}", folder.display())] {
            assert!(text.contains(words), "{text}");
        }
    }
    assert_eq!(done(args!["predict", &folder, "--data", table("iris.csv"), "--quiet"]).err, "");
    // Nothing is missing where there should be none.
    done([iris(&dir.path().join("kept"), "4"), args!["--refit", "no"]].concat());
    let said = done(args!["predict", dir.path().join("kept"), "--data", table("iris.csv")]);
    assert!(!said.err.contains("unfinished: "), "{said:?}");
}

#[test]
fn when_every_checkpoint_is_damaged_nothing_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let files = checkpoints(&folder);
    assert!(files.len() >= 2);
    files.iter().for_each(|file| flip(file, |len| len / 3));
    let before = tree(&folder);
    let said = run(args!["resume", &folder, "--epochs", "8"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for file in files {
        assert!(said.err.contains(file.to_str().unwrap()), "{said:?}");
    }
    assert!(tree(&folder) == before);
    // Whether there is one to go on from is told by the command that opens it.
    assert_eq!(run(args!["checkpoints", "show", &folder]).code, Some(1));
}

#[test]
fn a_list_of_nothing_that_can_be_read_is_shown_and_fails() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let files = checkpoints(&folder);
    let (last, others) = files.split_last().unwrap();
    others.iter().for_each(|file| fs::write(file, "cut off").unwrap());
    let list = |more: &[&str]| {
        let args = args!["checkpoints", "ls", &folder];
        run([args, more.iter().map(OsString::from).collect()].concat())
    };
    assert_eq!(list(&[]).code, Some(0), "one can be read");
    fs::write(last, "cut off").unwrap();
    for more in [&[][..], &["--json"]] {
        let said = list(more);
        assert_eq!(said.code, Some(1), "{said:?}");
        for file in &files {
            assert!(said.out.contains(file.to_str().unwrap()), "{said:?}");
        }
        assert!(said.err.contains(&format!("none of the {} checkpoints", files.len())), "{said:?}");
        assert!(said.err.contains("nothing to go on from"), "{said:?}");
    }
}

/// Who may read everything, as the tests perhaps may, cannot read a link that leads to itself.
#[cfg(unix)]
#[test]
fn what_the_system_does_not_let_be_read_is_not_called_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let newest = checkpoints(&folder).pop().unwrap();
    let name = newest.file_name().unwrap().to_str().unwrap();
    fs::rename(&newest, folder.join("away")).unwrap();
    std::os::unix::fs::symlink(name, &newest).unwrap();
    let line = |job: &str, code: i32| {
        let said = run(args!["checkpoints", job, &folder]);
        assert_eq!(said.code, Some(code), "{said:?}");
        let mut lines = said.out.lines().filter(|line| line.contains(name)).map(str::to_owned);
        let line = lines.next().unwrap();
        assert!(line.contains("cannot open") && lines.next().is_none(), "{line}");
        line
    };
    assert!(line("ls", 0).trim_start_matches(['-', ' ']).starts_with("unread "));
    assert!(line("verify", 1).starts_with("UNREAD "));
    assert!(!run(args!["checkpoints", "verify", &folder]).out.contains("DAMAGED"));
    // The run goes on from the one before, as from any that it cannot have.
    let said = done(args!["resume", &folder, "--epochs", "5"]);
    assert!(said.err.contains("warning: refused") && said.err.contains(name), "{said:?}");
}

#[test]
fn what_is_gone_is_not_replaced_by_something_worse_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let more = args!["--stop", "never", "--keep-last", "1", "--keep-best", "1", "--learning-rate", "0.3"];
    done([iris(&folder, "40"), more].concat());
    let best = folder.join("best.safetensors");
    let scored = || {
        let mut scored = done(args!["evaluate", &folder, "--json"]).json();
        let model = scored.as_object_mut().unwrap().remove("model").unwrap();
        (scored, model.as_str().unwrap().to_owned())
    };
    let (kept, (before, _)) = (fs::read(&best).unwrap(), scored());
    fs::remove_file(&best).unwrap();
    let (after, model) = scored();
    assert_eq!(after, before, "the best of the checkpoints");
    assert!(model.starts_with("checkpoints/step-"), "{model}");
    fs::write(&best, &kept).unwrap();

    fs::remove_dir_all(folder.join("checkpoints")).unwrap();
    let before = tree(&folder);
    let said = run(args!["resume", &folder, "--epochs", "50"]);
    assert!(said.code == Some(1) && said.err.contains("--from"), "{said:?}");
    for from in [&folder.join("none.safetensors"), &table("iris.csv")] {
        assert_eq!(run(args!["resume", &folder, "--epochs", "50", "--from", from]).code, Some(1));
    }
    let said = run(args!["resume", &folder, "--from", folder.join("final.safetensors")]);
    assert!(said.code == Some(1) && said.err.contains("trained on all rows"), "{said:?}");
    let said = run(args!["resume", &best]);
    assert!(said.err.contains(&format!("{} is one", folder.display())), "{said:?}");
    assert!(tree(&folder) == before, "no folder of checkpoints is made, and config.toml is as it was");
    done(args!["resume", &folder, "--epochs", "50", "--from", &best]);
    // With that gone as well there is nothing to go on from, which is said.
    fs::remove_dir_all(folder.join("checkpoints")).unwrap();
    fs::remove_file(&best).unwrap();
    fs::remove_file(folder.join("final.safetensors")).unwrap();
    let said = done(args!["resume", &folder, "--quiet"]);
    assert_eq!(said.err.lines().count(), 1, "{said:?}");
    for words in [folder.to_str().unwrap(), "neither a checkpoint nor best.safetensors", "begins anew"] {
        assert!(said.err.contains(words), "{said:?}");
    }
    assert!(!done(args!["resume", &folder]).err.contains("anew"));
}

#[test]
fn a_configuration_that_is_gone_is_taken_from_the_newest_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    fs::remove_file(folder.join("config.toml")).unwrap();
    done(args!["evaluate", &folder]);
    done(args!["checkpoints", "gc", &folder]);
    assert!(!folder.join("config.toml").exists(), "who only looks writes nothing");
    let said = done(args!["resume", &folder]);
    assert!(said.err.contains("config.toml is gone"), "{said:?}");
    assert_eq!(fs::read_to_string(folder.join("config.toml")).unwrap(), config);
    // Nor is one that a crash or a slip has emptied or spoiled the end.
    for spoilt in ["", "[data\n"] {
        fs::write(folder.join("config.toml"), spoilt).unwrap();
        let said = run(args!["resume", &folder]);
        assert_eq!(said.code, Some(1), "{said:?}");
        for words in ["move it away", "newest checkpoint", "config.toml"] {
            assert!(said.err.contains(words), "{said:?}");
        }
    }
}

#[test]
fn the_last_improvement_in_the_history_is_the_kept_model_also_if_a_better_one_was_lost() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let more = args!["--stop", "never", "--keep-every", "1", "--learning-rate", "0.3", "--refit", "no"];
    done([iris(&folder, "40"), more].concat());
    let best = folder.join("best.safetensors");
    let kept = || Checkpoint::open(&best).unwrap().facts().step;
    let last_improvement = || {
        let rows = history(&folder);
        let improved = rows.iter().rfind(|row| row.last().is_some_and(|cell| cell == "true")).unwrap();
        improved[1].parse::<u64>().unwrap()
    };
    for epochs in ["40", "40", "60"] {
        let lost = kept();
        assert_eq!(last_improvement(), lost);
        fs::remove_file(folder.join(format!("checkpoints/step-{lost:08}.safetensors"))).unwrap();
        fs::remove_file(&best).unwrap();
        done(args!["resume", &folder, "--epochs", epochs, "--quiet"]);
        assert_ne!(kept(), lost);
        assert_eq!(last_improvement(), kept());
    }
}

#[test]
fn the_model_of_all_rows_is_used_with_the_best_that_it_goes_with() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, last) = (dir.path().join("run"), dir.path().join("run/final.safetensors"));
    done(iris(&folder, "3"));
    let of_before = fs::read(&last).unwrap();
    let step = || {
        let out = dir.path().join("out.safetensors");
        let said = done(args!["checkpoints", "export", &folder, "--to", "safetensors", "--out", &out]);
        (said.out, fs::remove_file(out).unwrap()).0
    };
    let exported = step();
    done(args!["resume", &folder, "--epochs", "20"]);
    assert_ne!(step(), exported);
    // As if the run had been interrupted before the model was made anew.
    fs::write(&last, of_before).unwrap();
    let with_the_old_one = step();
    let said = done(args!["predict", &folder, "--data", table("iris.csv")]);
    assert!(said.err.contains("that goes with the best model"), "{said:?}");
    fs::remove_file(&last).unwrap();
    assert_eq!(with_the_old_one, step(), "the best is used");
}

#[test]
fn checkpoints_are_listed_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let files = checkpoints(&folder);
    let list = done(args!["checkpoints", "ls", &folder]).out;
    let lines = done(args!["checkpoints", "ls", &folder, "--json"]).out;
    assert_eq!((list.lines().count(), lines.lines().count()), (files.len() + 1, files.len()));
    for file in &files {
        assert!(list.contains(file.to_str().unwrap()), "{list}");
    }
    let shown = done(args!["checkpoints", "show", &folder]).out;
    for text in ["epoch 4", "model.0.weight", "[8, 4]", "validation_accuracy", "preparation"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let shown = done(args!["checkpoints", "show", &files[0], "--json"]).json();
    let names: Vec<&str> =
        shown["arrays"].as_array().unwrap().iter().filter_map(|a| a["name"].as_str()).collect();
    assert!(names.contains(&"model.0.weight") && names.contains(&"optimizer.exp_avg.0.weight"), "{shown}");
}
