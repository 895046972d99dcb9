//! Tables of numbers: NumPy's `.npy` and `.npz`, the IDX files of MNIST, and the `.dt` files of Proben1.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use ndarray::ArrayView1;
use npyz::{DType, NpyFile, Order, TypeChar};
use zip::ZipArchive;

use crate::cell;
use crate::dataset::Targets;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::missing::of_column;
use crate::plain::plain;
use crate::proben1::{self, Proben1};
use crate::reader::ReadRows;
use crate::table::{ColumnWriter, Table};

/// A format that is no table of text, told by a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Array(ArrayFormat),
    Parquet,
}

/// A format of numbers.
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

/// A matrix of numbers from a file.
struct Numbers {
    rows: usize,
    /// Rows × columns.
    values: Vec<f64>,
    /// Whether rows are single numbers.
    vector: bool,
}

/// Reads a file of numbers, whose rows then come piece by piece.
pub(crate) struct ArrayReader {
    source: String,
    parts: Vec<(String, Numbers)>,
    names: Vec<String>,
    /// Whether these are more than numbers.
    named: bool,
    /// What stands for a missing value.
    missing: Vec<String>,
    rows: usize,
    next: usize,
    /// Lines above the first row.
    above: u64,
}

impl ArrayReader {
    /// Reads the numbers. Arrays of more dimensions than two become one row for each index of the first.
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
            ArrayFormat::Proben1 => examples(&Proben1::read(path)?),
        };
        let empty = parts.iter().find(|(_, numbers)| numbers.values.is_empty());
        let lacking = match (parts.is_empty(), empty) {
            (true, _) => Some("no array in it".to_owned()),
            (false, Some((array, _))) => Some(format!("the array {array:?} has no numbers")),
            (false, None) => None,
        };
        if let Some(lacking) = lacking {
            return Err(Error::Read { file: source, error: Error::invalid(lacking) });
        }
        let rows = parts[0].1.rows;
        if let Some((array, numbers)) = parts.iter().find(|(_, numbers)| numbers.rows != rows) {
            let (array, found, first) = (array.clone(), numbers.rows, parts[0].0.clone());
            return Err(Error::ArrayRows { file: source, array, found, first, expected: rows });
        }
        let named = |(name, numbers): &(String, Numbers)| {
            (1..=numbers.values.len() / rows)
                .map(|at| if numbers.vector { name.clone() } else { format!("{name}_{at}") })
                .collect::<Vec<_>>()
        };
        let own = format == ArrayFormat::Npz || parts.len() > 1;
        let names = match own {
            true => parts.iter().flat_map(named).collect(),
            false => dialect.names_of(&source, parts[0].1.values.len() / rows)?,
        };
        let named = own || !dialect.names.is_empty();
        let missing = dialect.signs().cloned().collect();
        let above = if format == ArrayFormat::Proben1 { proben1::HEAD.len() as u64 } else { 0 };
        Ok(ArrayReader { source, parts, names, named, missing, rows, next: 0, above })
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
        let mut names = self.names.iter();
        let mut columns = Vec::with_capacity(self.names.len());
        for (_, numbers) in &self.parts {
            let width = numbers.values.len() / self.rows;
            for (at, name) in (0..width).zip(&mut names) {
                let sign = |sign: &String| cell::number(of_column(sign, name).unwrap_or(sign));
                let missing: Vec<f64> = self.missing.iter().filter_map(sign).collect();
                let mut column = ColumnWriter::new(name.clone());
                for value in rows.clone().map(|row| numbers.values[row * width + at]) {
                    match missing.contains(&value) {
                        true => column.push(""),
                        false => column.push_value(value),
                    }
                }
                columns.push(column.finish());
            }
        }
        let lines = rows.map(|row| self.above + row as u64 + 1).collect();
        Ok(Some(Table::new(self.source.clone(), columns, lines, self.named)))
    }
}

