//! Comma-separated values, as in RFC 4180, into a [`Table`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord};

use crate::error::{Error, Result};
use crate::table::{Column, Table};

/// Fed to the parser behind the file's last byte. [`END`] comes out as a row of its own, unless a quote is still open:
/// then it is the end of that quote's field.
const TAIL: &str = "\n\0end";
const END: &str = "\0end";

impl Table {
    /// Reads a CSV file whose first line names the columns.
    ///
    /// Fields are separated by commas and may be quoted (`"a, b"`, `"say ""yes"""`, line breaks inside); lines end
    /// in LF or CRLF; a byte order mark and blank lines are skipped; white space around a field is dropped.
    ///
    /// # Errors
    /// A file that cannot be read, has no header or no rows, is not UTF-8, leaves a quote open, has a row with
    /// another number of fields than the header, or a header in which a name is missing or occurs twice.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Table> {
        let path = path.as_ref();
        let source = path.display().to_string();
        match File::open(path) {
            Ok(file) => Table::from_csv_reader(source, file),
            Err(error) => Err(Error::Read { file: source, error }),
        }
    }

    /// Reads CSV from anything that gives bytes; `source` is its name in messages.
    ///
    /// # Errors
    /// As [`read_csv`](Table::read_csv).
    pub fn from_csv_reader(source: impl Into<String>, reader: impl Read) -> Result<Table> {
        let source = source.into();
        let mut rows = Rows::new(&source, reader);
        if rows.advance()?.is_none() {
            return Err(Error::Empty { file: source });
        }
        let mut columns = columns(&source, &rows.row)?;
        let mut lines = Vec::new();
        while let Some(line) = rows.advance()? {
            let (expected, found) = (columns.len(), rows.row.len());
            if found != expected {
                return Err(Error::Fields { file: source, line, expected, found });
            }
            for (column, cell) in columns.iter_mut().zip(&rows.row) {
                column.push(cell.trim());
            }
            lines.push(line);
        }
        if lines.is_empty() {
            return Err(Error::NoRows { file: source });
        }
        Ok(Table { source, columns, lines })
    }
}

/// Columns without cells, named by the header.
fn columns(file: &str, header: &StringRecord) -> Result<Vec<Column>> {
    let mut numbers = BTreeMap::new();
    for (number, name) in (1..).zip(header.iter().map(str::trim)) {
        if name.is_empty() {
            return Err(Error::UnnamedColumn { file: file.to_owned(), number });
        }
        if let Some(first) = numbers.insert(name, number) {
            return Err(Error::DuplicateColumn {
                file: file.to_owned(),
                column: name.to_owned(),
                first,
                second: number,
            });
        }
    }
    Ok(header.iter().map(|name| Column::new(name.trim().to_owned())).collect())
}

/// The rows of a CSV file one after the other, the header first.
struct Rows<'a, R> {
    source: &'a str,
    parser: csv::Reader<LineByLine<BufReader<R>>>,
    row: StringRecord,
}

impl<'a, R: Read> Rows<'a, R> {
    fn new(source: &'a str, reader: R) -> Self {
        let reader = LineByLine { inner: BufReader::new(reader), tail: TAIL.as_bytes(), lines: 0 };
        let parser = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(reader);
        Rows { source, parser, row: StringRecord::new() }
    }

    /// Puts the next row that is not blank into `row` and says on which line it begins; `None` after the last.
    fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            let read = self.parser.read_record(&mut self.row);
            let file = || self.source.to_owned();
            let reader = self.parser.get_ref();
            let at_end = reader.tail.is_empty();
            let last_line = (reader.lines + u64::from(at_end)).max(1);
            match read.map_err(csv::Error::into_kind) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(ErrorKind::Io(error)) => return Err(Error::Read { file: file(), error }),
                Err(_) => return Err(Error::NotUtf8 { file: file(), line: last_line }),
            }
            let text = self.row.as_slice();
            let inner_breaks = text.bytes().filter(|byte| *byte == b'\n').count() as u64;
            let line = (last_line - inner_breaks).max(1);
            if at_end {
                return if text == END { Ok(None) } else { Err(Error::UnclosedQuote { file: file(), line }) };
            }
            if text.contains('\0') {
                return Err(Error::NotUtf8 { file: file(), line });
            }
            let blank = self.row.len() == 1 && text.trim().is_empty();
            if !blank {
                return Ok(Some(line));
            }
        }
    }
}

