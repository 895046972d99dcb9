//! Numbers with something around them: `$1,234.50`, `12.5 kg`, `45.1%`, `1.2K` beside `3M`, `<0.5`, and `(1,234)`, which is
//! below zero.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::commas::{Commas, GAPS};
use crate::table::Column;

/// What stands around the numbers of a column, in every cell the same: `$` before them, or `kg` or `%` behind them. The
/// numbers are taken as they are: 45% is 45. If nothing does, some are in brackets, as book-keepers write what is below
/// zero. Where numbers are shortened to different letters, `€1.2M` beside `€565K`, they are taken in full; limits (`<0.5`) where
/// most numbers are none, as the numbers that they are.
///
/// ```
/// use highwater_data::{Encoding, Preparation, Table, Task};
///
/// let csv = "price,weight,y\n\"$1,234.50\",12 kg,a\n($3),12.5 kg,b\n$-,9kg,a\n$7,11 kg,b\n";
/// let table = Table::from_csv_reader("t.csv", csv.as_bytes())?;
/// let preparation = Preparation::fit(&table, &[0, 1, 2, 3], "y", Task::Classification)?;
/// let units = preparation.inputs().iter().filter_map(|input| input.encoding.unit());
/// assert_eq!(units.map(ToString::to_string).collect::<Vec<_>>(), ["$", "kg"]);
/// # Ok::<(), highwater_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unit {
    /// What stands before the numbers; `<` if some are limits.
    pub before: String,
    /// What stands behind them; `K, M, B` if they are shortened.
    pub behind: String,
}

/// What is behind shortened numbers in their [`Unit`].
const SHORTENED: &str = "K, M, B";

/// What is before numbers in their [`Unit`] if some are limits, as of what can be measured: `<0.5` among `0.7` and `12`.
const LIMIT: &str = "<";

/// A text without a sign before it that makes a limit of it.
fn without_limit(text: &str) -> &str {
    text.trim_start_matches(['<', '>', '≤', '≥', '=']).trim_start()
}

/// What a letter behind a shortened number multiplies it by.
fn magnitude(behind: &str) -> Option<f64> {
    match behind {
        "" => Some(1.0),
        "K" | "k" => Some(1e3),
        "M" => Some(1e6),
        "B" | "G" => Some(1e9),
        _ => None,
    }
}

/// The parts of a cell.
#[derive(Debug, PartialEq)]
struct Parts<'a> {
    before: &'a str,
    digits: &'a str,
    behind: &'a str,
    is_negative: bool,
}

impl Unit {
    /// What stands around the numbers in some cells; `None` if a cell holds no number, or has something else around it.
    pub(crate) fn of(column: &Column, rows: impl Iterator<Item = usize> + Clone) -> Option<Unit> {
        let Parts { before, behind, .. } = parts(without_limit(column.get(rows.clone().next()?)))?;
        let unit = |before: &str, behind: &str| Unit { before: before.to_owned(), behind: behind.to_owned() };
        let texts = || rows.clone().map(|row| column.get(row));
        let fits = |unit: &Unit| texts().all(|text| unit.number(text, column.commas()).is_some());
        let units = [unit(before, behind), unit(before, SHORTENED), unit(LIMIT, behind)];
        let unit = units.into_iter().find(fits)?;
        let sound = match &unit {
            // `12B` and `3K` may be codes; amounts have a currency, or decimals.
            _ if unit.is_shortened() => !before.is_empty() || texts().any(|text| text.contains(['.', ','])),
            // `<5`, `5` and `>5` are names.
            Unit { before, .. } if before == LIMIT => {
                let texts: BTreeSet<&str> = texts().collect();
                2 * texts.iter().filter(|text| without_limit(text) == **text).count() > texts.len()
            }
            _ => true,
        };
        sound.then_some(unit)
    }

