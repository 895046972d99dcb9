//! The table: our figures, and under them the published ones.

use highwater_data::Proben1;
use highwater_proben1::{Architecture, Figures, Protocol};
use std::time::Duration;

/// A column, and the figures in it.
type Column = (&'static str, fn(&Figures) -> Option<(f64, f64)>);

const COLUMNS: [Column; 7] = [
    ("training", |f| Some((f.train_mean, f.train_sd))),
    ("validation", |f| Some((f.valid_mean, f.valid_sd))),
    ("test", |f| Some((f.test_mean, f.test_sd))),
    ("classes", |f| f.class_error_mean.zip(f.class_error_sd)),
    ("overfit", |f| Some((f.overfit_mean, f.overfit_sd))),
    ("epochs", |f| Some((f.epochs_mean, f.epochs_sd))),
    ("relevant", |f| Some((f.relevant_mean, f.relevant_sd))),
];

/// What is about to be shown.
pub(super) fn head(shortcuts: bool, runs: usize, protocol: &Protocol) -> String {
    let (with, tables) = if shortcuts { ("with", "8 and 9") } else { ("without", "10 and 11") };
    let columns: Vec<String> = COLUMNS.iter().map(|(name, _)| format!("{name:>13}")).collect();
    format!(
        "Proben1, networks {with} shortcuts, {runs} runs each, stopped by {}\n\
         Means ± deviations of ours, and below them those of tables {tables}: squared error percentages; test examples\n\
         in wrong classes, in percent; generalization loss at the end, in percent; epochs in all, and up to the best.\n\n\
         {:22}{}\n",
        protocol.stop,
        "problem",
        columns.concat()
    )
}

/// A problem.
pub(super) fn rows(
    problem: &Proben1,
    network: &Architecture,
    figures: &Figures,
    published: Option<&Figures>,
    verdict: Option<bool>,
) -> String {
    // Shortcuts are in the heading.
    let shape = Architecture { shortcuts: false, ..network.clone() };
    let ours = row(&format!("{:10} {shape}", problem.name), figures);
    let theirs = published.map(|published| {
        let apart = 100.0 * (figures.test_mean / published.test_mean - 1.0);
        let verdict = if verdict == Some(true) { "" } else { ": apart" };
        format!("{}  test {apart:+.1}%{verdict}\n", row(&format!("{:10} published", ""), published))
    });
    format!("{ours}\n{}", theirs.unwrap_or_else(|| format!("{:10} (no figures were published)\n", "")))
}

fn row(name: &str, figures: &Figures) -> String {
    let cells = COLUMNS.iter().map(|(name, of)| match of(figures) {
        Some((mean, sd)) if *name == "epochs" || *name == "relevant" => format!("{mean:7.0} ±{sd:4.0}"),
        Some((mean, sd)) => format!("{mean:7.2} ±{sd:5.2}"),
        None => "–".to_owned(),
    });
    let cells: Vec<String> = cells.map(|cell| format!("{cell:>13}")).collect();
    format!("{name:22}{}", cells.concat())
}

/// What it comes to.
pub(super) fn closing(verdicts: &[(&str, Option<bool>)], runs: usize, elapsed: Duration) -> String {
    let known: Vec<(&str, bool)> =
        verdicts.iter().filter_map(|(name, verdict)| Some((*name, (*verdict)?))).collect();
    let apart: Vec<&str> = known.iter().filter(|(_, within)| !within).map(|(name, _)| *name).collect();
    let count = known.len() - apart.len();
    let mut text = String::from("\n");
    if known.is_empty() {
        text += "None of these problems has published figures.";
    } else {
        text += &format!(
            "The mean test error is within 10% of the published one, or within one published deviation, on {count} of {} \
             problems",
            known.len()
        );
        text += &if apart.is_empty() { ".".to_owned() } else { format!("; not on {}.", apart.join(", ")) };
    }
    let (all, seconds) = (verdicts.len() * runs, elapsed.as_secs_f64());
    format!("{text}\n{all} runs in {seconds:.1} s.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_counts_what_can_be_compared() {
        let second = Duration::from_secs(1);
        let check = |verdicts: &[(&str, Option<bool>)], expected: &str| {
            let text = closing(verdicts, 60, second);
            assert!(text.contains(expected), "{text}");
        };
        check(&[("a", Some(true)), ("b", Some(true))], "on 2 of 2 problems.\n120 runs in 1.0 s.");
        check(&[("a", Some(true)), ("b", Some(false)), ("c", None)], "on 1 of 2 problems; not on b.\n180 runs");
        check(&[("c", None)], "None of these problems has published figures.\n60 runs");
    }
}
