//! What the outputs of a classifier are, and the walk over their rows.

/// What the outputs of a classifier mean.
///
/// There is a column for each class, or a single column that speaks for class 1 against class 0: a logit against 0, a
/// probability `p` against `1 - p`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Unnormalised logarithms of probabilities; softmax makes probabilities of them.
    Logits,
    /// Probabilities, the columns of a row summing to one.
    Probabilities,
}

impl Scores {
    /// Calls `visit` with the scores of each row, one for each class, and the row's label.
    #[track_caller]
    pub(super) fn visit_rows<T: Copy + Into<f64>>(
        self,
        columns: usize,
        scores: &[T],
        labels: &[u32],
        mut visit: impl FnMut(&mut [f64], usize),
    ) {
        assert!(
            scores.len() == labels.len() * columns,
            "{} scores are not {} rows of {columns} columns, one row for each label",
            scores.len(),
            labels.len(),
        );
        let classes = classes(columns);
        let mut row = vec![0.0; classes];
        for (index, (values, &label)) in scores.chunks_exact(columns).zip(labels).enumerate() {
            assert!((label as usize) < classes, "label {label} of row {index}: there are {classes} classes");
            match (self, values) {
                (Scores::Logits, &[logit]) => row.copy_from_slice(&[0.0, logit.into()]),
                (Scores::Probabilities, &[p]) => row.copy_from_slice(&[1.0 - p.into(), p.into()]),
                _ => row.iter_mut().zip(values).for_each(|(to, &from)| *to = from.into()),
            }
            visit(&mut row, label as usize);
        }
    }
}

/// The number of classes that so many columns tell apart.
#[track_caller]
pub(super) fn classes(columns: usize) -> usize {
    assert!(columns > 0, "a classifier has at least one column of scores");
    columns.max(2)
}

/// Logits to logarithms of probabilities, in place. Near probability 1 too these keep their order and their digits.
pub(super) fn log_softmax(row: &mut [f64]) {
    let top = (1..row.len()).fold(0, |top, class| if row[class] > row[top] { class } else { top });
    let highest = row[top];
    let others = row.iter().enumerate().filter(|&(class, _)| class != top);
    let log_sum = others.map(|(_, logit)| (logit - highest).exp()).sum::<f64>().ln_1p();
    row.iter_mut().for_each(|logit| *logit = *logit - highest - log_sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(scores: Scores, columns: usize, values: &[f32], labels: &[u32]) -> Vec<(Vec<f64>, usize)> {
        let mut rows = Vec::new();
        scores.visit_rows(columns, values, labels, |row, label| rows.push((row.to_vec(), label)));
        rows
    }

    #[test]
    fn a_single_column_speaks_for_the_second_class() {
        assert_eq!(rows(Scores::Logits, 1, &[-3.0], &[0]), [(vec![0.0, -3.0], 0)]);
        assert_eq!(rows(Scores::Probabilities, 1, &[0.25], &[1]), [(vec![0.75, 0.25], 1)]);
    }

    #[test]
    fn log_softmax_is_stable_at_any_size() {
        for (mut row, expected) in
            [([1e4, 0.0, -1e4], [0.0, -1e4, -2e4]), ([-1e4, 0.0, 1e4], [-2e4, -1e4, 0.0])]
        {
            log_softmax(&mut row);
            assert_eq!(row, expected);
        }
        let mut sure = [40.0, 0.0];
        log_softmax(&mut sure);
        assert_eq!(sure, [-(-40.0_f64).exp(), -40.0]);
    }

    #[test]
    #[should_panic(expected = "5 scores are not 2 rows of 3 columns")]
    fn scores_that_are_not_whole_rows_are_refused() {
        rows(Scores::Logits, 3, &[0.0; 5], &[0, 1]);
    }

    #[test]
    #[should_panic(expected = "label 3 of row 1: there are 3 classes")]
    fn a_label_beyond_the_classes_is_refused() {
        rows(Scores::Logits, 3, &[0.0; 6], &[2, 3]);
    }
}
