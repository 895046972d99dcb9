//! The best model so far, whatever the stopping rule thinks of it.

use highwater_early_stopping::{BestTracker, Goal, Observation, Selection};
use highwater_nn::Model;

/// Which record is best, and the model's values that it was recorded of.
pub(crate) struct Best {
    tracker: BestTracker,
    values: Vec<f32>,
}

impl Best {
    pub(crate) fn new(goal: Goal) -> Best {
        Best { tracker: BestTracker::new(goal), values: Vec::new() }
    }

    /// Takes in the next record of the history; whether it is the best.
    pub(crate) fn observe(&mut self, observation: &Observation, values: &[f32]) -> bool {
        let improved = self.tracker.observe(observation) == Some(0);
        if improved {
            self.values.clear();
            self.values.extend_from_slice(values);
        }
        improved
    }

    /// The best record of a history whose values `find` still has, given its place. The first return value has the places of
    /// better ones, which are lost and no longer count, the best first.
    pub(crate) fn recover(
        goal: Goal,
        history: &[Observation],
        mut find: impl FnMut(usize) -> Option<Vec<f32>>,
    ) -> (Vec<usize>, Best) {
        let (mut lost, mut best) = (Vec::new(), Best::new(goal));
        for place in ranking(goal, history) {
            match find(place) {
                Some(values) => {
                    best.values = values;
                    break;
                }
                None => lost.push(place),
            }
        }
        best.tracker = without(&lost, goal, history).0;
        (lost, best)
    }

    /// Place of the best record within the history.
    pub(crate) fn place(&self) -> Option<usize> {
        self.tracker.best().map(|best| best.index as usize)
    }

    /// Makes a model the best one, if there is one.
    pub(crate) fn restore(&self, model: &mut Model<f32>) {
        if self.place().is_some() {
            model.values_mut().copy_from_slice(&self.values);
        }
    }
}

/// A tracker that has seen a history in which the records at some places count for nothing, and which of the others were the
/// best so far.
fn without(lost: &[usize], goal: Goal, history: &[Observation]) -> (BestTracker, Vec<bool>) {
    let mut seen = history.to_vec();
    lost.iter().for_each(|place| seen[*place].value = f64::NAN);
    let mut tracker = BestTracker::new(goal);
    let improved = seen.iter().map(|observation| tracker.observe(observation) == Some(0)).collect();
    (tracker, improved)
}

/// Which records of a history were the best so far, if `best` is the best of those whose model is there: what would be better
/// is lost, and counts no more.
pub(crate) fn improved(goal: Goal, history: &[Observation], best: Option<usize>) -> Vec<bool> {
    let ranked = ranking(goal, history);
    let lost = ranked.iter().position(|place| Some(*place) == best).unwrap_or(ranked.len());
    without(&ranked[..lost], goal, history).1
}

/// The places of what is finite in a history, the best first; of equal values the earlier.
pub(crate) fn ranking(goal: Goal, history: &[Observation]) -> Vec<usize> {
    let mut tracker = BestTracker::with(Selection { keep: history.len(), ..Selection::new(goal) });
    history.iter().for_each(|observation| _ = tracker.observe(observation));
    tracker.ranking().iter().map(|ranked| ranked.index as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_is_left_takes_the_place_of_what_is_lost() {
        let values = [0.9, 0.5, f64::NAN, 0.4, 0.4, 0.6];
        let history: Vec<Observation> = (1..).zip(values).map(|(at, v)| Observation::new(at, v)).collect();
        for (gone, lost, place) in [
            (&[][..], &[][..], Some(3)),
            (&[0, 2], &[], Some(3)),
            (&[3], &[3], Some(4)),
            (&[3, 4], &[3, 4], Some(1)),
            (&[0, 1, 3, 4, 5], &[3, 4, 1, 5, 0], None),
        ] {
            let find = |place: usize| (!gone.contains(&place)).then(|| vec![place as f32]);
            let (found_lost, best) = Best::recover(Goal::Minimize, &history, find);
            assert_eq!((&found_lost[..], best.place()), (lost, place), "{gone:?}");
            assert_eq!(best.values, place.map(|place| place as f32).into_iter().collect::<Vec<_>>());
            let improved = improved(Goal::Minimize, &history, place);
            assert_eq!(improved.iter().rposition(|improved| *improved), place, "{improved:?}");
        }
    }

    #[test]
    fn what_was_the_best_so_far_was_better_than_all_that_is_left_from_before() {
        let values = [0.9, f64::NAN, 0.5, 0.7, 0.4, 0.45, 0.4];
        let history: Vec<Observation> = (1..).zip(values).map(|(at, v)| Observation::new(at, v)).collect();
        for (best, expected) in [
            (Some(4), &[0, 2, 4][..]),
            (Some(6), &[0, 2, 5, 6]),
            (Some(5), &[0, 2, 5]),
            (Some(3), &[0, 3]),
            (None, &[]),
        ] {
            let improved = improved(Goal::Minimize, &history, best);
            let places: Vec<usize> = (0..history.len()).filter(|place| improved[*place]).collect();
            assert_eq!(places, expected, "{best:?}");
        }
    }

    #[test]
    fn what_comes_later_is_held_against_what_is_left() {
        let history = [Observation::new(1, 0.1), Observation::new(2, 0.5)];
        let find = |place: usize| (place == 1).then(|| vec![2.0]);
        let (_, mut best) = Best::recover(Goal::Minimize, &history, find);
        assert!(!best.observe(&Observation::new(3, 0.6), &[3.0]));
        assert!(best.observe(&Observation::new(4, 0.4), &[4.0]));
        assert_eq!((best.place(), &best.values[..]), (Some(3), &[4.0][..]));
    }
}
