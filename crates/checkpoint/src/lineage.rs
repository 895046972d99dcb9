//! Which branch of a run began where.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::folder::{Entry, Key, Listing};

/// A checkpoint in its place in the tree of a run's branches.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Leaf<'a> {
    /// The checkpoint.
    pub entry: &'a Entry,
    /// How many branches lie between it and the first of the run.
    pub depth: usize,
    /// If it is the first that is left of its branch: the file that the branch began from, which may be gone.
    pub began_from: Option<&'a str>,
}

impl Listing {
    /// All entries, oldest first along each branch, a branch right after the checkpoint that it began from. Branches whose
    /// beginning is not listed come last.
    ///
    /// ```
    /// use highwater_checkpoint::{Entry, Key, Listing};
    ///
    /// let entry = |branch, step, parent: Option<&str>| {
    ///     let mut entry = Entry::sketch(step, None);
    ///     (entry.key, entry.facts.parent) = (Key { branch, step }, parent.map(str::to_owned));
    ///     entry
    /// };
    /// let mut listing = Listing::default();
    /// listing.entries = vec![entry(0, 1, None), entry(0, 2, None), entry(1, 2, Some("step-00000001.safetensors"))];
    /// let tree: Vec<String> = listing.tree().iter().map(|leaf| "  ".repeat(leaf.depth) + &leaf.entry.key.to_string()).collect();
    /// assert_eq!(tree, ["step-00000001", "  step-00000002.b1", "step-00000002"]);
    /// ```
    pub fn tree(&self) -> Vec<Leaf<'_>> {
        let mut branches: BTreeMap<u32, Vec<&Entry>> = BTreeMap::new();
        for entry in &self.entries {
            branches.entry(entry.key.branch).or_default().push(entry);
        }
        // A branch is newer than what it began from; a file that says otherwise is treated as if that were gone.
        let parent_of = |branch: &[&Entry]| {
            let parent = Key::from_file_name(branch.first()?.facts.parent.as_deref()?)?;
            let is_there = || branches.get(&parent.branch)?.iter().find(|entry| entry.key == parent);
            is_there().map(|_| parent).filter(|parent| parent.branch < branch[0].key.branch)
        };
        let mut children: BTreeMap<Option<Key>, Vec<&[&Entry]>> = BTreeMap::new();
        for branch in branches.values() {
            children.entry(parent_of(branch)).or_default().push(branch);
        }
        let mut tree = Vec::with_capacity(self.entries.len());
        for branch in children.get(&None).into_iter().flatten() {
            grow(&mut tree, &children, branch, 0);
        }
        tree
    }

    /// The checkpoint that a run had saved before this one: the one before it on its branch, or else the one that the branch
    /// began from, if that is left. Its step is smaller.
    pub fn before(&self, key: Key) -> Option<&Entry> {
        let of_branch = self
            .entries
            .iter()
            .rev()
            .find(|entry| entry.key.branch == key.branch && entry.key.step < key.step);
        of_branch.or_else(|| {
            let own = self.entries.iter().find(|entry| entry.key == key)?;
            let parent = Key::from_file_name(own.facts.parent.as_deref()?)?;
            match parent.step.cmp(&key.step) {
                _ if parent.branch >= key.branch => None,
                Ordering::Less => self.entries.iter().find(|entry| entry.key == parent),
                Ordering::Equal => self.before(parent),
                Ordering::Greater => None,
            }
        })
    }
}

fn grow<'a>(
    tree: &mut Vec<Leaf<'a>>,
    children: &BTreeMap<Option<Key>, Vec<&[&'a Entry]>>,
    branch: &[&'a Entry],
    depth: usize,
) {
    for (place, entry) in branch.iter().enumerate() {
        let began_from = entry.facts.parent.as_deref().filter(|_| place == 0);
        tree.push(Leaf { entry, depth, began_from });
        for child in children.get(&Some(entry.key)).into_iter().flatten() {
            grow(tree, children, child, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Branch and step, and those of the parent.
    type Made = (u32, u64, Option<(u32, u64)>);

    fn listing(entries: &[Made]) -> Listing {
        let entry = |&(branch, step, parent): &Made| {
            let mut entry = Entry::sketch(step, None);
            entry.key.branch = branch;
            entry.facts.parent = parent.map(|(branch, step)| Key { branch, step }.file_name());
            entry
        };
        Listing { entries: entries.iter().map(entry).collect(), ..Listing::default() }
    }

    fn check(entries: &[Made], expected: &[&str]) {
        let listing = listing(entries);
        let line = |leaf: &Leaf<'_>| {
            let from = leaf.began_from.map_or(String::new(), |name| format!(" from {name}"));
            format!("{}{}{from}", "-".repeat(leaf.depth), leaf.entry.key)
        };
        assert_eq!(listing.tree().iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn branches_follow_what_they_began_from() {
        check(&[], &[]);
        check(&[(0, 1, None), (0, 2, None)], &["step-00000001", "step-00000002"]);
        let first = Some((0, 1));
        check(
            &[
                (0, 1, None),
                (0, 2, None),
                (1, 2, first),
                (1, 3, first),
                (2, 2, first),
                (3, 4, Some((1, 3))),
                (4, 9, Some((0, 7))),
                (5, 1, None),
            ],
            &[
                "step-00000001",
                "-step-00000002.b1 from step-00000001.safetensors",
                "-step-00000003.b1",
                "--step-00000004.b3 from step-00000003.b1.safetensors",
                "-step-00000002.b2 from step-00000001.safetensors",
                "step-00000002",
                "step-00000009.b4 from step-00000007.safetensors",
                "step-00000001.b5",
            ],
        );
    }

    #[test]
    fn what_a_run_saved_before_is_on_its_branch_or_where_that_began() {
        let parent = Some((0, 4));
        let listing = listing(&[
            (0, 2, None),
            (0, 4, None),
            (0, 8, None),
            (1, 4, parent),
            (1, 6, parent),
            (2, 5, Some((0, 3))),
            (3, 9, parent),
            (4, 1, Some((9, 0))),
        ]);
        let before = |branch, step| listing.before(Key { branch, step }).map(|e| (e.key.branch, e.key.step));
        for (branch, step, expected) in [
            (0, 8, Some((0, 4))),
            (0, 2, None),
            (1, 6, Some((1, 4))),
            (1, 4, Some((0, 2))),
            (2, 5, None),
            (3, 9, Some((0, 4))),
            (4, 1, None),
            (7, 7, None),
        ] {
            assert_eq!(before(branch, step), expected, "{step} of branch {branch}");
        }
    }

    #[test]
    fn files_that_claim_each_other_as_parent_are_listed_once_and_come_after_none() {
        let entries = [(1, 1, Some((2, 1))), (2, 1, Some((1, 1))), (3, 5, Some((3, 5)))];
        check(
            &entries,
            &[
                "step-00000001.b1 from step-00000001.b2.safetensors",
                "-step-00000001.b2 from step-00000001.b1.safetensors",
                "step-00000005.b3 from step-00000005.b3.safetensors",
            ],
        );
        let listing = listing(&entries);
        for entry in &listing.entries {
            assert_eq!(listing.before(entry.key), None);
        }
    }
}