/// Hands on at most one line per read, then [`TAIL`], and counts the line feeds. The parser asks for more only when it
/// has used up what it has, so after each row the count is the number of the line that the row ends on. (The parser's
/// own count is late by the blank lines before a row, and by one where lines end in CRLF.)
struct LineByLine<R> {
    inner: R,
    tail: &'static [u8],
    lines: u64,
}

impl<R: BufRead> Read for LineByLine<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let inner_is_done = self.inner.fill_buf()?.is_empty();
        let source: &mut dyn BufRead = if inner_is_done { &mut self.tail } else { &mut self.inner };
        let available = source.fill_buf()?;
        let line_feed = available.iter().position(|byte| *byte == b'\n');
        let count = line_feed.map_or(available.len(), |at| at + 1).min(buffer.len());
        buffer[..count].copy_from_slice(&available[..count]);
        source.consume(count);
        self.lines += u64::from(buffer[..count].ends_with(b"\n"));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            let table = read(text).unwrap();
            assert_eq!((0..table.rows()).map(|row| table.line(row)).collect::<Vec<_>>(), lines, "{text:?}");
        }
        let long = format!("a\n{}\n{}\n", "1".repeat(100_000), "2".repeat(20_000));
        let table = read(&long).unwrap();
        assert_eq!([table.line(0), table.line(1)], [2, 3], "lines longer than the parser's buffer");
    }

    #[test]
    fn a_damaged_file_is_refused_and_the_place_is_named() {
        let cases: [(&[u8], &str); 18] = [
            (b"", "t.csv is empty: its first line should name the columns"),
            (b"\n \r\n\n", "t.csv is empty: its first line should name the columns"),
            ("\u{feff}".as_bytes(), "t.csv is empty: its first line should name the columns"),
            (b"a,b\n", "t.csv has a header, but no rows below it"),
            (b"a,b", "t.csv has a header, but no rows below it"),
            (b"a,b\n1,2\n3\n", "t.csv, line 3: 1 field where the header has 2"),
            (b"a,b\r\n1,2\r\n\r\n3,4,5\r\n", "t.csv, line 4: 3 fields where the header has 2"),
            (b"a,,c\n1,2,3\n", "t.csv: column 2 of the header has no name"),
            (b"a,b, a\n1,2,3\n", "t.csv: columns 1 and 3 of the header are both named \"a\""),
            (b"a,b\n1,2\n3,\"4\n5,6\n", "t.csv, line 3: a quote (\") is opened in this row and never closed"),
            (b"a,b\n\"1,2\n3,4", "t.csv, line 2: a quote (\") is opened in this row and never closed"),
            (b"\"a,b\n1,2\n", "t.csv, line 1: a quote (\") is opened in this row and never closed"),
            (b"a\n1\n\"", "t.csv, line 3: a quote (\") is opened in this row and never closed"),
            (b"a\n1\n\xff\n", "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8"),
            (
                b"a\r\n1\r\n\xe9t\xe9\r\n",
                "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (
                b"\xff\xfea\0\n\0",
                "t.csv, line 1: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (
                b"a\n1\n\0end\n2\n",
                "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8",
            ),
            (b"a\n1\n\0end", "t.csv, line 3: not UTF-8 text; if this is a table, save it as CSV in UTF-8"),
        ];
        for (bytes, message) in cases {
            let error = read(bytes).expect_err(message);
            assert_eq!(error.to_string(), message);
        }
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
