//! Models go to other programs and come from them; checkpoints are compared, cleaned up and migrated.

use crate::args;
use crate::run::{Said, assert_same, checkpoints, done, highwater, history, run, table, trained, tree};
use highwater_checkpoint::Store;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Name, shape and bytes of each array of a safetensors file.
fn arrays(file: &Path) -> Vec<(String, Vec<usize>, Vec<u8>)> {
    let bytes = fs::read(file).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut all: Vec<_> = file
        .iter()
        .map(|(name, view)| (name.to_owned(), view.shape().to_vec(), view.data().to_vec()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_model_goes_out_as_safetensors_and_comes_back_as_a_run_that_scores_the_same_and_trains_on() {
    let dir = tempfile::tempdir().unwrap();
    let first = trained(dir.path(), &["--epochs", "12"]);
    // The model of all rows is not the one that is exchanged.
    fs::remove_file(first.join("final.safetensors")).unwrap();
    let file = dir.path().join("model.safetensors");
    let said = done(args!["checkpoints", "export", &first, "--to", "safetensors", "--out", &file]);
    let module = "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.25), nn.Linear(8, 3))";
    assert!(said.out.contains(module) && said.out.contains("load_state_dict"), "{said:?}");
    // Nothing but what load_state_dict takes, strictly; the activation and the dropout count as modules.
    let exported = arrays(&file);
    let names: Vec<(&str, &[usize])> =
        exported.iter().map(|(name, shape, _)| (&name[..], &shape[..])).collect();
    let expected: [(&str, &[usize]); 4] =
        [("0.bias", &[8]), ("0.weight", &[8, 4]), ("3.bias", &[3]), ("3.weight", &[3, 8])];
    assert_eq!(names, expected);
    for (name, _, bytes) in &exported {
        let kept = arrays(&first.join("best.safetensors"));
        assert!(kept.iter().any(|(n, _, b)| *n == format!("model.{name}") && b == bytes), "{name}");
    }
    let (_, header) = SafeTensors::read_metadata(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["torch"], module);
    let json = done(args!["checkpoints", "export", &first, "--to", "safetensors", "--out", &file, "--json"]);
    assert_eq!(json.json()["torch"], module);

    let second = dir.path().join("imported");
    let json =
        done(args!["checkpoints", "import", &file, "--like", &first, "--out", &second, "--json"]).json();
    assert_eq!(json["parameters"], 4 * 8 + 8 + 8 * 3 + 3);
    let scores = |folder: &Path| done(args!["evaluate", folder, "--json"]).json();
    let (of_first, mut of_second) = (scores(&first), scores(&second));
    assert_eq!(of_second["model"], "checkpoints/step-00000000.safetensors");
    of_second["model"] = of_first["model"].clone();
    assert_eq!(of_first, of_second);
    let predict = |folder: &Path| done(args!["predict", folder, "--data", table("iris.csv")]).out;
    assert_eq!(predict(&first), predict(&second));
    done(args!["checkpoints", "verify", &second]);

    // It is a run like any other: it goes on, from the weights that it was given, to the same bits each time.
    let third = dir.path().join("again");
    done(args!["checkpoints", "import", &file, "--like", &first, "--out", &third]);
    for folder in [&second, &third] {
        done(args!["resume", folder, "--epochs", "5", "--quiet"]);
    }
    assert_same(&second, &third);
    assert_eq!(history(&second).len(), 6);
    let loss = |folder: &Path, row: usize| history(folder)[row][3].parse::<f64>().unwrap();
    assert!(loss(&second, 1) < loss(&first, 1), "it does not begin anew");
}

#[test]
fn what_a_model_of_all_rows_is_given_comes_back_with_it_and_nothing_scores_it_on_rows_that_it_has_seen() {
    let dir = tempfile::tempdir().unwrap();
    let first = trained(dir.path(), &["--epochs", "12"]);
    let file = dir.path().join("model.safetensors");
    let predict = |folder: &Path| done(args!["predict", folder, "--data", table("iris.csv")]).out;
    let of_all_rows = first.join("final.safetensors");
    for (number, from) in [&first, &of_all_rows].into_iter().enumerate() {
        done(args!["checkpoints", "export", from, "--to", "safetensors", "--out", &file]);
        let back = dir.path().join(format!("back-{number}"));
        let said = done(args!["checkpoints", "import", &file, "--like", &first, "--out", &back]);
        assert!(said.out.contains("trained on all rows") && !said.out.contains("resume"), "{said:?}");
        assert_eq!(predict(&first), predict(&back));
        for job in ["evaluate", "resume"] {
            let said = run(args![job, &back]);
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.err.contains("leaves no rows of the run to score it on"), "{said:?}");
        }
        done(args!["evaluate", &back, "--data", table("iris.csv")]);
        done(args!["checkpoints", "verify", &back]);
        // An import of an import is one as well.
        let again = dir.path().join(format!("again-{number}"));
        let json = done(args!["checkpoints", "import", &file, "--like", &back, "--out", &again, "--json"]);
        assert_eq!(json.json()["trained_on_all_rows"], true);
        assert_eq!(predict(&first), predict(&again));
    }

    // The measured model comes back as what it was.
    done(args!["checkpoints", "export", first.join("best.safetensors"), "--out", &file]);
    let said = run(args!["checkpoints", "export", &first, "--out", dir.path().join("model.pt")]);
    assert!(said.code == Some(1) && said.err.contains("give --to"), "{said:#?}");
    let back = dir.path().join("measured");
    done(args!["checkpoints", "import", &file, "--like", &first, "--out", &back]);
    let scores = |folder: &Path| {
        let mut scores = done(args!["evaluate", folder, "--json"]).json();
        scores.as_object_mut().unwrap().remove("model").unwrap();
        scores
    };
    assert_eq!(scores(&first), scores(&back));

    // Another question's model is told by its target.
    let data = table("iris.csv");
    let other = dir.path().join("other");
    done(args![
        "train",
        "--data",
        data,
        "--target",
        "petal_width",
        "--epochs",
        "1",
        "--quiet",
        "--out",
        &other
    ]);
    let said = run(args!["checkpoints", "import", &file, "--like", &other, "--out", dir.path().join("no")]);
    assert!(said.err.contains("predicts species") && said.err.contains("predicts petal_width"), "{said:?}");
    assert!(!dir.path().join("no").exists());
}

/// A number of half precision that is a small multiple of 1/64.
fn half(value: f64) -> u16 {
    let bits = (value as f32).to_bits();
    let sign = (bits >> 16 & 0x8000) as u16;
    // The exponent is counted from -127 there and from -15 here.
    if value == 0.0 { sign } else { sign | (((bits & 0x7fff_ffff) - (112 << 23)) >> 13) as u16 }
}

#[test]
fn files_of_other_programs_fit_behind_a_prefix_in_double_precision_or_renamed_and_else_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let like = trained(dir.path(), &["--epochs", "2"]);
    let weights: [(&str, Vec<usize>); 4] =
        [("0.weight", vec![8, 4]), ("0.bias", vec![8]), ("3.weight", vec![3, 8]), ("3.bias", vec![3])];
    let import = |number: usize, dtype: Dtype, rename: &dyn Fn(&str) -> String, more: &[&str]| {
        let data: Vec<Vec<u8>> = weights
            .iter()
            .map(|(_, shape)| {
                let values = (0..shape.iter().product::<usize>()).map(|i| i as f64 / 64.0 - 0.25);
                match dtype {
                    // Of these numbers seven bits are significant, eleven and eight are stored.
                    Dtype::F16 => values.flat_map(|v| half(v).to_le_bytes()).collect(),
                    Dtype::BF16 => values
                        .flat_map(|v| ((v as f32).to_bits() >> 16).to_le_bytes()[..2].to_vec())
                        .collect(),
                    Dtype::I32 => values.flat_map(|v| (v as i32).to_le_bytes()).collect(),
                    Dtype::F64 => values.flat_map(f64::to_le_bytes).collect(),
                    _ => values.flat_map(|v| (v as f32).to_le_bytes()).collect(),
                }
            })
            .collect();
        let views = weights.iter().zip(&data).map(|((name, shape), data)| {
            (rename(name), TensorView::new(dtype, shape.clone(), data).unwrap())
        });
        let file = dir.path().join(format!("{number}.safetensors"));
        fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
        let out = dir.path().join(format!("imported-{number}"));
        let args = args!["checkpoints", "import", &file, "--like", &like, "--out", &out];
        let said = run([args, more.iter().map(OsString::from).collect()].concat());
        (said, out)
    };
    let plain = |name: &str| name.to_owned();
    let (said, first) = import(0, Dtype::F32, &plain, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let prefixed = |name: &str| format!("net.layers.{name}");
    let named = |name: &str| name.replace("0.", "fc1.").replace("3.", "head.");
    for (number, dtype, rename, more) in [
        (1, Dtype::F32, &prefixed as &dyn Fn(&str) -> String, &[][..]),
        (2, Dtype::F64, &plain, &[]),
        (3, Dtype::F32, &named, &["--rename", "fc1=0", "--rename", "head=3"]),
        (6, Dtype::F16, &plain, &[]),
        (7, Dtype::BF16, &prefixed, &[]),
    ] {
        let (said, other) = import(number, dtype, rename, more);
        assert_eq!(said.code, Some(0), "{said:?}");
        let model = |folder: &Path| {
            arrays(&checkpoints(folder)[0]).into_iter().filter(|(n, ..)| n.starts_with("model."))
        };
        assert!(model(&first).eq(model(&other)), "{number}");
    }
    let (said, _) = import(8, Dtype::I32, &plain, &[]);
    assert_eq!(said.code, Some(1));
    let named_so = |name: &str| said.err.contains(&format!("convert {name}: it is of I32, not of"));
    assert!(weights.iter().any(|(name, _)| named_so(name)), "{said:?}");
    let (said, out) = import(4, Dtype::F32, &named, &[]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("missing in it: 0.weight, 0.bias, 3.weight, 3.bias"), "{said:?}");
    assert!(said.err.contains("not in the model: fc1.bias, fc1.weight, head.bias"), "{said:?}");
    assert!(!out.exists(), "a mistake leaves nothing behind");
    // Another shape.
    let swapped = |name: &str| name.replace('0', "x").replace('3', "0").replace('x', "3");
    let (said, _) = import(5, Dtype::F32, &swapped, &[]);
    assert!(said.err.contains("has the shape [3, 8], and the model needs [8, 4]"), "{said:?}");
    let said = run(args!["checkpoints", "import", &out, "--like", &like, "--out", &out, "--rename", "=0"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn an_import_passes_over_arrays_that_are_no_numbers_of_a_model() {
    let dir = tempfile::tempdir().unwrap();
    let like = trained(dir.path(), &["--epochs", "1"]);
    let (plain, best) = (dir.path().join("plain.safetensors"), like.join("best.safetensors"));
    done(args!["checkpoints", "export", &best, "--to", "safetensors", "--out", &plain]);
    let bytes = fs::read(&plain).unwrap();
    let own = SafeTensors::deserialize(&bytes).unwrap();
    type Another<'a> = (&'a str, Dtype, Vec<usize>, &'a [u8]);
    let import = |number: u32, others: &[Another<'_>]| {
        let others = others.iter().map(|(name, dtype, shape, data)| {
            ((*name).to_owned(), TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let views = own.iter().map(|(name, view)| (name.to_owned(), view)).chain(others);
        let file = dir.path().join(format!("{number}.safetensors"));
        fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
        let out = dir.path().join(format!("out-{number}"));
        (args!["checkpoints", "import", &file, "--like", &like, "--out", &out], out)
    };
    let others = [
        ("mask", Dtype::BOOL, vec![3], &[1, 0, 1][..]),
        ("packed", Dtype::F4, vec![4], &[1, 2]),
        ("steps", Dtype::I64, vec![], &[7; 8]),
        ("0.num_batches_tracked", Dtype::I64, vec![], &[0; 8]),
    ];
    let (args, out) = import(0, &others);
    let said = done(args);
    let line = "passed over, as the model has none of them: ";
    let told = said.out.lines().next().unwrap().strip_prefix(line).unwrap();
    let mut told: Vec<&str> = told.split(", ").collect();
    told.sort_unstable();
    assert_eq!(told, ["mask (BOOL)", "packed (F4)", "steps (I64)"]);
    let weights = |path: &Path| {
        arrays(path).into_iter().filter(|(name, ..)| name.starts_with("model.")).collect::<Vec<_>>()
    };
    assert!(weights(&checkpoints(&out)[0]) == weights(&best));
    let (args, _) = import(1, &others[..1]);
    assert_eq!(done([args, args!["--json"]].concat()).json()["passed_over"], serde_json::json!(["mask"]));

    // Of a checkpoint of a run, the optimizer's numbers are no part of the model.
    let out = dir.path().join("from-best");
    done(args!["checkpoints", "import", &best, "--like", &like, "--out", &out]);
    assert!(weights(&checkpoints(&out)[0]) == weights(&best));

    // One more layer is another model.
    let (args, out) = import(2, &[("9.weight", Dtype::F32, vec![1], &[0; 4])]);
    let said = run(args);
    assert!(said.code == Some(1) && said.err.contains("not in the model: 9.weight"), "{said:?}");
    assert!(!out.exists());
}

#[test]
fn an_import_that_is_broken_off_leaves_no_run_that_would_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let like = trained(dir.path(), &[]);
    for (name, model) in [
        ("best.safetensors", "checkpoints/step-00000000.safetensors"),
        ("final.safetensors", "final.safetensors"),
    ] {
        let out = dir.path().join("broken").join(name);
        // What is in the way of config.toml.
        fs::create_dir_all(out.join(".config.toml.1-0.tmp")).unwrap();
        let said = run(args!["checkpoints", "import", like.join(name), "--like", &like, "--out", &out]);
        assert!(said.code == Some(1) && said.err.contains("config.toml"), "{said:?}");
        assert!(out.join(model).exists(), "{name}");
    }
}

#[test]
fn a_model_goes_out_as_onnx_with_the_preparation_of_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "2", "--activation", "relu"]);
    let file = dir.path().join("model.onnx");
    let json = done(args!["checkpoints", "export", &folder, "--to", "onnx", "--out", &file, "--json"]).json();
    let bytes = fs::read(&file).unwrap();
    assert_eq!(json["bytes"], bytes.len());
    let contains = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for text in
        ["Gemm", "Relu", "ArgMax", "probabilities", "petal_length", r#"["setosa","versicolor","virginica"]"#]
    {
        assert!(contains(text), "{text}");
    }
    assert!(!contains("Dropout"));
    let newest = checkpoints(&folder).pop().unwrap();
    let said = done(args!["checkpoints", "export", newest, "--to", "onnx", "--out", &file]);
    assert!(said.out.contains("onnxruntime.InferenceSession"), "{said:?}");
}

#[cfg(unix)]
#[test]
fn an_export_goes_where_a_link_points_and_replaces_no_device() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "1"]);
    let (file, link) = (dir.path().join("file"), dir.path().join("link"));
    for to in ["onnx", "safetensors"] {
        fs::write(&file, "old").unwrap();
        _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        done(args!["checkpoints", "export", &folder, "--to", to, "--out", &link]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::read(&file).unwrap() != b"old");
        // To somebody who may replace a device, too: standard output is a pipe here.
        let said = run(args!["checkpoints", "export", &folder, "--to", to, "--out", "/dev/stdout"]);
        assert!(said.code == Some(1) && said.err.contains("it is not a file"), "{said:?}");
    }
}

#[test]
fn two_checkpoints_are_compared_number_by_number_and_setting_by_setting() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "3"]);
    let newest = checkpoints(&folder).pop().unwrap();
    let same = done(args!["checkpoints", "diff", &newest, &folder, "--json"]).json();
    assert_eq!((&same["same"], &same["facts"]), (&Value::Bool(true), &serde_json::json!({})));
    assert!(done(args!["checkpoints", "diff", &newest, &folder]).out.contains("the same, bit for bit"));

    let before = dir.path().join("before.safetensors");
    fs::copy(&newest, &before).unwrap();
    done(args!["resume", &folder, "--epochs", "4", "--stop", "patience(3)", "--quiet"]);
    let diff = done(args!["checkpoints", "diff", &before, &folder, "--json"]).json();
    assert_eq!(diff["same"], false);
    assert_eq!(diff["facts"]["epoch"], serde_json::json!(["3", "4"]));
    assert_eq!(diff["configuration"]["training.epochs"], serde_json::json!(["3", "4"]));
    assert_eq!(diff["configuration"]["training.stop"], serde_json::json!(["\"never\"", "\"patience(3)\""]));
    let weight = diff["arrays"].as_array().unwrap().iter().find(|a| a["name"] == "model.0.weight").unwrap();
    assert!(weight["ulps"].as_u64().unwrap() > 0 && weight["largest"].as_f64().unwrap() > 0.0, "{weight}");
    let text = done(args!["checkpoints", "diff", &before, &folder]).out;
    for words in [
        "ULPs",
        "model.0.weight",
        "training.epochs",
        "sections that differ: configuration, counters, history",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_checkpoint_shows_its_numbers_and_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "12"]);
    let json = done(args!["checkpoints", "show", &folder, "--json"]).json();
    let weight = json["arrays"].as_array().unwrap().iter().find(|a| a["name"] == "model.0.weight").unwrap();
    let number = |key: &str| weight[key].as_f64().unwrap();
    assert_eq!((number("elements"), number("non_finite")), (32.0, 0.0));
    assert!(
        number("min") < number("mean") && number("mean") < number("max") && number("sd") > 0.0,
        "{weight}"
    );
    assert_eq!(json["history"].as_array().unwrap().len(), 12);
    assert_eq!(json["history"][11]["epoch"], 12);
    assert!(json["history"][0]["accuracy"].is_f64(), "{}", json["history"][0]);
    let text = done(args!["checkpoints", "show", &folder]).out;
    for words in ["not finite", "… 2 before", "validation", "accuracy", "written by highwater"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn what_the_run_does_not_keep_is_explained_and_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "6", "--keep-every", "2", "--validate-every", "2"]);
    let before = tree(&folder);
    let count = checkpoints(&folder).len();
    assert!(count >= 6);
    let said = done(args!["checkpoints", "gc", &folder, "--explain", "--dry-run"]);
    assert!(said.out.contains("stays") && said.out.contains("every 2 steps"), "{said:?}");
    assert!(!said.out.contains("goes") || said.out.contains("nothing keeps it"), "{said:?}");

    let gc = |more: &[&str]| {
        let args =
            args!["checkpoints", "gc", &folder, "--keep-last", "1", "--keep-best", "1", "--keep-every", "4"];
        done([args, more.iter().map(OsString::from).collect()].concat())
    };
    let plan = lines(&gc(&["--dry-run", "--json"]).out);
    assert!(tree(&folder) == before, "a dry run changes nothing");
    assert_eq!(plan.len(), count);
    for entry in &plan {
        let (why, step) = (entry["why"].as_str().unwrap(), entry["step"].as_u64().unwrap());
        assert_eq!(why.contains("every 4 steps"), step.is_multiple_of(4), "{entry}");
        assert_eq!(why == "nothing keeps it", entry["kept"] == false, "{entry}");
    }
    let stay: Vec<&str> =
        plan.iter().filter(|e| e["kept"] == true).filter_map(|e| e["file"].as_str()).collect();
    assert!(stay.len() < count);
    let said = gc(&["--explain"]);
    assert!(said.out.contains("the best"), "{said:?}");
    assert!(said.out.contains(&format!("{} of {count} checkpoints deleted", count - stay.len())), "{said:?}");
    let left: Vec<String> = checkpoints(&folder).iter().map(|path| path.display().to_string()).collect();
    assert_eq!(left, stay);
    assert!(folder.join("best.safetensors").exists());
    done(args!["checkpoints", "verify", &folder]);

    let bare = folder.join("checkpoints");
    assert!(run(args!["checkpoints", "gc", &bare]).err.contains("say what to keep"));
    assert!(
        run(args!["checkpoints", "gc", &bare, "--keep-best", "1"])
            .err
            .contains("config.toml says what is good")
    );
    done(args!["checkpoints", "gc", &bare, "--keep-last", "1"]);
    assert_eq!(checkpoints(&folder).len(), 1);
}

