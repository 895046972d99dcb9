//! What a program looks like in print.

use crate::compile::{Edge, Node, Place};
use crate::kernel::Write;
use crate::op::Op;
use crate::program::{Plan, Program};
use std::fmt;

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plan = &self.0;
        for (number, stage) in plan.stages.iter().enumerate() {
            for (when, ids) in [("once", &stage.shared), ("for each tile of rows", &stage.sweep)] {
                if !ids.is_empty() {
                    writeln!(f, "stage {number}, {when}")?;
                    let lines: Vec<Line> = ids.iter().map(|&id| plan.line(id, when == "once")).collect();
                    Line::write_all(&lines, f)?;
                }
            }
        }
        if let Some(loss) = plan.loss {
            writeln!(f, "loss %{loss}")?;
        }
        if !plan.outputs.is_empty() {
            let outputs = plan.outputs.iter().map(|&id| plan.name(id)).collect::<Vec<_>>();
            writeln!(f, "outputs {}", outputs.join(", "))?;
        }
        Ok(())
    }
}

/// A node in print: its name, its shape, how it is computed, and whose gradients it gives.
struct Line {
    name: String,
    shape: String,
    formula: String,
    gradients: String,
}

impl Line {
    fn write_all(lines: &[Line], f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest =
            |text: fn(&Line) -> &str| lines.iter().map(|l| text(l).chars().count()).max().unwrap_or(0);
        let (name, shape) = (widest(|l| &l.name), widest(|l| &l.shape));
        let formula = widest(|l| if l.gradients.is_empty() { "" } else { &l.formula });
        for line in lines {
            write!(f, "  {:name$}  {:shape$}  ", line.name, line.shape)?;
            match line.gradients.is_empty() {
                true => writeln!(f, "{}", line.formula)?,
                false => writeln!(f, "{:formula$}  ∂ {}", line.formula, line.gradients)?,
            }
        }
        Ok(())
    }
}

impl Plan {
    fn name(&self, id: usize) -> String {
        match self.nodes[id].op {
            Op::Parameter(index) => self.parameters[index].name.clone(),
            Op::Input(position) | Op::Indices(position) => format!("feed {position}"),
            _ => format!("%{id}"),
        }
    }

    fn line(&self, id: usize, once: bool) -> Line {
        let Node { op, args, shape, place, edges, .. } = &self.nodes[id];
        let (name, shape) = (self.name(id), shape.to_string());
        if once && *place == Place::Joined {
            return Line { name, shape, formula: "join the parts".to_string(), gradients: String::new() };
        }
        let in_parts = if *place == Place::Joined { ", in parts" } else { "" };
        let of = args.iter().map(|&arg| self.name(arg)).collect::<Vec<_>>().join(", ");
        let gradient = |(&arg, edge): (&usize, &Option<Edge>)| match edge.as_ref()?.write {
            Write::Set => Some(self.name(arg)),
            Write::Add => Some(format!("+{}", self.name(arg))),
        };
        let gradients = args.iter().zip(edges).filter_map(gradient).collect::<Vec<_>>().join(", ");
        Line { name, shape, formula: format!("{op}({of}){in_parts}"), gradients }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Constant(_) => write!(f, "Constant"),
            Op::Unary(op) => write!(f, "{op:?}"),
            Op::Binary(op) => write!(f, "{op:?}"),
            Op::MatMul { transpose_left, transpose_right } => {
                let before = if *transpose_left { "T" } else { "" };
                let after = if *transpose_right { "T" } else { "" };
                write!(f, "{before}MatMul{after}")
            }
            Op::Linear(None) => write!(f, "Linear"),
            Op::Linear(Some(activation)) => write!(f, "Linear {activation:?}"),
            Op::Reduce(how, axis) => write!(f, "{how:?} over {axis:?}"),
            Op::Slice { columns } => write!(f, "Slice {columns:?}"),
            Op::Dropout { rate, .. } => write!(f, "Dropout {rate}"),
            other => write!(f, "{other:?}"),
        }
    }
}
