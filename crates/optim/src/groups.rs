//! Groups of parameters with options of their own, chosen by name.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::error::{Error, require_non_negative};

/// What holds for the parameters whose names match one of its patterns.
///
/// In a pattern `*` stands for any run of characters, the empty one too, and everything else for itself:
/// `*.bias` is every bias, `encoder.*` everything in the encoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupRule {
    /// A parameter belongs here if one of these matches its name.
    pub patterns: Vec<String>,
    /// The learning rate is multiplied by this; 0 leaves the parameters, and the state that belongs to them, as they are,
    /// whatever their gradients.
    ///
    /// As in PyTorch, [`Rprop`](crate::Rprop) knows the learning rate in its first step only: a scale sets where the step
    /// sizes of the group begin, and has no say in what becomes of them. A scale of 0 would not hold them still, and one
    /// beside [`InitialStep::Uniform`](crate::InitialStep::Uniform) would do nothing: an optimizer refuses both.
    pub learning_rate_scale: f64,
    /// Replaces the method's weight decay; `None` leaves it.
    pub weight_decay: Option<f64>,
}

impl Default for GroupRule {
    fn default() -> Self {
        Self { patterns: Vec::new(), learning_rate_scale: 1.0, weight_decay: None }
    }
}

/// The flat slice, cut into segments that are treated alike. Made from a number of parameters (all alike) or by
/// [`Groups::by_name`].
///
/// Neighbours with the same treatment form one segment, so that a pass stays long.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    pub(crate) segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub(crate) range: Range<usize>,
    pub(crate) learning_rate_scale: f64,
    pub(crate) weight_decay: Option<f64>,
}

impl From<usize> for Groups {
    fn from(parameters: usize) -> Self {
        Self {
            segments: vec![Segment { range: 0..parameters, learning_rate_scale: 1.0, weight_decay: None }],
        }
    }
}

impl Groups {
    /// Groups the parameters of a table of names and ranges in the flat slice, which must cover it in order. For each
    /// parameter the first rule that matches its name counts; where none does, the method's own settings hold.
    ///
    /// ```
    /// use highwater_optim::{GroupRule, Groups};
    ///
    /// let table = [("0.weight", 0..6), ("0.bias", 6..8), ("1.weight", 8..10), ("1.bias", 10..11)];
    /// let no_decay = GroupRule { patterns: vec!["*.bias".into()], weight_decay: Some(0.0), ..Default::default() };
    /// let groups = Groups::by_name(table, &[no_decay])?;
    /// assert_eq!(groups.ranges().collect::<Vec<_>>(), [0..6, 6..8, 8..10, 10..11]);
    /// # Ok::<(), highwater_optim::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NothingMatches`] for a rule that no parameter's name matches, [`Error::Hidden`] for one that only matches what
    /// earlier rules take, [`Error::NotContiguous`] for a table with a gap or an overlap, [`Error::HyperParameter`] for a
    /// negative or non-finite setting.
    pub fn by_name<'a>(
        table: impl IntoIterator<Item = (&'a str, Range<usize>)>,
        rules: &[GroupRule],
    ) -> Result<Self, Error> {
        for GroupRule { learning_rate_scale, weight_decay, .. } in rules {
            require_non_negative("group", "learning_rate_scale", *learning_rate_scale)?;
            require_non_negative("group", "weight_decay", weight_decay.unwrap_or(0.0))?;
        }
        let (mut matched, mut counted) = (vec![false; rules.len()], vec![false; rules.len()]);
        let (mut segments, mut names): (Vec<Segment>, Vec<&str>) = Default::default();
        for (name, range) in table {
            names.push(name);
            let expected = segments.last().map_or(0, |segment| segment.range.end);
            if range.start != expected || range.end < range.start {
                return Err(Error::NotContiguous { name: name.to_owned(), start: range.start, expected });
            }
            let mut segment = Segment { range, learning_rate_scale: 1.0, weight_decay: None };
            let matching = |rule: &GroupRule| rule.patterns.iter().any(|pattern| matches(pattern, name));
            let found: Vec<usize> = (0..rules.len()).filter(|&place| matching(&rules[place])).collect();
            found.iter().for_each(|&place| matched[place] = true);
            if let Some(&first) = found.first() {
                counted[first] = true;
                segment.learning_rate_scale = rules[first].learning_rate_scale;
                segment.weight_decay = rules[first].weight_decay;
            }
            match segments.last_mut() {
                Some(last) if last.alike(&segment) => last.range.end = segment.range.end,
                _ => segments.push(segment),
            }
        }
        let Some(rule) = counted.iter().position(|counted| !counted) else { return Ok(Self { segments }) };
        let patterns = rules[rule].patterns.clone();
        if matched[rule] {
            return Err(Error::Hidden { patterns });
        }
        Err(Error::NothingMatches { patterns, names: names.into_iter().map(str::to_owned).collect() })
    }

