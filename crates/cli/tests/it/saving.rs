//! Saving and resuming as `docs/saving.md` tells it.

use crate::args;
use crate::run::{Said, assert_same, checkpoints, done, highwater, run, table, tree};
use highwater_checkpoint::Folder;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn iris(out: &Path, epochs: &str) -> Vec<OsString> {
    let data = table("iris.csv");
    let all = ["--hidden", "8", "--dropout", "0.1", "--stop", "never", "--keep-every", "1", "--quiet"];
    [
        args!["train", "--data", data, "--target", "species", "--epochs", epochs, "--out", out],
        all.map(OsString::from).to_vec(),
    ]
    .concat()
}

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/saving.md");
    let text = fs::read_to_string(guide).unwrap();
    let blocks: Vec<&str> =
        text.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 6);
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "set -e\ncargo() {{ shift; \"$HIGHWATER\" \"$@\"; }}\n{}",
        blocks.join("echo ==== >&2; echo ====\n")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .env("HIGHWATER", env!("CARGO_BIN_EXE_highwater"))
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = Said::of(output);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let [train, resume, verify, branch, proof, tools] = said.out.split("====\n").collect::<Vec<_>>()[..]
    else {
        panic!("{said:#?}")
    };
    assert!(train.contains("  disk   7 checkpoints, "), "{train}");
    assert_eq!(train.matches("checkpoints/step-").count(), 7, "{train}");
    assert!(resume.contains("  disk   2 checkpoints, "), "{resume}");
    assert_eq!(verify.matches("sound ").count(), 11, "{verify}");
    for line in [
        "├ runs/demo/checkpoints/step-00000120.b1.safetensors  from step-00000120.safetensors",
        "│ runs/demo/checkpoints/step-00000160.b1.safetensors",
        "  runs/demo/checkpoints/step-00000320.safetensors",
    ] {
        assert!(branch.contains(line), "{branch}");
    }
    assert!(proof.starts_with("the same bits: steps 161 to 200 trained again in "), "{proof}");
    for words in [
        "not finite",
        "ULPs",
        "one of the newest 2",
        "onnxruntime",
        "nn.Linear(60, 256)",
        "runs/imported: a run",
    ] {
        assert!(tools.contains(words), "{words}: {tools}");
    }
}

fn signal(child: &Child, name: &str) {
    let command = format!("kill -{name} {} 2> /dev/null", child.id());
    _ = Command::new("sh").args(["-c", &command]).status().unwrap();
}

/// Sends a signal, or several one after the other, some time after so many validations, and waits for the end.
fn signalled(args: Vec<OsString>, name: &str, validations: usize, later: Duration) -> Said {
    let mut child = highwater(args).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    let mut seen = 0;
    while seen < validations {
        let mut line = String::new();
        assert!(progress.read_line(&mut line).unwrap() > 0, "it ended too early");
        seen += usize::from(line.starts_with("epoch"));
    }
    std::thread::sleep(later);
    name.split(' ').for_each(|name| signal(&child, name));
    let mut rest = String::new();
    progress.read_to_string(&mut rest).unwrap();
    let said = Said::of(child.wait_with_output().unwrap());
    Said { err: rest, ..said }
}

/// More than any test waits for: a run that is to be ended in its midst must not come to its end before.
const ENDLESS: u64 = 100_000_000;

fn of_epochs(epochs: u64, out: &Path) -> Vec<OsString> {
    let epochs = epochs.to_string();
    let words = ["--hidden", "16", "--validate-every", "3", "--epochs", &epochs, "--stop", "never"];
    let data = table("iris.csv");
    let run = args!["train", "--data", data, "--target", "species", "--out", out];
    [run, words.map(OsString::from).to_vec()].concat()
}

/// Some epochs after what was saved, if anything was.
fn a_little_later(run: &Path) -> u64 {
    Folder::new(run.join("checkpoints")).latest().unwrap().0.map_or(0, |saved| saved.facts().epoch) + 2
}

