//! Tables from arrays: NumPy's `.npy` and `.npz`, the IDX files of MNIST, and the `.dt` files of Proben1.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use ndarray::{Array2, ArrayView1};
use npyz::{DType, NpyFile, Order, TypeChar};
use zip::ZipArchive;

use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::missing::Missing;
use crate::plain::plain;
use crate::proben1::{self, Examples};
use crate::reader::ReadRows;
use crate::table::{Column, ColumnWriter, Table};

/// A format that is no table of text, told by a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Array(ArrayFormat),
    Parquet,
}

/// A format of arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ArrayFormat {
    Npy,
    Npz,
    Idx,
    Proben1,
}

/// The most elements that are taken from a header's word for it.
const MOST: u64 = 1 << 36;

impl Format {
    /// So many bytes tell.
    pub(crate) const HEAD: u64 = 64;

    /// `None` for text.
    pub(crate) fn of(head: &[u8]) -> Option<Format> {
        match head {
            [0x93, b'N', b'U', b'M', ..] => Some(Format::Array(ArrayFormat::Npy)),
            [b'P', b'K', 3, 4, ..] => Some(Format::Array(ArrayFormat::Npz)),
            [0, 0, 8 | 9 | 11..=14, 1..=4, ..] => Some(Format::Array(ArrayFormat::Idx)),
            [b'P', b'A', b'R', b'1', ..] => Some(Format::Parquet),
            _ if proben1::begins(head) => Some(Format::Array(ArrayFormat::Proben1)),
            _ => None,
        }
    }
}

/// A matrix from a file.
struct Matrix {
    rows: usize,
    /// Rows × columns.
    values: Values,
    /// Whether rows are single values.
    vector: bool,
}

enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<String>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::Numbers(numbers) => numbers.len(),
            Values::Texts(texts) => texts.len(),
        }
    }

    /// Of columns after each other, the rows after each other.
    fn turned(self, rows: usize) -> Values {
        fn turned<T: Clone>(values: &[T], rows: usize) -> Vec<T> {
            let width = values.len() / rows.max(1);
            (0..values.len()).map(|at| values[at % width * rows + at / width].clone()).collect()
        }
        match self {
            Values::Numbers(numbers) => Values::Numbers(turned(&numbers, rows)),
            Values::Texts(texts) => Values::Texts(turned(&texts, rows)),
        }
    }
}

/// Reads a file of arrays, whose rows then come piece by piece.
pub(crate) struct ArrayReader {
    source: String,
    parts: Vec<(String, Matrix)>,
    names: Vec<String>,
    /// Whether these are more than numbers.
    named: bool,
    missing: Missing,
    rows: usize,
    next: usize,
    /// Lines above the first row.
    above: u64,
}

impl ArrayReader {
    /// Reads the values. Arrays of more dimensions than two become one row for each index of the first.
    ///
    /// The columns of an NPY or IDX file are `column_1`, `column_2`, …, unless the dialect has names for them; those of
    /// the arrays of an `.npz` are named as their array, with a number behind it if there are several. Beside a file of IDX
    /// images, whose name has `images-idx3` in it, the one with `labels-idx1` instead is read if it is there, as the
    /// column `label`; so is the class of an example of Proben1, from 1, or else its outputs are `output_1`, `output_2`, …
    pub(crate) fn open(path: &Path, format: ArrayFormat, dialect: &Dialect) -> Result<ArrayReader> {
        let source = path.display().to_string();
        let bad = |error| Error::Read { file: source.clone(), error };
        let open = |path: &Path| File::open(path).map(BufReader::new).map_err(bad);
        let parts = match format {
            ArrayFormat::Npy => {
                let reader = plain(Box::new(open(path)?)).map_err(bad)?;
                vec![("column".to_owned(), npy(NpyFile::new(reader).map_err(bad)?).map_err(bad)?)]
            }
            ArrayFormat::Npz => npz(open(path)?).map_err(bad)?,
            ArrayFormat::Idx => {
                let reader = plain(Box::new(open(path)?)).map_err(bad)?;
                let mut parts = vec![("column".to_owned(), idx(reader).map_err(bad)?)];
                if let Some(labels) = labels_of(path).filter(|path| path.exists()) {
                    let bad = |error| Error::Read { file: labels.display().to_string(), error };
                    let file = File::open(&labels).map_err(bad)?;
                    parts.push(("label".to_owned(), idx(plain(Box::new(file)).map_err(bad)?).map_err(bad)?));
                }
                parts
            }
            ArrayFormat::Proben1 => examples(&Examples::read(path)?),
        };
        let empty = parts.iter().find(|(_, matrix)| matrix.values.len() == 0);
        let lacking = match (parts.is_empty(), empty) {
            (true, _) => Some("no array in it".to_owned()),
            (false, Some((array, _))) => Some(format!("the array {array:?} has nothing in it")),
            (false, None) => None,
        };
        if let Some(lacking) = lacking {
            return Err(Error::Read { file: source, error: Error::invalid(lacking) });
        }
        let rows = parts[0].1.rows;
        if let Some((array, matrix)) = parts.iter().find(|(_, matrix)| matrix.rows != rows) {
            let (array, found, first) = (array.clone(), matrix.rows, parts[0].0.clone());
            return Err(Error::ArrayRows { file: source, array, found, first, expected: rows });
        }
        let named = |(name, matrix): &(String, Matrix)| {
            (1..=matrix.values.len() / rows)
                .map(|at| if matrix.vector { name.clone() } else { format!("{name}_{at}") })
                .collect::<Vec<_>>()
        };
        let own = format == ArrayFormat::Npz || parts.len() > 1;
        let names = match own {
            true => parts.iter().flat_map(named).collect(),
            false => dialect.names_of(&source, parts[0].1.values.len() / rows)?,
        };
        let named = own || !dialect.names.is_empty();
        let missing = Missing::of(dialect);
        let above = if format == ArrayFormat::Proben1 { proben1::HEAD.len() as u64 } else { 0 };
        Ok(ArrayReader { source, parts, names, named, missing, rows, next: 0, above })
    }

