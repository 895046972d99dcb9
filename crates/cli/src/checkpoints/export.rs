//! `checkpoints export`: a model for other programs.

use crate::args::{Export, Format};
use crate::called::HIGHWATER;
use crate::folder::{RunFolder, must_be_no_runs};
use crate::refit::TRAINED_ON;
use crate::{line, saved};
use anyhow::{Result, bail, ensure};
use clap::ValueEnum;
use highwater_checkpoint::{Checkpoint, durable};
use highwater_data::{Encoding, Preparation};
use highwater_nn::Model;
use highwater_nn::onnx::{Ending, Surroundings, encode};
use highwater_trainer::export_model;
use serde_json::json;
use std::fs;

pub(super) fn run(args: &Export) -> Result<()> {
    if args.out.is_dir() {
        bail!("--out {} is a folder: name the file to write", args.out.display());
    }
    must_be_no_runs(&args.out)?;
    // A link is to point to the new file.
    let out = fs::canonicalize(&args.out).unwrap_or_else(|_| args.out.clone());
    let by_name = || Format::from_str(args.out.extension()?.to_str()?, false).ok();
    let Some(to) = args.to.or_else(by_name) else {
        bail!("--out {} does not tell the kind of file: give --to", args.out.display());
    };
    let checkpoint = match args.checkpoint.is_dir() {
        true => RunFolder::open(&args.checkpoint)?.model()?,
        false => Checkpoint::open(&args.checkpoint)?,
    };
    let (model, preparation) = saved::load(&checkpoint)?;
    let (torch, classes) = (model.network().to_torch(), model.network().torch_classes());
    let bytes = match to {
        Format::Safetensors => {
            let step = checkpoint.facts().step.to_string();
            let prepared = serde_json::to_string(&preparation)?;
            let labels = [
                ("torch", torch.as_deref()),
                ("torch_classes", classes),
                ("step", Some(&step[..])),
                (saved::PREPARATION, Some(&prepared[..])),
                (TRAINED_ON, checkpoint.facts().labels.get(TRAINED_ON).map(String::as_str)),
            ];
            let labels: Vec<(&str, &str)> =
                labels.into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
            export_model(&model, &out, &labels)?
        }
        Format::Onnx => {
            let file = onnx(&model, &preparation)?;
            durable::replace(&out, &file)?;
            file.len() as u64
        }
    };
    if args.json {
        return line(json!({
            "file": args.out, "format": format!("{to:?}").to_lowercase(), "bytes": bytes,
            "from": checkpoint.path(), "step": checkpoint.facts().step, "torch": torch,
            "torch_classes": classes,
        }));
    }
    let out = fs::canonicalize(&out).unwrap_or(out);
    line(format_args!("{}: {bytes} bytes, of step {}", args.out.display(), checkpoint.facts().step))?;
    let (library, load) = match to {
        Format::Onnx => (
            "onnxruntime",
            format!("import onnxruntime\n  onnxruntime.InferenceSession({:?})", out.display().to_string()),
        ),
        Format::Safetensors => {
            let Some(torch) = &torch else {
                return line("the network has connections past layers, which torch.nn.Sequential has not");
            };
            let file = format!("safetensors.torch.load_file({:?})", out.display().to_string());
            let classes = classes.map_or_else(String::new, |text| text.replace('\n', "\n  ") + "\n  ");
            let imports = "import safetensors.torch, torch; from torch import nn";
            let load = format!(
                "{imports}\n  {classes}model = {torch}\n  model.load_state_dict({file}); model.eval()"
            );
            ("PyTorch", load)
        }
    };
    line(format_args!("in Python, with {library}:\n  {load}"))?;
    match to {
        Format::Safetensors => line(format_args!(
            "what it is to be given, for any rows: {HIGHWATER} predict RUN --data FILE --write inputs"
        )),
        Format::Onnx => Ok(()),
    }
}

/// How an input that is not standardised passes.
const AS_IT_IS: (f64, f64) = (0.0, 1.0);

/// The network, with what happens to data before and after it.
fn onnx(model: &Model<f32>, preparation: &Preparation) -> Result<Vec<u8>> {
    let mut columns = Vec::new();
    for input in preparation.inputs() {
        // Names and moments come as the numbers that stand for them; only plain numbers are standardised here.
        let (first, others) = match &input.encoding {
            Encoding::Number { scale, .. }
            | Encoding::Quantity { scale, .. }
            | Encoding::Boolean { scale, .. } => ((scale.mean, scale.sd), input.width() - 1),
            Encoding::Moment(_) | Encoding::OneHot(_) | Encoding::Embedded(_) => {
                (AS_IT_IS, input.width() - 1)
            }
        };
        columns.push(first);
        columns.extend(std::iter::repeat_n(AS_IT_IS, others));
    }
    ensure!(
        preparation.targets().len() == 1,
        "a model of several targets cannot be written as ONNX; --to safetensors takes any"
    );
    let names = serde_json::to_string(&preparation.input_names())?;
    let classes = serde_json::to_string(preparation.class_names())?;
    let prepared = serde_json::to_string(preparation)?;
    let target = preparation.target();
    let mut metadata =
        vec![("columns", &names[..]), ("target", &target.column[..]), (saved::PREPARATION, &prepared[..])];
    let ending = match target.kind.scale() {
        None => {
            metadata.push(("classes", &classes));
            Ending::Classes
        }
        Some(scale) => Ending::Values { mean: scale.mean, sd: scale.sd },
    };
    Ok(encode(model, &Surroundings { standardise: Some(&columns), ending, metadata: &metadata }))
}