#[test]
fn what_is_pinned_stays_until_it_is_unpinned() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "4", "--keep-every", "1"]);
    let files = checkpoints(&folder);
    let (first, newest) = (&files[0], files.last().unwrap());
    let said = done(args!["checkpoints", "pin", first, newest]);
    assert_eq!(said.out, format!("pinned  {}\npinned  {}\n", first.display(), newest.display()));
    let json = done(args!["checkpoints", "pin", &folder, "--json"]).json();
    assert_eq!((&json["file"], &json["pinned"]), (&newest.to_str().unwrap().into(), &true.into()));
    let pinned = || {
        let listed = lines(&done(args!["checkpoints", "ls", &folder, "--json"]).out);
        let pinned = listed.iter().filter(|line| line["pinned"] == true);
        pinned.map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let newest_step =
        lines(&done(args!["checkpoints", "ls", &folder, "--json"]).out).pop().unwrap()["step"].clone();
    assert_eq!(serde_json::json!(pinned()), serde_json::json!([0, newest_step]));

    let gc = || done(args!["checkpoints", "gc", &folder, "--keep-last", "1", "--explain"]).out;
    assert!(gc().contains(&format!("stays  {}  pinned", first.display())));
    assert_eq!(checkpoints(&folder), [first.clone(), newest.clone()]);
    let said = done(args!["checkpoints", "unpin", first]);
    assert_eq!(said.out, format!("unpinned  {}\n", first.display()));
    assert!(gc().contains("1 of 2 checkpoints deleted"));
    assert_eq!(checkpoints(&folder), std::slice::from_ref(newest));

    // Of several, none is pinned if one is not there, is not sound, or is not a run's.
    done(args!["checkpoints", "unpin", newest]);
    let damaged = newest.with_file_name("step-00000001.safetensors");
    fs::write(&damaged, b"no checkpoint").unwrap();
    for (wrong, words) in [
        (first, "No such file"),
        (&damaged, "not a checkpoint"),
        (&folder.join("best.safetensors"), "`checkpoints ls RUN` lists them"),
    ] {
        let said = run(args!["checkpoints", "pin", newest, wrong]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
    }
    let said = run(args!["checkpoints", "unpin", first]);
    assert!(said.code == Some(1) && said.err.contains("there is no "), "{said:?}");
    fs::remove_file(damaged).unwrap();
    assert!(pinned().is_empty());
}

#[test]
fn migrating_leaves_files_of_this_version_alone_and_refuses_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "2"]);
    let before = tree(&folder);
    for more in [&[][..], &["--dry-run"]] {
        let args = args!["checkpoints", "migrate", &folder];
        let said = done([args, more.iter().map(OsString::from).collect()].concat());
        assert!(said.out.contains("up to date") && said.out.contains("0 of "), "{said:?}");
    }
    for line in lines(&done(args!["checkpoints", "migrate", &folder, "--json"]).out) {
        assert_eq!(line["upgraded"], serde_json::json!([]), "{line}");
    }
    assert!(tree(&folder) == before);
    // A file of another program, with a required section of its own.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../checkpoint/tests/golden/v1.safetensors");
    let said = run(args!["checkpoints", "migrate", golden, "--dry-run"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out.contains("section `loop`") && said.out.contains("written by highwater-checkpoint"),
        "{said:?}"
    );
}

