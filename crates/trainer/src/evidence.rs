//! What the evidence criterion wants to know of each step's gradient.

use crate::config::SMALLEST_SAMPLE;
use crate::error::Error;
use highwater_autodiff::{Feed, Program, RowSquares, Workspace};
use highwater_early_stopping::GradientEvidence;

/// Tells signal from noise in the gradients of a run.
///
/// The criterion is taken over the weights and biases of dense layers: those of normalising layers do not count. It is
/// the mean over the steps since the last validation; a smaller last step of an epoch does not count, as few rows tell
/// little of their spread. Gradients are those of the loss, before they are clipped, and without weight decay.
pub(crate) struct Evidence {
    squares: RowSquares<f32>,
    /// Over the rows of the step so far: the squared gradient of each one's own loss.
    sums: Vec<f32>,
    /// Of the step so far.
    rows: usize,
    /// Of a step that counts.
    full: usize,
}

impl Evidence {
    /// For steps of `full` rows, computed from batches of at most `rows`.
    pub(crate) fn new(program: &Program, rows: usize, full: usize) -> Result<Evidence, Error> {
        let refuse = |why: &str| Err(Error::Rule { what: format!("`evidence` {why}") });
        let Some(squares) = program.row_squares(rows) else {
            return refuse(
                "needs the gradient of each row alone, and batch normalisation mixes rows: leave one of the two out",
            );
        };
        if squares.covered().is_empty() {
            return refuse("is computed from dense layers, and the network has none that is trained");
        }
        if full < SMALLEST_SAMPLE {
            return refuse(&format!("needs at least {SMALLEST_SAMPLE} training rows"));
        }
        Ok(Evidence { sums: vec![0.0; program.parameter_count()], squares, rows: 0, full })
    }

    /// Takes in a part of a step of so many rows, after its way back.
    pub(crate) fn take_in(&mut self, ws: &Workspace<f32>, feeds: &[Feed<'_, f32>], rows: usize) {
        // The loss is a mean over the rows of the part: each one's own gradient is that many times its share.
        let factor = (rows * rows) as f32;
        let squares = self.squares.compute(ws, feeds).iter();
        if self.rows == 0 {
            self.sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum = factor * square);
        } else {
            self.sums.iter_mut().zip(squares).for_each(|(sum, square)| *sum += factor * square);
        }
        self.rows += rows;
    }

    /// Adds the step, whose mean gradient this is.
    pub(crate) fn finish_step(&mut self, gradients: &[f32], total: &mut GradientEvidence) {
        if self.rows == self.full {
            for range in self.squares.covered() {
                total.add_batch(self.rows as u64, &gradients[range.clone()], &self.sums[range.clone()]);
            }
        }
        self.rows = 0;
    }
}