#[test]
fn each_signal_saves_within_a_step_and_the_run_goes_on_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    // What a terminal sends that closes, and the system after it.
    let hangup = (!hangup_is_ignored()).then_some("HUP HUP TERM");
    for name in ["INT", "TERM"].into_iter().chain(hangup) {
        let folder = dir.path().join(name);
        let said = signalled(of_epochs(ENDLESS, &folder), name, 3, Duration::ZERO);
        assert_eq!(said.code, Some(130), "{said:?}");
        assert!(said.out.contains("Interrupted") && said.out.contains("  disk  "), "{said:?}");
        done(args!["checkpoints", "verify", &folder]);
        done(args!["resume", &folder, "--prove"]);
        let (epochs, whole) = (a_little_later(&folder), dir.path().join(format!("{name} whole")));
        done(args!["resume", &folder, "--epochs", epochs.to_string()]);
        done(of_epochs(epochs, &whole));
        assert_same(&folder, &whole);
    }
}

/// Whether this process, and with it whatever it starts, is run as by `nohup`.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}

#[test]
fn a_run_that_a_hangup_is_not_to_end_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_highwater")])
        .args(of_epochs(ENDLESS, &folder))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    (0..3).for_each(|_| _ = progress.read_line(&mut String::new()).unwrap());
    signal(&child, "HUP");
    // What ends a run lets it take a step more, not hundreds.
    let validations = || fs::read_to_string(folder.join("history.csv")).unwrap().lines().count();
    let enough = validations() + 100;
    while validations() < enough {
        assert!(child.try_wait().unwrap().is_none(), "the hangup has ended it");
        std::thread::yield_now();
    }
    signal(&child, "INT");
    progress.read_to_string(&mut String::new()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_signal_during_an_evaluation_breaks_it_off_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // One step and then the validation rows, most of the table, in several passes.
    let slow = |epochs: u64, out: &Path| {
        let words = "--hidden 700,700 --validation 0.9 --test 0.02 --batch-size 500 --optimizer sgd --threads 1 \
                     --stop never --refit no";
        let words = words.split_whitespace().map(OsString::from).collect();
        [args!["train", "--out", out, "--epochs", epochs.to_string()], words].concat()
    };
    let mut broken_off = 0;
    // A little later each time, as nothing tells from outside when an evaluation begins.
    for (number, name) in ["TERM", "INT"].into_iter().cycle().take(12).enumerate() {
        let folder = dir.path().join(number.to_string());
        let said = signalled(slow(ENDLESS, &folder), name, 1, Duration::from_millis(20 * number as u64));
        assert_eq!(said.code, Some(130), "{said:?}");
        let newest = Folder::new(folder.join("checkpoints")).latest().unwrap().0.unwrap();
        // A step that is the last of its epoch and has no score: its validation was under way, or about to begin.
        broken_off += u32::from(newest.facts().step > 0 && newest.facts().score.is_none());
        if number < 2 {
            let (epochs, whole) = (a_little_later(&folder), dir.path().join(format!("{number} whole")));
            done(args!["resume", &folder, "--epochs", epochs.to_string()]);
            done(slow(epochs, &whole));
            assert_same(&folder, &whole);
        }
        if broken_off >= 2 && number >= 1 {
            break;
        }
    }
    assert!(broken_off > 0);
}

