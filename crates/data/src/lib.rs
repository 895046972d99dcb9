//! From a table to mini-batches, without leaks and without luck.
//!
//! Between a file and a network lie a dozen small steps, each with a classic mistake: the mean is taken over the test
//! rows too, a class has no row in the training part, a shuffled order cannot be repeated after a crash, a model is
//! fed columns in another order than it was trained on, a word among numbers turns into NaN. This crate takes those
//! steps:
//!
//! - [`Table`] reads text whose [`Dialect`] is recognised, [`TableReader`] piece by piece; [`digits`] is a table that is
//!   always there.
//! - [`split_rows`] divides the rows by a seed, evenly by class, or by group or time ([`SplitBy`]); [`folds`] for
//!   cross-validation.
//! - [`Preparation`] learns from the training rows which [`Kind`] of column is which and how cells become numbers; a
//!   [`Recipe`] says otherwise. It is saved with the model.
//! - [`Dataset`] holds the numbers; a [`BatchBuffer`] gathers mini-batches in the order that [`epoch_order`] gives.
//!
//! Every random choice is a function of a seed and a counter, so that there is no generator to save; every error
//! names the file, the line and the column.
//!
//! ```
//! use highwater_data::{BatchBuffer, Fractions, Preparation, Task, digits, epoch_order, split_table};
//!
//! let table = digits();
//! let task = Task::infer(&table, "digit")?;
//! assert_eq!(task, Task::Classification);
//!
//! let parts = split_table(&table, "digit", task, Fractions::default(), 1)?;
//! let preparation = Preparation::fit(&table, &parts.train, "digit", task)?;
//! let train = preparation.dataset(&table, &parts.train)?;
//! assert_eq!((train.rows(), train.inputs(), preparation.output_count()), (1257, 61, 10));
//! // Three pixels are blank on every image.
//! assert_eq!(preparation.dropped().len(), 3);
//!
//! let mut buffer = BatchBuffer::new();
//! let order = epoch_order(1, 0, train.rows());
//! let sizes: Vec<usize> = order.chunks(256).map(|rows| buffer.gather(&train, rows).features.nrows()).collect();
//! assert_eq!(sizes, [256, 256, 256, 256, 233]);
//! # Ok::<(), highwater_data::Error>(())
//! ```
//!
//! # Answers for new rows
//! New rows are prepared as the training rows were, and what a model says of them is put back into the words and units
//! of the table: a class by [`Preparation::class_names`], a value by [`Preparation::units`].
//!
//! ```
//! use highwater_data::{Preparation, Table, Task};
//!
//! let sizes = (1..=30).map(|at| 20 + at * at % 31);
//! let flats: String = sizes.map(|size| format!("{size},{}\n", 1000 * size)).collect();
//! let table = Table::from_csv_reader("flats.csv", format!("size,price\n{flats}").as_bytes())?;
//! let rows: Vec<usize> = (0..table.rows()).collect();
//! let preparation = Preparation::fit(&table, &rows, "price", Task::Regression)?;
//!
//! // Other columns may be among them, in any order, and the target need not be.
//! let new = Table::from_csv_reader("new.csv", "town,size\nUlm,41\nBonn,25\n".as_bytes())?;
//! let rows: Vec<usize> = (0..new.rows()).collect();
//! let features = preparation.features(&new, &rows)?;
//! let model = |standardised: f32| standardised; // here the price goes with the size, as far from its mean
//! let unit = preparation.units()[0];
//! let answers = rows.iter().map(|&row| {
//!     let price = unit.invert(model(features[[row, 0]]));
//!     Ok(format!("{},{price:.0}", new.column("town")?.get(row)))
//! });
//! assert_eq!(answers.collect::<Result<Vec<_>, highwater_data::Error>>()?, ["Ulm,41000", "Bonn,25000"]);
//! # Ok::<(), highwater_data::Error>(())
//! ```

mod arrays;
mod arriving;
mod calendar;
mod categories;
mod cell;
mod classes;
mod clock;
mod codes;
mod commas;
mod csv_reader;
mod dataset;
mod date;
mod dialect;
mod digits;
mod drawn;
mod duration;
mod encoding;
mod error;
mod foreign;
mod gzip;
mod kind;
mod lines;
mod misfit;
mod missing;
mod moment;
mod on_disk;
mod order;
#[cfg(feature = "parquet")]
mod parquet;
mod partition;
mod place;
mod plain;
mod preparation;
mod proben1;
mod reader;
mod recipe;
mod scale;
mod scratch;
mod sniff;
mod split;
mod stream;
mod suggest;
mod suspicion;
pub mod synthetic;
mod table;
mod target;
mod task;
mod total;
mod unfamiliar;
mod unit;
mod utf16;

pub use categories::Categories;
pub use dataset::{Batch, BatchBuffer, BatchTargets, Dataset, Targets};
pub use dialect::{Delimiter, Dialect};
pub use digits::digits;
pub use encoding::{Encoding, Moments};
pub use error::{Error, Result};
pub use kind::Kind;
pub use misfit::Misfits;
pub use moment::{MomentFormat, open_date_order};
pub use ndarray;
pub use order::{epoch_order, epoch_order_into};
pub use partition::{SplitBy, folds, split_rows};
pub use place::Place;
pub use plain::open_text;
pub use preparation::{Dropped, Input, Preparation, PreparationV2};
pub use proben1::{Proben1, Proben1Fault};
pub use reader::TableReader;
pub use recipe::Recipe;
pub use scale::Scale;
pub use split::{Fractions, Split, split, split_table};
pub use suspicion::{MixedDates, Sentinel};
pub use table::{Column, Table};
pub use target::{Target, TargetKind};
pub use task::Task;
pub use unfamiliar::{Oddity, Unfamiliar};
pub use unit::Unit;
