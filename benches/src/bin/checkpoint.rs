//! What saving and loading costs, beside what the disk and the memory themselves take:
//! `cargo xtask bench checkpoint [--dir DIR] [--rounds N] [--size NAME] [--floors]`.
//!
//! Prints one JSON object a line, `{"size", "mb", "what", "ms", "gb_per_s"}`: medians of rounds in which every job has its
//! turn, in an order of its own, so that what else the machine does, and what the job before leaves behind, falls on all of
//! them. What is written is a new file, as each checkpoint of a
//! run is; the one before it is removed beforehand, and that is not counted. `--commands` runs one job for each line of standard
//! input, for a program that has others take turns with it, see `benches/checkpoint_peers.py`.

#![allow(clippy::print_stdout, reason = "a command talks to its terminal")]
#![allow(unsafe_code, reason = "a map of a file that nobody else knows")]

use clap::Parser;
use highwater_checkpoint::{Array, Checkpoint, Role, Saver, Snapshot, Store};
use ndarray_rand::rand::SeedableRng;
use ndarray_rand::rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

#[derive(Parser)]
struct Arguments {
    /// A folder on the disk to be measured [default: a temporary one]
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Rounds of the small size; the larger ones have fewer
    #[arg(long, default_value_t = 41)]
    rounds: usize,
    /// Only this size: small, medium or large
    #[arg(long)]
    size: Option<String>,
    /// Measure also the least that a durable save and a snapshot can take here
    #[arg(long)]
    floors: bool,
    /// Do the job that each line of standard input names, and print its time in milliseconds
    #[arg(long, requires = "size")]
    commands: bool,
}

/// Rows and columns of a matrix.
type Shape = (usize, usize);

/// The shapes of `checkpoint_peers.py`, and how many rounds of the small size make one of this.
const SIZES: [(&str, &[Shape], usize); 3] = [
    ("small", &[(64, 128), (128, 1), (128, 64), (64, 1), (64, 10), (10, 1)], 1),
    ("medium", &[(2048, 2048), (2048, 2048), (1024, 1024), (1024, 1024)], 3),
    ("large", &[(4096, 4096); 6], 8),
];

const JOBS: [&str; 7] =
    ["raw write+fsync", "save durable", "raw read", "load verified", "load mapped", "memcpy", "stall"];

/// All that a save writes and syncs, without the rest; a copy to where another processor has read the last one.
const FLOORS: [&str; 2] = ["raw write+fsync+rename+fsync", "memcpy, read elsewhere"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let (temporary, dir) = match &arguments.dir {
        Some(dir) => (None, dir.join(format!("highwater-bench-{}", std::process::id()))),
        None => {
            let folder = tempfile::tempdir()?;
            let path = folder.path().to_owned();
            (Some(folder), path)
        }
    };
    fs::create_dir_all(&dir)?;
    let of_interest = |name: &str| arguments.size.as_deref().is_none_or(|only| only == name);
    for (size, shapes, divisor) in SIZES.into_iter().filter(|(name, ..)| of_interest(name)) {
        let mut bench = Bench::new(&dir.join(size), shapes)?;
        if arguments.commands {
            for line in io::stdin().lock().lines() {
                println!("{}", bench.time(line?.trim())? * 1e3);
            }
        } else {
            let floors = if arguments.floors { &FLOORS[..] } else { &[] };
            measure(&mut bench, size, &[&JOBS, floors].concat(), (arguments.rounds / divisor).max(1))?;
        }
    }
    fs::remove_dir_all(&dir)?;
    drop(temporary);
    Ok(())
}

fn measure(bench: &mut Bench, size: &str, jobs: &[&str], rounds: usize) -> Result<(), Box<dyn Error>> {
    let mut times = vec![Vec::with_capacity(rounds); jobs.len()];
    let (mut order, mut random) = ((0..jobs.len()).collect::<Vec<_>>(), ChaCha8Rng::seed_from_u64(1));
    for round in 0..=rounds {
        for &job in &order {
            let seconds = bench.time(jobs[job])?;
            // The first round finds no file and no warm cache.
            if round > 0 {
                times[job].push(seconds);
            }
        }
        // A job leaves things behind for the next one: memory in the caches, blocks that the disk has not written.
        order.shuffle(&mut random);
    }
    let bytes = bench.raw.len() as f64;
    for (what, mut times) in jobs.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let seconds = times[times.len() / 2];
        let (mb, ms, rate) = (bytes / 1e6, seconds * 1e3, bytes / seconds / 1e9);
        println!(
            r#"{{"size": "{size}", "mb": {mb:.3}, "what": "{what}", "ms": {ms:.4}, "gb_per_s": {rate:.2}}}"#
        );
    }
    Ok(())
}

