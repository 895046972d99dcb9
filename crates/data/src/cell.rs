//! What the text of one cell means.

/// The number that the text is, if it is one, finite, and no larger than an `f32` holds (so that squares and sums
/// of many stay finite in `f64`).
pub(crate) fn number(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.abs() <= f64::from(f32::MAX))
}

/// The text of a number without what makes no other number of it: a `+` before it, zeros alone behind its point, the
/// minus of a zero. `1`, `+1` and `1.0` are one and the same, `0` and `-0`, too; `1.1` and `1.10` may be names, as may
/// `07`.
pub(crate) fn without_zero_decimals(text: &str) -> &str {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let whole = match unsigned.split_once('.') {
        Some((whole, decimals)) if !whole.is_empty() && decimals.bytes().all(|byte| byte == b'0') => whole,
        _ => unsigned,
    };
    if whole == "-0" { "0" } else { whole }
}

/// Whether the text is one of the customary signs for "not known".
pub(crate) fn is_missing(text: &str) -> bool {
    // From `:` on: those of Eurostat, of the World Bank, of MySQL and PostgreSQL, and of Excel for formulas that fail.
    const SIGNS: [&str; 22] = [
        "", "?", "na", "n/a", "#n/a", "<na>", "nan", "null", ".", "-", "--", "–", "—", ":", "..", r"\n",
        "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!",
    ];
    SIGNS.iter().any(|sign| text.eq_ignore_ascii_case(sign))
}

/// At most forty characters of a text, for a message.
pub(crate) fn shorten(text: &str) -> String {
    shorten_to(text, 40)
}

/// At most so many characters of a text.
pub(crate) fn shorten_to(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_finite_and_fits_thirty_two_bits() {
        let cases = [
            ("1", Some(1.0)),
            ("-2.5e3", Some(-2500.0)),
            ("+.5", Some(0.5)),
            ("", None),
            ("1,5", None),
            ("0x10", None),
            ("inf", None),
            ("NaN", None),
            ("1e39", None),
            ("1e999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_excel_writes_for_a_failed_formula_is_missing_and_so_are_dashes() {
        assert!(["-", "–", "—", ":", ".."].into_iter().all(is_missing));
        assert!(["#N/A", "#DIV/0!", "#VALUE!", "#NAME?"].into_iter().all(is_missing));
        assert!(!["#1", "#ref", "DIV/0!", "value"].into_iter().any(is_missing));
    }
}
