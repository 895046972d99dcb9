//! Numbers with something around them: `$1,234.50`, `12.5 kg`, `45.1%`, `1.2K` beside `3M`, `<0.5`, and `(1,234)`, which is
//! below zero.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cell;
use crate::commas::{Commas, GAPS};
use crate::table::Column;

/// What stands around the numbers of a column: `$` before them, or `kg` or `%` behind them. They are taken as they are: 45%
/// is 45.
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// The same text in every cell. Both are empty where there is nothing around numbers but what makes them less than zero:
    /// brackets, as book-keepers write them, or a dash.
    Fixed {
        /// What stands before the numbers.
        before: String,
        /// What stands behind them.
        behind: String,
    },
    /// Amounts that are shortened to different letters, taken in full: `€1.2M` beside `€565K`.
    Shortened {
        /// What stands before the numbers.
        before: String,
    },
    /// Plain numbers, and among them limits of what can be measured, which count as the number: `<0.5` as 0.5.
    Limits {
        /// What stands behind the numbers.
        behind: String,
    },
    /// Sizes of files, taken in bytes: `1.2 MB` beside `500 KB`.
    Bytes,
}

/// A text without a sign before it that makes a limit of it.
fn without_limit(text: &str) -> &str {
    text.trim_start_matches(['<', '>', '≤', '≥', '=']).trim_start()
}

/// What a letter behind an amount multiplies it by.
fn magnitude(behind: &str) -> Option<f64> {
    match behind {
        "" => Some(1.0),
        "K" | "k" => Some(1e3),
        "M" => Some(1e6),
        "B" | "G" => Some(1e9),
        "T" => Some(1e12),
        _ => None,
    }
}

