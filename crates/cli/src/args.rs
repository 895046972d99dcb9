//! The arguments of the program.

mod checkpoints;
mod evaluate;
mod proben1;
mod replay;

use crate::data_args::{ClassWeights, Columns, Parts, Reading};
pub(crate) use checkpoints::{Checkpoints, Export, Format, Gc, Import, Pin};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args, Command, CommandFactory, Parser, Subcommand, ValueEnum};
pub(crate) use evaluate::{Evaluate, SplitName};
use highwater_data::Task;
use highwater_early_stopping::{NonFinite, Rule};
use highwater_nn::Activation;
use highwater_trainer::{OnFailure, Score};
pub(crate) use proben1::Proben1;
pub(crate) use replay::Replay;
use std::path::PathBuf;

/// Trains neural networks on the CPU, stops when more training no longer helps, and never loses the best model.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, max_term_width = 100, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) job: Job,
}

impl Arguments {
    /// The program, as it is called and as its help describes it.
    pub(crate) fn described() -> Command {
        // What `resume` shares with `train` is by default what the run began with.
        let of_the_run = |arg: Arg| match arg.get_help().map(ToString::to_string) {
            Some(help) if arg.get_help_heading() == Some(STOPPING) => {
                let what = help.split(" [default").next().unwrap_or_default();
                arg.help(format!("{what} [default: as the run]"))
            }
            _ => arg,
        };
        // What is below zero is answered with what may be.
        let numbers = |arg: Arg| match arg.get_long() {
            Some(_) if arg.get_action().takes_values() => arg.allow_negative_numbers(true),
            _ => arg,
        };
        let described = Arguments::command().mut_subcommand("resume", |resume| resume.mut_args(of_the_run));
        described.mut_subcommands(|job| job.mut_args(numbers))
    }
}

/// The heading of what `train` and `resume` take alike.
const STOPPING: &str = "Stopping and keeping";

