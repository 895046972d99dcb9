//! `cargo xtask book`: the guide as a book, if mdBook is there to make it; then whether its links lead somewhere.

mod links;

use std::io::ErrorKind;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo;

pub(crate) fn run() -> ExitCode {
    let root = cargo::root();
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(root.join("docs")).stdin(Stdio::null());
    match mdbook.status() {
        Ok(status) if status.success() => {}
        Ok(status) => {
            eprintln!("book failed: mdbook ended with {status}");
            return ExitCode::FAILURE;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!(
                "the book is made by mdBook, which is not installed. To install it:\n  cargo install --locked mdbook"
            );
            eprintln!("The pages in docs/ read as well without.");
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("cannot start mdbook: {error}");
            return ExitCode::FAILURE;
        }
    }
    let book = root.join("target/book");
    match links::settle(&book, &root.join("docs"), root) {
        Ok(links::Settled { pages, links, copied, broken }) => {
            for link in &broken {
                eprintln!("{link}");
            }
            eprintln!("book: {pages} pages, {links} links, {copied} of them to files of the workspace");
            if !broken.is_empty() {
                eprintln!("book failed: {} links lead nowhere", broken.len());
                return ExitCode::FAILURE;
            }
            eprintln!("book: open {}", book.join("index.html").display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("book failed: {error}");
            ExitCode::FAILURE
        }
    }
}
