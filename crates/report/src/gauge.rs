//! Bars and small curves made of characters.

use crate::figures::{extent, is_wide};

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Colours of a terminal, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Colours,
}

impl Ink {
    const CYAN: &str = "36";
    const GREEN: &str = "32;1";
    const GREY: &str = "38;5;240";

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Ink::Colours if !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// A line of so many characters, of which a share is thick: done.
pub(crate) fn bar(done: u64, of: u64, columns: usize, ink: Ink) -> String {
    let share = done as f64 / of.max(1) as f64;
    let halves = (share * 2.0 * columns as f64).floor().clamp(0.0, 2.0 * columns as f64) as usize;
    let (full, half) = (halves / 2, halves % 2);
    let thick = "━".repeat(full) + if half == 1 { "╸" } else { "" };
    ink.paint(Ink::CYAN, &thick) + &ink.paint(Ink::GREY, &"─".repeat(columns - full - half))
}

/// A curve of at most so many characters: each is the mean of as many values as it takes, `·` where none is finite. The
/// value at `marked` stands out.
pub(crate) fn spark(values: &[f64], marked: Option<usize>, columns: usize, ink: Ink) -> String {
    let columns = columns.min(values.len());
    let edge = |column: usize| column * values.len() / columns;
    let mean = |column: usize| {
        let finite = values[edge(column)..edge(column + 1)].iter().filter(|value| value.is_finite());
        let (count, sum) = finite.fold((0.0, 0.0), |(count, sum), value| (count + 1.0, sum + value));
        sum / count
    };
    let means: Vec<f64> = (0..columns).map(mean).collect();
    let is_wide = is_wide(extent(means.iter().copied()));
    let means: Vec<f64> = if is_wide { means.iter().map(|mean| mean.ln()).collect() } else { means };
    let (low, high) = extent(means.iter().copied());
    let character = |mean: f64| {
        // Half of each, as the difference of two finite numbers need not be finite.
        let place = (mean / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        match place {
            _ if !mean.is_finite() => '·',
            _ if !place.is_finite() => BLOCKS[3],
            _ => BLOCKS[(place * 7.0).round().clamp(0.0, 7.0) as usize],
        }
    };
    let is_marked = |column: usize| marked.is_some_and(|at| (edge(column)..edge(column + 1)).contains(&at));
    let draw = |(column, mean): (usize, &f64)| {
        let text = character(*mean).to_string();
        if is_marked(column) { ink.paint(Ink::GREEN, &text) } else { text }
    };
    means.iter().enumerate().map(draw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_by_half_characters() {
        for (done, of, text) in [
            (0, 10, "─────"),
            (1, 10, "╸────"),
            (2, 10, "━────"),
            (9, 10, "━━━━╸"),
            (10, 10, "━━━━━"),
            (11, 10, "━━━━━"),
            (0, 0, "─────"),
        ] {
            assert_eq!(bar(done, of, 5, Ink::Plain), text, "{done} of {of}");
        }
        assert_eq!(bar(1, 2, 2, Ink::Colours), "\x1b[36m━\x1b[0m\x1b[38;5;240m─\x1b[0m");
        assert_eq!(bar(2, 2, 2, Ink::Colours), "\x1b[36m━━\x1b[0m");
    }

    #[test]
    fn a_curve_shows_its_course_in_few_characters() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        for (values, columns, text) in [
            (&[][..], 9, ""),
            (&[5.0], 9, "▄"),
            (&[2.0, 2.0], 9, "▄▄"),
            (&[8.0, 1.0, nan, 4.5, inf], 9, "█▁·▅·"),
            (&[1000.0, 100.0, 10.0, 1.0], 9, "█▆▃▁"),
            (&[4.0, 4.0, 2.0, nan, 0.0, 0.0], 3, "█▅▁"),
            (&[f64::MAX, f64::MIN], 9, "█▁"),
            (&[nan, nan], 1, "·"),
        ] {
            assert_eq!(spark(values, None, columns, Ink::Plain), text, "{values:?}");
        }
        assert_eq!(spark(&[2.0, 1.0, 1.5], Some(1), 9, Ink::Colours), "█\x1b[32;1m▁\x1b[0m▅");
    }
}
