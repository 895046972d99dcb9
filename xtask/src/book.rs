//! `cargo xtask book`: the guide as a book, if mdBook is there to make it.

use std::io::ErrorKind;
use std::process::{Command, ExitCode, Stdio};

use crate::cargo;

pub(crate) fn run() -> ExitCode {
    let mut mdbook = Command::new("mdbook");
    mdbook.arg("build").arg(cargo::root().join("docs")).stdin(Stdio::null());
    match mdbook.status() {
        Ok(status) if status.success() => {
            eprintln!("book: open {}", cargo::root().join("target/book/index.html").display());
            ExitCode::SUCCESS
        }
        Ok(status) => {
            eprintln!("book failed: mdbook ended with {status}");
            ExitCode::FAILURE
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            eprintln!(
                "the book is made by mdBook, which is not installed. To install it:\n  cargo install --locked mdbook"
            );
            eprintln!("The pages in docs/ read as well without.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("cannot start mdbook: {error}");
            ExitCode::FAILURE
        }
    }
}
