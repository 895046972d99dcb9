//! How the rows of an epoch are cut into steps, and those of a step into pieces.

use highwater_nn::{Layer, Sequential};
use std::ops::Range;

/// Batches of `size` rows, the last of what is left; if that would be fewer than `least`, it joins the batch before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batches {
    rows: usize,
    size: usize,
    least: usize,
}

/// The fewest rows that a network can be trained on at once: over a single one there is no variance to normalise by.
pub(crate) fn least(network: &Sequential) -> usize {
    if network.layers.contains(&Layer::BatchNorm) { 2 } else { 1 }
}

impl Batches {
    /// Of so many rows. `size` is at least `least`.
    pub(crate) fn of(rows: usize, size: usize, least: usize) -> Batches {
        Batches { rows, size, least }
    }

    /// The pieces of a batch, of at most `size` rows; without a size it is one piece.
    pub(crate) fn pieces(self, number: usize, size: Option<usize>) -> Batches {
        let rows = self.range(number).len();
        Batches { rows, size: size.unwrap_or(rows), ..self }
    }

    pub(crate) fn count(self) -> usize {
        let whole = self.rows / self.size;
        if self.rows % self.size < self.least { whole.max(1) } else { whole + 1 }
    }

    /// The rows of a batch.
    pub(crate) fn range(self, number: usize) -> Range<usize> {
        let end = if number + 1 == self.count() { self.rows } else { (number + 1) * self.size };
        number * self.size..end
    }

    /// The rows of the largest batch, which is the first or the last.
    pub(crate) fn largest(self) -> usize {
        self.range(0).len().max(self.range(self.count() - 1).len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_so_that_no_batch_is_too_small() {
        for (rows, size, least, expected) in [
            (6, 3, 1, &[3, 3][..]),
            (7, 3, 1, &[3, 3, 1]),
            (7, 3, 2, &[3, 4]),
            (8, 3, 2, &[3, 3, 2]),
            (7, 2, 2, &[2, 2, 3]),
            (3, 2, 2, &[3]),
            (2, 5, 1, &[2]),
            (1, 5, 1, &[1]),
            (1, 1, 1, &[1]),
            (3, 1, 1, &[1, 1, 1]),
        ] {
            let batches = Batches::of(rows, size, least);
            let ranges: Vec<Range<usize>> =
                (0..batches.count()).map(|number| batches.range(number)).collect();
            let sizes: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();
            assert_eq!((&sizes[..], batches.largest()), (expected, *expected.iter().max().unwrap()));
            assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, rows));
            assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{ranges:?}");
        }
    }
}
