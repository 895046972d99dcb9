//! What may mislead: scores that are too good, numbers that are none, names that are one.

use super::{SHOWN, listed};
use crate::args::SplitName;
use crate::config::RunConfig;
use crate::repeat::{flag, quoted};
use crate::source::Source;
use highwater_data::{
    Column, Encoding, Kind, MixedDates, Oddity, Preparation, Sentinel, SplitBy, Table, Unfamiliar,
};
use highwater_report::Rounded;
use std::collections::BTreeMap;

/// What to think of before a score is believed.
pub(super) fn of(source: &Source, preparation: &Preparation, config: &RunConfig) -> Vec<String> {
    let mut remarks = Vec::new();
    for input in preparation.inputs() {
        if let Encoding::OneHot(categories) | Encoding::Embedded(categories) = &input.encoding {
            let what = format!("categories of {:?}", input.name);
            remarks.extend(alike(&categories.names, &what).take(SHOWN));
        }
    }
    remarks.extend(alike(preparation.class_names(), "classes"));
    remarks.extend(dated(source, preparation));
    remarks.extend(one_hot(source, preparation));
    remarks.extend(wide(source, preparation));
    // Of the built-in table there is nothing to be told.
    if config.data.file.is_some() {
        remarks.extend(numbered(preparation));
        remarks.extend(in_time(source, preparation, config));
        remarks.extend(in_groups(source, preparation, config));
        remarks.extend(totals(&source.table));
        remarks.extend(taken_for_another(source, preparation, config));
        remarks.extend(suspicions(source, preparation));
        remarks.extend(few_test_rows(source, config));
    }
    let held_out =
        [(&config.data.validation_file, SplitName::Validation), (&config.data.test_file, SplitName::Test)];
    for (_, part) in held_out.into_iter().filter(|(file, _)| file.is_some()) {
        let (table, rows) = source.part(part);
        remarks.extend(strange(preparation, table, rows));
    }
    remarks
}

/// Names that may be meant to be one; `what` says what they name.
fn alike(names: &[String], what: &str) -> impl Iterator<Item = String> {
    let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        spellings.entry(name.to_lowercase()).or_default().push(format!("{name:?}"));
    }
    spellings.into_values().filter(|names| names.len() > 1).map(move |names| {
        format!(
            "{} are different {what}: if they are one, write them alike in the file",
            listed(&names, SHOWN)
        )
    })
}

/// Whether the classes may be a quantity, such as stars or rooms. Fewer are codes, as a rule.
fn numbered(preparation: &Preparation) -> Option<String> {
    let (name, classes) = (&preparation.target().column, preparation.class_names());
    let is_said = ["class", "label"].iter().any(|word| name.eq_ignore_ascii_case(word));
    let is_number = |class: &String| class.parse::<f64>().is_ok();
    (classes.len() >= 5 && !is_said && classes.iter().all(is_number)).then(|| {
        format!(
            "classes: {name:?} has {} numbers (--task regression takes them for a quantity)",
            classes.len()
        )
    })
}

/// Whether the classes are rather amounts of time.
fn dated(source: &Source, preparation: &Preparation) -> Option<String> {
    let (name, classes) = (&preparation.target().column, preparation.class_names().len());
    let column = source.table.column(name).ok()?;
    let is_date = || Kind::infer(column, &source.split.train) == Kind::Date;
    (classes > 20 && is_date()).then(|| {
        format!(
            "dates: those of {name:?} are {classes} classes; if they are a quantity, write them as numbers (of days, of minutes)"
        )
    })
}

/// Whether the targets are rather one, with classes.
fn one_hot(source: &Source, preparation: &Preparation) -> Option<String> {
    let targets: Vec<String> =
        preparation.targets().iter().map(|target| format!("{:?}", target.column)).collect();
    preparation.is_one_hot(&source.table, &source.split.train).then(|| {
        format!(
            "one-hot: in each training row one of {} is 1 and the others are 0; they are learned as several numbers; to have \
             them learned as classes, write their names into a single column",
            listed(&targets, SHOWN)
        )
    })
}

/// Whether a few large values of a target are all that counts.
fn wide(source: &Source, preparation: &Preparation) -> Vec<String> {
    let wide = preparation.wide_targets(&source.table, &source.split.train);
    let remark = |(name, times): &(String, f64)| {
        format!(
            "wide: the largest value of {name:?} is {} times the median, so that little else counts; its logarithm may be \
             learned better",
            Rounded(*times)
        )
    };
    wide.iter().map(remark).collect()
}

