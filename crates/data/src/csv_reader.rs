//! Tables of text, comma-separated as in RFC 4180 or otherwise, into a [`Table`].

use std::collections::BTreeMap;
use std::io::{self, Read};

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::arriving::Arriving;
use crate::cell;
use crate::commas::Commas;
use crate::dialect::{Delimiter, Dialect, column_name};
use crate::drawn::Drawn;
use crate::error::{Error, Result};
use crate::foreign;
use crate::lines::{END, LineByLine, breaks, read_line};
use crate::missing::Missing;
use crate::plain::plain;
use crate::reader::ReadRows;
use crate::sniff::{Layout, split_at_blanks};
use crate::table::{ColumnWriter, Table};

/// Titles above a table are within so many lines.
const FIRST_LINES: u64 = 30;

/// Reads a table of text piece by piece.
pub(crate) struct TextReader<'a> {
    rows: Rows<'a>,
    names: Vec<String>,
    named: bool,
    missing: Missing,
    commas: Commas,
    /// The line of a first row that names nothing, and has been read already.
    pending: Option<u64>,
    any: bool,
}

impl<'a> TextReader<'a> {
    /// Text, and its first row read. Where it is `live`, no more is waited for than a row: what there is tells the dialect, and
    /// is handed out.
    pub(crate) fn new(
        source: String,
        reader: Box<dyn Read + 'a>,
        dialect: &Dialect,
        live: bool,
    ) -> Result<TextReader<'a>> {
        let failed = |error| Error::Read { file: source.clone(), error };
        let mut reader = Arriving::new(Box::new(plain(reader).map_err(failed)?), live);
        let mut skipped = Vec::new();
        for _ in 0..dialect.skip_lines {
            skipped.clear();
            read_line(&mut reader, &mut skipped).map_err(failed)?;
        }
        if let Some((what, remedy)) = foreign::what(reader.head(1).map_err(failed)?.0) {
            return Err(Error::Foreign { file: source, what, remedy });
        }
        let said = sep_line(&mut reader).map_err(failed)?;
        let skipped = dialect.skip_lines + u64::from(said.is_some());
        let given = dialect.delimiter.or(said);
        let told = given.is_some() && dialect.header.is_some() && dialect.decimal_comma == Some(false);
        // A row that may be a header tells little without another one.
        let rows = if dialect.header == Some(false) || !dialect.names.is_empty() { 1 } else { 2 };
        let (head, whole) = if told { (&[][..], true) } else { reader.head(rows).map_err(failed)? };
        let text = String::from_utf8_lossy(head);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let missing = Missing::of(dialect);
        let layout = Layout::of(text, whole, given, dialect, &missing);
        let mut rows = Rows::new(source, reader, layout.delimiter, layout.drawn, skipped);
        let Some(line) = rows.advance()? else { return Err(Error::Empty { file: rows.source }) };
        let (names, pending) = match layout.header {
            true => {
                rows.header = rows.row.clone();
                (names(&rows.source, layout.aligned.as_ref().unwrap_or(&rows.row).iter())?, None)
            }
            false => {
                let given = dialect.names_of(&rows.source, rows.row.len())?;
                (names(&rows.source, given.iter().map(String::as_str))?, Some(line))
            }
        };
        Ok(TextReader {
            rows,
            names,
            named: layout.header || !dialect.names.is_empty(),
            missing,
            commas: layout.commas,
            pending,
            any: false,
        })
    }
}

