//! `resume --prove`: whether a resumed run gives the same bits, tried out.

use crate::args::Resume;
use crate::folder::{RunFolder, checkpoints_in};
use crate::interrupt::interrupt;
use crate::measures::loss;
use crate::same_run::Rows;
use crate::saved;
use crate::source::Source;
use crate::train::{pool, prepared};
use crate::{line, print, same_run, say};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Folder, Key};
use highwater_trainer::{Data, Difference, Proof, Run, prove};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Instant;

pub(crate) fn run(args: &Resume) -> Result<ExitCode> {
    let folder = RunFolder::open(&args.run)?;
    let mut config = folder.config()?;
    if let Some(file) = &args.data {
        config.data.move_to(file)?;
    }
    config.check().with_context(|| folder.config_file().display().to_string())?;
    let (from, to) = last_two(&checkpoints_in(folder.checkpoints()))?;
    let (_, preparation) = saved::load(&to)?;
    let source = Source::of_run(&config, &preparation, folder.root())?;
    let (data, mut model) = prepared(&source, &config, &preparation)?;
    let rows = Rows::of(&data);
    same_run::check(&to, &config, &source, &rows)?;
    let mut sections = saved::sections(&preparation, model.network(), &config)?;
    sections.push(rows.section()?);
    let interrupt = interrupt()?;
    let units = preparation.units();
    let loss = loss(&preparation, config.data.class_weights, data.train.targets());
    let data = Data { units: &units, ..Data::new(&data.train, &data.validation) };
    let began = Instant::now();
    let proof = pool(&args.shared)?.install(|| {
        let run = Run { interrupt: Some(&interrupt), ..Run::new(&mut model, &loss) };
        prove(run, data, &config.training, &sections, (&from, &to))
    })?;
    let Some(proof) = proof else { return Ok(ExitCode::from(130)) };
    let seconds = began.elapsed().as_secs_f64();
    if args.shared.json {
        line(as_json(&proof, &from, &to, seconds))?;
    } else {
        if !proof.reasons.is_empty() {
            let reasons = proof.reasons.join("; ");
            say(format_args!("warning: the same bits cannot be expected: {reasons}"));
        }
        if proof.differences.is_empty() && !args.shared.quiet {
            print(the_same(&proof, &from, &to, seconds))?;
        }
    }
    let Some(first) = proof.differences.first() else { return Ok(ExitCode::SUCCESS) };
    let Proof { from, to, differences, .. } = &proof;
    let more = match differences.len() - 1 {
        0 => String::new(),
        others => format!("; and {others} more differ"),
    };
    bail!("trained again, step {from} does not lead to step {to} as it was saved: {first}{more}");
}

/// The newest sound checkpoint, and the newest sound one that the run had saved before it.
fn last_two(folder: &Folder) -> Result<(Checkpoint, Checkpoint)> {
    let (newest, report) = folder.latest()?;
    if !report.rejected.is_empty() {
        say(format_args!("warning: {report}"));
    }
    let none = || format!("{} holds no two checkpoints to prove anything with", folder.dir().display());
    let newest = newest.with_context(none)?;
    let listing = folder.list()?;
    let mut key = Key::of_file(newest.path());
    while let Some(entry) = key.and_then(|key| listing.before(key)) {
        match folder.open(entry.key) {
            Ok(before) => return Ok((before, newest)),
            Err(error) => say(format_args!("warning: refused {error}")),
        }
        key = Some(entry.key);
    }
    bail!(none())
}

fn the_same(proof: &Proof, from: &Checkpoint, to: &Checkpoint, seconds: f64) -> String {
    let Proof { arrays, numbers, from: first, to: last, .. } = proof;
    format!(
        "the same bits: steps {} to {last} trained again in {seconds:.1} s, from {} to {}; {numbers} numbers in {arrays} arrays \
         of the model and the optimizer, and the history, are as saved\n",
        first + 1,
        name(from),
        name(to),
    )
}

fn name(checkpoint: &Checkpoint) -> String {
    checkpoint.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn as_json(proof: &Proof, from: &Checkpoint, to: &Checkpoint, seconds: f64) -> Value {
    let difference = |difference: &Difference| match difference {
        Difference::Array { name, numbers, first, saved, found, ulps } => json!({
            "array": name, "numbers": numbers, "first": first, "saved": saved, "found": found, "ulps": ulps,
        }),
        Difference::Record { step } => json!({ "record_of_step": step }),
    };
    json!({
        "same": proof.differences.is_empty(), "from": from.path(), "to": to.path(), "from_step": proof.from,
        "to_step": proof.to, "arrays": proof.arrays, "numbers": proof.numbers, "seconds": seconds,
        "differences": proof.differences.iter().map(difference).collect::<Vec<_>>(), "reasons": proof.reasons,
    })
}
