//! Real tables, untidy ones and arbitrary bytes, from file to batches.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use highwater_data::{
    BatchBuffer, Delimiter, Dialect, Dropped, Error, Fractions, Kind, Preparation, Recipe, Scale, Table,
    TableReader, TargetKind, Targets, Task, digits, epoch_order, split_table,
};
use ndarray::Axis;
use proptest::prelude::*;

fn real(file: &str) -> Table {
    Table::read_csv(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file))
        .expect("a sound file")
}

fn table(csv: &str) -> Table {
    Table::from_csv_reader("t.csv", csv.as_bytes()).expect("a sound table")
}

fn all(table: &Table) -> Vec<usize> {
    (0..table.rows()).collect()
}

fn fit(csv: &str, task: Task) -> Result<Preparation, Error> {
    let table = table(csv);
    Preparation::fit(&table, &all(&table), "y", task)
}

#[test]
fn the_embedded_digits_are_the_published_ones() {
    let digits = digits();
    let mut counts = BTreeMap::new();
    for row in 0..digits.rows() {
        *counts.entry(digits.column("digit").unwrap().get(row)).or_insert(0) += 1;
    }
    // The class distribution of the test part in the repository's `optdigits.names`.
    let published = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180];
    assert_eq!(counts.into_values().collect::<Vec<_>>(), published);

    let grey = |name: &str, row| digits.column(name).unwrap().get(row).parse::<u8>().unwrap();
    assert_eq!(
        (0..8).map(|column| grey(&format!("pixel_1_{column}"), 0)).collect::<Vec<_>>(),
        [0, 0, 13, 15, 10, 15, 5, 0]
    );
    assert!(
        digits.columns().iter().all(|column| all(&digits).iter().all(|row| grey(column.name(), *row) <= 16))
    );
}

#[test]
fn real_tables_become_standardised_batches() {
    let check = |table: &Table, target, task, inputs, classes: &[&str]| {
        assert_eq!(Task::infer(table, target).unwrap(), task);
        let parts = split_table(table, target, task, Fractions::default(), 5).unwrap();
        let preparation = Preparation::fit(table, &parts.train, target, task).unwrap();
        assert_eq!((preparation.task(), preparation.input_count()), (task, inputs));
        assert_eq!(preparation.class_names(), classes);
        assert_eq!(preparation.output_count(), classes.len().max(1));

        let train = preparation.dataset(table, &parts.train).unwrap();
        for feature in train.features().axis_iter(Axis(1)) {
            let scale = Scale::fit(feature.iter().map(|value| f64::from(*value)));
            assert!(scale.mean.abs() < 1e-5 && (scale.sd - 1.0).abs() < 1e-5, "{target}: {scale:?}");
        }
        for part in [&parts.validation, &parts.test] {
            let held_out = preparation.dataset(table, part).unwrap();
            assert_eq!(held_out.rows(), part.len());
            assert!(held_out.features().iter().all(|value| value.is_finite()));
        }
        let mut buffer = BatchBuffer::new();
        for rows in epoch_order(1, 1, train.rows()).chunks(32) {
            let selected = train.select(&rows.iter().map(|row| *row as usize).collect::<Vec<_>>());
            assert_eq!(buffer.gather(&train, rows), selected.batch(0..rows.len()));
        }
    };
    check(&real("iris.csv"), "species", Task::Classification, 4, &["setosa", "versicolor", "virginica"]);
    check(&real("wine.csv"), "cultivar", Task::Classification, 13, &["1", "2", "3"]);
    check(&real("diabetes.csv"), "progression", Task::Regression, 10, &[]);
}

#[test]
fn a_predicted_value_is_mapped_back_to_the_targets_units() {
    let table = real("diabetes.csv");
    let preparation = Preparation::fit(&table, &all(&table), "progression", Task::Regression).unwrap();
    let TargetKind::Value(scale) = preparation.target().kind else { panic!("a value") };
    assert!((scale.mean - 152.133_484).abs() < 1e-6, "{scale:?}");
    let data = preparation.dataset(&table, &[0, 441]).unwrap();
    let Targets::Values(values) = data.targets() else { panic!("values") };
    assert!((scale.invert(values[[0, 0]]) - 151.0).abs() < 1e-4);
    assert!((scale.invert(values[[1, 0]]) - 57.0).abs() < 1e-4);
}

#[test]
fn a_target_may_be_written_in_a_unit() {
    let table = table("a,y\n1,$10\n2,$20\n3,$30.00\n");
    let preparation = Preparation::fit(&table, &all(&table), "y", Task::Regression).unwrap();
    let data = preparation.dataset(&table, &[1, 2]).unwrap();
    let Targets::Values(values) = data.targets() else { panic!("values") };
    let found = [0, 1].map(|row| preparation.units()[0].invert(values[[row, 0]]));
    assert!((found[0] - 20.0).abs() < 1e-5 && (found[1] - 30.0).abs() < 1e-5, "{found:?}");
}

#[test]
fn classes_are_refused_if_they_are_too_many() {
    let rows = |classes: usize| {
        (0..2 * classes).map(|row| format!("{},c{}\n", row % 7, row / 2)).collect::<String>()
    };
    assert!(fit(&format!("a,y\n{}", rows(1000)), Task::Classification).is_ok());
    let error = fit(&format!("a,y\n{}", rows(1002)), Task::Classification).unwrap_err();
    assert!(matches!(error, Error::TooManyClasses { classes: 1002, .. }), "{error}");
}

