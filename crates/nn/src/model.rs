//! A network together with the values of its parameters.

use crate::error::Error;
use crate::init::{Init, Part};
use crate::layer::{Layer, Purpose, Recorded, Sequential};
use highwater_autodiff::{Buffer, Feed, Graph, Mode, Parameter, Program, Real, Var, Workspace};
use ndarray::{Array2, ArrayView2};

/// How much of a batch's statistics goes into the running ones, as in PyTorch.
const MOMENTUM: f64 = 0.1;

/// A network, and its values in one flat slice with a table of name, shape and offset: first the parameters, which
/// are trained, then the buffers (running statistics of normalising layers), which follow along.
///
/// ```
/// use highwater_autodiff::{Mode, Var};
/// use highwater_nn::{Activation, Embedding, Init, Layer, Model, Sequential};
/// use ndarray::array;
///
/// let layers = vec![
///     Layer::Embed { tables: vec![Embedding::of(1, 3)] }, // the second column is the number of one of three names
///     Layer::Linear { outputs: 4 },
///     Layer::BatchNorm,
///     Layer::Activation(Activation::Tanh),
///     Layer::Shortcut { from: 0 }, // and the inputs as they are
///     Layer::Linear { outputs: 1 },
/// ];
/// let mut model = Model::<f64>::new(Sequential { inputs: 2, layers }, Init::default(), 1)?;
/// fn squared_error(y: Var<'_>) -> Var<'_> {
///     (y - y.graph().input(1)).square().mean()
/// }
///
/// let (x, target) = (array![[0.5, 0.0], [-1.0, 1.0], [0.0, 2.0], [1.0, 2.0]], array![[1.0], [0.0], [2.0], [3.0]]);
/// let feeds = [(&x).into(), (&target).into()];
/// let program = model.compile(squared_error);
/// let mut ws = program.workspace(4);
/// let mut gradients = vec![0.0; model.parameters().len()];
/// for step in 0..300 {
///     program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: step });
///     program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
///     model.parameters_mut().iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.1 * g);
///     model.follow(&ws, 4); // without it batch normalisation would learn nothing for later
/// }
///
/// // Elsewhere than in training the buffers are needed too, hence `values`.
/// let evaluation = model.compile_evaluation(squared_error);
/// let mut ws = evaluation.workspace(4);
/// evaluation.forward(&mut ws, model.values(), &feeds, Mode::Evaluate);
/// assert!(ws.loss() < 0.01);
/// assert_eq!(model.parameter("0.tables.0.weight").map(<[f64]>::len), Some(3 * 2));
/// assert!(model.parameter("2.running_mean").is_some_and(|mean| mean.iter().all(|mean| *mean != 0.0)));
/// # Ok::<(), highwater_nn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Model<T: Real> {
    network: Sequential,
    table: Vec<Parameter>,
    buffers: Vec<Parameter>,
    values: Buffer<T>,
    parameter_count: usize,
    /// As large as the widest buffer.
    statistics: Vec<T>,
}

impl<T: Real> Model<T> {
    /// A network with initial weights that are a function of `seed` alone.
    ///
    /// # Errors
    /// If the network or the initial weights cannot be: see [`Error`].
    pub fn new(network: Sequential, init: Init, seed: u64) -> Result<Model<T>, Error> {
        network.validate()?;
        init.validate()?;
        let graph = Graph::new();
        network.record(graph.input(network.inputs), Purpose::Train);
        let table = graph.parameters();
        let graph = Graph::new();
        network.record(graph.input(network.inputs), Purpose::Evaluate);
        let buffers = graph.parameters().split_off(table.len());

        let mut values = Vec::new();
        for (index, parameter) in table.iter().enumerate() {
            let (number, part) = owner(parameter);
            let elements = match (&network.layers[number], part) {
                (Layer::Linear { outputs }, part) => {
                    let fan = (network.widths()[number], *outputs);
                    init.values(part, fan, parameter.len(), seed, index as u64).to_vec()
                }
                (Layer::Embed { .. }, _) => {
                    let fan = (1, parameter.shape[1]);
                    table_init(init).values(Part::Weight, fan, parameter.len(), seed, index as u64).to_vec()
                }
                (_, Part::Weight) => vec![1.0; parameter.len()],
                (_, Part::Bias) => vec![0.0; parameter.len()],
            };
            values.extend(elements.into_iter().map(T::from_f64));
        }
        let parameter_count = values.len();
        for buffer in &buffers {
            let first = if buffer.name.ends_with("running_var") { T::ONE } else { T::ZERO };
            values.extend(std::iter::repeat_n(first, buffer.len()));
        }
        let widest = buffers.iter().map(Parameter::len).max().unwrap_or(0);
        let values = Buffer::from(&values[..]);
        Ok(Model { network, table, buffers, values, parameter_count, statistics: vec![T::ZERO; widest] })
    }

