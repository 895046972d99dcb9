//! What of a page is to be run, and what it promises.

use crate::markdown;

/// What a page gives a shell, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step<'a> {
    /// The line of the opening fence.
    pub(crate) line: usize,
    pub(crate) script: String,
    pub(crate) when: When<'a>,
    /// The line of the block that shows what it prints, and the lines in it.
    pub(crate) shown: Option<(usize, Vec<&'a str>)>,
}

/// When a block is run, as said behind its fence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum When<'a> {
    Always,
    /// `fails`: it must end with an error, for the page shows one.
    Fails,
    /// `slow: REASON`: not in the quick check.
    Slow,
    /// `python: MODULES`: where Python has these, and not in the quick check.
    Python(Vec<&'a str>),
    /// `skip: REASON`: cannot be run.
    Never(&'a str),
}

/// The steps of a page. A block of `text output` belongs to the shell block before it.
///
/// # Errors
/// The line of a fence that says something unknown, and what is wrong with it.
pub(crate) fn steps(page: &str) -> Result<Vec<Step<'_>>, (usize, String)> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for block in markdown::read(page).0 {
        match block.language() {
            ("sh", words) => steps.push(Step {
                line: block.line,
                script: block.body.join("\n"),
                when: when(words).map_err(|error| (block.line, error))?,
                shown: None,
            }),
            ("text", "output") => match steps.last_mut() {
                Some(step) if step.shown.is_none() => step.shown = Some((block.line, block.body)),
                _ => return Err((block.line, "no `sh` block before it prints this".to_owned())),
            },
            ("text", "") => {}
            ("text", words) => {
                return Err((block.line, format!("`text {words}`: only `text output` is known")));
            }
            ("bash" | "shell" | "console", _) => {
                return Err((block.line, "commands to be run stand in an `sh` block".to_owned()));
            }
            _ => {}
        }
    }
    Ok(steps)
}

fn when(words: &str) -> Result<When<'_>, String> {
    let (word, reason) = words.split_once(':').map_or((words, ""), |(word, reason)| (word, reason.trim()));
    match (word, reason) {
        ("", "") => Ok(When::Always),
        ("fails", "") => Ok(When::Fails),
        ("slow", _) if !reason.is_empty() => Ok(When::Slow),
        ("python", _) if !reason.is_empty() => Ok(When::Python(reason.split(' ').collect())),
        ("skip", _) if !reason.is_empty() => Ok(When::Never(reason)),
        _ => Err(format!(
            "`sh {words}`: write `fails`, `slow: REASON`, `python: MODULES` or `skip: REASON` behind `sh`, or nothing"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_fence_says_when_to_run_it() {
        let page = "```sh\na\nb\n```\n```text output\nc\n```\n```sh python: torch numpy\nd\n```\n```toml\nx\n```\n\
                    ```sh skip: installs it\ne\n```\n```text\nf\n```\n";
        let step = |line, script: &str, when, shown| Step { line, script: script.to_owned(), when, shown };
        assert_eq!(
            steps(page).unwrap(),
            [
                step(1, "a\nb", When::Always, Some((5, vec!["c"]))),
                step(8, "d", When::Python(vec!["torch", "numpy"]), None),
                step(14, "e", When::Never("installs it"), None),
            ]
        );
    }

    #[test]
    fn an_unknown_word_is_an_error_and_so_is_output_of_nothing() {
        for (page, line) in [
            ("```sh quick\n```", 1),
            ("```sh skip:\n```", 1),
            ("```sh skip\n```", 1),
            ("```bash\n```", 1),
            ("x\n```text output\n```", 2),
            ("```sh\n```\n```text output\n```\n```text output\n```", 5),
            ("```text outptu\n```", 1),
        ] {
            assert_eq!(steps(page).map_err(|(line, _)| line), Err(line), "{page:?}");
        }
    }
}