#[test]
fn a_proof_changes_nothing_and_names_the_first_number_that_differs() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let before = tree(&folder);
    let said = done(args!["resume", &folder, "--prove"]);
    // 105 rows in batches of 32.
    assert!(said.out.starts_with("the same bits: steps 13 to 16 trained again in "), "{said:?}");
    assert!(said.out.contains("from step-00000012.safetensors to step-00000016.safetensors"), "{said:?}");
    assert_eq!((said.out.matches('\n').count(), said.err.as_str()), (1, ""));
    let json = done(args!["resume", &folder, "--prove", "--json"]).json();
    // Two layers of weights and biases, and two slots of Adam for each.
    assert_eq!((&json["same"], &json["arrays"], &json["numbers"]), (&true.into(), &12.into(), &201.into()));
    assert!(tree(&folder) == before);

    let file = folder.join("config.toml");
    let config = fs::read_to_string(&file).unwrap();
    let other = config.replace("learning_rate = 0.001", "learning_rate = 0.0011");
    assert_ne!(config, other);
    fs::write(&file, other).unwrap();
    let said = run(args!["resume", &folder, "--prove"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
    assert!(said.err.contains("step 12 does not lead to step 16 as it was saved: `model.0."), "{said:?}");
    assert!(said.err.contains(" ULPs; at "), "{said:?}");
    let said = run(args!["resume", &folder, "--prove", "--json"]);
    assert_eq!(said.code, Some(1));
    let json = said.json();
    assert_eq!(json["same"], false);
    assert!(json["differences"][0]["ulps"].as_u64().unwrap() > 0, "{json}");

    fs::write(&file, config).unwrap();
    let files = checkpoints(&folder);
    files[..4].iter().for_each(|file| fs::remove_file(file).unwrap());
    let said = run(args!["resume", &folder, "--prove"]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("no two checkpoints"), "{said:?}");
    let said = run(args!["resume", &folder, "--prove", "--epochs", "9"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn going_back_begins_a_branch_that_is_shown_and_overwrites_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    done(iris(&folder, "4"));
    let trunk: Vec<(PathBuf, Vec<u8>)> =
        checkpoints(&folder).into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect();
    let from = folder.join("checkpoints/step-00000008.safetensors");
    let lines = |json: bool| {
        let mut args = args!["checkpoints", "ls", &folder];
        args.extend(json.then(|| "--json".into()));
        done(args).out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let straight = lines(false);
    assert!(straight.iter().all(|line| !line.contains('├')), "{straight:?}");
    done(args!["resume", &folder, "--from", &from, "--epochs", "3", "--quiet"]);
    done(args!["resume", &folder, "--prove"]);
    for (file, bytes) in &trunk {
        assert!(fs::read(file).unwrap() == *bytes, "{}", file.display());
    }
    let shown = lines(false);
    let place = |text: &str| shown.iter().position(|line| line.contains(text)).unwrap();
    assert_eq!(place("├"), place("step-00000008.safetensors") + 1 - usize::from(shown[1].contains('├')));
    assert!(shown[place("├")].ends_with("step-00000008.b1.safetensors  from step-00000008.safetensors"));
    assert!(place("step-00000012.b1") < place("step-00000012.safetensors"), "{shown:?}");
    let json: Vec<serde_json::Value> =
        lines(true).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(json.len(), 7);
    let branch: Vec<_> = json.iter().filter(|line| line["branch"] == 1).collect();
    assert_eq!(branch.len(), 2);
    assert!(branch.iter().all(|line| line["parent"] == "step-00000008.safetensors"));
}

#[test]
fn what_is_kept_and_what_a_failure_does_is_in_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let last = ["--keep-every", "8", "--keep-minutes", "90", "--on-save-failure", "wait"];
    let words: Vec<OsString> =
        iris(&folder, "6").into_iter().filter(|word| word != "--keep-every" && word != "1").collect();
    done([words, last.map(OsString::from).to_vec()].concat());
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    for line in ["keep_every = 8", "keep_minutes = 90", "on_failure = \"wait\""] {
        assert!(config.contains(line), "{config}");
    }
    let kept = checkpoints(&folder);
    for step in [0, 8, 16, 20, 24] {
        assert!(kept.contains(&folder.join(format!("checkpoints/step-{step:08}.safetensors"))), "{kept:?}");
    }
    assert!(!kept.contains(&folder.join("checkpoints/step-00000004.safetensors")), "{kept:?}");
    let report = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.contains("--keep-every 8 --keep-minutes 90 --on-save-failure wait"));
    done(args!["resume", &folder, "--on-save-failure", "stop", "--quiet"]);
    let config = fs::read_to_string(folder.join("config.toml")).unwrap();
    assert!(config.contains("on_failure = \"stop\""), "{config}");
    let said = run(args!["resume", &folder, "--on-save-failure", "panic"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("is none of warn, stop, wait"), "{said:?}");
}

#[test]
fn a_signal_while_the_model_of_all_rows_is_made_leaves_at_once_and_resuming_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    // The page is the last that is written before; while a run goes on, it loads itself again.
    let ended = |page: String| page.ends_with("</html>") && !page.contains("http-equiv=\"refresh\"");
    let words = ["--hidden", "900,900", "--stop", "never", "--threads", "1", "--quiet"];
    // Twice as long each time, until the model is not made before the signal comes.
    let (folder, said) = (3..8)
        .find_map(|power| {
            let folder = dir.path().join(power.to_string());
            let epochs = (1 << power).to_string();
            let data = table("iris.csv");
            let run =
                args!["train", "--data", data, "--target", "species", "--epochs", epochs, "--out", &folder];
            let mut child = highwater([run, words.map(OsString::from).to_vec()].concat()).spawn().unwrap();
            while !fs::read_to_string(folder.join("report.html")).is_ok_and(ended) {
                if child.try_wait().unwrap().is_some() {
                    return None;
                }
                std::thread::yield_now();
            }
            signal(&child, "TERM");
            let said = Said::of(child.wait_with_output().unwrap());
            (said.code != Some(0)).then_some((folder, said))
        })
        .expect("it ends while the model is made");
    assert_eq!(said.code, Some(130), "{said:?}");
    for words in ["best.safetensors", "final.safetensors", "not made", "cargo xtask resume "] {
        assert!(said.err.contains(words), "{said:?}");
    }
    let all = folder.join("final.safetensors");
    assert!(!all.exists());
    done(args!["resume", &folder, "--quiet"]);
    assert!(all.exists());
}

#[test]
fn a_run_whose_folder_is_moved_ends_and_goes_on_where_it_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, folder, moved) = (dir.path().join("whole"), dir.path().join("run"), dir.path().join("moved"));
    let mut child = highwater(of_epochs(ENDLESS, &folder)).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    (0..3).for_each(|_| _ = progress.read_line(&mut String::new()).unwrap());
    fs::rename(&folder, &moved).unwrap();
    let mut rest = String::new();
    progress.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    let error = rest.lines().last().unwrap();
    assert!(error.starts_with("error: ") && error.contains("is gone"), "{rest}");
    assert!(!folder.exists());
    let epochs = a_little_later(&moved);
    done(args!["resume", &moved, "--quiet", "--epochs", epochs.to_string()]);
    done(of_epochs(epochs, &whole));
    assert_same(&moved, &whole);
}

