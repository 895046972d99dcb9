//! What a person should know of the data before training begins.

use crate::args::SplitName;
use crate::config::RunConfig;
use crate::repeat::quoted;
use crate::source::Source;
use highwater_data::{
    Column, Dropped, Encoding, Kind, MomentFormat, Preparation, Sentinel, SplitBy, Table, Unit,
    open_date_order,
};
use highwater_report::Rounded;
use std::collections::BTreeMap;
use std::path::Path;

/// What was done to the columns and rows without being asked.
pub(crate) fn of(source: &Source, preparation: &Preparation, config: &RunConfig) -> Vec<String> {
    let mut remarks = Vec::new();
    let table = &source.table;
    // Of the built-in one nobody wonders what was done to it.
    let file = config.data.file.is_some();
    if !table.has_header() {
        let last = table.columns().last().map_or("", Column::name);
        remarks.push(format!(
            "no header: the columns are called column_1 to {last} (--names gives them names; if it has a header: \
             --header yes)"
        ));
    }
    if let Some(folder) = table.scratch_folder() {
        remarks.push(format!(
            "on disk: the table is in scratch files in {}, which are gone when the run ends (in memory: --on-disk no)",
            if folder == Path::new(".") { "the working folder".to_owned() } else { folder.display().to_string() }
        ));
    }
    if file {
        remarks.extend(left_out(preparation.dropped(), &config.data.split));
    }
    let lacking = preparation.inputs().iter().filter(|input| input.missing > 0);
    let lacking: Vec<String> = lacking.map(|input| format!("{:?} ({})", input.name, input.missing)).collect();
    if !lacking.is_empty() {
        let named = listed(&lacking, SHOWN);
        let half = source.split.train.len() / 2;
        let advice = match preparation.inputs().iter().any(|input| input.missing > half && !input.indicator) {
            true => "; --indicators tells the network where there was none",
            false => "",
        };
        remarks
            .push(format!("imputed: missing values of {named}, by the median or the most frequent{advice}"));
    }
    remarks.extend(units(preparation));
    remarks.extend(open_dates(source, preparation, config));
    for input in preparation.inputs() {
        let categories = match &input.encoding {
            Encoding::OneHot(categories) => categories,
            Encoding::Embedded(categories) => {
                let (name, rows) = (&input.name, categories.names.len());
                remarks.push(format!("embedded: the {rows} categories of {name:?}, each a row of a table"));
                categories
            }
            _ => continue,
        };
        if categories.rare > 0.1 {
            let (name, share) = (&input.name, 100.0 * categories.rare);
            remarks.push(format!(
                "joined: the rare categories of {name:?}, in {share:.0}% of the training rows"
            ));
        }
    }
    remarks.extend(alike(preparation.class_names()));
    remarks.extend(dated(source, preparation));
    remarks.extend(one_hot(source, preparation));
    remarks.extend(wide(source, preparation));
    if file {
        remarks.extend(numbered(preparation));
        remarks.extend(in_time(source, preparation, config));
        remarks.extend(totals(table));
        remarks.extend(suspicions(source, preparation));
        remarks.extend(few_test_rows(source, config));
    }
    if config.data.is_balanced() {
        remarks
            .push("balanced: in every loss each class counts the same, however many rows it has".to_owned());
    }
    if source.unlabelled > 0 {
        let rows = if source.unlabelled == 1 { "1 row" } else { &format!("{} rows", source.unlabelled) };
        remarks.push(format!("left out: {rows} without a value of the target"));
    }
    if source.split.validation.is_empty() {
        let advice = match config.training.asks_for_evidence() {
            true => "",
            false => "; --stop evidence tells from the gradients when there is nothing more to learn",
        };
        remarks.push(format!(
            "no validation rows: losses and metrics are measured on the training rows, and say nothing of new ones{advice}"
        ));
    }
    remarks
}

