//! Runs the program, and looks at what it leaves.

use safetensors::SafeTensors;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The program, ready to be started.
pub(crate) fn highwater<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a finished process said, and its exit code.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The one line of JSON that is all of standard output.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.out.matches('\n').count(), 1, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }
}

pub(crate) fn run<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Said {
    Said::of(highwater(args).output().unwrap())
}

/// Runs what must succeed.
pub(crate) fn done<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Said {
    let said = run(args);
    assert_eq!(said.code, Some(0), "{said:#?}");
    said
}

/// A table that is checked in.
pub(crate) fn table(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/data").join(name)
}

/// Arguments from words and paths.
#[macro_export]
macro_rules! args {
    ($($arg:expr),* $(,)?) => { vec![$(std::ffi::OsString::from($arg)),*] };
}

/// Every file below a folder, with its content. Locks are no content.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.insert(path.clone(), Vec::new());
            files.extend(tree(&path));
        } else if path.file_name() != Some(OsStr::new(".lock")) {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// The checkpoint files of a run, oldest first.
pub(crate) fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let files = tree(&run.join("checkpoints")).into_keys();
    files.filter(|path| path.extension() == Some(OsStr::new("safetensors"))).collect()
}

/// The kept model, as another program reads it: shape and bytes of each parameter.
pub(crate) fn model(run: &Path) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = fs::read(run.join("best.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let parameters = file.iter().filter(|(name, _)| name.starts_with("model."));
    parameters.map(|(name, view)| (name.to_owned(), (view.shape().to_vec(), view.data().to_vec()))).collect()
}

/// history.csv without the times.
pub(crate) fn history(run: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(run.join("history.csv")).unwrap();
    let names = reader.headers().unwrap().clone();
    let time = names.iter().position(|name| name == "elapsed_s").unwrap();
    let all = [names].into_iter().chain(reader.records().map(Result::unwrap));
    let row = |r: csv::StringRecord| {
        r.iter().enumerate().filter(|(at, _)| *at != time).map(|(_, cell)| cell.to_owned()).collect()
    };
    all.map(row).collect()
}

/// Two runs have the same history and keep the same model, bit by bit.
#[track_caller]
pub(crate) fn assert_same(run: &Path, other: &Path) {
    assert_eq!(history(run), history(other));
    assert!(!model(run).is_empty());
    assert!(model(run) == model(other), "the kept models differ");
}

/// Where a run is, in this folder, of a small network for the irises, with dropout, that does not stop by itself.
pub(crate) fn trained(dir: &Path, more: &[&str]) -> PathBuf {
    let (data, out) = (table("iris.csv"), dir.join("run"));
    let usual = args![
        "train",
        "--data",
        data,
        "--target",
        "species",
        "--hidden",
        "8",
        "--dropout",
        "0.25",
        "--out",
        &out,
        "--quiet",
        "--stop",
        "never"
    ];
    done(usual.into_iter().chain(more.iter().map(OsString::from)));
    out
}
