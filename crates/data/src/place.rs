//! Where something is in a table, and other words that messages are made of.

use std::fmt;

/// A cell of a table, as messages name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// The line the row begins on, from 1.
    pub line: u64,
    /// The column's name.
    pub column: String,
    /// Whether the row is the first below the names of the columns.
    pub is_first: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, column {:?}", self.file, self.line, self.column)
    }
}

pub(crate) fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

pub(crate) fn names_for(expected: usize, needed: usize) -> String {
    if expected == needed {
        expected.to_string()
    } else {
        format!("{expected}, or for {needed} without what is to be predicted")
    }
}

pub(crate) fn training_need(classes: usize) -> String {
    if classes == 1 {
        "one row is needed".to_owned()
    } else {
        format!("one row of each of {classes} classes is needed")
    }
}

/// That the cells on these lines are not what they should be either.
pub(crate) fn nor(lines: &[u64]) -> String {
    let shown = |lines: &[u64]| lines.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    match lines {
        [] => String::new(),
        [line] => format!(" (nor is that on line {line})"),
        [shown_lines @ .., last] if lines.len() <= 4 => {
            format!(" (nor are those on lines {} and {last})", shown(shown_lines))
        }
        _ => format!(" (nor are those on lines {} and {} others)", shown(&lines[..3]), lines.len() - 3),
    }
}

#[cfg(test)]
mod tests {
    use super::nor;

    #[test]
    fn the_first_lines_are_named_and_the_others_counted() {
        let cases: [(&[u64], &str); 4] = [
            (&[], ""),
            (&[7], " (nor is that on line 7)"),
            (&[7, 9, 12], " (nor are those on lines 7, 9 and 12)"),
            (&[7, 9, 12, 20, 31], " (nor are those on lines 7, 9, 12 and 2 others)"),
        ];
        for (lines, expected) in cases {
            assert_eq!(nor(lines), expected);
        }
    }
}