#[derive(Debug, Subcommand)]
pub(crate) enum Job {
    Train(Box<Train>),
    Resume(Resume),
    /// Write a commented configuration for a data file
    Init(Init),
    Evaluate(Evaluate),
    Predict(Predict),
    Report(Report),
    Replay(Replay),
    Proben1(Proben1),
    /// Look after saved checkpoints: list, show, verify, compare, clean up, exchange
    #[command(subcommand)]
    Checkpoints(Checkpoints),
    /// Print the completions of a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Train a network; without --data, on the built-in handwritten digits
#[derive(Debug, Args)]
#[command(after_help = "\
    The rows are split into training, validation and test rows. The model is tried on the validation \
    rows after each epoch, and the best one is kept, whatever ends the run. The run folder then holds \
    config.toml, history.csv, report.html, checkpoints/, and the kept model as best.safetensors.\n\nExamples:\n  \
    highwater train\n  \
    highwater train --data my.csv --target price --hidden 64,64\n  \
    highwater train --stop 'patience(10, min_delta=0.001) or time(5m)' --seed 7\n  \
    highwater train --config my.toml --set optimizer.lr=0.01")]
pub(crate) struct Train {
    /// A table: CSV, TSV or separated by blanks, plain or gzip; NPY, NPZ, IDX or Parquet; without it, 1,797 images of
    /// handwritten digits
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// The column to predict; may be given several times, for several numbers
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Vec<String>,
    /// What to predict: a class or a number [default: told from the target column]
    #[arg(long, value_parser = task())]
    pub(crate) task: Option<Task>,
    /// Settings: any part of a config.toml; flags override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// One setting of config.toml by its name, for instance optimizer.lr=0.01; may be given several times.
    /// docs/settings.md lists all
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// The run folder; it must be new or empty [default: the next free runs/NAME-N]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Decides the split, the initial weights and the order of the rows [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    #[command(flatten)]
    pub(crate) columns: Columns,
    #[command(flatten)]
    pub(crate) parts: Parts,
    /// Units of each hidden layer; `none` for a linear model [default: 256]
    #[arg(long, help_heading = "Network", value_name = "N,N,…", value_parser = hidden)]
    pub(crate) hidden: Option<Hidden>,
    /// After each hidden layer [default: relu]
    #[arg(long, help_heading = "Network", value_name = "NAME")]
    pub(crate) activation: Option<Activation>,
    /// The share of hidden units that is dropped in each training step [default: 0]
    #[arg(long, help_heading = "Network", value_name = "RATE")]
    pub(crate) dropout: Option<f64>,
    /// How parameters are updated [default: adamw]
    #[arg(long, help_heading = "Training", value_enum)]
    pub(crate) optimizer: Option<OptimizerName>,
    /// The step size [default: 0.001]
    #[arg(long, help_heading = "Training", value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// The share of the last update that goes on; for SGD and RMSprop [default: 0]
    #[arg(long, help_heading = "Training", value_name = "SHARE")]
    pub(crate) momentum: Option<f64>,
    /// Shrinks weights a little in each step [default: at most 1, less for many rows; 0 for other optimizers than
    /// AdamW]
    #[arg(long, help_heading = "Training", value_name = "RATE")]
    pub(crate) weight_decay: Option<f64>,
    /// Scale gradients down to this norm
    #[arg(long, help_heading = "Training", value_name = "NORM")]
    pub(crate) clip_norm: Option<f64>,
    /// Rows of a training step [default: 32]
    #[arg(long, help_heading = "Training", value_name = "ROWS")]
    pub(crate) batch_size: Option<usize>,
    /// Weigh classes: balanced lets rare ones count as much as frequent ones [default: none]
    #[arg(long, help_heading = "Training", value_enum, value_name = "HOW")]
    pub(crate) class_weights: Option<ClassWeights>,
    /// Validate after so many steps instead of after each epoch
    #[arg(long, help_heading = "Training", value_name = "STEPS")]
    pub(crate) validate_every: Option<u64>,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
    /// How many of the newest checkpoints stay [default: 2]
    #[arg(long, help_heading = "Checkpoints", value_name = "N")]
    pub(crate) keep_last: Option<usize>,
    /// How many of the best checkpoints stay [default: 2]
    #[arg(long, help_heading = "Checkpoints", value_name = "N")]
    pub(crate) keep_best: Option<usize>,
    /// Also keep the checkpoints whose step is a multiple of this
    #[arg(long, help_heading = "Checkpoints", value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep_every: Option<u64>,
    /// Also keep the first checkpoint of every so many minutes of training
    #[arg(long, help_heading = "Checkpoints", value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep_minutes: Option<u64>,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// When to stop and what to keep.
#[derive(Debug, Args)]
#[command(next_help_heading = STOPPING)]
pub(crate) struct Stopping {
    /// The limit of epochs [default: 500]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<u64>,
    /// When to stop before that [default: 'patience(20, min_delta=0.002)']
    #[arg(long, value_name = "RULE")]
    pub(crate) stop: Option<Rule>,
    /// What the rule watches: loss, or one of training.metrics [default: loss]
    #[arg(long, value_name = "SCORE")]
    pub(crate) monitor: Option<Score>,
    /// What chooses the model that is kept [default: loss]
    #[arg(long, value_name = "SCORE")]
    pub(crate) select: Option<Score>,
    /// What a watched value of NaN or infinity does: ignore, count, stop, fail [default: stop]
    #[arg(long, value_name = "POLICY")]
    pub(crate) non_finite: Option<NonFinite>,
    /// What a checkpoint that cannot be written does: warn (and go on), stop, wait (for space) [default: warn]
    #[arg(long, value_name = "POLICY")]
    pub(crate) on_save_failure: Option<OnFailure>,
}

/// What every training job takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct Shared {
    /// Threads to use; the result does not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// No progress and no summary, only warnings and errors
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// The summary as one line of JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

/// Go on with a run that was interrupted or killed
#[derive(Debug, Args)]
#[command(after_help = "\
    The run goes on from its newest sound checkpoint, to the same bits as if it had never stopped. What is \
    given here replaces what the run began with: a new rule is first shown the history so far.\n\n\
    With --prove nothing is changed: the run is trained from its last checkpoint but one to its last again, and \
    every bit is compared; exit code 1 if one differs.")]
pub(crate) struct Resume {
    /// The run folder
    pub(crate) run: PathBuf,
    /// A checkpoint to go on from, as a new branch [default: the newest]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Show that resuming gives the same bits, and change nothing
    #[arg(long, conflicts_with_all = ["from", "epochs", "stop", "monitor", "select", "non_finite"])]
    pub(crate) prove: bool,
    /// Where the run's table is now, if it has moved
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) stopping: Stopping,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

/// Look at a data file and write a commented configuration for it
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The data file
    pub(crate) data: PathBuf,
    /// The column to predict [default: one named target, label, class or y, else the last]
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// Where to write; it must not exist yet
    #[arg(long, value_name = "FILE", default_value = "highwater.toml")]
    pub(crate) out: PathBuf,
    /// What was done, as one line of JSON on standard output
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Predict the target for each row of a table
#[derive(Debug, Args)]
#[command(after_help = "\
    The answer is CSV: the class and the probability of each class, or the value. Rows are read and \
    answered a few thousand at a time, so that the table may be larger than memory.")]
pub(crate) struct Predict {
    /// The run folder
    pub(crate) run: PathBuf,
    /// A table with the columns that the model was trained on, in any order; others are ignored. `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Where to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// What to write: of classes all, or a part
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Answer::All)]
    pub(crate) write: Answer,
    /// A column to write before the answer, as one that names the rows; may be given several times
    #[arg(long, value_name = "COLUMN")]
    pub(crate) keep: Vec<String>,
    /// No closing line, and no remarks
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// What was done, as one line of JSON on standard output
    #[arg(long, requires = "out")]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Answer {
    /// The class, and the probability of each
    All,
    /// The likeliest class
    Classes,
    /// The probability of each class
    Probabilities,
    /// Not the answer, but what the network is given: a number for each of its inputs
    Inputs,
}

/// Write a run's report page again, or one page that compares several runs
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run folders
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Where to write [default: report.html in the run folder; of several runs, comparison.html]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// One line of JSON for each run, with its scores and the page
    #[arg(long)]
    pub(crate) json: bool,
}

fn task() -> impl TypedValueParser<Value = Task> {
    PossibleValuesParser::new(["classification", "regression"]).try_map(|name| name.parse::<Task>())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptimizerName {
    Sgd,
    Adam,
    #[value(name = "adamw")]
    AdamW,
    #[value(name = "rmsprop")]
    RmsProp,
    Adagrad,
    Rprop,
}

/// Units of the hidden layers.
#[derive(Debug, Clone)]
pub(crate) struct Hidden(pub(crate) Vec<usize>);

fn hidden(text: &str) -> Result<Hidden, String> {
    if text == "none" {
        return Ok(Hidden(Vec::new()));
    }
    let units = text.split(',').map(|part| match part.trim().parse::<usize>() {
        Ok(units) if units > 0 => Ok(units),
        _ => Err(format!("{part:?} is not a number of units; write for instance 64 or 128,64, or none")),
    });
    units.collect::<Result<_, _>>().map(Hidden)
}
