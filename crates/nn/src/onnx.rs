//! A trained model as an ONNX file, for every runtime that reads those: feature `onnx`.
//!
//! The file can hold more than the network: with [`Surroundings`] it takes the columns of a table as they are and
//! answers with probabilities or with values in the table's unit, so that nobody has to carry means and deviations
//! along. Operators are those of version 17, the oldest that has all of them.
//!
//! ```
//! use highwater_nn::onnx::{Ending, Surroundings, encode};
//! use highwater_nn::{Activation, Init, Mlp, Model};
//!
//! let mlp = Mlp { inputs: 2, hidden: vec![3], outputs: 2, activation: Activation::Gelu, dropout: 0.1 };
//! let model = Model::<f32>::new(mlp.network(), Init::default(), 0)?;
//! let bare = encode(&model, &Surroundings::default());
//! let whole = encode(
//!     &model,
//!     &Surroundings {
//!         standardise: Some(&[(5.0, 1.5), (1900.0, 30.0)]),
//!         ending: Ending::Classes,
//!         metadata: &[("classes", r#"["apple","plum"]"#)],
//!     },
//! );
//! assert!(whole.len() > bare.len());
//! // std::fs::write("model.onnx", whole)
//! # Ok::<(), highwater_nn::Error>(())
//! ```

mod proto;

use crate::activation::Activation;
use crate::layer::{EPSILON, Embedding, Layer, plain_columns};
use crate::model::Model;
use prost::Message;
use proto::{
    AS_FLOAT, AS_INT, AttributeProto, DOUBLE, DimensionProto, FLOAT, GraphProto, INT64, IR_VERSION,
    ModelProto, NodeProto, OPERATORS, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// What the file holds besides the network.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// Mean and deviation of each input column. With them the file's `inputs` are `double` values as they are in the
    /// table, and become `(value - mean) / deviation`, rounded to `float`. Without, they are `float` and go into the
    /// network as they are.
    pub standardise: Option<&'a [(f64, f64)]>,
    /// What becomes of the network's outputs.
    pub ending: Ending,
    /// Words for people and tools: the names of columns and classes, say.
    pub metadata: &'a [(&'a str, &'a str)],
}

/// What becomes of the network's outputs. They are in the file in each case, as `outputs` (batch × outputs, `float`).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Ending {
    /// Nothing. The default.
    #[default]
    Outputs,
    /// They are logits of classes: also `probabilities` (batch × outputs, `double`), and `class`, the number of the
    /// likeliest (batch, `int64`).
    Classes,
    /// They are standardised values: also `value` (batch × outputs, `double`), which is `mean + output · deviation`.
    Values {
        /// What an output of 0 stands for.
        mean: f64,
        /// What an output of 1 stands for, less the mean.
        sd: f64,
    },
}

/// The bytes of the ONNX file. Equal models give equal bytes. As in [`Model::predict`], normalising layers go by their
/// running statistics, and nothing is dropped.
///
/// # Panics
/// If `standardise` has not as many columns as the network has inputs.
pub fn encode(model: &Model<f32>, around: &Surroundings<'_>) -> Vec<u8> {
    let network = model.network();
    let (inputs, outputs) = (network.inputs, network.outputs());
    let mut graph = Builder::default();
    let kind = if around.standardise.is_some() { DOUBLE } else { FLOAT };
    graph.proto.input.push(matrix("inputs", kind, inputs));
    let mut value = "inputs".to_owned();
    if let Some(columns) = around.standardise {
        assert_eq!(columns.len(), inputs, "one mean and deviation for each input");
        let (mean, sd): (Vec<f64>, Vec<f64>) = columns.iter().copied().unzip();
        graph.doubles("standardise.mean", &[1, inputs], &mean);
        graph.doubles("standardise.deviation", &[1, inputs], &sd);
        graph.node("Sub", &["inputs", "standardise.mean"], "standardise.centred", &[]);
        graph.node("Div", &["standardise.centred", "standardise.deviation"], "standardise.scaled", &[]);
        graph.node("Cast", &["standardise.scaled"], "standardise.rounded", &[int("to", FLOAT.into())]);
        value = "standardise.rounded".to_owned();
    }
    for parameter in model.table().iter().chain(model.buffers()) {
        graph.floats(&parameter.name, &parameter.shape, &model.values()[parameter.range()]);
    }
    let mut entered = vec![value];
    let widths = network.widths();
    for (number, layer) in network.layers.iter().enumerate() {
        let next = graph.layer(number, layer, &entered, widths[number]);
        entered.push(next);
    }
    graph.node("Identity", &[&entered[network.layers.len()]], "outputs", &[]);
    graph.proto.output.push(matrix("outputs", FLOAT, outputs));
    graph.end(around.ending, outputs);
    graph.proto.name = Some("network".to_owned());

    let text = |text: &str| Some(text.to_owned());
    let metadata = around.metadata.iter();
    let model = ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: text("highwater"),
        producer_version: text(env!("CARGO_PKG_VERSION")),
        graph: Some(graph.proto),
        opset_import: vec![OperatorSetIdProto { domain: text(""), version: Some(OPERATORS) }],
        metadata_props: metadata
            .map(|&(key, value)| StringStringEntryProto { key: text(key), value: text(value) })
            .collect(),
    };
    model.encode_to_vec()
}

