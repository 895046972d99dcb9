//! Where a run is shown.

use crate::gauge::Ink;
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a run is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// A bar on a terminal, lines elsewhere. The default.
    #[default]
    Auto,
    /// Lines.
    Plain,
    /// Warnings only.
    Quiet,
}

/// What everybody who has something to show during a run writes to, so that a warning does not tear the bar apart.
/// Clones share the same screen. There are colours on a terminal, unless `NO_COLOR` is set. Errors of writing are ignored.
#[derive(Clone)]
pub struct Screen(Arc<Mutex<Inner>>);

struct Inner {
    writer: Box<dyn Write + Send>,
    quiet: bool,
    draws: bool,
    colours: bool,
    bar: Option<ProgressBar>,
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Screen").finish_non_exhaustive()
    }
}

impl Screen {
    /// Standard error: standard output is for results.
    pub fn stderr(look: Look) -> Screen {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let terminal = std::io::stderr().is_terminal() && !dumb;
        Screen(Arc::new(Mutex::new(Inner {
            writer: Box::new(std::io::stderr()),
            quiet: look == Look::Quiet,
            draws: look == Look::Auto && terminal,
            colours: terminal && !set("NO_COLOR"),
            bar: None,
        })))
    }

    /// A writer, which gets lines and neither bars nor colours.
    pub fn to(writer: impl Write + Send + 'static, look: Look) -> Screen {
        Screen(Arc::new(Mutex::new(Inner {
            writer: Box::new(writer),
            quiet: look == Look::Quiet,
            draws: false,
            colours: false,
            bar: None,
        })))
    }

    /// Shows `warning: …`, whatever the look.
    pub fn warn(&self, text: &str) {
        let mut inner = self.lock();
        let label = if inner.colours { "\x1b[33mwarning\x1b[0m" } else { "warning" };
        inner.line(&format!("{label}: {text}"));
    }

    /// Shows a line, unless the screen is quiet.
    pub fn say(&self, text: &str) {
        let mut inner = self.lock();
        if !inner.quiet {
            inner.line(text);
        }
    }

    /// Shows a line at the bottom, in place of the last such line. A screen that is no terminal shows none.
    pub fn show(&self, text: &str) {
        let open = self.lock().bar.clone();
        if let Some(bar) = open.or_else(|| self.open_bar().map(|(bar, _)| bar)) {
            bar.set_message(text.to_owned());
        }
    }

    /// Takes away what is at the bottom.
    pub fn clear(&self) {
        if let Some(bar) = self.lock().bar.take() {
            bar.finish_and_clear();
        }
    }

    /// A place at the bottom for a few lines that change, where the screen can show one, and with what ink.
    pub(crate) fn open_bar(&self) -> Option<(ProgressBar, Ink)> {
        let mut inner = self.lock();
        if !inner.draws {
            return None;
        }
        let style = ProgressStyle::with_template("{msg}").expect("the template is well-formed");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style);
        inner.bar = Some(bar.clone());
        Some((bar, if inner.colours { Ink::Colours } else { Ink::Plain }))
    }

    /// How many columns the terminal has now.
    pub(crate) fn columns() -> usize {
        Term::stderr().size_checked().map_or(80, |(_, columns)| usize::from(columns))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn line(&mut self, text: &str) {
        let write = |writer: &mut dyn Write| _ = writeln!(writer, "{text}").and_then(|()| writer.flush());
        match &self.bar {
            Some(bar) => bar.suspend(|| write(&mut self.writer)),
            None => write(&mut self.writer),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io;

    /// A writer whose text can be read.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_quiet_screen_shows_warnings_and_nothing_else() {
        for (look, text) in [(Look::Plain, "one\nwarning: two\n"), (Look::Quiet, "warning: two\n")] {
            let paper = Paper::default();
            let screen = Screen::to(paper.clone(), look);
            screen.say("one");
            screen.clone().warn("two");
            assert_eq!(paper.text(), text);
            assert!(screen.open_bar().is_none());
        }
    }
}
