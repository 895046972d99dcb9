//! How fast weights shrink where nobody says so.

use highwater_trainer::Config;

/// Weights that get no gradient fall to a third within so many epochs: what was learnt from a row counts for about as long,
/// whatever the number of rows (X. Wang and L. Aitchison, "How to set AdamW's weight decay as you scale model and dataset
/// size", 2024). Chosen, as is the limit, by cross-validation on small tables, and on others (`benches/unseen_tables.py`).
const MEMORY: f64 = 60.0;
pub(crate) const MOST: f64 = 1.0;

/// The weight decay of AdamW for so many rows, to two digits.
pub(crate) fn of_rows(rows: usize, training: &Config) -> f64 {
    let steps = (rows as f64 / training.batch_size.max(1) as f64).max(1.0);
    let decay = 1.0 / (MEMORY * steps * training.learning_rate);
    let unit = 10_f64.powf(1.0 - decay.log10().floor());
    // A setting that makes no sense is refused elsewhere.
    if decay.is_finite() && decay > 0.0 { ((decay * unit).round() / unit).min(MOST) } else { MOST }
}