#[derive(Default)]
struct Builder {
    proto: GraphProto,
}

impl Builder {
    /// Applies a layer to the last of the values that entered layers, of this width, and names the result.
    fn layer(&mut self, number: usize, layer: &Layer, entered: &[String], width: usize) -> String {
        let x = entered[number].as_str();
        let y = format!("layer.{number}");
        let own = |name: &str| format!("{number}.{name}");
        let (weight, bias) = (own("weight"), own("bias"));
        match layer {
            Layer::Linear { .. } => self.node("Gemm", &[x, &weight, &bias], &y, &[int("transB", 1)]),
            Layer::Activation(activation) => return self.activation(*activation, x, &y),
            Layer::Dropout { .. } => return x.to_owned(),
            Layer::LayerNorm => {
                let attributes = [int("axis", -1), float("epsilon", EPSILON as f32)];
                self.node("LayerNormalization", &[x, &weight, &bias], &y, &attributes);
            }
            Layer::BatchNorm => {
                let (mean, variance) = (own("running_mean"), own("running_var"));
                let inputs = [x, &weight, &bias, &mean, &variance];
                self.node("BatchNormalization", &inputs, &y, &[float("epsilon", EPSILON as f32)]);
            }
            Layer::Shortcut { from } => self.node("Concat", &[x, &entered[*from]], &y, &[int("axis", 1)]),
            Layer::Residual { from } => self.node("Add", &[x, &entered[*from]], &y, &[]),
            Layer::Embed { tables } => self.embed(number, tables, x, width, &y),
        }
        y
    }