    /// What stands around the numbers in all of some cells; if nothing does, what is around those in more than such a share
    /// of them, and is something.
    pub(crate) fn of_most(
        column: &Column,
        rows: impl Iterator<Item = usize> + Clone,
        share: f64,
    ) -> Option<Unit> {
        if let Some(unit) = Unit::of(column, rows.clone()) {
            return Some(unit);
        }
        let (mut all, mut counts) = (0, BTreeMap::new());
        for row in rows {
            all += 1;
            if let Some(Parts { before, behind, .. }) = parts(column.get(row)) {
                *counts.entry((before, behind)).or_insert(0) += 1;
            }
        }
        let ((before, behind), count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
        let is_something = !before.is_empty() || !behind.is_empty();
        (is_something && f64::from(count) > share * f64::from(all))
            .then(|| Unit { before: before.to_owned(), behind: behind.to_owned() })
    }

    /// The number in a cell, if this and nothing else is around it.
    pub(crate) fn number(&self, text: &str, commas: Commas) -> Option<f64> {
        let (text, around) = match self.before == LIMIT {
            true => (without_limit(text), ""),
            false => (text, &self.before[..]),
        };
        let Parts { before, digits, behind, is_negative } = parts(text)?;
        let plain = commas.plain(digits);
        let value = cell::number(plain.as_deref().unwrap_or(digits))?;
        let factor = match self.is_shortened() {
            true => magnitude(behind)?,
            false => (behind == self.behind).then_some(1.0)?,
        };
        (before == around).then_some(if is_negative { -value * factor } else { value * factor })
    }

    fn is_shortened(&self) -> bool {
        self.behind == SHORTENED
    }

    /// How a number is written in this unit.
    pub(crate) fn example(&self) -> String {
        if self.is_shortened() {
            return format!("written like \"{0}1.2K\" or \"{0}3M\"", self.before);
        }
        let gap = if self.behind.starts_with(char::is_alphanumeric) { " " } else { "" };
        if self.before == LIMIT {
            return format!("written like \"12{gap}{0}\" or \"<12{gap}{0}\"", self.behind);
        }
        format!("written like {:?}", format!("{}12{gap}{}", self.before, self.behind))
    }
}

/// The digits of a number that has a unit.
pub(crate) fn digits(text: &str) -> Option<&str> {
    parts(text).map(|parts| parts.digits)
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (text, outside) = without_sign(text);
    let (before, rest) = text.split_at(text.find(|c: char| c.is_ascii_digit() || ".(-−".contains(c))?);
    let before = before.trim_end();
    let (rest, inside) = if before.is_empty() { (rest, false) } else { without_sign(rest) };
    let of_number = |c: char| c.is_ascii_digit() || ".,".contains(c) || GAPS.contains(&c);
    let (digits, behind) = rest.split_at(rest.find(|c| !of_number(c)).unwrap_or(rest.len()));
    let (digits, behind) = (digits.trim_end(), behind.trim_start());
    // Names begin with zeros, quantities do not.
    let is_name = digits.len() > 1 && digits.starts_with('0') && digits.as_bytes()[1].is_ascii_digit();
    let is_nothing = digits.is_empty() && inside && !before.is_empty() && behind.is_empty();
    let sound = (before.is_empty() || is_currency(before)) && (behind.is_empty() || is_unit(behind));
    if !sound || is_name || outside && inside {
        return None;
    }
    Some(Parts {
        before,
        digits: if is_nothing { "0" } else { digits },
        behind,
        is_negative: outside || inside,
    })
}

/// A text without the minus before it or the brackets around it, and whether there were such.
fn without_sign(text: &str) -> (&str, bool) {
    let bracketed = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    match bracketed.or_else(|| text.strip_prefix(['-', '−'])) {
        Some(rest) => (rest.trim(), true),
        None => (text, false),
    }
}

fn is_sign_of_currency(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '฿' | '₠'..='⃏')
}

/// `€`, `R$`, `EUR`, and the like.
fn is_currency(text: &str) -> bool {
    if ["EUR", "USD", "GBP", "CHF", "JPY", "CNY", "INR", "Rs", "Rs."].contains(&text) {
        return true;
    }
    let mut last_first = text.chars().rev();
    last_first.next().is_some_and(is_sign_of_currency)
        && text.chars().count() <= 4
        && last_first.all(|c| c.is_ascii_alphabetic())
}

