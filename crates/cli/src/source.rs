//! From a configuration to the rows that are trained on, validated on and tested on.

use crate::args::SplitName;
use crate::called::HIGHWATER;
use crate::config::{DataConfig, RunConfig};
use crate::memory;
use crate::remarks;
use crate::repeat::quoted;
use anyhow::{Result, bail};
use highwater_data::{Dataset, Dialect, Kind, Preparation, Split, Table, TableReader, digits};
use std::fs;
use std::path::{Path, PathBuf};

/// Tables, and which of their rows are for what.
pub(crate) struct Source {
    pub(crate) table: Table,
    /// Files of their own, if there are such.
    validation: Option<Table>,
    test: Option<Table>,
    pub(crate) split: Split,
    /// Rows that are left out, as the target is missing.
    pub(crate) unlabelled: usize,
}

/// The parts of a source, ready to be computed with.
pub(crate) struct Datasets {
    pub(crate) train: Dataset,
    pub(crate) validation: Dataset,
    pub(crate) test: Dataset,
}

/// Whether this can be read only once, as what `<(…)` of a shell stands for.
pub(crate) fn is_pipe(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Whether these paths lead to one file, which is there.
pub(crate) fn is_same_file(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).is_ok_and(|one| fs::canonicalize(other).is_ok_and(|other| one == other))
}

/// The table in a file, or the built-in one. If it is kept on disk, then on the file system of `scratch`.
pub(crate) fn table(data: &DataConfig, file: Option<&Path>, scratch: &Path) -> Result<Table> {
    let Some(file) = file else { return Ok(digits()) };
    if is_pipe(file) || file.file_name() == Some("-".as_ref()) && !file.exists() {
        bail!(
            "{} is a pipe, whose rows can be read only once, and this takes more: save them in a file (predict takes them)",
            file.display()
        );
    }
    let on_disk = match data.on_disk {
        Some(on_disk) => on_disk,
        None => memory::free().is_some_and(|free| {
            // What cannot be read shows again when all of it is.
            Table::memory_estimate(file).is_ok_and(|needed| needed > free / 2)
        }),
    };
    Ok(if on_disk { Table::read_on_disk(file, &data.read, scratch)? } else { Table::read(file, &data.read)? })
}

/// How tables are read that a model of a run is used on.
pub(crate) fn dialect(data: &DataConfig, preparation: &Preparation) -> Dialect {
    let plus_minus = preparation.plus_minus();
    Dialect { plus_minus, ..data.read.of_others(preparation.has_header(), preparation.column_count()) }
}

impl DataConfig {
    /// The same, and each column is taken for what it was taken for when this was learnt; what was constant then may not be
    /// in other rows.
    pub(crate) fn as_learnt(&self, preparation: &Preparation) -> DataConfig {
        let mut data = self.clone();
        for (column, kind) in preparation.kinds().into_iter().filter(|(_, kind)| *kind != Kind::Constant) {
            let said = data.columns.entry(column).or_insert(kind);
            // Of dates, whether the day or the month is first.
            if *said == Kind::Date {
                *said = kind;
            }
        }
        data
    }
}

impl Source {
    /// The rows of the run in a folder.
    ///
    /// # Errors
    /// If they cannot be read, or are not those that are divided like this.
    pub(crate) fn new(config: &RunConfig, run: &Path) -> Result<Source> {
        let DataConfig { file, validation_file, test_file, .. } = &config.data;
        let root = quoted(&run.display().to_string());
        let gone = |file: &Option<PathBuf>| file.clone().filter(|file| !file.exists());
        if let Some(file) = gone(file) {
            bail!(
                "{} is gone; if it has moved, say where it is: {HIGHWATER} resume {root} --data FILE",
                file.display()
            );
        }
        if let Some(file) = gone(validation_file).or(gone(test_file)) {
            let config = run.join("config.toml");
            bail!("{} is gone; if it has moved, say where it is in {}", file.display(), config.display());
        }
        Source::of(table(&config.data, config.data.file.as_deref(), run)?, &config.data, run)
    }

    /// All rows of a table that have a target, none of them held out.
    pub(crate) fn whole(table: Table, data: &DataConfig) -> Result<Source> {
        let train = table.rows_with(&data.target.list())?;
        let unlabelled = table.rows() - train.len();
        let split = Split { train, validation: Vec::new(), test: Vec::new() };
        Ok(Source { table, validation: None, test: None, split, unlabelled })
    }

    pub(crate) fn of(own: Table, data: &DataConfig, scratch: &Path) -> Result<Source> {
        let mut plus_minus = own.plus_minus();
        plus_minus.extend(data.read.plus_minus.clone());
        let read = Dialect { plus_minus, ..data.read.of_others(own.has_header(), own.columns().len()) };
        let others = DataConfig { read, ..data.clone() };
        let targets = data.target.list();
        let rows = own.rows_with(&targets)?;
        let mut unlabelled = own.rows() - rows.len();
        let mut split = data.divide(&own, &rows, data.fractions())?;
        let mut other = |file: &Option<std::path::PathBuf>, part: &mut Vec<usize>| -> Result<_> {
            let Some(file) = file else { return Ok(None) };
            let table = table(&others, Some(file), scratch)?;
            *part = table.rows_with(&targets)?;
            unlabelled += table.rows() - part.len();
            Ok(Some(table))
        };
        let validation = other(&data.validation_file, &mut split.validation)?;
        let test = other(&data.test_file, &mut split.test)?;
        if split.validation.is_empty() && data.validates() {
            bail!(
                "no rows are left to validate on: raise --validation, give more data, or do without: --validation 0"
            );
        }
        Ok(Source { table: own, validation, test, split, unlabelled })
    }

