//! The arguments of `checkpoints`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Checkpoints {
    /// List the checkpoints of a run
    #[command(after_help = "\
        Headers are read, and not every byte: `verify` does that. Exit code 1 if there is no checkpoint whose header can be \
        read. `show RUN` opens the one that `resume` would go on from, and fails if there is none.")]
    Ls {
        /// The run folder, or a folder of checkpoints
        run: PathBuf,
        /// One line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Show what is in a checkpoint
    Show {
        /// A checkpoint file, or a run folder for its newest
        checkpoint: PathBuf,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Read every byte and compare it with what was written; exit code 1 if anything differs
    Verify {
        /// A checkpoint file, or a run folder for all of them
        checkpoint: PathBuf,
        /// Only those that are not as they were written
        #[arg(long, short)]
        quiet: bool,
        /// One line of JSON for each
        #[arg(long)]
        json: bool,
    },
    /// Compare two checkpoints: numbers, configuration, history
    Diff {
        /// A checkpoint file, or a run folder for its newest
        a: PathBuf,
        /// The other one
        b: PathBuf,
        /// One line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Keep checkpoints whatever a run is told to keep
    #[command(after_help = "\
        A pinned checkpoint is deleted by nobody but you: not by its run, which may go on meanwhile, and not by \
        `gc`. `ls` shows which ones are pinned; `unpin` leaves them to the run again.\n\nExample:\n  \
        highwater checkpoints pin runs/digits-1/checkpoints/step-00000120.safetensors")]
    Pin(Pin),
    /// Leave pinned checkpoints to what the run keeps
    Unpin(Pin),
    Gc(Gc),
    Export(Export),
    Import(Import),
    /// Rewrite checkpoints of older versions as this one would write them
    #[command(after_help = "\
        Older checkpoints are read as they are; this is for leaving the old versions behind. A file is \
        replaced all or nothing, and one that is of this version already stays as it is.")]
    Migrate {
        /// A checkpoint file, or a run folder for all of them
        checkpoint: PathBuf,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// One line of JSON for each
        #[arg(long)]
        json: bool,
    },
}

/// Which checkpoints, and how to tell.
#[derive(Debug, Args)]
pub(crate) struct Pin {
    /// Checkpoint files, or a run folder for its newest
    #[arg(required = true)]
    pub(crate) checkpoints: Vec<PathBuf>,
    /// One line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

/// Delete checkpoints that the run does not keep, and say why the others stay
#[derive(Debug, Args)]
#[command(after_help = "\
    What stays is what the run was told to keep, or what is said here instead. Pinned checkpoints always \
    stay, and so does the newest one that is known to be sound.\n\nExamples:\n  \
    highwater checkpoints gc runs/digits-1 --explain --dry-run\n  \
    highwater checkpoints gc runs/digits-1 --keep-last 1 --keep-best 1 --keep-every 1000")]
pub(crate) struct Gc {
    /// The run folder, or a folder of checkpoints
    pub(crate) run: PathBuf,
    /// Keep so many of the newest [default: as the run]
    #[arg(long, value_name = "N")]
    pub(crate) keep_last: Option<usize>,
    /// Keep so many of the best [default: as the run]
    #[arg(long, value_name = "N")]
    pub(crate) keep_best: Option<usize>,
    /// Also keep those whose step is a multiple of this
    #[arg(long, value_name = "STEPS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep_every: Option<u64>,
    /// Also keep the first of every so many minutes of training
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep_minutes: Option<u64>,
    /// Say for each checkpoint why it stays or goes
    #[arg(long)]
    pub(crate) explain: bool,
    /// Delete nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One line of JSON for each
    #[arg(long)]
    pub(crate) json: bool,
}

/// Write a model for other programs
#[derive(Debug, Args)]
#[command(after_help = "\
    safetensors: parameters alone, named as in torch.nn.Sequential (0.weight, 0.bias, 2.weight, …); the \
    module to load them into is printed, and is in the file as `torch`; `preparation` (JSON) says what \
    becomes of the columns before.\n\
    onnx: the network and the preparation of its numbers. Inputs are the numbers as they are in the table, \
    and for other columns what stands for them (see `preparation` in the metadata); outputs are `outputs`, \
    and `probabilities` and `class`, or `value` in the unit of the target.\n\nExamples:\n  \
    highwater checkpoints export runs/digits-1 --to safetensors --out model.safetensors\n  \
    highwater checkpoints export runs/digits-1 --out model.onnx")]
pub(crate) struct Export {
    /// A checkpoint file, or a run folder for the model that `predict` uses
    pub(crate) checkpoint: PathBuf,
    /// The kind of file [default: what the name of --out ends with]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) to: Option<Format>,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Safetensors,
    Onnx,
}

/// Begin a run with the weights of a safetensors file of another program
#[derive(Debug, Args)]
#[command(after_help = "\
    The new run is configured as the one it is like; the weights are those of the file, and so is the \
    preparation of the data if the file has it, as those of `export` do. Otherwise data are prepared as for \
    the kept model of that run. It can be evaluated, predict, and be trained further with `resume`; but a \
    model that was trained on all rows can only predict, and be evaluated on rows of --data. \
    Arrays are those of a torch.nn.Sequential, perhaps behind one prefix, or are renamed to them.\n\nExample:\n  \
    highwater checkpoints import torch.safetensors --like runs/digits-1 --out runs/digits-torch \\\n    \
    --rename fc1=0 --rename fc2=2")]
pub(crate) struct Import {
    /// The safetensors file
    pub(crate) file: PathBuf,
    /// A run of a model of the same shape
    #[arg(long, value_name = "RUN")]
    pub(crate) like: PathBuf,
    /// The new run folder; it must be new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// What names begin with in the file, and in a torch.nn.Sequential; may be given several times
    #[arg(long, value_name = "FROM=TO", value_parser = rename)]
    pub(crate) rename: Vec<(String, String)>,
    /// One line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

fn rename(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok((from.to_owned(), to.to_owned())),
        _ => Err(format!("{text:?} is not FROM=TO; write for instance fc1=0")),
    }
}
