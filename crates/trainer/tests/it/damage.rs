//! Checkpoints that are damaged, gone, or of another branch.

use crate::problem::{
    How, Problem, arrays, best, bits, checkpoints, classification, damage, files, overfitting, regression,
    told,
};
use highwater_checkpoint::{Checkpoint, Folder};
use highwater_trainer::{Error, Event, Every, Report, Score, kept};
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

/// Resumes, and collects the warnings.
fn resume(problem: &Problem, dir: &Path) -> (Report, Vec<u32>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut collect = |event: &Event<'_>| {
        if let Event::Warning(text) = event {
            warnings.push((*text).to_owned());
        }
        ControlFlow::Continue(())
    };
    let how = How { dir: Some(dir), resume: true, observer: Some(&mut collect), ..How::default() };
    let (report, model) = problem.run(how);
    (report.unwrap(), bits(&model), warnings)
}

/// Names and bytes of everything in the folder of checkpoints.
fn content(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(checkpoints(dir)).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut all: Vec<_> = entries.map(|path| (name(&path), fs::read(path).unwrap())).collect();
    all.sort();
    all.retain(|(name, _)| name.ends_with(".safetensors"));
    all
}

#[test]
fn damaged_checkpoints_are_passed_over_and_the_run_ends_as_it_would_have() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let report = problem.fit(&whole);
    for count in 1..=3 {
        let dir = dir.path().join(count.to_string());
        problem.fit_until(10, &dir);
        let newest: Vec<_> = files(&dir).into_iter().rev().take(count).collect();
        newest.iter().for_each(|path| damage(path));
        let (resumed, _, warnings) = resume(&problem, &dir);
        assert_eq!(told(&resumed), told(&report));
        assert_eq!(arrays(&best(&dir)), arrays(&best(&whole)));
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        for path in newest {
            let name = path.file_name().unwrap().to_string_lossy();
            assert!(warning.contains(&*name) && warning.contains("model.0.bias"), "{warning}");
        }
        assert_eq!(arrays(files(&dir).last().unwrap()), arrays(files(&whole).last().unwrap()));
    }
}

#[test]
fn if_all_are_damaged_it_is_an_error_and_nothing_is_written() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    problem.fit_until(6, dir.path());
    files(dir.path()).iter().for_each(|path| damage(path));
    let before = content(dir.path());
    let how = How { dir: Some(dir.path()), resume: true, ..How::default() };
    let error = problem.run(how).0.unwrap_err();
    let Error::Checkpoint(highwater_checkpoint::Error::NoneSound { report, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!(report.rejected.len(), before.len());
    assert_eq!(content(dir.path()), before);
}

#[test]
fn a_fresh_run_does_not_touch_the_checkpoints_of_another() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    problem.fit_until(6, dir.path());
    for cut_short in [false, true] {
        if cut_short {
            files(dir.path()).iter().for_each(|path| fs::write(path, "no header").unwrap());
        }
        let before = content(dir.path());
        let error = problem.run(How { dir: Some(dir.path()), ..How::default() }).0.unwrap_err();
        assert!(matches!(error, Error::NotEmpty { .. }), "{error}");
        assert!(error.to_string().contains(&*checkpoints(dir.path()).to_string_lossy()), "{error}");
        assert_eq!(content(dir.path()), before);
    }
}

#[test]
fn a_best_model_that_is_gone_from_the_store_is_found_where_it_is_published() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let report = problem.fit(dir.path());
    let step = report.best().unwrap().step;
    assert!(step < report.steps);
    let published = arrays(&best(dir.path()));
    fs::remove_file(checkpoints(dir.path()).join(format!("step-{step:08}.safetensors"))).unwrap();
    let (resumed, _, warnings) = resume(&problem, dir.path());
    assert_eq!((told(&resumed), &warnings[..]), (told(&report), &[][..]));
    assert_eq!(arrays(&best(dir.path())), published);
}

#[test]
fn a_best_model_that_is_lost_is_replaced_by_the_best_that_is_left() {
    let problem = overfitting();
    let dir = tempfile::tempdir().unwrap();
    let report = problem.fit(dir.path());
    let lost = report.best().unwrap();
    fs::remove_file(best(dir.path())).unwrap();
    damage(&checkpoints(dir.path()).join(format!("step-{:08}.safetensors", lost.step)));

    let (resumed, model, warnings) = resume(&problem, dir.path());
    let others = resumed.history.iter().filter(|record| record.step != lost.step);
    let second = others.min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss)).unwrap();
    assert_eq!(resumed.best(), Some(second));
    let expected = format!(
        "the best model, of step {} (epoch {}), is gone or damaged; the best that is left is that of step {}",
        lost.step, lost.epoch, second.step
    );
    assert_eq!(warnings, [expected]);
    let saved = checkpoints(dir.path()).join(format!("step-{:08}.safetensors", second.step));
    assert_eq!(arrays(&best(dir.path())), arrays(&saved));
    let mut of_file = problem.model();
    highwater_trainer::load_model(&Checkpoint::open(&saved).unwrap(), &mut of_file).unwrap();
    assert_eq!(model, bits(&of_file));
    let kept = kept(&Folder::new(checkpoints(dir.path())), Score::Loss).unwrap();
    assert_eq!(kept.map(|checkpoint| checkpoint.facts().step), Some(second.step));
}

