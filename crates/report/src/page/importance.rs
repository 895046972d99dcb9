//! The importance of columns as rows of a table.

use crate::Importance;
use crate::figures::{Rounded, counted};

/// So many columns are shown at once; the others on demand.
const SHOWN: usize = 20;

pub(crate) struct ImportanceTable {
    pub(crate) note: String,
    pub(crate) repeated: bool,
    /// The columns that matter most, and if there are many, those that are shown on demand.
    pub(crate) rows: Vec<(bool, Vec<Row>)>,
}

pub(crate) struct Row {
    pub(crate) name: String,
    /// Of the longest, in percent.
    pub(crate) bar: f64,
    pub(crate) rise: String,
    pub(crate) range: String,
}

impl ImportanceTable {
    pub(crate) fn of(importance: &Importance) -> ImportanceTable {
        let most = importance.columns.first().map_or(0.0, |column| column.rise).max(f64::MIN_POSITIVE);
        let decimals = match most {
            _ if most >= 1e5 => 0,
            _ => (2.0 - most.log10().floor()).clamp(0.0, 8.0) as usize,
        };
        let number = |value: f64| {
            let text = format!("{value:+.decimals$}").replace('-', "−");
            if text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { text } else { "0".to_owned() }
        };
        let row = |column: &crate::ColumnImportance| Row {
            name: column.name.clone(),
            bar: (1e3 * column.rise.max(0.0) / most).round() / 10.0,
            rise: number(column.rise),
            range: format!("{} to {}", number(column.least), number(column.most)),
        };
        let mut first: Vec<Row> = importance.columns.iter().map(row).collect();
        // One more row is no reason to hide it.
        let rest = if first.len() > SHOWN + 1 { first.split_off(SHOWN) } else { Vec::new() };
        let times = match importance.repeats {
            1 => "once".to_owned(),
            repeats => format!("{repeats} times, and this is the mean"),
        };
        let note = format!(
            "By how much the loss on {} rises from {} when the values of a column are shuffled among the rows (seed {}), \
             each column {times}. Columns that tell the same hide each other.",
            counted(importance.rows as u64, &format!("{} row", importance.part)),
            Rounded(importance.loss),
            importance.seed,
        );
        let rows = [(false, first), (true, rest)].into_iter().filter(|(_, rows)| !rows.is_empty());
        ImportanceTable { note, repeated: importance.repeats > 1, rows: rows.collect() }
    }
}
