//! Bytes as they arrive: what has come can be looked into, and whether to ask for more would mean to wait.

use std::io::{self, BufRead, ErrorKind, Read};

use crate::lines::end_of_row;

/// So many bytes of the beginning tell how a table is written.
const HEAD: usize = 1 << 20;

/// So many bytes are asked for at a time: one more than a pipe holds, as a rule, so that what fills a piece has more
/// behind it.
const PIECE: usize = (1 << 16) + 1;

/// A buffer before something that gives bytes.
pub(crate) struct Arriving<'a> {
    inner: Box<dyn Read + 'a>,
    /// Whether rows come one by one, and are not to be waited for longer than needed.
    live: bool,
    buffer: Vec<u8>,
    /// Of the buffer, so many bytes have been used, and so many are filled.
    used: usize,
    filled: usize,
    /// Where the last line that is whole ends, and whether there are quotes, within which lines end and rows do not.
    lines: usize,
    quotes: bool,
    /// Whether the last read gave less than what was asked for: it was all that had arrived.
    paused: bool,
    ended: bool,
}

impl<'a> Arriving<'a> {
    pub(crate) fn new(inner: Box<dyn Read + 'a>, live: bool) -> Arriving<'a> {
        let (used, filled, lines) = (0, 0, 0);
        let (quotes, paused, ended) = (false, false, false);
        Arriving { inner, live, buffer: Vec::new(), used, filled, lines, quotes, paused, ended }
    }

    /// What has arrived and has not been used.
    fn there(&self) -> &[u8] {
        &self.buffer[self.used..self.filled]
    }

    fn read_piece(&mut self) -> io::Result<()> {
        if self.used == self.filled {
            (self.used, self.filled) = (0, 0);
        }
        let end = self.filled + PIECE;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        let count = loop {
            match self.inner.read(&mut self.buffer[self.filled..end]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += count;
        (self.paused, self.ended) = (count < PIECE, count == 0);
        let there = self.there();
        let last = there.iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
        let quotes = there.contains(&b'"');
        (self.lines, self.quotes) = (self.used + last.map_or(0, |last| last + 1), quotes);
        Ok(())
    }

    /// The beginning without using it up, and whether its last row is whole. Where rows come one by one, it waits for so many
    /// at most.
    pub(crate) fn head(&mut self, rows: usize) -> io::Result<(&[u8], bool)> {
        if self.live { self.first_rows(rows, HEAD) } else { self.first_bytes(HEAD) }
    }

    /// At least so many bytes of the beginning, or all; and whether it is all.
    fn first_bytes(&mut self, bytes: usize) -> io::Result<(&[u8], bool)> {
        while self.there().len() < bytes && !self.ended {
            self.read_piece()?;
        }
        Ok((self.there(), self.ended))
    }

    /// The rows of the beginning that have arrived when so many have, or at least so many bytes, or all; and whether the last
    /// is whole.
    fn first_rows(&mut self, rows: usize, bytes: usize) -> io::Result<(&[u8], bool)> {
        loop {
            let (mut rest, mut found) = (self.there(), 0);
            while let Some(end) = end_of_row(rest) {
                rest = &rest[end..];
                found += 1;
            }
            let whole = self.there().len() - rest.len();
            match () {
                () if self.ended => return Ok((self.there(), true)),
                () if found >= rows && self.paused => return Ok((&self.there()[..whole], true)),
                () if self.there().len() >= bytes => return Ok((self.there(), false)),
                () => self.read_piece()?,
            }
        }
    }

    /// Whether the next row of those that come one by one, as far as quotes tell, has not arrived.
    pub(crate) fn must_wait(&self) -> bool {
        if !self.live || !self.paused || self.ended {
            return false;
        }
        let lines = &self.buffer[self.used.min(self.lines)..self.lines];
        let has_row = lines.iter().any(|byte| !byte.is_ascii_whitespace())
            && (!self.quotes || end_of_row(self.there()).is_some());
        !has_row
    }
}

impl Read for Arriving<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(to)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Arriving<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // A terminal goes on after its end if it is asked again.
        if self.used == self.filled && !self.ended {
            self.read_piece()?;
        }
        Ok(self.there())
    }

    fn consume(&mut self, count: usize) {
        self.used += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_what_never_pauses_is_no_longer_than_was_asked_for() {
        let mut reader = Arriving::new(Box::new(io::repeat(b'x')), true);
        let (there, whole) = reader.first_rows(1, 1000).unwrap();
        assert_eq!((there.len(), whole), (PIECE, false));
    }
}
