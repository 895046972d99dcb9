//! Which checkpoints to keep: pure functions from a listing to booleans.

use std::cmp::Ordering;
use std::time::Duration;

use crate::folder::Entry;

/// Decides which checkpoints stay. The store deletes the rest, except those that are [pinned](crate::Folder::pin) or
/// [needed](crate::Fate::Needed).
///
/// A closure `Fn(&[Entry]) -> Vec<bool>` is one too.
///
/// ```
/// use highwater_checkpoint::{Entry, Goal, KeepBest, KeepEvery, KeepLast, Retention};
///
/// let policy = KeepLast(2).or(KeepBest(1, Goal::Minimize)).or(KeepEvery(100));
/// let listing = [(90, 0.5), (100, 0.3), (110, 0.1), (120, 0.2), (130, f64::NAN)].map(|(s, score)| Entry::sketch(s, Some(score)));
/// assert_eq!(policy.keep(&listing), [false, true, true, true, true]);
/// let by_hand = |listing: &[Entry]| listing.iter().map(|e| e.facts.epoch.is_multiple_of(10)).collect::<Vec<_>>();
/// assert_eq!(by_hand.keep(&listing), [true; 5]);
/// ```
pub trait Retention: Send + Sync {
    /// For each entry, whether to keep it. The listing is sorted, oldest first. Entries without an answer are kept.
    fn keep(&self, listing: &[Entry]) -> Vec<bool>;

    /// For people: why each entry stays, in a few words; `None` for one that does not.
    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        self.keep(listing).into_iter().map(|keep| keep.then(|| "the policy keeps it".to_owned())).collect()
    }

    /// Keeps what either keeps.
    fn or<R: Retention>(self, other: R) -> Either<Self, R>
    where
        Self: Sized,
    {
        Either(self, other)
    }
}

impl<F: Fn(&[Entry]) -> Vec<bool> + Send + Sync> Retention for F {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        self(listing)
    }
}

impl Retention for Box<dyn Retention> {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        (**self).keep(listing)
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        (**self).why(listing)
    }
}

/// Keeps everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAll;

impl Retention for KeepAll {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        vec![true; listing.len()]
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        because(self.keep(listing), "everything is kept".to_owned())
    }
}

/// Keeps the newest `.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepLast(pub usize);

impl Retention for KeepLast {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        let first = listing.len().saturating_sub(self.0);
        (0..listing.len()).map(|i| i >= first).collect()
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        let text =
            if self.0 == 1 { "the newest".to_owned() } else { format!("one of the newest {}", self.0) };
        because(self.keep(listing), text)
    }
}

/// Whether a small or a large score is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Losses and errors.
    Minimize,
    /// Accuracies.
    Maximize,
}

/// Keeps the `.0` with the best scores; of equal scores, the older. Entries without a score, or with one that is not
/// finite, are never among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepBest(pub usize, pub Goal);

impl Goal {
    /// Whether a score is better than another one. One that is not there, or not finite, is never better, and worse than any
    /// other.
    pub(crate) fn prefers(self, score: Option<f64>, to: Option<f64>) -> bool {
        let finite = |score: Option<f64>| score.filter(|score| score.is_finite());
        match (finite(score), finite(to)) {
            (Some(score), Some(to)) if self == Goal::Minimize => score < to,
            (Some(score), Some(to)) => score > to,
            (score, _) => score.is_some(),
        }
    }
}

impl KeepBest {
    /// The places of the entries with a finite score.
    fn places(listing: &[Entry]) -> Vec<usize> {
        let is_finite = |place: &usize| listing[*place].facts.score.is_some_and(f64::is_finite);
        (0..listing.len()).filter(is_finite).collect()
    }

    /// The order of two places: the better score first; of equal scores, the older.
    fn order(listing: &[Entry], goal: Goal) -> impl Fn(&usize, &usize) -> Ordering {
        let score = |place: &usize| listing[*place].facts.score;
        move |a, b| match () {
            () if goal.prefers(score(a), score(b)) => Ordering::Less,
            () if goal.prefers(score(b), score(a)) => Ordering::Greater,
            () => a.cmp(b),
        }
    }

    /// The places of the entries with a finite score, the best first; of equal scores, the older.
    pub(crate) fn ranking(listing: &[Entry], goal: Goal) -> Vec<usize> {
        let mut places = KeepBest::places(listing);
        places.sort_unstable_by(KeepBest::order(listing, goal));
        places
    }
}

impl Retention for KeepBest {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        let mut places = KeepBest::places(listing);
        if self.0 < places.len() {
            places.select_nth_unstable_by(self.0, KeepBest::order(listing, self.1));
            places.truncate(self.0);
        }
        let mut keep = vec![false; listing.len()];
        places.into_iter().for_each(|place| keep[place] = true);
        keep
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        let text = if self.0 == 1 { "the best".to_owned() } else { format!("one of the best {}", self.0) };
        because(self.keep(listing), text)
    }
}

/// Keeps every `.0`th step: those whose step is a multiple of it. Zero keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepEvery(pub u64);

impl Retention for KeepEvery {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        listing.iter().map(|entry| self.0 > 0 && entry.facts.step.is_multiple_of(self.0)).collect()
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        because(self.keep(listing), format!("every {} steps", self.0))
    }
}

/// Keeps the first checkpoint of each interval of training time. Entries that do not know their time are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepEveryInterval(pub Duration);

impl Retention for KeepEveryInterval {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        let interval = self.0.as_nanos();
        let mut last = None;
        let first_of_its_interval = |entry: &Entry| {
            let number = entry.facts.elapsed.and_then(|t| t.as_nanos().checked_div(interval));
            number.is_some() && std::mem::replace(&mut last, number) != number
        };
        listing.iter().map(first_of_its_interval).collect()
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        because(self.keep(listing), format!("every {:?} of training", self.0))
    }
}

