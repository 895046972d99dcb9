//! Files are decoded again and run by an interpreter that knows ONNX's operators from their specification. What a
//! real runtime makes of them, `benches/interop.py` checks, of the same golden file.

use super::proto::{AttributeProto, ModelProto, NodeProto, TensorProto};
use super::*;
use crate::{Init, Sequential};
use ndarray::{Array2, Axis, Zip, array, concatenate};
use std::collections::HashMap;

type Values = HashMap<String, Array2<f64>>;

fn tensor(proto: &TensorProto) -> Array2<f64> {
    let bytes = proto.raw_data.as_ref().unwrap();
    let numbers: Vec<f64> = match proto.data_type.unwrap() {
        FLOAT => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
        DOUBLE => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        INT64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
        other => panic!("element type {other}"),
    };
    let shape = match proto.dims[..] {
        [] => (1, 1),
        [n] => (1, n as usize),
        [m, n] => (m as usize, n as usize),
        _ => panic!("{:?}", proto.dims),
    };
    Array2::from_shape_vec(shape, numbers).unwrap()
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> &'a AttributeProto {
    node.attribute.iter().find(|a| a.name.as_deref() == Some(name)).unwrap()
}

fn erf(x: f64) -> f64 {
    // The series of erf; arguments are small here.
    let mut term = x;
    let mut sum = x;
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI
}

fn apply(node: &NodeProto, values: &Values) -> Array2<f64> {
    let x = |i: usize| &values[&node.input[i]];
    let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
    match node.op_type.as_deref().unwrap() {
        "Identity" => x(0).clone(),
        "Gemm" => {
            assert_eq!(attribute(node, "transB").i, Some(1));
            x(0).dot(&x(1).t()) + x(2)
        }
        "Add" => x(0) + x(1),
        "Sub" => x(0) - x(1),
        "Mul" => x(0) * x(1),
        "Div" => x(0) / x(1),
        "Cast" => match attribute(node, "to").i {
            Some(1) => x(0).mapv(|v| f64::from(v as f32)),
            _ => x(0).clone(),
        },
        "Relu" => x(0).mapv(|v| v.max(0.0)),
        "LeakyRelu" => {
            let alpha = f64::from(attribute(node, "alpha").f.unwrap());
            x(0).mapv(|v| if v < 0.0 { alpha * v } else { v })
        }
        "Elu" => {
            assert_eq!(attribute(node, "alpha").f, Some(1.0));
            x(0).mapv(|v| if v < 0.0 { v.exp_m1() } else { v })
        }
        "Tanh" => x(0).mapv(f64::tanh),
        "Sigmoid" => x(0).mapv(sigmoid),
        "Softsign" => x(0).mapv(|v| v / (1.0 + v.abs())),
        "Softplus" => x(0).mapv(|v| v.exp().ln_1p()),
        "Erf" => x(0).mapv(erf),
        "Concat" => {
            let parts: Vec<_> = (0..node.input.len()).map(|i| x(i).view()).collect();
            concatenate(Axis(1), &parts).unwrap()
        }
        "Round" => x(0).mapv(f64::round_ties_even),
        "Clip" => x(0).mapv(|v| v.clamp(x(1)[[0, 0]], x(2)[[0, 0]])),
        "Gather" => {
            let places: Vec<usize> = x(1).iter().map(|&place| place as usize).collect();
            x(0).select(Axis(attribute(node, "axis").i.unwrap() as usize), &places)
        }
        "LayerNormalization" => {
            let epsilon = f64::from(attribute(node, "epsilon").f.unwrap());
            let mean = x(0).mean_axis(Axis(1)).unwrap().insert_axis(Axis(1));
            let centred = x(0) - &mean;
            let variance = centred.mapv(|v| v * v).mean_axis(Axis(1)).unwrap().insert_axis(Axis(1));
            &centred / &(variance + epsilon).mapv(f64::sqrt) * x(1) + x(2)
        }
        "BatchNormalization" => {
            let epsilon = f64::from(attribute(node, "epsilon").f.unwrap());
            (x(0) - x(3)) / (x(4) + epsilon).mapv(f64::sqrt) * x(1) + x(2)
        }
        "Softmax" => {
            let e = x(0).mapv(f64::exp);
            &e / &e.sum_axis(Axis(1)).insert_axis(Axis(1))
        }
        "ArgMax" => {
            let first = |row: ndarray::ArrayView1<'_, f64>| {
                (0..row.len()).rev().max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as f64
            };
            x(0).map_axis(Axis(1), first).insert_axis(Axis(1))
        }
        other => panic!("operator {other}"),
    }
}