/// Whether the rows follow each other in time and are divided by chance.
fn in_time(source: &Source, preparation: &Preparation, config: &RunConfig) -> Option<String> {
    let column = preparation.ordered_by(&source.table).filter(|_| is_by_chance(config))?;
    Some(format!(
        "in time: the rows are in the order of {column:?}; if later ones are to be predicted, test on such: --time {}",
        quoted(column)
    ))
}

/// Whether several rows are of one person or thing, and are divided by chance.
fn in_groups(source: &Source, preparation: &Preparation, config: &RunConfig) -> Option<String> {
    let column = preparation.grouped_by(&source.table).filter(|_| is_by_chance(config))?;
    Some(format!(
        "in groups: several rows have the same {column:?}; if rows of new ones are to be predicted, test on such: --group {}",
        quoted(column)
    ))
}

fn is_by_chance(config: &RunConfig) -> bool {
    matches!(config.data.split, SplitBy::Class | SplitBy::Random)
}

/// Whether the last row may be a sum of the others.
fn totals(table: &Table) -> Option<String> {
    const WORDS: [&str; 6] = ["total", "totals", "grand total", "sum", "summe", "gesamt"];
    let last = table.rows() - 1;
    let sums_up = |column: &&Column| {
        let text = column.get(last);
        let is_word = WORDS.contains(&&*text.trim_end_matches(':').to_lowercase());
        is_word && (0..last).all(|row| column.get(row) != text)
    };
    let column = table.columns().iter().find(sums_up)?;
    let (line, text) = (table.line(last), column.get(last));
    Some(format!(
        "line {line}, the last, is a row like the others; if {text:?} means their sum, take it out of the file"
    ))
}

/// What is taken for names, or for quantities, and may be something else.
fn taken_for_another(source: &Source, preparation: &Preparation, config: &RunConfig) -> Vec<String> {
    let (table, train) = (&source.table, &source.split.train);
    let is_said = |name: &str| config.data.columns.contains_key(name);
    let mut remarks = Vec::new();
    for (name, units) in preparation.mixed_units(table, train) {
        let units: Vec<String> = units.iter().map(|unit| format!("{unit:?}")).collect();
        remarks.push(format!(
            "mixed: the numbers of {name:?} are in several units ({}), and taken for names; write all in one unit to have them read",
            units.join(", ")
        ));
    }
    for MixedDates { column, dates, cells, format, line, text } in preparation.mixed_dates(table, train) {
        remarks.push(format!(
            "mixed: {dates} of {cells} cells of {column:?} are dates, but not all in one spelling (line {line}: {text:?}), so that \
             it is not taken for dates; write each as {} to have them read",
            format.example()
        ));
    }
    for (name, text, is_names) in preparation.codes(table, train) {
        let (taken, other, kind) = match is_names {
            true => ("names", "quantities", "number"),
            false => ("quantities", "names", "category"),
        };
        if !is_said(name) {
            let remedy = flag("column", &format!("{name}={kind}"));
            remarks.push(format!(
                "codes: the numbers of {name:?} have zeros before them, as {text:?}, and are taken for {taken}; if they are {other}: {remedy}"
            ));
        }
    }
    let amounts = preparation.short_amounts(table, train).into_iter();
    for (name, text) in amounts.filter(|(name, _)| !is_said(name)) {
        let is_target = preparation.targets().iter().any(|target| target.column == name);
        let number = if is_target {
            "--task regression".to_owned()
        } else {
            flag("column", &format!("{name}=number"))
        };
        remarks.push(format!(
            "amounts: those of {name:?}, such as {text:?}, are taken for names; if K is a thousand and M a million: {number}"
        ));
    }
    remarks
}

