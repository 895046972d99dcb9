//! What a model is trained by, and what it is measured by.

use crate::data_args::ClassWeights;
use highwater_data::{Preparation, Targets, Task};
use highwater_objective::metrics::{Average, Metric};
use highwater_objective::{CrossEntropy, Loss};
use highwater_trainer::{Config, Score};

/// What training makes small. Balanced classes each have the weight of all rows divided by the number of classes.
pub(crate) fn loss(preparation: &Preparation, weights: ClassWeights, rows: &Targets) -> Loss {
    match (preparation.task(), weights, rows) {
        (Task::Regression, ..) => Loss::MeanSquaredError,
        (Task::Classification, ClassWeights::Balanced, Targets::Classes(classes)) => {
            let mut rows = vec![0_usize; preparation.class_names().len()];
            classes.iter().for_each(|class| rows[*class as usize] += 1);
            let even = classes.len() as f64 / rows.len() as f64;
            let class_weights = rows.into_iter().map(|rows| even / rows.max(1) as f64).collect();
            Loss::CrossEntropy(CrossEntropy { class_weights, ..CrossEntropy::default() })
        }
        (Task::Classification, ..) => Loss::CrossEntropy(CrossEntropy::default()),
    }
}

/// The metrics for a task, the most telling first.
pub(crate) fn metrics(task: Task) -> Vec<Metric> {
    match task {
        Task::Classification => vec![Metric::Accuracy, Metric::F1(Average::Macro)],
        Task::Regression => vec![Metric::R2, Metric::Mae, Metric::Rmse],
    }
}

/// Adds what is to decide and is not among the metrics, if it is one of the task.
pub(crate) fn measure_what_decides(config: &mut Config, task: Task) {
    for score in [config.monitor, config.select] {
        if let Score::Metric(metric) = score
            && metric.is_of_classes() == (task == Task::Classification)
            && !config.metrics.contains(&metric)
        {
            config.metrics.push(metric);
        }
    }
}
