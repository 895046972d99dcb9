//! Rules about Markdown pages: links lead somewhere, and the guide's summary names its pages.

use std::collections::HashMap;

use super::{File, Finding};
use crate::markdown;

const SUMMARY: &str = "docs/SUMMARY.md";
/// What a registry shows of each crate.
const FOR_REGISTRIES: &str = "crates/README.md";

/// The file of a link is there, and so is the heading behind its `#`. Other sites are not asked.
pub(crate) fn links_lead_somewhere(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let anchors: HashMap<&str, Vec<String>> =
        pages(files).map(|file| (file.path.as_str(), anchors(&file.text))).collect();
    for file in pages(files) {
        let text = markdown::read(&file.text).1;
        for (line, target) in text.iter().flat_map(|&(line, text)| links(text).map(move |link| (line, link)))
        {
            // Other sites, and the names of items, which rustdoc resolves.
            if target.contains("::") || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { Some(file.path.clone()) } else { resolve(&file.path, path) };
            let there = path.as_deref().is_some_and(|path| exists(files, path));
            if target.is_empty() || !there {
                findings.push(file.finding(line, format!("the link to {target:?} leads nowhere")));
            } else if !anchor.is_empty()
                && let Some(known) = path.and_then(|path| anchors.get(path.as_str()))
                && !known.iter().any(|known| known == anchor)
            {
                findings
                    .push(file.finding(line, format!("{target:?}: the page has no heading of this name")));
            }
        }
    }
    findings
}

/// Who opens the book finds every page of the folder.
pub(crate) fn the_summary_names_every_page(files: &[File]) -> Vec<Finding> {
    let Some(summary) = files.iter().find(|file| file.path == SUMMARY) else { return Vec::new() };
    let text = markdown::read(&summary.text).1;
    let named: Vec<String> =
        text.iter().flat_map(|(_, text)| links(text)).filter_map(|link| resolve(SUMMARY, link)).collect();
    let of_the_guide = pages(files).filter(|file| file.path.starts_with("docs/") && file.path != SUMMARY);
    of_the_guide
        .filter(|file| !named.contains(&file.path))
        .map(|file| file.finding(1, format!("the page is not in {SUMMARY}: give it a line there")))
        .collect()
}

/// A registry has none of the files that are beside the page here.
pub(crate) fn pages_for_registries_link_to_sites(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path == FOR_REGISTRIES) {
        for (line, text) in markdown::read(&file.text).1 {
            let inside = links(text).filter(|link| !link.contains("://"));
            findings.extend(inside.map(|link| {
                file.finding(line, format!("a registry does not have {link:?}: link to a site"))
            }));
        }
    }
    findings
}

fn pages(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.path.ends_with(".md"))
}

/// Whether this is a file or a folder with files.
fn exists(files: &[File], path: &str) -> bool {
    let path = path.trim_end_matches('/');
    files
        .iter()
        .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Where a relative link of a page leads, from the root; `None` out of the workspace.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => _ = path.pop()?,
            part => path.push(part),
        }
    }
    Some(path.join("/"))
}

/// The targets of `[words](target)` and `![words](target)` in a line, without titles; code in backticks has none.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let mut in_code = false;
    let mut rest = line;
    while let Some(at) = rest.find(['`', ']']) {
        let code = rest.as_bytes()[at] == b'`';
        rest = &rest[at + 1..];
        if code {
            in_code = !in_code;
        } else if !in_code && let Some(target) = rest.strip_prefix('(') {
            let end = target.find(')').unwrap_or(target.len());
            let (link, after) = target.split_at(end);
            found.push(link.split(' ').next().unwrap_or_default().trim_matches(['<', '>']));
            rest = after;
        }
    }
    found.into_iter()
}

/// The anchors of a page's headings, as GitHub and mdBook name them.
fn anchors(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut times: HashMap<String, usize> = HashMap::new();
    for (_, line) in markdown::read(page).1 {
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let mut anchor = String::new();
        // The words of a link, not its target.
        let mut text = title.trim().to_lowercase();
        while let Some((before, after)) = text.split_once("](") {
            text = format!("{before}{}", after.split_once(')').map_or("", |(_, after)| after));
        }
        for c in text.chars() {
            match c {
                ' ' => anchor.push('-'),
                '-' | '_' => anchor.push(c),
                c if c.is_alphanumeric() => anchor.push(c),
                _ => {}
            }
        }
        let before = times.entry(anchor.clone()).or_default();
        found.push(if *before == 0 { anchor } else { format!("{anchor}-{before}") });
        *before += 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    #[test]
    fn a_link_needs_its_file_and_its_heading() {
        check(
            links_lead_somewhere,
            &[
                (
                    "README.md",
                    "[a](docs/a.md) [b](docs/b.md)\n[c](docs) ![d](docs/i/x.svg)\n[e](https://example.org)",
                ),
                (
                    "docs/a.md",
                    "# A, and `b-c`\n## Twice\n## Twice\n[x](#a-and-b-c)\n[y](a.md#twice-1) [z](#twice-2)\n",
                ),
                (
                    "docs/c.md",
                    "```text\n[x](nowhere)\n```\n`[x](nowhere)` [y](../LICENSE)\n[z](../../out.md)\n[e]()\n",
                ),
                ("docs/SUMMARY.md", "[A](a.md#nothing)\n"),
                ("docs/i/x.svg", ""),
                ("LICENSE", ""),
            ],
            &[
                "README.md:1: the link to \"docs/b.md\"",
                "docs/a.md:5: \"#twice-2\": the page has no heading",
                "docs/c.md:5: the link to \"../../out.md\"",
                "docs/c.md:6: the link to \"\"",
                "docs/SUMMARY.md:1: \"a.md#nothing\": the page",
            ],
        );
    }

    #[test]
    fn a_page_for_registries_links_to_sites_alone() {
        let text = "[a](https://docs.rs/a) [b](../docs/b.md)";
        check(
            pages_for_registries_link_to_sites,
            &[("crates/README.md", text), ("README.md", text)],
            &["crates/README.md:1: a registry does not have \"../docs/b.md\""],
        );
    }

    #[test]
    fn a_page_of_the_guide_stands_in_its_summary() {
        check(
            the_summary_names_every_page,
            &[
                ("docs/SUMMARY.md", "- [A](a.md)\n- [B](deep/b.md)\n"),
                ("docs/a.md", ""),
                ("docs/deep/b.md", ""),
                ("docs/deep/c.md", ""),
                ("README.md", ""),
            ],
            &["docs/deep/c.md:1: the page is not in docs/SUMMARY.md"],
        );
    }
}