#[test]
fn what_retention_let_go_before_another_score_selects_is_not_told_of_as_lost() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let accuracy: Score = "accuracy".parse().unwrap();
    let mut problem = classification();
    problem.config.validate = Every::Steps(1);
    let first = problem.fit(dir);
    let best_of = |without: &[u64]| {
        let mut left = first.history.iter().filter(|record| !without.contains(&record.step));
        let top = left.clone().map(|record| record.score(accuracy)).fold(0.0, f64::max);
        left.find(|record| record.score(accuracy) == top).unwrap().step
    };
    // As retention does with what is neither new nor good by the loss.
    let gone = best_of(&[]);
    assert!(gone != first.best().unwrap().step && gone < first.steps, "{first:?}");
    fs::remove_file(checkpoints(dir).join(format!("step-{gone:08}.safetensors"))).unwrap();

    problem.config.select = accuracy;
    let (report, _, warnings) = resume(&problem, dir);
    assert_eq!(warnings, [""; 0]);
    let kept = best_of(&[gone]);
    assert_eq!(report.best().map(|best| best.step), Some(kept));
    assert_eq!(Checkpoint::open(best(dir)).unwrap().facts().step, kept);

    // What is there and damaged, and a published model that is gone, are told.
    damage(&checkpoints(dir).join(format!("step-{kept:08}.safetensors")));
    assert_eq!(resume(&problem, dir).2, [""; 0], "the published one is sound");
    fs::remove_file(best(dir)).unwrap();
    let (report, _, warnings) = resume(&problem, dir);
    assert_eq!(report.best().map(|best| best.step), Some(best_of(&[gone, kept])));
    assert!(warnings.len() == 1 && warnings[0].contains("is gone or damaged"), "{warnings:?}");
    // Beside a published one, only what is damaged, be it that it has no header.
    for _ in 0..2 {
        let (_, _, warnings) = resume(&problem, dir);
        assert!(warnings.len() == 1 && warnings[0].contains(&format!("of step {kept} (")), "{warnings:?}");
        fs::write(checkpoints(dir).join(format!("step-{kept:08}.safetensors")), "no header").unwrap();
    }
}

#[test]
fn a_branch_leaves_alone_what_came_later_and_each_branch_has_its_own_best() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let report = problem.fit(dir);
    assert!(report.best().unwrap().step > 4, "{report:?}");
    let (trunk, published) = (content(dir), arrays(&best(dir)));

    let from = |name: &str| Some(Checkpoint::open(checkpoints(dir).join(name)).unwrap());
    let mut other = problem.clone();
    other.config.seed += 1;
    let how = How { dir: Some(dir), resume: true, from: from("step-00000004.safetensors"), ..How::default() };
    let branch = other.run(how).0.unwrap();
    assert_eq!(branch.history[0], report.history[0]);
    assert_ne!(branch.history[1], report.history[1]);
    let now = content(dir);
    assert!(trunk.iter().all(|file| now.contains(file)));
    let names: Vec<&str> =
        now.iter().map(|(name, _)| &name[..]).filter(|name| name.contains(".b1")).collect();
    assert_eq!(
        names,
        ["step-00000004.b1", "step-00000008.b1", "step-00000012.b1"].map(|n| format!("{n}.safetensors"))
    );
    assert_ne!(arrays(&best(dir)), published);
    assert_eq!(told(&other.resume(dir)), told(&branch));

    let newest = "step-00000012.safetensors";
    let how = How { dir: Some(dir), resume: true, from: from(newest), ..How::default() };
    assert_eq!(told(&problem.run(how).0.unwrap()), told(&report));
    assert_eq!(arrays(&best(dir)), published);
}

#[test]
fn a_run_goes_on_from_a_file_of_elsewhere_in_a_store_of_its_own() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("old"), dir.path().join("new"));
    let report = problem.fit(&old);
    for step in [8, 12] {
        let from = checkpoints(&old).join(format!("step-{step:08}.safetensors"));
        let from = Some(Checkpoint::open(from).unwrap());
        let new = new.join(step.to_string());
        let how = How { dir: Some(&new), resume: true, from, ..How::default() };
        assert_eq!(told(&problem.run(how).0.unwrap()), told(&report));
        assert_eq!(arrays(&best(&new)), arrays(&best(&old)), "from step {step}");
        assert_eq!(told(&problem.resume(&new)), told(&report));
    }
}
