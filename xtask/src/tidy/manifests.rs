//! Rules about manifests: who may depend on whom, and on what.

use super::{File, Finding};

/// The picture in `docs/ARCHITECTURE.md`: a crate, and the crates of this workspace that it may depend on.
const ARROWS: [(&str, &[&str]); 13] = [
    ("threads", &[]),
    ("autodiff", &["threads"]),
    ("early-stopping", &[]),
    ("checkpoint", &[]),
    ("optim", &["threads"]),
    ("data", &[]),
    ("nn", &["autodiff"]),
    ("objective", &["autodiff"]),
    ("trainer", BELOW_TRAINER),
    ("proben1", BELOW_TRAINER),
    ("report", TRAINER_AND_BELOW),
    ("cli", ALL_LIBRARIES),
    ("benches", ALL_LIBRARIES),
];
/// From the top down, so that what lies below a layer is a tail.
const ALL_LIBRARIES: &[&str] = &[
    "proben1",
    "report",
    "trainer",
    "nn",
    "objective",
    "optim",
    "data",
    "early-stopping",
    "checkpoint",
    "autodiff",
    "threads",
];
const TRAINER_AND_BELOW: &[&str] = ALL_LIBRARIES.split_at(2).1;
const BELOW_TRAINER: &[&str] = ALL_LIBRARIES.split_at(3).1;

/// A line of a `[dependencies]` table, for the host or for one target.
struct Dependency<'a> {
    line: usize,
    name: &'a str,
    optional: bool,
}

/// The folder of a manifest, if it is that of a package of the workspace; those in `examples` are outside.
fn package(file: &File) -> Option<&str> {
    let folder = file.path.strip_suffix("/Cargo.toml").filter(|folder| !folder.starts_with("examples/"))?;
    Some(folder.strip_prefix("crates/").unwrap_or(folder))
}

/// What the package itself needs; dependencies of tests and build scripts do not reach its users.
fn dependencies(file: &File) -> Vec<Dependency<'_>> {
    let mut found: Vec<Dependency<'_>> = Vec::new();
    let mut table = "";
    for (line, text) in file.lines() {
        let text = text.trim();
        if let Some(header) = text.strip_prefix('[') {
            table = header.split(']').next().unwrap_or_default();
            if table.starts_with("target.") {
                table = table.find(".dependencies").map_or("", |at| &table[at + 1..]);
            }
            if let Some(name) = table.strip_prefix("dependencies.") {
                found.push(Dependency { line, name, optional: false });
            }
            continue;
        }
        let optional = text.replace(' ', "").contains("optional=true");
        if table == "dependencies" && !text.is_empty() && !text.starts_with('#') {
            let name = text.split(['.', '=', ' ']).next().unwrap_or_default();
            found.push(Dependency { line, name, optional });
        } else if table.starts_with("dependencies.")
            && let Some(last) = found.last_mut()
        {
            last.optional |= optional;
        }
    }
    found
}

/// A crate depends on those below it in the picture, and on no other.
pub(crate) fn arrows_point_down(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(name) = package(file).filter(|&name| name != "xtask") else { continue };
        let Some((_, below)) = ARROWS.iter().find(|(above, _)| *above == name) else {
            let text =
                format!("`{name}` is not in the picture: draw it in docs/ARCHITECTURE.md and in {}", file!());
            findings.push(file.finding(1, text));
            continue;
        };
        for dependency in dependencies(file) {
            let Some(other) = dependency.name.strip_prefix("highwater-") else { continue };
            if !below.contains(&other) {
                let text = format!(
                    "`{name}` may not depend on `{other}`: arrows point down only, see docs/ARCHITECTURE.md"
                );
                findings.push(file.finding(dependency.line, text));
            }
        }
    }
    findings
}

/// `early-stopping` and `xtask` need nothing; some dependencies stay where they are.
pub(crate) fn confined_dependencies(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let Some(name) = package(file) else { continue };
        for Dependency { line, name: dependency, optional } in dependencies(file) {
            let wrong = match (name, dependency) {
                ("xtask", _) => Some("xtask is the standard library only, so that it builds at once"),
                ("early-stopping", _) if !optional => {
                    Some("early-stopping needs nothing: make this `optional = true`")
                }
                ("checkpoint", "bincode") | ("cli", "anyhow") => None,
                (_, "bincode") => Some("bincode belongs to checkpoint alone: hand it serde values"),
                (_, "anyhow") => Some("anyhow is for the program: give this library's errors a type"),
                _ => None,
            };
            findings.extend(wrong.map(|text| file.finding(line, text)));
        }
    }
    findings
}

/// The description is the first sentence that people read about a crate.
pub(crate) fn crates_describe_themselves(files: &[File]) -> Vec<Finding> {
    let packages = files.iter().filter(|file| package(file).is_some());
    let silent = packages.filter(|file| {
        let description = file.text.lines().find_map(|line| line.strip_prefix("description = "));
        !description.is_some_and(|text| text.len() >= 30 && text.ends_with(".\""))
    });
    silent
        .map(|file| {
            file.finding(1, "add a `description`: one sentence that says what it is, with its full stop")
        })
        .collect()
}

/// What a registry shows of a package, and what it is found by.
const FOUND_BY: [&str; 5] = ["keywords", "categories", "license", "readme", "exclude"];