#[test]
fn nothing_is_migrated_where_a_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "2", "--refit", "no"]);
    let store = Store::open(folder.join("checkpoints")).unwrap();
    let newest = checkpoints(&folder).pop().unwrap();
    let own = [folder.clone(), folder.join("checkpoints"), newest.clone(), folder.join("best.safetensors")];
    for path in &own {
        let said = run(args!["checkpoints", "migrate", path]);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert!(said.err.contains("locked by process"), "{said:?}");
        done(args!["checkpoints", "migrate", path, "--dry-run"]);
    }
    // By its bare name, too.
    let mut bare = highwater(args!["checkpoints", "migrate", newest.file_name().unwrap()]);
    let said = Said::of(bare.current_dir(folder.join("checkpoints")).output().unwrap());
    assert!(said.code == Some(1) && said.err.contains("locked by process"), "{said:?}");
    drop(store);
    for path in own {
        done(args!["checkpoints", "migrate", path]);
    }
    // A copy that lies elsewhere is nobody's, and nothing is left beside it.
    let alone = dir.path().join("alone");
    fs::create_dir(&alone).unwrap();
    fs::copy(newest, alone.join("model.safetensors")).unwrap();
    done(args!["checkpoints", "migrate", alone.join("model.safetensors")]);
    assert_eq!(fs::read_dir(alone).unwrap().count(), 1);
}

