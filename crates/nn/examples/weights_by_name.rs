//! This crate alone: a network whose weights come from elsewhere, by name, answers in a program of your own.
//!
//! The weights are those that I. Goodfellow, Y. Bengio and A. Courville work out for exclusive or (*Deep Learning*, 2016,
//! section 6.1), named as a `state_dict` of PyTorch names them. Those of a file come by way of any safetensors reader.
//!
//! `cargo run --release -p highwater-nn --example weights_by_name`

#![allow(clippy::print_stdout, reason = "an example shows its result")]

use highwater_nn::{Activation, Error, Init, Mlp, Model};
use ndarray::array;
use std::collections::BTreeMap;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mlp = Mlp { inputs: 2, hidden: vec![2], outputs: 1, activation: Activation::Relu, dropout: 0.0 };
    let network = mlp.network();
    println!("{}", network.to_torch().ok_or("a plain network is a Sequential")?);

    // A row of `0.weight` for each hidden unit.
    let mut state = BTreeMap::from([
        ("0.weight", vec![1.0, 1.0, 1.0, 1.0]),
        ("0.bias", vec![0.0, -1.0]),
        ("2.weight", vec![1.0, -2.0]),
        ("2.bias", vec![0.0]),
    ]);
    let mut model = Model::<f32>::new(network, Init::Constant { value: 0.0 }, 0)?;
    model.load(|parameter| {
        println!("{} {:?}", parameter.name, parameter.shape);
        let values = state.remove(&parameter.name[..]);
        values.ok_or_else(|| Box::<dyn std::error::Error>::from(format!("{} is not there", parameter.name)))
    })?;

    let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let y = model.predict(x.view());
    for (x, y) in x.rows().into_iter().zip(&y) {
        println!("{} xor {} = {y}", x[0], x[1]);
    }
    assert_eq!(y, array![[0.0], [1.0], [1.0], [0.0]]);

    // What does not fit is refused when the model is made, and not when it is used.
    let none = Mlp { outputs: 0, ..mlp };
    let refused: Result<Model<f32>, Error> = Model::new(none.network(), Init::GlorotUniform, 0);
    println!("{}", refused.err().ok_or("a network without an output")?);
    Ok(())
}