#[test]
fn columns_that_tell_nothing_are_left_out_and_named() {
    let rows = (0..30).map(|i| {
        format!("{},{i},p{i},saw {i} of them there,cm,,{},{}\n", i % 7, ["a", "b"][i % 2], ["u", "v"][i % 2])
    });
    let table = table(&format!("size,number,name,note,unit,empty,hue,y\n{}", rows.collect::<String>()));
    let preparation = Preparation::fit(&table, &all(&table), "y", Task::Classification).unwrap();
    let used: Vec<&str> = preparation.inputs().iter().map(|input| &input.name[..]).collect();
    assert_eq!(used, ["size", "hue"]);
    let dropped: Vec<(&str, Kind)> = preparation.dropped().iter().map(|d| (&d.name[..], d.kind)).collect();
    use Kind::{Constant, Identifier, Text};
    let expected = [Identifier, Identifier, Text, Constant, Constant];
    assert_eq!(
        dropped,
        ["number", "name", "note", "unit", "empty"].into_iter().zip(expected).collect::<Vec<_>>()
    );
    assert_eq!(preparation.dropped()[2].reason(), "free text");
    assert_eq!(preparation.column_count(), 8);

    let mut recipe = Recipe::new("y", Task::Classification);
    recipe.kinds = BTreeMap::from([("number".to_owned(), Kind::Number), ("hue".to_owned(), Kind::Ignore)]);
    let preparation = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap();
    let used: Vec<&str> = preparation.inputs().iter().map(|input| &input.name[..]).collect();
    assert_eq!(used, ["size", "number"]);
    recipe.kinds = BTreeMap::from([("nummer".to_owned(), Kind::Number)]);
    let error = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap_err();
    assert!(error.to_string().contains("did you mean \"number\"?"), "{error}");
    recipe.kinds = BTreeMap::from([("empty".to_owned(), Kind::Category)]);
    let error = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: column \"empty\" is missing in all 30 training rows: leave it out");
}

#[test]
fn an_indicator_says_where_a_value_was_missing() {
    let table = table("a,b,y\n1,5,u\n,6,v\n3,7,u\n");
    let recipe = Recipe { indicators: true, ..Recipe::new("y", Task::Classification) };
    let preparation = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap();
    assert_eq!(preparation.input_count(), 3);
    let features = preparation.features(&table, &all(&table)).unwrap();
    assert_eq!(features.column(1).to_vec(), [0.0, 1.0, 0.0]);
    assert_eq!(features[[1, 0]], 0.0, "the median of 1 and 3, which is also the mean");
}

#[test]
fn a_cross_or_nothing_says_something_if_asked_where_it_is() {
    let table = table("a,smoker,y\n1,x,u\n2,,v\n3,x,u\n");
    let fit = |indicators, rows: &[usize]| {
        let recipe = Recipe { indicators, ..Recipe::new("y", Task::Classification) };
        Preparation::fit_recipe(&table, rows, &recipe).unwrap()
    };
    let preparation = fit(true, &[0, 1, 2]);
    let features = preparation.features(&table, &[0, 1, 2]).unwrap();
    assert_eq!(features.column(2).to_vec(), [0.0, 1.0, 0.0]);
    let left_out = [Dropped { name: "smoker".to_owned(), kind: Kind::Constant }];
    assert_eq!(fit(false, &[0, 1, 2]).dropped(), left_out);
    let whole = crate::tables::table("a,smoker,y\n1,x,u\n3,x,v\n2,x,u\n");
    let recipe = Recipe { indicators: true, ..Recipe::new("y", Task::Classification) };
    assert_eq!(Preparation::fit_recipe(&whole, &[0, 1, 2], &recipe).unwrap().dropped(), left_out);
}

#[test]
fn one_moment_in_several_spellings_tells_nothing() {
    for (one, other) in [("08:00", "8:00"), ("2024-01-05", "2024/01/05"), ("2024-01-05", "2024-01-05 00:00")]
    {
        let both = table(&format!("at,x,y\n{one},1,u\n{other},2,v\n{one},3,u\n"));
        let preparation = Preparation::fit(&both, &all(&both), "y", Task::Classification).unwrap();
        assert_eq!(preparation.dropped(), [Dropped { name: "at".to_owned(), kind: Kind::Constant }]);
        let alone = table(&format!("at,y\n{one},u\n{other},v\n{one},u\n"));
        let error = Preparation::fit(&alone, &all(&alone), "y", Task::Classification).unwrap_err();
        assert!(error.to_string().contains("no column to learn from: \"at\" is the same"), "{error}");
    }
}