#[test]
fn while_a_run_goes_on_its_checkpoints_can_be_pinned_but_not_cleaned_up() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let slow = ["--hidden", "1500,1500", "--batch-size", "2000", "--epochs", "100000", "--out"];
    let args = [args!["train", "--quiet"], slow.iter().map(OsString::from).collect(), args![&out]].concat();
    let mut child = highwater(args).spawn().unwrap();
    while checkpoints_so_far(&out) == 0 {
        std::thread::yield_now();
    }
    let said = run(args!["checkpoints", "gc", &out]);
    // What would go can be looked at.
    done(args!["checkpoints", "gc", &out, "--dry-run", "--explain"]);
    let pinned = done(args!["checkpoints", "pin", &out, "--json"]).json();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(Path::new(pinned["file"].as_str().unwrap()).with_extension("pinned").exists());
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("locked by process"), "{said:?}");
}

fn checkpoints_so_far(run: &Path) -> usize {
    if run.join("checkpoints").is_dir() { checkpoints(run).len() } else { 0 }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "1"]);
    let before = tree(&folder);
    let other = dir.path().join("other");
    for (args, words) in [
        (args!["checkpoints", "export", &folder, "--to", "onnx", "--out", &folder], "name the file to write"),
        (
            args!["checkpoints", "import", &folder, "--like", &folder, "--out", &other],
            "is a folder: name a file",
        ),
        (args!["resume", &folder, "--from", &folder], "is a folder: name a checkpoint"),
    ] {
        let said = run(args);
        assert!(said.code == Some(1) && said.err.contains(words), "{said:?}");
    }
    assert!(tree(&folder) == before && !other.exists());
    let evaluate = args!["evaluate", &folder];
    let predict = args!["predict", &folder, "--data", table("iris.csv")];
    for (model, use_it) in [("best.safetensors", evaluate), ("final.safetensors", predict)] {
        let path = folder.join(model);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        for args in [use_it, args!["resume", &folder, "--epochs", "2"]] {
            let said = run(args);
            let words = format!("{} is a folder, and stands where a model", path.display());
            assert!(said.code == Some(1) && said.err.contains(&words), "{said:?}");
        }
        fs::remove_dir(path).unwrap();
        done(args!["resume", &folder, "--quiet"]);
    }
    assert!(tree(&folder).keys().eq(before.keys()));
}

