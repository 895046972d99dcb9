//! From words to a rule.

use super::arguments::{self, Argument, Arguments};
use super::lexer::{Token, tokens};
use super::{ParseError, Problem};
use crate::{
    Divergence, GeneralizationLoss, IncToDec, Patience, Plateau, ProgressBelow, ProgressQuotient, Rises,
    Rule, Smoothing, Span, Unit,
};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::{ops::Range, str::FromStr};

/// The names of all rules, for suggestions.
pub(super) const NAMES: [&str; 21] = [
    "patience",
    "gl",
    "pq",
    "up",
    "progress_below",
    "epochs",
    "steps",
    "observations",
    "time",
    "target",
    "diverged",
    "inc_to_dec",
    "plateau",
    "evidence",
    "never",
    "after",
    "skip",
    "held",
    "latched",
    "ema",
    "median",
];
const DEEPEST: u32 = 64;

impl FromStr for Rule {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { text, tokens: tokens(text), next: 0, depth: 0 };
        let rule = parser.any()?;
        match parser.peek() {
            None => Ok(rule),
            Some(_) => Err(parser.expected("`or`, `and` or the end")),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token<'a>, Range<usize>)>,
    next: usize,
    depth: u32,
}

type Parsed<T> = Result<T, ParseError>;

impl<'a> Parser<'a> {
    fn any(&mut self) -> Parsed<Rule> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(self.place(), Problem::TooDeep));
        }
        let mut rules = Vec::from([self.all()?]);
        while self.eat_word("or") {
            rules.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(rules, Rule::Any))
    }

    fn all(&mut self) -> Parsed<Rule> {
        let mut rules = Vec::from([self.single()?]);
        while self.eat_word("and") {
            rules.push(self.single()?);
        }
        Ok(one_or(rules, Rule::All))
    }

    fn single(&mut self) -> Parsed<Rule> {
        let place = self.place();
        if self.eat(Token::Open) {
            let rule = self.any()?;
            self.expect(Token::Close, "`or`, `and` or `)`")?;
            return Ok(rule);
        }
        let Some(Token::Word(word)) = self.peek() else { return Err(self.expected("a rule")) };
        if ["or", "and", "of"].iter().any(|joint| word.eq_ignore_ascii_case(joint)) {
            return Err(self.expected("a rule"));
        }
        self.next += 1;
        if word.eq_ignore_ascii_case("not") {
            self.depth += 1;
            let rule =
                if self.depth > DEEPEST { Err(self.error(place, Problem::TooDeep)) } else { self.single() };
            self.depth -= 1;
            return rule.map(|rule| !rule);
        }
        let rule = match word.parse() {
            Ok(needed) => self.at_least(needed)?,
            Err(_) => self.call(word, place.clone())?,
        };
        let end = self.tokens[self.next - 1].1.end;
        rule.check().map_err(|invalid| self.error(place.start..end, Problem::Invalid(invalid)))?;
        Ok(rule)
    }

    fn at_least(&mut self, needed: u64) -> Parsed<Rule> {
        if !self.eat_word("of") {
            return Err(self.expected("`of`, as in `2 of (gl(5), up(3), patience(10))`"));
        }
        self.expect(Token::Open, "`(`")?;
        let mut rules = Vec::from([self.any()?]);
        while self.eat(Token::Comma) {
            rules.push(self.any()?);
        }
        self.expect(Token::Close, "`,` or `)`")?;
        Ok(Rule::AtLeast { needed, rules })
    }

    fn call(&mut self, name: &'a str, place: Range<usize>) -> Parsed<Rule> {
        let lower = name.to_ascii_lowercase();
        let span = |words: &[&str]| arguments::span(words);
        let single = arguments::single;
        match lower.as_str() {
            "after" => self.around(arguments::SPAN, span, |warm_up, rule| Rule::After { warm_up, rule }),
            "skip" => self.around(arguments::SPAN, span, |first, rule| Rule::Skip { first, rule }),
            "held" => self.around(
                "a whole number",
                |words| single(words)?.parse().ok(),
                |times, rule| Rule::Held { times, rule },
            ),
            "ema" => self.around(
                "a number",
                |words| single(words).and_then(arguments::finite).map(Smoothing::Exponential),
                |by, rule| Rule::Smoothed { by, rule },
            ),
            "median" => self.around(
                "a whole number",
                |words| single(words)?.parse().ok().map(Smoothing::Median),
                |by, rule| Rule::Smoothed { by, rule },
            ),
            "latched" => {
                self.expect(Token::Open, "`(`")?;
                let rule = self.any()?;
                self.expect(Token::Close, "`or`, `and` or `)`")?;
                Ok(rule.latched())
            }
            lower if NAMES.contains(&lower) => self.leaf(lower, name, place),
            lower => {
                let problem = Problem::UnknownRule { name: name.to_owned(), suggestion: nearest(lower) };
                Err(self.error(place, problem))
            }
        }
    }

    /// `name(value, rule)`, of which the name is read.
    fn around<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&[&str]) -> Option<T>,
        make: impl FnOnce(T, Box<Rule>) -> Rule,
    ) -> Parsed<Rule> {
        self.expect(Token::Open, "`(`")?;
        let (words, place) = self.words(expected)?;
        let value = read(&words).ok_or_else(|| self.error(place, Problem::Expected { expected }))?;
        self.expect(Token::Comma, "`,` and a rule")?;
        let rule = Box::new(self.any()?);
        self.expect(Token::Close, "`or`, `and` or `)`")?;
        Ok(make(value, rule))
    }

    fn leaf(&mut self, lower: &str, name: &'a str, place: Range<usize>) -> Parsed<Rule> {
        let rest = self.arguments()?;
        let mut arguments =
            Arguments { text: self.text, rule: name, place, rest, free: String::new(), first: true };
        let a = &mut arguments;
        let limit = |unit, a: &mut Arguments| {
            let length = a.count("n")?.ok_or_else(|| a.missing("n"))?;
            Ok(Rule::Limit(Span { length, unit }))
        };
        let rule = match lower {
            "patience" => Patience::read(a).map(Rule::Patience),
            "gl" => GeneralizationLoss::read(a).map(Rule::GeneralizationLoss),
            "pq" => ProgressQuotient::read(a).map(Rule::ProgressQuotient),
            "up" => Rises::read(a).map(Rule::Rises),
            "progress_below" => ProgressBelow::read(a).map(Rule::ProgressBelow),
            "epochs" => limit(Unit::Epochs, a),
            "steps" => limit(Unit::Steps, a),
            "observations" => limit(Unit::Observations, a),
            "time" => a.duration("limit")?.map(Rule::Time).ok_or_else(|| a.missing("limit")),
            "target" => a.number("value")?.map(Rule::Target).ok_or_else(|| a.missing("value")),
            "diverged" => Divergence::read(a).map(Rule::Divergence),
            "inc_to_dec" => IncToDec::read(a).map(Rule::IncToDec),
            "plateau" => Plateau::read(a).map(Rule::Plateau),
            "evidence" => Ok(Rule::Evidence),
            _ => Ok(Rule::Never),
        }?;
        arguments.finish()?;
        Ok(rule)
    }

    /// `(10, strip=2)`, or nothing.
    fn arguments(&mut self) -> Parsed<Vec<Argument<'a>>> {
        let mut arguments = Vec::new();
        if !self.eat(Token::Open) || self.eat(Token::Close) {
            return Ok(arguments);
        }
        loop {
            let (mut words, mut words_place) = self.words("a value, or `name=value`")?;
            let mut place = words_place.clone();
            let mut name = None;
            if self.peek() == Some(Token::Equals) {
                if words.len() != 1 {
                    return Err(self.expected("`,` or `)`"));
                }
                self.next += 1;
                name = words.pop();
                (words, words_place) = self.words("a value")?;
                place.end = words_place.end;
            }
            arguments.push(Argument { name, words, place, words_place });
            if self.eat(Token::Close) {
                return Ok(arguments);
            }
            self.expect(Token::Comma, "`,` or `)`")?;
        }
    }

    /// One word or more.
    fn words(&mut self, expected: &'static str) -> Parsed<(Vec<&'a str>, Range<usize>)> {
        let mut place = self.place();
        let mut words = Vec::new();
        while let Some(Token::Word(word)) = self.peek() {
            words.push(word);
            place.end = self.place().end;
            self.next += 1;
        }
        if words.is_empty() { Err(self.expected(expected)) } else { Ok((words, place)) }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).map(|(token, _)| *token)
    }

    fn eat(&mut self, token: Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    /// As [`eat`](Parser::eat), a word in small letters or large ones.
    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(next)) if next.eq_ignore_ascii_case(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, token: Token, expected: &'static str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(self.expected(expected)) }
    }

    /// Where the next token stands, or the end.
    fn place(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.text.len()..self.text.len(), |(_, place)| place.clone())
    }

    fn expected(&self, expected: &'static str) -> ParseError {
        self.error(self.place(), Problem::Expected { expected })
    }

    fn error(&self, place: Range<usize>, problem: Problem) -> ParseError {
        ParseError::new(self.text, place, problem)
    }
}

