//! Rules as text; reading them is the parser's.

use super::Rule;
use crate::text::{Shortest, Timespan};
use alloc::format;
use core::fmt;

/// The text form; [`FromStr`](core::str::FromStr) gives back an equal rule.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let join = |f: &mut fmt::Formatter, rules: &[Rule], separator, tight: fn(&Rule) -> bool| {
            for (i, rule) in rules.iter().enumerate() {
                f.write_str(if i == 0 { "" } else { separator })?;
                if tight(rule) { write!(f, "{rule}")? } else { write!(f, "({rule})")? }
            }
            Ok(())
        };
        let single: fn(&Rule) -> bool = |rule| !matches!(rule, Rule::Any(_) | Rule::All(_));
        match self {
            Rule::Never => f.write_str("never"),
            Rule::Patience(spec) => spec.fmt(f),
            Rule::GeneralizationLoss(spec) => spec.fmt(f),
            Rule::ProgressQuotient(spec) => spec.fmt(f),
            Rule::Rises(spec) => spec.fmt(f),
            Rule::ProgressBelow(spec) => spec.fmt(f),
            Rule::Limit(span) => write!(f, "{}({})", span.unit.name(0), span.length),
            Rule::Time(limit) => write!(f, "time({})", Timespan(*limit)),
            Rule::Target(value) => write!(f, "target({})", Shortest(*value)),
            Rule::Divergence(spec) => spec.fmt(f),
            Rule::IncToDec(spec) => spec.fmt(f),
            Rule::Plateau(spec) => spec.fmt(f),
            Rule::Evidence => f.write_str("evidence"),
            Rule::Smoothed { by, rule } => write!(f, "{by}, {rule})"),
            Rule::After { warm_up, rule } => write!(f, "after({warm_up}, {rule})"),
            Rule::Skip { first, rule } => write!(f, "skip({first}, {rule})"),
            Rule::Held { times, rule } => write!(f, "held({times}, {rule})"),
            Rule::Latched(rule) => write!(f, "latched({rule})"),
            Rule::Not(rule) => {
                f.write_str("not ")?;
                join(f, core::slice::from_ref(rule), "", single)
            }
            Rule::AtLeast { needed, rules } => {
                write!(f, "{needed} of (")?;
                join(f, rules, ", ", |_| true)?;
                f.write_str(")")
            }
            Rule::Any(rules) => join(f, rules, " or ", |rule| !matches!(rule, Rule::Any(_))),
            Rule::All(rules) => join(f, rules, " and ", single),
        }
    }
}

impl From<Rule> for alloc::string::String {
    fn from(rule: Rule) -> Self {
        format!("{rule}")
    }
}

impl TryFrom<alloc::string::String> for Rule {
    type Error = crate::ParseError;

    fn try_from(text: alloc::string::String) -> Result<Self, crate::ParseError> {
        text.parse()
    }
}
