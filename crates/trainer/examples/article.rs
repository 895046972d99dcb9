//! Early stopping as articles on it show it, and as it should be.
//!
//! A network with 10 inputs, 20 hidden units and 1 output, mean squared error, gradient descent with a learning rate of
//! 0.01, at most 1,000 epochs. The naive loop stops as soon as the validation loss rises, and saves the model. It has two
//! traps: the first wiggle ends the run, and what it saves is the model that had just become worse. Run it with
//! `cargo run -p highwater-trainer --example article`.
#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_checkpoint::{Folder, KeepLast, Store};
use highwater_data::{Dataset, Scale, Targets, synthetic};
use highwater_early_stopping::Rule;
use highwater_nn::{Activation, Init, Mlp, Model};
use highwater_objective::Loss;
use highwater_optim::{Method, Sgd};
use highwater_trainer::{Checkpoints, Config, Data, Report, Run, evaluate, fit, load_model};
use std::fmt;

/// Rows to train on, to validate on, and to test on.
const ROWS: [usize; 3] = [400, 100, 2_000];
const NOISE: f64 = 1.0;
const LOSS: Loss = Loss::MeanSquaredError;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    print!("{}", Story::live()?);
    Ok(())
}

/// What happened to two runs that differ in nothing but their rule.
struct Story {
    naive: Ending,
    patient: Ending,
    /// The error that no model can do without: that of the noise.
    noise: f64,
}

struct Ending {
    report: Report,
    /// Test error of the model as the last step left it.
    last: f64,
    /// Test error of the best model.
    best: f64,
}

impl Story {
    fn live() -> Result<Story, Box<dyn std::error::Error>> {
        let (parts, target) = standardised();
        Ok(Story {
            naive: ending("up(1, strip=1)".parse()?, &parts)?,
            patient: ending("patience(50)".parse()?, &parts)?,
            noise: (NOISE / target.sd).powi(2),
        })
    }
}

/// Trains under a rule.
fn ending(
    stop: Rule,
    [train, validation, test]: &[Dataset; 3],
) -> Result<Ending, Box<dyn std::error::Error>> {
    let config = Config {
        seed: 1,
        epochs: 1_000,
        batch_size: 8,
        learning_rate: 0.01,
        optimizer: Method::Sgd(Sgd::default()),
        stop,
        ..Config::default()
    };
    let mlp = Mlp { inputs: 10, hidden: vec![20], outputs: 1, activation: Activation::Tanh, dropout: 0.0 };
    let mut model = Model::new(mlp.network(), Init::Pytorch, 1)?;
    let dir = tempfile::tempdir()?;
    let mut store = Store::open(dir.path())?;
    store.retain(KeepLast(1));
    let run = Run { checkpoints: Some(Checkpoints::new(store)), ..Run::new(&mut model, &LOSS) };
    let report = fit(run, Data::new(train, validation), &config)?;

    // `fit` has restored the best model. What the naive loop saves is the newest checkpoint.
    let mut last = model.clone();
    load_model(&Folder::new(dir.path()).latest()?.0.ok_or("a run leaves a checkpoint")?, &mut last)?;
    let error = |model: &Model<f32>| evaluate(model, &LOSS, &[], test, &[]).loss;
    Ok(Ending { report, last: error(&last), best: error(&model) })
}