fn one_or(mut rules: Vec<Rule>, several: fn(Vec<Rule>) -> Rule) -> Rule {
    match rules.pop() {
        Some(only) if rules.is_empty() => only,
        last => {
            rules.extend(last);
            several(rules)
        }
    }
}

/// The name that takes the fewest edits to become this one, if it is close at all.
fn nearest(name: &str) -> Option<&'static str> {
    let close = |known: &&&str| edits(name, known) <= 1.max(known.len() / 3);
    NAMES.iter().filter(close).min_by_key(|known| edits(name, known)).copied()
}

/// How many characters must be inserted, removed or exchanged (Levenshtein).
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = core::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let exchanged = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn rules_parse_and_print() {
        for (text, printed) in [
            ("patience(10, min_delta=0.001) or gl(5) or time(30m)", ""),
            ("patience( wait = 10 epochs,min_delta=1e-3 )", "patience(10 epochs, min_delta=0.001)"),
            ("patience(1 steps)", "patience(1 step)"),
            ("patience(7 observations)", "patience(7)"),
            ("patience(factor=0.5)", ""),
            ("patience(10, factor=0.5)", ""),
            ("patience(1 epoch)", ""),
            ("patience(3, min_delta=2se, inclusive=true, cumulative=false, baseline=-1)", ""),
            ("patience(3, inclusive=false, cumulative=true, min_delta=0)", "patience(3)"),
            ("patience(3, min_delta=0.01x)", ""),
            ("GL(5) and UP(3)", "gl(5) and up(3)"),
            ("gl(5, strip=5) and up(3, strip=5)", "gl(5, strip=5) and up(3)"),
            ("pq(0.75, strip=3) or progress_below(0.1)", ""),
            ("epochs(100) or steps(5) or observations(7)", ""),
            ("time(90m)", "time(1h30m)"),
            ("target(-1e-9) or diverged(10x) or diverged(2.5)", ""),
            ("inc_to_dec(0.001, wait=20)", "inc_to_dec(0.001)"),
            ("plateau(3, min_delta=0.5)", ""),
            ("never or evidence()", "never or evidence"),
            ("a_and", "unknown"),
            ("gl(5) AND up(3) Or NOT 1 OF (never)", "gl(5) and up(3) or not 1 of (never)"),
            ("(gl(5) and up(3)) or time(30m)", "gl(5) and up(3) or time(30m)"),
            ("gl(5) and (up(3) or time(30m))", ""),
            ("(gl(5) or gl(6)) or gl(7)", ""),
            ("gl(5) or (gl(6) or gl(7))", ""),
            ("((gl(5)))", "gl(5)"),
            ("not not gl(5)", ""),
            ("not (gl(5) or never)", ""),
            ("not gl(5) or never", ""),
            ("2 of (gl(5), up(3) and never, never or never)", ""),
            ("1 of (gl(5))", ""),
            ("after(20 epochs, skip(3, latched(held(2, evidence))))", ""),
            ("ema(0.9, median(5, gl(5) or up(3)))", ""),
        ] {
            let expected = if printed.is_empty() { text } else { printed };
            match text.parse::<Rule>() {
                Ok(rule) => {
                    assert_eq!(rule.to_string(), expected, "{text}");
                    assert_eq!(expected.parse(), Ok(rule), "{text}");
                }
                Err(error) => assert!(expected == "unknown", "{error}"),
            }
        }
    }

    #[test]
    fn errors_point_at_the_place() {
        for (text, marked, problem) in [
            ("", "", "expected a rule"),
            ("  ", "", "expected a rule"),
            ("gl(5) or", "", "expected a rule"),
            ("gl(5) or or gl(6)", "or", "expected a rule"),
            ("gl(5) or AND gl(6)", "AND", "expected a rule"),
            ("gl(5) gl(6)", "gl", "expected `or`, `and` or the end"),
            ("gl(5))", ")", "expected `or`, `and` or the end"),
            ("(gl(5)", "", "expected `or`, `and` or `)`"),
            ("gl(5", "", "expected `,` or `)`"),
            ("gl(5 strip=2)", "=", "expected `,` or `)`"),
            ("gl(strip=)", ")", "expected a value"),
            ("gl(,)", ",", "expected a value, or `name=value`"),
            ("gl(five)", "five", "expected a number"),
            ("gl(5%)", "5%", "expected a number"),
            ("gl(inf)", "inf", "expected a number"),
            ("gl", "gl", "`gl` needs its `alpha`, in brackets: gl(alpha)"),
            ("up(strip=2)", "up", "`up` needs its `rises`, in brackets: up(rises)"),
            ("gl(5, 6)", "6", "`gl` takes here only `strip=`"),
            ("gl(5, strip=1, strip=2)", "strip=2", "`gl` takes nothing more"),
            ("gl(5, alpha=5)", "alpha=5", "`gl` takes here only `strip=`"),
            ("never(1)", "1", "`never` takes nothing more"),
            ("up(2.5)", "2.5", "expected a whole number"),
            ("patience(0)", "patience(0)", "`patience` needs a wait of at least 1"),
            ("gl(1) or gl(-1, strip=2)", "gl(-1, strip=2)", "`gl` needs an alpha of at least 0"),
            (
                "patience(10, min_delta=1%)",
                "1%",
                "expected a number, or one with `x` (times the best) or `se`",
            ),
            ("patience(10 days)", "10 days", "expected a whole number, alone or with `epochs` or `steps`"),
            ("patience(3, cumulative=no)", "no", "expected true or false"),
            ("time(30)", "30", "expected a time such as 30m, 1h30m or 90s"),
            ("time(0s)", "time(0s)", "`time` needs a limit above 0"),
            ("pq(1, strip=1)", "pq(1, strip=1)", "`pq` needs a strip of at least 2"),
            ("diverged(1x)", "diverged(1x)", "`diverged` needs a factor above 1"),
            (
                "3 of (gl(5), up(3))",
                "3 of (gl(5), up(3))",
                "`of` needs a number from 1 to the number of its rules",
            ),
            ("3 gl(5)", "gl", "expected `of`, as in"),
            ("2 of gl(5)", "gl", "expected `(`"),
            ("after(gl(5))", "gl", "expected a whole number, alone or with"),
            ("after(5)", ")", "expected `,` and a rule"),
            ("ema(1, gl(5))", "ema(1, gl(5))", "`ema` needs a decay of at least 0 and below 1"),
            ("latched", "", "expected `(`"),
            ("patiense(10)", "patiense", "there is no rule `patiense`; did you mean `patience`?"),
            ("epoch(10)", "epoch", "there is no rule `epoch`; did you mean `epochs`?"),
            (
                "wombat(10)",
                "wombat",
                "there is no rule `wombat`; there are patience, gl, pq, up, progress_below",
            ),
            ("x(5)", "x", "there is no rule `x`; there are patience, gl"),
            ("µ(5)", "µ", "there is no rule `µ`; there are patience, gl"),
        ] {
            let error = text.parse::<Rule>().unwrap_err();
            assert_eq!(&text[error.place()], marked, "{error}");
            assert!(error.to_string().starts_with(problem), "{text}: {error}");
        }
    }

    #[test]
    fn carets_stand_under_the_place() {
        let error = "µgl(1)\tor gl(x)".parse::<Rule>().unwrap_err();
        assert_eq!(error.to_string().lines().last(), Some("  ^^^"));
        let error = "gl(1)\tor gl(µµ)".parse::<Rule>().unwrap_err();
        let printed = error.to_string();
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines, ["expected a number", "  gl(1) or gl(µµ)", "              ^^"]);
        assert_eq!(error.column(), 13);
    }

    #[test]
    fn nesting_has_a_bottom() {
        let nested = |depth| ["(".repeat(depth), "gl(5)".into(), ")".repeat(depth)].concat();
        for text in [nested(63), "not ".repeat(63) + "gl(5)", ["(not gl(5))"; 100].join(" or ")] {
            assert!(text.parse::<Rule>().is_ok(), "{text}");
        }
        for text in [nested(64), nested(100_000), "not ".repeat(100_000), "latched(".repeat(100_000)] {
            let error = text.parse::<Rule>().unwrap_err();
            assert_eq!(error.problem(), &Problem::TooDeep);
        }
    }
}
