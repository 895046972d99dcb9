//! Dropout: which elements stay is a function of the key and of their place, and of nothing else.

use highwater_autodiff::{Graph, Mode};
use ndarray::Array2;

const ROWS: usize = 500;
const COLUMNS: usize = 40;
const TRAIN: Mode = Mode::Train { key: 11 };

/// Two dropouts, one after another in the graph, of ones.
fn masks(rate: f64, mode: Mode, tile_rows: usize) -> [Array2<f32>; 2] {
    let g = Graph::new();
    let x = g.input(COLUMNS);
    let program = g.compile_forward(&[x.dropout(rate), x.dropout(rate)]);
    let mut ws = program.workspace_with_tile_rows(ROWS, tile_rows);
    program.forward(&mut ws, &[], &[(&Array2::ones((ROWS, COLUMNS))).into()], mode);
    [ws.output(0), ws.output(1)]
}

/// How many elements are zero in both or in neither.
fn agreement(a: &Array2<f32>, b: &Array2<f32>) -> f64 {
    let same = a.iter().zip(b).filter(|&(&a, &b)| (a == 0.0) == (b == 0.0)).count();
    same as f64 / a.len() as f64
}

#[test]
fn elements_are_zeroed_at_the_given_rate_and_the_others_scaled() {
    for rate in [0.0, 0.05, 0.3, 0.5, 0.9] {
        for key in 0..5 {
            let [mask, _] = masks(rate, Mode::Train { key }, ROWS);
            let scale = (1.0 / (1.0 - rate)) as f32;
            assert!(mask.iter().all(|&m| m == 0.0 || m == scale), "rate {rate}");
            // Five standard deviations, for the whole and for each column.
            let within = |zeros: usize, of: usize| {
                let deviation = (zeros as f64 / of as f64 - rate).abs();
                assert!(
                    deviation <= 5.0 * (rate * (1.0 - rate) / of as f64).sqrt(),
                    "rate {rate}: {zeros} of {of}"
                );
            };
            within(mask.iter().filter(|&&m| m == 0.0).count(), mask.len());
            mask.columns().into_iter().for_each(|c| within(c.iter().filter(|&&m| m == 0.0).count(), ROWS));
        }
    }
}

#[test]
fn the_same_key_gives_the_same_mask_however_rows_are_tiled() {
    let expected = masks(0.4, TRAIN, ROWS);
    for tile_rows in [1, 7, 16, 499] {
        assert_eq!(masks(0.4, TRAIN, tile_rows), expected, "tiles of {tile_rows}");
    }
}

#[test]
fn other_keys_and_other_dropouts_have_unrelated_masks() {
    let [first, second] = masks(0.5, TRAIN, ROWS);
    let [third, _] = masks(0.5, Mode::Train { key: 12 }, ROWS);
    let shifted = Array2::from_shape_fn(first.dim(), |(r, c)| first[[(r + 1) % ROWS, c]]);
    for (what, other) in [("dropout", &second), ("key", &third), ("row", &shifted)] {
        let same = agreement(&first, other);
        assert!((same - 0.5).abs() < 0.02, "another {what}: {same} agree");
    }
}

#[test]
fn what_else_a_program_computes_does_not_change_its_masks() {
    let g = Graph::new();
    let x = g.input(COLUMNS);
    let (first, second) = (x.tanh().exp().dropout(0.4), x.dropout(0.4));
    let loss = (first + second).mean();
    let ones = Array2::<f32>::ones((ROWS, COLUMNS));
    for program in
        [g.compile_forward(&[second]), g.compile(loss, &[second]), g.compile(loss, &[second, first])]
    {
        let mut ws = program.workspace(ROWS);
        program.forward(&mut ws, &[], &[(&ones).into()], TRAIN);
        assert_eq!(ws.output(0), masks(0.4, TRAIN, ROWS)[1]);
    }
}

#[test]
fn without_training_it_is_the_identity_with_slope_one() {
    let g = Graph::new();
    let x = g.param("x", [3, 4]);
    let y = x.dropout(0.7);
    let program = g.compile(y.sum(), &[y]);
    let mut ws = program.workspace::<f64>(1);
    let params: Vec<f64> = (0..12).map(f64::from).collect();
    let mut gradients = vec![0.0; 12];
    program.forward(&mut ws, &params, &[], Mode::Evaluate);
    program.backward(&mut ws, &params, &[], &mut gradients);
    assert_eq!(ws.output(0).into_raw_vec_and_offset().0, params);
    assert_eq!(gradients, [1.0; 12]);
}

#[test]
fn gradients_pass_where_elements_stayed() {
    let g = Graph::new();
    let x = g.param("x", [8, 8]);
    let y = x.dropout(0.5);
    let program = g.compile(y.sum(), &[y]);
    let mut ws = program.workspace::<f64>(1);
    let mut gradients = vec![0.0; 64];
    program.forward(&mut ws, &[1.0; 64], &[], TRAIN);
    program.backward(&mut ws, &[1.0; 64], &[], &mut gradients);
    assert_eq!(gradients, ws.output(0).into_raw_vec_and_offset().0);
    assert!(gradients.contains(&0.0) && gradients.contains(&2.0));
}
