//! Recorded runs in JSON, as tables: a line for each entry.

use crate::Error;
use highwater_data::{Delimiter, Dialect, Table, TableReader, open_text};
use serde_json::{Deserializer, Value};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// For each column, the cells that have a number, by their row.
type Columns = BTreeMap<String, BTreeMap<usize, String>>;

/// So many bytes tell what a file is.
const HEAD: u64 = 1 << 10;

/// The table in a file, plain or gzip, if that is JSON.
pub(super) fn table(path: &Path) -> Option<Result<Table, Error>> {
    let mut reader = open_text(path).ok()?;
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head).ok()?;
    let mark = "\u{feff}".as_bytes();
    let begin = head.strip_prefix(mark).unwrap_or(&head);
    let begin: Vec<u8> = begin.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(2).collect();
    if !matches!(&begin[..], b"{\"" | b"[{") {
        return None;
    }
    let mut text = String::new();
    let all = head.as_slice().chain(reader).read_to_string(&mut text);
    let all = all.map_err(|error| Error::Read { path: path.into(), error });
    Some(all.and_then(|_| read(path, text.trim_start_matches('\u{feff}'))))
}

fn read(path: &Path, text: &str) -> Result<Table, Error> {
    let malformed = |line, what| Error::Malformed { path: path.into(), line, what };
    let text = with_quoted_names_of_numbers(text);
    let values: Result<Vec<Value>, _> = Deserializer::from_str(&text).into_iter().collect();
    let values = values.map_err(|error| malformed(error.line(), format!("this is not JSON: {error}")))?;
    let mut columns = Columns::new();
    match &values[..] {
        [only] => collect(only.get("log_history").unwrap_or(only), "", None, &mut columns),
        _ => collect(&Value::Array(values), "", None, &mut columns),
    }
    let rows = columns.values().filter_map(|cells| cells.keys().next_back()).max();
    let rows = 1 + *rows.ok_or_else(|| malformed(1, "there is no number in this JSON".to_owned()))?;
    let cell =
        |cells: &BTreeMap<usize, String>, row| cells.get(&row).map_or("null".to_owned(), String::clone);
    let line = |row| columns.values().map(|cells| cell(cells, row)).collect::<Vec<_>>().join(",") + "\n";
    let text: String = (0..rows).map(line).collect();
    let dialect = Dialect {
        delimiter: Some(Delimiter::Comma),
        header: Some(false),
        names: columns.into_keys().collect(),
        ..Dialect::default()
    };
    let table = TableReader::new(path.display().to_string(), text.as_bytes(), &dialect)?.next_rows(rows)?;
    table.ok_or_else(|| malformed(1, "there is nothing in this JSON".to_owned()))
}

/// The outermost array goes down the rows, also where each column has one of its own; arrays within it are passed over, and so is
/// the last entry of Hugging Face's log, which is about the whole run.
fn collect(value: &Value, name: &str, row: Option<usize>, columns: &mut Columns) {
    match value {
        Value::Array(entries) if row.is_none() => {
            entries.iter().enumerate().for_each(|(row, entry)| collect(entry, name, Some(row), columns));
        }
        Value::Object(members) if !members.contains_key("train_runtime") => {
            for (member, value) in members {
                let name = if name.is_empty() { member.clone() } else { format!("{name}/{member}") };
                collect(value, &name, row, columns);
            }
        }
        Value::Number(number) => {
            columns.entry(name.to_owned()).or_default().insert(row.unwrap_or(0), number.to_string());
        }
        Value::String(text) if text.parse::<f64>().is_ok() => {
            columns.entry(name.to_owned()).or_default().insert(row.unwrap_or(0), text.clone());
        }
        _ => {}
    }
}

/// Python writes `NaN` and `Infinity`, which are not JSON, for numbers that are none.
fn with_quoted_names_of_numbers(text: &str) -> String {
    let quoted = |part: &str| {
        part.replace("NaN", "\"NaN\"").replace("-Infinity", "\"-inf\"").replace("Infinity", "\"inf\"")
    };
    let (mut all, mut in_string) = (String::with_capacity(text.len()), false);
    for part in text.split_inclusive('"') {
        if in_string {
            all.push_str(part)
        } else {
            all.push_str(&quoted(part))
        }
        let content = part.trim_end_matches('"');
        // A quote behind a backslash ends no string, unless that belongs to another backslash.
        let backslashes = content.len() - content.trim_end_matches('\\').len();
        in_string ^= backslashes.is_multiple_of(2);
    }
    all
}
