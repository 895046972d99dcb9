//! `checkpoints import`: a run that begins with the weights of another program.

use crate::args::Import;
use crate::folder::RunFolder;
use crate::{line, source};
use anyhow::Result;
use highwater_checkpoint::{Checkpoint, Store};
use highwater_data::Preparation;
use highwater_nn::Model;
use highwater_trainer::{begin, import_model};
use serde_json::json;

pub(super) fn run(args: &Import) -> Result<()> {
    let like = RunFolder::open(&args.like)?;
    let config = like.config()?;
    let (model, preparation) = with_weights(&like, args)?;
    // The folder comes last: a mistake leaves nothing behind.
    let folder = RunFolder::create(args.out.clone())?;
    folder.write_config(&config)?;
    let mut store = Store::open(folder.checkpoints())?;
    let sections = source::sections(&preparation, model.network(), &config)?;
    let saved = begin(&model, &config.training, &mut store, &sections)?;
    let root = args.out.display();
    if args.json {
        return line(
            json!({ "run": args.out, "checkpoint": saved.path, "parameters": model.parameters().len() }),
        );
    }
    line(format_args!(
        "{root}: a run at step 0, {} parameters from {}\n\nNext\n  \
         cargo xtask evaluate {root}                score it\n  \
         cargo xtask predict {root} --data NEW.csv  use it\n  \
         cargo xtask resume {root}                  train it further",
        model.parameters().len(),
        args.file.display()
    ))
}

/// The run's kept model with the weights of the file, or, if they do not fit, the model that was trained on all rows:
/// with them its data may have further columns or categories.
fn with_weights(like: &RunFolder, args: &Import) -> Result<(Model<f32>, Preparation)> {
    let file = Checkpoint::import(&args.file)?;
    let (mut model, preparation) = source::load(&like.best()?)?;
    let Err(error) = import_model(&file, &mut model, &args.rename) else { return Ok((model, preparation)) };
    let (mut model, preparation) = source::load(&like.model()?)?;
    match import_model(&file, &mut model, &args.rename) {
        Ok(()) => Ok((model, preparation)),
        Err(_) => Err(error.into()),
    }
}