    /// The rows of a run whose model was trained on data prepared like this.
    ///
    /// # Errors
    /// If the file has changed since: other rows would take the place of the test rows.
    pub(crate) fn of_run(config: &RunConfig, preparation: &Preparation, scratch: &Path) -> Result<Source> {
        let mut config = RunConfig { data: config.data.as_learnt(preparation), ..config.clone() };
        let source = Source::new(&config, scratch)?;
        if source.is_prepared(&config.data, preparation)? {
            return Ok(source);
        }
        // An earlier version may have told otherwise whether a minus is a value.
        let plus_minus = preparation.plus_minus();
        if plus_minus != source.table.plus_minus() {
            config.data.read.plus_minus = plus_minus;
            let source = Source::new(&config, scratch)?;
            if source.is_prepared(&config.data, preparation)? {
                return Ok(source);
            }
        }
        bail!(
            "{} is not what the run was trained on: it has changed since, or config.toml has; put it back as it was, or train \
             anew",
            source.table.source()
        )
    }

    /// Whether the training rows say this about preparing, each column taken for what it was taken for then.
    fn is_prepared(&self, data: &DataConfig, preparation: &Preparation) -> Result<bool> {
        let mut recipe = data.recipe();
        for (column, kind) in preparation.kinds() {
            recipe.kinds.entry(column).or_insert(kind);
        }
        Ok(Preparation::fit_recipe(&self.table, &self.split.train, &recipe)? == *preparation)
    }

    /// What the training rows say about preparing.
    pub(crate) fn prepare(&self, data: &DataConfig) -> Result<Preparation> {
        Ok(Preparation::fit_recipe(&self.table, &self.split.train, &data.recipe())?)
    }

    /// All rows, prepared: what is wrong with a cell shows now, and not when it is the turn of its part.
    pub(crate) fn datasets(&self, preparation: &Preparation) -> Result<Datasets> {
        let part = |name| self.dataset(preparation, name);
        Ok(Datasets {
            train: part(SplitName::Train)?,
            validation: part(SplitName::Validation)?,
            test: part(SplitName::Test)?,
        })
    }

    /// The rows of a part, prepared.
    pub(crate) fn dataset(&self, preparation: &Preparation, part: SplitName) -> Result<Dataset> {
        let (table, rows) = self.part(part);
        Ok(preparation.dataset(table, rows)?)
    }

    /// A part's rows, and the table that they are of.
    pub(crate) fn part(&self, part: SplitName) -> (&Table, &[usize]) {
        match part {
            SplitName::Train => (&self.table, &self.split.train),
            SplitName::Validation => {
                (self.validation.as_ref().unwrap_or(&self.table), &self.split.validation)
            }
            SplitName::Test => (self.test.as_ref().unwrap_or(&self.table), &self.split.test),
        }
    }

    /// The parts that have rows, the one first that tells most of a model.
    pub(crate) fn parts(&self) -> impl Iterator<Item = SplitName> {
        let all = [SplitName::Test, SplitName::Validation, SplitName::Train].into_iter();
        all.filter(|part| !self.part(*part).1.is_empty())
    }

    /// All rows that a model may be trained on once it is known how good it is: those of the table itself.
    pub(crate) fn all(&self) -> Vec<usize> {
        let Split { train, validation, test } = &self.split;
        let mut rows = train.clone();
        if self.validation.is_none() {
            rows.extend(validation);
        }
        if self.test.is_none() {
            rows.extend(test);
        }
        rows.sort_unstable();
        rows
    }
}

/// The columns to predict, where nobody has named one: what images show, from the file of labels beside them, or the label or
/// the outputs of a problem of Proben1.
pub(crate) fn evident_target(file: &Path, reader: &TableReader) -> Result<Vec<String>> {
    const LISTED: usize = 30;
    let names = reader.names();
    let is_unnamed = |name: &&String| name.starts_with("column_");
    let (_, named) = names.split_at(names.iter().take_while(is_unnamed).count());
    let is_output = |name: &String| name.starts_with("output_");
    match named {
        [name] if ["label", "output"].contains(&&name[..]) => Ok(named.to_vec()),
        [_, _, ..] if named.len() < names.len() && named.iter().all(is_output) => Ok(named.to_vec()),
        _ => {
            let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            let listed = remarks::listed(&names, LISTED);
            let last = names.last().filter(|_| names.len() > LISTED);
            let last = last.map_or(String::new(), |last| format!(", {last} the last of them"));
            let unnamed = if reader.has_header() { "" } else { " (no header: --names gives them names)" };
            bail!(
                "which column is to be predicted? Name it with --target; {} has {listed}{last}{unnamed}",
                file.display()
            );
        }
    }
}
