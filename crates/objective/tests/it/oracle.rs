//! The metrics against scikit-learn's numbers (`../data/sklearn_metrics.py` made them).

use std::collections::BTreeMap;

use highwater_objective::metrics::{
    Average, ClassScores, Classification, Evaluation, Metric, Regression, Scores,
};
use serde_json::Value;

struct Case {
    name: String,
    columns: usize,
    fields: Value,
}

impl Case {
    fn floats(&self, key: &str) -> Vec<f64> {
        floats(&self.fields[key])
    }

    fn labels(&self) -> Vec<u32> {
        self.floats("labels").into_iter().map(|label| label as u32).collect()
    }

    fn scores(&self) -> Scores {
        match self.fields["scores"].as_str() {
            Some("logits") => Scores::Logits,
            Some("probabilities") => Scores::Probabilities,
            other => panic!("{}: scores are {other:?}", self.name),
        }
    }

    /// The expected values that are single numbers, by metric; `None` where nothing defines one.
    fn expected(&self) -> BTreeMap<String, Option<f64>> {
        let expected = self.fields["expected"].as_object().unwrap().iter();
        expected
            .filter(|(_, value)| !value.is_array())
            .map(|(name, value)| (name.clone(), value.as_f64()))
            .collect()
    }

    fn metrics(&self) -> Vec<Metric> {
        self.expected().keys().map(|name| name.parse().unwrap()).collect()
    }

    #[track_caller]
    fn check(&self, evaluation: &Evaluation) {
        let expected = self.expected();
        for (metric, value) in evaluation.values() {
            check(&format!("{}: {metric}", self.name), value, expected[&*metric.name()]);
        }
    }
}

fn cases(kind: &str) -> Vec<Case> {
    let recorded: Value = serde_json::from_str(include_str!("../data/sklearn_metrics.json")).unwrap();
    let case = |fields: &Value| Case {
        name: fields["name"].as_str().unwrap().to_owned(),
        columns: fields["columns"].as_u64().unwrap() as usize,
        fields: fields.clone(),
    };
    recorded[kind].as_array().unwrap().iter().map(case).collect()
}

fn floats(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

#[track_caller]
fn check(what: &str, value: Option<f64>, expected: Option<f64>) {
    let close = match (value, expected) {
        (Some(value), Some(expected)) => (value - expected).abs() <= 1e-12 * expected.abs() + 1e-15,
        (value, expected) => value == expected,
    };
    assert!(close, "{what}: {value:?}, but scikit-learn says {expected:?}");
}

#[test]
fn classes_agree_with_the_oracle() {
    for case in cases("classification") {
        let mut evaluation = Evaluation::of_classes(&case.metrics(), case.columns, case.scores());
        evaluation.update_classes(&case.floats("values"), &case.labels());
        case.check(&evaluation);
    }
}

#[test]
fn each_class_agrees_with_the_oracle() {
    for case in cases("classification") {
        let mut seen = Classification::new(case.columns, case.scores());
        seen.update(&case.floats("values"), &case.labels());
        let (matrix, expected) = (seen.confusion(), &case.fields["expected"]);
        let of_class = |key: &str, class: usize| expected[key][class].as_f64();
        for class in 0..matrix.classes() {
            let what = |score: &str| format!("{}: {score} of class {class}", case.name);
            let ClassScores { precision, recall, f1, support } = matrix.class(class);
            check(&what("precision"), precision, of_class("precision", class));
            check(&what("recall"), recall, of_class("recall", class));
            check(&what("f1"), f1, of_class("f1", class));
            check(&what("support"), Some(support as f64), of_class("support", class));
            let row: Vec<f64> =
                (0..matrix.classes()).map(|other| matrix.count(class, Some(other)) as f64).collect();
            assert_eq!(row, floats(&expected["confusion"][class]), "{}: class {class}", case.name);
        }
    }
}

#[test]
fn values_agree_with_the_oracle() {
    for case in cases("regression") {
        let [low, high] = case.floats("range")[..] else { panic!("{}: a range has two ends", case.name) };
        let (predictions, targets) = (case.floats("predictions"), case.floats("targets"));
        let mut seen = Regression::new(case.columns);
        seen.update(&predictions, &targets);
        let percentage = seen.squared_error_percentage(low..=high);
        check(&case.name, percentage, case.expected()["squared_error_percentage"]);

        let mut metrics = case.metrics();
        metrics.retain(|metric| *metric != Metric::SquaredErrorPercentage || (low, high) == (0.0, 1.0));
        let mut evaluation = Evaluation::of_values(&metrics, case.columns);
        evaluation.update_values(&predictions, &targets);
        case.check(&evaluation);
    }
}

#[test]
fn single_precision_gives_the_values_of_the_same_numbers_in_double() {
    let (scores, labels) = ([0.5_f32, 1.25, -3.0, 0.1, 0.2, 0.3], [1, 0]);
    let wide = scores.map(f64::from);
    let (mut single, mut double) =
        (Classification::new(3, Scores::Logits), Classification::new(3, Scores::Logits));
    single.update(&scores, &labels);
    double.update(&wide, &labels);
    assert_eq!(single, double);
    assert_eq!(single.confusion().f1(Average::Micro), Some(0.5));
}
