//! `predict`: the target for each row of a table.

use crate::args::{Answer, Predict};
use crate::folder::{RunFolder, must_be_no_runs};
use crate::remarks::Strange;
use crate::{line, saved, say, source, unfinished};
use anyhow::{Context, Result, bail};
use highwater_autodiff::{Feed, Mode, Program, Workspace};
use highwater_checkpoint::Replacement;
use highwater_data::{Dialect, Preparation, Scale, Table, TableReader};
use highwater_nn::Model;
use ndarray::Array2;
use serde_json::json;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Rows that are read and answered at a time.
const ROWS: usize = 4096;
/// With more than so many decimals, a number is written with a power of ten.
const MOST_DECIMALS: f64 = 30.0;

pub(crate) fn run(args: &Predict) -> Result<()> {
    let target = args.out.as_deref();
    target.map_or(Ok(()), must_be_no_runs)?;
    let folder = RunFolder::open(&args.run)?;
    let checkpoint = folder.model()?;
    let (model, preparation) = saved::usable(&checkpoint)?;
    let config = folder.config()?;
    let read = source::dialect(&config.data, &preparation);
    let optional = preparation.targets().iter().map(|target| target.column.clone()).collect();
    let read = Dialect { optional, ..read };
    let shown = args.data.display().to_string();
    let mut reader = match () {
        () if args.data == Path::new("-") => TableReader::live("standard input", io::stdin().lock(), &read)?,
        () if source::is_pipe(&args.data) => {
            let pipe = File::open(&args.data).with_context(|| format!("cannot read {shown}"))?;
            TableReader::live(shown, pipe, &read)?
        }
        () => TableReader::open(&args.data, &read)?,
    };
    let mut answers = Answers::new(&model, &preparation, args)?;
    // What is wrong with the first rows shows before a file is made.
    let mut rows = reader.next_rows(ROWS)?;
    let first = rows.as_ref().map(|table| answers.to(table)).transpose()?;
    if let Some(out) = target
        && source::is_same_file(out, &args.data)
    {
        bail!("--out {} is the file to predict for, which must stay: name another one", out.display());
    }
    let name = target.map_or_else(|| "standard output".to_owned(), |path| path.display().to_string());
    let failed = || format!("cannot write {name}");
    let mut written = target.map(Replacement::of).transpose().with_context(failed)?;
    let mut text = first.unwrap_or_default();
    let (mut count, mut strange) = (0, Strange::new(&preparation));
    while let Some(table) = &rows {
        count += table.rows();
        if !args.quiet {
            strange.take(table, &(0..table.rows()).collect::<Vec<_>>());
        }
        let outcome = match &mut written {
            Some(replacement) => replacement.write_all(text.as_bytes()),
            None => print(text.as_bytes()),
        };
        match outcome {
            // Nobody listens any more.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe && target.is_none() => return Ok(()),
            other => other.with_context(failed)?,
        }
        rows = reader.next_rows(ROWS)?;
        if let Some(table) = &rows {
            text = answers.to(table)?;
        }
    }
    if let Some(replacement) = written {
        replacement.finish().with_context(failed)?;
    }
    strange.told().for_each(say);
    if !args.quiet {
        unfinished::note_of_model(&folder, &config, &checkpoint).iter().for_each(say);
    }
    match target {
        Some(out) if args.json => line(json!({ "rows": count, "out": out })),
        Some(out) if !args.quiet => {
            let rows = if count == 1 { "row" } else { "rows" };
            say(format_args!("{}: answers to {count} {rows}", out.display()));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush())
}

/// Turns rows into lines of CSV.
struct Answers<'a> {
    model: &'a Model<f32>,
    preparation: &'a Preparation,
    write: Answer,
    keep: &'a [String],
    program: Program,
    ws: Workspace<f32>,
    outputs: Vec<f32>,
    begun: bool,
}