    /// The plain columns of `x`, which has `width`, and behind them the rows that the others name.
    fn embed(&mut self, number: usize, tables: &[Embedding], x: &str, width: usize, y: &str) {
        let plain: Vec<i64> =
            plain_columns(width, tables).into_iter().flatten().map(|column| column as i64).collect();
        let mut parts = Vec::new();
        if !plain.is_empty() {
            let (columns, part) = (format!("{y}.columns"), format!("{y}.plain"));
            self.whole_numbers(&columns, &[plain.len()], &plain);
            self.node("Gather", &[x, &columns], &part, &[int("axis", 1)]);
            parts.push(part);
        }
        for (at, table) in tables.iter().enumerate() {
            let part = |name: &str| format!("{y}.{at}.{name}");
            self.whole_numbers(&part("column"), &[], &[table.column as i64]);
            self.floats(&part("first"), &[], &[0.0]);
            self.floats(&part("last"), &[], &[(table.rows - 1) as f32]);
            self.node("Gather", &[x, &part("column")], &part("number"), &[int("axis", 1)]);
            self.node("Round", &[&part("number")], &part("rounded"), &[]);
            self.node("Clip", &[&part("rounded"), &part("first"), &part("last")], &part("within"), &[]);
            self.node("Cast", &[&part("within")], &part("row"), &[int("to", INT64.into())]);
            let weight = format!("{number}.tables.{at}.weight");
            self.node("Gather", &[&weight, &part("row")], &part("rows"), &[int("axis", 0)]);
            parts.push(part("rows"));
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.node("Concat", &parts, y, &[int("axis", 1)]);
    }

    fn activation(&mut self, activation: Activation, x: &str, y: &str) -> String {
        let part = |name: &str| format!("{y}.{name}");
        match activation {
            Activation::Identity => return x.to_owned(),
            Activation::Relu => self.node("Relu", &[x], y, &[]),
            Activation::LeakyRelu => self.node("LeakyRelu", &[x], y, &[float("alpha", 0.01)]),
            Activation::Elu => self.node("Elu", &[x], y, &[float("alpha", 1.0)]),
            Activation::Tanh => self.node("Tanh", &[x], y, &[]),
            Activation::Sigmoid => self.node("Sigmoid", &[x], y, &[]),
            Activation::Softsign => self.node("Softsign", &[x], y, &[]),
            Activation::Softplus => self.node("Softplus", &[x], y, &[]),
            Activation::Silu => {
                self.node("Sigmoid", &[x], &part("sigmoid"), &[]);
                self.node("Mul", &[x, &part("sigmoid")], y, &[]);
            }
            // `Gelu` is an operator of its own from version 20 on only.
            Activation::Gelu => {
                self.floats(&part("scale"), &[], &[std::f32::consts::FRAC_1_SQRT_2]);
                self.node("Mul", &[x, &part("scale")], &part("scaled"), &[]);
                self.node("Erf", &[&part("scaled")], &part("s"), &[]);
                self.half_of_one_plus(x, y);
            }
            Activation::GeluTanh => {
                // √(2/π)·(x + 0.044715·x³)
                let slope = (2.0 / std::f64::consts::PI).sqrt();
                self.floats(&part("slope"), &[], &[slope as f32]);
                self.floats(&part("cubic"), &[], &[(slope * 0.044715) as f32]);
                self.node("Mul", &[x, x], &part("square"), &[]);
                self.node("Mul", &[&part("square"), &part("cubic")], &part("bend"), &[]);
                self.node("Add", &[&part("bend"), &part("slope")], &part("factor"), &[]);
                self.node("Mul", &[x, &part("factor")], &part("bent"), &[]);
                self.node("Tanh", &[&part("bent")], &part("s"), &[]);
                self.half_of_one_plus(x, y);
            }
        }
        y.to_owned()
    }

    /// y = x · ½ · (1 + s)
    fn half_of_one_plus(&mut self, x: &str, y: &str) {
        let part = |name: &str| format!("{y}.{name}");
        self.floats(&part("one"), &[], &[1.0]);
        self.floats(&part("half"), &[], &[0.5]);
        self.node("Add", &[&part("s"), &part("one")], &part("shifted"), &[]);
        self.node("Mul", &[x, &part("half")], &part("halved"), &[]);
        self.node("Mul", &[&part("halved"), &part("shifted")], y, &[]);
    }

    fn end(&mut self, ending: Ending, outputs: usize) {
        let widen = |graph: &mut Self| {
            graph.node("Cast", &["outputs"], "outputs.wide", &[int("to", DOUBLE.into())]);
        };
        match ending {
            Ending::Outputs => {}
            Ending::Classes => {
                widen(self);
                self.node("Softmax", &["outputs.wide"], "probabilities", &[int("axis", 1)]);
                self.node("ArgMax", &["outputs"], "class", &[int("axis", 1), int("keepdims", 0)]);
                self.proto.output.push(matrix("probabilities", DOUBLE, outputs));
                self.proto.output.push(value("class", INT64, vec![rows()]));
            }
            Ending::Values { mean, sd } => {
                widen(self);
                self.doubles("value.mean", &[], &[mean]);
                self.doubles("value.deviation", &[], &[sd]);
                self.node("Mul", &["outputs.wide", "value.deviation"], "value.scaled", &[]);
                self.node("Add", &["value.scaled", "value.mean"], "value", &[]);
                self.proto.output.push(matrix("value", DOUBLE, outputs));
            }
        }
    }

    fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: &[AttributeProto]) {
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(format!("{op}:{output}")),
            op_type: Some(op.to_owned()),
            attribute: attributes.to_vec(),
        });
    }

    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.tensor(name, FLOAT, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn doubles(&mut self, name: &str, shape: &[usize], values: &[f64]) {
        self.tensor(name, DOUBLE, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn whole_numbers(&mut self, name: &str, shape: &[usize], values: &[i64]) {
        self.tensor(name, INT64, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect());
    }

    fn tensor(&mut self, name: &str, kind: i32, shape: &[usize], bytes: Vec<u8>) {
        self.proto.initializer.push(TensorProto {
            dims: shape.iter().map(|&n| n as i64).collect(),
            data_type: Some(kind),
            name: Some(name.to_owned()),
            raw_data: Some(bytes),
        });
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), i: Some(i), f: None, kind: Some(AS_INT) }
}

fn float(name: &str, f: f32) -> AttributeProto {
    AttributeProto { name: Some(name.to_owned()), f: Some(f), i: None, kind: Some(AS_FLOAT) }
}

/// The dimension of the batch.
fn rows() -> DimensionProto {
    DimensionProto { dim_value: None, dim_param: Some("batch".to_owned()) }
}

fn matrix(name: &str, kind: i32, columns: usize) -> ValueInfoProto {
    let columns = DimensionProto { dim_value: Some(columns as i64), dim_param: None };
    value(name, kind, vec![rows(), columns])
}

fn value(name: &str, kind: i32, dim: Vec<DimensionProto>) -> ValueInfoProto {
    let tensor = TensorTypeProto { elem_type: Some(kind), shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.to_owned()), kind: Some(TypeProto { tensor_type: Some(tensor) }) }
}

#[cfg(test)]
mod tests;