#[test]
fn a_minus_beside_a_plus_is_a_class_and_a_category() {
    let csv = "test,size,y\n+,1,+\n-,-,-\n-,3,+\n+,?,-\n,5,\n+,6,+\n";
    let table = table(csv);
    assert_eq!(table.plus_minus().into_keys().collect::<Vec<_>>(), ["test", "y"]);
    assert_eq!(Task::infer(&table, "y").unwrap(), Task::Classification);
    let rows = table.rows_with(&["y".to_owned()]).unwrap();
    assert_eq!(rows, [0, 1, 2, 3, 5], "a row without a class is left out");
    let preparation = Preparation::fit(&table, &rows, "y", Task::Classification).unwrap();
    assert_eq!(
        (preparation.class_names(), preparation.dropped()),
        (&["+".to_owned(), "-".to_owned()][..], &[][..])
    );
    assert_eq!(preparation.inputs().iter().map(|input| input.missing).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(preparation.plus_minus(), table.plus_minus());

    // Alone, a minus does not tell; the names of the training rows do.
    let few = self::table("test,size,y\n-,3,-\n");
    let [few, same] = [(&few, 0), (&table, 1)].map(|(of, row)| preparation.dataset(of, &[row]).unwrap());
    assert_eq!(few.targets(), same.targets());
    assert_eq!(few.features().row(0).to_vec()[..2], same.features().row(0).to_vec()[..2]);
    let told = Dialect { plus_minus: preparation.plus_minus(), ..Dialect::default() };
    let mut reader = TableReader::new("u.csv", "test,size,y\n-,3,-\n".as_bytes(), &told).unwrap();
    assert_eq!(reader.next_rows(9).unwrap().unwrap().rows_with(&["y".to_owned()]).unwrap(), [0]);
}

#[test]
fn a_minus_is_found_in_tables_of_any_size_on_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.csv");
    // The first rows do not tell: those of one block are fewer.
    let rows: String = (0..40_000).map(|row| if row < 30_000 { "-,-,1\n" } else { "+,5,2\n" }).collect();
    std::fs::write(&path, format!("sign,size,y\n{rows}")).unwrap();
    let table = Table::read_on_disk(&path, &Dialect::default(), dir.path()).unwrap();
    assert_eq!(table.plus_minus(), [("sign".to_owned(), true)].into());
    assert_eq!(
        table.columns()[..2].iter().map(|column| column.is_missing(0)).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn signs_that_are_named_alone_make_values_of_all_others() {
    let csv = "place,size,y\nNA,1,a\nEU,none,b\nNA,3,a\n,4,b\nEU,5,a\n";
    let read = |signs: &[&str]| {
        let missing_only = Some(signs.iter().map(|sign| (*sign).to_owned()).collect());
        let dialect = Dialect { missing_only, ..Dialect::default() };
        TableReader::new("t.csv", csv.as_bytes(), &dialect).unwrap().next_rows(9).unwrap().unwrap()
    };
    let table = read(&["none"]);
    let preparation = Preparation::fit(&table, &[0, 1, 2, 3, 4], "y", Task::Classification).unwrap();
    assert_eq!(preparation.inputs().iter().map(|input| input.missing).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(preparation.input_names(), ["place[0]", "place[1]", "size"]);
    let error = Preparation::fit(&read(&[]), &[0, 1, 2, 3, 4], "y", Task::Classification).unwrap_err();
    assert!(
        error.to_string().starts_with("t.csv, line 3, column \"size\": \"none\" is not a number"),
        "{error}"
    );
}

#[test]
fn several_targets_are_several_outputs_each_on_its_own_scale() {
    let table = table("a,y,z\n1,10,0.1\n2,20,0.2\n3,30,0.4\n");
    let recipe =
        Recipe { targets: vec!["z".to_owned(), "y".to_owned()], ..Recipe::new("", Task::Regression) };
    let preparation = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap();
    assert_eq!((preparation.output_count(), preparation.input_count()), (2, 1));
    let data = preparation.dataset(&table, &[2, 0]).unwrap();
    let (Targets::Values(values), units) = (data.targets(), preparation.units()) else { panic!("values") };
    let close = |at: [usize; 2], expected: f64| {
        assert!((units[at[1]].invert(values[at]) - expected).abs() < 1e-6, "{values} {units:?}");
    };
    for (at, expected) in [([0, 0], 0.4), ([0, 1], 30.0), ([1, 0], 0.1), ([1, 1], 10.0)] {
        close(at, expected);
    }

    let recipe = Recipe { task: Task::Classification, ..recipe };
    let error = Preparation::fit_recipe(&table, &all(&table), &recipe).unwrap_err();
    assert!(error.to_string().contains("several targets (z, y) must all be numbers"), "{error}");
}

#[test]
fn raw_files_of_other_dialects_are_read() {
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let read = |bytes: &[u8], dialect: &Dialect| {
        let table = TableReader::new("t", bytes, dialect).unwrap().next_rows(99).unwrap().unwrap();
        let names: Vec<String> = table.columns().iter().map(|column| column.name().to_owned()).collect();
        let last = table.columns().last().unwrap();
        (names.join(" "), all(&table).iter().map(|row| last.get(*row)).collect::<Vec<_>>().join(" "))
    };
    let check = |bytes: &[u8], names: &str, last: &str| {
        assert_eq!(read(bytes, &Dialect::default()), (names.to_owned(), last.to_owned()));
    };
    check(
        b"2 1 530101 38.50 ? \n1 1   534817 39.2 2\r\n\n",
        "column_1 column_2 column_3 column_4 column_5",
        "? 2",
    );
    check(b"a;b\n1,5;x\n2;\"y;z\"\n", "a b", "x y;z");
    check(b"63.0\t1.0\n67.0\t2.0\n", "column_1 column_2", "1.0 2.0");
    check(b",a\n0,5\n1,6\n", "column_1 a", "5 6");
    check(&gzip("a,b\n1,2\n3,4\n"), "a b", "2 4");
    check(
        "a;p\n1,5;1'234,50\n2,5;1\u{202f}234,5\n2,5;12\u{a0}345\n2,5;1 234 567,5\n".as_bytes(),
        "a p",
        "1234.50 1234.5 12345 1234567.5",
    );
    check(b"a,p\n1,12 345\n2,110 00\n", "a p", "12345 110 00");
    check("a,p\n1.5,12'345.5\n".as_bytes(), "a p", "12345.5");
    check("a;p\n1,5;1.234,50 €\n2,5;12,00 €\n".as_bytes(), "a p", "1.234,50 € 12,00 €");
    // Excel goes by a first line of this form.
    check(b"sep=;\r\na;b\r\n1;x,y\r\n", "a b", "x,y");
    check("\u{feff}\"sep=|\"\na,b|c\n1,2|3\n".as_bytes(), "a,b c", "3");
    check(b"SEP=\t\na\tb\n1\t2\n", "a b", "2");
    check(b"sep=x\n1\n2\n", "sep=x", "1 2");
    check(b"x,yy,\n1,2,3\n", "x yy column_3", "3");
    for (text, is_named) in [("a,b\n1,2\n", true), ("1,2\n3,4\n", false)] {
        let reader = TableReader::new("t", text.as_bytes(), &Dialect::default()).unwrap();
        assert_eq!(reader.has_header(), is_named, "{text:?}");
    }
    check(&gzip("sep=,\na,b\n1,2;3\n"), "a b", "2;3");
    // As `cat` puts files together.
    check(b"a,b\n1,2\na,b\n3,4\n", "a b", "2 4");
    check(b"| a | b |\n|---|---|\n| x | y |\n| a | b |\n", "a b", "y");
    let skip = Dialect { skip_lines: 2, ..Dialect::default() };
    assert_eq!(read(b"a title\n\na,b\n1,2\n", &skip), ("a b".to_owned(), "2".to_owned()));
    let signs = Dialect { missing: vec!["unknown".to_owned()], ..Dialect::default() };
    assert_eq!(read(b"a,b\n1,unknown\n", &signs).1, "");
    assert_eq!(read(b"a;b\nx;1,5\ny;unknown\n", &signs).1, "1.5 ");
    assert_eq!(read(b"a,b\nx,unknown\ny,3\nx,4\n", &signs).0, "a b");
    let told = Dialect { delimiter: Some(Delimiter::Comma), header: Some(false), ..Dialect::default() };
    assert_eq!(read(b"a;b,c\n", &told), ("column_1 column_2".to_owned(), "c".to_owned()));
    let named = Dialect { names: vec!["x".to_owned(), "y".to_owned()], ..Dialect::default() };
    assert_eq!(read(b"1,2\n3,4\n", &named), ("x y".to_owned(), "2 4".to_owned()));
    assert_eq!(read(b"red,blue\n", &named), ("x y".to_owned(), "blue".to_owned()));
    assert_eq!(read(b"y,z,x\n1,2,3\n", &named), ("y z x".to_owned(), "3".to_owned()));
    let error = TableReader::new("t", &b"1,2,3\n"[..], &named).err().unwrap().to_string();
    assert_eq!(error, "t has 3 columns and no header, and there are names for 2");
    let three = ["x", "kind", "y"].map(str::to_owned).to_vec();
    let may_lack = Dialect { names: three, optional: vec!["kind".to_owned()], ..Dialect::default() };
    assert_eq!(read(b"1,2\n3,4\n", &may_lack), ("x y".to_owned(), "2 4".to_owned()));
    assert_eq!(read(b"1,0,2\n3,0,4\n", &may_lack), ("x kind y".to_owned(), "2 4".to_owned()));
    let error = TableReader::new("t", &b"1\n"[..], &may_lack).err().unwrap().to_string();
    let expected =
        "t has 1 column and no header, and there are names for 3, or for 2 without what is to be predicted";
    assert_eq!(error, expected);
    check(b"a,b\n1,\"-12,000\"\n2,\"1,100.5\"\n", "a b", "-12000 1100.5");
    check(b"a;b\n1;1,100\n2;1,100.5\n", "a b", "1100 1100.5");
    // As R's write.table and NumPy's savetxt write names.
    check(b"\"x\" \"y\"\n\"1\" 2.5 \"a\"\n\"2\" 3.5 \"b\"\n", "column_1 x y", "a b");
    check(b"x\ty\nr1\t2.5\ta\nr2\t3.5\tb\n", "column_1 x y", "a b");
    check(b"# x y\n1 2.5\n2 3.5\n", "x y", "2.5 3.5");
    // As pandas writes a gap where there is one column.
    check(b"x\n1\n\"\"\n\n3\n", "x", "1  3");
    // What goes with a table of decimal commas may have points.
    let commas = Dialect { decimal_comma: Some(true), ..Dialect::default() };
    assert_eq!(read(b"a;b\n1;1.288\n", &commas).1, "1288");
    assert_eq!(read(b"a;b\n1;1.288\n2;1.29\n", &commas).1, "1.288 1.29");
    assert_eq!(read(b"a,b\n1,1.288\n", &commas).1, "1.288");
    assert_eq!(read(b"a,b\n1,\"1,288\"\n2,\"1,5\"\n", &commas).1, "1.288 1.5");

    let error = TableReader::new("t", &gzip("a,b\n1,2\n3,4\n")[..20], &Dialect::default()).err().unwrap();
    assert!(error.to_string().starts_with("cannot read t: "), "{error}");
}

#[test]
fn a_category_is_known_by_other_spellings_of_its_number() {
    let kinds = BTreeMap::from([("code".to_owned(), Kind::Category)]);
    let recipe = Recipe { kinds, ..Recipe::new("y", Task::Classification) };
    let codes = table("code,y\n1.0,u\n2.0,v\n1.0,v\n2.0,u\n7.0,u\n7.0,v\n");
    let preparation = Preparation::fit_recipe(&codes, &all(&codes), &recipe).unwrap();
    let inputs = |csv: &str| preparation.features(&table(csv), &[0]).unwrap();
    assert_eq!(inputs("code\n2\n"), inputs("code\n2.0\n"));
    assert_ne!(inputs("code\n2\n"), inputs("code\n1\n"));
    assert_ne!(inputs("code\n02\n"), inputs("code\n2\n"));
}

#[test]
fn arrays_of_numbers_are_tables() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let read = |path: &Path| {
        Table::read(path, &Dialect::default()).map_err(|error| error.to_string()).map(|table| {
            let cells =
                |row| table.columns().iter().map(|c| c.get(row).to_owned()).collect::<Vec<_>>().join(" ");
            let names = table.columns().iter().map(|column| column.name()).collect::<Vec<_>>().join(" ");
            (names, all(&table).into_iter().map(cells).collect::<Vec<_>>().join(", "))
        })
    };
    let npy = |descr: &str, order: &str, shape: &str, data: &[u8]| {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
        while (header.len() + 11) % 64 != 0 {
            header.push(' ');
        }
        header.push('\n');
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    };
    let floats: Vec<u8> = [0.1_f32, 2.0, f32::NAN, 4.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let both = |text: (&str, &str)| Ok((text.0.to_owned(), text.1.to_owned()));
    let path = write("a.npy", &npy("<f4", "False", "(2, 2)", &floats));
    assert_eq!(read(&path), both(("column_1 column_2", "0.1 2, NaN 4")));
    for signs in [
        Dialect { missing: vec!["2.0".to_owned()], ..Dialect::default() },
        Dialect { missing_only: Some(vec!["2".to_owned()]), ..Dialect::default() },
    ] {
        let table = Table::read(&path, &signs).unwrap();
        let missing = table.columns().iter().map(|column| [0, 1].map(|row| column.is_missing(row)));
        assert_eq!(missing.collect::<Vec<_>>(), [[false, true], [true, false]], "NaN is missing, too");
    }
    let path = write("f.npy", &npy("|u1", "True", "(2, 3)", &[1, 2, 3, 4, 5, 6]));
    assert_eq!(read(&path), both(("column_1 column_2 column_3", "1 3 5, 2 4 6")));
    let path = write("cube.npy", &npy("|u1", "True", "(1, 2, 2)", &[1, 2, 3, 4]));
    assert!(read(&path).unwrap_err().contains("in C order"), "{:?}", read(&path));
    let path = write("flat.npy", &npy("|u1", "False", "(1, 2, 2)", &[1, 2, 3, 4]));
    assert_eq!(read(&path), both(("column_1 column_2 column_3 column_4", "1 2 3 4")));
    let elements: [(&str, &str, &[u8], &str); 15] = [
        ("<f8", "(1,)", &0.1_f64.to_le_bytes(), "0.1"),
        (">f8", "()", &0.1_f64.to_be_bytes(), "0.1"),
        (">f4", "(1,)", &0.1_f32.to_be_bytes(), "0.1"),
        ("<i8", "(1,)", &(-1_i64 << 40).to_le_bytes(), "-1099511627776"),
        ("<i4", "(1,)", &(-70_000_i32).to_le_bytes(), "-70000"),
        ("<i2", "(1,)", &(-300_i16).to_le_bytes(), "-300"),
        ("|i1", "(1,)", &(-3_i8).to_le_bytes(), "-3"),
        ("<u8", "(1,)", &(1_u64 << 40).to_le_bytes(), "1099511627776"),
        ("<u4", "(1,)", &u32::MAX.to_le_bytes(), "4294967295"),
        ("<u2", "(1,)", &u16::MAX.to_le_bytes(), "65535"),
        ("|u1", "(1,)", &[255], "255"),
        ("|b1", "(1,)", &[1], "1"),
        // The largest number of half precision, and what is nearest to a tenth.
        ("<f2", "(1,)", &0x7bff_u16.to_le_bytes(), "65504"),
        (">f2", "(1,)", &0x2e66_u16.to_be_bytes(), "0.0999755859375"),
        ("|S4", "(1,)", b" ab\0", "ab"),
    ];
    for (kind, shape, bytes, number) in elements {
        assert_eq!(
            read(&write("one.npy", &npy(kind, "False", shape, bytes))),
            both(("column_1", number)),
            "{kind}"
        );
    }
    let path = write("cut.npy", &npy("<f4", "False", "(3, 2)", &floats));
    assert!(read(&path).unwrap_err().starts_with(&format!("cannot read {}: ", path.display())));
    let utf32: Vec<u8> = ["é?", "NA", "b ", "-1"]
        .iter()
        .flat_map(|text| text.chars().flat_map(|c| u32::from(c).to_le_bytes()))
        .collect();
    let texts = npy("<U2", "False", "(2, 2)", &utf32);
    assert_eq!(read(&write("text.npy", &texts)), both(("column_1 column_2", "é? NA, b -1")));
    let path = write("turned.npy", &npy("<U2", "True", "(2, 2)", &utf32));
    assert_eq!(read(&path), both(("column_1 column_2", "é? b, NA -1")));
    let gaps = |dialect: Dialect| {
        let table = Table::read(&path, &dialect).unwrap();
        let gaps = table.columns().iter().map(|column| [0, 1].map(|row| column.is_missing(row)));
        gaps.collect::<Vec<_>>()
    };
    assert_eq!(gaps(Dialect::default()), [[false, true], [false, false]]);
    let only = |sign: &str| Dialect { missing_only: Some(vec![sign.to_owned()]), ..Dialect::default() };
    assert_eq!(gaps(only("column_2=-1.0")), [[false, false], [false, true]]);
    for (kind, bytes) in [("<M8[D]", &[0_u8; 8][..]), ("<U0", &[]), ("|S9999999", &[])] {
        let path = write("other.npy", &npy(kind, "False", "(1,)", bytes));
        let error = read(&path).unwrap_err();
        assert!(error.contains("cannot be read; save") && error.contains("a.astype(str)"), "{error}");
    }
    let path = write("latin.npy", &npy("|S2", "False", "(1,)", b"\xe9a"));
    assert!(read(&path).unwrap_err().contains("utf-8"), "{:?}", read(&path));

    // The arrays of an archive have names, also if there is but one.
    let npz = |arrays: &[(&str, Vec<u8>)]| {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, array) in arrays {
            archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(array).unwrap();
        }
        archive.finish().unwrap().into_inner()
    };
    let inputs = ("x", npy("<f4", "False", "(2, 2)", &floats));
    let classes = ("y", npy("|u1", "False", "(2,)", &[7, 9]));
    let path = write("xy.npz", &npz(&[inputs.clone(), classes.clone()]));
    assert_eq!(read(&path), both(("x_1 x_2 y", "0.1 2 7, NaN 4 9")));
    let path = write("x.npz", &npz(&[inputs]));
    assert_eq!(read(&path), both(("x_1 x_2", "0.1 2, NaN 4")));
    let words = ("words", npy("|S3", "False", "(2,)", b"yesno\0"));
    let path = write("words.npz", &npz(&[classes.clone(), words]));
    assert_eq!(read(&path), both(("y words", "7 yes, 9 no")));
    let path = write("y.npz", &npz(&[classes]));
    assert_eq!(read(&path), both(("y", "7, 9")));
    let path = write("none.npz", &npz(&[]));
    assert!(read(&path).is_err(), "{:?}", read(&path));

    let idx = |head: &[u8], data: &[u8]| [&[0, 0], head, data].concat();
    let images = idx(&[8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2], &[1, 2, 3, 255]);
    let path = write("train-images-idx3-ubyte", &images);
    assert_eq!(read(&path), both(("column_1 column_2", "1 2, 3 255")));
    write("train-labels-idx1-ubyte", &idx(&[8, 1, 0, 0, 0, 2], &[7, 9]));
    assert_eq!(read(&path), both(("column_1 column_2 label", "1 2 7, 3 255 9")));
    write("train-labels-idx1-ubyte", &idx(&[8, 1, 0, 0, 0, 3], &[7, 9, 1]));
    assert!(read(&path).unwrap_err().contains(": the array \"label\" has 3 rows, and \"column\" has 2, "));
    let elements: [(u8, &[u8], &str); 6] = [
        (8, &[255], "255"),
        (9, &(-3_i8).to_be_bytes(), "-3"),
        (11, &(-300_i16).to_be_bytes(), "-300"),
        (12, &(-70_000_i32).to_be_bytes(), "-70000"),
        (13, &0.25_f32.to_be_bytes(), "0.25"),
        (14, &0.1_f64.to_be_bytes(), "0.1"),
    ];
    for (kind, bytes, number) in elements {
        let path = write("one", &idx(&[kind, 1, 0, 0, 0, 1], bytes));
        assert_eq!(read(&path), both(("column_1", number)), "{kind}");
        let path = write("cut", &idx(&[kind, 1, 0, 0, 0, 2], bytes));
        assert!(read(&path).unwrap_err().contains("ends early"), "{:?}", read(&path));
    }
    let path = write("huge", &idx(&[14, 4].iter().copied().chain([255; 16]).collect::<Vec<_>>(), &[]));
    assert!(read(&path).unwrap_err().contains("too large"), "{:?}", read(&path));

    let dt = |outputs: &str, rows: &str| {
        let parts = "training_examples=1\nvalidation_examples=1\ntest_examples=1\n";
        write("p.dt", format!("bool_in=0\nreal_in=2\n{outputs}\n{parts}{rows}").as_bytes())
    };
    let path = dt("bool_out=2\nreal_out=0", "0.1 2 0 1\n0.25 4 1 0\n1 1 0 1\n");
    assert_eq!(read(&path), both(("column_1 column_2 label", "0.1 2 2, 0.25 4 1, 1 1 2")));
    assert_eq!(Table::read(&path, &Dialect::default()).unwrap().line(0), 8);
    let path = dt("bool_out=0\nreal_out=1", "0.1 2 7\n0.25 4 0.3\n1 1 0\n");
    assert_eq!(read(&path), both(("column_1 column_2 output", "0.1 2 7, 0.25 4 0.3, 1 1 0")));
    let headless = Dialect { skip_lines: 7, ..Dialect::default() };
    assert_eq!(Table::read(&path, &headless).unwrap().columns().len(), 3);
    let path = dt("bool_out=0\nreal_out=2", "0.1 2 7 1\n0.25 4 0.3 1\n1 1 0 0\n");
    let all = "0.1 2 7 1, 0.25 4 0.3 1, 1 1 0 0";
    assert_eq!(read(&path), both(("column_1 column_2 output_1 output_2", all)));
    let path = dt("bool_out=2\nreal_out=0", "0.1 2 0\n");
    assert!(
        read(&path).unwrap_err().contains("p.dt, line 8: 3 values where the head says"),
        "{:?}",
        read(&path)
    );
}

#[test]
fn a_table_read_in_pieces_is_the_same_table() {
    let text: String = (0..1000).map(|i| format!("{i},\"a\nb{i}\"\n")).collect();
    let text = format!("n,t\n{text}");
    let whole = table(&text);
    let mut reader = TableReader::new("t", text.as_bytes(), &Dialect::default()).unwrap();
    let mut row = 0;
    while let Some(piece) = reader.next_rows(77).unwrap() {
        for at in 0..piece.rows() {
            assert_eq!(piece.line(at), whole.line(row));
            assert_eq!(piece.columns()[1].get(at), whole.columns()[1].get(row));
            row += 1;
        }
    }
    assert_eq!(row, 1000);
}

#[test]
fn columns_are_found_by_name_whatever_stands_around_them() {
    let preparation = fit("a,b,y\n1,10,u\n3,30,v\n1,10,v\n3,30,u\n", Task::Classification).unwrap();
    let other = table("note,b,y,a\nhello,20,w,5\n");
    assert_eq!(preparation.features(&other, &[0]).unwrap().into_raw_vec_and_offset().0, [3.0, 0.0]);

    let error = preparation.features(&table("A,b\n1,2\n"), &[0]).unwrap_err();
    let expected =
        "t.csv has no column \"a\", which the model was trained on; did you mean \"A\"? It has \"A\", \"b\"";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_table_that_cannot_be_learnt_from_is_refused_and_the_place_is_named() {
    use Task::{Classification, Regression};
    let cases = [
        ("a,x\n1,2\n", Classification, "t.csv has no column \"y\"; it has \"a\", \"x\""),
        (
            "y\nu\nv\nu\n",
            Classification,
            "t.csv has no column besides the target \"y\": nothing to learn from",
        ),
        (
            "a,y\n1,u\n2,u\n",
            Classification,
            "t.csv: the target \"y\" is \"u\" in all 2 training rows: nothing to learn",
        ),
        (
            "a,y\n1,7\n2,7.0\n",
            Classification,
            "t.csv: the target \"y\" is \"7\" in all 2 training rows: nothing to learn",
        ),
        (
            "a,y\n1,7\n2,7.0\n",
            Regression,
            "t.csv: the target \"y\" is \"7\" in all 2 training rows: nothing to learn",
        ),
        (
            "a,y\n1,u\n2,v\n3,w\n",
            Classification,
            "t.csv: the target \"y\" has 3 different values in 3 rows (such as \"u\"), too many for classes; \
             for a quantity choose regression, otherwise another target",
        ),
        (
            "a,y\n1,0.5\n2,1e400\n3,1.5\n",
            Classification,
            "t.csv: the target \"y\" has 3 different values in 3 rows (such as \"1e400\"), too many for classes; \
             for a quantity choose regression, otherwise another target",
        ),
        (
            "a,y\n1,2026-01-05\n2,2026-03-09\n3,2026-02-01\n",
            Classification,
            "t.csv: the target \"y\" has 3 different values in 3 rows (such as \"2026-01-05\"), too many for classes; \
             to have dates learned, write them as numbers (of days, of minutes)",
        ),
        (
            "a,y\n1,u\n\nx,v\n2,u\n3,v\n4,u\n",
            Classification,
            "t.csv, line 4, column \"a\": \"x\" is not a number; correct the cell, or empty it",
        ),
        (
            "a,y\n1,€5\n2,$6\n3,$7\n4,EUR 8\n5,$9\n6,$2\n7,$4\n",
            Regression,
            "t.csv, line 2, column \"y\": \"€5\" is not written like \"$12\", as others of the column are (nor is that on \
             line 5: \"EUR 8\"); correct the cells, or empty them",
        ),
        (
            "a,y\n1,5\n2,$6\n3,7\n4,x\n5,9\n",
            Regression,
            "t.csv, line 3, column \"y\": \"$6\" is not a number (nor is that on line 5: \"x\"); correct the cells, or \
             empty them",
        ),
        (
            "a,y\n1,u\ninf,v\n2,u\n",
            Classification,
            "t.csv, line 3, column \"a\": \"inf\" is not a finite 32-bit number; correct the cell, or empty it",
        ),
        (
            "a,b,y\n?,7,u\n?,7,v\n?,7,u\n",
            Classification,
            "t.csv has no column to learn from: \"a\" is the same, or missing, in all training rows, \"b\" is the same, or \
             missing, in all training rows; declare the kind of one that matters",
        ),
        (
            "a,y\n1,u\n2,?\n3,u\n",
            Classification,
            "t.csv, line 3, column \"y\": the target is missing (\"?\"); fill it in, or leave the row out",
        ),
    ];
    for (csv, task, message) in cases {
        assert_eq!(fit(csv, task).expect_err(message).to_string(), message, "{csv:?}");
    }
    let error = Preparation::fit(&table("a,y\n1,u\n"), &[], "y", Classification).unwrap_err();
    assert_eq!(error.to_string(), "t.csv: no training rows");
}

#[test]
fn held_out_rows_that_do_not_fit_the_training_rows_are_refused() {
    let preparation = fit("a,y\n1,u\n3,v\n1,v\n", Task::Classification).unwrap();
    let check = |csv: &str, message: &str| {
        let other = table(csv);
        let error = preparation.dataset(&other, &all(&other)).unwrap_err();
        assert_eq!(error.to_string(), message);
    };
    check(
        "a,y\n1,u\n1,w\n",
        "t.csv, line 3, column \"y\": class \"w\" is not one of the training rows' classes (u, v); correct the \
         cell, leave the row out, or train with rows of that class",
    );
    check("a\n1\n", "t.csv has no column \"y\"; it has \"a\"");
    let ten = "t.csv, line 2, column \"a\": \"ten\" is not a number";
    check("a,y\nten,u\n", &format!("{ten}; correct the cell, or empty it"));
    check(
        "a,y\nten,u\n1,v\n,u\neleven,v\nten,v\n",
        &format!("{ten} (nor are those on lines 5 and 6: \"eleven\"); correct the cells, or empty them"),
    );

    let narrow = fit("a,y\n0,u\n1e-30,v\n0,v\n", Task::Classification).unwrap();
    let error = narrow.features(&table("a\n1e30\n"), &[0]).unwrap_err();
    let expected = "t.csv, line 2, column \"a\": \
                    1e30 is too far from the training rows' values to be put on their scale; correct it";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_table_with_fewer_rows_than_a_split_needs_is_refused_by_name() {
    let small = table("a,y\n1,u\n2,v\n3,w\n4,u\n");
    let error = split_table(&small, "y", Task::Classification, Fractions::default(), 1).unwrap_err();
    let expected = "t.csv: 4 rows cannot be split: \
                    one row of each of 3 classes is needed for training, one each for 2 other parts";
    assert_eq!(error.to_string(), expected);
    assert!(split_table(&small, "y", Task::Regression, Fractions::default(), 1).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("none.csv"), folder.path().to_owned()] {
        let error = Table::read_csv(&path).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&format!("cannot read {}: ", path.display())), "{error}");
    }
}

/// From bytes to numbers for a network, with the first column as the target.
fn prepare(bytes: &[u8], task: Option<Task>) -> Result<(), Error> {
    let table = Table::from_csv_reader("t.csv", bytes)?;
    let target = table.columns()[0].name();
    let task = task.map_or_else(|| Task::infer(&table, target), Ok)?;
    let parts = split_table(&table, target, task, Fractions { validation: 0.3, test: 0.0 }, 1)?;
    let preparation = Preparation::fit(&table, &parts.train, target, task)?;
    let data = preparation.dataset(&table, &parts.validation)?;
    assert!(data.features().iter().all(|value| value.is_finite()));
    Ok(())
}

const PIECES: [&str; 26] = [
    "a",
    "b",
    ",",
    ",",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\"",
    "1",
    "-2.5",
    "1e38",
    "-3e38",
    "1e-320",
    "nan",
    "?",
    " ",
    "\0",
    "\u{feff}",
    ";",
    "\t",
    "yes",
    "no",
    "2026-11-23",
    "08:15",
    "some more words",
];

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = prepare(&bytes, None);
    }

    #[test]
    fn text_that_looks_like_a_table_never_panics(
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..80),
    ) {
        for task in [None, Some(Task::Classification), Some(Task::Regression)] {
            let _ = prepare(pieces.concat().as_bytes(), task);
        }
    }

    #[test]
    fn numbers_of_any_size_are_prepared(
        rows in prop::collection::vec(prop::collection::vec(-1e38..1e38_f64, 3), 4..20),
    ) {
        let lines: String = rows.iter().map(|row| format!("{:e},{},{}\n", row[0], row[1], row[2])).collect();
        prepare(format!("a,b,c\n{lines}").as_bytes(), Some(Task::Regression)).unwrap();
    }

    #[test]
    fn what_held_out_rows_hold_changes_nothing_in_the_preparation(
        cells in prop::collection::vec((-1e6..1e6_f64, 0..3_u32), 12..60),
        others in prop::collection::vec((-1e6..1e6_f64, 0..3_u32), 60),
        seed: u64,
        regression: bool,
    ) {
        let task = if regression { Task::Regression } else { Task::Classification };
        let write = |cells: &[(f64, u32)]| {
            let class = |class: u32| if regression { class.to_string() } else { format!("c{class}") };
            // A number, one with gaps, a name that is rare or missing now and then, a date.
            let lines = cells.iter().map(|(a, y)| {
                let whole = a.abs() as u64;
                let gaps = if whole.is_multiple_of(5) { "?".to_owned() } else { (a * 3.0).to_string() };
                let name = if whole.is_multiple_of(7) { String::new() } else { format!("k{}", (whole as f64).sqrt() as u64 % 12) };
                format!("{a},{gaps},{name},2026-{:02}-{:02},{}\n", 1 + whole % 12, 1 + whole % 28, class(*y))
            });
            table(&format!("a,b,name,day,y\n{}", lines.collect::<String>()))
        };
        let before = write(&cells);
        let Ok(parts) = split_table(&before, "y", task, Fractions::default(), seed) else { return Ok(()) };
        let fitted = |table: &Table| {
            Preparation::fit(table, &parts.train, "y", task).map_err(|error| error.to_string())
        };

        let mut changed = cells;
        for row in parts.validation.iter().chain(&parts.test) {
            changed[*row] = others[*row];
        }
        prop_assert_eq!(fitted(&before), fitted(&write(&changed)));

        changed[parts.train[0]].0 += 1.0;
        if let (Ok(before), Ok(after)) = (fitted(&before), fitted(&write(&changed))) {
            prop_assert_ne!(before, after);
        }
    }
}
