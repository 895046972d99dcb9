//! Models on their way to other programs and from them.

use crate::config::Config;
use crate::error::Error;
use crate::fingerprint::Fingerprint;
use crate::run::must_be_empty;
use crate::state::{self, Counters};
use highwater_autodiff::Parameter;
use highwater_checkpoint::{
    Array, Checkpoint, Dtype, Migration, Saved, Section, Snapshot, Store, TensorInfo, export,
};
use highwater_nn::{Layer, Model};
use std::collections::BTreeMap;
use std::path::Path;

/// Adds the sections of a run to those that a migration knows.
pub fn migration(of_others: Migration) -> Migration {
    of_others
        .section::<Counters>(state::COUNTERS)
        .section::<state::History>(state::HISTORY)
        .section::<Fingerprint>(state::FINGERPRINT)
}

/// Writes the parameters and buffers of a model, and nothing else, as a safetensors file: the state of the
/// `torch.nn.Sequential` that [`to_torch`](highwater_nn::Sequential::to_torch) writes down, ready for
/// `load_state_dict`. Returns the file's length.
///
/// Normalising layers over batches also get `num_batches_tracked`, which PyTorch insists on, as 0.
///
/// # Errors
/// If the file cannot be written.
pub fn export_model(
    model: &Model<f32>,
    path: impl AsRef<Path>,
    labels: &[(&str, &str)],
) -> Result<u64, Error> {
    let array = |p: &'_ Parameter| Array::f32(p.name.clone(), &p.shape, &model.values()[p.range()]);
    let mut arrays: Vec<Array<'_>> = model.table().iter().chain(model.buffers()).map(array).collect();
    for (number, layer) in model.network().layers.iter().enumerate() {
        if *layer == Layer::BatchNorm {
            arrays.push(Array::i64(format!("{number}.{TRACKED}"), &[], &[0]));
        }
    }
    Ok(export(path, &arrays, labels)?)
}

const TRACKED: &str = "num_batches_tracked";

/// Takes the parameters and buffers of a model from a safetensors file of another program
/// ([`Checkpoint::import`]), all or nothing.
///
/// Names are first changed by `renames`, pairs of what a name begins with and what comes in its place: one or several whole
/// parts between dots (`fc1` and `0` make `0.weight` of `fc1.weight`); the first pair that fits counts. If the names are then
/// those of the model, or all begin with the same prefix before these (`layers.0.weight` for `0.weight`), the file fits. Half
/// precision is taken exactly, double precision is rounded. Of a checkpoint of a run, only the model is taken.
///
/// Arrays that the model does not have are passed over if they are not of floating-point numbers, as masks and counters. Their
/// names and element types are returned, except for PyTorch's `num_batches_tracked`.
///
/// # Errors
/// [`Error::Foreign`] says which arrays are missing, which are too many, and which have another shape or element type, or
/// numbers that are not finite.
pub fn import_model(
    file: &Checkpoint,
    model: &mut Model<f32>,
    renames: &[(String, String)],
) -> Result<Vec<(String, Dtype)>, Error> {
    let wrong = |what: String| Error::Foreign { file: file.path().display().to_string(), what };
    // Of a checkpoint of a run, the optimizer's arrays are no part of the model.
    let is_run = file.sections().any(|name| name == state::HISTORY);
    let of_model = |info: &&TensorInfo| match is_run {
        true => info.name().starts_with(state::MODEL),
        false => !info.name().ends_with(TRACKED),
    };
    let mut found = BTreeMap::new();
    for info in file.arrays().filter(of_model) {
        let name = renamed(info.name(), renames);
        if let Some(twice) = found.insert(name, info) {
            return Err(wrong(format!("{} and {} have the same name now", twice.name(), info.name())));
        }
    }
    let wanted: Vec<&str> = model.table().iter().chain(model.buffers()).map(|p| &*p.name).collect();
    let prefix = prefix(&found, &wanted);
    let missing: Vec<&str> =
        wanted.iter().filter(|name| !found.contains_key(&format!("{prefix}{name}"))).copied().collect();
    let is_wanted = |name: &str| name.strip_prefix(&prefix).is_some_and(|name| wanted.contains(&name));
    let (unknown, passed_over): (Vec<&TensorInfo>, Vec<&TensorInfo>) = found
        .iter()
        .filter(|(name, _)| !is_wanted(name))
        .map(|(_, &info)| info)
        .partition(|info| info.dtype().is_float() || !missing.is_empty());
    if !missing.is_empty() || !unknown.is_empty() {
        let unknown: Vec<&str> = unknown.into_iter().map(TensorInfo::name).collect();
        return Err(wrong(match (missing.is_empty(), unknown.is_empty()) {
            (_, true) => format!("missing in it: {}", several(&missing)),
            (true, _) => format!("not in the model: {}", several(&unknown)),
            _ => format!(
                "missing in it: {}; not in the model: {}; say which is which by renaming",
                several(&missing),
                several(&unknown)
            ),
        }));
    }
    model.load(|parameter| {
        let original = found[&format!("{prefix}{}", parameter.name)].name();
        let array = file.array(original)?;
        if array.shape() != parameter.shape {
            let (there, here) = (array.shape(), &parameter.shape);
            return Err(wrong(format!("{original} has the shape {there:?}, and the model needs {here:?}")));
        }
        let values = array.to_f32().ok_or_else(|| {
            wrong(format!("convert {original}: it is of {}, not of floating-point numbers", array.dtype()))
        })?;
        match values.iter().filter(|value| !value.is_finite()).count() {
            0 => Ok(values),
            odd => Err(wrong(format!(
                "{odd} of {} numbers of {original} are not finite, or too large for 32 bits",
                values.len()
            ))),
        }
    })?;
    Ok(passed_over.into_iter().map(|info| (info.name().to_owned(), info.dtype())).collect())
}