    /// The segments' ranges in the flat slice, in order, without gaps.
    pub fn ranges(&self) -> impl Iterator<Item = Range<usize>> {
        self.segments.iter().map(|segment| segment.range.clone())
    }

    pub(crate) fn parameters(&self) -> usize {
        self.segments.last().map_or(0, |segment| segment.range.end)
    }
}

impl Segment {
    fn alike(&self, other: &Self) -> bool {
        self.learning_rate_scale == other.learning_rate_scale && self.weight_decay == other.weight_decay
    }
}

/// Whether `pattern`, in which `*` stands for any run of characters, matches the whole of `name`.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    let mut middle: Vec<&str> = rest.split('*').collect();
    let tail = middle.pop().unwrap_or("");
    let Some(mut name) = name.strip_suffix(tail) else { return false };
    for part in middle {
        match name.find(part) {
            Some(at) => name = &name[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(matches(pattern, name), expected, "{pattern} against {name}");
        };
        check("0.bias", "0.bias", true);
        check("0.bias", "10.bias", false);
        check("*.bias", "10.bias", true);
        check("*.bias", "10.bias.scale", false);
        check("*bias*", "10.bias.scale", true);
        check("*", "", true);
        check("**", "anything", true);
        check("", "", true);
        check("", "x", false);
        check("a*a", "a", false);
        check("a*a", "aa", true);
        check("*.norm*.weight", "block.0.norm1.weight", true);
        check("*.norm*.weight", "block.0.linear.weight", false);
        check("a*b*b", "ab", false);
        check("a*b*b", "abb", true);
    }

    fn rule(pattern: &str, learning_rate_scale: f64, weight_decay: Option<f64>) -> GroupRule {
        GroupRule { patterns: vec![pattern.to_owned()], learning_rate_scale, weight_decay }
    }

    #[test]
    fn neighbours_with_the_same_treatment_form_one_segment() {
        let table = [
            ("a.weight", 0..4),
            ("b.weight", 4..8),
            ("b.bias", 8..9),
            ("c.bias", 9..11),
            ("c.weight", 11..12),
        ];
        let groups = Groups::by_name(table, &[rule("*.bias", 1.0, Some(0.0))]).unwrap();
        assert_eq!(groups.ranges().collect::<Vec<_>>(), [0..8, 8..11, 11..12]);
        assert_eq!(groups.parameters(), 12);
    }

    #[test]
    fn the_first_rule_that_matches_counts() {
        let table = [("a.bias", 0..1), ("b.bias", 1..2)];
        let rules = [rule("a.*", 0.5, None), rule("*.bias", 2.0, Some(0.0))];
        let groups = Groups::by_name(table, &rules).unwrap();
        assert_eq!(groups.segments[0].learning_rate_scale, 0.5);
        assert_eq!(groups.segments[0].weight_decay, None);
    }

    #[test]
    fn a_rule_that_matches_nothing_is_refused() {
        let check = |rule, words: &str| {
            let table = [("a.weight", 0..1), ("a.bias", 1..2)];
            let error = Groups::by_name(table, &[rule]).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("no parameter's name matches {words}; the names are `a.weight`, `a.bias`")
            );
        };
        check(rule("*.biases", 1.0, None), "`*.biases`");
        check(GroupRule::default(), "an empty list");
    }

    #[test]
    fn a_rule_of_which_earlier_ones_leave_nothing_is_refused() {
        let table = [("a.weight", 0..1), ("a.bias", 1..2)];
        let rules = [rule("*.bias", 1.0, None), rule("a.*", 0.5, None), rule("a.weight", 0.0, None)];
        assert!(Groups::by_name(table.clone(), &rules[..2]).is_ok());
        let error = Groups::by_name(table, &rules).unwrap_err();
        assert_eq!(error, Error::Hidden { patterns: vec!["a.weight".into()] });
    }

    #[test]
    fn a_table_with_a_gap_or_an_overlap_is_refused() {
        let with = |range: Range<usize>| Groups::by_name([("a", 0..4), ("b", range)], &[]);
        for (start, end) in [(3, 6), (5, 6), (4, 3)] {
            let error = with(start..end).unwrap_err();
            assert_eq!(error, Error::NotContiguous { name: "b".into(), start, expected: 4 });
        }
        assert_eq!(with(4..4).unwrap().parameters(), 4);
    }

    #[test]
    fn settings_that_are_not_non_negative_numbers_are_refused() {
        for bad in [rule("a", f64::NAN, None), rule("a", -1.0, None), rule("a", 1.0, Some(-0.1))] {
            assert!(matches!(
                Groups::by_name([("a", 0..1)], &[bad]),
                Err(Error::HyperParameter { of: "group", .. })
            ));
        }
    }
}
