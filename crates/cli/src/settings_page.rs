//! The guide's page of settings, held against what there is.

use crate::config::RunConfig;
use crate::setting_names::known;
use highwater_data::Task;
use highwater_optim::Method;
use std::collections::BTreeMap;

/// What the data decide: the page says how.
const TOLD_BY_DATA: [&str; 4] =
    ["data.task", "data.refit", "training.metrics", "training.optimizer.adamw.weight_decay"];
/// Choices whose default is that of their entries.
const CHOICES: [&str; 3] = ["training.optimizer", "training.validate", "training.schedule"];

/// Name and default of each row of the page's tables of settings.
fn rows(page: &str) -> BTreeMap<&str, &str> {
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let section = name.split('.').next()?;
        let is_setting = ["data", "model", "training", "checkpoints", "report"].contains(&section);
        Some((name, cells.next()?)).filter(|_| is_setting)
    });
    rows.collect()
}

#[test]
fn the_page_names_every_setting_with_its_default() {
    let page = include_str!("../../../docs/settings.md");
    let rows = rows(page);
    let names: Vec<&str> = rows.keys().copied().collect();
    assert_eq!(names, known().unwrap().iter().map(String::as_str).collect::<Vec<_>>());

    let mut defaults = BTreeMap::new();
    let own = RunConfig::defaults(Task::Classification).unwrap().training.optimizer;
    for method in Method::all().into_iter().chain([own]) {
        let mut config = RunConfig::defaults(Task::Classification).unwrap();
        config.training.optimizer = method;
        defaults.extend(config.settings().unwrap());
    }
    for (name, shown) in rows {
        if TOLD_BY_DATA.contains(&name) || CHOICES.contains(&name) {
            continue;
        }
        let Some(default) = defaults.get(name) else {
            assert_eq!(shown, "–", "{name} is absent by default");
            continue;
        };
        let shown = shown.trim_matches('`').trim_matches('"');
        let same = match (shown.parse::<f64>(), default.parse::<f64>()) {
            (Ok(shown), Ok(default)) => shown == default,
            _ => shown == default,
        };
        assert!(same, "{name} is {default}, and the page says {shown}");
    }
}
