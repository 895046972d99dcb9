//! Tables of numbers: NumPy's `.npy` and `.npz`, and the IDX files of MNIST.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use npyz::{DType, NpyFile, Order, TypeChar};
use zip::ZipArchive;

use crate::csv_reader::plain;
use crate::error::{Error, Result};
use crate::table::{Column, Table};

/// A format of numbers, told by a file's first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Npy,
    Npz,
    Idx,
}

/// The most elements that are taken from a header's word for it.
const MOST: u64 = 1 << 36;

impl Format {
    /// `None` for text.
    pub(crate) fn of(head: &[u8]) -> Option<Format> {
        match head {
            [0x93, b'N', b'U', b'M', ..] => Some(Format::Npy),
            [b'P', b'K', 3, 4, ..] => Some(Format::Npz),
            [0, 0, 8 | 9 | 11..=14, 1..=4, ..] => Some(Format::Idx),
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

impl Table {
    /// Reads a file of numbers. Arrays of more dimensions than two become one row for each index of the first.
    ///
    /// The columns of a matrix are `column_1`, `column_2`, …; those of the arrays of an `.npz` are named as their array,
    /// with a number behind it if there are several. Beside a file of IDX images, whose name has `images-idx3` in it, the
    /// one with `labels-idx1` instead is read if it is there, as the column `label`.
    pub(crate) fn read_arrays(path: &Path, format: Format) -> Result<Table> {
        let source = path.display().to_string();
        let bad = |error| Error::Read { file: source.clone(), error };
        let open = |path: &Path| File::open(path).map(BufReader::new).map_err(bad);
        let mut parts: Vec<(String, Numbers)> = Vec::new();
        match format {
            Format::Npy => {
                let reader = plain(Box::new(open(path)?)).map_err(bad)?;
                parts.push(("column".to_owned(), npy(NpyFile::new(reader).map_err(bad)?).map_err(bad)?));
            }
            Format::Npz => {
                for (name, numbers) in npz(open(path)?).map_err(bad)? {
                    parts.push((name, numbers));
                }
            }
            Format::Idx => {
                let reader = plain(Box::new(open(path)?)).map_err(bad)?;
                parts.push(("column".to_owned(), idx(reader).map_err(bad)?));
                if let Some(labels) = labels_of(path).filter(|path| path.exists()) {
                    let bad = |error| Error::Read { file: labels.display().to_string(), error };
                    let file = File::open(&labels).map_err(bad)?;
                    parts.push(("label".to_owned(), idx(plain(Box::new(file)).map_err(bad)?).map_err(bad)?));
                }
            }
        }
        table(source, &parts)
    }
}

/// The file of labels beside a file of images.
fn labels_of(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images-idx3", "labels-idx1").replace("images.idx3", "labels.idx1");
    (labels != name).then(|| images.with_file_name(labels))
}

/// Puts arrays with as many rows side by side.
fn table(source: String, parts: &[(String, Numbers)]) -> Result<Table> {
    let rows = parts.first().map_or(0, |(_, numbers)| numbers.rows);
    if rows == 0 {
        return Err(Error::NoRows { file: source });
    }
    let mut columns = Vec::new();
    for (name, numbers) in parts {
        if numbers.rows != rows {
            let (array, found) = (name.clone(), numbers.rows);
            return Err(Error::ArrayRows {
                file: source,
                array,
                found,
                first: parts[0].0.clone(),
                expected: rows,
            });
        }
        let width = numbers.values.len() / rows;
        for at in 0..width {
            let name =
                if numbers.vector && parts.len() > 1 { name.clone() } else { format!("{name}_{}", at + 1) };
            let mut column = Column::new(name);
            for row in 0..rows {
                column.push(&numbers.values[row * width + at].to_string());
            }
            columns.push(column);
        }
    }
    let lines = (1..=rows as u64).collect();
    Ok(Table { source, columns, lines, header: parts.len() > 1 })
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// Rows × the product of the other sizes.
fn sizes(shape: &[u64]) -> io::Result<(usize, usize)> {
    let all = shape.iter().try_fold(1_u64, |all, size| all.checked_mul(*size)).filter(|all| *all <= MOST);
    let all = all.ok_or_else(|| invalid(format!("an array of {shape:?} is too large")))? as usize;
    let rows = shape.first().map_or(1, |rows| *rows as usize);
    Ok((rows, all.checked_div(rows).unwrap_or(0)))
}

/// A ZIP of `.npy` files.
fn npz(reader: impl Read + Seek) -> io::Result<Vec<(String, Numbers)>> {
    let mut archive = ZipArchive::new(reader)?;
    let mut arrays = Vec::new();
    for at in 0..archive.len() {
        let file = archive.by_index(at)?;
        let Some(name) = file.name().strip_suffix(".npy").map(str::to_owned) else { continue };
        let numbers = NpyFile::new(file).and_then(npy);
        let numbers = numbers.map_err(|error| invalid(format!("the array {name:?}: {error}")))?;
        arrays.push((name, numbers));
    }
    Ok(arrays)
}

fn npy(file: NpyFile<impl Read>) -> io::Result<Numbers> {
    let (shape, order) = (file.shape().to_vec(), file.order());
    let (rows, width) = sizes(&shape)?;
    let values = elements(file)?;
    if values.len() != rows * width {
        return Err(invalid("the array ends too early"));
    }
    // Columns after each other are turned; what has more dimensions and such an order is rare.
    let values = match order {
        Order::C => values,
        Order::Fortran if shape.len() <= 2 => {
            (0..rows * width).map(|at| values[at % width * rows + at / width]).collect()
        }
        Order::Fortran => return Err(invalid("save the array in C order: numpy.ascontiguousarray(a)")),
    };
    Ok(Numbers { rows, values, vector: shape.len() < 2 })
}

fn elements(file: NpyFile<impl Read>) -> io::Result<Vec<f64>> {
    let dtype = file.dtype();
    let DType::Plain(kind) = &dtype else {
        return Err(invalid("a structured array: save its fields as arrays of an .npz"));
    };
    fn cast<T: npyz::Deserialize>(file: NpyFile<impl Read>, f: impl Fn(T) -> f64) -> io::Result<Vec<f64>> {
        file.data::<T>().map_err(|error| invalid(error.to_string()))?.map(|value| value.map(&f)).collect()
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
        _ => Err(invalid(format!("elements of the type {dtype:?} are no numbers"))),
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
        other => return Err(invalid(format!("{other} is no type of an IDX file"))),
    };
    let mut bytes = Vec::new();
    reader.take((rows * width * size) as u64).read_to_end(&mut bytes)?;
    if bytes.len() != rows * width * size {
        return Err(invalid(format!("the file ends early: {rows} rows of {width} numbers are announced")));
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
