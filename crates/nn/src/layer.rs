//! Layers, and networks that are a sequence of them.

use crate::activation::Activation;
use crate::error::Error;
use highwater_autodiff::{Axis, Graph, Var};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What PyTorch's normalising layers add to the variance.
pub(crate) const EPSILON: f64 = 1e-5;

/// One step of a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// y = x · weightᵀ + bias, as `torch.nn.Linear`: `weight` is `[outputs, inputs]`, `bias` is `[outputs]`.
    Linear {
        /// The number of units.
        outputs: usize,
    },
    /// A function of every unit.
    Activation(Activation),
    /// While training, zeroes units with this probability and scales the others (Srivastava et al. 2014).
    Dropout {
        /// The probability, within 0..1.
        rate: f64,
    },
    /// Each row is shifted and scaled to mean 0 and variance 1, then by `weight` and `bias` (Ba et al. 2016), as
    /// `torch.nn.LayerNorm`.
    LayerNorm,
    /// Each column is shifted and scaled to mean 0 and variance 1 over the batch, then by `weight` and `bias` (Ioffe &
    /// Szegedy 2015), as `torch.nn.BatchNorm1d`: elsewhere than in training by the running mean and variance, which are
    /// buffers of the model. A batch to train on has at least 2 rows.
    BatchNorm,
    /// Puts the value that entered an earlier layer beside the present one: units are connected past the layers
    /// between, as all of them are in Prechelt's networks (Proben1, section 3.2).
    Shortcut {
        /// The number of that layer; 0 stands for the input of the network.
        from: usize,
    },
    /// Adds the value that entered an earlier layer (He et al. 2016); it must be as wide as the present one.
    Residual {
        /// The number of that layer; 0 stands for the input of the network.
        from: usize,
    },
    /// Puts rows of tables, which are learned, in the place of columns that have the numbers of such rows: names of which
    /// there are too many for a column each. Rows are `width` numbers; the other columns come first, in their order, then
    /// those of the tables. `tables.0.weight` is `[rows, width]`, as that of `torch.nn.Embedding`.
    Embed {
        /// One for each column that is replaced.
        tables: Vec<Embedding>,
    },
}

/// A table whose rows stand for the numbers in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedding {
    /// The column, from 0.
    pub column: usize,
    /// Numbers in it are below this; others count as the nearest.
    pub rows: usize,
    /// How many columns take its place.
    pub width: usize,
}

impl Embedding {
    /// A table for a column with so many different numbers: as wide as the fourth root of their count, rounded up
    /// (H.-T. Cheng et al., "Introducing TensorFlow Feature Columns", 2017).
    pub fn of(column: usize, rows: usize) -> Embedding {
        Embedding { column, rows, width: (rows as f64).sqrt().sqrt().ceil() as usize }
    }
}

/// What a network is recorded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Batches are normalised by their own statistics.
    Train,
    /// Batches are normalised by the running statistics, given behind the parameters.
    Evaluate,
}

/// A network: layers one after another. Parameters are named as in `torch.nn.Sequential`, by the number of their
/// layer: `0.weight`, `0.bias`, `2.weight`, …
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    /// The number of input columns.
    pub inputs: usize,
    /// From the input to the output.
    pub layers: Vec<Layer>,
}

/// A recorded network.
#[derive(Debug, Clone)]
pub struct Recorded<'g> {
    /// batch×outputs.
    pub outputs: Var<'g>,
    /// Mean and variance (1×n) of the batch in each normalising layer, in order; empty unless recorded for training.
    pub statistics: Vec<[Var<'g>; 2]>,
}

impl Sequential {
    /// The number of output columns.
    pub fn outputs(&self) -> usize {
        self.widths().last().copied().unwrap_or(self.inputs)
    }

    /// The width of the value that enters each layer, and at last that of the output.
    pub(crate) fn widths(&self) -> Vec<usize> {
        let mut widths = vec![self.inputs];
        for (number, layer) in self.layers.iter().enumerate() {
            let width = widths[number];
            widths.push(match layer {
                Layer::Linear { outputs } => *outputs,
                Layer::Shortcut { from } => width + widths.get(*from).copied().unwrap_or(0),
                Layer::Embed { tables } => {
                    width.saturating_sub(tables.len()) + tables.iter().map(|table| table.width).sum::<usize>()
                }
                _ => width,
            });
        }
        widths
    }

