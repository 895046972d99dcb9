//! Tables from files of any format, all at once or piece by piece.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::arrays::{ArrayFormat, ArrayReader, Format};
use crate::csv_reader::TextReader;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::plain::{GZIP, plain};
use crate::table::Table;

impl Table {
    /// Reads a table of text, as CSV or TSV, plain or compressed with gzip; delimiter and header are recognised.
    ///
    /// Fields may be quoted (`"a, b"`, `"say ""yes"""`, line breaks inside); lines end in LF or CRLF; a byte order mark
    /// and blank lines are skipped; white space around a field is dropped. A column without a name is called
    /// `column_N` by its number, and so are all in a file without a header.
    ///
    /// # Errors
    /// A file that cannot be read, has no rows, is not UTF-8, leaves a quote open, has a row with another number of
    /// fields than the first, or a header in which a name occurs twice.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Table> {
        Table::read_text(path, &Dialect::default())
    }

    /// Reads a table from a file of any format that this crate knows, told by the file's first bytes: text, NumPy's
    /// `.npy` and `.npz` (the arrays side by side), IDX (images and, beside them, labels), plain or gzip, Proben1's `.dt` (all its
    /// examples, with their classes as `label`); and, with the feature `parquet`, Parquet.
    ///
    /// # Errors
    /// As [`read_csv`](Table::read_csv); [`Error::ArrayRows`] for arrays that do not go together; [`Error::Foreign`].
    pub fn read(path: impl AsRef<Path>, dialect: &Dialect) -> Result<Table> {
        TableReader::open(path, dialect)?.rest()
    }

    /// [`read_csv`](Table::read_csv), as far as `dialect` does not say otherwise.
    ///
    /// # Errors
    /// As [`read_csv`](Table::read_csv).
    pub fn read_text(path: impl AsRef<Path>, dialect: &Dialect) -> Result<Table> {
        TableReader::open_text(path.as_ref(), dialect)?.rest()
    }

    /// How many bytes of memory it takes, about, to read this file and to prepare it for training: five times its length,
    /// and more where it is compressed.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn memory_estimate(path: impl AsRef<Path>) -> Result<u64> {
        let path = path.as_ref();
        let failed = |error| Error::Read { file: path.display().to_string(), error };
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut head = Vec::new();
        file.take(4).read_to_end(&mut head).map_err(failed)?;
        let factor = match Format::of(&head) {
            Some(Format::Parquet) => 30,
            _ if head.starts_with(&GZIP) => 20,
            _ => 5,
        };
        Ok(length.saturating_mul(factor))
    }

    /// Reads text from any reader; `source` is its name in messages.
    ///
    /// # Errors
    /// As [`read_csv`](Table::read_csv).
    pub fn from_csv_reader(source: impl Into<String>, reader: impl Read) -> Result<Table> {
        TableReader::new(source, reader, &Dialect::default())?.rest()
    }
}

/// Reads a table piece by piece, so that it need not fit in memory.
///
/// ```
/// use highwater_data::{Dialect, TableReader};
///
/// let text = "a;b\n1;x\n2;y\n3;z\n";
/// let mut reader = TableReader::new("t.csv", text.as_bytes(), &Dialect::default())?;
/// let mut lines = Vec::new();
/// while let Some(rows) = reader.next_rows(2)? {
///     lines.extend((0..rows.rows()).map(|row| rows.line(row)));
/// }
/// assert_eq!(lines, [2, 3, 4]);
/// # Ok::<(), highwater_data::Error>(())
/// ```
pub struct TableReader<'a>(Box<dyn ReadRows + 'a>);

/// What reads the rows of one format.
pub(crate) trait ReadRows {
    fn names(&self) -> &[String];
    fn has_header(&self) -> bool;
    /// At most `count`; `None` after the last.
    fn next_rows(&mut self, count: usize) -> Result<Option<Table>>;
}