#[test]
fn results_do_not_take_the_place_of_files_that_a_run_goes_by() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "1"]);
    let before = tree(&folder);
    let checkpoint = checkpoints(&folder).pop().unwrap();
    let link = dir.path().join("link.csv");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.join("history.csv"), &link).unwrap();
    let own = ["config.toml", "history.csv", "best.safetensors", "final.safetensors"];
    let own = own.map(|name| folder.join(name)).into_iter().chain([checkpoint, link]);
    let own: Vec<_> = own.filter(|path| path.exists()).collect();
    assert!(own.len() >= 4);
    for out in &own {
        for args in [
            args!["predict", &folder, "--data", table("iris.csv"), "--out", out],
            args!["checkpoints", "export", &folder, "--to", "onnx", "--out", out],
            args!["report", &folder, "--out", out],
            args!["report", &folder, &folder, "--out", out],
        ] {
            let said = run(args);
            let told = said.err.contains(out.to_str().unwrap()) && said.err.contains("choose another");
            assert!(said.code == Some(1) && told, "{said:?}");
        }
    }
    assert!(tree(&folder) == before);
    done(args!["report", &folder, "--out", folder.join("report.html")]);
    let page = folder.join("report.html");
    let said = done(args!["report", &folder, "--json"]).json();
    assert_eq!(said["page"], page.to_str().unwrap());
    let of_test = done(args!["evaluate", &folder, "--json"]).json();
    for score in ["loss", "accuracy", "rows"] {
        assert_eq!(said["test"][score], of_test[score], "{said}");
    }
    assert!(said.get("saving").is_none() && said["best_epoch"].is_u64(), "{said}");
    let both = args!["report", &folder, &folder, "--json", "--out", dir.path().join("both.html")];
    assert_eq!(done(both).out.lines().count(), 2);
    done(args!["predict", &folder, "--data", table("iris.csv"), "--out", folder.join("answers.csv")]);
}

