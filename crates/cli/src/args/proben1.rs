//! The arguments of `proben1`.

use super::Shared;
use clap::Args;
use highwater_early_stopping::Rule;
use highwater_optim::{InitialStep, Rprop1993};
use highwater_proben1::Protocol;
use std::path::PathBuf;

/// Train Prechelt's networks on his benchmark, and print his published figures beside ours
#[derive(Debug, Args)]
#[command(after_help = "\
    Proben1 (L. Prechelt, TR 21/94, Karlsruhe 1994) is a collection of problems as .dt files, with a protocol and \
    tables of results. Each problem is trained many times from different seeds; means and deviations stand above \
    those of his tables 10 and 11 (with --shortcuts: 8 and 9). Problems that are not his are trained, too.\n\n\
    With --study every problem is trained on 24 networks to the end without stopping, and 14 stopping criteria are \
    shown what happened: what does each cost, and what does it bring?\n\nExamples:\n  \
    highwater proben1 --data proben1\n  \
    highwater proben1 --data proben1 --problems cancer1,glass1 --runs 10 --shortcuts\n  \
    highwater proben1 --data proben1 --study --plot trade-off.svg")]
pub(crate) struct Proben1 {
    /// The folder with the .dt files
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Some of the problems, by the names of their files [default: every .dt file]
    #[arg(long, value_name = "NAME,NAME,…", value_delimiter = ',')]
    pub(crate) problems: Vec<String>,
    /// Runs of each network [default: 60, with --study 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) runs: Option<u32>,
    /// Connect each layer to all layers before it, as in tables 8 and 9
    #[arg(long)]
    pub(crate) shortcuts: bool,
    /// When to stop instead
    #[arg(long, value_name = "RULE", conflicts_with = "study", default_value_t = Protocol::default().stop)]
    pub(crate) stop: Rule,
    /// Let weights go back where their gradients change sign, as in the paper of 1993
    #[arg(long)]
    pub(crate) backtracking: bool,
    /// The bounds of the step sizes that weights begin with [default: 0.05,0.2]
    #[arg(long, value_name = "LOW,HIGH", value_parser = bounds)]
    pub(crate) initial_steps: Option<(f64, f64)>,
    /// Weights begin between minus and plus this
    #[arg(long, value_name = "BOUND", value_parser = positive, default_value_t = Protocol::default().initial_weights)]
    pub(crate) initial_weights: f64,
    /// The most epochs of a run
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: u64,
    /// Decides the initial weights and step sizes of all runs
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Compare 14 stopping criteria over runs that are not stopped
    #[arg(long)]
    pub(crate) study: bool,
    /// Where the study's picture goes, as SVG
    #[arg(long, value_name = "FILE", requires = "study")]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

impl Proben1 {
    /// The protocol with what is asked for.
    pub(crate) fn protocol(&self) -> Protocol {
        let standard = Protocol::default();
        let given = self.initial_steps.map(|(low, high)| InitialStep::Uniform { low, high, seed: 0 });
        let initial_step = given.unwrap_or(standard.rprop.initial_step);
        Protocol {
            rprop: Rprop1993 { backtracking: self.backtracking, initial_step, ..standard.rprop },
            initial_weights: self.initial_weights,
            stop: if self.study { Rule::Never } else { self.stop.clone() },
            epochs: self.epochs,
            ..standard
        }
    }
}

fn bounds(text: &str) -> Result<(f64, f64), String> {
    let (low, high) = text.split_once(',').ok_or("write two numbers, for instance 0.05,0.2")?;
    Ok((positive(low)?, positive(high)?))
}

fn positive(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(number) if number > 0.0 && number.is_finite() => Ok(number),
        _ => Err("it must be a number above 0".to_owned()),
    }
}