/// Something like `kg`, `m²`, `km per l`, `%` or `€`.
fn is_unit(text: &str) -> bool {
    let begins = |c: char| c.is_alphabetic() || "%‰°".contains(c) || is_sign_of_currency(c);
    text.starts_with(begins) && text.chars().count() <= 20 && !text.contains(|c: char| c.is_ascii_digit())
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            _ if self.is_shortened() => write!(f, "{}1.2K is 1200", self.before),
            Unit { before, behind } if before == LIMIT => write!(f, "<1{behind} is 1"),
            Unit { before, behind } => write!(f, "{before}{behind}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_within_its_unit() {
        let check = |text: &str, commas: Commas, expected: Option<(&str, &str, f64)>| {
            let found = parts(text).and_then(|parts| {
                let unit = Unit { before: parts.before.to_owned(), behind: parts.behind.to_owned() };
                Some((unit.number(text, commas)?, unit))
            });
            let found = found.as_ref().map(|(value, unit)| (&unit.before[..], &unit.behind[..], *value));
            assert_eq!(found, expected, "{text:?}");
        };
        use Commas::{Decimal, Either, Group};
        for (text, expected) in [
            ("$1,234.50", Some(("$", "", 1234.5))),
            ("-$5", Some(("$", "", -5.0))),
            ("$-5", Some(("$", "", -5.0))),
            ("$ (1,234)", Some(("$", "", -1234.0))),
            ("($.5)", Some(("$", "", -0.5))),
            ("$ -", Some(("$", "", 0.0))),
            ("(1,234)", Some(("", "", -1234.0))),
            ("−7", Some(("", "", -7.0))),
            ("CHF 1'234.50", Some(("CHF", "", 1234.5))),
            ("R$ 12", Some(("R$", "", 12.0))),
            ("12 €", Some(("", "€", 12.0))),
            ("45.1%", Some(("", "%", 45.1))),
            ("(2 %)", Some(("", "%", -2.0))),
            ("12.5kg", Some(("", "kg", 12.5))),
            ("21 °C", Some(("", "°C", 21.0))),
            ("3 kg/m²", Some(("", "kg/m²", 3.0))),
            ("0.5 m", Some(("", "m", 0.5))),
            ("", None),
            ("-", None),
            ("$", None),
            ("()", None),
            ("(-5)", None),
            ("($-5)", None),
            ("007 kg", None),
            ("p-1", None),
            ("Room 12", None),
            ("9f86d081", None),
            ("12-Jan", None),
            ("10-20 kg", None),
            ("1.2.3", None),
            ("5 Jan 2024", None),
            ("23.11.2026 10:00", None),
            ("1e39 m", None),
            ("3 of those that are there", None),
        ] {
            check(text, Group, expected);
        }
        let shortened = |text: &str, before: &str| {
            let unit = Unit { before: before.to_owned(), behind: SHORTENED.to_owned() };
            unit.number(text, Commas::Group)
        };
        for (text, expected) in [
            ("€110.5M", Some(110.5e6)),
            ("€565K", Some(565e3)),
            ("-€1.2 k", Some(-1200.0)),
            ("€0", Some(0.0)),
            ("€2B", Some(2e9)),
            ("565K", None),
            ("€5m", None),
            ("€5 kg", None),
        ] {
            assert_eq!(shortened(text, "€"), expected, "{text:?}");
        }
        let limit = Unit { before: LIMIT.to_owned(), behind: "mg/l".to_owned() };
        for (text, expected) in [
            ("<0.5 mg/l", Some(0.5)),
            (">= 90mg/l", Some(90.0)),
            ("3 mg/l", Some(3.0)),
            ("<3 g", None),
            ("<", None),
        ] {
            assert_eq!(limit.number(text, Commas::Group), expected, "{text:?}");
        }
        check("1.234,50 €", Decimal, Some(("", "€", 1234.5)));
        check("1\u{202f}234,50\u{a0}€", Decimal, Some(("", "€", 1234.5)));
        check("12,5 %", Decimal, Some(("", "%", 12.5)));
        check("1,234 €", Either, None);
        check("1,234.5 €", Either, Some(("", "€", 1234.5)));
    }
}