fn write_and_sync(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// One size: a state, and files of it.
struct Bench {
    shapes: Vec<[usize; 2]>,
    tensors: Vec<Vec<f32>>,
    raw: Vec<u8>,
    copies: Vec<Vec<f32>>,
    saver: Saver,
    store: Store,
    /// What the store has saved last.
    ours: Option<PathBuf>,
    step: u64,
    plain: PathBuf,
}

impl Bench {
    fn new(dir: &Path, shapes: &[Shape]) -> Result<Bench, Box<dyn Error>> {
        fs::create_dir_all(dir)?;
        let wave = |i: usize| (i as f32 * 0.7).sin();
        let tensors: Vec<Vec<f32>> =
            shapes.iter().map(|&(rows, columns)| (0..rows * columns).map(wave).collect()).collect();
        let mut bench = Bench {
            shapes: shapes.iter().map(|&(rows, columns)| [rows, columns]).collect(),
            raw: tensors.iter().flatten().flat_map(|v| v.to_le_bytes()).collect(),
            copies: tensors.iter().map(|tensor| vec![0.0; tensor.len()]).collect(),
            saver: Saver::new(Store::open(dir.join("saver"))?, None),
            store: Store::open(dir.join("store"))?,
            ours: None,
            step: 0,
            plain: dir.join("plain"),
            tensors,
        };
        for job in ["raw write+fsync", "save durable", "memcpy", "stall"] {
            bench.time(job)?;
        }
        Ok(bench)
    }

    /// Seconds that a job takes.
    fn time(&mut self, job: &str) -> Result<f64, Box<dyn Error>> {
        if job == "memcpy, read elsewhere" {
            self.read_copies_elsewhere();
        }
        let Bench { shapes, tensors, raw, copies, saver, store, ours, step, plain } = self;
        let named = tensors.iter().zip(&*shapes).zip(0..);
        let arrays: Vec<Array<'_>> =
            named.map(|((values, shape), i)| Array::f32(format!("model.{i}"), shape, values)).collect();
        *step += 1;
        let snapshot = Snapshot { step: *step, arrays: &arrays, ..Snapshot::default() };
        let saved = || ours.as_deref().ok_or("nothing was saved yet");
        match job {
            "raw write+fsync" | "raw write+fsync+rename+fsync" if plain.exists() => fs::remove_file(&*plain)?,
            "save durable" if ours.is_some() => fs::remove_file(saved()?)?,
            _ => {}
        }
        let start = Instant::now();
        match job {
            "raw write+fsync" => write_and_sync(plain, raw)?,
            "raw write+fsync+rename+fsync" => {
                let temporary = plain.with_extension("tmp");
                write_and_sync(&temporary, raw)?;
                fs::rename(&temporary, &*plain)?;
                File::open(plain.parent().unwrap_or(plain))?.sync_all()?;
            }
            "save durable" => *ours = Some(black_box(store.save(&snapshot)?).path),
            "raw read" => {
                let mut bytes = Vec::with_capacity(raw.len());
                File::open(plain)?.read_to_end(&mut bytes)?;
                black_box(&bytes);
            }
            "load verified" => drop(black_box(Checkpoint::open(saved()?)?)),
            // SAFETY: nobody else knows this file.
            "load mapped" => drop(black_box(unsafe { Checkpoint::map(saved()?) }?)),
            "memcpy" | "memcpy, read elsewhere" => {
                for (copy, tensor) in copies.iter_mut().zip(&*tensors) {
                    copy.copy_from_slice(tensor);
                }
                black_box(&copies);
            }
            "stall" => {
                // Not while an earlier one is being written: that would measure the disk.
                saver.save(&Snapshot { step: 0, ..snapshot }, Role::Routine)?;
                let seconds = start.elapsed().as_secs_f64();
                saver.flush()?;
                return Ok(seconds);
            }
            other => return Err(format!("there is no job {other:?}; there are {JOBS:?}, {FLOORS:?}").into()),
        }
        Ok(start.elapsed().as_secs_f64())
    }

    /// As the writer of a saver does with a snapshot.
    fn read_copies_elsewhere(&self) {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                black_box(self.copies.iter().flatten().sum::<f32>());
                done.store(true, Ordering::Release);
            });
            // This thread keeps its processor, so the other has another one.
            while !done.load(Ordering::Acquire) {
                std::hint::spin_loop();
            }
        });
    }
}
