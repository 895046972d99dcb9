//! Random computations: any of the ops, with arguments that fit.

use crate::dag::{BINARY, Dag, Evaluation, REDUCE, Size, Step, Total, UNARY, uniform};
use highwater_autodiff::Axis;
use ndarray::Array2;
use proptest::prelude::*;
use proptest::sample::Index;

/// Grows a computation: each choice becomes a step if one of its kind fits what is there.
pub(crate) fn dags() -> impl Strategy<Value = Dag> {
    let step = (0..KINDS, any::<[Index; 2]>(), any::<u16>());
    (1..8usize, any::<u64>(), prop::collection::vec(step, 3..48)).prop_map(|(batch, seed, choices)| {
        let mut dag = Dag::leaves(batch, seed);
        let mut evaluation = dag.evaluate(&dag.params);
        for (kind, places, bits) in choices {
            let Some((step, size)) = dag.propose(kind, places, bits.into()) else { continue };
            dag.steps.push(step);
            dag.shapes.push(size);
            let id = dag.steps.len() - 1;
            dag.extend(&mut evaluation, id, &dag.params);
            if !evaluation.values[id].iter().all(|x| x.abs() < 20.0) || !dag.is_defined(id, &evaluation) {
                dag.steps.pop();
                dag.shapes.pop();
                evaluation.values.pop();
            }
        }
        dag.choose_loss(seed);
        dag
    })
}

const KINDS: usize = 23;

impl Dag {
    /// Inputs, parameters and constants of every size, as yet without steps between them.
    fn leaves(batch: usize, seed: u64) -> Dag {
        let mut uniform = uniform(seed);
        let mut random =
            |rows, columns| Array2::from_shape_simple_fn((rows, columns), || uniform() * 4.0 - 2.0);
        let inputs = vec![random(batch, 3), random(batch, 1)];
        let indices = random(batch, 1).iter().map(|x| ((x + 2.0) * 0.74) as u32).collect();
        let mut dag = Dag {
            steps: Vec::new(),
            shapes: Vec::new(),
            loss: Vec::new(),
            outputs: Vec::new(),
            batch,
            params: Vec::new(),
            inputs,
            indices,
            key: seed,
        };
        for columns in [3, 1] {
            dag.steps.push(Step::Input);
            dag.shapes.push(Size { rows: None, columns });
        }
        for (rows, columns) in [(3, 3), (1, 3), (4, 2), (1, 1), (3, 1), (2, 3)] {
            dag.steps.push(Step::Param { offset: dag.params.len() });
            dag.shapes.push(Size { rows: Some(rows), columns });
            dag.params.extend(random(rows, columns));
        }
        for (rows, columns) in [(1, 3), (3, 2)] {
            dag.steps.push(Step::Constant(random(rows, columns)));
            dag.shapes.push(Size { rows: Some(rows), columns });
        }
        dag
    }

