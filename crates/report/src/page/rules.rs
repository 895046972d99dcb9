//! Where other well-known rules would have stopped a run.

use crate::figures::Rounded;
use highwater_early_stopping::{Goal, Observation, Rule, replay};
use highwater_trainer::{Config, Record};

/// Rules that many people use, with a word for those who don't know them.
const KNOWN: [(&str, &str); 6] = [
    ("patience(1)", "at the first validation without a gain"),
    ("patience(3)", "after three without a gain"),
    ("patience(10)", "after ten without a gain"),
    ("gl(5)", "5% worse than the best (Prechelt)"),
    ("pq(0.75)", "generalization loss against training progress (Prechelt)"),
    ("up(3)", "three rises in a row, each over 5 epochs (Prechelt)"),
];

/// What a rule would have made of the run.
pub(crate) struct Judged {
    pub(crate) rule: String,
    pub(crate) word: &'static str,
    /// Whether it is the rule that the run had.
    pub(crate) own: bool,
    /// `None` if it would not have stopped the run.
    pub(crate) stop: Option<u64>,
    pub(crate) kept: Option<u64>,
    pub(crate) value: String,
    /// How much worse that is than the best of the run.
    pub(crate) loss: String,
    /// Places on a line of length 100: of the end and of the kept model.
    pub(crate) end_at: u64,
    pub(crate) kept_at: Option<u64>,
}

/// Shows the history to each of the rules, that of the run first.
pub(crate) fn judge(history: &[Record], config: &Config) -> Vec<Judged> {
    let known = KNOWN.iter().map(|(rule, word)| (rule.parse::<Rule>().expect("KNOWN has rules"), *word));
    let known = known.filter(|(rule, _)| *rule != config.stop);
    let (rules, words): (Vec<Rule>, Vec<&str>) =
        std::iter::once((config.stop.clone(), "the rule of this run")).chain(known).unzip();
    let observations: Vec<Observation> =
        history.iter().map(|record| record.observation(config.monitor)).collect();
    let goal = config.monitor.goal();
    let last = history.last().map_or(1, |record| record.epoch.max(1));
    let place = |epoch: u64| 100 * epoch / last;
    let outcomes = replay(&observations, goal, config.non_finite, &rules);
    let judged = outcomes.into_iter().zip(words).enumerate().map(|(index, (outcome, word))| Judged {
        rule: outcome.rule.to_string(),
        word,
        own: index == 0,
        stop: outcome.stop.map(|stop| stop.at),
        kept: outcome.chosen.map(|best| best.at),
        value: outcome.chosen.map_or("–".to_owned(), |best| Rounded(best.value).to_string()),
        loss: match (outcome.loss, outcome.loss_percent) {
            (None, _) => String::new(),
            (Some(0.0), _) => "the best".to_owned(),
            (_, Some(percent)) if percent < 1e3 && goal == Goal::Minimize => format!("{percent:.1}% worse"),
            (Some(loss), _) => format!("{} worse", Rounded(loss)),
        },
        end_at: place(outcome.end),
        kept_at: outcome.chosen.map(|best| place(best.at)),
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{config, records};

    #[test]
    fn each_rule_is_told_with_its_stop_and_its_price() {
        let history = records(&[0.9, 0.5, 0.6, 0.4, 0.5, 0.5, 0.5, 0.5]);
        let judged = judge(&history, &config("patience(4)"));
        let row = |rule: &str| {
            let found = judged.iter().find(|judged| judged.rule == rule).unwrap();
            (found.own, found.stop, found.kept, found.value.as_str(), found.loss.as_str(), found.end_at)
        };
        assert_eq!(row("patience(4)"), (true, Some(8), Some(4), "0.4000", "the best", 100));
        assert_eq!(row("patience(1)"), (false, Some(3), Some(2), "0.5000", "25.0% worse", 37));
        assert_eq!(row("patience(10)"), (false, None, Some(4), "0.4000", "the best", 100));
        assert_eq!(judged.len(), 7);
        assert_eq!(judge(&history, &config("patience(3)")).len(), 6);
        assert_eq!(judge(&[], &config("patience(3)"))[0].value, "–");
    }
}
