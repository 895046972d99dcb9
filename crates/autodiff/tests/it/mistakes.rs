//! Mistakes end in a sentence that names what is wrong, with the shapes, where they are made.

use highwater_autodiff::{Feed, Graph, Mode, Workspace};
use ndarray::{Array2, ArrayView2};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// The file in which this thread panicked last.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}
static HOOK: Once = Once::new();

#[track_caller]
fn check(mistake: impl FnOnce(), expected: &str) {
    HOOK.call_once(|| {
        let print = take_hook();
        set_hook(Box::new(move |panic| {
            PLACE.set(panic.location().map_or_else(String::new, |place| place.file().to_owned()));
            print(panic);
        }));
    });
    let payload = catch_unwind(AssertUnwindSafe(mistake)).expect_err(expected);
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or(payload.downcast_ref::<&str>().copied()).expect("panics carry text");
    assert!(text.contains(expected), "{text:?} does not contain {expected:?}");
    let place = PLACE.take();
    assert!(place.ends_with("mistakes.rs"), "{text:?} is said to be in {place}");
}

#[test]
fn shapes_that_do_not_fit_panic_while_recording_with_both_shapes() {
    let g = Graph::new();
    let (x, y) = (g.input(4), g.input(3));
    let (w, column) = (g.param("w", [2, 3]), g.param("column", [2, 1]));
    let classes = g.indices();
    check(|| _ = x + y, "Add of batch×4 and batch×3");
    check(|| _ = y * w, "Mul of batch×3 and 2×3");
    check(|| _ = w / x, "Div of 2×3 and batch×4");
    check(|| _ = column - g.param("tall", [3, 1]), "Sub of 2×1 and 3×1");
    check(|| _ = x.matmul(w), "product (batch×4) · (2×3): inner sizes differ");
    check(|| _ = x.matmul_t(w), "product (batch×4) · (2×3)ᵀ: inner sizes differ");
    check(|| _ = w.t_matmul(x), "product (2×3)ᵀ · (batch×4): inner sizes differ");
    check(|| _ = w.t_matmul_t(y), "product (2×3)ᵀ · (batch×3)ᵀ: inner sizes differ");
    check(
        || _ = w.matmul_t(y),
        "product (2×3) · (batch×3)ᵀ: the result would have as many columns as the batch",
    );
    check(|| _ = x.concatenate(&[y, w]), "concatenation of batch×4 and 2×3: rows differ");
    check(|| _ = x.slice(2..6), "slice of batch×4: there are no columns 2..6");
    check(|| _ = x.slice(2..2), "slice of batch×4: there are no columns 2..2");
    check(|| _ = w.pick(classes), "pick from 2×3");
    check(|| _ = x.look_up(classes), "look-up in batch×4");
    check(|| _ = x.dropout(1.0), "a dropout rate lies within 0..1, not 1");
    check(|| _ = x.clamp(1.0, -1.0), "there is nothing within 1..=-1");
    check(|| _ = x.clamp(f64::NAN, 1.0), "there is nothing within NaN..=1");
    check(|| _ = g.constant([2, 3], &[1.0; 5]), "a constant 2×3 has 6 elements, and 5 are given");
    check(|| _ = g.input(0), "batch×0");
    check(|| _ = g.param("empty", [0, 3]), "0×3");
    check(|| _ = g.param_vector("w", 3), "a parameter named w");
    check(|| _ = g.compile(x.mean_over(highwater_autodiff::Axis::Rows), &[]), "a loss is 1×1, not 1×4");
    check(|| _ = x + Graph::new().input(4), "a value of another graph");
    check(|| _ = Graph::new().compile_forward(&[x]), "a value of another graph");
}

