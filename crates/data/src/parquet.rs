//! Tables from Parquet files: feature `parquet`.

use std::fs::File;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::record::reader::RowIter;

use crate::calendar::{DAY, date_and_time};
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::missing::Missing;
use crate::reader::ReadRows;
use crate::table::{ColumnWriter, Table};

/// Reads the rows of a Parquet file piece by piece.
pub(crate) struct ParquetReader {
    source: String,
    names: Vec<String>,
    missing: Missing,
    rows: RowIter<'static>,
    next: u64,
}

impl ParquetReader {
    /// A file, its columns found.
    pub(crate) fn open(path: &Path, dialect: &Dialect) -> Result<ParquetReader> {
        let source = path.display().to_string();
        let file = File::open(path).map_err(|error| Error::Read { file: source.clone(), error })?;
        let reader = SerializedFileReader::new(file).map_err(|error| unreadable(&source, error))?;
        let schema = reader.metadata().file_metadata().schema();
        let names: Vec<String> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
        for (second, name) in names.iter().enumerate() {
            if let Some(first) = names[..second].iter().position(|other| other == name) {
                let (first, second) = (first + 1, second + 1);
                return Err(Error::DuplicateColumn { file: source, column: name.clone(), first, second });
            }
        }
        if let Some(field) = schema.get_fields().iter().find(|field| field.is_group()) {
            let what = format!(
                "the values of column {:?} are lists or records, not single values; save the table without it",
                field.name()
            );
            return Err(Error::Read { file: source, error: Error::invalid(what) });
        }
        let (missing, rows) = (Missing::of(dialect), RowIter::from_file_into(Box::new(reader)));
        Ok(ParquetReader { source, names, missing, rows, next: 1 })
    }
}

impl ReadRows for ParquetReader {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn has_header(&self) -> bool {
        true
    }

    /// It is an error if there is no row at all.
    fn next_rows(&mut self, count: usize) -> Result<Option<Table>> {
        let mut columns = self.missing.columns(&self.names);
        let first = self.next;
        for row in self.rows.by_ref().take(count) {
            let row = row.map_err(|error| unreadable(&self.source, error))?;
            for (column, (_, field)) in columns.iter_mut().zip(row.get_column_iter()) {
                let text = text(field);
                let is_missing = self.missing.lists(column.name(), &text);
                column.push(if is_missing { "" } else { &text });
            }
            self.next += 1;
        }
        if self.next == first {
            return if first > 1 { Ok(None) } else { Err(Error::NoRows { file: self.source.clone() }) };
        }
        let columns = columns.into_iter().map(ColumnWriter::finish).collect();
        Ok(Some(Table::new(self.source.clone(), columns, (first..self.next).collect(), true)))
    }
}

fn unreadable(file: &str, error: ParquetError) -> Error {
    let error = match error {
        ParquetError::External(error) if error.is::<std::io::Error>() => {
            *error.downcast::<std::io::Error>().expect("it is one")
        }
        other => match other.to_string() {
            unread if unread.contains("Disabled feature") => {
                Error::invalid(format!("{unread}; save it with Zstandard or Snappy"))
            }
            text => Error::invalid(text),
        },
    };
    Error::Read { file: file.to_owned(), error }
}

/// A value as it would stand in a table of text.
fn text(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Bool(value) => value.to_string(),
        Field::Byte(value) => value.to_string(),
        Field::Short(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) => value.to_string(),
        Field::UByte(value) => value.to_string(),
        Field::UShort(value) => value.to_string(),
        Field::UInt(value) => value.to_string(),
        Field::ULong(value) => value.to_string(),
        Field::Float16(value) => number(value.to_f32(), value.to_f32().is_nan()),
        Field::Float(value) => number(value, value.is_nan()),
        Field::Double(value) => number(value, value.is_nan()),
        Field::Str(text) => text.trim().to_owned(),
        Field::Date(days) => date_and_time(f64::from(*days) * DAY),
        Field::TimestampMillis(time) => date_and_time(*time as f64 / 1e3),
        Field::TimestampMicros(time) => date_and_time(*time as f64 / 1e6),
        // Decimals and times of day have texts of their own; bytes are no text, and are learnt from as little.
        other => other.to_string().trim_matches('"').to_owned(),
    }
}

