//! `init`: a commented configuration for a data file.

use crate::args::Init;
use crate::called::HIGHWATER;
use crate::config::{RunConfig, absolute};
use crate::folder::folder_of;
use crate::line;
use crate::setting_names::on_one_line;
use anyhow::{Context, Result};
use highwater_data::{Dialect, Kind, Table, Task};
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

pub(crate) fn run(args: &Init) -> Result<()> {
    let read = args.reading.settings()?;
    let table = Table::read(&args.data, &Dialect::deserialize(read.clone())?)?;
    let target = match &args.target {
        Some(target) => table.column(target)?.name().to_owned(),
        None => guess(&table),
    };
    let task = Task::infer(&table, &target)?;
    let out = args.out.display();
    // As written, it is found from the folder of the configuration only if that is this one.
    let is_here = folder_of(&args.out) == Path::new(".");
    let file = if is_here { args.data.clone() } else { absolute(&args.data)? };
    let text = template(&table, &file.display().to_string(), &target, task, &read)?;
    let file = File::options().write(true).create_new(true).open(&args.out);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            anyhow::bail!("{out} exists already: choose another --out")
        }
        other => other.with_context(|| format!("cannot write {out}"))?,
    };
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {out}"))?;
    if args.json {
        return line(json!({ "config": args.out, "target": target, "task": task.to_string() }));
    }
    line(format_args!(
        "{out}: predicts {target:?} ({task}). Change what you like, then:\n  {HIGHWATER} train --config {out}"
    ))
}

/// The column that is likely to be the one to predict.
fn guess(table: &Table) -> String {
    let names = || table.columns().iter().map(|column| column.name());
    let usual = ["target", "label", "class", "y", "outcome"];
    let named = usual.iter().find_map(|usual| names().find(|name| name.eq_ignore_ascii_case(usual)));
    named.or(names().next_back()).unwrap_or_default().to_owned()
}

/// What may be said of how a file is read, by examples.
const READ: [(&str, &str); 7] = [
    ("delimiter", "\"comma\"  # semicolon, tab, pipe, blanks"),
    ("header", "true"),
    ("decimal_comma", "true"),
    ("names", "[\"age\", \"sex\"]  # of a file without a header"),
    ("skip_lines", "0"),
    ("missing", "[\"unknown\", \"age=99\"]  # besides NA, ?, -, …; age=99: in that column alone"),
    ("missing_only", "[\"?\"]  # instead of the customary signs"),
];

/// The part of a template on how the file is read: what was said, and examples of the rest.
fn reading(said: &toml::Table) -> String {
    let line = |(name, example): (&str, &str)| match said.get(name) {
        Some(value) => format!("{name} = {value}\n"),
        None => format!("# {name} = {example}\n"),
    };
    let head = if said.is_empty() { "# [data.read]\n" } else { "[data.read]\n" };
    head.to_owned() + &READ.map(line).concat()
}

fn template(table: &Table, file: &str, target: &str, task: Task, read: &toml::Table) -> Result<String> {
    let mut defaults = RunConfig::defaults(task)?;
    defaults.follow_rows(table.rows(), |_| true);
    let rows: Vec<usize> = (0..table.rows()).collect();
    let mut text = format!(
        "# Settings of a run. What is commented out shows the default; every setting can also be given on the command\n\
         # line, as a flag or as --set KEY=VALUE.\n\n\
         [data]\n\
         file = {}\n\
         # {} rows, {} columns. Several targets, all of them numbers: target = [\"a\", \"b\"]\n\
         target = {}\n\
         # classification or regression\n\
         task = {}\n\
         # Shares of the rows to validate on (when to stop, which model is best) and to test that model on; or files.\n\
         # validation = {}\n\
         # test = {}\n\
         # validation_file = \"validation.csv\"\n\
         # test_file = \"test.csv\"\n\
         # class: by chance, evenly by class; random; {{ group = \"COLUMN\" }}: rows that are equal there stay together;\n\
         # {{ time = \"COLUMN\" }}: the last rows are held out.\n\
         # split = \"class\"\n\
         # Let the network see where values are missing.\n\
         # indicators = false\n\
         # Up to so many names of a category are an input each; of more, each has a row of a table that is learned.\n\
         # one_hot = {}\n\
         # Keep the table in a scratch file instead of in memory; without this it goes by the size.\n\
         # on_disk = true\n\
         # none, or balanced: rare classes count as much as frequent ones.\n\
         # class_weights = \"none\"\n\
         # Train once more on all rows when it is known for how long.\n\
         # refit = {}\n\n\
         # How the file is read, where it is not recognised.\n\
         {}\n\
         # The kinds of columns as found in the cells: number, category, boolean, date are learnt from; constant,\n\
         # identifier, text and ignore are left out.\n\
         [data.columns]\n",
        on_one_line(file),
        table.rows(),
        table.columns().len(),
        on_one_line(target),
        on_one_line(&task.to_string()),
        defaults.data.validation,
        defaults.data.test,
        defaults.data.one_hot,
        defaults.data.refit,
        reading(read),
    );
    for (name, kind) in Kind::of_columns(table, &rows).into_iter().filter(|(name, _)| *name != target) {
        writeln!(text, "# {} = {}", on_one_line(name), on_one_line(&kind.to_string()))?;
    }
    let commented = |table: &str| -> Result<String> {
        let all = toml::Table::try_from(&defaults)?;
        let part = toml::to_string(all[table].as_table().context("a table of settings")?)?;
        let head = |line: &str| match line.strip_prefix('[') {
            Some(rest) => format!("# [{table}.{rest}\n"),
            None if line.is_empty() => "#\n".to_owned(),
            None => format!("# {line}\n"),
        };
        Ok(part.lines().map(head).collect())
    };
    write!(
        text,
        "\n# The network: units of each hidden layer, what follows them, and how weights begin.\n[model]\n{}\
         \n# How many of the newest and of the best checkpoints stay.\n[checkpoints]\n{}\
         \n# Whether event files for TensorBoard are written.\n[report]\n{}\
         \n# The course of the run. A stopping rule may be composed: \"patience(10) or time(5m)\".\n[training]\n{}",
        commented("model")?,
        commented("checkpoints")?,
        commented("report")?,
        commented("training")?,
    )?;
    Ok(text)
}