    /// Records the network applied to `x` (batch×inputs), with its parameters and, for evaluation, its buffers behind
    /// them.
    ///
    /// # Panics
    /// If `x` has not as many columns as the network has inputs, or the network is one that
    /// [`Model::new`](crate::Model::new) refuses.
    #[track_caller]
    pub fn record<'g>(&self, x: Var<'g>, purpose: Purpose) -> Recorded<'g> {
        assert_eq!(x.columns(), self.inputs, "the network has {} inputs", self.inputs);
        let graph = x.graph();
        let widths = self.widths();
        let parameters = self.each(|number, layer| layer.parameters(graph, number, widths[number]));
        let buffers = match purpose {
            Purpose::Train => vec![Vec::new(); self.layers.len()],
            Purpose::Evaluate => self.each(|number, layer| layer.buffers(graph, number, widths[number])),
        };
        let mut values = vec![x];
        let mut statistics = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let x = values[number];
            let scaled = |x: Var<'g>| x * parameters[number][0] + parameters[number][1];
            values.push(match layer {
                Layer::Linear { .. } => x.matmul_t(parameters[number][0]) + parameters[number][1],
                Layer::Activation(activation) => activation.record(x),
                Layer::Dropout { rate } if *rate == 0.0 => x,
                Layer::Dropout { rate } => x.dropout(*rate),
                Layer::LayerNorm => {
                    let (centred, variance) = moments(x, x.mean_over(Axis::Columns), Axis::Columns);
                    scaled(centred / (variance + EPSILON).sqrt())
                }
                Layer::BatchNorm => {
                    let (centred, variance) = match buffers[number][..] {
                        [mean, variance] => (x - mean, variance),
                        _ => {
                            let mean = x.mean_over(Axis::Rows);
                            let (centred, variance) = moments(x, mean, Axis::Rows);
                            statistics.push([mean, variance]);
                            (centred, variance)
                        }
                    };
                    scaled(centred / (variance + EPSILON).sqrt())
                }
                Layer::Shortcut { from } => x.concatenate(&[values[*from]]),
                Layer::Residual { from } => x + values[*from],
                Layer::Embed { tables } => embed(x, tables, &parameters[number]),
            });
        }
        Recorded { outputs: values[self.layers.len()], statistics }
    }

    fn each<T>(&self, f: impl Fn(usize, &Layer) -> T) -> Vec<T> {
        self.layers.iter().enumerate().map(|(number, layer)| f(number, layer)).collect()
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.inputs == 0 {
            return Err(Error::Width { layer: None });
        }
        let widths = self.widths();
        for (number, layer) in self.layers.iter().enumerate() {
            match layer {
                Layer::Linear { outputs: 0 } => return Err(Error::Width { layer: Some(number) }),
                Layer::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                    return Err(Error::DropoutRate { layer: number, rate: *rate });
                }
                Layer::Shortcut { from } | Layer::Residual { from } if *from > number => {
                    return Err(Error::NotEarlier { layer: number, from: *from });
                }
                Layer::Residual { from } if widths[*from] != widths[number] => {
                    let (found, needed) = (widths[*from], widths[number]);
                    return Err(Error::ResidualWidth { layer: number, found, needed });
                }
                Layer::Embed { tables } => {
                    for (at, &Embedding { column, rows, width }) in tables.iter().enumerate() {
                        let why = match () {
                            _ if column >= widths[number] => "there is no such column",
                            _ if tables[..at].iter().any(|other| other.column == column) => {
                                "it has one already"
                            }
                            _ if rows == 0 || width == 0 => "the table is empty",
                            _ => continue,
                        };
                        return Err(Error::Embedding { layer: number, column, why });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Layer {
    fn parameters<'g>(&self, graph: &'g Graph, number: usize, width: usize) -> Vec<Var<'g>> {
        let vector = |name: &str, n: usize| graph.param_vector(format!("{number}.{name}"), n);
        match self {
            Layer::Linear { outputs } => {
                let weight = graph.param(format!("{number}.weight"), [*outputs, width]);
                vec![weight, vector("bias", *outputs)]
            }
            Layer::LayerNorm | Layer::BatchNorm => vec![vector("weight", width), vector("bias", width)],
            Layer::Embed { tables } => {
                let table = |(at, table): (usize, &Embedding)| {
                    graph.param(format!("{number}.tables.{at}.weight"), [table.rows, table.width])
                };
                tables.iter().enumerate().map(table).collect()
            }
            Layer::Activation(_)
            | Layer::Dropout { .. }
            | Layer::Shortcut { .. }
            | Layer::Residual { .. } => Vec::new(),
        }
    }

    fn buffers<'g>(&self, graph: &'g Graph, number: usize, width: usize) -> Vec<Var<'g>> {
        let vector = |name: &str| graph.param_vector(format!("{number}.{name}"), width);
        match self {
            Layer::BatchNorm => vec![vector("running_mean"), vector("running_var")],
            _ => Vec::new(),
        }
    }
}