/// NaN is no text that somebody chose: it is missing whatever signs are.
fn number(value: impl ToString, is_nan: bool) -> String {
    if is_nan { String::new() } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::basic::Compression;
    use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;
    use crate::{Kind, TableReader};

    /// Three rows, the second without values where that may be.
    fn write(path: &Path, compression: Compression) {
        let schema = "message t { required int64 id; optional double x; optional binary name (UTF8); \
                      optional boolean ok; optional int32 day (DATE); optional int64 at (TIMESTAMP(MILLIS,true)); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
        let mut file = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
        let mut group = file.next_row_group().unwrap();
        let there = Some(&[1_i16, 0, 1][..]);
        let mut number = 0;
        while let Some(mut column) = group.next_column().unwrap() {
            let written = match number {
                0 => column.typed::<Int64Type>().write_batch(&[7, 8, 9], None, None),
                1 => column.typed::<DoubleType>().write_batch(&[0.5, -1e300], there, None),
                2 => {
                    let names = [ByteArray::from("a, b"), ByteArray::from("ä")];
                    column.typed::<ByteArrayType>().write_batch(&names, there, None)
                }
                3 => column.typed::<BoolType>().write_batch(&[true, false], there, None),
                4 => column.typed::<Int32Type>().write_batch(&[0, 20_780], there, None),
                _ => column.typed::<Int64Type>().write_batch(&[0, 1_795_444_200_500], there, None),
            };
            written.unwrap();
            column.close().unwrap();
            number += 1;
        }
        group.close().unwrap();
        file.close().unwrap();
    }

    #[test]
    fn values_become_the_cells_of_a_table() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        for compression in [
            Compression::UNCOMPRESSED,
            Compression::SNAPPY,
            Compression::ZSTD(Default::default()),
            Compression::GZIP(Default::default()),
            Compression::LZ4_RAW,
        ] {
            write(&path, compression);
            let table = Table::read(&path, &Dialect::default()).unwrap();
            let cells: Vec<Vec<&str>> =
                table.columns().iter().map(|column| (0..3).map(|row| column.get(row)).collect()).collect();
            assert_eq!(cells[0], ["7", "8", "9"], "{compression}");
            assert_eq!(cells[1][..2], ["0.5", ""]);
            assert_eq!(cells[1][2].parse::<f64>().unwrap(), -1e300);
            assert_eq!(cells[2], ["a, b", "", "ä"]);
            let signs = Dialect { missing: vec!["ä".to_owned(), "9".to_owned()], ..Dialect::default() };
            let told = Table::read(&path, &signs).unwrap();
            let missing: Vec<usize> = told
                .columns()
                .iter()
                .map(|column| (0..3).filter(|row| column.is_missing(*row)).count())
                .collect();
            assert_eq!(missing[..3], [1, 1, 2]);
            assert_eq!(cells[3], ["true", "", "false"]);
            assert_eq!(cells[4], ["1970-01-01", "", "2026-11-23"]);
            assert_eq!(cells[5], ["1970-01-01", "", "2026-11-23 14:30:00.5"]);
            assert_eq!(Kind::infer(table.column("at").unwrap(), &[0, 1, 2]), Kind::Date);
            assert!(table.has_header());
        }
        let mut reader = TableReader::open(&path, &Dialect::default()).unwrap();
        let rows: Vec<usize> = std::iter::from_fn(|| Some(reader.next_rows(2).unwrap()?.rows())).collect();
        assert_eq!(rows, [2, 1]);
    }

    #[test]
    fn a_damaged_file_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.parquet");
        write(&path, Compression::SNAPPY);
        let whole = std::fs::read(&path).unwrap();
        for length in [4, 20, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..length]).unwrap();
            let error = Table::read(&path, &Dialect::default()).unwrap_err().to_string();
            assert!(error.starts_with("cannot read ") && error.contains("t.parquet"), "{error}");
        }
    }
}
