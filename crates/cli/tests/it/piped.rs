//! Rows that come one by one.

use crate::args;
use crate::run::{done, highwater, table};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// After so long nothing will come any more.
const NEVER: Duration = Duration::from_secs(120);

#[test]
fn rows_are_answered_while_others_are_to_come() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let short = args!["--hidden", "4", "--epochs", "2", "--stop", "never", "--refit", "no", "--quiet"];
    let run = args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder];
    done([run, short].concat());
    let all = done(args!["predict", &folder, "--data", table("iris.csv")]).out;

    let rows = std::fs::read_to_string(table("iris.csv")).unwrap();
    let rows: Vec<&str> = rows.split_inclusive('\n').collect();
    let mut child =
        highwater(args!["predict", &folder, "--data", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (answers, answered) = mpsc::channel();
    let reader = thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| answers.send(line))
    });
    let mut expected = all.lines();
    let mut piece = |text: &str, lines: usize| {
        to.write_all(text.as_bytes()).unwrap();
        for _ in 0..lines {
            let answer = answered.recv_timeout(NEVER).unwrap_or_else(|_| panic!("no answer to {text:?}"));
            assert_eq!(Some(answer.as_str()), expected.next());
        }
    };
    piece(rows[0], 0);
    piece(rows[1], 2);
    let (half, other) = rows[3].split_at(5);
    piece(&format!("{}{half}", rows[2]), 1);
    piece(other, 1);
    piece(&rows[4..].concat(), rows.len() - 4);
    drop(to);
    assert_eq!(answered.recv_timeout(NEVER), Err(mpsc::RecvTimeoutError::Disconnected));
    assert!(child.wait().unwrap().success());
    reader.join().unwrap().unwrap();
}

#[test]
fn a_pipe_with_a_name_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let short = args!["--hidden", "4", "--epochs", "2", "--refit", "no", "--quiet"];
    done(
        [args!["train", "--data", table("iris.csv"), "--target", "species", "--out", &folder], short]
            .concat(),
    );
    let file = std::fs::File::open(table("iris.csv")).unwrap();
    let mut cat = std::process::Command::new("cat").stdin(file).stdout(Stdio::piped()).spawn().unwrap();
    let mut predict = highwater(args!["predict", &folder, "--data", "/dev/stdin"]);
    let answered = predict.stdin(cat.stdout.take().unwrap()).output().unwrap();
    cat.wait().unwrap();
    let expected = done(args!["predict", &folder, "--data", table("iris.csv")]).out;
    assert_eq!(
        String::from_utf8(answered.stdout).unwrap(),
        expected,
        "{}",
        String::from_utf8_lossy(&answered.stderr)
    );
}
