//! What saving and loading costs, beside what the disk itself takes: `cargo run --release --example speed [DIR]`.
//!
//! Prints one JSON object a line: `{"size", "mb", "what", "ms", "gb_per_s"}`, medians of interleaved rounds.

#![allow(unsafe_code, clippy::print_stdout)] // a map of a file of its own; a program

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use highwater_checkpoint::{Array, Checkpoint, Role, Saver, Snapshot, Store, verify, write};

type Job<'a> = (&'static str, Box<dyn FnMut() + 'a>);

fn main() {
    let dir =
        std::env::args().nth(1).map_or_else(|| std::env::temp_dir().join("highwater-speed"), PathBuf::from);
    fs::create_dir_all(&dir).expect("the folder can be created");
    let small = [(64, 128), (128, 1), (128, 64), (64, 1), (64, 10), (10, 1)];
    let medium = [(2048, 2048), (2048, 2048), (1024, 1024), (1024, 1024)];
    for (size, shapes, rounds) in
        [("small", &small[..], 41), ("medium", &medium, 11), ("large", &[(4096, 4096); 6], 5)]
    {
        measure(&dir, size, shapes, rounds);
    }
    fs::remove_dir_all(&dir).expect("the folder can be removed");
}

fn measure(dir: &Path, size: &str, shapes: &[(usize, usize)], rounds: usize) {
    let tensors: Vec<Vec<f32>> =
        shapes.iter().map(|&(r, c)| (0..r * c).map(|i| (i as f32 * 0.7).sin()).collect()).collect();
    let arrays: Vec<Array<'_>> = (0..)
        .zip(&tensors)
        .zip(shapes)
        .map(|((i, values), &(r, c))| Array::f32(format!("model.{i}"), &[r, c], values))
        .collect();
    let raw: Vec<u8> = tensors.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    let mut copies: Vec<Vec<f32>> = tensors.iter().map(|t| vec![0.0; t.len()]).collect();
    let (ours, plain) = (dir.join("ours.safetensors"), dir.join("plain"));
    let snapshot = Snapshot { arrays: &arrays, ..Snapshot::default() };

    let mut jobs: Vec<Job<'_>> = vec![
        (
            "raw write+fsync",
            Box::new(|| {
                let mut file = File::create(&plain).expect("create");
                file.write_all(&raw).expect("write");
                file.sync_all().expect("sync");
            }),
        ),
        (
            "save durable",
            Box::new(|| {
                write(&ours, &snapshot).expect("save");
            }),
        ),
        (
            "raw read",
            Box::new(|| {
                let mut bytes = Vec::with_capacity(raw.len());
                File::open(&plain).expect("open").read_to_end(&mut bytes).expect("read");
                black_box(&bytes);
            }),
        ),
        (
            "load verified",
            Box::new(|| {
                black_box(Checkpoint::open(&ours).expect("load"));
            }),
        ),
        (
            "verify",
            Box::new(|| {
                black_box(verify(&ours).expect("verify"));
            }),
        ),
        (
            "load mapped",
            Box::new(|| {
                // SAFETY: nobody else knows this file.
                black_box(unsafe { Checkpoint::map(&ours) }.expect("map"));
            }),
        ),
        (
            "memcpy",
            Box::new(|| {
                for (copy, tensor) in copies.iter_mut().zip(&tensors) {
                    copy.copy_from_slice(tensor);
                }
                black_box(&copies);
            }),
        ),
    ];
    let mut saver = Saver::new(Store::open(dir.join("store")).expect("store"), None);
    let mut stalls = Vec::new();
    let mut times = vec![Vec::new(); jobs.len()];
    for round in 0..=rounds {
        saver.flush().expect("flush");
        let start = Instant::now();
        saver.save(&snapshot, Role::Routine).expect("accept");
        if round > 0 {
            stalls.push(start.elapsed().as_secs_f64());
        }
        saver.flush().expect("flush");
        for ((_, job), times) in jobs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            job();
            if round > 0 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
    }
    let stall = std::iter::once(("stall", stalls));
    for (what, mut times) in jobs.iter().map(|(what, _)| *what).zip(times).chain(stall) {
        times.sort_by(f64::total_cmp);
        let t = times[times.len() / 2];
        let (mb, ms, gb) = (raw.len() as f64 / 1e6, t * 1e3, raw.len() as f64 / t / 1e9);
        println!(
            r#"{{"size": "{size}", "mb": {mb:.3}, "what": "{what}", "ms": {ms:.3}, "gb_per_s": {gb:.2}}}"#
        );
    }
}
