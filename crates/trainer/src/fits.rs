//! Whether configuration, model, loss and data go together.

use crate::batches::least;
use crate::config::{Config, Score};
use crate::error::Error;
use crate::run::{Data, Run};
use highwater_data::{Dataset, Targets};

/// Checks everything that would go wrong later, before anything is done.
pub(crate) fn check(run: &Run<'_>, data: Data<'_>, config: &Config) -> Result<(), Error> {
    config.validate()?;
    run.loss.validate_for(run.model.network().outputs())?;
    let of_classes = run.loss.wants_classes();
    if let Some(metric) = config.metrics.iter().find(|metric| metric.is_of_classes() != of_classes) {
        let must = if of_classes { "be of classes, as the loss is" } else { "be of values, as the loss is" };
        return Err(Error::Setting { field: "metrics", value: metric.to_string(), must });
    }
    if config.monitor == Score::Loss && config.asks_for_standard_errors() && run.loss.weighs_classes() {
        let what = "a min_delta in standard errors needs the loss of each row, and with class weights the loss is \
                    no mean of such: monitor accuracy, or give min_delta as a number";
        return Err(Error::Rule { what: what.to_owned() });
    }
    if data.train.rows() == 0 {
        return Err(Error::NoRows);
    }
    check_part(run, data.train, "training")?;
    let (units, outputs) = (data.units.len(), run.model.network().outputs());
    if units != 0 && units != outputs {
        let (found, needed) = (format!("units of {units} targets"), format!("those of {outputs}, or none"));
        return Err(Error::Data { part: "training", found, needed });
    }
    // Without any, the training rows take their place.
    if data.validation.rows() > 0 {
        check_part(run, data.validation, "validation")?;
    }
    if least(run.model.network()) > 1 {
        check_normalisation(data.train.rows(), config)?;
    }
    match data.train.targets() {
        Targets::Classes(classes) if classes.iter().all(|class| *class == classes[0]) => {
            let found = format!("rows of class {} only", classes[0]);
            Err(Error::Data { part: "training", found, needed: "at least two classes".to_owned() })
        }
        _ => Ok(()),
    }
}

/// Batch normalisation needs more than one row at a time.
fn check_normalisation(rows: usize, config: &Config) -> Result<(), Error> {
    for (field, size) in [("batch_size", Some(config.batch_size)), ("micro_batch", config.micro_batch)] {
        if size == Some(1) {
            let must = "be at least 2, for batch normalisation needs the variance over the rows of a batch";
            return Err(Error::Setting { field, value: "1".to_owned(), must });
        }
    }
    if rows == 1 {
        let needed = "at least 2 for batch normalisation".to_owned();
        return Err(Error::Data { part: "training", found: "1 row".to_owned(), needed });
    }
    Ok(())
}

fn check_part(run: &Run<'_>, data: &Dataset, part: &'static str) -> Result<(), Error> {
    let (inputs, outputs) = (run.model.network().inputs, run.model.network().outputs());
    let wrong = |found: String, needed: String| Err(Error::Data { part, found, needed });
    if data.inputs() != inputs {
        return wrong(format!("{} columns", data.inputs()), format!("{inputs}"));
    }
    match (data.targets(), run.loss.wants_classes()) {
        (Targets::Classes(classes), true) => match classes.iter().find(|&&class| class as usize >= outputs) {
            Some(class) => wrong(format!("a class {class}"), format!("classes below {outputs}")),
            None if run.loss.divisor(classes) == 0.0 => {
                wrong("rows of classes of weight 0 only".to_owned(), "a row that counts".to_owned())
            }
            None => Ok(()),
        },
        (Targets::Values(values), false) if values.ncols() != outputs => {
            wrong(format!("{} target columns", values.ncols()), format!("{outputs}"))
        }
        (Targets::Values(_), false) => Ok(()),
        (Targets::Classes(_), false) => wrong("classes as targets".to_owned(), "values".to_owned()),
        (Targets::Values(_), true) => wrong("values as targets".to_owned(), "classes".to_owned()),
    }
}
