//! What a person should know of the data before training begins.

use crate::source::Source;
use highwater_data::{Column, Encoding, Preparation};
use highwater_trainer::Config;

/// What was done to the columns and rows without being asked.
pub(crate) fn of(source: &Source, preparation: &Preparation, training: &Config) -> Vec<String> {
    let mut remarks = Vec::new();
    let table = &source.table;
    if !table.has_header() {
        let last = table.columns().last().map_or("", Column::name);
        remarks.push(format!(
            "no header: the columns are called column_1 to {last} (if it has one: --header yes)"
        ));
    }
    if let Some(folder) = table.scratch_folder() {
        remarks.push(format!(
            "on disk: the table is in scratch files in {}, which are gone when the run ends (in memory: --on-disk no)",
            folder.display()
        ));
    }
    for dropped in preparation.dropped() {
        remarks.push(format!("left out: column {:?}, {}", dropped.name, dropped.reason()));
    }
    let lacking: Vec<_> = preparation.inputs().iter().filter(|input| input.missing > 0).collect();
    if !lacking.is_empty() {
        let named = lacking.iter().take(8).map(|input| format!("{:?} ({})", input.name, input.missing));
        let more = if lacking.len() > 8 { ", …" } else { "" };
        let named = named.collect::<Vec<_>>().join(", ");
        remarks.push(format!("imputed: missing values of {named}{more}, by the median or the most frequent"));
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
    if source.unlabelled > 0 {
        let rows = if source.unlabelled == 1 { "1 row" } else { &format!("{} rows", source.unlabelled) };
        remarks.push(format!("left out: {rows} without a value of the target"));
    }
    if source.split.validation.is_empty() {
        let advice = match training.asks_for_evidence() {
            true => "",
            false => "; --stop evidence tells from the gradients when there is nothing more to learn",
        };
        remarks.push(format!(
            "no validation rows: what is told of validation is measured on the training rows, and says nothing of new \
             ones{advice}"
        ));
    }
    remarks
}