/// Keeps what one of two keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Either<A, B>(A, B);

impl<A: Retention, B: Retention> Retention for Either<A, B> {
    fn keep(&self, listing: &[Entry]) -> Vec<bool> {
        let (a, b) = (self.0.keep(listing), self.1.keep(listing));
        let answer = |keep: &[bool], i: usize| keep.get(i).copied().unwrap_or(true);
        (0..listing.len()).map(|i| answer(&a, i) || answer(&b, i)).collect()
    }

    fn why(&self, listing: &[Entry]) -> Vec<Option<String>> {
        let (mut a, mut b) = (self.0.why(listing).into_iter(), self.1.why(listing).into_iter());
        // What has no answer is kept.
        let next = |whys: &mut dyn Iterator<Item = Option<String>>| {
            whys.next().unwrap_or_else(|| Some("the policy keeps it".to_owned()))
        };
        let both = |(a, b): (Option<String>, Option<String>)| match (a, b) {
            (Some(a), Some(b)) => Some(format!("{a}, {b}")),
            (a, b) => a.or(b),
        };
        (0..listing.len()).map(|_| both((next(&mut a), next(&mut b)))).collect()
    }
}

fn because(keep: Vec<bool>, text: String) -> Vec<Option<String>> {
    keep.into_iter().map(|keep| keep.then(|| text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: impl Retention, scores: &[f64], expected: &str) {
        let listing: Vec<Entry> =
            scores.iter().zip(1..).map(|(&score, i)| Entry::sketch(i * 10, Some(score))).collect();
        let kept: String = policy.keep(&listing).iter().map(|&keep| if keep { 'x' } else { '.' }).collect();
        assert_eq!(kept, expected, "{scores:?}");
    }

    #[test]
    fn policies_keep_what_their_names_say() {
        const NAN: f64 = f64::NAN;
        check(KeepAll, &[1., 2.], "xx");
        check(KeepLast(2), &[1., 2., 3.], ".xx");
        check(KeepLast(5), &[1., 2.], "xx");
        check(KeepLast(0), &[1., 2.], "..");
        check(KeepBest(1, Goal::Minimize), &[3., 1., 2.], ".x.");
        check(KeepBest(2, Goal::Maximize), &[3., 1., 2.], "x.x");
        check(KeepBest(1, Goal::Minimize), &[1., 1., 1.], "x..");
        check(KeepBest(1, Goal::Minimize), &[0., -0.], "x.");
        check(KeepBest(1, Goal::Minimize), &[NAN, f64::NEG_INFINITY, 9.], "..x");
        check(KeepBest(2, Goal::Maximize), &[NAN, f64::INFINITY, NAN], "...");
        check(KeepEvery(20), &[1., 1., 1., 1.], ".x.x");
        check(KeepEvery(0), &[1., 1.], "..");
        assert_eq!(KeepEvery(0).keep(&[Entry::sketch(0, None)]), [false]);
        check(KeepLast(1).or(KeepBest(1, Goal::Minimize)), &[2., 1., 3.], ".xx");
        check(|listing: &[Entry]| vec![false; listing.len()], &[1.], ".");
        let boxed: Box<dyn Retention> = Box::new(KeepLast(1));
        check(boxed.or(|_: &[Entry]| vec![false, true]), &[1., 1., 1.], ".xx");
    }

    #[test]
    fn each_policy_says_why() {
        let listing: Vec<Entry> =
            [0.4, 0.2, 0.3].iter().zip(1..).map(|(&score, i)| Entry::sketch(i * 10, Some(score))).collect();
        let policy = KeepLast(1).or(KeepBest(2, Goal::Minimize)).or(KeepEvery(20));
        let why = policy.why(&listing);
        let expected =
            [None, Some("one of the best 2, every 20 steps"), Some("the newest, one of the best 2")];
        assert_eq!(why.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
        assert!(why.iter().map(Option::is_some).eq(policy.keep(&listing)));
        let minutes = KeepEveryInterval(Duration::from_secs(90)).or(|_: &[Entry]| vec![true]);
        assert_eq!(minutes.why(&listing)[0].as_deref(), Some("the policy keeps it"));
        assert_eq!(minutes.why(&listing).len(), 3);
        let by_hand = |listing: &[Entry]| listing.iter().map(|e| e.facts.step != 20).collect::<Vec<_>>();
        let keeps = Some("the policy keeps it");
        assert_eq!(
            by_hand.why(&listing).iter().map(Option::as_deref).collect::<Vec<_>>(),
            [keeps, None, keeps]
        );
        let boxed: Box<dyn Retention> = Box::new(KeepAll);
        assert_eq!(boxed.why(&listing)[2].as_deref(), Some("everything is kept"));
    }

    #[test]
    fn one_checkpoint_of_each_interval_is_kept() {
        let listing: Vec<Entry> = [0, 30, 59, 60, 200, 210]
            .map(|seconds| {
                let mut entry = Entry::sketch(seconds, None);
                entry.facts.elapsed = Some(Duration::from_secs(seconds));
                entry
            })
            .into();
        let minutes = KeepEveryInterval(Duration::from_secs(60));
        assert_eq!(minutes.keep(&listing), [true, false, false, true, true, false]);
        assert_eq!(KeepEveryInterval(Duration::ZERO).keep(&listing), [false; 6]);
        assert_eq!(minutes.keep(&[Entry::sketch(1, None)]), [false]);
    }
}
