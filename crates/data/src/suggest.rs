//! What there is, for someone who asked for something that there is not.

use crate::cell;
use crate::dialect::column_name;

/// How many names a message lists.
const LISTED: usize = 12;

/// `did you mean "label"? It has "a", "b" and 3 more`, without the question where no name is near. Several names in one
/// text are taken apart.
pub(crate) fn instead<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let listed: Vec<String> = names.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    let more = names.len().saturating_sub(LISTED);
    let list = listed.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    let parts: Vec<&str> = wanted.split(',').map(str::trim).collect();
    if parts.len() > 1 && parts.iter().all(|part| names.contains(part)) {
        return format!("name each by itself: {parts:?}");
    }
    let numbers = names.iter().filter(|name| cell::number(name).is_some()).count();
    match nearest(wanted, &names) {
        Some(name) => format!("did you mean {name:?}? It has {list}"),
        // Some programs number columns, but not like this.
        None if 2 * numbers > names.len() && names.iter().any(|name| name.contains('.')) => {
            format!("it has {list}: the first row should name the columns, and looks like values")
        }
        None => format!("it has {list}"),
    }
}

/// The name that a column without one has by its place, if that is wanted; or else the name that takes the fewest edits to
/// reach, if they are at most a third of the characters wanted.
fn nearest<'a>(wanted: &str, names: &[&'a str]) -> Option<&'a str> {
    let by_place = wanted.parse().ok().map(column_name);
    if let Some(name) = names.iter().find(|name| by_place.as_deref() == Some(**name)) {
        return Some(name);
    }
    let wanted = wanted.to_lowercase();
    let (edits, name) = names
        .iter()
        .map(|name| (edit_distance(&wanted, &name.to_lowercase()), *name))
        .min_by_key(|(edits, _)| *edits)?;
    (edits <= wanted.chars().count() / 3).then_some(name)
}

/// Levenshtein's distance in characters: insertions, deletions and replacements that turn one text into the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = above[0];
        above[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = above[j + 1];
            above[j + 1] = replaced.min(above[j] + 1).min(diagonal + 1);
        }
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edit_distance_is_levenshteins() {
        for (from, to, edits) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2), ("é", "e", 1)]
        {
            assert_eq!(edit_distance(from, to), edits, "{from} to {to}");
            assert_eq!(edit_distance(to, from), edits, "{to} to {from}");
        }
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(instead("labl", ["x", "label"]), r#"did you mean "label"? It has "x", "label""#);
        assert_eq!(instead("x, label", ["x", "label"]), r#"name each by itself: ["x", "label"]"#);
        assert_eq!(instead("Species", ["x", "species"]), r#"did you mean "species"? It has "x", "species""#);
        let by_place = r#"did you mean "column_2"? It has "column_1", "column_2""#;
        assert_eq!(instead("2", ["column_1", "column_2"]), by_place);
        assert_eq!(instead("target", ["x", "y"]), r#"it has "x", "y""#);
        assert_eq!(instead("y", ["x"]), r#"it has "x""#);
        let row = r#"it has "1.5", "2", "red": the first row should name the columns, and looks like values"#;
        assert_eq!(instead("size", ["1.5", "2", "red"]), row);
        assert_eq!(instead("size", ["0", "1", "2"]), r#"it has "0", "1", "2""#);
    }

    #[test]
    fn a_long_list_of_names_is_cut() {
        let names: Vec<String> = (0..15).map(|i| format!("c{i}")).collect();
        let text = instead("nothing like it", names.iter().map(String::as_str));
        assert!(text.ends_with("\"c11\" and 3 more"), "{text}");
    }
}
