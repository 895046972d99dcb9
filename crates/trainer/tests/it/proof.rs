//! Trained again, a piece of a run gives the same bits; computed elsewhere, it says that it may not.

use crate::problem::{How, Problem, bits, checkpoints, classification, files, regression, told};
use highwater_checkpoint::Checkpoint;
use highwater_nn::{Activation, Layer};
use highwater_optim::{Adam, Method};
use highwater_trainer::{Difference, Error, Event, Every, Fingerprint, Proof, Run, history, prove};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use twox_hash::XxHash3_128;

fn proof(problem: &Problem, from: &Path, to: &Path) -> Result<Option<Proof>, Error> {
    let (from, to) = (Checkpoint::open(from).unwrap(), Checkpoint::open(to).unwrap());
    let mut model = problem.model();
    let run = Run::new(&mut model, &problem.loss);
    prove(run, problem.data(), &problem.config, &[], (&from, &to))
}

/// With everything that has a state.
fn eventful() -> Problem {
    let mut problem = classification();
    let linear = |outputs| Layer::Linear { outputs };
    let (norm, dropout) = (Layer::BatchNorm, Layer::Dropout { rate: 0.2 });
    problem.layers = Some(vec![linear(8), norm, Layer::Activation(Activation::Tanh), dropout, linear(2)]);
    problem.config.optimizer = Method::Adam(Adam::default());
    problem.config.validate = Every::Steps(3);
    problem
}

#[test]
fn every_two_checkpoints_of_a_run_are_proved() {
    let problem = eventful();
    let dir = tempfile::tempdir().unwrap();
    // Saved at every third step, and at an interruption in the midst of an epoch.
    problem.fit_until(5, dir.path());
    problem.resume(dir.path());
    let files = files(dir.path());
    assert_eq!(files.len(), 6);
    for (i, from) in files.iter().enumerate() {
        for to in &files[i + 1..] {
            let proof = proof(&problem, from, to).unwrap().unwrap();
            assert_eq!((&proof.differences[..], &proof.reasons[..]), (&[][..], &[][..]), "{from:?} {to:?}");
            // Weights and biases, scale and shift of the norm, its two buffers; two slots of the optimizer.
            assert_eq!((proof.arrays, proof.numbers), (8 + 2 * 6, 98 + 2 * 82));
        }
    }
    let error = proof(&problem, &files[1], &files[1]).unwrap_err();
    assert!(matches!(&error, Error::Mismatch { .. }), "{error}");
}

#[test]
fn what_was_saved_before_the_validation_of_its_step_is_proved_without_it() {
    let problem = eventful();
    let dir = tempfile::tempdir().unwrap();
    problem.fit_until(6, dir.path());
    let files = files(dir.path());
    assert_eq!(history(&Checkpoint::open(&files[2]).unwrap()).unwrap().last().unwrap().step, 3);
    assert_eq!(proof(&problem, &files[0], &files[2]).unwrap().unwrap().differences, []);
}

#[test]
fn what_was_trained_otherwise_is_told_apart_and_the_first_difference_named() {
    let problem = eventful();
    let dir = tempfile::tempdir().unwrap();
    problem.fit(dir.path());
    let files = files(dir.path());
    let mut other = problem.clone();
    other.config.learning_rate *= 1.0 + 1e-6;
    let proof_of_other = proof(&other, &files[0], &files[2]).unwrap().unwrap();
    let Difference::Array { name, numbers, saved, found, ulps, .. } = &proof_of_other.differences[0] else {
        panic!("{proof_of_other:?}")
    };
    assert!(name.starts_with("model."), "{name}");
    assert!(*numbers > 0 && saved != found && (1..100_000).contains(ulps), "{proof_of_other:?}");
    let text = proof_of_other.differences[0].to_string();
    assert!(text.contains(name.as_str()) && text.contains("ULPs"), "{text}");
    assert!(matches!(proof_of_other.differences.last(), Some(Difference::Record { step: 3 })));
}

#[test]
fn a_proof_can_be_broken_off() {
    let problem = regression();
    let dir = tempfile::tempdir().unwrap();
    problem.fit(dir.path());
    let files = files(dir.path());
    let (from, to) = (Checkpoint::open(&files[0]).unwrap(), Checkpoint::open(&files[1]).unwrap());
    let flag = AtomicBool::new(true);
    let mut model = problem.model();
    let run = Run { interrupt: Some(&flag), ..Run::new(&mut model, &problem.loss) };
    assert_eq!(prove(run, problem.data(), &problem.config, &[], (&from, &to)).unwrap(), None);
}