/// Who could be published says so in full: cargo would only warn.
pub(crate) fn crates_can_be_found(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| package(file).is_some() && !file.text.contains("publish = false"))
    {
        let says = |field: &str| file.lines().any(|(_, line)| line.split(['.', ' ']).next() == Some(field));
        let missing = FOUND_BY.into_iter().filter(|field| !says(field));
        findings.extend(missing.map(|field| file.finding(1, format!("add `{field}`, or `publish = false`"))));
    }
    findings
}

/// A package without the workspace's lints is free of all of them.
pub(crate) fn lints_are_shared(files: &[File]) -> Vec<Finding> {
    let packages = files.iter().filter(|file| package(file).is_some());
    let free = packages.filter(|file| !file.text.contains("[lints]\nworkspace = true\n"));
    free.map(|file| file.finding(1, "add `[lints]` with `workspace = true`")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_found() {
        check(
            arrows_point_down,
            &[
                (
                    "crates/nn/Cargo.toml",
                    "[dependencies]\nhighwater-autodiff.workspace = true\nhighwater-data = \"1\"\n",
                ),
                ("crates/optim/Cargo.toml", "[dependencies.highwater-nn]\npath = \"../nn\"\n"),
                (
                    "crates/data/Cargo.toml",
                    "[target.'cfg(unix)'.dependencies]\nhighwater-trainer = { path = \"x\" }\n",
                ),
                (
                    "crates/report/Cargo.toml",
                    "[dependencies]\nhighwater-trainer.workspace = true\nhighwater-cli = \"1\"\n",
                ),
                ("crates/trainer/Cargo.toml", "[dependencies]\nhighwater-report.workspace = true\n"),
                ("crates/cli/Cargo.toml", "[dependencies]\nhighwater-report.workspace = true\n"),
            ],
            &[
                "crates/nn/Cargo.toml:3: `nn` may not depend on `data`",
                "crates/optim/Cargo.toml:1: `optim` may not depend on `nn`",
                "crates/data/Cargo.toml:2: `data` may not depend on `trainer`",
                "crates/report/Cargo.toml:3: `report` may not depend on `cli`",
                "crates/trainer/Cargo.toml:2: `trainer` may not depend on `report`",
            ],
        );
    }

    #[test]
    fn tests_may_use_what_the_crate_may_not() {
        check(
            arrows_point_down,
            &[
                (
                    "crates/optim/Cargo.toml",
                    "[dependencies]\n\n[dev-dependencies]\nhighwater-autodiff.workspace = true\n",
                ),
                ("crates/data/Cargo.toml", "[target.'cfg(unix)'.dev-dependencies]\nhighwater-nn = \"1\"\n"),
            ],
            &[],
        );
    }

    #[test]
    fn a_crate_outside_the_picture_is_found() {
        check(
            arrows_point_down,
            &[
                ("crates/extras/Cargo.toml", ""),
                ("xtask/Cargo.toml", ""),
                ("Cargo.toml", ""),
                ("examples/candle/Cargo.toml", ""),
            ],
            &["crates/extras/Cargo.toml:1: `extras` is not in the picture"],
        );
    }

    #[test]
    fn dependencies_outside_their_place_are_found() {
        check(
            confined_dependencies,
            &[
                (
                    "crates/early-stopping/Cargo.toml",
                    "[dependencies]\n# None.\nserde = { version = \"1\", optional = true }\nlibm = \"1\"\n",
                ),
                (
                    "crates/early-stopping/Cargo.toml",
                    "[dependencies.serde]\nversion = \"1\"\noptional = true\n",
                ),
                ("crates/checkpoint/Cargo.toml", "[dependencies]\nbincode.workspace = true\n"),
                ("crates/cli/Cargo.toml", "[dependencies]\nanyhow.workspace = true\nbincode = \"2\"\n"),
                ("crates/data/Cargo.toml", "[dependencies]\nanyhow = \"1\"\n"),
                ("xtask/Cargo.toml", "[dependencies]\nclap = \"4\"\n"),
            ],
            &[
                "crates/early-stopping/Cargo.toml:4: early-stopping needs nothing",
                "crates/cli/Cargo.toml:3: bincode belongs to checkpoint",
                "crates/data/Cargo.toml:2: anyhow is for the program",
                "xtask/Cargo.toml:2: xtask is the standard library",
            ],
        );
    }

    #[test]
    fn a_package_without_a_sentence_about_itself_is_found() {
        check(
            crates_describe_themselves,
            &[
                ("crates/a/Cargo.toml", "description = \"Does one thing, and says which one.\"\n"),
                ("crates/b/Cargo.toml", "name = \"b\"\n"),
                ("crates/c/Cargo.toml", "description = \"todo\"\n"),
            ],
            &["crates/b/Cargo.toml:1: add", "crates/c/Cargo.toml:1: add"],
        );
    }

    #[test]
    fn a_package_that_a_registry_could_not_show_is_found() {
        let full =
            "keywords = []\ncategories = []\nlicense = \"MIT\"\nreadme.workspace = true\nexclude = []\n";
        check(
            crates_can_be_found,
            &[
                ("crates/a/Cargo.toml", full),
                ("crates/b/Cargo.toml", &full.replace("categories", "kinds")),
                ("xtask/Cargo.toml", "publish = false\n"),
            ],
            &["crates/b/Cargo.toml:1: add `categories`"],
        );
    }

    #[test]
    fn a_package_without_the_lints_is_found() {
        check(
            lints_are_shared,
            &[("crates/a/Cargo.toml", "[lints]\nworkspace = true\n"), ("crates/b/Cargo.toml", "[lints]\n")],
            &["crates/b/Cargo.toml:1: add `[lints]`"],
        );
    }
}