/// The first of many names, and how many more there are.
fn several(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// `fc1.weight` with `fc1` → `0` is `0.weight`.
fn renamed(name: &str, renames: &[(String, String)]) -> String {
    for (from, to) in renames {
        match name.strip_prefix(from.as_str()) {
            Some("") => return to.clone(),
            Some(rest) if rest.starts_with('.') => return format!("{to}{rest}"),
            _ => {}
        }
    }
    name.to_owned()
}

/// What stands before every name of the model in the file, with its dot; empty if that is not the same for all.
fn prefix<V>(found: &BTreeMap<String, V>, wanted: &[&str]) -> String {
    let Some(first) = wanted.first() else { return String::new() };
    let candidates = found.keys().filter_map(|name| name.strip_suffix(first));
    let fits = |prefix: &&str| {
        (prefix.is_empty() || prefix.ends_with('.'))
            && wanted.iter().all(|name| found.contains_key(&format!("{prefix}{name}")))
    };
    candidates.filter(fits).min_by_key(|prefix| prefix.len()).unwrap_or_default().to_owned()
}

/// Saves a model as the beginning of a run: at step 0, without a history, with an optimizer that has done nothing.
/// [`resume`](crate::resume) goes on from there as if the run had been killed before its first step, so that a model
/// from elsewhere is trained further, as a run of its own.
///
/// # Errors
/// If the configuration makes no sense, the store holds checkpoints already, or this one cannot be written.
pub fn begin(
    model: &Model<f32>,
    config: &Config,
    store: &mut Store,
    sections: &[Section],
) -> Result<Saved, Error> {
    config.validate()?;
    must_be_empty(store)?;
    let optimizer = config.optimizer_of(model)?;
    let own = state::sections(&Counters::default(), &[])?;
    let own = own.into_iter().chain([state::fingerprint()?]);
    let sections: Vec<Section> = own.chain(sections.iter().cloned()).collect();
    let arrays = state::arrays(model, &optimizer);
    Ok(store.save(&Snapshot { arrays: &arrays, sections: &sections, ..Snapshot::default() })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], renames: &[(&str, &str)], expected: &str) {
        let renames: Vec<_> = renames.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let found = names.iter().map(|name| (renamed(name, &renames), *name)).collect();
        assert_eq!(prefix(&found, &["0.weight", "2.weight"]), expected, "{names:?} {renames:?}");
    }

    #[test]
    fn a_prefix_is_found_if_all_names_have_it() {
        check(&["0.weight", "2.weight"], &[], "");
        check(&["net.0.weight", "net.2.weight"], &[], "net.");
        check(&["a.b.0.weight", "a.b.2.weight", "c.0.weight"], &[], "a.b.");
        check(&["net.0.weight", "2.weight"], &[], "");
        check(&["10.weight", "12.weight"], &[], "");
        check(&["fc1.weight", "fc2.weight"], &[("fc1", "0"), ("fc2", "2")], "");
        check(&["m.fc1.weight", "m.fc2.weight"], &[("m.fc1", "m.0"), ("m.fc2", "m.2")], "m.");
    }

    #[test]
    fn whole_parts_of_names_are_renamed() {
        let renames = [("fc1".to_owned(), "0".to_owned()), ("fc".to_owned(), "9".to_owned())];
        for (name, expected) in
            [("fc1.weight", "0.weight"), ("fc1", "0"), ("fc.bias", "9.bias"), ("fc10.weight", "fc10.weight")]
        {
            assert_eq!(renamed(name, &renames), expected);
        }
    }

    #[test]
    fn of_many_names_the_first_are_said_and_how_many_more_there_are() {
        let names = ["a"; 14];
        assert_eq!(several(&names[..2]), "a, a");
        assert_eq!(several(&names[..12]), names[..12].join(", "));
        assert_eq!(several(&names), names[..12].join(", ") + " and 2 more");
    }
}