impl ReadRows for TextReader<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn has_header(&self) -> bool {
        self.named
    }

    /// If rows are handed out as they arrive, those that need no waiting for. It is an error if there is no row at all.
    fn next_rows(&mut self, count: usize) -> Result<Option<Table>> {
        let mut columns = self.missing.columns(&self.names);
        let mut lines = Vec::new();
        while lines.len() < count && (lines.is_empty() || !self.rows.must_wait()) {
            let line = match self.pending.take() {
                None => self.rows.advance()?,
                pending => pending,
            };
            let Some(line) = line else { break };
            let (expected, found) = (columns.len(), self.rows.row.len());
            if found != expected {
                let file = self.rows.source.clone();
                // Above the names there may be more fields than below, in a sentence with commas.
                let is_second = !self.any && lines.len() == usize::from(self.rows.header.is_empty());
                let has_names =
                    |row: &StringRecord| row.iter().all(|name| cell::number(name.trim()).is_none());
                let is_table = |row: &StringRecord| row.len() > expected || is_second && has_names(row);
                let begins = self.rows.begins(line).filter(|(_, row)| line < FIRST_LINES && is_table(row));
                let begins = begins.map(|(line, _)| line);
                return Err(Error::Fields { file, line, expected, found, begins });
            }
            for (column, cell) in columns.iter_mut().zip(&self.rows.row) {
                let cell = cell.trim();
                let plain = self.commas.plain(cell);
                let lists = |text: &str| self.missing.lists(column.name(), text);
                let is_missing = lists(cell) || plain.as_deref().is_some_and(lists);
                column.push(if is_missing { "" } else { plain.as_deref().unwrap_or(cell) });
            }
            lines.push(line);
        }
        if lines.is_empty() {
            return if self.any { Ok(None) } else { Err(Error::NoRows { file: self.rows.source.clone() }) };
        }
        self.any = true;
        let columns = columns.into_iter().map(ColumnWriter::finish).collect();
        let table = Table::new(self.rows.source.clone(), columns, lines, self.named);
        Ok(Some(table.with_commas(self.commas)))
    }
}

/// The delimiter that a first line such as `sep=;` gives, which is read over. Excel takes it for no part of the table.
fn sep_line(reader: &mut Arriving<'_>) -> io::Result<Option<Delimiter>> {
    let (head, _) = reader.head(1)?;
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let line = line.strip_prefix(b"\"").and_then(|line| line.strip_suffix(b"\"")).unwrap_or(line);
    let said = match line.split_at_checked(4) {
        Some((name, [byte])) if name.eq_ignore_ascii_case(b"sep=") => Delimiter::of_byte(*byte),
        _ => None,
    };
    if said.is_some() {
        read_line(reader, &mut Vec::new())?;
    }
    Ok(said)
}

/// The names of the columns, of which those without one are numbered.
fn names<'n>(file: &str, header: impl Iterator<Item = &'n str>) -> Result<Vec<String>> {
    let mut numbers = BTreeMap::new();
    let mut names = Vec::new();
    for (number, name) in (1..).zip(header.map(str::trim)) {
        let name = if name.is_empty() { column_name(number) } else { name.to_owned() };
        if let Some(first) = numbers.insert(name.clone(), number) {
            let file = file.to_owned();
            return Err(Error::DuplicateColumn { file, column: name, first, second: number });
        }
        names.push(name);
    }
    Ok(names)
}

type Lines<'a> = LineByLine<Arriving<'a>>;

/// The rows of a text one after the other, the header first.
struct Rows<'a> {
    source: String,
    parser: Parser<'a>,
    row: StringRecord,
    /// The row that names the columns; empty if there is none.
    header: StringRecord,
    drawn: Option<Drawn>,
    skipped: u64,
}

