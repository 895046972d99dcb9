//! `proben1 --study`: what stopping later costs and brings.

use super::{screen, seed, threads};
use crate::args;
use crate::folder::must_be_no_runs;
use crate::{line, print};
use anyhow::{Context, Result, bail};
use highwater_checkpoint::Replacement;
use highwater_data::Proben1;
use highwater_proben1::study::{Criterion, Measures, Stop, TradeOff, compare, criteria, stops};
use highwater_proben1::{Architecture, Output, TOPOLOGIES, plot, side_by_side};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What is trained: a problem, a network, a seed.
struct Job<'a> {
    problem: &'a Proben1,
    network: Architecture,
    seed: u64,
}

pub(super) fn run(args: &args::Proben1, problems: &[Proben1]) -> Result<()> {
    let began = Instant::now();
    let picture = args.plot.as_deref().map(picture).transpose()?;
    let protocol = args.protocol();
    let criteria = criteria(protocol.strip);
    let jobs = jobs(args, problems);
    let screen = screen(args);
    let told = |over| screen.show(&format!("study: {over} of {} runs", jobs.len()));
    let one = |number: usize| {
        let job: &Job<'_> = &jobs[number];
        Ok(stops(&protocol.run(job.problem, &job.network, job.seed)?, &criteria))
    };
    let found = side_by_side(jobs.len(), threads(args), one, told)?;
    screen.clear();

    let finite = |layers: Option<usize>| -> Vec<Vec<Stop>> {
        let runs = jobs.iter().zip(&found);
        let runs = runs.filter(|(job, _)| layers.is_none_or(|layers| job.network.hidden.len() == layers));
        runs.filter_map(|(_, stops)| stops.clone()).collect()
    };
    let all = finite(None);
    if all.is_empty() {
        bail!("no run has a finite validation error: there is nothing to compare");
    }
    let measures = compare(&criteria, &all);
    if let Some((file, mut picture)) = picture {
        let written = picture.write_all(plot::trade_off(&measures, all.len()).as_bytes());
        written.and_then(|()| picture.finish()).with_context(|| cannot_write(file))?;
    }
    if args.shared.json {
        for measures in &measures {
            line(serde_json::to_value(measures)?)?;
        }
        return line(json!({ "runs": all.len(), "trade_off": TradeOff::of(&measures) }));
    }
    if args.shared.quiet {
        return Ok(());
    }
    print(table(&measures, all.len(), problems.len(), protocol.epochs))?;
    for (which, layers) in
        [("all networks", None), ("one hidden layer", Some(1)), ("two hidden layers", Some(2))]
    {
        print(summary(which, &criteria, &finite(layers)))?;
    }
    let (runs, seconds) = (jobs.len(), began.elapsed().as_secs_f64());
    line(format_args!("\n{runs} runs of at most {} epochs in {seconds:.0} s.", protocol.epochs))
}

/// Where the picture goes: what is in its way shows before anything is trained.
fn picture(file: &Path) -> Result<(&Path, Replacement)> {
    must_be_no_runs(file)?;
    Ok((file, Replacement::of(file).with_context(|| cannot_write(file))?))
}

fn cannot_write(file: &Path) -> String {
    format!("cannot write {}", file.display())
}

/// Every problem on every topology, with linear and with sigmoid outputs.
fn jobs<'a>(args: &args::Proben1, problems: &'a [Proben1]) -> Vec<Job<'a>> {
    let mut jobs = Vec::new();
    for problem in problems {
        for hidden in TOPOLOGIES {
            for output in [Output::Linear, Output::Sigmoid] {
                for run in 0..args.runs.unwrap_or(2) as usize {
                    let network = Architecture { hidden: hidden.to_vec(), output, shortcuts: args.shortcuts };
                    jobs.push(Job { problem, network, seed: seed(args.seed, run) });
                }
            }
        }
    }
    jobs
}

fn table(measures: &[Measures], runs: usize, problems: usize, epochs: u64) -> String {
    let mut sorted: Vec<&Measures> = measures.iter().collect();
    sorted.sort_by(|one, other| one.slowness.total_cmp(&other.slowness));
    let mut text = format!(
        "14 criteria on {runs} runs of {epochs} epochs: {problems} problems, 12 topologies, linear and sigmoid outputs.\n\
         Means over the runs: training time and test error as multiples of GL2's and of those of each run's best\n\
         criterion; epochs wasted after the best; the share of runs in which none was better.\n\n\
         criterion    time   error  time/best  error/best  wasted    good\n"
    );
    for m in sorted {
        text += &format!(
            "{:10}  {:5.2}  {:6.3}  {:9.2}  {:10.3}  {:5.0}%  {:5.1}%\n",
            m.criterion,
            m.slowness,
            m.badness,
            m.slowness_to_best,
            m.badness_to_best,
            100.0 * m.redundancy,
            100.0 * m.good
        );
    }
    text + "\nFrom the fastest criterion to the slowest (in 1998: a test error 4% smaller in 4 times the training time):\n"
}

fn summary(which: &str, criteria: &[Criterion], runs: &[Vec<Stop>]) -> String {
    let trade_off = (!runs.is_empty()).then(|| TradeOff::of(&compare(criteria, runs))).flatten();
    trade_off.map_or_else(String::new, |t| {
        format!(
            "  {which:18} {} to {}: a test error {:.1}% smaller in {:.1} times the training time\n",
            t.fastest, t.slowest, t.gain_percent, t.times_longer
        )
    })
}