impl fmt::Debug for TableReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableReader").field("names", &self.names()).finish_non_exhaustive()
    }
}

impl<'a> TableReader<'a> {
    /// A file of any format, as [`Table::read`] knows them. Of text, the first row is read; arrays are in memory as
    /// numbers.
    ///
    /// # Errors
    /// As [`Table::read`], where the beginning of the file shows it.
    pub fn open(path: impl AsRef<Path>, dialect: &Dialect) -> Result<TableReader<'static>> {
        let path = path.as_ref();
        let failed = |error| Error::Read { file: path.display().to_string(), error };
        let mut head = Vec::new();
        let file = plain(Box::new(File::open(path).map_err(failed)?)).map_err(failed)?;
        // What cannot be read shows again when all of it is.
        _ = file.take(Format::HEAD).read_to_end(&mut head);
        match Format::of(&head) {
            // Without its head it is a table of text like others.
            Some(Format::Array(ArrayFormat::Proben1)) if dialect.skip_lines > 0 => {
                TableReader::open_text(path, dialect)
            }
            None => TableReader::open_text(path, dialect),
            Some(Format::Array(format)) => {
                Ok(TableReader(Box::new(ArrayReader::open(path, format, dialect)?)))
            }
            #[cfg(feature = "parquet")]
            Some(Format::Parquet) => {
                Ok(TableReader(Box::new(crate::parquet::ParquetReader::open(path, dialect)?)))
            }
            #[cfg(not(feature = "parquet"))]
            Some(Format::Parquet) => Err(Error::Foreign {
                file: path.display().to_string(),
                what: "a Parquet file",
                remedy: "build with the feature `parquet` to read it, or save the table as CSV",
            }),
        }
    }

    fn open_text(path: &Path, dialect: &Dialect) -> Result<TableReader<'static>> {
        let source = path.display().to_string();
        match File::open(path) {
            Ok(file) => TableReader::new(source, file, dialect),
            Err(error) => Err(Error::Read { file: source, error }),
        }
    }

    /// Text from any reader, whose first row is read at once; `source` is its name in messages.
    ///
    /// # Errors
    /// As [`Table::read_csv`], where the first row shows it.
    pub fn new(
        source: impl Into<String>,
        reader: impl Read + 'a,
        dialect: &Dialect,
    ) -> Result<TableReader<'a>> {
        Ok(TableReader(Box::new(TextReader::new(source.into(), Box::new(reader), dialect, false)?)))
    }

    /// As [`new`](TableReader::new), for rows that arrive one by one, as through a pipe. How the table is written is told
    /// from what is there when the first row has arrived, and [`next_rows`](TableReader::next_rows) returns the rows that
    /// have arrived; it waits only if there are none.
    ///
    /// # Errors
    /// As [`new`](TableReader::new).
    pub fn live(
        source: impl Into<String>,
        reader: impl Read + 'a,
        dialect: &Dialect,
    ) -> Result<TableReader<'a>> {
        Ok(TableReader(Box::new(TextReader::new(source.into(), Box::new(reader), dialect, true)?)))
    }

    /// The names of the columns.
    pub fn names(&self) -> &[String] {
        self.0.names()
    }

    /// Whether the columns have names of their own; else they are `column_1`, `column_2`, …
    pub fn has_header(&self) -> bool {
        self.0.has_header()
    }

    /// The next rows, at most `count`; `None` after the last.
    ///
    /// # Errors
    /// As [`Table::read`].
    pub fn next_rows(&mut self, count: usize) -> Result<Option<Table>> {
        self.0.next_rows(count)
    }

    /// All rows that are left.
    fn rest(mut self) -> Result<Table> {
        let table = self.next_rows(usize::MAX)?.expect("a reader without a row is an error");
        if table.rows() > u32::MAX as usize {
            return Err(Error::TooManyRows { file: table.source().to_owned() });
        }
        Ok(table)
    }
}
