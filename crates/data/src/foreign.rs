//! Files that are no tables of text, told by their first bytes.

use crate::proben1;

/// What a file is that begins like this, where that is known and nothing that can be read, and what to do with it.
pub(crate) fn what(head: &[u8]) -> Option<(&'static str, &'static str)> {
    const SAVE: &str = "save the table as CSV";
    const UNPACK: &str = "unpack it first";
    let binary: [(&[u8], &str, &str); 17] = [
        (b"PAR1", "a Parquet file", SAVE),
        (b"ARROW1", "an Arrow file", SAVE),
        (b"FEA1", "a Feather file", SAVE),
        (b"\x89HDF", "an HDF5 file", SAVE),
        (b"SQLite format 3", "a database of SQLite", SAVE),
        (b"\xd0\xcf\x11\xe0", "a workbook of Excel", SAVE),
        (b"<stata_dta>", "a file of Stata", SAVE),
        (b"$FL2", "a file of SPSS", SAVE),
        (b"$FL3", "a file of SPSS", SAVE),
        (b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", "a file of SAS", SAVE),
        (b"RDX", "a file of R", SAVE),
        (b"X\n\0\0", "a file of R", SAVE),
        (b"%PDF", "a PDF", SAVE),
        (b"PK\x03\x04", "a ZIP archive", UNPACK),
        (b"BZh", "compressed with bzip2", UNPACK),
        (b"\xfd7zXZ", "compressed with xz", UNPACK),
        (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", UNPACK),
    ];
    if let Some((_, what, remedy)) = binary.into_iter().find(|(begin, ..)| head.starts_with(begin)) {
        return Some((what, remedy));
    }
    // As DuckDB, polars, nushell and rich show a table, often without the rows in its middle.
    let is_drawn = |line: &str| line.trim_start().starts_with(['┌', '╭', '┏', '╔']);
    if String::from_utf8_lossy(&head[..head.len().min(1000)]).lines().take(3).any(is_drawn) {
        return Some(("a table as it is drawn on a screen", SAVE));
    }
    if let Some(found) = of_learners(&String::from_utf8_lossy(head)) {
        return Some(found);
    }
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    let inside = |text: &[u8]| text[1..].trim_ascii_start().first().copied();
    match text.first()? {
        b'[' if matches!(inside(text), Some(b'{' | b'[')) => Some(("JSON", SAVE)),
        b'{' if inside(text) == Some(b'"') => Some(("JSON", SAVE)),
        b'<' => {
            let tag: Vec<u8> = text[1..].iter().take(8).map(u8::to_ascii_lowercase).collect();
            let begins = |tags: &[&str]| tags.iter().any(|name| tag.starts_with(name.as_bytes()));
            match () {
                () if begins(&["!doctype", "html", "table", "head", "body", "div"]) => {
                    Some(("a web page", SAVE))
                }
                () if begins(&["?xml"]) => Some(("XML", SAVE)),
                () => None,
            }
        }
        _ => None,
    }
}

/// Text that other programs learn from.
fn of_learners(head: &str) -> Option<(&'static str, &'static str)> {
    let mut lines = head.lines().filter(|line| !line.starts_with('%') && !line.trim().is_empty());
    let first = lines.next()?;
    // A number, then numbers of columns and their values, which are no times of day.
    let mut fields = first.split_ascii_whitespace();
    let is_number = |text: &str| text.parse::<f64>().is_ok();
    let is_label = fields.next().is_some_and(is_number);
    let pairs: Option<Vec<(&str, &str)>> = fields.map(|field| field.split_once(':')).collect();
    let is_sparse = |(at, value): &(&str, &str)| at.parse::<u32>().is_ok() && is_number(value);
    let is_time = |(_, value): &(&str, &str)| value.len() == 2;
    let is_libsvm =
        is_label && pairs.is_some_and(|pairs| pairs.iter().all(is_sparse) && !pairs.iter().all(is_time));
    match () {
        () if first.get(..9).is_some_and(|word| word.eq_ignore_ascii_case("@relation")) => Some((
            "an ARFF file of Weka",
            "save it as CSV, or leave out the lines up to @data (--skip-lines N) and name the columns (--names)",
        )),
        () if proben1::begins(first.as_bytes()) => Some((
            "a problem of Proben1",
            "give it as a file, or leave out the lines of its head (--skip-lines 7)",
        )),
        () if is_libsvm => Some(("LIBSVM's sparse text", "save the table as CSV, with all zeros")),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::Dialect;
    use crate::reader::TableReader;
    use crate::table::Table;

    #[test]
    fn what_is_no_table_is_said_to_be_what_it_is() {
        let cases: [(&[u8], &str); 15] = [
            (
                b"bool_in=0\nreal_in=9\nbool_out=2\n",
                "t.csv is a problem of Proben1: give it as a file, or leave out the lines of its head (--skip-lines 7)",
            ),
            (b"[{\"a\":1,\"b\":2},{\"a\":3,\"b\":4}]", "t.csv is JSON: save the table as CSV"),
            (
                "┌───┬───┐\n│ a │ b │\n├───┼───┤\n│ 1 │ 2 │\n└───┴───┘\n".as_bytes(),
                "t.csv is a table as it is drawn on a screen: save the table as CSV",
            ),
            (
                "shape: (1, 2)\n┌─────┬─────┐\n│ a   ┆ b   │\n".as_bytes(),
                "t.csv is a table as it is drawn on a screen: save the table as CSV",
            ),
            (b"\n[\n  {\"a\":1},\n", "t.csv is JSON: save the table as CSV"),
            (
                "\u{feff}{\"a\":1,\"b\":2}\n{\"a\":3,\"b\":4}\n".as_bytes(),
                "t.csv is JSON: save the table as CSV",
            ),
            (b"<!DOCTYPE html>\n<html>", "t.csv is a web page: save the table as CSV"),
            (b"<table border=\"1\">\n<tr>", "t.csv is a web page: save the table as CSV"),
            (b"<?xml version=\"1.0\"?>\n", "t.csv is XML: save the table as CSV"),
            (b"SQLite format 3\0\x10\0", "t.csv is a database of SQLite: save the table as CSV"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "t.csv is a workbook of Excel: save the table as CSV"),
            (b"PK\x03\x04\x14\0", "t.csv is a ZIP archive: unpack it first"),
            (b"BZh91AY&SY", "t.csv is compressed with bzip2: unpack it first"),
            (
                b"% Iris\n\n@RELATION iris\n@ATTRIBUTE a REAL\n@DATA\n1,2\n",
                "t.csv is an ARFF file of Weka: save it as CSV, or leave out the lines up to @data (--skip-lines N) and name \
                 the columns (--names)",
            ),
            (
                b"-1 1:0.5 3:1\n+1 2:-3e1\n",
                "t.csv is LIBSVM's sparse text: save the table as CSV, with all zeros",
            ),
        ];
        for (bytes, message) in cases {
            assert_eq!(Table::from_csv_reader("t.csv", bytes).expect_err(message).to_string(), message);
        }
        for text in [
            "[a],{b}\n1,2\n",
            "<b>x</b>,y\n1,2\n",
            "{x},[y\n1,2\n",
            "[1,2\n[3,4\n",
            "1 10:30 11:00\n2 9:15 9:45\n",
        ] {
            assert!(Table::from_csv_reader("t.csv", text.as_bytes()).is_ok(), "{text:?}");
        }
        // What is left out does not count.
        let arff = "@relation t\n@data\n1,u\n2,v\n";
        let dialect =
            Dialect { skip_lines: 2, names: ["a", "b"].map(str::to_owned).into(), ..Dialect::default() };
        let mut reader = TableReader::new("t.arff", arff.as_bytes(), &dialect).unwrap();
        assert_eq!(reader.next_rows(9).unwrap().unwrap().rows(), 2);
    }
}
