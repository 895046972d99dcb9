//! The text in a file, whether it is compressed and however its characters are encoded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use crate::gzip;
use crate::utf16::{self, Utf16};

/// What begins a file that is compressed with gzip.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text in a file, plain or compressed with gzip; UTF-16 becomes UTF-8.
///
/// # Errors
/// If there is no such file, or its beginning cannot be read.
pub fn open_text(path: impl AsRef<Path>) -> io::Result<Box<dyn BufRead>> {
    plain(Box::new(File::open(path)?))
}

/// Undoes the compression, if there is one, and makes UTF-8 of UTF-16.
pub(crate) fn plain<'a>(reader: Box<dyn Read + 'a>) -> io::Result<Box<dyn BufRead + 'a>> {
    let (first, all) = begin(reader)?;
    let (mut first, mut unzipped) = match first == GZIP {
        true => begin(Box::new(gzip::Pieces::new(BufReader::new(all))))?,
        false => (first, all),
    };
    if first != utf16::LITTLE && first != utf16::BIG {
        return Ok(Box::new(BufReader::new(unzipped)));
    }
    unzipped.read_exact(&mut first)?;
    Ok(Box::new(BufReader::new(Utf16::new(unzipped, first == utf16::BIG))))
}

/// The first two bytes, zeros if there are fewer, and all bytes.
fn begin<'a>(mut reader: Box<dyn Read + 'a>) -> io::Result<([u8; 2], Box<dyn Read + 'a>)> {
    let mut first = Vec::new();
    (&mut reader).take(2).read_to_end(&mut first)?;
    let mut two = [0; 2];
    two[..first.len()].copy_from_slice(&first);
    Ok((two, Box::new(Cursor::new(first).chain(reader))))
}
