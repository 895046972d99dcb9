//! A program in print.

use crate::nets::{classifier, dense};
use highwater_autodiff::{Axis, Graph, Program, Var};

#[track_caller]
fn check(program: &Program, expected: &str) {
    let found = format!("{program:?}");
    assert!(found == expected, "expected\n{expected}\nfound\n{found}");
}

#[test]
fn a_classifier_in_print() {
    check(
        &classifier(&[4, 8, 3]),
        "\
stage 0, for each tile of rows
  %3   batch×8  Linear Relu(feed 0, 0.weight, 0.bias)  ∂ 0.weight, 0.bias
  %6   batch×3  Linear(%3, 1.weight, 1.bias)           ∂ %3, 1.weight, 1.bias
  %7   batch×3  LogSoftmax(%6)                         ∂ %6
  %9   batch×1  Pick(%7, feed 1)                       ∂ %7
  %10  1×1      Mean over Rows(%9), in parts           ∂ %9
stage 1, once
  %10  1×1  join the parts
  %11  1×1  Neg(%10)  ∂ %10
loss %11
outputs %6
",
    );
}

#[test]
fn a_program_with_a_mean_over_the_batch_in_print() {
    let g = Graph::new();
    let x = g.input(4);
    let y = dense(x, &[4, 2], Var::tanh);
    let centred = y - y.mean_over(Axis::Rows);
    let program = g.compile((centred * centred).dropout(0.5).sum() / 2.0, &[centred]);
    check(
        &program,
        "\
stage 0, for each tile of rows
  %3  batch×2  Linear(feed 0, 0.weight, 0.bias)  ∂ 0.weight, 0.bias
  %4  1×2      Mean over Rows(%3), in parts      ∂ +%3
stage 1, once
  %4  1×2  join the parts
stage 1, for each tile of rows
  %5  batch×2  Sub(%3, %4)                  ∂ %3, %4
  %6  batch×2  Mul(%5, %5)                  ∂ %5, +%5
  %7  batch×2  Dropout 0.5(%6)              ∂ %6
  %8  batch×1  Sum over Columns(%7)         ∂ %7
  %9  1×1      Sum over Rows(%8), in parts  ∂ %8
stage 2, once
  %9   1×1  join the parts
  %10  1×1  Scale(0.5)(%9)  ∂ %9
loss %10
outputs %5
",
    );
}

#[test]
fn a_product_is_fused_with_its_bias_on_either_side_unless_another_one_needs_it() {
    let g = Graph::new();
    let (x, w, b) = (g.input(4), g.param("w", [2, 4]), g.param_vector("b", 2));
    let product = x.matmul_t(w);
    check(
        &g.compile_forward(&[b + product]),
        "\
stage 0, for each tile of rows
  %3  batch×2  Linear(feed 0, w, b)
outputs %3
",
    );
    check(
        &g.compile_forward(&[product + b, product]),
        "\
stage 0, for each tile of rows
  %3  batch×2  MatMulT(feed 0, w)
  %4  batch×2  Add(%3, b)
outputs %4, %3
",
    );
    let z = b + product;
    check(
        &g.compile_forward(&[z.relu(), z]),
        "\
stage 0, for each tile of rows
  %3  batch×2  Linear(feed 0, w, b)
  %4  batch×2  Relu(%3)
outputs %4, %3
",
    );
    // One for each row is no bias.
    check(
        &g.compile_forward(&[product + g.input(2)]),
        "\
stage 0, for each tile of rows
  %2  batch×2  MatMulT(feed 0, w)
  %4  batch×2  Add(%2, feed 1)
outputs %4
",
    );
}

#[test]
fn what_no_root_needs_is_neither_computed_nor_in_the_way() {
    let g = Graph::new();
    let (x, w, b) = (g.input(4), g.param("w", [2, 4]), g.param_vector("b", 2));
    let product = x.matmul_t(w);
    // Nobody asks for this one, which must not keep the product from being fused.
    let _ = product.square().sum();
    check(
        &g.compile_forward(&[product + b]),
        "\
stage 0, for each tile of rows
  %3  batch×2  Linear(feed 0, w, b)
outputs %3
",
    );
}

#[test]
fn memory_prints_what_it_is_for_and_not_what_is_in_it() {
    let program = classifier(&[4, 8, 3]);
    let workspace = program.workspace::<f32>(32);
    assert_eq!(format!("{workspace:?}"), "Workspace { max_rows: 32, rows: 0, .. }");
    let squares = program.row_squares::<f32>(32).unwrap();
    assert_eq!(format!("{squares:?}"), "RowSquares { covered: [0..32, 32..40, 40..64, 64..67], .. }");
}
