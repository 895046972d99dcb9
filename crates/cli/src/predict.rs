//! `predict`: the target for each row of a CSV file.

use crate::args::Predict;
use crate::folder::RunFolder;
use crate::print;
use crate::source;
use anyhow::{Context, Result, bail};
use highwater_data::{Preparation, Table, TargetKind};
use highwater_nn::Model;
use std::fs;

pub(crate) fn run(args: &Predict) -> Result<()> {
    let folder = RunFolder::open(&args.run)?;
    let (model, preparation) = source::load(&folder.best()?)?;
    let table = Table::read_csv(&args.data)?;
    if let Some(out) = &args.out
        && fs::canonicalize(out).is_ok_and(|out| fs::canonicalize(&args.data).is_ok_and(|data| data == out))
    {
        bail!("--out {} is the file to predict for, which must stay", out.display());
    }
    let text = predictions(&model, &preparation, &table)?;
    match &args.out {
        Some(path) => fs::write(path, text).with_context(|| format!("cannot write {}", path.display())),
        None => print(text),
    }
}

/// For classes the likeliest one, named as the target column, and the probability of each; for a value the value.
fn predictions(model: &Model<f32>, preparation: &Preparation, table: &Table) -> Result<String> {
    let rows: Vec<usize> = (0..table.rows()).collect();
    let outputs = model.predict(preparation.features(table, &rows)?.view());
    let mut writer = csv::Writer::from_writer(Vec::new());
    let target = &preparation.target().column;
    match &preparation.target().kind {
        TargetKind::Classes(names) => {
            let probability = names.iter().map(|name| format!("probability_{name}"));
            writer.write_record([target.clone()].into_iter().chain(probability))?;
            for logits in outputs.rows() {
                let probabilities = softmax(logits.iter().map(|&z| f64::from(z)));
                let best = (0..names.len()).max_by(|&a, &b| {
                    probabilities[a].total_cmp(&probabilities[b]).then(b.cmp(&a)) // of equals the first
                });
                let best = names[best.expect("there are at least two classes")].clone();
                let shown = probabilities.iter().map(|p| format!("{p:.6}"));
                writer.write_record([best].into_iter().chain(shown))?;
            }
        }
        TargetKind::Value(scale) => {
            writer.write_record([target])?;
            for output in outputs.iter() {
                writer.write_record([scale.invert(*output).to_string()])?;
            }
        }
    }
    let bytes = writer.into_inner().context("cannot finish the table of predictions")?;
    Ok(String::from_utf8(bytes)?)
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
    fn probabilities_of_huge_logits_are_finite_and_sum_to_one() {
        let p = softmax([1e4, 1e4 - 1.0, -1e4].into_iter());
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-15);
        assert!((p[0] / p[1] - 1f64.exp()).abs() < 1e-9 && p[2] == 0.0);
    }
}