    fn numbers(&self, name: &str, values: impl Iterator<Item = f64>) -> Column {
        let missing = self.missing.numbers(name);
        let mut column = ColumnWriter::new(name.to_owned());
        for value in values {
            match missing.contains(&value) {
                true => column.push(""),
                false => column.push_value(value),
            }
        }
        column.finish()
    }

    fn texts<'a>(&self, mut column: ColumnWriter, values: impl Iterator<Item = &'a str>) -> Column {
        for value in values {
            let is_missing = self.missing.lists(column.name(), value);
            column.push(if is_missing { "" } else { value });
        }
        column.finish()
    }
}

impl ReadRows for ArrayReader {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn has_header(&self) -> bool {
        self.named
    }

    fn next_rows(&mut self, count: usize) -> Result<Option<Table>> {
        let rows = self.next..self.rows.min(self.next.saturating_add(count));
        if rows.is_empty() {
            return Ok(None);
        }
        self.next = rows.end;
        let mut writers = self.missing.columns(&self.names).into_iter();
        let mut columns = Vec::with_capacity(self.names.len());
        for (_, matrix) in &self.parts {
            let width = matrix.values.len() / self.rows;
            for (at, writer) in (0..width).zip(&mut writers) {
                let places = rows.clone().map(|row| row * width + at);
                columns.push(match &matrix.values {
                    Values::Numbers(numbers) => self.numbers(writer.name(), places.map(|at| numbers[at])),
                    Values::Texts(texts) => self.texts(writer, places.map(|at| texts[at].trim())),
                });
            }
        }
        let lines = rows.map(|row| self.above + row as u64 + 1).collect();
        Ok(Some(Table::new(self.source.clone(), columns, lines, self.named)))
    }
}

/// All examples of a problem, in the order of its file: inputs, then classes or outputs.
fn examples(examples: &Examples) -> Vec<(String, Matrix)> {
    let decimals = |values: &Array2<f32>| -> Vec<f64> { values.iter().copied().map(decimal).collect() };
    let (name, outputs) = match examples.is_classification() {
        true => ("label", examples.outputs.rows().into_iter().map(class_of).collect()),
        false => ("output", decimals(&examples.outputs)),
    };
    let rows = examples.inputs.nrows();
    let vector = outputs.len() == rows;
    vec![
        (
            "column".to_owned(),
            Matrix { rows, values: Values::Numbers(decimals(&examples.inputs)), vector: false },
        ),
        (name.to_owned(), Matrix { rows, values: Values::Numbers(outputs), vector }),
    ]
}

/// The decimal that was written, not what is nearest to it in `f32`.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// The number of the largest output, from 1.
fn class_of(outputs: ArrayView1<'_, f32>) -> f64 {
    let largest = outputs.iter().fold(f32::NEG_INFINITY, |largest, output| largest.max(*output));
    1.0 + outputs.iter().position(|output| *output == largest).unwrap_or(0) as f64
}

/// The file of labels beside a file of images.
fn labels_of(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1");
    (labels != name).then(|| images.with_file_name(labels))
}

/// Rows × the product of the other sizes.
fn sizes(shape: &[u64]) -> io::Result<(usize, usize)> {
    let all = shape.iter().try_fold(1_u64, |all, size| all.checked_mul(*size)).filter(|all| *all <= MOST);
    let all = all.ok_or_else(|| Error::invalid(format!("an array of {shape:?} is too large")))? as usize;
    let rows = shape.first().map_or(1, |rows| *rows as usize);
    Ok((rows, all.checked_div(rows).unwrap_or(0)))
}

/// A ZIP of `.npy` files.
fn npz(reader: impl Read + Seek) -> io::Result<Vec<(String, Matrix)>> {
    let mut archive = ZipArchive::new(reader)?;
    if archive.index_for_name("xl/workbook.xml").is_some() {
        return Err(Error::invalid("it is a workbook of Excel; save its sheet as CSV in UTF-8"));
    }
    let mut arrays = Vec::new();
    for at in 0..archive.len() {
        let file = archive.by_index(at)?;
        let Some(name) = file.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let matrix = NpyFile::new(file).and_then(npy);
        let matrix = matrix.map_err(|error| Error::invalid(format!("the array {name:?}: {error}")))?;
        arrays.push((name, matrix));
    }
    Ok(arrays)
}