enum Parser<'a> {
    Csv(Box<csv::Reader<Lines<'a>>>),
    Blanks { reader: Arriving<'a>, line: Vec<u8>, number: u64 },
}

impl<'a> Rows<'a> {
    fn new(
        source: String,
        reader: Arriving<'a>,
        delimiter: Delimiter,
        drawn: Option<Drawn>,
        skipped: u64,
    ) -> Self {
        let parser = match delimiter.byte() {
            None => Parser::Blanks { reader, line: Vec::new(), number: skipped },
            Some(byte) => {
                let reader = LineByLine::new(reader);
                let mut builder = ReaderBuilder::new();
                builder.has_headers(false).flexible(true).delimiter(byte);
                Parser::Csv(Box::new(builder.from_reader(reader)))
            }
        };
        let (row, header) = (StringRecord::new(), StringRecord::new());
        Rows { source, parser, row, header, drawn, skipped }
    }

    fn must_wait(&self) -> bool {
        match &self.parser {
            Parser::Csv(parser) => parser.get_ref().inner().must_wait(),
            Parser::Blanks { reader, .. } => reader.must_wait(),
        }
    }

    /// Puts the next row that is not blank into `row` and says on which line it begins; `None` after the last. Where files
    /// were put together, the names of the columns come again, and are no row.
    fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            let line = self.advance_line()?;
            let is_row = self.drawn.is_none_or(|drawn| drawn.unframe(&mut self.row));
            if line.is_none() || is_row && self.row != self.header {
                return Ok(line);
            }
        }
    }

    /// The line from which on the next rows, beginning with the one of this line, have the same number of fields; and the
    /// first of these.
    fn begins(&mut self, line: u64) -> Option<(u64, StringRecord)> {
        const ROWS: usize = 50;
        let (mut begins, mut first, mut count) = (line, self.row.clone(), 1);
        for _ in 0..ROWS {
            if self.must_wait() {
                break;
            }
            let Ok(Some(next)) = self.advance() else { break };
            if self.row.len() != first.len() {
                (begins, first, count) = (next, self.row.clone(), 0);
            }
            count += 1;
        }
        (count >= 2).then_some((begins, first))
    }

    /// As [`advance`](Rows::advance), but what is drawn is a row, too, and so are names that come again.
    fn advance_line(&mut self) -> Result<Option<u64>> {
        match &mut self.parser {
            Parser::Csv(parser) => advance_csv(&self.source, parser, &mut self.row, self.skipped),
            Parser::Blanks { reader, line, number } => loop {
                line.clear();
                let file = || self.source.clone();
                if !read_line(reader, line).map_err(|error| Error::Read { file: file(), error })? {
                    return Ok(None);
                }
                *number += 1;
                let text = std::str::from_utf8(line).ok().filter(|text| !text.contains('\0'));
                let text = text.ok_or_else(|| Error::NotUtf8 { file: file(), line: *number })?;
                let text = text.trim_start_matches('\u{feff}');
                self.row.clear();
                if !split_at_blanks(text, &mut self.row) {
                    return Err(Error::UnclosedQuote { file: file(), line: *number });
                }
                if !self.row.is_empty() {
                    return Ok(Some(*number));
                }
            },
        }
    }
}

