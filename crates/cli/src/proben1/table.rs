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
         {:24}{}\n",
        protocol.stop,
        "problem",
        columns.concat()
    )
}

/// How ours compares with what was published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    /// Whether the test error is near enough.
    pub(super) within: bool,
    /// The epochs of ours over the published ones.
    epochs: f64,
}

impl Verdict {
    pub(super) fn of(figures: &Figures, published: &Figures) -> Verdict {
        let within = figures.reproduces(published);
        Verdict { within, epochs: figures.epochs_mean / published.epochs_mean }
    }
}

/// A problem.
pub(super) fn rows(
    problem: &Proben1,
    network: &Architecture,
    figures: &Figures,
    published: Option<&Figures>,
    verdict: Option<Verdict>,
) -> String {
    // Shortcuts are in the heading.
    let shape = Architecture { shortcuts: false, ..network.clone() };
    let ours = row(&format!("{:10} {shape}", problem.name), figures);
    let theirs = published.map(|published| {
        let apart = 100.0 * (figures.test_mean / published.test_mean - 1.0);
        let verdict = if verdict.is_some_and(|verdict| verdict.within) { "" } else { ": apart" };
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
    format!("{name:24}{}", cells.concat())
}

/// What it comes to.
pub(super) fn closing(verdicts: &[(&str, Option<Verdict>)], runs: usize, elapsed: Duration) -> String {
    let known: Vec<(&str, Verdict)> =
        verdicts.iter().filter_map(|(name, verdict)| Some((*name, (*verdict)?))).collect();
    let apart: Vec<&str> =
        known.iter().filter(|(_, verdict)| !verdict.within).map(|(name, _)| *name).collect();
    let count = known.len() as f64;
    let verdict = if known.is_empty() {
        "None of these problems has published figures.".to_owned()
    } else {
        let logarithms: f64 = known.iter().map(|(_, verdict)| verdict.epochs.ln()).sum();
        format!(
            "Test errors within 10% of the published mean, or within one published deviation: {} of {count} problems{}.\n\
             Training took {:.2} times the published epochs (geometric mean).",
            known.len() - apart.len(),
            if apart.is_empty() { String::new() } else { format!(" (not {})", apart.join(", ")) },
            (logarithms / count).exp()
        )
    };
    let (all, seconds) = (verdicts.len() * runs, elapsed.as_secs_f64());
    format!("\n{verdict}\n{all} runs in {seconds:.1} s.\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_counts_what_can_be_compared() {
        let check = |verdicts: &[(&str, Option<Verdict>)], expected: &str| {
            let text = closing(verdicts, 60, Duration::from_secs(1));
            assert!(text.contains(expected), "{text}");
        };
        let verdict = |within, epochs| Some(Verdict { within, epochs });
        let (near, far) = (verdict(true, 0.5), verdict(false, 2.0));
        check(&[("a", near), ("b", near)], "deviation: 2 of 2 problems.\nTraining took 0.50 times");
        check(
            &[("a", near), ("b", far), ("c", None)],
            "deviation: 1 of 2 problems (not b).\nTraining took 1.00 times",
        );
        check(&[("a", near), ("b", None)], "120 runs in 1.0 s.");
        check(&[("c", None)], "None of these problems has published figures.\n60 runs");
    }
}