    /// The network.
    pub fn network(&self) -> &Sequential {
        &self.network
    }

    /// Name, shape and offset of each parameter.
    pub fn table(&self) -> &[Parameter] {
        &self.table
    }

    /// Name, shape and offset of each buffer; offsets go on where those of the parameters end.
    pub fn buffers(&self) -> &[Parameter] {
        &self.buffers
    }

    /// All parameters, one after another as the table says.
    pub fn parameters(&self) -> &[T] {
        &self.values[..self.parameter_count]
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.parameter_count]
    }

    /// Parameters and buffers: all that the model has learned.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Parameters and buffers, to be changed.
    pub fn values_mut(&mut self) -> &mut [T] {
        &mut self.values
    }

    /// The elements of a parameter or buffer, row by row.
    pub fn parameter(&self, name: &str) -> Option<&[T]> {
        let parameter = self.table.iter().chain(&self.buffers).find(|p| p.name == name)?;
        Some(&self.values[parameter.range()])
    }

    /// Takes the values of each parameter and buffer from `values`, which is asked by name and shape.
    ///
    /// # Errors
    /// The first that `values` gives, or [`Error::Elements`] if it gives another number of elements than the parameter has;
    /// then nothing has changed.
    pub fn load<E: From<Error>>(
        &mut self,
        mut values: impl FnMut(&Parameter) -> Result<Vec<T>, E>,
    ) -> Result<(), E> {
        let mut loaded = Vec::with_capacity(self.values.len());
        for parameter in self.table.iter().chain(&self.buffers) {
            let elements = values(parameter)?;
            if elements.len() != parameter.len() {
                let Parameter { name, shape, .. } = parameter.clone();
                return Err(Error::Elements { name, shape, found: elements.len() }.into());
            }
            loaded.extend(elements);
        }
        self.values.copy_from_slice(&loaded);
        Ok(())
    }

    /// A program for training: it takes [`parameters`](Model::parameters), and computes the loss that `loss` records
    /// from the outputs, and the outputs, which are [`output(0)`](Workspace::output) of its workspace. After each step,
    /// [`follow`](Model::follow) takes in the batch's statistics. It normalises by these in every [`Mode`]: to try the model
    /// there is [`compile_evaluation`](Model::compile_evaluation).
    ///
    /// # Panics
    /// If what `loss` records is not 1×1, or is of another graph.
    pub fn compile(&self, loss: impl for<'g> FnOnce(Var<'g>) -> Var<'g>) -> Program {
        let graph = Graph::new();
        let Recorded { outputs, statistics } =
            self.network.record(graph.input(self.network.inputs), Purpose::Train);
        let roots: Vec<Var<'_>> = [outputs].into_iter().chain(statistics.into_iter().flatten()).collect();
        graph.compile(loss(outputs), &roots)
    }

    /// A program for trying the model: it takes [`values`](Model::values), and computes the [loss](Workspace::loss) and the
    /// outputs, which are [`output(0)`](Workspace::output) of its workspace, and no gradients.
    ///
    /// # Panics
    /// As [`compile`](Model::compile).
    pub fn compile_evaluation(&self, loss: impl for<'g> FnOnce(Var<'g>) -> Var<'g>) -> Program {
        let graph = Graph::new();
        let outputs = self.network.record(graph.input(self.network.inputs), Purpose::Evaluate).outputs;
        graph.compile_evaluation(loss(outputs), &[outputs])
    }

    /// A program for trying the model: it takes [`values`](Model::values), and computes what `roots` records from the
    /// outputs.
    pub fn compile_evaluation_of(&self, roots: impl for<'g> FnOnce(Var<'g>) -> Vec<Var<'g>>) -> Program {
        let graph = Graph::new();
        let outputs = self.network.record(graph.input(self.network.inputs), Purpose::Evaluate).outputs;
        graph.compile_forward(&roots(outputs))
    }

    /// A program that takes [`values`](Model::values) and computes the outputs alone.
    pub fn compile_forward(&self) -> Program {
        self.compile_evaluation_of(|outputs| vec![outputs])
    }

    /// Moves the buffers a tenth of the way towards the statistics of the batch of `rows` rows that the program of
    /// [`compile`](Model::compile) ran on last; the variance with Bessel's correction, as PyTorch does. Without buffers it does nothing.
    ///
    /// # Panics
    /// If there are buffers and it is a batch of one row, over which there is no variance.
    #[track_caller]
    pub fn follow(&mut self, ws: &Workspace<T>, rows: usize) {
        let (old, new) = (T::from_f64(1.0 - MOMENTUM), T::from_f64(MOMENTUM));
        if self.buffers.is_empty() {
            return;
        }
        assert!(rows > 1, "batch normalisation needs at least 2 rows to be trained on at once, not {rows}");
        let bessel = T::from_f64(rows as f64 / (rows - 1) as f64);
        for (number, buffer) in self.buffers.iter().enumerate() {
            let factor = if buffer.name.ends_with("running_var") { new * bessel } else { new };
            let of_batch = &mut self.statistics[..buffer.len()];
            ws.copy_output(number + 1, of_batch);
            let running = &mut self.values[buffer.range()];
            running.iter_mut().zip(of_batch).for_each(|(r, b)| *r = old * *r + factor * *b);
        }
    }

    /// The outputs for each row of `x` (rows×inputs).
    ///
    /// For many calls, keep the program and a workspace: see [`compile_forward`](Model::compile_forward).
    ///
    /// # Panics
    /// If `x` has not as many columns as the model has inputs.
    pub fn predict(&self, x: ArrayView2<'_, T>) -> Array2<T> {
        let program = self.compile_forward();
        if x.nrows() == 0 {
            return Array2::from_elem((0, self.network.outputs()), T::ZERO);
        }
        let mut ws = program.workspace(x.nrows());
        let x = x.as_standard_layout();
        program.forward(&mut ws, &self.values, &[Feed::Values(x.view())], Mode::Evaluate);
        ws.output(0)
    }
}