#[test]
fn a_folder_that_takes_the_place_of_the_model_meanwhile_is_told_with_the_way_out() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("run");
    let slowly = args!["--set", "training.learning_rate=1e-7"];
    let mut child = highwater([of_epochs(ENDLESS, &folder), slowly].concat()).spawn().unwrap();
    let mut progress = BufReader::new(child.stderr.take().unwrap());
    let best = folder.join("best.safetensors");
    while fs::remove_file(&best).is_err() {
        std::thread::yield_now();
    }
    fs::create_dir(&best).unwrap();
    (0..3).for_each(|_| _ = progress.read_line(&mut String::new()).unwrap());
    // The model that was there may have been the newest; one after it is to be published.
    let validations =
        || fs::read_to_string(folder.join("history.csv")).map_or(0, |text| text.lines().count());
    let before = validations();
    while validations() < before + 3 && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    signal(&child, "INT");
    let mut rest = String::new();
    progress.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{rest}");
    let error = rest.lines().last().unwrap();
    assert!(
        error.contains("is a folder, and stands where a model of the run is to be: move it away"),
        "{rest}"
    );
    fs::remove_dir(&best).unwrap();
    done(args!["resume", &folder, "--quiet", "--epochs", a_little_later(&folder).to_string()]);
    assert!(best.is_file());
}

#[test]
fn an_error_of_the_disk_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let said = run(args!["checkpoints", "show", dir.path().join("none.safetensors")]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.err.matches("No such file").count(), 1, "{said:?}");
}
