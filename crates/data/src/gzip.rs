//! What was compressed with gzip, in one piece or in several, one behind the other.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Undoes the compression. Zeros behind the last piece are no data, as for `gzip` itself: tapes and block devices are
/// filled up with them. Anything else behind it is an error.
pub(crate) struct Pieces<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Pieces<R> {
    pub(crate) fn new(reader: R) -> Pieces<R> {
        Pieces(Some(GzDecoder::new(reader)))
    }
}

impl<R: BufRead> Read for Pieces<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.0 {
            let count = decoder.read(to)?;
            if count > 0 || to.is_empty() {
                return Ok(count);
            }
            let (zeros, at_end) = skip_zeros(decoder.get_mut())?;
            if zeros && !at_end {
                let what = "there is something other than zeros behind the compressed data";
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            let rest = self.0.take().filter(|_| !at_end);
            self.0 = rest.map(|decoder| GzDecoder::new(decoder.into_inner()));
        }
        Ok(0)
    }
}

/// Whether there were zeros, and whether nothing else is left.
fn skip_zeros(reader: &mut impl BufRead) -> io::Result<(bool, bool)> {
    let mut any = false;
    loop {
        let there = reader.fill_buf()?;
        let zeros = there.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            return Ok((any, there.is_empty()));
        }
        reader.consume(zeros);
        any = true;
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Write};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn zeros_may_follow_and_nothing_else() {
        let zipped = |text: &str| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let (one, two, zeros) = (zipped("a,b\n"), zipped("1,2\n"), vec![0; 1000]);
        let unzipped = |parts: &[&[u8]]| {
            let (bytes, mut text) = (parts.concat(), String::new());
            let read = Pieces::new(BufReader::with_capacity(7, &bytes[..])).read_to_string(&mut text);
            read.map(|_| text)
        };
        for (parts, expected) in [
            (&[&one[..]][..], Some("a,b\n")),
            (&[&one, &two], Some("a,b\n1,2\n")),
            (&[&one, &two, &zeros], Some("a,b\n1,2\n")),
            (&[&one, &[0]], Some("a,b\n")),
            (&[&one, &zeros, &two], None),
            (&[&one, &[1, 2, 3]], None),
            (&[&one, &two[..9]], None),
            (&[&one[..one.len() - 1]], None),
        ] {
            assert_eq!(unzipped(parts).ok().as_deref(), expected, "{parts:?}");
        }
    }
}