#[test]
fn what_cannot_be_read_is_not_deleted_and_told_apart_from_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = trained(dir.path(), &["--epochs", "3", "--keep-every", "4"]);
    let files = checkpoints(&folder);
    fs::write(&files[0], b"cut off").unwrap();
    let gc = |more: &[&str]| {
        let args = args!["checkpoints", "gc", &folder, "--keep-last", "1"];
        run([args, more.iter().map(OsString::from).collect()].concat())
    };
    let said = gc(&["--explain", "--dry-run"]);
    assert!(said.out.contains(&format!("stays  {}  it cannot be read", files[0].display())), "{said:?}");
    let told = lines(&gc(&["--dry-run", "--json"]).out);
    assert!(told.iter().any(|line| line["kept"] == true && line["error"].is_string()), "{told:?}");
    files.iter().for_each(|file| fs::write(file, b"cut off").unwrap());
    let said = gc(&[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(&format!("none of the {} checkpoints", files.len())), "{said:?}");
    assert_eq!(checkpoints(&folder), files);
}

#[test]
fn an_import_leaves_a_folder_alone_in_which_another_run_begins() {
    let dir = tempfile::tempdir().unwrap();
    let like = trained(dir.path(), &["--epochs", "1"]);
    let (file, out) = (dir.path().join("model.safetensors"), dir.path().join("imported"));
    done(args!["checkpoints", "export", &like, "--to", "safetensors", "--out", &file]);
    let beginning = Store::open(out.join("checkpoints")).unwrap();
    let import = || run(args!["checkpoints", "import", &file, "--like", &like, "--out", &out]);
    let said = import();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("checkpoints") && said.err.contains("locked by"), "{said:?}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "nothing but the folder of checkpoints");
    drop(beginning);
    assert_eq!(import().code, Some(0));
}