/// All examples of a problem, in the order of its file: inputs, then classes or outputs.
fn examples(problem: &Proben1) -> Vec<(String, Numbers)> {
    // A decimal of the file, not what is nearest to it in `f32`.
    let decimal = |value: &f32| value.to_string().parse().unwrap_or(f64::from(*value));
    let is_classes = problem.is_classification();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    for part in [&problem.train, &problem.validation, &problem.test] {
        inputs.extend(part.features().iter().map(decimal));
        match part.targets() {
            Targets::Values(values) if is_classes => outputs.extend(values.rows().into_iter().map(class_of)),
            Targets::Values(values) => outputs.extend(values.iter().map(decimal)),
            Targets::Classes(_) => unreachable!("a problem has values, also where they stand for classes"),
        }
    }
    let rows = inputs.len() / problem.inputs();
    let name = if is_classes { "label" } else { "output" };
    let vector = outputs.len() == rows;
    vec![
        ("column".to_owned(), Numbers { rows, values: inputs, vector: false }),
        (name.to_owned(), Numbers { rows, values: outputs, vector }),
    ]
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
fn npz(reader: impl Read + Seek) -> io::Result<Vec<(String, Numbers)>> {
    let mut archive = ZipArchive::new(reader)?;
    if archive.index_for_name("xl/workbook.xml").is_some() {
        return Err(Error::invalid("it is a workbook of Excel; save its sheet as CSV in UTF-8"));
    }
    let mut arrays = Vec::new();
    for at in 0..archive.len() {
        let file = archive.by_index(at)?;
        let Some(name) = file.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let numbers = NpyFile::new(file).and_then(npy);
        let numbers = numbers.map_err(|error| Error::invalid(format!("the array {name:?}: {error}")))?;
        arrays.push((name, numbers));
    }
    Ok(arrays)
}

fn npy(file: NpyFile<impl Read>) -> io::Result<Numbers> {
    let (shape, order) = (file.shape().to_vec(), file.order());
    let (rows, width) = sizes(&shape)?;
    let values = elements(file)?;
    if values.len() != rows * width {
        return Err(Error::invalid("the array ends too early"));
    }
    // Columns after each other are turned; what has more dimensions and such an order is rare.
    let values = match order {
        Order::C => values,
        Order::Fortran if shape.len() <= 2 => {
            (0..rows * width).map(|at| values[at % width * rows + at / width]).collect()
        }
        Order::Fortran => {
            return Err(Error::invalid("save the array in C order: numpy.ascontiguousarray(a)"));
        }
    };
    Ok(Numbers { rows, values, vector: shape.len() < 2 })
}

fn elements(file: NpyFile<impl Read>) -> io::Result<Vec<f64>> {
    let dtype = file.dtype();
    let DType::Plain(kind) = &dtype else {
        return Err(Error::invalid("a structured array: save its fields as arrays of an .npz"));
    };
    fn cast<T: npyz::Deserialize>(file: NpyFile<impl Read>, f: impl Fn(T) -> f64) -> io::Result<Vec<f64>> {
        file.data::<T>()
            .map_err(|error| Error::invalid(error.to_string()))?
            .map(|value| value.map(&f))
            .collect()
    }
    match (kind.type_char(), kind.size_field()) {
        (TypeChar::Float, 8) => cast(file, |v: f64| v),
        (TypeChar::Float, 4) => cast(file, |v: f32| v.to_string().parse().unwrap_or(f64::from(v))),
        (TypeChar::Int, 8) => cast(file, |v: i64| v as f64),
        (TypeChar::Int, 4) => cast(file, |v: i32| f64::from(v)),
        (TypeChar::Int, 2) => cast(file, |v: i16| f64::from(v)),
        (TypeChar::Int, 1) => cast(file, |v: i8| f64::from(v)),
        (TypeChar::Uint, 8) => cast(file, |v: u64| v as f64),
        (TypeChar::Uint, 4) => cast(file, |v: u32| f64::from(v)),
        (TypeChar::Uint, 2) => cast(file, |v: u16| f64::from(v)),
        (TypeChar::Uint, 1) => cast(file, |v: u8| f64::from(v)),
        (TypeChar::Bool, _) => cast(file, |v: bool| f64::from(v)),
        _ => Err(Error::invalid(format!(
            "elements of the type {kind} cannot be read; save numbers as a.astype(numpy.float32), and words or dates as CSV"
        ))),
    }
}

/// Y. LeCun's format: two zero bytes, the type, the number of dimensions, their sizes, the elements; all big-endian.
fn idx(mut reader: impl BufRead) -> io::Result<Numbers> {
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
    Ok(Numbers { rows, values: bytes.chunks_exact(size).map(number).collect(), vector: shape.len() < 2 })
}
