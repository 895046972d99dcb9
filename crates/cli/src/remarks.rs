//! What a person should know of the data before training begins.

mod misleading;

use crate::config::RunConfig;
use crate::repeat::quoted;
use crate::source::Source;
use highwater_autodiff::vectors;
use highwater_data::{
    Column, Dropped, Encoding, Kind, MomentFormat, Preparation, SplitBy, Unit, open_date_order,
};
pub(crate) use misleading::{Strange, strange};
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
        remarks.extend(left_out(source, preparation.dropped(), &config.data.split));
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
    remarks.extend(misleading::of(source, preparation, config));
    if config.data.is_balanced() {
        remarks
            .push("balanced: in every loss each class counts the same, however many rows it has".to_owned());
    }
    remarks.extend(unlabelled(source.unlabelled));
    if !config.data.validates() {
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

/// What a person should know of a processor whose vectors cannot be used: few are so old, but many virtual machines pretend it.
pub(crate) fn of_processor() -> Option<&'static str> {
    (vectors() == "none").then_some(
        "slow: this processor has no AVX2 with FMA, and training takes up to a hundred times as long. A virtual machine may \
         hide them: as the type of its processor, `host` does not",
    )
}

/// How many rows are left out, as the target is missing.
pub(crate) fn unlabelled(count: usize) -> Option<String> {
    let rows = if count == 1 { "1 row" } else { &format!("{count} rows") };
    (count > 0).then(|| format!("left out: {rows} without a value of the target"))
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
fn left_out(source: &Source, dropped: &[Dropped], split: &SplitBy) -> impl Iterator<Item = String> {
    // What to do about one column, and about several.
    const NOTHING: [&str; 2] = [""; 2];
    const GAPS: [&str; 2] = [" (--indicators tells the network where there is a value)"; 2];
    const LEARN: [&str; 2] =
        [" (to learn from it: --column NAME=KIND)", " (to learn from them: --column NAME=KIND)"];
    let mut names: BTreeMap<(&str, [&str; 2]), Vec<String>> = BTreeMap::new();
    for column in dropped {
        let has_gaps = || source.table.column(&column.name).is_ok_and(|c| c.has_gaps(&source.split.train));
        let remedy = match column.kind {
            Kind::Identifier | Kind::Text => LEARN,
            Kind::Constant if has_gaps() => GAPS,
            _ => NOTHING,
        };
        names.entry((reason(column, split), remedy)).or_default().push(format!("{:?}", column.name));
    }
    names.into_iter().map(|((reason, [of_one, of_several]), names)| {
        let (columns, remedy) = if names.len() == 1 { ("column", of_one) } else { ("columns", of_several) };
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
