//! What is printed, and where.

use crate::args;
use crate::run::{Said, done, highwater, run, table};

#[test]
fn help_is_everywhere_and_names_every_argument() {
    for (command, words) in [
        ("", "train resume init evaluate predict report replay proben1 checkpoints completions"),
        (
            "train",
            "best.safetensors Examples: --data --target --task --config --set --out --seed --column --missing --missing-only --indicators --delimiter --header \
             --skip-lines --validation --test --group --time --folds --refit --class-weights --hidden --activation --dropout --optimizer \
             --learning-rate --momentum --weight-decay --clip-norm --batch-size --validate-every --epochs --stop \
             --monitor --select --non-finite --keep-last --keep-best --keep-every --keep-minutes --on-save-failure --threads --quiet --json",
        ),
        (
            "resume",
            "<RUN> sound --from --prove --on-save-failure --data --epochs --stop --monitor --select --non-finite --threads --quiet --json",
        ),
        ("evaluate", "<RUN> --data --split --json"),
        ("predict", "<RUN> --data --out --write --keep"),
        (
            "init",
            "<DATA> --target --out --json --names --header --delimiter --skip-lines --missing --missing-only",
        ),
        ("report", "<RUN>... --out --json"),
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
        ("checkpoints verify", "<CHECKPOINT> --quiet --json"),
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

/// The help of each command, and of the program itself.
fn helps() -> Vec<(&'static str, String)> {
    let commands = [
        "",
        "train",
        "resume",
        "init",
        "evaluate",
        "predict",
        "report",
        "replay",
        "proben1",
        "completions",
        "checkpoints",
        "checkpoints ls",
        "checkpoints show",
        "checkpoints verify",
        "checkpoints diff",
        "checkpoints pin",
        "checkpoints unpin",
        "checkpoints gc",
        "checkpoints export",
        "checkpoints import",
        "checkpoints migrate",
    ];
    let help = |command: &'static str| (command, done(command.split_whitespace().chain(["--help"])).out);
    commands.into_iter().map(help).collect()
}

#[test]
fn the_prose_of_a_help_is_broken_only_where_a_line_is_full() {
    for (command, help) in helps() {
        let lines: Vec<&str> = help.lines().collect();
        for pair in lines.windows(2) {
            let prose = pair.iter().all(|line| !line.is_empty() && !line.starts_with(' '));
            if !prose || pair[0].ends_with(['.', ':']) {
                continue;
            }
            let next = pair[1].split(' ').next().unwrap();
            let together = pair[0].chars().count() + 1 + next.chars().count();
            assert!(together > 100, "{command} --help breaks after {:?}", pair[0]);
        }
        let longest = lines.iter().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100), "{command} --help has a line of {longest:?}");
    }
}

#[test]
fn options_stand_under_what_they_are_about_with_their_own_defaults() {
    let section = |help: &str, heading: &str| -> String {
        let after = help.split_once(&format!("\n{heading}:\n")).unwrap().1;
        let own = after.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
        own.collect::<Vec<_>>().join("\n")
    };
    let train = done(["train", "--help"]).out;
    for (heading, names) in [
        ("Rows", "--validation --test --group --time --folds --refit"),
        ("Network", "--hidden --activation --dropout"),
        ("Training", "--optimizer --learning-rate --batch-size --class-weights"),
        ("Stopping and keeping", "--epochs --stop --monitor --select --non-finite --on-save-failure"),
        ("Checkpoints", "--keep-last --keep-best --keep-every --keep-minutes"),
        ("Running", "--threads --quiet --json"),
    ] {
        let found = section(&train, heading);
        let count = found.lines().filter(|line| line.trim_start().starts_with("--")).count();
        assert!(names.split(' ').all(|name| found.contains(name)), "{heading}: {found}");
        assert!(heading != "Rows" || count == names.split(' ').count(), "{heading}: {found}");
    }
    assert!(train.contains("[default: 'patience(20, min_delta=0.002)']"), "{train}");
    let resume = done(["resume", "--help"]).out;
    let found = section(&resume, "Stopping and keeping");
    let options = found.lines().filter(|line| line.trim_start().starts_with("--")).count();
    let words = found.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!((options, words.matches("[default: as the run]").count()), (6, 6), "{found}");
    assert_eq!(found.matches("[default").count(), 6, "{found}");
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
    let next: Vec<&str> =
        said.out.lines().filter_map(|line| line.get(6..)?.strip_prefix("cargo xtask ")).collect();
    assert_eq!(next.len(), 2, "{}", said.out);
    for line in next {
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

#[test]
fn an_installed_program_names_itself_in_what_it_proposes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let train =
        args!["train", "--data", table("iris.csv"), "--target", "species", "--epochs", "1", "--out", &out];
    let said = Said::of(highwater(train).env_remove("CARGO_PKG_NAME").output().unwrap());
    assert!(said.out.contains("\nNext  highwater evaluate ") && !said.out.contains("cargo"), "{said:?}");
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("highwater train --data ") && !page.contains("cargo xtask"));
}

/// What is said to arguments that there are not, by an installed program.
fn refused<const N: usize>(args: [&str; N]) -> String {
    let said = Said::of(highwater(args).env_remove("CARGO_PKG_NAME").output().unwrap());
    assert_eq!(said.code, Some(2), "{said:?}");
    said.err
}

#[test]
fn flags_of_other_programs_are_told_by_their_names_here() {
    for (args, flag) in [
        (["train", "--patience", "3"], "'--stop 'patience(N)''"),
        (["train", "--layers", "3"], "'--hidden'"),
        (["train", "--max_epochs", "3"], "'--epochs'"),
        (["train", "--epoch", "3"], "'--epochs'"),
        (["predict", "--output", "x"], "'--out'"),
    ] {
        let err = refused(args);
        assert!(err.contains(&format!("tip: a similar argument exists: {flag}")), "{args:?}: {err}");
    }
    // Where there is no such flag, none is made up.
    assert!(!refused(["predict", "--patience", "3"]).contains("--stop"));
}

#[test]
fn a_flag_of_another_job_is_told_where_it_belongs() {
    for (args, told) in [
        (["init", "--data", "x.csv"], "The table needs no flag: highwater init FILE"),
        (["predict", "--skip-lines", "1"], "--skip-lines is for `highwater train`: a run remembers"),
        (["resume", "--hidden", "3"], "--hidden is for `highwater train`"),
        (["evaluate", "--target", "x"], "--target is for `highwater train`"),
    ] {
        let err = refused(args);
        assert!(err.contains(told) && !err.contains("as a value"), "{args:?}: {err}");
    }
    // What no job has is not said to be of another.
    assert!(!refused(["predict", "--nonsense", "3"]).contains("train`"));
}
