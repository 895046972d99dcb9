//! `cargo xtask guide`: runs every command that the README and the pages in `docs` show.
//!
//! Each page has a folder of its own, which looks like a fresh clone: what git knows is linked into it, so that
//! relative paths hold, and `runs` is new. The `sh` blocks of a page are run there in order by one shell, in which
//! `cargo xtask JOB` is the program that was built once. What a page shows as `text output` is compared with what was
//! printed. See `page` for the words behind a fence that say otherwise.

mod compare;
mod page;
mod script;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use crate::cargo;
use page::{Step, When};

/// How much is run, and with which build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    /// Everything, with full optimisation, as users build it.
    Whole,
    /// What takes seconds, with the build of the tests, which is there already when `ci` comes to it.
    Quick,
}

pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let words: Vec<&str> = args.iter().map(|arg| arg.to_str().unwrap_or_default()).collect();
    let (extent, pages) = match words[..] {
        ["--quick", ref pages @ ..] => (Extent::Quick, pages),
        ref pages => (Extent::Whole, pages),
    };
    if let Some(word) = pages.iter().find(|page| !page.ends_with(".md")) {
        eprintln!("{word:?} is not a page\n\nUsage: cargo xtask guide [--quick] [PAGE.md...]");
        return ExitCode::from(2);
    }
    match check(extent, pages) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nguide failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn check(extent: Extent, pages: &[&str]) -> Result<(), String> {
    let start = Instant::now();
    let built = build(extent)?;
    let pages = if pages.is_empty() { all_pages()? } else { pages.iter().map(PathBuf::from).collect() };
    let mut total = Counts::default();
    for path in &pages {
        let shown = path.display();
        let text =
            fs::read_to_string(cargo::root().join(path)).map_err(|error| format!("{shown}: {error}"))?;
        let steps = page::steps(&text).map_err(|(line, error)| format!("{shown}:{line}: {error}"))?;
        if steps.is_empty() {
            continue;
        }
        let start = Instant::now();
        let counts = check_page(path, &steps, extent, &built)?;
        let Counts { run, passed_over, compared } = counts;
        let seconds = start.elapsed().as_secs_f64();
        eprintln!(
            "{shown}: {run} blocks run, {compared} compared, {passed_over} passed over, {seconds:.1} s"
        );
        total = total.and(counts);
    }
    let Counts { run, passed_over, compared } = total;
    eprintln!(
        "guide passed: {run} blocks run, {compared} compared, {passed_over} passed over, {:.1} s",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

#[derive(Clone, Copy, Default)]
struct Counts {
    run: usize,
    passed_over: usize,
    compared: usize,
}

impl Counts {
    fn and(self, other: Counts) -> Counts {
        Counts {
            run: self.run + other.run,
            passed_over: self.passed_over + other.passed_over,
            compared: self.compared + other.compared,
        }
    }
}

/// The folder into which the program and the examples have been built; one that is named by `HIGHWATER_BUILT` is taken
/// as it is.
fn build(extent: Extent) -> Result<PathBuf, String> {
    if let Some(built) = std::env::var_os("HIGHWATER_BUILT") {
        return Ok(cargo::root().join(built));
    }
    let calls: &[&str] = match extent {
        Extent::Quick => &["test --locked --workspace --no-run"],
        Extent::Whole => &[
            "build --locked --profile train -p highwater-cli --bin highwater",
            "build --locked --profile train --workspace --exclude highwater-benches --examples",
        ],
    };
    for words in calls {
        let mut command = cargo::command();
        command.current_dir(cargo::root()).args(words.split(' ')).arg("--quiet").stdin(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(_) => return Err(format!("cargo {words}")),
            Err(error) => return Err(format!("cannot start cargo: {error}")),
        }
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Ok(cargo::root().join(target).join(if extent == Extent::Quick { "debug" } else { "train" }))
}

/// The README, and all pages of the guide.
fn all_pages() -> Result<Vec<PathBuf>, String> {
    let mut pages = vec![PathBuf::from("README.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(cargo::root().join(&folder)).map_err(wrong)? {
            let entry = entry.map_err(wrong)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().map_err(wrong)?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    pages[1..].sort();
    Ok(pages)
}

/// The places of programs, and first one in which `cargo` is what it is in the guide.
fn path_with(folder: &Path) -> Result<OsString, String> {
    let cargo = folder.join("cargo");
    let written =
        fs::write(&cargo, script::cargo_in_the_guide()).and_then(|()| script::make_executable(&cargo));
    written.map_err(|error| format!("{}: {error}", cargo.display()))?;
    let others = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&others));
    std::env::join_paths(paths).map_err(|error| format!("PATH: {error}"))
}

fn check_page(path: &Path, steps: &[Step<'_>], extent: Extent, built: &Path) -> Result<Counts, String> {
    let name = path.with_extension("").to_string_lossy().replace(['/', '\\'], "-");
    let folder = cargo::root().join("target/guide").join(name);
    script::make_clone(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let to_run: Vec<&Step<'_>> = steps.iter().filter(|step| is_run(path, step, extent)).collect();
    let said = folder.with_extension("said");
    let outcome = Command::new("sh")
        .arg("-c")
        .arg(script::script(&to_run))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .env("HIGHWATER_BUILT", built)
        .env("HIGHWATER_SAID", &said)
        .env("PATH", path_with(&said)?)
        .output()
        .map_err(|error| format!("cannot start sh: {error}"))?;
    let mut counts =
        Counts { run: to_run.len(), passed_over: steps.len() - to_run.len(), ..Counts::default() };
    for step in to_run {
        let said = said.join(step.line.to_string());
        let printed = fs::read(&said).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let printed = printed.unwrap_or_default();
        if !said.with_extension("ended").exists() {
            let how = if step.when == When::Fails { "was to fail and did not" } else { "failed" };
            let (place, folder) = (format!("{}:{}", path.display(), step.line), folder.display());
            let (script, shell) =
                (step.script.replace('\n', "\n  "), String::from_utf8_lossy(&outcome.stderr));
            return Err(format!("{place}: this {how}\n\n  {script}\n\nin {folder}:\n\n{printed}{shell}"));
        }
        let Some((line, shown)) = &step.shown else { continue };
        if let Some(missing) = compare::first_missing(shown, &printed) {
            return Err(format!(
                "{}:{line}: this line was not printed, or not in this order:\n\n{missing}\n\nbut\n\n{printed}",
                path.display()
            ));
        }
        counts.compared += 1;
    }
    Ok(counts)
}

/// Whether a step is run; if not, why is told.
fn is_run(path: &Path, step: &Step<'_>, extent: Extent) -> bool {
    let reason = match (&step.when, extent) {
        (When::Always | When::Fails, _) | (When::Slow, Extent::Whole) => return true,
        (When::Slow, Extent::Quick) => "slow".to_owned(),
        (When::Python(_), Extent::Quick) => "Python".to_owned(),
        (When::Python(modules), Extent::Whole) => match script::lacking_module(modules) {
            Some(lacking) => format!("Python has no {lacking}"),
            None => return true,
        },
        (When::Never(reason), _) => (*reason).to_owned(),
    };
    eprintln!("{}:{}: passed over ({reason})", path.display(), step.line);
    false
}
