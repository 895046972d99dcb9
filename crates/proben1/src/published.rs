//! The figures of the report.

use crate::figures::Figures;
use crate::network::{Architecture, Output};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Tables 7 to 11 of the report, by problem.
#[derive(Deserialize)]
struct Report {
    architectures: BTreeMap<String, Best>,
    pivot: BTreeMap<String, Figures>,
    no_shortcut: BTreeMap<String, Figures>,
}

/// What table 7 says of a problem: the network that served it best.
#[derive(Deserialize)]
struct Best {
    hidden: Vec<usize>,
    output: Output,
}

static REPORT: LazyLock<Report> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../figures/published.json")).expect("a test reads the whole of it")
});

/// What Prechelt published of a problem (L. Prechelt, *Proben1*, TR 21/94, Karlsruhe 1994): tables 8 and 9 with
/// shortcuts, 10 and 11 without. Means and deviations over 60 runs; `None` for a problem that is not his.
pub fn published(problem: &str, shortcuts: bool) -> Option<&'static Figures> {
    if shortcuts { REPORT.pivot.get(problem) } else { REPORT.no_shortcut.get(problem) }
}

/// The network of a problem: that of table 7, or for a problem that is not there the most frequent one of the table,
/// two hidden layers of 16 and 8 units with linear outputs.
pub fn architecture(problem: &str, shortcuts: bool) -> Architecture {
    match REPORT.architectures.get(problem) {
        Some(Best { hidden, output }) => Architecture { hidden: hidden.clone(), output: *output, shortcuts },
        None => Architecture { hidden: vec![16, 8], output: Output::Linear, shortcuts },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_complete_and_of_one_kind() {
        assert_eq!((REPORT.architectures.len(), REPORT.pivot.len(), REPORT.no_shortcut.len()), (42, 42, 42));
        for problem in REPORT.architectures.keys() {
            for shortcuts in [false, true] {
                let figures = published(problem, shortcuts).unwrap();
                assert!(figures.relevant_mean < figures.epochs_mean, "{problem}");
                let approximates =
                    ["building", "flare", "hearta"].iter().any(|kind| problem.starts_with(kind));
                assert_eq!(figures.class_error_mean.is_none(), approximates, "{problem}");
            }
        }
        let cancer1 = published("cancer1", false).unwrap();
        assert_eq!((cancer1.test_mean, cancer1.test_sd, cancer1.epochs_sd), (1.32, 0.13, 123.0));
        assert_eq!(published("cancer4", false), None);
    }

    #[test]
    fn the_most_frequent_network_serves_problems_that_are_not_in_the_table() {
        let count = |hidden: &[usize], output| {
            REPORT
                .architectures
                .values()
                .filter(|best| best.hidden == hidden && best.output == output)
                .count()
        };
        let unknown = architecture("mine", true);
        let most = count(&unknown.hidden, unknown.output);
        let all = REPORT.architectures.values().map(|best| count(&best.hidden, best.output));
        assert_eq!(all.max(), Some(most));
    }
}