#[test]
fn of_a_file_that_is_no_checkpoint_it_is_said_what_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let (run_folder, file) = (dir.path().join("run"), dir.path().join("file"));
    let data = table("iris.csv");
    let train = args!["train", "--data", data, "--target", "species", "--hidden", "4", "--epochs", "1"];
    done([train, args!["--refit", "no", "--out", &run_folder, "--quiet"]].concat());
    let many: Vec<String> = (0..500)
        .map(|number| format!("\"x{number}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"))
        .collect();
    let many = format!("{{{}}}", many.join(","));
    let many = [&(many.len() as u64).to_le_bytes(), many.as_bytes()].concat();
    for (content, show, verify, import) in [
        (&b"PK\x03\x04 and so on"[..], "torch.save", "DAMAGED", "safetensors.torch.save_file"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull", "DAMAGED", "git lfs pull"),
        (&many, "checkpoints import", "FOREIGN", "missing in it: 0.weight"),
    ] {
        fs::write(&file, content).unwrap();
        let said = run(args!["checkpoints", "show", &file]);
        assert!(said.code == Some(1) && said.err.contains(show), "{said:?}");
        let said = run(args!["checkpoints", "verify", &file]);
        assert!(said.code == Some(1) && said.out.starts_with(verify), "{said:?}");
        let out = dir.path().join("out");
        let said = run(args!["checkpoints", "import", &file, "--like", &run_folder, "--out", &out]);
        assert!(said.code == Some(1) && said.err.contains(import) && said.err.len() < 1000, "{said:?}");
        assert!(!out.exists());
    }
    let said = run(args!["checkpoints", "ls", &file]);
    assert!(said.code == Some(1) && said.err.contains("is a file"), "{said:?}");
}

