//! What a checkpoint says about itself in words: the `__metadata__` of the file.

use std::collections::BTreeMap;
use std::time::Duration;

/// The facts that any safetensors tool can show.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Facts {
    /// Optimizer steps done.
    pub step: u64,
    /// Passes over the training data done.
    pub epoch: u64,
    /// The value of the selecting metric. A score that is not finite is never the best.
    pub score: Option<f64>,
    /// Training time so far.
    pub elapsed: Option<Duration>,
    /// The file name of the checkpoint that this one's branch began from.
    pub parent: Option<String>,
    /// Program and version that wrote the file.
    pub writer: String,
    /// Labels of the user.
    pub labels: BTreeMap<String, String>,
}

const LABEL: &str = "label.";

impl Facts {
    pub(crate) fn to_metadata(&self) -> BTreeMap<String, String> {
        let labels = self.labels.iter().map(|(key, value)| (format!("{LABEL}{key}"), value.clone()));
        let own = [
            // Without it the transformers library refuses the file.
            ("format", Some("pt".to_owned())),
            ("step", Some(self.step.to_string())),
            ("epoch", Some(self.epoch.to_string())),
            ("score", self.score.map(|score| score.to_string())),
            ("elapsed", self.elapsed.map(|t| format!("{}.{:09}", t.as_secs(), t.subsec_nanos()))),
            ("parent", self.parent.clone()),
            ("writer", Some(self.writer.clone())),
        ];
        own.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).chain(labels).collect()
    }

    /// Entries of other programs are passed over.
    pub(crate) fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut facts = Facts::default();
        for (key, value) in metadata {
            let unreadable = || format!("`__metadata__`: `{key}` is `{value}`");
            match key.as_str() {
                "step" => facts.step = value.parse().map_err(|_| unreadable())?,
                "epoch" => facts.epoch = value.parse().map_err(|_| unreadable())?,
                "score" => facts.score = Some(value.parse().map_err(|_| unreadable())?),
                "elapsed" => facts.elapsed = Some(seconds(value).ok_or_else(unreadable)?),
                "parent" => facts.parent = Some(value.clone()),
                "writer" => facts.writer = value.clone(),
                _ => {
                    if let Some(label) = key.strip_prefix(LABEL) {
                        facts.labels.insert(label.to_owned(), value.clone());
                    }
                }
            }
        }
        Ok(facts)
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let (whole, nanos) = text.split_once('.')?;
    let nanos = (nanos.len() == 9).then(|| nanos.parse().ok())?;
    Some(Duration::new(whole.parse().ok()?, nanos?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_survive_the_way_to_text_and_back() {
        let scores =
            [None, Some(0.1), Some(-0.0), Some(f64::MIN_POSITIVE), Some(f64::MAX), Some(f64::INFINITY)];
        for score in scores {
            let facts = Facts {
                step: u64::MAX,
                epoch: 3,
                score,
                elapsed: Some(Duration::new(7, 5)),
                parent: Some("step-00000001.safetensors".to_owned()),
                writer: "me".to_owned(),
                labels: BTreeMap::from([("step".to_owned(), "not ours".to_owned())]),
            };
            let back = Facts::from_metadata(&facts.to_metadata()).unwrap();
            assert_eq!(back, facts);
            assert_eq!(back.score.map(f64::to_bits), score.map(f64::to_bits));
        }
        let nan = Facts { score: Some(f64::NAN), ..Facts::default() };
        assert!(Facts::from_metadata(&nan.to_metadata()).unwrap().score.unwrap().is_nan());
    }

    #[test]
    fn unreadable_facts_are_named() {
        for (key, value) in
            [("step", "-1"), ("epoch", ""), ("score", "high"), ("elapsed", "1.5"), ("elapsed", "x")]
        {
            let metadata = BTreeMap::from([(key.to_owned(), value.to_owned())]);
            let error = Facts::from_metadata(&metadata).unwrap_err();
            assert_eq!(error, format!("`__metadata__`: `{key}` is `{value}`"));
        }
    }
}
