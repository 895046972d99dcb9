//! Rules about Rust files: short, introduced, well named.

use super::{File, Finding};

const MOST_LINES: usize = 400;

/// A file is one concept: at most 400 lines before its tests. Tests of their own folder may be longer.
pub(crate) fn files_are_short(files: &[File]) -> Vec<Finding> {
    let rust = files.iter().filter(|file| file.is_rust() && !file.path.contains("/tests/"));
    rust.filter_map(|file| {
        let lines: Vec<&str> = file.text.lines().collect();
        let tests = lines.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
        let length = tests.unwrap_or(lines.len());
        let text =
            format!("{length} lines before the tests, {MOST_LINES} are the most: split the file by concepts");
        (length > MOST_LINES).then(|| file.finding(length, text))
    })
    .collect()
}

/// Whoever opens a file reads first what it is for.
pub(crate) fn modules_say_what_they_are(files: &[File]) -> Vec<Finding> {
    let silent = files.iter().filter(|file| file.is_rust() && !file.text.starts_with("//! "));
    silent.map(|file| file.finding(1, "begin the file with a `//!` line that says what it is")).collect()
}

/// The page of a library shows it at work.
pub(crate) fn crate_pages_have_an_example(files: &[File]) -> Vec<Finding> {
    let libraries =
        files.iter().filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/src/lib.rs"));
    let without = libraries.filter(|file| {
        let page = file.text.lines().filter_map(|line| line.strip_prefix("//!"));
        !fences(page).any(|fence| fence.is_empty() || fence == "rust")
    });
    without
        .map(|file| {
            file.finding(1, "the crate's page has no example: add a code block that runs and asserts")
        })
        .collect()
}

/// An example that nobody compiles is wrong sooner or later.
pub(crate) fn examples_run(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        for (number, line) in file.lines() {
            let line = line.trim_start();
            let docs = line.strip_prefix("//!").or_else(|| line.strip_prefix("///"));
            if docs.is_some_and(|docs| docs.trim_start().starts_with("```ignore")) {
                findings.push(
                    file.finding(number, "this example is ignored: make it compile, or mark it `text`"),
                );
            }
        }
    }
    findings
}

/// What stands behind the opening ``` of each code block.
fn fences<'a>(docs: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    docs.filter_map(|line| line.trim().strip_prefix("```")).step_by(2)
}

/// A name for everything is a name for nothing.
pub(crate) fn names_say_something(files: &[File]) -> Vec<Finding> {
    const EMPTY: [&str; 8] = ["common", "helper", "helpers", "misc", "shared", "types", "util", "utils"];
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let names = file.path.trim_end_matches(".rs").split('/');
        if let Some(name) = names.into_iter().find(|name| EMPTY.contains(name)) {
            findings.push(file.finding(1, format!("`{name}` says nothing: name the file after its concept")));
        }
    }
    findings
}

/// `bincode` is unmaintained and will be exchanged one day: in one file, then.
pub(crate) fn one_module_speaks_bincode(files: &[File]) -> Vec<Finding> {
    let libraries = files.iter().filter(|file| file.is_rust() && file.path.starts_with("crates/"));
    let mut speakers = libraries.filter_map(|file| {
        let speaks = |line: &str| {
            let code = line.trim_start();
            !code.starts_with("//") && (code.contains("bincode::") || code.contains("use bincode"))
        };
        file.lines().find(|(_, line)| speaks(line)).map(|(number, _)| (file, number))
    });
    let Some((home, _)) = speakers.next() else { return Vec::new() };
    let text = format!("bincode is used in {} already: go through it", home.path);
    speakers.map(|(file, number)| file.finding(number, text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_long_file_is_found_and_its_tests_do_not_count() {
        let code = |lines: usize| "//! Code.\n".repeat(lines);
        let tests = "#[cfg(test)]\nmod tests {\n}\n";
        check(
            files_are_short,
            &[
                ("long.rs", &code(401)),
                ("just.rs", &code(400)),
                ("tested.rs", &format!("{}{tests}{}", code(400), code(300))),
                ("early.rs", &format!("#[cfg(test)]\nuse a::b;\n{}", code(400))),
                ("crates/a/tests/it.rs", &code(900)),
                ("long.md", &code(900)),
            ],
            &["long.rs:401: 401 lines", "early.rs:402: 402 lines"],
        );
    }

    #[test]
    fn a_file_without_an_introduction_is_found() {
        check(
            modules_say_what_they_are,
            &[("a.rs", "use b::c;\n"), ("b.rs", "//! B.\n"), ("c.rs", ""), ("d.py", "x = 1\n")],
            &["a.rs:1: begin", "c.rs:1: begin"],
        );
    }

    #[test]
    fn a_crate_page_needs_an_example_that_is_rust() {
        check(
            crate_pages_have_an_example,
            &[
                ("crates/a/src/lib.rs", "//! A.\n"),
                ("crates/b/src/lib.rs", "//! B.\n//!\n//! ```text\n//! 1 2\n//! ```\n"),
                ("crates/c/src/lib.rs", "//! C.\n//!\n//! ```\n//! assert_eq!(1, 1);\n//! ```\n"),
                ("crates/d/src/lib.rs", "//! D.\n\n/// ```\n/// ```\npub fn d() {}\n"),
                ("crates/e/src/main.rs", "//! E.\n"),
            ],
            &[
                "crates/a/src/lib.rs:1: the crate's page",
                "crates/b/src/lib.rs:1: the crate's page",
                "crates/d/src/lib.rs:1: the crate's page",
            ],
        );
    }

    #[test]
    fn an_ignored_example_is_found() {
        check(
            examples_run,
            &[
                ("a.rs", "//! A.\n    /// ```ignore\n    /// x\n    /// ```\n"),
                ("b.rs", "//! ```\n//! ```\n"),
            ],
            &["a.rs:2: this example is ignored"],
        );
    }

    #[test]
    fn names_that_say_nothing_are_found() {
        check(
            names_say_something,
            &[
                ("crates/a/src/utils.rs", ""),
                ("crates/a/tests/common/mod.rs", ""),
                ("crates/a/src/common_words.rs", ""),
                ("docs/types.md", ""),
            ],
            &["crates/a/src/utils.rs:1: `utils`", "crates/a/tests/common/mod.rs:1: `common`"],
        );
    }

    #[test]
    fn a_second_module_that_uses_bincode_is_found() {
        check(
            one_module_speaks_bincode,
            &[
                ("crates/a/src/codec.rs", "use bincode::config;\n"),
                ("crates/a/src/store.rs", "// Not through bincode::encode.\n"),
                ("crates/b/src/run.rs", "//! B.\nlet x = bincode::encode();\n"),
            ],
            &["crates/b/src/run.rs:2: bincode is used in crates/a/src/codec.rs already"],
        );
    }
}
