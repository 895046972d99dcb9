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
        let finite = importance.columns.iter().map(|column| column.rise).filter(|rise| rise.is_finite());
        let most = finite.fold(f64::MIN_POSITIVE, f64::max);
        let decimals = match most {
            _ if most >= 1e5 => 0,
            _ => (2.0 - most.log10().floor()).clamp(0.0, 8.0) as usize,
        };
        let number = |value: f64| {
            let text = format!("{value:+.decimals$}").replace('-', "−");
            let is_zero = value.is_finite() && !text.contains(|digit| matches!(digit, '1'..='9'));
            if is_zero { "0".to_owned() } else { text }
        };
        let row = |column: &crate::ColumnImportance| Row {
            name: column.name.clone(),
            bar: (1e3 * (column.rise.max(0.0) / most).min(1.0)).round() / 10.0,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColumnImportance;

    #[test]
    fn a_loss_that_is_no_longer_finite_is_told_and_drawn() {
        let column = |rise: f64| ColumnImportance { name: "a".into(), rise, least: 0.5, most: rise };
        for (worst, told, bar) in [(f64::INFINITY, "+inf", 100.0), (f64::NAN, "NaN", 0.0)] {
            let columns = vec![column(worst), column(0.5), column(-1e-9)];
            let importance =
                Importance { part: "test".into(), rows: 30, repeats: 2, seed: 0, loss: 1.0, columns };
            let rows = &ImportanceTable::of(&importance).rows[0].1;
            let found: Vec<(&str, f64)> = rows.iter().map(|row| (&*row.rise, row.bar)).collect();
            assert_eq!(found, [(told, bar), ("+0.500", 100.0), ("0", 0.0)]);
            assert_eq!(rows[0].range, format!("+0.500 to {told}"));
        }
    }
}