/// What may make scores too good, or numbers that are none.
fn suspicions(source: &Source, preparation: &Preparation) -> Vec<String> {
    let (table, split) = (&source.table, &source.split);
    let mut remarks = Vec::new();
    let mut far_off: BTreeMap<String, Vec<Sentinel>> = BTreeMap::new();
    for found in preparation.sentinels(table, &split.train) {
        far_off.entry(found.text.clone()).or_default().push(found);
    }
    for (text, found) in far_off {
        let columns: Vec<String> =
            found.iter().map(|Sentinel { column, rows, .. }| format!("{column:?} ({rows})")).collect();
        // Elsewhere it may be a number like others.
        let sign = match &found[..] {
            [Sentinel { column, .. }] => format!("--missing={column}={text}"),
            _ => format!("--missing={text}"),
        };
        remarks.push(format!(
            "far off: {text}, in training rows of {}, is far from all other numbers; if it means missing: {}",
            listed(&columns, SHOWN),
            quoted(&sign)
        ));
    }
    let telling = preparation.telling(table, &split.train);
    let target = &preparation.target().column;
    for name in telling.iter().take(SHOWN) {
        remarks.push(format!(
            "suspicious: {name:?} alone tells {target:?} in all training rows; if it is not known beforehand: --column {}",
            quoted(&format!("{name}=ignore"))
        ));
    }
    let parts = match &telling[..] {
        [] => preparation.parts_of_target(table, &split.train),
        _ => Vec::new(),
    };
    if let Some((last, others)) = parts.split_last() {
        let ignore = |name: &String| format!("--column {}", quoted(&format!("{name}=ignore")));
        let ignored: Vec<String> = parts.iter().map(ignore).collect();
        let others: Vec<String> = others.iter().map(|name| format!("{name:?}")).collect();
        remarks.push(format!(
            "suspicious: {} and {last:?} together tell {target:?} in all training rows; if they are not known beforehand: {}",
            others.join(", "),
            ignored.join(" ")
        ));
    }
    let held_out = source.parts().next().filter(|part| *part != SplitName::Train);
    if let Some(part) = held_out {
        let rows = source.part(part);
        let repeated = preparation.repeated(source.part(SplitName::Train), rows);
        if repeated > 0 && 10 * repeated >= rows.1.len() {
            let same =
                if repeated == 1 { "is the same as a training row" } else { "are the same as training rows" };
            let (all, part) = (rows.1.len(), part.name());
            remarks.push(format!(
                "repeated: {repeated} of {all} {part} rows {same}; scores on new rows may be lower"
            ));
        }
    }
    remarks
}

/// Whether the score of the test rows is rather one of chance.
fn few_test_rows(source: &Source, config: &RunConfig) -> Option<String> {
    let rows = source.part(SplitName::Test).1.len();
    let chosen = config.data.test_file.is_some();
    ((1..20).contains(&rows) && !chosen).then(|| {
        format!(
            "few rows: {rows} to test on, too few for a score to mean much; --folds 5 tests on every row once"
        )
    })
}

/// What rows of another table have that the model knows nothing of.
pub(crate) fn strange(
    preparation: &Preparation,
    table: &Table,
    rows: &[usize],
) -> impl Iterator<Item = String> {
    let mut strange = Strange::new(preparation);
    strange.take(table, rows);
    strange.told()
}

/// What a table of other rows, which may come in pieces, has that the model knows nothing of.
pub(crate) struct Strange<'a> {
    preparation: &'a Preparation,
    rows: usize,
    /// What is to be said, by columns.
    remarks: BTreeMap<String, String>,
}

impl<'a> Strange<'a> {
    pub(crate) fn new(preparation: &'a Preparation) -> Strange<'a> {
        Strange { preparation, rows: 0, remarks: BTreeMap::new() }
    }

    /// Takes rows of another piece into account.
    pub(crate) fn take(&mut self, table: &Table, rows: &[usize]) {
        if self.rows > 0 && self.remarks.is_empty() {
            return;
        }
        let here = self.preparation.unfamiliar(table, rows);
        let here = here.iter().map(|found| (found.column.to_owned(), remark(found, table.source())));
        let mut here: BTreeMap<String, String> = here.collect();
        if self.rows > 0 {
            here.retain(|column, _| self.remarks.contains_key(column));
        }
        (self.rows, self.remarks) = (self.rows + rows.len(), here);
    }

    /// Of fewer than five rows it would be no wonder.
    pub(crate) fn told(self) -> impl Iterator<Item = String> {
        self.remarks.into_values().filter(move |_| self.rows >= 5)
    }
}

fn remark(Unfamiliar { column, oddity }: &Unfamiliar<'_>, file: &str) -> String {
    match oddity {
        Oddity::Empty => {
            format!("empty: {file} has no value of {column:?}; the median or the most frequent stands for it")
        }
        Oddity::Unknown { text, known } => {
            let known: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
            format!(
                "unknown: {file} has no value of {column:?} that the model knows, but {text:?} and the like; if they are the \
                 same, write them as in training: {}",
                listed(&known, SHOWN)
            )
        }
        Oddity::FarOff { text } => format!(
            "far off: all numbers of {column:?} in {file}, such as {text}, are far from those of training; are they in another unit?"
        ),
    }
}