/// The columns of `x` that have no table, in runs that lie next to each other.
pub(crate) fn plain_columns(width: usize, tables: &[Embedding]) -> Vec<Range<usize>> {
    let mut taken: Vec<usize> = tables.iter().map(|table| table.column).collect();
    taken.sort_unstable();
    let starts = [0].into_iter().chain(taken.iter().map(|column| column + 1));
    let ends = taken.iter().copied().chain([width]);
    starts.zip(ends).map(|(start, end)| start..end).filter(|run| !run.is_empty()).collect()
}

fn embed<'g>(x: Var<'g>, tables: &[Embedding], weights: &[Var<'g>]) -> Var<'g> {
    let plain = plain_columns(x.columns(), tables).into_iter().map(|run| x.slice(run));
    let rows = tables.iter().zip(weights).map(|(table, weight)| {
        let Embedding { column, .. } = *table;
        weight.look_up_at(x.slice(column..column + 1))
    });
    let parts: Vec<Var<'g>> = plain.chain(rows).collect();
    parts[0].concatenate(&parts[1..])
}

/// x less its mean, and the mean square of that (without Bessel's correction).
fn moments<'g>(x: Var<'g>, mean: Var<'g>, axis: Axis) -> (Var<'g>, Var<'g>) {
    let centred = x - mean;
    (centred, centred.square().mean_over(axis))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Init, Model};
    use highwater_autodiff::Mode;
    use ndarray::array;

    fn model(layers: Vec<Layer>) -> Result<Model<f64>, Error> {
        Model::new(Sequential { inputs: 2, layers }, Init::Constant { value: 1.0 }, 0)
    }

    #[test]
    fn connections_past_layers_concatenate_or_add() {
        let linear = Layer::Linear { outputs: 2 };
        let x = array![[1.0, 2.0]]; // a layer of ones gives 1 + 2 + 1 twice
        let shortcut = model(vec![linear.clone(), Layer::Shortcut { from: 0 }]).unwrap();
        assert_eq!(shortcut.predict(x.view()), array![[4.0, 4.0, 1.0, 2.0]]);
        assert_eq!(shortcut.network().outputs(), 4);
        let residual = model(vec![linear.clone(), Layer::Residual { from: 0 }, linear]).unwrap();
        assert_eq!(residual.predict(x.view()), array![[12.0, 12.0]]);
        assert_eq!(residual.table()[2].name, "2.weight");
    }

    #[test]
    fn connections_from_nowhere_are_refused() {
        let later = model(vec![Layer::Shortcut { from: 1 }]).unwrap_err();
        assert_eq!(later, Error::NotEarlier { layer: 0, from: 1 });
        let width = model(vec![Layer::Linear { outputs: 3 }, Layer::Residual { from: 0 }]).unwrap_err();
        assert_eq!(width, Error::ResidualWidth { layer: 1, found: 2, needed: 3 });
    }

    #[test]
    fn a_layer_without_units_is_refused() {
        let layers = vec![Layer::Linear { outputs: 1 }, Layer::Linear { outputs: 0 }];
        assert_eq!(model(layers).unwrap_err(), Error::Width { layer: Some(1) });
    }

    #[test]
    fn units_are_dropped_in_training_alone() {
        let model = model(vec![Layer::Dropout { rate: 0.5 }]).unwrap();
        let x = ndarray::Array2::ones((50, 2));
        assert_eq!(model.predict(x.view()), x);
        let program = model.compile(|y| y.sum());
        let mut ws = program.workspace(50);
        program.forward(&mut ws, model.parameters(), &[(&x).into()], Mode::Train { key: 1 });
        let kept = ws.output(0).iter().filter(|value| **value == 2.0).count();
        let dropped = ws.output(0).iter().filter(|value| **value == 0.0).count();
        assert!(kept > 0 && dropped > 0 && kept + dropped == 100, "{kept} {dropped}");
    }

    #[test]
    fn a_rate_that_keeps_nothing_is_refused_by_layer() {
        let rates = |rates: [f64; 2]| model(rates.map(|rate| Layer::Dropout { rate }).to_vec());
        for rate in [1.0, -0.1, f64::INFINITY] {
            assert_eq!(rates([0.0, rate]).unwrap_err(), Error::DropoutRate { layer: 1, rate });
        }
        assert!(matches!(rates([f64::NAN, 0.5]), Err(Error::DropoutRate { layer: 0, .. })));
    }

    #[test]
    fn rows_of_tables_take_the_place_of_columns() {
        let tables = vec![Embedding { column: 1, rows: 3, width: 2 }, Embedding::of(3, 5)];
        assert_eq!(tables[1].width, 2);
        let network = Sequential { inputs: 4, layers: vec![Layer::Embed { tables }] };
        assert_eq!(network.outputs(), 6);
        let mut model = Model::<f64>::new(network, Init::default(), 7).unwrap();
        let names: Vec<&str> = model.table().iter().map(|parameter| &parameter.name[..]).collect();
        assert_eq!(names, ["0.tables.0.weight", "0.tables.1.weight"]);
        assert!(model.parameters().iter().all(|value| value.abs() <= 0.05 && *value != 0.0));
        assert!([-1.0, 1.0].iter().all(|sign| model.parameters().iter().any(|v| v.signum() == *sign)));
        model.parameters_mut().iter_mut().zip(0_u32..).for_each(|(value, at)| *value = at.into());
        let x = array![[0.5, 2.0, 0.25, 0.0], [0.5, 1.0, 0.25, 9.0], [0.5, -1.0, 0.25, f64::NAN]];
        let expected = array![
            [0.5, 0.25, 4.0, 5.0, 6.0, 7.0],
            [0.5, 0.25, 2.0, 3.0, 14.0, 15.0],
            [0.5, 0.25, 0.0, 1.0, 6.0, 7.0]
        ];
        assert_eq!(model.predict(x.view()), expected);

        // Only rows that were looked up have a gradient.
        let program = model.compile(|y| y.sum());
        let mut ws = program.workspace(3);
        let mut gradients = vec![0.0; model.parameters().len()];
        let feeds = [(&x).into()];
        program.forward(&mut ws, model.parameters(), &feeds, highwater_autodiff::Mode::Evaluate);
        program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
        assert_eq!(gradients[..6], [1.0; 6]);
        assert_eq!(gradients[6..], [2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn tables_for_columns_that_are_not_there_are_refused() {
        for (tables, why) in [
            (vec![Embedding { column: 2, rows: 3, width: 2 }], "there is no such column"),
            (vec![Embedding { column: 0, rows: 0, width: 2 }], "the table is empty"),
            (vec![Embedding::of(1, 3), Embedding::of(1, 4)], "it has one already"),
        ] {
            let column = tables[0].column;
            let refused = model(vec![Layer::Embed { tables }]).unwrap_err();
            assert_eq!(refused, Error::Embedding { layer: 0, column, why });
        }
    }

    #[test]
    fn batch_normalisation_follows_the_statistics_of_the_batches_as_pytorch_does() {
        let mut model = model(vec![Layer::BatchNorm]).unwrap();
        let program = model.compile(|y| y.square().mean());
        let mut ws = program.workspace(2);
        let batch = array![[1.0, 10.0], [3.0, 10.0]];
        program.forward(&mut ws, model.parameters(), &[(&batch).into()], highwater_autodiff::Mode::Evaluate);
        model.follow(&ws, 2);
        let close = |name: &str, expected: [f64; 2]| {
            let found = model.parameter(name).unwrap();
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15), "{name}: {found:?}");
        };
        // A tenth of the mean, and of the variance 2 with Bessel's correction, towards the batch.
        close("0.running_mean", [0.2, 1.0]);
        close("0.running_var", [0.9 + 0.2, 0.9]);
        assert_eq!(model.parameters().len(), 4, "buffers are not trained");
    }

    #[test]
    #[should_panic(expected = "batch normalisation needs at least 2 rows")]
    fn there_is_no_variance_over_one_row() {
        let mut model = model(vec![Layer::BatchNorm]).unwrap();
        let program = model.compile(|y| y.square().mean());
        let mut ws = program.workspace(1);
        let batch = array![[1.0, 10.0]];
        program.forward(&mut ws, model.parameters(), &[(&batch).into()], highwater_autodiff::Mode::Evaluate);
        model.follow(&ws, 1);
    }
}