/// The bytes in what is behind a size.
fn bytes(behind: &str) -> Option<f64> {
    match &*behind.to_ascii_lowercase() {
        "b" | "byte" | "bytes" => Some(1.0),
        "kb" => Some(1e3),
        "mb" => Some(1e6),
        "gb" => Some(1e9),
        "tb" => Some(1e12),
        "kib" => Some(2_f64.powi(10)),
        "mib" => Some(2_f64.powi(20)),
        "gib" => Some(2_f64.powi(30)),
        "tib" => Some(2_f64.powi(40)),
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
    fn fixed(before: &str, behind: &str) -> Unit {
        Unit::Fixed { before: before.to_owned(), behind: behind.to_owned() }
    }

    /// What stands around the numbers in some cells; `None` if a cell holds no number, or has something else around it.
    pub(crate) fn of(column: &Column, rows: impl Iterator<Item = usize> + Clone) -> Option<Unit> {
        let texts = || rows.clone().map(|row| column.get(row));
        let Parts { before, behind, .. } = parts(without_limit(texts().next()?))?;
        let fits = |unit: &Unit| rows.clone().all(|row| column.number(row, Some(unit)).is_some());
        let is_meant = |unit: &Unit| match unit {
            Unit::Fixed { .. } => {
                texts().all(|text| parts(text).is_some_and(|of| (of.before, of.behind) == (before, behind)))
            }
            // `12B` and `3K` may be codes; amounts have a currency, or decimals.
            Unit::Shortened { .. } => !before.is_empty() || texts().any(|text| text.contains(['.', ','])),
            // `<5`, `5` and `>5` are names.
            Unit::Limits { .. } => {
                let texts: BTreeSet<&str> = texts().collect();
                2 * texts.iter().filter(|text| without_limit(text) == **text).count() > texts.len()
            }
            Unit::Bytes => true,
        };
        let units = [
            Unit::fixed(before, behind),
            Unit::Shortened { before: before.to_owned() },
            Unit::Limits { behind: behind.to_owned() },
            Unit::Bytes,
        ];
        units.into_iter().find(|unit| fits(unit) && is_meant(unit))
    }

    /// That all of some cells are amounts such as `500K` and `2M`, which may as well be codes.
    pub(crate) fn of_amounts(column: &Column, mut rows: impl Iterator<Item = usize> + Clone) -> Option<Unit> {
        let unit = Unit::Shortened { before: String::new() };
        let is_short = |row: usize| column.get(row).ends_with(char::is_alphabetic);
        let is_any_short = rows.clone().any(is_short);
        let fits = is_any_short && rows.all(|row| column.number(row, Some(&unit)).is_some());
        fits.then_some(unit)
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
        (is_something && f64::from(count) > share * f64::from(all)).then(|| Unit::fixed(before, behind))
    }

    /// What is behind the numbers of some cells, if they are within two to four units, such as `kg` and `g`; none for codes,
    /// such as `12B` and `34C`, and for `1st` and `2nd`.
    pub(crate) fn several(column: &Column, rows: impl Iterator<Item = usize>) -> Vec<String> {
        const ORDINALS: [&str; 4] = ["st", "nd", "rd", "th"];
        let mut units = BTreeSet::new();
        for row in rows {
            match parts(column.get(row)) {
                Some(Parts { before: "", behind, .. }) if !behind.is_empty() => units.insert(behind),
                _ => return Vec::new(),
            };
        }
        let is_code = units.iter().all(|unit| unit.len() < 2);
        let are_ordinals = units.iter().any(|unit| ORDINALS.iter().any(|ending| unit.starts_with(ending)));
        match units.len() {
            2..=4 if !is_code && !are_ordinals => units.into_iter().map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// The number in a cell, if this and nothing else is around it.
    pub(crate) fn number(&self, text: &str, commas: Commas) -> Option<f64> {
        let text = if let Unit::Limits { .. } = self { without_limit(text) } else { text };
        let Parts { before, digits, behind, is_negative } = parts(text)?;
        let (own, factor) = match self {
            Unit::Fixed { before: own, behind: usual } => (&own[..], ratio(before, behind, usual)?),
            Unit::Shortened { before: own } => (&own[..], magnitude(behind)?),
            Unit::Limits { behind: usual } => ("", (behind == usual).then_some(1.0)?),
            Unit::Bytes => ("", bytes(behind)?),
        };
        let plain = commas.plain(digits);
        let value = factor * cell::number(plain.as_deref().unwrap_or(digits))?;
        (before == own).then_some(if is_negative { -value } else { value })
    }

    /// How a number is written in this unit.
    pub(crate) fn example(&self) -> String {
        let gap = |behind: &str| if behind.starts_with(char::is_alphanumeric) { " " } else { "" };
        match self {
            Unit::Fixed { before, behind } => {
                format!("written like {:?}", format!("{before}12{}{behind}", gap(behind)))
            }
            Unit::Shortened { before } => format!("written like \"{before}1.2K\" or \"{before}3M\""),
            Unit::Limits { behind } => {
                format!("written like \"12{0}{behind}\" or \"<12{0}{behind}\"", gap(behind))
            }
            Unit::Bytes => "written like \"1.2 MB\" or \"500 KB\"".to_owned(),
        }
    }
}

/// How much more a number is with this behind it than with the usual, of an amount or a size: `€1M` is 1000 where others
/// are `€565K`.
fn ratio(before: &str, behind: &str, usual: &str) -> Option<f64> {
    if behind == usual {
        return Some(1.0);
    }
    let size = if before.is_empty() { bytes } else { magnitude };
    Some(size(behind)? / size(usual)?)
}

/// The digits of a number that has a unit.
pub(crate) fn digits(text: &str) -> Option<&str> {
    parts(text).map(|parts| parts.digits)
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (text, outside) = without_sign(text);
    let (before, rest) =
        text.split_at(text.find(|c: char| c.is_ascii_digit() || c == '.' || c == '(' || MINUS.contains(&c))?);
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

/// What stands for a minus: a hyphen, the sign itself, or the dash that it becomes where texts are set.
const MINUS: [char; 3] = ['-', '−', '–'];

/// A text without the minus before it or the brackets around it, and whether there were such.
fn without_sign(text: &str) -> (&str, bool) {
    let bracketed = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    match bracketed.or_else(|| text.strip_prefix(MINUS)) {
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
            Unit::Fixed { before, behind } => write!(f, "{before}{behind}"),
            Unit::Shortened { before } => write!(f, "{before}1.2K is 1200"),
            Unit::Limits { behind } => write!(f, "<1{behind} is 1"),
            Unit::Bytes => write!(f, "bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_within_its_unit() {
        let check = |text: &str, commas: Commas, expected: Option<(&str, &str, f64)>| {
            let found = parts(text).and_then(|Parts { before, behind, .. }| {
                Some((before, behind, Unit::fixed(before, behind).number(text, commas)?))
            });
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
            ("–4.5", Some(("", "", -4.5))),
            ("10–20 kg", None),
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
        check("1.234,50 €", Decimal, Some(("", "€", 1234.5)));
        check("1\u{202f}234,50\u{a0}€", Decimal, Some(("", "€", 1234.5)));
        check("12,5 %", Decimal, Some(("", "%", 12.5)));
        check("1,234 €", Either, None);
        check("1,234.5 €", Either, Some(("", "€", 1234.5)));
    }

    #[test]
    fn what_is_around_a_number_may_multiply_it() {
        let amount = Unit::Shortened { before: "€".to_owned() };
        let limit = Unit::Limits { behind: "mg/l".to_owned() };
        let thousands = Unit::fixed("€", "K");
        let megabytes = Unit::fixed("", "MB");
        for (unit, text, expected) in [
            (&amount, "€110.5M", Some(110.5e6)),
            (&amount, "€565K", Some(565e3)),
            (&amount, "-€1.2 k", Some(-1200.0)),
            (&amount, "€0", Some(0.0)),
            (&amount, "€2B", Some(2e9)),
            (&amount, "565K", None),
            (&amount, "€5m", None),
            (&amount, "€5 kg", None),
            (&thousands, "€565K", Some(565.0)),
            (&thousands, "€1.2M", Some(1200.0)),
            (&thousands, "(€500)", Some(-0.5)),
            (&thousands, "€5 kg", None),
            (&thousands, "$1.2M", None),
            (&Unit::fixed("€", ""), "€1.2M", Some(1.2e6)),
            (&Unit::fixed("", "K"), "1.2M", None),
            (&limit, "<0.5 mg/l", Some(0.5)),
            (&limit, ">= 90mg/l", Some(90.0)),
            (&limit, "3 mg/l", Some(3.0)),
            (&limit, "<3 g", None),
            (&limit, "<", None),
            (&Unit::Bytes, "1.2 MB", Some(1.2e6)),
            (&Unit::Bytes, "512 bytes", Some(512.0)),
            (&Unit::Bytes, "3KiB", Some(3072.0)),
            (&Unit::Bytes, "3K", None),
            (&Unit::Bytes, "3", None),
            (&megabytes, "500 KB", Some(0.5)),
            (&megabytes, "5 m", None),
        ] {
            assert_eq!(unit.number(text, Commas::Group), expected, "{text:?} in {unit:?}");
        }
    }
}