/// Classes that may be meant to be one.
fn alike(classes: &[String]) -> impl Iterator<Item = String> {
    let mut spellings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for class in classes {
        spellings.entry(class.to_lowercase()).or_default().push(format!("{class:?}"));
    }
    spellings.into_values().filter(|names| names.len() > 1).map(|names| {
        format!(
            "{} are different classes: if they are one, write them alike in the file",
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
    let by_chance = matches!(config.data.split, SplitBy::Class | SplitBy::Random);
    let column = preparation.ordered_by(&source.table).filter(|_| by_chance)?;
    Some(format!(
        "in time: the rows are in the order of {column:?}; if later ones are to be predicted, test on such: --time {}",
        quoted(column)
    ))
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
    for (name, units) in preparation.mixed_units(table, &split.train) {
        let units: Vec<String> = units.iter().map(|unit| format!("{unit:?}")).collect();
        remarks.push(format!(
            "mixed: the numbers of {name:?} are in several units ({}), and taken for names; write all in one unit to have them read",
            units.join(", ")
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

/// What is around numbers.
fn units(preparation: &Preparation) -> Option<String> {
    let inputs = preparation.inputs().iter().filter_map(|input| Some((&input.name, input.encoding.unit()?)));
    let targets =
        preparation.targets().iter().filter_map(|target| Some((&target.column, target.kind.unit()?)));
    let shown = |(name, unit): (&String, &Unit)| match unit.to_string() {
        unit if unit.is_empty() => format!("{name:?} (in brackets or behind a dash: below zero)"),
        unit => format!("{name:?} ({unit})"),
    };
    let all: Vec<String> = inputs.chain(targets).map(shown).collect();
    (!all.is_empty()).then(|| format!("read as numbers: {}", listed(&all, SHOWN)))
}

/// How years of two digits are read.
pub(crate) const SHORT_YEARS: &str = "with years from 1969 to 2068";

/// How dates are read that can be read otherwise, where nobody said how: with the day for the month, or in another century.
fn open_dates(source: &Source, preparation: &Preparation, config: &RunConfig) -> Vec<String> {
    use MomentFormat::{MonthFirst, ShortMonthFirst, ShortNamedMonth, ShortYearFirst};
    let (table, columns) = (&source.table, &config.data.columns);
    let remark = |column: &str, format: MomentFormat, remedy: Option<&str>| {
        let (read, other) = match format {
            MonthFirst | ShortMonthFirst => (" as month/day/year", "day/month/year"),
            ShortYearFirst => (" as year/month/day", ""),
            ShortNamedMonth => ("", ""),
            _ => (" as day/month/year", "month/day/year"),
        };
        let comma = if read.is_empty() { "" } else { "," };
        let years = if format.has_short_years() { format!("{comma} {SHORT_YEARS}") } else { String::new() };
        let remedy = remedy.map_or(String::new(), |remedy| format!("; if it is {other}: {remedy}"));
        format!("dates: {column:?} is read{read}{years}{remedy}")
    };
    let mut remarks = Vec::new();
    for input in preparation.inputs() {
        let (Encoding::Moment(moments), name) = (&input.encoding, &input.name[..]) else { continue };
        let (format, said) = (moments.format, columns.get(name).is_some_and(|kind| *kind != Kind::Date));
        let open = !said && open_date_order(table, name, &source.split.train).is_some();
        let kind = if matches!(format, MonthFirst | ShortMonthFirst) { "dmy" } else { "mdy" };
        let remedy = open.then(|| format!("--column {}", quoted(&format!("{name}={kind}"))));
        if open || format.has_short_years() {
            remarks.push(remark(name, format, remedy.as_deref()));
        }
    }
    // A column that is left out may decide all the same which rows are for what.
    if let SplitBy::Time(name) = &config.data.split
        && preparation.dropped().iter().any(|dropped| dropped.name == *name)
        && let Some(format) = open_date_order(table, name, &(0..table.rows()).collect::<Vec<_>>())
    {
        remarks.push(remark(name, format, Some("write the year first in the file")));
    }
    remarks
}

/// The columns that are left out, those for one reason together.
fn left_out(dropped: &[Dropped], split: &SplitBy) -> impl Iterator<Item = String> {
    let mut names: BTreeMap<(&str, bool), Vec<String>> = BTreeMap::new();
    for column in dropped {
        let may_tell = matches!(column.kind, Kind::Identifier | Kind::Text);
        names.entry((reason(column, split), may_tell)).or_default().push(format!("{:?}", column.name));
    }
    names.into_iter().map(|((reason, may_tell), names)| {
        let (columns, them) = if names.len() == 1 { ("column", "it") } else { ("columns", "them") };
        let remedy = match may_tell {
            true => format!(" (to learn from {them}: --column NAME=KIND)"),
            false => String::new(),
        };
        format!("left out: {columns} {}, {reason}{remedy}", listed(&names, SHOWN))
    })
}

/// Why a column is left out.
pub(crate) fn reason(dropped: &Dropped, split: &SplitBy) -> &'static str {
    match split {
        SplitBy::Group(column) if dropped.kind == Kind::Ignore && dropped.name == *column => {
            "which groups the rows"
        }
        _ => dropped.reason(),
    }
}

/// How many names a remark has room for.
const SHOWN: usize = 8;

/// So many names at the most, and how many others there are.
pub(crate) fn listed(names: &[String], most: usize) -> String {
    let (shown, others) = names.split_at(names.len().min(most));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{}{more}", shown.join(", "))
}