    /// A step of a kind, with arguments found by `places` among all that fit, late ones more often.
    fn propose(&self, kind: usize, places: [Index; 2], bits: usize) -> Option<(Step, Size)> {
        let all = 0..self.shapes.len();
        let choose = |count: usize| (count > 0).then(|| places[0].index(count).max(places[1].index(count)));
        let one = |fits: &dyn Fn(Size) -> bool| {
            let found: Vec<usize> = all.clone().filter(|&id| fits(self.shapes[id])).collect();
            choose(found.len()).map(|place| (found[place], self.shapes[found[place]]))
        };
        let two = |size: &dyn Fn(Size, Size) -> Option<Size>| {
            let pairs = all.clone().flat_map(|a| all.clone().map(move |b| [a, b]));
            let fitting = pairs.filter_map(|[a, b]| Some(([a, b], size(self.shapes[a], self.shapes[b])?)));
            let mut found: Vec<_> = fitting.collect();
            found.sort_by_key(|&([a, b], _)| a + b);
            choose(found.len()).map(|place| found[place])
        };
        match kind {
            0..4 => one(&|_| true).map(|(x, size)| (Step::Unary(&UNARY[bits % UNARY.len()], x), size)),
            4..9 => two(&broadcast).map(|(of, size)| (Step::Binary(&BINARY[bits % BINARY.len()], of), size)),
            9..13 => {
                let transposed = [bits & 1 == 1, bits & 2 == 2];
                let found = two(&|a, b| product(a, transposed[0], b, transposed[1]));
                found.map(|(of, size)| (Step::MatMul { transposed, of }, size))
            }
            13 => one(&|_| true).map(|(x, size)| {
                (Step::Reduce(&REDUCE[bits % REDUCE.len()], Axis::Columns, x), Size { columns: 1, ..size })
            }),
            14 => one(&|size| size.rows.is_some()).map(|(x, size)| {
                (Step::Reduce(&REDUCE[bits % REDUCE.len()], Axis::Rows, x), Size { rows: Some(1), ..size })
            }),
            // Mostly sums and means: a maximum over the batch leaves no tiles.
            15 | 16 => one(&|size| size.rows.is_none()).map(|(x, size)| {
                let how = &REDUCE[[0, 0, 0, 1, 1, 1, 2][bits % 7]];
                (Step::Reduce(how, Axis::Rows, x), Size { rows: Some(1), ..size })
            }),
            17 => one(&|_| true).map(|(x, size)| (Step::LogSoftmax(x), size)),
            18 => one(&|size| size.rows.is_none() && size.columns >= 3)
                .map(|(x, _)| (Step::Pick(x), Size { rows: None, columns: 1 })),
            19 => one(&|size| size.rows.is_some_and(|rows| rows >= 3))
                .map(|(x, Size { columns, .. })| (Step::LookUp(x), Size { rows: None, columns })),
            20 => two(&|a, b| (a.rows == b.rows).then(|| Size { columns: 2 * a.columns + b.columns, ..a }))
                .filter(|(_, size)| size.columns <= 6)
                .map(|([a, b], size)| (Step::Concatenate(vec![a, b, a]), size)),
            21 => two(&|table, places| {
                let fits = table.rows.is_some_and(|rows| rows >= 3) && places.columns == 1;
                fits.then_some(Size { rows: places.rows, ..table })
            })
            .map(|(of, size)| (Step::LookUpAt(of), size)),
            22 if bits & 1 == 1 => one(&|size| size.columns > 1).map(|(x, Size { rows, columns })| {
                let start = bits / 2 % columns;
                let end = start + 1 + bits / 16 % (columns - start);
                (Step::Slice(x, start..end), Size { rows, columns: end - start })
            }),
            _ => one(&|_| true).map(|(of, size)| {
                let number = self.steps.iter().filter(|step| matches!(step, Step::Dropout { .. })).count();
                (Step::Dropout { rate: 0.3, number, of }, size)
            }),
        }
    }

    /// Whether the arguments of step `id` lie well within the domain of its function.
    fn is_defined(&self, id: usize, Evaluation { values, .. }: &Evaluation) -> bool {
        match &self.steps[id] {
            Step::Unary(f, x) => values[*x].iter().all(|x| f.domain.contains(x)),
            Step::Binary(f, [_, b]) if f.name == "div" => values[*b].iter().all(|b| b.abs() > 0.3),
            _ => true,
        }
    }

    /// Nearly everything that no other step uses counts, and two steps are seen from outside.
    fn choose_loss(&mut self, seed: u64) {
        let mut uniform = uniform(!seed);
        let used: Vec<usize> = self.steps.iter().flat_map(Step::args).collect();
        for id in (0..self.steps.len()).rev().filter(|id| !used.contains(id)) {
            if self.loss.is_empty() || uniform() < 0.8 {
                let total = if uniform() < 0.5 { Total::Sum } else { Total::Mean };
                self.loss.push((id, total, uniform() + 0.5));
            }
        }
        self.outputs = (0..2).map(|_| (uniform() * self.steps.len() as f64) as usize).collect();
    }
}

impl Step {
    fn args(&self) -> Vec<usize> {
        match self {
            Step::Input | Step::Param { .. } | Step::Constant(_) => vec![],
            Step::Unary(_, x) | Step::Reduce(_, _, x) | Step::LogSoftmax(x) | Step::Pick(x) => vec![*x],
            Step::LookUp(x) | Step::Slice(x, _) | Step::Dropout { of: x, .. } => vec![*x],
            Step::Binary(_, of) | Step::MatMul { of, .. } | Step::LookUpAt(of) => of.to_vec(),
            Step::Concatenate(parts) => parts.clone(),
        }
    }
}

fn broadcast(a: Size, b: Size) -> Option<Size> {
    let rows = if a.rows == Some(1) { b.rows } else { a.rows };
    let columns = a.columns.max(b.columns);
    let fits = |x: Size| (x.rows == rows || x.rows == Some(1)) && (x.columns == columns || x.columns == 1);
    (fits(a) && fits(b)).then_some(Size { rows, columns })
}

fn product(a: Size, transpose_a: bool, b: Size, transpose_b: bool) -> Option<Size> {
    let sides = |s: Size, t: bool| if t { (Some(s.columns), s.rows) } else { (s.rows, Some(s.columns)) };
    let ((rows, inner_a), (inner_b, columns)) = (sides(a, transpose_a), sides(b, transpose_b));
    (inner_a == inner_b).then_some(Size { rows, columns: columns? })
}