/// Decodes a file and runs it.
fn run(bytes: &[u8], inputs: &Array2<f64>) -> Values {
    let model = ModelProto::decode(bytes).unwrap();
    assert_eq!((model.ir_version, model.opset_import[0].version), (Some(8), Some(17)));
    let graph = model.graph.unwrap();
    let mut values: Values = graph.initializer.iter().map(|t| (t.name.clone().unwrap(), tensor(t))).collect();
    values.insert(graph.input[0].name.clone().unwrap(), inputs.clone());
    for node in &graph.node {
        let value = apply(node, &values);
        assert!(values.insert(node.output[0].clone(), value).is_none(), "{} twice", node.output[0]);
    }
    graph.output.iter().for_each(|output| assert!(values.contains_key(output.name.as_ref().unwrap())));
    values
}

fn model(inputs: usize, layers: Vec<Layer>) -> Model<f32> {
    let mut model = Model::new(Sequential { inputs, layers }, Init::default(), 3).unwrap();
    // Also what is 0 or 1 in the beginning.
    let mut number = 0_u32;
    model.values_mut().iter_mut().for_each(|v| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *v += (number >> 8) as f32 / 1e8;
    });
    model
}

fn check(layers: Vec<Layer>) {
    let model = model(3, layers);
    let x = array![[0.3, -1.25, 2.0], [-0.5, 0.0, 1.0], [3.0, -2.0, 0.125]];
    let file = run(&encode(&model, &Surroundings::default()), &x);
    let ours = model.predict(x.mapv(|v| v as f32).view());
    Zip::from(&file["outputs"]).and(&ours).for_each(|&there, &here| {
        assert!((there - f64::from(here)).abs() < 1e-5, "{:?}: {there} {here}", model.network().layers);
    });
}

#[test]
fn every_layer_and_activation_gives_the_outputs_of_the_model() {
    let linear = |outputs| Layer::Linear { outputs };
    check(vec![]);
    check(vec![Layer::Dropout { rate: 0.5 }]);
    for activation in Activation::ALL {
        check(vec![linear(8), Layer::Activation(activation), Layer::Dropout { rate: 0.25 }, linear(4)]);
    }
    check(vec![linear(5), Layer::LayerNorm, Layer::Activation(Activation::Tanh), linear(2)]);
    check(vec![Layer::BatchNorm, linear(5), Layer::BatchNorm, linear(2)]);
    for columns in [&[1][..], &[2, 0], &[0, 1, 2]] {
        let tables = columns.iter().map(|&column| Embedding { column, rows: 4, width: 2 }).collect();
        check(vec![Layer::Embed { tables }, linear(2)]);
    }
    check(vec![linear(3), Layer::Residual { from: 0 }, Layer::Shortcut { from: 1 }, linear(2)]);
}

#[test]
fn the_surroundings_take_a_table_and_answer_in_its_unit() {
    let model = model(2, vec![Layer::Linear { outputs: 3 }]);
    let columns = [(1900.0, 30.0), (1e9, 2.0)];
    let x = array![[1930.0, 1e9 + 1.0], [1880.5, 1e9 - 3.0]];
    let scaled = array![[1.0_f32, 0.5], [-0.65, -1.5]];
    let logits = model.predict(scaled.view()).mapv(f64::from);

    let around = Surroundings { standardise: Some(&columns), ending: Ending::Classes, metadata: &[] };
    let file = run(&encode(&model, &around), &x);
    Zip::from(&file["outputs"]).and(&logits).for_each(|a, b| assert!((a - b).abs() < 1e-6));
    for (row, (p, class)) in file["probabilities"].rows().into_iter().zip(&file["class"]).enumerate() {
        assert!((p.sum() - 1.0).abs() < 1e-12);
        assert!(p.iter().all(|&q| q <= p[*class as usize]), "row {row}");
    }

    let around = Surroundings { ending: Ending::Values { mean: 7.0, sd: 0.5 }, ..around };
    let file = run(&encode(&model, &around), &x);
    Zip::from(&file["value"]).and(&logits).for_each(|a, b| assert!((a - (7.0 + 0.5 * b)).abs() < 1e-6));
}

/// The wire format itself: this file was read by onnxruntime and accepted by ONNX's checker.
#[test]
fn the_same_model_is_still_written_as_the_same_bytes() {
    let layers = vec![
        Layer::Linear { outputs: 4 },
        Layer::BatchNorm,
        Layer::Activation(Activation::GeluTanh),
        Layer::Dropout { rate: 0.5 },
        Layer::Shortcut { from: 0 },
        Layer::LayerNorm,
        Layer::Linear { outputs: 2 },
    ];
    let network = Sequential { inputs: 3, layers };
    let mut model = Model::new(network, Init::Constant { value: 0.5 }, 0).unwrap();
    model.values_mut().iter_mut().zip(1_u8..).for_each(|(v, i)| *v = f32::from(i) / 64.0);
    let bytes = encode(
        &model,
        &Surroundings {
            standardise: Some(&[(1.0, 2.0), (-3.0, 0.5), (0.0, 1.0)]),
            ending: Ending::Classes,
            metadata: &[("classes", r#"["no","yes"]"#)],
        },
    );
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/network.onnx");
    assert!(bytes == std::fs::read(path).unwrap());
}