#[test]
fn weights_that_are_not_finite_are_not_imported() {
    let dir = tempfile::tempdir().unwrap();
    let like = trained(dir.path(), &["--epochs", "1"]);
    // As long a name as a file may have.
    let plain = dir.path().join("x".repeat(255));
    done(args!["checkpoints", "export", &like, "--to", "safetensors", "--out", &plain]);
    let bytes = fs::read(&plain).unwrap();
    let own = SafeTensors::deserialize(&bytes).unwrap();
    let wide = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let bias = own.tensor("0.bias").unwrap();
    for odd in [f64::NAN, f64::NEG_INFINITY, 1e300] {
        let mut values = vec![0.5; bias.shape()[0]];
        values[1] = odd;
        let data = wide(&values);
        let replaced = TensorView::new(Dtype::F64, bias.shape().to_vec(), &data).unwrap();
        let views = own
            .iter()
            .map(|(name, view)| (name.to_owned(), if name == "0.bias" { replaced.clone() } else { view }));
        let (file, out) = (dir.path().join("odd.safetensors"), dir.path().join("out"));
        fs::write(&file, safetensors::serialize(views, None).unwrap()).unwrap();
        let said = run(args!["checkpoints", "import", &file, "--like", &like, "--out", &out]);
        assert!(said.code == Some(1) && said.err.contains("numbers of 0.bias are not finite"), "{said:?}");
        assert!(!out.exists());
    }
}
