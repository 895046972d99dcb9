//! Prechelt's training progress: PQ, and progress below a bound.

use super::InvalidRule;
use super::generalization_loss::Loss;
use super::strip::{AtEnds, Criterion, Strip};
use crate::text::{Arguments, Shortest};
use crate::{Goal, Observation, ParseError, StopReason, StoppingRule};
use core::fmt;

/// Stop when the loss of generalization outweighs the progress of training: `pq(0.75, strip=5)`.
///
/// PQ_α of L. Prechelt (*Early Stopping – But When?*, 1998): `GL(t) / P_k(t) > α` at the end of a strip of k
/// epochs, with the [generalization loss](crate::GeneralizationLoss) in percent and the training progress in
/// per thousand, `P_k(t) = 1000 · (mean E_tr / min E_tr − 1)` over the strip. While training still makes
/// quick progress, generalization may yet recover.
///
/// It needs an [observation](Observation::train) of the training error at each epoch. Degenerate cases. With
/// P_k = 0 the rule fires if GL > 0 and not if GL = 0. A strip of which no training error is known, or one
/// that isn't finite, decides nothing, and so does one in which both are infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressQuotient {
    /// α, in percent per per thousand.
    pub alpha: f64,
    /// k, at least 2: of a single epoch mean and least are one.
    pub strip: u64,
}

impl Default for ProgressQuotient {
    fn default() -> Self {
        Self { alpha: 0.75, strip: 5 }
    }
}

impl ProgressQuotient {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            alpha: arguments.number("alpha")?.ok_or_else(|| arguments.missing("alpha"))?,
            strip: arguments.count("strip")?.unwrap_or(Self::default().strip),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        InvalidRule::unless(self.alpha.is_finite() && self.alpha >= 0.0, "pq", "an alpha of at least 0")?;
        InvalidRule::unless(self.strip >= 2, "pq", "a strip of at least 2")
    }

    pub(crate) fn start(self, goal: Goal) -> impl StoppingRule {
        AtEnds::new(self.strip, Weighing { spec: self, loss: Loss::new(goal) })
    }
}

impl fmt::Display for ProgressQuotient {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "pq({}", Shortest(self.alpha))?;
        if self.strip != Self::default().strip {
            write!(f, ", strip={}", self.strip)?;
        }
        f.write_str(")")
    }
}

#[derive(Clone, Debug)]
struct Weighing {
    spec: ProgressQuotient,
    loss: Loss,
}

impl Criterion for Weighing {
    fn judge(&mut self, complete: &Strip, observation: &Observation) -> Option<StopReason> {
        let (ProgressQuotient { alpha, strip }, at) = (self.spec, observation.at);
        let (loss, best) = self.loss.observe(complete, observation)?;
        let progress = complete.progress?;
        let quotient = if loss == 0.0 { 0.0 } else { loss / progress };
        (quotient > alpha).then_some(StopReason::ProgressQuotient {
            quotient,
            alpha,
            loss,
            progress,
            strip,
            best,
            at,
        })
    }
}

/// Stop when training makes no more progress: `progress_below(0.1, strip=5)`.
///
/// P_k(t) below so many per thousand at the end of a strip (Prechelt, *Proben1*, section 3.3), in the report
/// joined to each of the other criteria because none of them is sure to fire. It watches the training error
/// only. A strip of which no training error is known, or one that isn't finite, decides nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgressBelow {
    /// In per thousand.
    pub threshold: f64,
    /// k, at least 2: of a single epoch mean and least are one.
    pub strip: u64,
}

impl Default for ProgressBelow {
    fn default() -> Self {
        Self { threshold: 0.1, strip: 5 }
    }
}

impl ProgressBelow {
    pub(crate) fn read(arguments: &mut Arguments) -> Result<Self, ParseError> {
        Ok(Self {
            threshold: arguments.number("threshold")?.ok_or_else(|| arguments.missing("threshold"))?,
            strip: arguments.count("strip")?.unwrap_or(Self::default().strip),
        })
    }

    pub(crate) fn check(self) -> Result<(), InvalidRule> {
        let positive = self.threshold.is_finite() && self.threshold > 0.0;
        InvalidRule::unless(positive, "progress_below", "a threshold above 0")?;
        InvalidRule::unless(self.strip >= 2, "progress_below", "a strip of at least 2")
    }

    pub(crate) fn start(self) -> impl StoppingRule {
        AtEnds::new(self.strip, self)
    }
}

impl fmt::Display for ProgressBelow {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "progress_below({}", Shortest(self.threshold))?;
        if self.strip != Self::default().strip {
            write!(f, ", strip={}", self.strip)?;
        }
        f.write_str(")")
    }
}

impl Criterion for ProgressBelow {
    fn judge(&mut self, complete: &Strip, observation: &Observation) -> Option<StopReason> {
        let (ProgressBelow { threshold, strip }, at) = (*self, observation.at);
        let progress = complete.progress.filter(|progress| *progress < threshold)?;
        Some(StopReason::ProgressBelow { progress, threshold, strip, at })
    }
}

#[cfg(test)]
mod tests {
    use crate::Observation;
    use crate::check::{stop_at, trained};

    /// Worked by hand from the definitions: GL is 0, 0, 0, 10, 20 and P_2 125, 83.3, 50, 10.4, 10.6 at epochs
    /// 2, 4, …, 10.
    fn worked() -> [Observation; 10] {
        let train = [10.0, 8.0, 7.0, 6.0, 5.5, 5.0, 4.9, 4.8, 4.8, 4.7];
        let validation = [9.0, 8.0, 9.0, 6.0, 9.0, 5.0, 9.0, 5.5, 9.0, 6.0];
        trained(train, validation)
    }

    #[test]
    fn the_quotient_is_as_worked_by_hand() {
        for (rule, at) in [
            ("pq(0.95, strip=2)", Some(8)),
            ("pq(0.97, strip=2)", Some(10)),
            ("pq(1.87, strip=2)", Some(10)),
            ("pq(1.89, strip=2)", None),
            ("gl(5, strip=2)", Some(8)),
            ("gl(15, strip=2)", Some(10)),
            ("up(1, strip=2)", Some(8)),
            ("up(2, strip=2)", Some(10)),
            ("progress_below(125, strip=2)", Some(4)),
            ("progress_below(50.1, strip=2)", Some(6)),
            ("progress_below(10.5, strip=2)", Some(8)),
            ("progress_below(10, strip=2)", None),
        ] {
            assert_eq!(stop_at(rule, &worked()), at, "{rule}");
        }
    }

    #[test]
    fn without_progress_any_loss_of_generalization_is_too_much() {
        let flat = [1.0; 6];
        assert_eq!(stop_at("pq(0, strip=2)", &trained(flat, [2.0; 6])), None);
        assert_eq!(stop_at("pq(9, strip=2)", &trained(flat, [2.0, 2.0, 2.0, 2.1, 2.1, 2.1])), Some(4));
        assert_eq!(stop_at("progress_below(0.1)", &trained(flat, [2.0; 6])), Some(5));
    }

    #[test]
    fn a_strip_without_training_errors_decides_nothing() {
        let rising = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let blind = trained(rising, rising).map(|o| Observation { train: None, ..o });
        let broken = trained([f64::NAN; 6], rising);
        for history in [blind, broken] {
            assert_eq!(stop_at("pq(0, strip=2) or progress_below(999, strip=2)", &history), None);
        }
    }
}
