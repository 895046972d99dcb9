//! The links of a built book.
//!
//! The pages also link to files of the workspace, which are beside them on the disk and not in a book that is put
//! somewhere else. These are copied into the book, as text that every browser shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Where copied files are, below the book.
const FILES: &str = "files";

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) pages: usize,
    /// Of one page to another or to a picture, a style and so on.
    pub(crate) links: usize,
    /// Of these, to files of the workspace.
    pub(crate) copied: usize,
    /// A line for each that leads nowhere.
    pub(crate) broken: Vec<String>,
}

/// Follows every link of the pages in `book`, which were made from those in `source`. A link out of the book to a file
/// below `root` leads to a copy of it afterwards.
pub(crate) fn settle(book: &Path, source: &Path, root: &Path) -> Result<Settled, String> {
    let mut files = BTreeSet::new();
    walk(book, Path::new(""), &mut files).map_err(|error| format!("{}: {error}", book.display()))?;
    let mut pages = BTreeMap::new();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "html")) {
        let text =
            fs::read_to_string(book.join(path)).map_err(|error| format!("{}: {error}", path.display()))?;
        pages.insert(path.clone(), text);
    }
    let mut settled = Settled { pages: pages.len(), links: 0, copied: 0, broken: Vec::new() };
    for (page, text) in &pages {
        // For any place of a site, so that its links are not relative.
        if page.ends_with("404.html") {
            continue;
        }
        let mut changed = String::new();
        let mut rest = text.as_str();
        while let Some((before, link)) = next_link(rest) {
            let after = &rest[before.len() + link.len()..];
            changed += before;
            rest = after;
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            if elsewhere(link) {
                changed += link;
                continue;
            }
            settled.links += 1;
            let target = match path {
                "" => page.clone(),
                path => beside(page, path),
            };
            match pages.get(&target) {
                Some(there) if anchor.is_empty() || has_anchor(there, anchor) => changed += link,
                Some(_) => {
                    settled.broken.push(format!("{}: {link:?}: there is no such heading", page.display()));
                    changed += link;
                }
                None if files.contains(&target) => changed += link,
                None => match outside(source, root, page, path) {
                    Some(file) => {
                        settled.copied += 1;
                        let copy = Path::new(FILES).join(format!("{}.txt", file.display()));
                        put(&root.join(&file), &book.join(&copy))?;
                        let up = "../".repeat(page.components().count() - 1);
                        changed += &format!("{up}{}", copy.display());
                    }
                    None => {
                        settled.broken.push(format!("{}: {link:?} leads nowhere", page.display()));
                        changed += link;
                    }
                },
            }
        }
        changed += rest;
        if changed != *text {
            fs::write(book.join(page), changed).map_err(|error| format!("{}: {error}", page.display()))?;
        }
    }
    Ok(settled)
}

fn walk(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            walk(root, &path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// What stands before the next value of `href` or `src`, and the value.
fn next_link(text: &str) -> Option<(&str, &str)> {
    let ends = [" href=\"", " src=\""].map(|word| text.find(word).map(|at| at + word.len()));
    let start = ends.into_iter().flatten().min()?;
    let length = text[start..].find('"')?;
    Some((&text[..start], &text[start..start + length]))
}

/// Whether a link is none of the book's business.
fn elsewhere(link: &str) -> bool {
    link.is_empty()
        || link.contains("://")
        || ["mailto:", "data:", "javascript:", "#search"].iter().any(|start| link.starts_with(start))
}

fn has_anchor(page: &str, anchor: &str) -> bool {
    page.contains(&format!(" id=\"{anchor}\"")) || page.contains(&format!(" name=\"{anchor}\""))
}

/// Where a relative path leads from a page; what leads out begins with `..`.
fn beside(page: &Path, path: &str) -> PathBuf {
    let mut found: Vec<Component<'_>> = page.components().collect();
    found.pop();
    for part in Path::new(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(found.last(), Some(Component::Normal(_))) => _ = found.pop(),
            part => found.push(part),
        }
    }
    found.into_iter().collect()
}

/// The file of the workspace that the source of a page links to, from the root. mdBook has made `.html` of `.md`.
fn outside(source: &Path, root: &Path, page: &Path, path: &str) -> Option<PathBuf> {
    let within = source.strip_prefix(root).ok()?;
    let file = beside(&within.join(page), path);
    let page = file.with_extension("md");
    let inside = |file: &PathBuf| matches!(file.components().next(), Some(Component::Normal(_)));
    [file, page].into_iter().find(|file| inside(file) && root.join(file).is_file())
}

fn put(from: &Path, to: &Path) -> Result<(), String> {
    let folder = to.parent().unwrap_or(to);
    let done = fs::create_dir_all(folder).and_then(|()| fs::copy(from, to));
    done.map(|_| ()).map_err(|error| format!("{}: {error}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_files_of_the_workspace_are_taken_along() {
        let root = std::env::temp_dir().join(format!("xtask-book-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("crates/a.rs", "fn a() {}");
        write("crates/PEERS.md", "peers");
        write("docs/index.md", "");
        write(
            "book/index.html",
            "<a href=\"deep/b.html#one\">1</a> <a href=\"https://x.org/y\">2</a> <img src=\"i.png\">",
        );
        write("book/i.png", "");
        write(
            "book/deep/b.html",
            "<h1 id=\"one\">1</h1><a href=\"../../crates/a.rs\">a</a> <a href=\"../../crates/PEERS.html#p\">p</a> \
             <a href=\"#two\">2</a> <a href=\"../c.html\">c</a> <img src=\"../j.png\"> <a href=\"../../../etc/passwd\">e</a>",
        );
        write("book/404.html", "<a href=\"nowhere.html\">n</a>");
        let settled = settle(&root.join("book"), &root.join("docs"), &root).unwrap();
        let page = fs::read_to_string(root.join("book/deep/b.html")).unwrap();
        let copies = ["crates/a.rs.txt", "crates/PEERS.md.txt"]
            .map(|file| fs::read_to_string(root.join("book/files").join(file)).unwrap());
        fs::remove_dir_all(&root).unwrap();
        assert_eq!((settled.pages, settled.links, settled.copied), (3, 8, 2));
        let broken = [
            "deep/b.html: \"#two\": there",
            "deep/b.html: \"../c.html\" leads",
            "deep/b.html: \"../j.png\" leads",
            "deep/b.html: \"../../../etc",
        ];
        assert_eq!(settled.broken.len(), broken.len(), "{settled:?}");
        assert!(
            settled.broken.iter().zip(broken).all(|(found, start)| found.starts_with(start)),
            "{settled:?}"
        );
        assert_eq!(copies, ["fn a() {}", "peers"]);
        assert!(
            page.contains("href=\"../files/crates/a.rs.txt\"")
                && page.contains("href=\"../files/crates/PEERS.md.txt\""),
            "{page}"
        );
    }
}