impl<'a> Answers<'a> {
    fn new(model: &'a Model<f32>, preparation: &'a Preparation, args: &'a Predict) -> Result<Answers<'a>> {
        let (write, keep) = (args.write, &args.keep);
        if matches!(write, Answer::Classes | Answer::Probabilities) && preparation.class_names().is_empty() {
            bail!(
                "--write classes and --write probabilities are for classes, and this model predicts numbers"
            );
        }
        let program = model.compile_forward();
        let ws = program.workspace(ROWS);
        let outputs = vec![0.0; ROWS * model.network().outputs()];
        Ok(Answers { model, preparation, write, keep, program, ws, outputs, begun: false })
    }

    /// The answers to the rows of a table, and before the first the header.
    fn to(&mut self, table: &Table) -> Result<String> {
        let rows: Vec<usize> = (0..table.rows()).collect();
        let features = self.preparation.features(table, &rows)?;
        let kept = self.keep.iter().map(|name| table.column(name)).collect::<Result<Vec<_>, _>>()?;
        let kept = |row: usize| kept.iter().map(move |column| column.get(row).to_owned());
        if self.write == Answer::Inputs {
            return self.inputs(&features, kept);
        }
        self.program.forward(&mut self.ws, self.model.values(), &[Feed::from(&features)], Mode::Evaluate);
        let width = self.model.network().outputs();
        let outputs = &mut self.outputs[..rows.len() * width];
        self.ws.copy_output(0, outputs);
        let mut writer = csv::Writer::from_writer(Vec::new());
        let names = self.preparation.class_names();
        let (classes, probabilities) = (self.write != Answer::Probabilities, self.write != Answer::Classes);
        if !self.begun {
            // The truth may stand beside it.
            let answer = |column: &String| match self.keep.contains(column) {
                true => format!("predicted_{column}"),
                false => column.clone(),
            };
            let targets = self.preparation.targets().iter().map(|target| answer(&target.column));
            let probability = names.iter().map(|name| format!("probability_{name}"));
            let answer = targets.filter(|_| names.is_empty() || classes);
            let answer = answer.chain(probability.filter(|_| probabilities));
            writer.write_record(self.keep.iter().cloned().chain(answer))?;
            self.begun = true;
        }
        let units = self.preparation.units();
        for (row, outputs) in outputs.chunks_exact(width).enumerate() {
            if names.is_empty() {
                let values = outputs.iter().zip(&units).map(|(value, unit)| written(*value, *unit));
                writer.write_record(kept(row).chain(values))?;
                continue;
            }
            let p = softmax(outputs.iter().map(|&z| f64::from(z)));
            // Of equals the first.
            let best = (0..p.len()).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0);
            let best = [names[best].clone()].into_iter().filter(|_| classes);
            let p = p.iter().map(|p| format!("{p:.6}")).filter(|_| probabilities);
            writer.write_record(kept(row).chain(best).chain(p))?;
        }
        text(writer)
    }

    /// What the network is given, with all digits, and before it the cells that are kept of a row.
    fn inputs<C: Iterator<Item = String>>(
        &mut self,
        features: &Array2<f32>,
        kept: impl Fn(usize) -> C,
    ) -> Result<String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        if !self.begun {
            writer.write_record(self.keep.iter().cloned().chain(self.preparation.input_names()))?;
            self.begun = true;
        }
        for (row, inputs) in features.rows().into_iter().enumerate() {
            writer.write_record(kept(row).chain(inputs.iter().map(ToString::to_string)))?;
        }
        text(writer)
    }
}

fn text(writer: csv::Writer<Vec<u8>>) -> Result<String> {
    let bytes = writer.into_inner().context("cannot finish the table of predictions")?;
    Ok(String::from_utf8(bytes)?)
}

/// A value in the unit of the table, with the digits that a 32-bit output has: its seventh decimal, in units of the
/// deviation.
fn written(output: f32, unit: Scale) -> String {
    let decimals = 7.0 - unit.sd.log10().floor();
    if decimals > MOST_DECIMALS {
        return format!("{:e}", unit.invert(output));
    }
    let decimals = decimals.max(0.0) as usize;
    let text = format!("{:.decimals$}", unit.invert(output));
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

fn softmax(logits: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
    let max = logits.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.clone().map(|z| (z - max).exp()).sum();
    logits.map(|z| (z - max).exp() / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_digits_that_they_are_worth() {
        for (output, mean, sd, text) in [
            (1.5, 377404.625, 148377.326, "599970.61"),
            (0.0, 10.0, 2.0, "10"),
            (-0.125, 1e9, 1.0, "999999999.875"),
            (1.0, 0.0, 2.5e-6, "0.0000025"),
            (1.0, 0.0, 3e20, "300000000000000000000"),
            (1.0, 0.0, 2.5e-34, "2.5e-34"),
            (f32::NAN, 0.0, 1.0, "NaN"),
        ] {
            assert_eq!(written(output, Scale { mean, sd }), text);
        }
    }

    #[test]
    fn probabilities_of_huge_logits_are_finite_and_sum_to_one() {
        let p = softmax([1e4, 1e4 - 1.0, -1e4].into_iter());
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((p[0] / p[1] - 1f64.exp()).abs() < 1e-9 && p[2] == 0.0);
    }
}
