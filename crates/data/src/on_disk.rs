//! Tables that do not fit in memory: their cells in a scratch file.
//!
//! The file holds blocks of rows, and a block one column after the other: the text of its cells, then where in it each
//! of them ends (four bytes, little-endian), and last the lines of the rows (eight bytes each).

use std::path::Path;

use crate::commas::Commas;
use crate::dialect::Dialect;
use crate::error::{Error, Result};
use crate::missing::Signs;
use crate::reader::TableReader;
use crate::scratch::{Mapped, Scratch};
use crate::table::{Column, Table};

/// Rows of a block.
pub(crate) const BLOCK: usize = 1 << 14;

impl Table {
    /// As [`read`](Table::read), with the cells in a scratch file on the file system of `folder` instead of in memory. The
    /// file is as large as the text and four bytes for each cell; it has no name, and is gone when the table is. What is
    /// in memory meanwhile is a few thousand rows.
    ///
    /// What [`Preparation::dataset`](crate::Preparation::dataset) makes of the table is in a scratch file, too. Memory
    /// then grows with the number of rows, by some 40 bytes for each, and not with the number of columns.
    ///
    /// # Errors
    /// As [`read`](Table::read), and [`Error::Scratch`].
    pub fn read_on_disk(
        path: impl AsRef<Path>,
        dialect: &Dialect,
        folder: impl AsRef<Path>,
    ) -> Result<Table> {
        keep(TableReader::open(path, dialect)?, folder.as_ref())
    }
}

/// Takes all rows of a reader to disk.
pub(crate) fn keep(mut reader: TableReader<'_>, folder: &Path) -> Result<Table> {
    let mut scratch = Scratch::new(folder)?;
    let names = reader.names().to_vec();
    let mut cells: Vec<Vec<Block>> = vec![Vec::new(); names.len()];
    let mut signs: Option<Vec<Signs>> = None;
    let (mut lines, mut rows) = (Vec::new(), 0);
    let (mut source, mut header, mut commas) = (String::new(), true, Commas::Group);
    let mut ends_of_block = Vec::with_capacity(4 * BLOCK);
    while let Some(table) = reader.next_rows(BLOCK)? {
        let own = table.columns().iter().map(Column::signs);
        signs = Some(match signs {
            None => own.collect(),
            Some(before) => before.into_iter().zip(own).map(|(before, own)| before.and(own)).collect(),
        });
        for (column, blocks) in table.columns().iter().zip(&mut cells) {
            let (text, ends) = column.in_memory();
            ends_of_block.clear();
            for end in ends {
                let end = u32::try_from(*end).map_err(|_| {
                    let (column, line) = (column.name(), table.line(0));
                    let what = format!("{BLOCK} cells of column {column:?} from line {line} on exceed 4 GiB");
                    Error::Read { file: table.source().to_owned(), error: Error::invalid(what) }
                })?;
                ends_of_block.extend(end.to_le_bytes());
            }
            let start = scratch.len();
            scratch.write(text.as_bytes())?;
            blocks.push(Block { text: start, ends: scratch.len() });
            scratch.write(&ends_of_block)?;
        }
        lines.push(scratch.len());
        for row in 0..table.rows() {
            scratch.write(&table.line(row).to_le_bytes())?;
        }
        rows += table.rows();
        if rows > u32::MAX as usize {
            return Err(Error::TooManyRows { file: table.source().to_owned() });
        }
        (source, header) = (table.source().to_owned(), table.has_header());
        commas = table.columns()[0].commas();
    }
    let map = scratch.map()?;
    let lines = DiskLines { map: map.clone(), blocks: lines, rows };
    let cells = cells.into_iter().map(|blocks| DiskCells { map: map.clone(), blocks });
    let columns = names.into_iter().zip(cells).zip(signs.unwrap_or_default());
    let columns = columns.map(|((name, cells), signs)| (name, cells, signs));
    Ok(Table::on_disk(source, columns, lines, header, folder).with_commas(commas))
}

/// The cells of a column.
#[derive(Debug, Clone)]
pub(crate) struct DiskCells {
    map: Mapped,
    blocks: Vec<Block>,
}

/// Where something of a block is.
#[derive(Debug, Clone, Copy)]
struct Block {
    text: usize,
    ends: usize,
}

impl DiskCells {
    pub(crate) fn get(&self, row: usize) -> &str {
        let Block { text, ends } = self.blocks[row / BLOCK];
        let bytes = self.map.bytes();
        let end = |place: usize| u32::from_le_bytes(array(&bytes[ends + 4 * place..])) as usize;
        let place = row % BLOCK;
        let start = if place == 0 { 0 } else { end(place - 1) };
        let cell = &bytes[text + start..text + end(place)];
        std::str::from_utf8(cell).expect("the cell was text when it was written")
    }
}

/// The lines of the rows.
#[derive(Debug, Clone)]
pub(crate) struct DiskLines {
    map: Mapped,
    blocks: Vec<usize>,
    rows: usize,
}

impl DiskLines {
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn get(&self, row: usize) -> u64 {
        u64::from_le_bytes(array(&self.map.bytes()[self.blocks[row / BLOCK] + 8 * (row % BLOCK)..]))
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    *bytes.first_chunk().expect("a row of the table")
}
