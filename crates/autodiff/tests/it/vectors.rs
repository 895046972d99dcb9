//! What other processors would do: `HIGHWATER_VECTORS` has the kernels use narrower vectors.

use crate::dag::{UNARY, uniform};
use crate::nets::{Batch, classifier, classifier_with, entangled, step};
use highwater_autodiff::{Axis, Feed, Graph, Mode, Program, Real, vectors};
use std::collections::BTreeMap;
use std::process::Command;

/// Prints a hash of the bits of everything that a step gives.
fn print<T: Real>(what: &str, program: &Program, columns: usize, rows: usize) {
    let all = step(program, &mut program.workspace(rows), &Batch::<T>::random(rows, columns, 1));
    print_hash(what, &all);
}

#[allow(clippy::print_stdout, reason = "the test that runs this one reads it")]
fn print_hash<T: Real>(what: &str, all: &[T]) {
    let number = |hash: u64, x: &T| (hash ^ x.to_f64().to_bits()).wrapping_mul(0x0100_0000_01b3);
    let bits = all.iter().fold(0xcbf2_9ce4_8422_2325, number);
    println!("bits of {what} in {}: {bits:016x}", std::any::type_name::<T>());
}

fn print_all<T: Real>() {
    print::<T>("thin products", &classifier(&[10, 20, 10]), 10, 100);
    print::<T>("products between thin and large", &classifier(&[33, 130, 90, 10]), 33, 45);
    print::<T>("large products", &classifier_with(&[40, 300, 600, 10], |x| x.gelu()), 40, 64);
    print::<T>("stages in which rows meet", &entangled(9), 9, 150);
    for f in UNARY {
        let g = Graph::new();
        let x = g.param("x", [37, 29]);
        let y = (f.record)(x);
        let sums = y.sum_over(Axis::Rows).sum() + y.sum_over(Axis::Columns).mean();
        let program = g.compile(sums + y.max_over(Axis::Rows).sum(), &[y]);
        let mut uniform = uniform(3);
        let params: Vec<T> = (0..37 * 29).map(|_| T::from_f64(0.2 + 3.0 * uniform())).collect();
        let (mut ws, mut gradients) = (program.workspace(1), vec![T::ZERO; params.len()]);
        let feeds: [Feed<'_, T>; 0] = [];
        program.forward(&mut ws, &params, &feeds, Mode::Train { key: 1 });
        program.backward(&mut ws, &params, &feeds, &mut gradients);
        gradients.extend(ws.output(0));
        gradients.push(ws.loss());
        print_hash(f.name, &gradients);
    }
}

#[test]
#[ignore = "another one runs it, with each kind of vectors"]
#[allow(clippy::print_stdout, reason = "the test that runs this one reads it")]
fn print_bits() {
    println!("\nvectors: {}", vectors());
    print_all::<f32>();
    print_all::<f64>();
}

/// What this program prints if it runs some tests with other vectors.
fn run(vectors: &str, arguments: &[&str]) -> String {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(arguments).env("HIGHWATER_VECTORS", vectors).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "with vectors of {vectors:?}:\n{text}");
    text
}

#[test]
fn all_vectors_give_the_same_bits() {
    let bits = |wanted: &str| {
        let text = run(wanted, &["--exact", "vectors::print_bits", "--ignored", "--nocapture"]);
        let used = text.lines().find_map(|line| line.strip_prefix("vectors: ")).unwrap().to_owned();
        let bits: Vec<_> =
            text.lines().filter(|line| line.starts_with("bits of")).map(str::to_owned).collect();
        assert_eq!(bits.len(), 2 * (4 + UNARY.len()));
        (used, bits)
    };
    let all: BTreeMap<_, _> = ["", "avx2", "none"].map(bits).into();
    assert!(all.contains_key(vectors()) && all.contains_key("none"), "{:?}", all.keys());
    for (used, bits) in &all {
        assert_eq!(bits, &all["none"], "{used}");
    }
}

#[test]
fn the_other_tests_pass_with_narrower_vectors() {
    run("avx2", &["--skip", "vectors::"]);
}
