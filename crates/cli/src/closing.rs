//! What is said when a run has ended.

use crate::args::SplitName;
use crate::called::HIGHWATER;
use crate::evaluate;
use crate::saved::{CALMER, ran_away};
use crate::story::{Kept, measured_on};
use crate::train::Job;
use highwater_report::{Count, Summary};
use highwater_trainer::{Ended, Report, Saves, Score};
use serde_json::{Map, Value, json};

/// For people: how it ended, what is kept, and what to do next.
pub(crate) fn text(job: &Job, report: &Report, resumed_at: Option<u64>, kept: &Kept) -> String {
    let (folder, root) = (job.folder.root().display().to_string(), job.folder.quoted());
    let split = match job.source.parts().next() {
        None | Some(SplitName::Test) => String::new(),
        Some(part) => format!(" --split {}", part.name()),
    };
    let evaluate = format!("{HIGHWATER} evaluate {root}{split}");
    let predict = format!("{HIGHWATER} predict {root} --data NEW.csv");
    let resume = format!("{HIGHWATER} resume {root}");
    let further = format!("{resume} --epochs {}", report.epoch_limit.saturating_mul(2));
    let rows = Count(job.source.all().len() as u64);
    let of_all = format!("the same network trained on all {rows} rows; predict uses it");
    let mut files = Vec::new();
    if report.best.is_some() {
        files.push(("best.safetensors", "the kept model; any safetensors reader opens it"));
    }
    if job.refits(report) {
        files.push(("final.safetensors", &of_all));
    }
    files.extend([
        ("report.html", "curves and tables; open it in a browser"),
        ("history.csv", "every validation"),
        ("checkpoints/", "to resume from"),
    ]);
    let mut next = match ran_away(&job.model, &report.history) {
        true => Vec::new(),
        false => vec![(evaluate.as_str(), "score it again"), (predict.as_str(), "use it")],
    };
    match report.ended {
        Ended::Interrupted => next.insert(0, (&resume, "go on where it stopped")),
        Ended::EpochLimit => next.push((&further, "train on")),
        Ended::Stopped(_) => {}
    }
    Summary {
        report,
        select: job.config.training.select,
        measured_on: measured_on(&job.source),
        resumed_at,
        scores: &kept.named(),
        note: kept.note.as_deref(),
        folder: &folder,
        files: &files,
        next: &next,
    }
    .to_string()
}

/// Why no model was chosen, and what helps.
pub(crate) fn none_chosen(select: Score) -> String {
    let remedy = match select {
        Score::Loss => CALMER.replacen('T', "t", 1),
        Score::Metric(_) => "choose another score, for instance --select loss".to_owned(),
    };
    format!("no model could be chosen, since no {select} was finite: {remedy}")
}

/// For `--json`: one object.
pub(crate) fn as_json(job: &Job, report: &Report, kept: &Kept) -> Value {
    let mut object = Map::new();
    object.insert("run".into(), json!(job.folder.root()));
    object.insert("ended".into(), report.ended.to_string().into());
    object.insert("interrupted".into(), (report.ended == Ended::Interrupted).into());
    object.insert("epochs".into(), report.epochs.into());
    object.insert("steps".into(), report.steps.into());
    object.insert("best_epoch".into(), json!(report.best().map(|record| record.epoch)));
    object.insert("training_s".into(), json!(report.elapsed));
    let Saves { written, superseded, failed, took, longest, stalled, finishing, training } = report.saves;
    object.insert(
        "saving".into(),
        json!({
            "written": written, "superseded": superseded, "failed": failed, "took_s": took,
            "longest_s": longest, "stalled_s": stalled, "finishing_s": finishing, "training_s": training,
        }),
    );
    for (name, scores) in kept.named() {
        object.insert(name.into(), evaluate::as_json(scores).into());
    }
    object.insert("note".into(), json!(kept.note));
    Value::Object(object)
}
