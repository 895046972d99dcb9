//! A network together with the values of its parameters.

use crate::error::Error;
use crate::init::{Init, Part};
use crate::layer::Sequential;
use highwater_autodiff::{Feed, Graph, Mode, Parameter, Program, Real, Var};
use ndarray::{Array2, ArrayView2};

/// A network, and its parameters in one flat slice with a table of name, shape and offset.
#[derive(Debug, Clone)]
pub struct Model<T> {
    network: Sequential,
    table: Vec<Parameter>,
    parameters: Vec<T>,
}

impl<T: Real> Model<T> {
    /// A network with initial weights that are a function of `seed` alone.
    ///
    /// # Errors
    /// If a layer has no units, a dropout rate is not within 0..1, or bounds of the initial weights are not finite
    /// or out of order.
    pub fn new(network: Sequential, init: Init, seed: u64) -> Result<Model<T>, Error> {
        network.validate()?;
        init.validate()?;
        let graph = Graph::new();
        network.record(graph.input(network.inputs));
        let table = graph.parameters();
        let mut parameters = Vec::new();
        for (index, parameter) in table.iter().enumerate() {
            let weight = match parameter.shape.len() {
                2 => parameter,
                _ => &table[index - 1], // a bias follows its weight
            };
            let part = if std::ptr::eq(weight, parameter) { Part::Weight } else { Part::Bias };
            let fan = (weight.shape[1], weight.shape[0]);
            let values = init.values(part, fan, parameter.len(), seed, index as u64);
            parameters.extend(values.iter().map(|&v| T::from_f64(v)));
        }
        Ok(Model { network, table, parameters })
    }

    /// The network.
    pub fn network(&self) -> &Sequential {
        &self.network
    }

    /// Name, shape and offset of each parameter.
    pub fn table(&self) -> &[Parameter] {
        &self.table
    }

    /// All parameters, one after another as the table says.
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// All parameters, to be changed.
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// The elements of a parameter, row by row.
    pub fn parameter(&self, name: &str) -> Option<&[T]> {
        let parameter = self.table.iter().find(|p| p.name == name)?;
        Some(&self.parameters[parameter.range()])
    }

    /// Takes the values of each parameter from `values`, which is asked by name and shape.
    ///
    /// # Errors
    /// The first that `values` gives; then no parameter has changed.
    ///
    /// # Panics
    /// If `values` returns another number of elements than the parameter has.
    pub fn load<E>(&mut self, mut values: impl FnMut(&Parameter) -> Result<Vec<T>, E>) -> Result<(), E> {
        let mut loaded = Vec::with_capacity(self.parameters.len());
        for parameter in &self.table {
            let elements = values(parameter)?;
            assert_eq!(elements.len(), parameter.len(), "elements of {}", parameter.name);
            loaded.extend(elements);
        }
        self.parameters = loaded;
        Ok(())
    }

    /// A program that computes the loss that `loss` records from the outputs, and the outputs.
    pub fn compile(&self, loss: impl for<'g> FnOnce(Var<'g>) -> Var<'g>) -> Program {
        let graph = Graph::new();
        let outputs = self.network.record(graph.input(self.network.inputs));
        graph.compile(loss(outputs), &[outputs])
    }

    /// A program that computes the outputs alone.
    pub fn compile_forward(&self) -> Program {
        let graph = Graph::new();
        let outputs = self.network.record(graph.input(self.network.inputs));
        graph.compile_forward(&[outputs])
    }

    /// The outputs for each row of `x` (rows×inputs).
    ///
    /// For many calls, keep the program and a workspace: see [`compile_forward`](Model::compile_forward).
    ///
    /// # Panics
    /// If `x` has not as many columns as the network has inputs.
    pub fn predict(&self, x: ArrayView2<'_, T>) -> Array2<T> {
        let program = self.compile_forward();
        if x.nrows() == 0 {
            return Array2::from_elem((0, self.network.outputs()), T::ZERO);
        }
        let mut ws = program.workspace(x.nrows());
        let x = x.as_standard_layout();
        program.forward(&mut ws, &self.parameters, &[Feed::Values(x.view())], Mode::Evaluate);
        ws.output(0)
    }
}
