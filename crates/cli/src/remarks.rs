//! What a person should know of the data before training begins.

use crate::config::RunConfig;
use crate::source::Source;
use highwater_data::{Column, Dropped, Encoding, Preparation};
use std::collections::BTreeMap;

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
            folder.display()
        ));
    }
    if file {
        remarks.extend(left_out(preparation.dropped()));
    }
    let lacking = preparation.inputs().iter().filter(|input| input.missing > 0);
    let lacking: Vec<String> = lacking.map(|input| format!("{:?} ({})", input.name, input.missing)).collect();
    if !lacking.is_empty() {
        let named = listed(&lacking, SHOWN);
        remarks.push(format!("imputed: missing values of {named}, by the median or the most frequent"));
    }
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

/// The columns that are left out, those for one reason together.
fn left_out(dropped: &[Dropped]) -> impl Iterator<Item = String> {
    let mut names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for column in dropped {
        names.entry(column.reason()).or_default().push(format!("{:?}", column.name));
    }
    names.into_iter().map(|(reason, names)| {
        let columns = if names.len() == 1 { "column" } else { "columns" };
        format!("left out: {columns} {}, {reason}", listed(&names, SHOWN))
    })
}

/// How many names a remark has room for.
const SHOWN: usize = 8;

/// So many names at the most, and how many others there are.
pub(crate) fn listed(names: &[String], most: usize) -> String {
    let (shown, others) = names.split_at(names.len().min(most));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{}{more}", shown.join(", "))
}
