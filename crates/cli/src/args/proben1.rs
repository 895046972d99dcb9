//! The arguments of `proben1`.

use super::Shared;
use clap::Args;
use std::path::PathBuf;

/// Train Prechelt's networks on his benchmark, and print his published figures beside ours
#[derive(Debug, Args)]
#[command(after_help = "\
    Proben1 (L. Prechelt, TR 21/94, Karlsruhe 1994) is a collection of problems as .dt files, with a protocol and\n\
    tables of results. Each problem is trained many times from different seeds; means and deviations stand above\n\
    those of his tables 10 and 11 (with --shortcuts: 8 and 9). Problems that are not his are trained, too.\n\n\
    With --study every problem is trained on 24 networks to the end without stopping, and 14 stopping criteria are\n\
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
