//! The arguments of a rule in its text.

use super::{ParseError, Problem, parse_duration};
use crate::{Delta, Span, Unit};
use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::{ops::Range, time::Duration};

/// One argument of a call: `10`, `10 epochs`, `min_delta=0.01`.
#[derive(Debug)]
pub(crate) struct Argument<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) words: Vec<&'a str>,
    /// From the first byte of the argument to its last.
    pub(crate) place: Range<usize>,
    /// The same for its words.
    pub(crate) words_place: Range<usize>,
}

/// The arguments of a call, which a rule takes out one by one. The first may stand without a name.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    pub(crate) text: &'a str,
    pub(crate) rule: &'a str,
    pub(crate) place: Range<usize>,
    pub(crate) rest: Vec<Argument<'a>>,
    /// The parameters that were asked for and not given.
    pub(crate) free: String,
    pub(crate) first: bool,
}

impl<'a> Arguments<'a> {
    /// A number, with sign, decimals and exponent; finite.
    pub(crate) fn number(&mut self, name: &'static str) -> Result<Option<f64>, ParseError> {
        self.take(name, "a number", |words| single(words).and_then(finite))
    }

    /// A whole number of at least zero.
    pub(crate) fn count(&mut self, name: &'static str) -> Result<Option<u64>, ParseError> {
        self.take(name, "a whole number", |words| single(words)?.parse().ok())
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<Option<bool>, ParseError> {
        self.take(name, "true or false", |words| single(words)?.parse().ok())
    }

    /// `10`, `10 epochs`, `10 steps`.
    pub(crate) fn span(&mut self, name: &'static str) -> Result<Option<Span>, ParseError> {
        self.take(name, SPAN, span)
    }

    /// `30m`.
    pub(crate) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, ParseError> {
        self.take(name, "a time such as 30m, 1h30m or 90s", |words| single(words).and_then(parse_duration))
    }

    /// `0.01`, `0.01x`, `2se`.
    pub(crate) fn delta(&mut self, name: &'static str) -> Result<Option<Delta>, ParseError> {
        self.take(
            name,
            "a number, or one with `x` (times the best) or `se` (standard errors) after it",
            |words| {
                let word = single(words)?;
                if let Some(share) = word.strip_suffix('x') {
                    finite(share).map(Delta::TimesBest)
                } else if let Some(z) = word.strip_suffix("se") {
                    finite(z).map(Delta::StandardErrors)
                } else {
                    finite(word).map(Delta::Absolute)
                }
            },
        )
    }

    /// A number, which is `true` in the second place if it has an `x` after it.
    pub(crate) fn level(&mut self, name: &'static str) -> Result<Option<(f64, bool)>, ParseError> {
        self.take(name, "a number, or one with `x` (times the best) after it", |words| {
            let word = single(words)?;
            let times = word.strip_suffix('x');
            Some((finite(times.unwrap_or(word))?, times.is_some()))
        })
    }

    /// What was not given and cannot be left out.
    pub(crate) fn missing(&self, parameter: &'static str) -> ParseError {
        let problem = Problem::MissingParameter { rule: self.rule.to_owned(), parameter };
        ParseError::new(self.text, self.place.clone(), problem)
    }

    /// Complains about arguments that nobody asked for.
    pub(crate) fn finish(&self) -> Result<(), ParseError> {
        self.rest.first().map_or(Ok(()), |argument| {
            let problem = Problem::UnknownParameter { rule: self.rule.to_owned(), free: self.free.clone() };
            Err(ParseError::new(self.text, argument.place.clone(), problem))
        })
    }

    fn take<T>(
        &mut self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&[&'a str]) -> Option<T>,
    ) -> Result<Option<T>, ParseError> {
        let first = core::mem::replace(&mut self.first, false);
        let is_it = |(at, argument): (usize, &Argument)| match argument.name {
            Some(given) => given == name,
            None => first && at == 0,
        };
        let Some(at) = self.rest.iter().enumerate().position(is_it) else {
            let separator = if self.free.is_empty() { "" } else { ", " };
            self.free += &format!("{separator}`{name}=`");
            return Ok(None);
        };
        let argument = self.rest.remove(at);
        read(&argument.words)
            .map(Some)
            .ok_or_else(|| ParseError::new(self.text, argument.words_place, Problem::Expected { expected }))
    }
}

pub(crate) const SPAN: &str = "a whole number, alone or with `epochs` or `steps`";

pub(crate) fn span(words: &[&str]) -> Option<Span> {
    let (length, unit) = match words {
        [length] => (length, Unit::Observations),
        [length, "observation" | "observations"] => (length, Unit::Observations),
        [length, "epoch" | "epochs"] => (length, Unit::Epochs),
        [length, "step" | "steps"] => (length, Unit::Steps),
        _ => return None,
    };
    Some(Span { length: length.parse().ok()?, unit })
}

pub(crate) fn single<'a>(words: &[&'a str]) -> Option<&'a str> {
    match words {
        [word] => Some(word),
        _ => None,
    }
}

pub(crate) fn finite(word: &str) -> Option<f64> {
    word.parse().ok().filter(|number: &f64| number.is_finite())
}