/// Changes bytes of a section, and the hashes with them, as `docs/FORMAT.md` says.
fn forge(path: &Path, section: &str, change: impl FnOnce(&mut [u8])) {
    let mut bytes = std::fs::read(path).unwrap();
    std::fs::remove_file(path).unwrap();
    let start = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..start]).unwrap();
    let offsets =
        |info: &serde_json::Value| [0, 1].map(|i| start + info["data_offsets"][i].as_u64().unwrap() as usize);
    let tensors = header.as_object().unwrap().iter().filter(|(name, _)| *name != "__metadata__");
    let mut tensors: Vec<_> = tensors.map(|(name, info)| (offsets(info), name.as_str())).collect();
    tensors.sort_unstable();
    let place = tensors.iter().position(|(_, name)| *name == format!("state.{section}")).unwrap();
    let ([from, to], [own, end]) = (tensors[place].0, tensors[tensors.len() - 1].0);
    change(&mut bytes[from..to]);
    let hash = XxHash3_128::oneshot(&bytes[from..to]).to_be_bytes();
    bytes[own + 48 + 16 * place..][..16].copy_from_slice(&hash);
    let hash = XxHash3_128::oneshot(&bytes[own..end - 16]).to_be_bytes();
    bytes[end - 16..].copy_from_slice(&hash);
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_run_that_was_computed_elsewhere_says_so_before_it_goes_on() {
    let problem = regression();
    let (report, model) = problem.run(How::default());
    for elsewhere in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        problem.fit_until(5, dir.path());
        let newest = files(dir.path()).pop().unwrap();
        assert!(newest.starts_with(checkpoints(dir.path())));
        let saved: Fingerprint = Checkpoint::open(&newest).unwrap().section("fingerprint", 1).unwrap();
        assert_eq!(saved, Fingerprint::here());
        if elsewhere {
            // The schema, the flags and the length of the version come before it.
            forge(&newest, "fingerprint", |bytes| bytes[16] = b'9');
        }
        let mut told_first = Vec::new();
        let mut watch = |event: &Event<'_>| {
            match event {
                Event::Warning(text) => told_first.push((*text).to_owned()),
                Event::Started(_) => told_first.push("started".to_owned()),
                _ => {}
            }
            ControlFlow::Continue(())
        };
        let how = How { dir: Some(dir.path()), resume: true, observer: Some(&mut watch), ..How::default() };
        let (resumed, resumed_model) = problem.run(how);
        assert_eq!(told(&resumed.unwrap()), told(report.as_ref().unwrap()));
        assert_eq!(bits(&resumed_model), bits(&model));
        match &told_first[..] {
            [started] if !elsewhere => assert_eq!(started, "started"),
            [warning, started] if elsewhere => {
                assert_eq!(started, "started");
                let version = env!("CARGO_PKG_VERSION");
                let expected = format!("version 9{} there, {version} here", &version[1..]);
                assert!(warning.contains("the same bits cannot be expected"), "{warning}");
                assert!(warning.contains(&expected) && warning.contains("step-00000005"), "{warning}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_step_of_several_pieces_is_the_step_of_the_whole_batch() {
    let whole = regression();
    let mut pieces = whole.clone();
    pieces.config.micro_batch = Some(5);
    let run = |problem: &Problem| {
        let (report, model) = problem.run(How::default());
        (report.unwrap(), model)
    };
    let ((report, model), (of_pieces, model_of_pieces)) = (run(&whole), run(&pieces));
    assert_eq!(of_pieces.steps, report.steps);
    for (a, b) in model.parameters().iter().zip(model_of_pieces.parameters()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    for (a, b) in report.history.iter().zip(&of_pieces.history) {
        assert!((a.training_loss - b.training_loss).abs() < 1e-5, "{a:?} {b:?}");
    }
    let mut large = whole.clone();
    large.config.micro_batch = Some(1000);
    assert_eq!(bits(&run(&large).1), bits(&model));
    // What is dropped is not the same in each piece.
    pieces.mlp.dropout = 0.5;
    let mut repeated = pieces.clone();
    repeated.config.seed += 1;
    assert_ne!(bits(&run(&pieces).1), bits(&run(&repeated).1));
}
