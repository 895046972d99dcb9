//! Networks on top of [`highwater_autodiff`]: layers, activations, initial weights, and a [`Model`] that keeps all
//! parameters in one flat slice, so that an optimizer step, a snapshot and a checkpoint are each one loop.
//!
//! Weights are stored as `[outputs, inputs]` and named as in `torch.nn.Sequential`: what is saved opens elsewhere.
//! [`Sequential::to_torch`] writes down that module; the feature `onnx` writes whole models for other runtimes.
//!
//! ```
//! use highwater_autodiff::Mode;
//! use highwater_nn::{Activation, Init, Mlp, Model};
//! use ndarray::array;
//!
//! let mlp = Mlp { inputs: 2, hidden: vec![3], outputs: 1, activation: Activation::Tanh, dropout: 0.0 };
//! let mut model = Model::<f64>::new(mlp.network(), Init::Constant { value: 0.5 }, 0)?;
//! let names: Vec<_> = model.table().iter().map(|p| (p.name.as_str(), p.shape.clone())).collect();
//! assert_eq!(names[..2], [("0.weight", vec![3, 2]), ("0.bias", vec![3])]);
//!
//! // tanh(0.5·1 + 0.5·2 + 0.5) = tanh(2), three times, halved and shifted.
//! let y = model.predict(array![[1.0, 2.0]].view());
//! assert!((y[[0, 0]] - (1.5 * 2f64.tanh() + 0.5)).abs() < 1e-15);
//!
//! // One step of gradient descent on the squared output.
//! let program = model.compile(|y| y.square().mean());
//! let mut ws = program.workspace(1);
//! let x = array![[1.0, 2.0]];
//! let mut gradients = vec![0.0; model.parameters().len()];
//! program.forward(&mut ws, model.parameters(), &[(&x).into()], Mode::Train { key: 0 });
//! let before = ws.loss();
//! program.backward(&mut ws, model.parameters(), &[(&x).into()], &mut gradients);
//! model.parameters_mut().iter_mut().zip(&gradients).for_each(|(p, g)| *p -= 0.1 * g);
//! program.forward(&mut ws, model.parameters(), &[(&x).into()], Mode::Evaluate);
//! assert!(ws.loss() < before);
//! # Ok::<(), highwater_nn::Error>(())
//! ```

mod activation;
mod error;
mod init;
mod layer;
mod mlp;
mod model;
#[cfg(feature = "onnx")]
pub mod onnx;
mod torch;

pub use activation::Activation;
pub use error::Error;
pub use init::Init;
pub use layer::{Embedding, Layer, Purpose, Recorded, Sequential};
pub use mlp::Mlp;
pub use model::Model;
pub use ndarray;
