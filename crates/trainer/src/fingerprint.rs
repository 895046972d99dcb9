//! What the bits of a run depend on besides its model, data and configuration.

use highwater_autodiff::{Feed, Mode};
use highwater_nn::{Activation, Init, Layer, Model, Sequential};
use highwater_objective::{CrossEntropy, Loss};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use std::sync::OnceLock;

/// The program and the machine that computed a state. It is saved with every checkpoint, so that a run that is resumed
/// elsewhere says beforehand that the same bits cannot be expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Version of this crate.
    pub version: String,
    /// Processor architecture and operating system.
    pub platform: String,
    /// The extensions of the processor that kernels choose by, sorted. Those of Highwater give the same bits with any of
    /// them; the system's mathematical library may not.
    pub cpu: Vec<String>,
    /// A hash of the results of a small network and of elementary functions: it also tells another build of the kernels or
    /// another mathematical library of the system.
    pub arithmetic: u64,
}

impl Fingerprint {
    /// Of this program, here.
    pub fn here() -> Fingerprint {
        static HERE: OnceLock<Fingerprint> = OnceLock::new();
        let take = || Fingerprint {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{} {}", std::env::consts::ARCH, std::env::consts::OS),
            cpu: extensions(),
            arithmetic: arithmetic(),
        };
        HERE.get_or_init(take).clone()
    }

    /// Why what was computed there need not be what `here` computes: a few words for each reason, none if the same bits are
    /// to be expected.
    pub fn differences(&self, here: &Fingerprint) -> Vec<String> {
        let mut reasons = Vec::new();
        for (what, there, here) in
            [("version", &self.version, &here.version), ("platform", &self.platform, &here.platform)]
        {
            if there != here {
                reasons.push(format!("{what} {there} there, {here} here"));
            }
        }
        if self.arithmetic != here.arithmetic {
            reasons.push("the same small computation gives other bits".to_owned());
            let only = |some: &[String], others: &[String]| {
                some.iter().filter(|name| !others.contains(name)).cloned().collect::<Vec<_>>().join(", ")
            };
            for (place, names) in
                [("there", only(&self.cpu, &here.cpu)), ("here", only(&here.cpu, &self.cpu))]
            {
                if !names.is_empty() {
                    reasons.push(format!("a processor with {names} only {place}"));
                }
            }
        }
        reasons
    }
}

/// Those that decide which kernels run, in `autodiff`, `optim` and the matrix products.
fn extensions() -> Vec<String> {
    let mut found: Vec<&str> = Vec::new();
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_x86_feature_detected!($name) { found.push($name); })* };
        }
        look!("avx", "avx2", "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl", "fma", "sse4.2");
    }
    #[cfg(target_arch = "aarch64")]
    {
        macro_rules! look {
            ($($name:tt),*) => { $(if std::arch::is_aarch64_feature_detected!($name) { found.push($name); })* };
        }
        look!("fcma", "fp16", "neon", "sve", "sve2");
    }
    found.sort_unstable();
    found.into_iter().map(str::to_owned).collect()
}

/// FNV-1a over the bits of what is computed.
fn arithmetic() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |bits: u64| {
        for byte in bits.to_le_bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for i in 1..40 {
        // Without the box, the compiler would compute this with the library that it was built with.
        let x = black_box(f64::from(i) * 0.173);
        for value in [x.exp(), x.ln(), x.tanh(), x.sin(), x.cos(), x.powf(1.7), x.ln_1p()] {
            take(value.to_bits());
        }
        let x = x as f32;
        for value in [x.exp(), x.ln(), x.tanh(), x.powf(1.7)] {
            take(value.to_bits().into());
        }
    }
    for value in small_network() {
        take(value.to_bits().into());
    }
    hash
}

/// Loss and gradients.
fn small_network() -> Vec<f32> {
    use Activation::{Elu, Gelu, Sigmoid, Silu, Softplus, Tanh};
    let linear = |outputs| Layer::Linear { outputs };
    let layers = vec![
        linear(40),
        Layer::Activation(Gelu),
        Layer::LayerNorm,
        linear(24),
        Layer::Activation(Tanh),
        Layer::BatchNorm,
        linear(16),
        Layer::Activation(Softplus),
        linear(8),
        Layer::Activation(Silu),
        Layer::Activation(Elu),
        linear(5),
        Layer::Activation(Sigmoid),
        linear(3),
    ];
    let model = Model::<f32>::new(Sequential { inputs: 33, layers }, Init::Pytorch, 1);
    let model = model.expect("the network is a constant");
    let loss = Loss::CrossEntropy(CrossEntropy::default());
    let program = model.compile(|y| loss.record(y));
    const ROWS: usize = 19;
    let features = Array2::from_shape_fn((ROWS, 33), |(row, column)| (row as f32 - column as f32) / 7.0);
    let classes: Vec<u32> = (0..ROWS as u32).map(|row| row % 3).collect();
    let feeds = [Feed::Values(features.view()), Feed::Indices(&classes)];
    let mut ws = program.workspace::<f32>(ROWS);
    let mut gradients = vec![0.0; model.parameters().len()];
    program.forward(&mut ws, model.parameters(), &feeds, Mode::Train { key: 1 });
    program.backward(&mut ws, model.parameters(), &feeds, &mut gradients);
    gradients.push(ws.loss());
    gradients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_program_on_the_same_machine_expects_the_same_bits() {
        let here = Fingerprint::here();
        assert_eq!(arithmetic(), here.arithmetic);
        assert_eq!(here.differences(&here.clone()), [""; 0]);
        let gradients = small_network();
        assert!(gradients.len() > 1000 && gradients.iter().all(|value| value.is_finite()));
        assert!(gradients.iter().filter(|value| **value != 0.0).count() > gradients.len() / 2);
    }

    #[test]
    fn each_difference_is_named() {
        let here = Fingerprint {
            version: "1".into(),
            platform: "x86_64 linux".into(),
            cpu: vec!["avx2".into(), "fma".into()],
            arithmetic: 7,
        };
        let check = |change: &dyn Fn(&mut Fingerprint), expected: &[&str]| {
            let mut there = here.clone();
            change(&mut there);
            assert_eq!(there.differences(&here), expected);
        };
        check(&|there| there.version = "2".into(), &["version 2 there, 1 here"]);
        check(&|there| there.platform = "arm linux".into(), &["platform arm linux there, x86_64 linux here"]);
        check(&|there| there.arithmetic = 8, &["the same small computation gives other bits"]);
        let other: Vec<String> = vec!["avx2".into(), "avx512f".into(), "avx512bw".into()];
        check(&|there| there.cpu = other.clone(), &[]);
        check(
            &|there| (there.cpu, there.arithmetic) = (other.clone(), 8),
            &[
                "the same small computation gives other bits",
                "a processor with avx512f, avx512bw only there",
                "a processor with fma only here",
            ],
        );
    }
}