fn npy(file: NpyFile<impl Read>) -> io::Result<Matrix> {
    let (shape, order) = (file.shape().to_vec(), file.order());
    let (rows, width) = sizes(&shape)?;
    let values = elements(file)?;
    if values.len() != rows * width {
        return Err(Error::invalid("the array ends too early"));
    }
    // Columns after each other are turned; what has more dimensions and such an order is rare.
    let values = match order {
        Order::C => values,
        Order::Fortran if shape.len() <= 2 => values.turned(rows),
        Order::Fortran => {
            return Err(Error::invalid("save the array in C order: numpy.ascontiguousarray(a)"));
        }
    };
    Ok(Matrix { rows, values, vector: shape.len() < 2 })
}

/// The longest texts of an array, in characters or bytes.
const LONGEST: u64 = 1 << 20;

fn elements(file: NpyFile<impl Read>) -> io::Result<Values> {
    let dtype = file.dtype();
    let DType::Plain(kind) = &dtype else {
        return Err(Error::invalid("a structured array: save its fields as arrays of an .npz"));
    };
    fn all<T: npyz::Deserialize, V>(file: NpyFile<impl Read>, f: impl Fn(T) -> V) -> io::Result<Vec<V>> {
        let values = file.data::<T>().map_err(|error| Error::invalid(error.to_string()))?;
        values.map(|value| value.map(&f)).collect()
    }
    fn numbers<T: npyz::Deserialize>(file: NpyFile<impl Read>, f: impl Fn(T) -> f64) -> io::Result<Values> {
        all(file, f).map(Values::Numbers)
    }
    match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => numbers(file, |v: f64| v),
        (TypeChar::Float, 4) => numbers(file, decimal),
        (TypeChar::Float, 2) => numbers(file, |v: npyz::half::f16| v.to_f64()),
        (TypeChar::Int, 8) => numbers(file, |v: i64| v as f64),
        (TypeChar::Int, 4) => numbers(file, |v: i32| f64::from(v)),
        (TypeChar::Int, 2) => numbers(file, |v: i16| f64::from(v)),
        (TypeChar::Int, 1) => numbers(file, |v: i8| f64::from(v)),
        (TypeChar::Uint, 8) => numbers(file, |v: u64| v as f64),
        (TypeChar::Uint, 4) => numbers(file, |v: u32| f64::from(v)),
        (TypeChar::Uint, 2) => numbers(file, |v: u16| f64::from(v)),
        (TypeChar::Uint, 1) => numbers(file, |v: u8| f64::from(v)),
        (TypeChar::Bool, _) => numbers(file, |v: bool| f64::from(v)),
        (TypeChar::UnicodeStr | TypeChar::ByteStr, 1..=LONGEST) => {
            all(file, |v: String| v).map(Values::Texts)
        }
        _ => Err(Error::invalid(format!(
            "elements of the type {kind} cannot be read; save numbers as a.astype(numpy.float32), and words or dates as \
             a.astype(str)"
        ))),
    }
}

/// Y. LeCun's format: two zero bytes, the type, the number of dimensions, their sizes, the elements; all big-endian.
fn idx(mut reader: impl BufRead) -> io::Result<Matrix> {
    let mut head = [0; 4];
    reader.read_exact(&mut head)?;
    let mut shape = Vec::new();
    for _ in 0..head[3] {
        let mut size = [0; 4];
        reader.read_exact(&mut size)?;
        shape.push(u64::from(u32::from_be_bytes(size)));
    }
    let (rows, width) = sizes(&shape)?;
    let size = match head[2] {
        8 | 9 => 1,
        11 => 2,
        12 | 13 => 4,
        14 => 8,
        other => return Err(Error::invalid(format!("{other} is no type of an IDX file"))),
    };
    let mut bytes = Vec::new();
    reader.take((rows * width * size) as u64).read_to_end(&mut bytes)?;
    if bytes.len() != rows * width * size {
        return Err(Error::invalid(format!(
            "the file ends early: {rows} rows of {width} numbers are announced"
        )));
    }
    let number = |bytes: &[u8]| match (head[2], bytes) {
        (8, [a]) => f64::from(*a),
        (9, [a]) => f64::from(*a as i8),
        (11, [a, b]) => f64::from(i16::from_be_bytes([*a, *b])),
        (12, [a, b, c, d]) => f64::from(i32::from_be_bytes([*a, *b, *c, *d])),
        (13, [a, b, c, d]) => f64::from(f32::from_be_bytes([*a, *b, *c, *d])),
        (14, [a, b, c, d, e, f, g, h]) => f64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]),
        _ => unreachable!("chunks have the size of the type"),
    };
    let values = Values::Numbers(bytes.chunks_exact(size).map(number).collect());
    Ok(Matrix { rows, values, vector: shape.len() < 2 })
}
