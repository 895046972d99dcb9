//! `proben1`: Prechelt's benchmark, and his figures beside ours.

mod study;
mod table;

use crate::args;
use crate::{line, print};
use anyhow::{Context, Result, bail};
use highwater_data::Proben1;
use highwater_proben1::{Architecture, Figures, architecture, published, side_by_side};
use highwater_report::{Look, Screen};
use serde_json::{Map, Value};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;
use table::Verdict;

pub(crate) fn run(args: &args::Proben1) -> Result<()> {
    // All files are read before anything is trained: a fault in the last is told at once.
    let problems = problems(&args.data, &args.problems)?;
    if args.study { study::run(args, &problems) } else { reproduce(args, &problems) }
}

/// Trains the networks of the report's tables.
fn reproduce(args: &args::Proben1, problems: &[Proben1]) -> Result<()> {
    let began = Instant::now();
    let runs = args.runs.unwrap_or(60) as usize;
    let protocol = args.protocol();
    let shown = !args.shared.quiet && !args.shared.json;
    if shown {
        print(table::head(args.shortcuts, runs, &protocol))?;
    }
    let screen = screen(args);
    let mut verdicts = Vec::new();
    for problem in problems {
        let network = architecture(&problem.name, args.shortcuts);
        let run = |number: usize| protocol.run(problem, &network, seed(args.seed, number));
        let told = |over| screen.show(&format!("{}: {over} of {runs} runs", problem.name));
        let histories = side_by_side(runs, threads(args), run, told)?;
        screen.clear();
        let figures = Figures::of(&histories);
        let known = published(&problem.name, args.shortcuts);
        let verdict = known.map(|known| Verdict::of(&figures, known));
        if args.shared.json {
            line(Value::Object(object(problem, &network, runs, &figures, known, verdict)?))?;
        } else if shown {
            print(table::rows(problem, &network, &figures, known, verdict))?;
        }
        verdicts.push((problem.name.as_str(), verdict));
    }
    if shown {
        print(table::closing(&verdicts, runs, began.elapsed()))?;
    }
    Ok(())
}

/// A line of `--json`: our figures under the names of the report's, and its own in `published`.
fn object(
    problem: &Proben1,
    network: &Architecture,
    runs: usize,
    figures: &Figures,
    published: Option<&Figures>,
    verdict: Option<Verdict>,
) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    object.insert("problem".to_owned(), problem.name.clone().into());
    object.insert("runs".to_owned(), runs.into());
    object.insert("network".to_owned(), network.to_string().into());
    if let Value::Object(figures) = serde_json::to_value(figures)? {
        object.extend(figures);
    }
    object.insert("published".to_owned(), serde_json::to_value(published)?);
    object.insert("within".to_owned(), verdict.map(|verdict| verdict.within).into());
    Ok(object)
}

/// The seed of a run: its own, whatever runs and problems there are beside it.
fn seed(seed: u64, run: usize) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(run as u64)
}

fn threads(args: &args::Proben1) -> usize {
    let all = || thread::available_parallelism().map_or(1, usize::from);
    args.shared.threads.map_or_else(all, usize::from)
}

/// Reads the named problems of a folder, or all, in the order of their names.
fn problems(folder: &Path, names: &[String]) -> Result<Vec<Proben1>> {
    let mut paths: Vec<PathBuf> = if names.is_empty() {
        let listing = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
        let paths: io::Result<Vec<PathBuf>> = listing.map(|entry| Ok(entry?.path())).collect();
        paths.with_context(|| format!("cannot read {}", folder.display()))?
    } else {
        names.iter().map(|name| folder.join(format!("{}.dt", name.trim().trim_end_matches(".dt")))).collect()
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "dt"));
    paths.sort();
    paths.dedup();
    if paths.is_empty() {
        bail!("{} has no .dt file: give the folder with the files of Proben1", folder.display());
    }
    Ok(paths.iter().map(|path| Proben1::read(path)).collect::<Result<_, _>>()?)
}

/// Where it is shown how far the runs are.
fn screen(args: &args::Proben1) -> Screen {
    Screen::stderr(if args.shared.quiet { Look::Quiet } else { Look::Auto })
}
