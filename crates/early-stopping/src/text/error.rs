//! What is wrong with a text, and where.

use super::parser::NAMES;
use crate::rule::InvalidRule;
use alloc::string::{String, ToString};
use core::{error::Error, fmt, ops::Range};

/// A text that is no rule, and where it fails to be one.
///
/// ```
/// use highwater_early_stopping::{Problem, Rule};
///
/// let error = "patience(10) or gk(5)".parse::<Rule>().unwrap_err();
/// assert_eq!(error.column(), 17);
/// assert!(matches!(error.problem(), Problem::UnknownRule { suggestion: Some("gl"), .. }));
/// assert_eq!(
///     error.to_string(),
///     "there is no rule `gk`; did you mean `gl`?\n  patience(10) or gk(5)\n                  ^^"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    text: String,
    place: Range<usize>,
    problem: Problem,
}

/// What is wrong with a text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Something else should stand here.
    Expected {
        /// What should.
        expected: &'static str,
    },
    /// No rule has this name.
    UnknownRule {
        /// The name that was given.
        name: String,
        /// A name that is close to it.
        suggestion: Option<&'static str>,
    },
    /// The rule has no parameter of this name, or none without a name at this place, or it was given before.
    UnknownParameter {
        /// The rule.
        rule: String,
        /// The parameters that are still free.
        free: String,
    },
    /// The rule lacks a parameter that it cannot do without.
    MissingParameter {
        /// The rule.
        rule: String,
        /// The parameter.
        parameter: &'static str,
    },
    /// The numbers are well written and make no sense.
    Invalid(InvalidRule),
    /// Parentheses, `not` and rules within rules go deeper than 64 levels.
    TooDeep,
}

/// So many characters of a text are shown.
const SHOWN: usize = 120;

impl ParseError {
    /// A problem in the bytes `place` of `text`.
    pub(crate) fn new(text: &str, place: Range<usize>, problem: Problem) -> Self {
        Self { text: text.to_string(), place, problem }
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Where in the text: a range of bytes, empty at the end of a text that breaks off.
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// The column of the first wrong character, 1 for the first of the text.
    pub fn column(&self) -> usize {
        self.text[..self.place.start].chars().count() + 1
    }
}

/// The problem, then the text, then a line that points at the place.
impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // Of a long text, what is around the place.
        let column = self.column() - 1;
        let from = column.saturating_sub(SHOWN / 2);
        let shown = self.text.chars().skip(from).take(SHOWN);
        let line: String = shown.map(|c| if c.is_control() { ' ' } else { c }).collect();
        let indent = column - from;
        let width = self.text[self.place.clone()].chars().take(SHOWN - indent).count().max(1);
        write!(f, "{}\n  {line}\n  {:indent$}{:^<width$}", self.problem, "", "")
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Problem::Expected { expected } => write!(f, "expected {expected}"),
            Problem::UnknownRule { name, suggestion } => {
                let more = if name.chars().nth(SHOWN).is_some() { "…" } else { "" };
                let name: String = name.chars().take(SHOWN).collect();
                write!(f, "there is no rule `{name}{more}`")?;
                match suggestion {
                    Some(rule) => write!(f, "; did you mean `{rule}`?"),
                    None => write!(f, "; there are {}", NAMES.join(", ")),
                }
            }
            Problem::UnknownParameter { rule, free } if free.is_empty() => {
                write!(f, "`{rule}` takes nothing more")
            }
            Problem::UnknownParameter { rule, free } => write!(f, "`{rule}` takes here only {free}"),
            Problem::MissingParameter { rule, parameter } => {
                write!(f, "`{rule}` needs its `{parameter}`, in brackets: {rule}({parameter})")
            }
            Problem::Invalid(invalid) => write!(f, "{invalid}"),
            Problem::TooDeep => f.write_str("rules are nested deeper than 64 levels"),
        }
    }
}

impl Error for ParseError {}
