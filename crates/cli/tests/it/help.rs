//! What is printed, and where.

use crate::args;
use crate::run::{done, run, table};

#[test]
fn help_is_everywhere_and_names_every_argument() {
    for (command, words) in [
        ("", "train resume init evaluate predict report replay proben1 checkpoints completions"),
        (
            "train",
            "best.safetensors Examples: --data --target --task --config --set --out --seed --column --missing --indicators --delimiter --header \
             --skip-lines --validation --test --group --time --folds --refit --class-weights --hidden --activation --dropout --optimizer \
             --learning-rate --momentum --weight-decay --clip-norm --batch-size --validate-every --epochs --stop \
             --monitor --select --non-finite --keep-last --keep-best --keep-every --keep-minutes --on-save-failure --threads --quiet --json",
        ),
        (
            "resume",
            "<RUN> sound --from --prove --on-save-failure --data --epochs --stop --monitor --select --non-finite --threads --quiet --json",
        ),
        ("evaluate", "<RUN> --data --split --json"),
        ("predict", "<RUN> --data --out --write"),
        ("init", "<DATA> --target --out --names --header --delimiter --skip-lines --missing"),
        ("report", "<RUN>... --out"),
        (
            "replay",
            "<HISTORY>... --stop --validation --training --epoch --step --time --goal --non-finite --summary --json",
        ),
        (
            "proben1",
            ".dt Examples: --data --problems --runs --shortcuts --stop --backtracking --initial-steps --initial-weights --epochs --seed --study --plot --threads --quiet --json",
        ),
        ("checkpoints", "ls show verify diff pin unpin gc export import migrate"),
        ("checkpoints ls", "<RUN> --json"),
        ("checkpoints show", "<CHECKPOINT> --json"),
        ("checkpoints verify", "<CHECKPOINT> --json"),
        ("checkpoints diff", "<A> <B> --json"),
        ("checkpoints pin", "<CHECKPOINTS>... --json"),
        ("checkpoints unpin", "<CHECKPOINTS>... --json"),
        (
            "checkpoints gc",
            "<RUN> --keep-last --keep-best --keep-every --keep-minutes --explain --dry-run --json",
        ),
        ("checkpoints export", "<CHECKPOINT> --to safetensors onnx --out --json"),
        ("checkpoints import", "<FILE> --like --out --rename --json"),
        ("checkpoints migrate", "<CHECKPOINT> --dry-run --json"),
    ] {
        let said = done(command.split_whitespace().chain(["--help"]));
        for word in words.split_whitespace() {
            assert!(said.out.contains(word), "{command} --help does not mention {word}:\n{}", said.out);
        }
        assert_eq!(said.err, "");
    }
}

#[test]
fn a_quiet_run_prints_nothing_and_json_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let args = |name: &str, last: &str| {
        let data = table("iris.csv");
        args![
            "train",
            "--data",
            data,
            "--target",
            "species",
            "--epochs",
            "3",
            "--out",
            dir.path().join(name),
            last
        ]
    };
    let quiet = done(args("quiet", "--quiet"));
    assert_eq!((quiet.out, quiet.err), (String::new(), String::new()));
    let json = done(args("json", "--json"));
    assert_eq!(json.json()["epochs"], 3);
    assert!(json.err.contains("epoch 3/3"), "{json:?}");
}

#[test]
fn the_summary_says_why_what_and_where() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let said = done(args![
        "train",
        "--data",
        table("iris.csv"),
        "--target",
        "species",
        "--stop",
        "epochs(3)",
        "--out",
        &out
    ]);
    for text in
        ["Stopped at epoch 3 of at most 500", "kept   the model of epoch", "validation", "test", "accuracy"]
    {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
    assert!(!said.err.contains("Stopped"), "once is enough: {}", said.err);
    assert!(said.out.contains(&format!("\nFiles in {}\n", out.display())), "{}", said.out);
    for name in ["best.safetensors", "report.html", "history.csv", "checkpoints"] {
        assert!(said.out.contains(&format!("\n  {name}")), "{name}: {}", said.out);
    }
    for line in said.out.lines().filter_map(|line| line.trim().strip_prefix("cargo xtask ")) {
        let words = line.split("  ").next().unwrap().split(' ');
        assert_ne!(run(words).code, Some(2), "the suggested command has wrong arguments: {line}");
    }
}

#[test]
fn without_out_a_run_gets_the_next_free_folder() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["iris-1", "iris-2"] {
        let args =
            args!["train", "--data", table("iris.csv"), "--target", "species", "--epochs", "1", "--quiet"];
        let status = crate::run::highwater(args).current_dir(dir.path()).status().unwrap();
        assert!(status.success());
        assert!(dir.path().join("runs").join(name).join("best.safetensors").exists());
    }
}
