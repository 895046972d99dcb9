//! From outputs to classes: the largest wins.

use ndarray::ArrayView2;

/// The class of each row, by its largest value; of equal ones the first.
pub(crate) fn classes(rows: ArrayView2<'_, f32>) -> Vec<usize> {
    rows.outer_iter().map(|row| largest(row.iter().copied())).collect()
}

/// The percentage of rows (of so many outputs each) whose largest output is not that of the answer.
pub(crate) fn class_error(outputs: &[f32], width: usize, answers: &[usize]) -> f64 {
    let rows = outputs.chunks_exact(width).zip(answers);
    let wrong = rows.filter(|(row, answer)| largest(row.iter().copied()) != **answer).count();
    100.0 * wrong as f64 / answers.len() as f64
}

fn largest(values: impl Iterator<Item = f32>) -> usize {
    let mut best = (0, f32::NEG_INFINITY);
    for (at, value) in values.enumerate() {
        if value > best.1 {
            best = (at, value);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn the_largest_output_wins_and_of_equal_ones_the_first() {
        let answers =
            classes(array![[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]].view());
        assert_eq!(answers, [1, 0, 2, 1]);
        let outputs = [0.1, 0.3, 0.2, 0.5, 0.5, 0.1, 0.9, 0.2, 0.3, f32::NAN, f32::NAN, f32::NAN];
        assert_eq!(class_error(&outputs, 3, &answers), 50.0);
    }
}