#[test]
fn what_a_run_is_given_is_checked_before_it_runs() {
    let g = Graph::new();
    let (x, classes, words) = (g.input(4), g.indices(), g.indices());
    let (w, table) = (g.param("w", [3, 4]), g.param("table", [5, 3]));
    let scores = x.matmul_t(w) + table.look_up(words);
    let program = g.compile(scores.pick(classes).mean(), &[scores]);
    let params = [0.5; 27];
    let (x, classes, words) = (Array2::<f64>::ones((6, 4)), [0, 1, 2, 0, 1, 2], [4, 0, 1, 2, 3, 4]);
    let good = [(&x).into(), Feed::Indices(&classes), Feed::Indices(&words)];
    let run = |ws: &mut Workspace<f64>, params: &[f64], feeds: &[Feed<'_, f64>]| {
        program.forward(ws, params, feeds, Mode::Evaluate);
    };
    let mistake = |feeds: &[Feed<'_, f64>], expected: &str| {
        check(|| run(&mut program.workspace(6), &params, feeds), expected);
    };
    let (short, wide, none) = (Array2::ones((5, 4)), Array2::ones((6, 5)), Array2::ones((0, 4)));
    let transposed = Array2::ones((4, 6));
    let [x_feed, classes_feed, words_feed] = good;
    mistake(&good[..2], "feed 2 (counted from 0) is missing: 2 are given");
    mistake(&[(&short).into(), classes_feed, words_feed], "feed 1 has 6 rows, the first has 5");
    mistake(&[(&wide).into(), classes_feed, words_feed], "feed 0 has 5 columns, the program takes 4");
    mistake(&[(&none).into(), classes_feed, words_feed], "a batch has at least one row");
    mistake(
        &[transposed.t().into(), classes_feed, words_feed],
        "feed 0 must be contiguous, row by row: `as_standard_layout` makes it so",
    );
    mistake(&[classes_feed, classes_feed, words_feed], "feed 0 must be a matrix, not indices");
    mistake(&[x_feed, x_feed, words_feed], "feed 1 must be indices, not a matrix");
    mistake(
        &[x_feed, Feed::Indices(&[0, 1, 2, 3, 0, 0]), words_feed],
        "feed 1: index 3 in row 3, but `pick` chooses from columns 0 to 2",
    );
    mistake(
        &[x_feed, classes_feed, Feed::Indices(&[0, 9, 1, 0, 0, 0])],
        "feed 2: index 9 in row 1, but the table of `look_up` has rows 0 to 4",
    );
    check(|| run(&mut program.workspace(5), &params, &good), "a batch of 6 rows, and the workspace is for 5");
    check(|| run(&mut program.workspace(6), &params[1..], &good), "the program has 27 parameters, not 26");
    check(|| _ = program.workspace::<f64>(0), "at least one row");

    let mut ws = program.workspace(6);
    check(|| _ = ws.loss(), "has not run yet");
    check(|| _ = ws.output(0), "has not run yet");
    check(
        || program.backward(&mut program.workspace(6), &params, &good, &mut [0.0; 27]),
        "backward on 6 rows after forward on 0",
    );
    run(&mut ws, &params, &good);
    check(|| program.backward(&mut ws, &params, &good, &mut [0.0; 26]), "as many gradients as parameters");
    check(|| _ = ws.output(1), "the program has 1 outputs, and none at 1");
    check(|| ws.copy_output(0, &mut [0.0; 17]), "output 0 is 6×3, and the target has 17 elements");
    program.backward(&mut ws, &params, &good, &mut [0.0; 27]);
}

#[test]
fn a_program_for_evaluation_has_the_loss_and_no_gradients() {
    let g = Graph::new();
    let y = g.input(2).matmul_t(g.param("weight", [3, 2]));
    let loss = -y.log_softmax().pick(g.indices()).mean();
    let (training, evaluation) = (g.compile(loss, &[y]), g.compile_evaluation(loss, &[y]));
    let rows: Vec<f64> = (0..400).map(|at| f64::from(at).sin()).collect();
    let x = ArrayView2::from_shape((200, 2), &rows).unwrap();
    let (params, classes) = ([0.3, -0.2, 0.5, 0.1, -0.4, 0.6], vec![1; 200]);
    let feeds: [Feed<'_, f64>; 2] = [x.into(), (&classes).into()];
    let (mut trained, mut tried) = (training.workspace(200), evaluation.workspace(200));
    training.forward(&mut trained, &params, &feeds, Mode::Evaluate);
    evaluation.forward(&mut tried, &params, &feeds, Mode::Evaluate);
    assert_eq!(tried.loss(), trained.loss());
    assert_eq!(tried.output(0), trained.output(0));
    assert!(evaluation.workspace_bytes::<f64>(200) < training.workspace_bytes::<f64>(200));
    let backward = || evaluation.backward(&mut tried, &params, &feeds, &mut [0.0; 6]);
    check(backward, "compiled with a loss, by `compile`, has gradients");
    check(|| _ = g.compile_evaluation(y, &[]), "a loss is 1×1, not batch×3");
}

#[test]
fn programs_are_not_mixed_up() {
    let g = Graph::new();
    let x = g.input(2);
    let (double, square) = (g.compile_forward(&[x * 2.0]), g.compile_forward(&[x.square()]));
    let batch: ArrayView2<'_, f64> = ArrayView2::from_shape((1, 2), &[1.0, 3.0]).unwrap();
    let mut ws = double.workspace(1);
    check(|| square.forward(&mut ws, &[], &[batch.into()], Mode::Evaluate), "a workspace of another program");
    double.clone().forward(&mut ws, &[], &[batch.into()], Mode::Evaluate);
    check(|| double.backward(&mut ws, &[], &[batch.into()], &mut []), "compiled with a loss");
    check(|| _ = ws.loss(), "compiled with a loss");
}