fn advance_csv(
    source: &str,
    parser: &mut csv::Reader<Lines<'_>>,
    row: &mut StringRecord,
    skipped: u64,
) -> Result<Option<u64>> {
    loop {
        let read = parser.read_record(row);
        let file = || source.to_owned();
        let reader = parser.get_ref();
        let at_end = reader.is_at_end();
        let last_line = (reader.lines() + u64::from(at_end)).max(1) + skipped;
        match read.map_err(csv::Error::into_kind) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(ErrorKind::Io(error)) => return Err(Error::Read { file: file(), error }),
            Err(_) => return Err(Error::NotUtf8 { file: file(), line: last_line }),
        }
        let text = row.as_slice();
        let is_break = |byte| byte == b'\n' || byte == b'\r';
        let inner_breaks = if text.bytes().any(is_break) { row.iter().map(breaks).sum() } else { 0 };
        let line = (last_line - inner_breaks).max(1);
        if at_end {
            return if text == END { Ok(None) } else { Err(Error::UnclosedQuote { file: file(), line }) };
        }
        if text.contains('\0') {
            return Err(Error::NotUtf8 { file: file(), line });
        }
        // The parser has no row for an empty line: where a row is empty, quotes were around nothing.
        let blank = row.len() == 1 && !text.is_empty() && text.trim().is_empty();
        if !blank {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reader::TableReader;
    use crate::table::Column;
    use std::cell::Cell;

    fn read(text: impl AsRef<[u8]>) -> Result<Table> {
        Table::from_csv_reader("t.csv", text.as_ref())
    }

    fn cells(table: &Table) -> Vec<Vec<&str>> {
        (0..table.rows()).map(|row| table.columns().iter().map(|column| column.get(row)).collect()).collect()
    }

    #[test]
    fn cells_come_out_whatever_the_dialect() {
        let expected = vec![vec!["1", "x"], vec!["2", "y"]];
        for text in [
            "a,b\n1,x\n2,y\n",
            "a,b\n1,x\n2,y",
            "a,b\r\n1,x\r\n2,y\r\n",
            "\u{feff}a,b\n1,x\n2,y\n",
            "\u{feff}\"a\",b\r\n1,x\r\n2,y",
            "\"a\",\"b\"\n\"1\",\"x\"\n\"2\",\"y\"",
            " a , b\n 1 ,\tx\n2, y \n",
            "\n\na,b\n\n1,x\n  \n\r\n2,y\n\n",
        ] {
            let table = read(text).unwrap();
            assert_eq!(table.columns().iter().map(Column::name).collect::<Vec<_>>(), ["a", "b"], "{text:?}");
            assert_eq!(cells(&table), expected, "{text:?}");
        }
    }

    #[test]
    fn a_missing_number_may_be_named_as_the_file_has_it_or_with_a_point() {
        for sign in ["-999,0", "-999.0", "-999"] {
            let dialect = Dialect { missing: vec![sign.to_owned()], ..Dialect::default() };
            let text = "a;b\n-999,0;1,5\n2,25;3\n";
            let mut reader = TableReader::new("t.csv", text.as_bytes(), &dialect).unwrap();
            let table = reader.next_rows(9).unwrap().unwrap();
            assert_eq!(cells(&table), [["", "1.5"], ["2.25", "3"]], "{sign}");
        }
    }

    #[test]
    fn where_a_table_begins_below_its_titles_is_told() {
        for (text, expected) in [
            ("of fruit\na,b\n1,2\n3,4\n", Some(2)),
            ("of fruit\nfrom trees, 2024\n\na,b,c\n1,2,3\n3,4,5\n", Some(4)),
            ("of fruit\nfrom trees, bushes, 2024\na,b\n1,2\n3,4\n", Some(3)),
            ("a,b\n1,2\n3,4,5\n6,7\n8,9\n", None),
            ("a,b\n1,2\n3\n6\n", None),
            ("of fruit\na,b,c\n", None),
            ("of fruit, from trees, bushes, 2024\na,b\n1,2\n3,4\n", Some(2)),
            ("of fruit, from trees, bushes\n2024\na,b\n1,2\n3,4\n", Some(3)),
            ("a,b,c\n1,2\n3,4\n5,6\n", None),
            ("a,b,c\n1,2,3\nx,y\nz,w\n", None),
        ] {
            match read(text).unwrap_err() {
                Error::Fields { begins, .. } => assert_eq!(begins, expected, "{text:?}"),
                other => panic!("{text:?}: {other}"),
            }
        }
    }

    #[test]
    fn what_a_comma_is_in_a_number_is_told_from_other_columns() {
        for (text, expected) in [
            ("a\tb\n1,234\t0.5\n2,500\t1.5\n", "1234"),
            ("a\tb\n1,234\t0,5\n2,500\t1,5\n", "1.234"),
            ("a\tb\n1,234\t$5,000.50\n2,500\t$15\n", "1234"),
            ("a\tb\n1,234\t5\n2,500\t15\n", "1,234"),
            ("a,b\n\"1,234\",5\n\"2,500\",15\n", "1234"),
        ] {
            assert_eq!(cells(&read(text).unwrap())[0][0], expected, "{text:?}");
        }
    }

    #[test]
    fn quoted_fields_keep_commas_quotes_and_line_breaks() {
        let table = read("a,b\n\"x, y\",\"say \"\"no\"\"\"\n\"two\r\nlines\",\n").unwrap();
        assert_eq!(cells(&table), [["x, y", "say \"no\""], ["two\r\nlines", ""]]);
    }

    #[test]
    fn each_row_knows_the_line_it_begins_on() {
        for (text, lines) in [
            ("a\n1\n2\n", vec![2, 3]),
            ("a\r\n1\r\n2", vec![2, 3]),
            ("\n\na\n\n\n1\n\n2\n", vec![6, 8]),
            ("a\r\n\r\n\"1\r\n\r\n1\"\r\n2\r\n", vec![3, 6]),
            ("a\n\"\n1\n\"\n2", vec![2, 5]),
            ("a\r1\r2\r", vec![2, 3]),
            ("\r\ra\r\r\r1\r\r2", vec![6, 8]),
            ("a\r\"1\r\r1\"\r2\r", vec![2, 5]),
            ("a\r\n1\r2\n3", vec![2, 3, 4]),
            ("a\r\"1\r\n\"\r\n2", vec![2, 4]),
            ("x y\r1 2\r\r3 4\r", vec![2, 4]),
            ("sep=;\r\nx;y\r\n1;2\r\n", vec![3]),
        ] {
            let table = read(text).unwrap();
            assert_eq!((0..table.rows()).map(|row| table.line(row)).collect::<Vec<_>>(), lines, "{text:?}");
        }
        for (text, delimiter) in [
            ("of fruit\r\ra,b\r1,2\r\r3\r", Delimiter::Comma),
            ("of fruit\n\r\na,b\r1,2\r\n\r3", Delimiter::Comma),
            ("of\r\n\na b\r1 2\r\r3\r", Delimiter::Blanks),
        ] {
            let skip = Dialect { skip_lines: 2, delimiter: Some(delimiter), ..Dialect::default() };
            let error = TableReader::new("t.csv", text.as_bytes(), &skip)
                .and_then(|mut reader| reader.next_rows(9))
                .unwrap_err();
            assert!(
                error.to_string().starts_with("t.csv, line 6: 1 field where the first row has 2"),
                "{error}"
            );
        }
        let long = format!("a\n{}\n{}\n", "1".repeat(100_000), "2".repeat(20_000));
        let table = read(&long).unwrap();
        assert_eq!([table.line(0), table.line(1)], [2, 3], "lines longer than the parser's buffer");
    }

    #[test]
    fn a_damaged_file_is_refused_and_the_place_is_named() {
        let cases: [(&[u8], &str); 19] = [
            (b"", "t.csv is empty: its first line should name the columns"),
            (b"\n \r\n\n", "t.csv is empty: its first line should name the columns"),
            ("\u{feff}".as_bytes(), "t.csv is empty: its first line should name the columns"),
            (b"a,b\n", "t.csv has a header, but no rows below it"),
            (b"a,b", "t.csv has a header, but no rows below it"),
            (b"a,b\n1,2\n3\n", "t.csv, line 3: 1 field where the first row has 2"),
            (b"a,b\r\n1,2\r\n\r\n3,4,5\r\n", "t.csv, line 4: 3 fields where the first row has 2"),
            (b"a,b, a\n1,2,3\n", "t.csv: columns 1 and 3 of the header are both named \"a\": rename one"),
            (b"a,b\n1,2\n3,\"4\n5,6\n", "t.csv, line 3: a quote (\") is opened in this row and never closed"),
            (b"a,b\n\"1,2\n3,4", "t.csv, line 2: a quote (\") is opened in this row and never closed"),
            (b"\"a,b\n1,2\n", "t.csv, line 1: a quote (\") is opened in this row and never closed"),
            (b"a\n1\n\"", "t.csv, line 3: a quote (\") is opened in this row and never closed"),
            (b"a\r1\r\"2\r3\r", "t.csv, line 3: a quote (\") is opened in this row and never closed"),
            (b"a\n1\n\xff\n", "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8"),
            (
                b"a\r\n1\r\n\xe9t\xe9\r\n",
                "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (b"\xff\xfea\0\n\0", "t.csv has a header, but no rows below it"),
            (
                b"\xff\xfea\0\n\x001\0\n\0\0\xd8\n\0",
                "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (
                b"a\n1\n\0end\n2\n",
                "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (b"a\n1\n\0end", "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8"),
        ];
        for (bytes, message) in cases {
            let error = read(bytes).expect_err(message);
            let message = match error {
                Error::Fields { .. } => {
                    format!(
                        "{message}; quote fields that hold the delimiter, and skip lines that are no part of the table"
                    )
                }
                _ => message.to_owned(),
            };
            assert_eq!(error.to_string(), message);
        }
    }

    /// Gives a piece after the other, each in a read of its own or several, and counts those that it has begun.
    struct Pieces<'a> {
        left: &'a [&'a str],
        piece: &'a [u8],
        begun: &'a Cell<usize>,
    }

    impl Read for Pieces<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.piece.is_empty()
                && let [next, left @ ..] = self.left
            {
                (self.piece, self.left) = (next.as_bytes(), left);
                self.begun.set(self.begun.get() + 1);
            }
            self.piece.read(to)
        }
    }

    #[test]
    fn rows_that_have_arrived_do_not_wait_for_others() {
        let check = |pieces: &[&str], header: Option<bool>, batches: &[(usize, usize)]| {
            let begun = Cell::new(0);
            let reader = Pieces { left: pieces, piece: &[], begun: &begun };
            let dialect = Dialect { header, ..Dialect::default() };
            let mut reader = TableReader::live("t.csv", reader, &dialect).unwrap();
            let mut found = Vec::new();
            let mut text = Vec::new();
            while let Some(table) = reader.next_rows(3).unwrap() {
                found.push((table.rows(), begun.get()));
                text.extend(cells(&table).concat().into_iter().map(str::to_owned));
            }
            assert_eq!(found, batches, "{pieces:?}");
            let whole = TableReader::new("t.csv", pieces.concat().as_bytes(), &dialect)
                .and_then(|mut reader| reader.next_rows(usize::MAX))
                .unwrap()
                .unwrap();
            assert_eq!(text, cells(&whole).concat(), "{pieces:?}");
        };
        let named = Some(true);
        check(&["x;y\n", "1;2\n", "3;", "4\n5;6\n"], named, &[(1, 2), (2, 4)]);
        check(&["x,y\r\n1,2\r\n3,4\r\n5", ",6\r\n\r\n", "7,8"], named, &[(2, 1), (1, 2), (1, 3)]);
        check(&["x\n1\n2\n3\n4\n5\n"], named, &[(3, 1), (2, 1)]);
        check(&["x,y\n\"1\n", "2\",3\n4,\"", "\n\"\n"], None, &[(1, 2), (1, 3)]);
        check(&["1;2\n", "3;4\n"], Some(false), &[(1, 1), (1, 2)]);
        check(&["x y\n1 2\n3 ", "4\n"], named, &[(1, 1), (1, 2)]);
        check(&["x\n", "1"], named, &[(1, 2)]);
        check(&["sep=;\n", "x;y\n1;2\n", "3;4\n"], named, &[(1, 2), (1, 3)]);
    }

    #[test]
    fn an_error_while_reading_names_the_source() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the cable is out"))
            }
        }
        let reader = b"a,b\n1,2\n".chain(Broken);
        let error = Table::from_csv_reader("t.csv", reader).unwrap_err();
        assert_eq!(error.to_string(), "cannot read t.csv: the cable is out");
    }
}
