//! [`Preparation`] as checkpoints had it where units were two texts.

use serde::Deserialize;

use super::{Dropped, Input, Preparation};
use crate::categories::Categories;
use crate::encoding::{Encoding, Moments};
use crate::scale::Scale;
use crate::target::{Target, TargetKind};
use crate::unit::Unit;

/// [`Preparation`] in schema 2 of its section in checkpoints, to be read and converted.
#[derive(Debug, Deserialize)]
pub struct PreparationV2 {
    inputs: Vec<InputV2>,
    dropped: Vec<Dropped>,
    targets: Vec<TargetV2>,
    header: bool,
}

#[derive(Debug, Deserialize)]
struct InputV2 {
    name: String,
    encoding: EncodingV2,
    missing: usize,
    indicator: bool,
}

#[derive(Debug, Deserialize)]
enum EncodingV2 {
    Number { scale: Scale, fill: f64 },
    Boolean { scale: Scale, fill: bool },
    Moment(Moments),
    OneHot(Categories),
    Embedded(Categories),
    Quantity { unit: UnitV2, scale: Scale, fill: f64 },
}

#[derive(Debug, Deserialize)]
struct TargetV2 {
    column: String,
    kind: TargetKindV2,
}

#[derive(Debug, Deserialize)]
enum TargetKindV2 {
    Classes(Vec<String>),
    Value(Scale),
    Quantity(Scale, UnitV2),
}

#[derive(Debug, Deserialize)]
struct UnitV2 {
    before: String,
    behind: String,
}

impl From<PreparationV2> for Preparation {
    fn from(PreparationV2 { inputs, dropped, targets, header }: PreparationV2) -> Preparation {
        let input = |InputV2 { name, encoding, missing, indicator }| {
            let encoding = match encoding {
                EncodingV2::Number { scale, fill } => Encoding::Number { scale, fill },
                EncodingV2::Boolean { scale, fill } => Encoding::Boolean { scale, fill },
                EncodingV2::Moment(moments) => Encoding::Moment(moments),
                EncodingV2::OneHot(categories) => Encoding::OneHot(categories),
                EncodingV2::Embedded(categories) => Encoding::Embedded(categories),
                EncodingV2::Quantity { unit, scale, fill } => {
                    Encoding::Quantity { unit: unit.into(), scale, fill }
                }
            };
            Input { name, encoding, missing, indicator }
        };
        let target = |TargetV2 { column, kind }| {
            let kind = match kind {
                TargetKindV2::Classes(names) => TargetKind::Classes(names),
                TargetKindV2::Value(scale) => TargetKind::Value(scale),
                TargetKindV2::Quantity(scale, unit) => TargetKind::Quantity(scale, unit.into()),
            };
            Target { column, kind }
        };
        Preparation {
            inputs: inputs.into_iter().map(input).collect(),
            dropped,
            targets: targets.into_iter().map(target).collect(),
            header,
        }
    }
}

impl From<UnitV2> for Unit {
    /// Two texts that no cell has around its number told what was no fixed unit.
    fn from(UnitV2 { before, behind }: UnitV2) -> Unit {
        match (&before[..], &behind[..]) {
            (_, "K, M, B") => Unit::Shortened { before },
            ("<", _) => Unit::Limits { behind },
            _ => Unit::Fixed { before, behind },
        }
    }
}
