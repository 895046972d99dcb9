//! `checkpoints import`: a run that begins with the weights of another program.

use crate::args::Import;
use crate::called::HIGHWATER;
use crate::config::RunConfig;
use crate::folder::RunFolder;
use crate::refit::{ALL_ROWS, TRAINED_ON, write_final};
use crate::{line, saved};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::{Checkpoint, Dtype, Snapshot, Store};
use highwater_data::{Preparation, PreparationV2, Target};
use highwater_nn::{Init, Model};
use highwater_trainer::{begin, import_model};
use serde_json::json;
use std::path::PathBuf;

pub(super) fn run(args: &Import) -> Result<()> {
    let like = RunFolder::open(&args.like)?;
    let config = like.config()?;
    let imported = Imported::of(&like, args)?;
    // The folder comes last: a mistake leaves nothing behind.
    let folder = RunFolder::create(args.out.clone())?;
    let store = folder.take()?;
    let saved = imported.save(&folder, &config, store);
    if saved.is_err() {
        folder.withdraw();
    }
    let saved = saved?;
    let Imported { model, all_rows, prepared_as, passed_over, .. } = imported;
    let parameters = model.parameters().len();
    if args.json {
        return line(json!({
            "run": args.out, "checkpoint": saved, "parameters": parameters,
            "trained_on_all_rows": all_rows, "prepared_as": prepared_as,
            "passed_over": passed_over.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        }));
    }
    if !passed_over.is_empty() {
        let list: Vec<String> = passed_over.iter().map(|(name, dtype)| format!("{name} ({dtype})")).collect();
        line(format_args!("passed over, as the model has none of them: {}", list.join(", ")))?;
    }
    let (root, file) = (args.out.display(), args.file.display());
    if all_rows {
        return line(format_args!(
            "{root}: a model of {parameters} parameters from {file}, prepared as {prepared_as}\n\n\
             It has been trained on all rows, which leaves no rows of the run to score it on.\n\n\
             Next\n  \
             {HIGHWATER} predict {root} --data NEW.csv   use it\n  \
             {HIGHWATER} evaluate {root} --data NEW.csv  score it, where the answers are known"
        ));
    }
    line(format_args!(
        "{root}: a run at step 0, {parameters} parameters from {file}, prepared as {prepared_as}\n\n\
         Next\n  \
         {HIGHWATER} evaluate {root}                score it, if its weights have not seen the test rows\n  \
         {HIGHWATER} predict {root} --data NEW.csv  use it\n  \
         {HIGHWATER} resume {root}                  train it further"
    ))
}

/// A model with the weights of a file.
struct Imported {
    model: Model<f32>,
    preparation: Preparation,
    /// Whether it has been trained on the rows that are held out to measure it, too.
    all_rows: bool,
    /// Where the preparation comes from.
    prepared_as: String,
    /// Arrays of the file that the model does not need.
    passed_over: Vec<(String, Dtype)>,
}

impl Imported {
    /// With the preparation that the file has in it; without one, with that of the run's kept model, or, if the weights
    /// do not fit that, of the model of all rows, whose data may have further columns or categories.
    fn of(like: &RunFolder, args: &Import) -> Result<Imported> {
        if args.file.is_dir() {
            bail!("{} is a folder: name a file, such as the best.safetensors of a run", args.file.display());
        }
        let file = Checkpoint::import(&args.file)?;
        let shown = args.file.display();
        let kept = like.has_kept().then(|| like.best()).transpose()?;
        let kept = kept.as_ref().map(saved::load).transpose()?;
        if let Some(preparation) = preparation(&file)? {
            let measured = kept.is_some_and(|(_, kept)| kept == preparation);
            let columns = |of: &Preparation| -> Vec<String> {
                of.targets().iter().map(|target: &Target| target.column.clone()).collect()
            };
            let config = like.config()?;
            let (there, here) = (columns(&preparation), config.data.target.list());
            if there != here {
                bail!(
                    "{shown} is of a model that predicts {}, and {} predicts {}: name a run of the same data with --like",
                    there.join(", "),
                    args.like.display(),
                    here.join(", ")
                );
            }
            let network = config.model.network(&preparation);
            let mut model = Model::new(network, Init::Constant { value: 0.0 }, 0)?;
            let passed_over = import_model(&file, &mut model, &args.rename)?;
            let label = file.metadata().get(TRAINED_ON).or(file.facts().labels.get(TRAINED_ON));
            let all_rows = !measured || label.is_some_and(|label| label == ALL_ROWS);
            let prepared_as = "the file says".to_owned();
            return Ok(Imported { model, preparation, all_rows, prepared_as, passed_over });
        }
        let mut refused = None;
        if let Some((mut model, preparation)) = kept {
            match import_model(&file, &mut model, &args.rename) {
                Ok(passed_over) => {
                    let prepared_as = "in the kept model".to_owned();
                    return Ok(Imported { model, preparation, all_rows: false, prepared_as, passed_over });
                }
                Err(error) => refused = Some(error),
            }
        }
        let (mut model, preparation) = saved::load(&like.model()?)?;
        let passed_over =
            import_model(&file, &mut model, &args.rename).map_err(|error| refused.unwrap_or(error))?;
        let prepared_as = "in final.safetensors".to_owned();
        Ok(Imported { model, preparation, all_rows: true, prepared_as, passed_over })
    }

    /// Makes a run of it; where the model is. It is written first: by its configuration alone a run would begin anew.
    fn save(&self, folder: &RunFolder, config: &RunConfig, mut store: Store) -> Result<PathBuf> {
        let Imported { model, preparation, all_rows, .. } = self;
        if *all_rows {
            let labels = [(TRAINED_ON, ALL_ROWS)];
            let snapshot = Snapshot { labels: &labels, ..Snapshot::default() };
            write_final(folder, model, preparation, config, &snapshot)?;
            folder.write_config(config)?;
            // There will be none: what the run is tells that it has no model of its own.
            drop(store);
            folder.without_checkpoints();
            return Ok(folder.final_file());
        }
        let sections = saved::sections(preparation, model.network(), config)?;
        let saved = begin(model, &config.training, &mut store, &sections)?;
        folder.write_config(config)?;
        Ok(saved.path)
    }
}

/// How the data of a file's model are prepared, if `checkpoints export` or a run has written it.
fn preparation(file: &Checkpoint) -> Result<Option<Preparation>> {
    if file.sections().any(|name| name == saved::PREPARATION) {
        return Ok(Some(saved::load(file)?.1));
    }
    let Some(text) = file.metadata().get(saved::PREPARATION) else { return Ok(None) };
    let wrong = || format!("{}: `preparation` in its metadata cannot be read", file.path().display());
    // An earlier version may have written it.
    let earlier = || serde_json::from_str::<PreparationV2>(text).map(Preparation::from);
    serde_json::from_str(text).or_else(|error| earlier().map_err(|_| error)).map(Some).with_context(wrong)
}