/// Friedman's problem with ten inputs: training, validation and test rows, all columns by the training rows' mean and
/// deviation; and that of the target.
fn standardised() -> ([Dataset; 3], Scale) {
    let all = synthetic::friedman1(ROWS.iter().sum(), 10, NOISE, 1);
    let (x, Targets::Values(y)) = (all.features(), all.targets()) else { unreachable!("a regression") };
    let scale = |column: ndarray::ArrayView1<'_, f32>| {
        Scale::fit(column.iter().take(ROWS[0]).map(|value| f64::from(*value)))
    };
    let target = scale(y.column(0));
    let (mut x, y) = (x.to_owned(), y.mapv(|value| target.apply(value.into())));
    for mut column in x.columns_mut() {
        let scale = scale(column.view());
        column.mapv_inplace(|value| scale.apply(value.into()));
    }
    let all = Dataset::new(x, Targets::Values(y));
    let mut rows = 0..all.rows();
    (ROWS.map(|count| all.select(&rows.by_ref().take(count).collect::<Vec<_>>())), target)
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Story { naive, patient, noise } = self;
        writeln!(
            f,
            "A 10-20-1 network learns Friedman's problem from {} rows; {} more are for validation.",
            ROWS[0], ROWS[1]
        )?;
        writeln!(
            f,
            "Errors are mean squared errors. Guessing the mean gives 1; the noise alone gives {noise:.3}."
        )?;

        let history = &naive.report.history;
        let [.., before, last] = &history[..] else { return Err(fmt::Error) };
        writeln!(f, "\nThe naive rule: stop as soon as the validation loss rises, and save the model.\n")?;
        for record in &history[history.len().saturating_sub(4)..] {
            let rises = if record == last { "  it rises: stop, save" } else { "" };
            writeln!(f, "  epoch {:4}   {:.4}{rises}", record.epoch, record.validation_loss)?;
        }
        writeln!(f, "\n  Trap 1: it took the first wiggle for the end, in epoch {} of 1,000.", last.epoch)?;
        writeln!(
            f,
            "  Trap 2: it saved the model that had just become worse, {:.4}, not that of epoch {}, {:.4}.",
            last.validation_loss, before.epoch, before.validation_loss
        )?;

        let Report { ended, epochs, history, .. } = &patient.report;
        let (Some(best), Some(last)) = (patient.report.best(), history.last()) else {
            return Err(fmt::Error);
        };
        let rises =
            history.windows(2).filter(|pair| pair[1].validation_loss > pair[0].validation_loss).count();
        writeln!(f, "\nThe same run with patience, which keeps the best model:\n")?;
        writeln!(f, "  epoch {:4}   {:.4}  the best: kept", best.epoch, best.validation_loss)?;
        writeln!(f, "  epoch {epochs:4}   {:.4}  stop: {ended}", last.validation_loss)?;
        writeln!(
            f,
            "\n  On its way the loss rose {rises} times; the naive rule would have stopped at any of them."
        )?;

        writeln!(f, "\nOn {} rows that neither has seen:\n", ROWS[2])?;
        for (what, error) in [
            ("what the naive rule saved", naive.last),
            ("the best it had seen", naive.best),
            ("the last model of the patient run", patient.last),
            ("what the patient run kept", patient.best),
        ] {
            writeln!(f, "  {what:35} {error:.4}")?;
        }
        writeln!(
            f,
            "\nThe naive rule saved {} epochs, and cost {:.1} times the error.",
            epochs - naive.report.epochs,
            naive.last / patient.best
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwater_trainer::Ended;

    #[test]
    fn the_naive_rule_falls_into_both_traps_and_patience_into_neither() {
        let Story { naive, patient, noise } = Story::live().unwrap();
        let losses = |ending: &Ending| -> Vec<f64> {
            ending.report.history.iter().map(|record| record.validation_loss).collect()
        };
        let (naive_losses, patient_losses) = (losses(&naive), losses(&patient));

        // It stops at the first rise, long before the best, and on the way there the two runs are the same.
        let first_rise = patient_losses.windows(2).position(|pair| pair[1] > pair[0]).unwrap() + 1;
        assert_eq!(naive_losses, patient_losses[..=first_rise]);
        let best = patient.report.best.unwrap();
        assert!(10 * first_rise < best, "{first_rise} {best}");

        // It saves the model after the rise, and that is worse on other rows too.
        assert_eq!(naive.report.best, Some(first_rise - 1));
        assert!(naive.last > naive.best);

        // Patience waits, stops by itself, keeps the best.
        assert!(matches!(patient.report.ended, Ended::Stopped(_)), "{}", patient.report.ended);
        assert_eq!(patient_losses.len(), best + 51);
        assert!(patient.best > noise);
        assert!(naive.last > 3.0 * patient.best, "{} {}", naive.last, patient.best);
    }

    #[test]
    fn the_story_is_told() {
        let story = Story::live().unwrap().to_string();
        for part in [
            "Trap 1",
            "Trap 2",
            "it rises: stop, save",
            "stop: no improvement in 50 epochs",
            "times the error",
        ] {
            assert!(story.contains(part), "{story}");
        }
    }
}
