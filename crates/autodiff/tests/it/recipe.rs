//! What `docs/ARCHITECTURE.md` says of this crate.

use std::fs;
use std::path::Path;

#[test]
fn the_recipe_for_a_new_op_shows_lines_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("../../docs/ARCHITECTURE.md")).unwrap();
    let (_, recipe) = page.split_once("### Adding an op").expect("there is a recipe");
    let (_, recipe) = recipe.split_once("```text\n").expect("it has an example");
    let (example, _) = recipe.split_once("```").expect("the example ends");
    assert!((5..=10).contains(&example.lines().count()), "an example of ten lines");
    for line in example.lines() {
        let (file, quoted) = line.split_once(' ').expect("a file and one of its lines");
        let source = fs::read_to_string(root.join(file)).unwrap();
        assert!(source.lines().any(|line| line.trim() == quoted.trim()), "{file} has no line {quoted}");
    }
}