/// Rows of tables begin small, so that those which no training row names say little.
fn table_init(init: Init) -> Init {
    if matches!(init, Init::Constant { .. }) { init } else { Init::Uniform { low: -0.05, high: 0.05 } }
}

/// The layer a parameter belongs to, and which of its parts it is; names are `LAYER.weight`, `LAYER.bias` or
/// `LAYER.tables.NUMBER.weight`.
fn owner(parameter: &Parameter) -> (usize, Part) {
    let (layer, part) = parameter.name.split_once('.').expect("names have two parts");
    let part = if part.ends_with("weight") { Part::Weight } else { Part::Bias };
    (layer.parse().expect("layers are numbered"), part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Activation;
    use crate::mlp::Mlp;

    #[test]
    fn values_of_another_number_are_refused_and_change_nothing() {
        let mlp = Mlp { inputs: 2, hidden: vec![], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
        let mut model = Model::<f32>::new(mlp.network(), Init::Constant { value: 0.5 }, 0).unwrap();
        for found in [0, 2] {
            let error = model.load(|parameter| {
                let len = if parameter.name == "0.bias" { found } else { parameter.len() };
                Ok::<_, Error>(vec![1.0; len])
            });
            let shape = vec![1];
            assert_eq!(error, Err(Error::Elements { name: "0.bias".to_owned(), shape, found }));
        }
        assert_eq!(model.values(), [0.5, 0.5, 0.5]);
    }

    #[test]
    fn training_and_evaluation_are_read_in_the_same_way() {
        let mlp = Mlp { inputs: 2, hidden: vec![3], outputs: 2, activation: Activation::Tanh, dropout: 0.0 };
        let model = Model::<f64>::new(mlp.network(), Init::GlorotUniform, 1).unwrap();
        let x = ndarray::array![[1.0, 2.0], [0.5, -1.0]];
        let read = |program: Program| {
            let mut ws = program.workspace(2);
            program.forward(&mut ws, model.values(), &[(&x).into()], Mode::Evaluate);
            (ws.loss(), ws.output(0))
        };
        let training = read(model.compile(|y| y.square().mean()));
        assert_eq!(read(model.compile_evaluation(|y| y.square().mean())), training);
        assert_eq!(training.1, model.predict(x.view()));
    }
}
