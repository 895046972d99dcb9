//! `report`: the page of a run, written again from its folder, or of several.

use crate::args::Report as ReportArgs;
use crate::data_args::ClassWeights;
use crate::folder::{RunFolder, checkpoints_in, must_be_no_runs};
use crate::same_run::Rows;
use crate::saved;
use crate::source::Source;
use crate::story::{Kept, Story, outcome};
use crate::train::Job;
use crate::{closing, line, same_run};
use anyhow::{Context, Result};
use highwater_report::{Compared, Comparison, Outcome, Page, read_history, reconstruct};
use highwater_trainer::{Record, Report, Scores};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A run as its folder tells it.
fn of_folder(root: &Path) -> Result<(Job, Report)> {
    let folder = RunFolder::open(root)?;
    let config = folder.config()?;
    let kept = folder.best()?;
    let (model, preparation) = saved::load(&kept)?;
    let source = Source::of_run(&config, &preparation, folder.root())?;
    let (step, select) = (kept.facts().step, config.training.select);
    let place = |history: &[Record]| history.iter().position(|record| record.step == step);
    let file = read_history(folder.history_file());
    let history = match &file {
        Ok(history) if place(history).is_some() => history.clone(),
        // What a power failure took from the file, or who knows who took it all, a checkpoint has.
        _ => {
            let newest = checkpoints_in(folder.checkpoints()).latest().ok().and_then(|(newest, _)| newest);
            let saved = highwater_trainer::history(newest.as_ref().unwrap_or(&kept))?;
            if place(&saved).is_some() { saved } else { file? }
        }
    };
    // A better one may be lost, or was never saved.
    let best = place(&history).filter(|place| history[*place].observation(select).value.is_finite());
    let report = Report { best, ..reconstruct(history, &config.training) };
    let data = source.datasets(&preparation)?;
    let rows = Rows::of(&data);
    same_run::check_rows(&kept, &source, &rows)?;
    Ok((Job { folder, config, source, preparation, data, rows, model }, report))
}

/// `report`: the page of a run, or of several.
pub(crate) fn report(args: &ReportArgs) -> Result<()> {
    args.out.as_deref().map_or(Ok(()), must_be_no_runs)?;
    match (&args.runs[..], &args.out) {
        ([run], out) => {
            let (job, report) = of_folder(run)?;
            let path = out.clone().unwrap_or_else(|| job.folder.report_file());
            let (story, kept) = (Story::of(&job)?, Kept::of(&job, job.config.data.class_weights));
            let write = |outcome: &Outcome<'_>| {
                Page { about: &story.about(), report: &report, outcome, refresh: None }.write(&path)
            };
            outcome(&job, &report, &kept, write)??;
            match args.json {
                true => line(as_json(&job, &report, &kept, &path)),
                false => line(path.display()),
            }
        }
        (runs, out) => compare(runs, out.as_deref().unwrap_or(Path::new("comparison.html")), args.json),
    }
}

/// What training tells, as far as the folder does; how long saving took is not known any more.
fn as_json(job: &Job, report: &Report, kept: &Kept, page: &Path) -> Value {
    let mut value = closing::as_json(job, report, kept);
    value.as_object_mut().into_iter().for_each(|object| _ = object.remove("saving"));
    value["page"] = json!(page);
    value
}

fn compare(runs: &[PathBuf], out: &Path, is_json: bool) -> Result<()> {
    struct Told {
        name: String,
        story: Story,
        report: Report,
        kept: Kept,
    }
    let (mut told, mut lines, mut is_balanced) = (Vec::new(), Vec::new(), false);
    for run in runs {
        let (job, report) = of_folder(run).with_context(|| format!("cannot compare {}", run.display()))?;
        let name = run.display().to_string();
        // What is compared must be measured alike: each row counts the same.
        let kept = Kept::of(&job, ClassWeights::None);
        is_balanced |= job.config.data.is_balanced();
        lines.push(as_json(&job, &report, &kept, out));
        told.push(Told { name, story: Story::of(&job)?, kept, report });
    }
    let scores: Vec<Vec<(&str, &Scores)>> = told.iter().map(|run| run.kept.named()).collect();
    let compared = told.iter().zip(&scores).map(|(run, scores)| {
        let Told { name, story, report, kept } = run;
        Compared { name, about: story.about(), report, scores, note: kept.note.as_deref() }
    });
    let remark = if is_balanced {
        "In the losses of this table each row counts the same, also of runs that were trained with balanced classes; in \
         their curves each class does."
    } else {
        ""
    };
    Comparison { runs: &compared.collect::<Vec<_>>(), remark }.write(out)?;
    match is_json {
        true => lines.iter().try_for_each(line),
        false => line(out.display()),
    }
}
