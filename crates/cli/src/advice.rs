//! What to do about an error, in the words of the command line.

use crate::args::Job;
use crate::repeat::flag;
use highwater_data::{Error, Misfits};
use highwater_report::Error as Report;
use std::borrow::Cow;

/// The flags that mend what is wrong with a file, where the error does not say so in its own words.
pub(crate) fn of(error: &anyhow::Error, job: &Job) -> Cow<'static, str> {
    match error.downcast_ref() {
        Some(highwater_checkpoint::Error::NotACheckpoint { is_safetensors: true, .. }) => {
            return " (of another program? `checkpoints import` makes a run of its weights)".into();
        }
        Some(highwater_checkpoint::Error::Locked { .. }) => {
            return " (wait for it, or end it: on Ctrl-C or SIGTERM it saves first)".into();
        }
        _ => {}
    }
    match error.downcast_ref() {
        Some(Report::NoColumn { .. } | Report::Ambiguous { .. }) => return " (--validation NAME)".into(),
        Some(Report::Goal { .. }) => return " (--goal minimize or --goal maximize)".into(),
        _ => {}
    }
    let flags = match error.downcast_ref() {
        Some(Error::Fields { begins: Some(line), .. }) => {
            let above = line - 1;
            return format!(" (--skip-lines {above} if the table begins on line {line}, --delimiter NAME)")
                .into();
        }
        Some(Error::Fields { .. }) => " (--skip-lines N, --delimiter NAME)",
        Some(Error::UnknownColumn { has_header: false, .. }) => {
            "; its first line was taken for values (--header yes if it names the columns)"
        }
        // The one that R writes names of rows into has none.
        Some(Error::UnknownColumn { has_header: true, instead, .. })
            if instead.matches("\"column_").count() > 1 =>
        {
            "; if other lines are above the names: --skip-lines N"
        }
        Some(
            Error::UnknownColumn { has_header: true, instead, .. } | Error::MissingInput { instead, .. },
        ) if instead.split('"').skip(1).step_by(2).any(|name| name.parse::<f64>().is_ok()) => {
            "; its first line was taken for names: if it has values, write the names above it"
        }
        Some(Error::NotUtf8 { .. }) => ", or convert it: iconv -f CP1252 -t UTF-8 FILE > NEW.csv",
        Some(Error::DuplicateColumn { .. }) => {
            "; if names are on several lines: --skip-lines N --names NAME,NAME,…, N being the number of these lines"
        }
        Some(Error::NotANumber(misfits) | Error::NotYesOrNo(misfits)) => {
            return of_misfits(misfits, job, "").into();
        }
        Some(Error::NotAsOthers { misfits, like }) => {
            let dates = if like.contains("date") { "; of dates, dmy or mdy says what is first" } else { "" };
            return of_misfits(misfits, job, dates).into();
        }
        Some(Error::NoUsableInputs { .. }) => " (--column NAME=KIND)",
        _ => "",
    };
    flags.into()
}

/// What to do about cells that are not what their column needs; `besides` is for its other kinds.
fn of_misfits(misfits: &Misfits, job: &Job, besides: &str) -> String {
    let Job::Train(args) = job else {
        return " (what is empty is a missing value, as in training)".to_owned();
    };
    let Misfits { at, text, lines, texts, other_texts } = misfits;
    if at.line == 1 {
        return "; if the first line is no part of the table: --skip-lines 1, if it names the columns: --header yes"
            .to_owned();
    }
    // A long text is no sign of anything.
    let is_sign = |text: &str| text.len() <= 40 && !text.contains(char::is_control);
    let signs = || [text].into_iter().chain(texts.iter());
    let missing = match *other_texts == texts.len() && signs().all(|text| is_sign(text)) {
        true => {
            let flags = signs().map(|text| flag("missing", &format!("{}={text}", at.column)));
            flags.collect::<Vec<_>>().join(" ")
        }
        false => "--missing TEXT for each".to_owned(),
    };
    let names = match args.target.contains(&at.column) {
        true => "--task classification".to_owned(),
        false => flag("column", &format!("{}=category", at.column)),
    };
    let line = at.line;
    let units = match at.is_first && line < 30 && lines.is_empty() && !text.starts_with(char::is_numeric) {
        true => format!(
            "; if line {line} says more about the columns, such as units: --skip-lines {line} --names NAME,NAME,…"
        ),
        false => String::new(),
    };
    let them = if lines.is_empty() { "it" } else { "them" };
    format!(" ({missing} takes {them} for missing, {names} takes the column for names{besides}){units}")
}
