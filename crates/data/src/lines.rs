//! Lines of text, which end in LF, CRLF or CR alone.

use std::io::{self, BufRead, ErrorKind, Read};

/// Fed to a parser behind the last byte of a text. [`END`] comes out as a row of its own, unless a quote is still open:
/// then it is the end of that quote's field.
const TAIL: &str = "\n\0end";
pub(crate) const END: &str = "\0end";

/// Hands on at most one line per read, then [`TAIL`], and counts the line breaks. The parser asks for more only when it
/// has used up what it has, so after each row the count is the number of the line that the row ends on. (The parser's
/// own count is late by the blank lines before a row, and by one where lines end in CRLF.)
pub(crate) struct LineByLine<R> {
    inner: R,
    tail: &'static [u8],
    lines: u64,
    /// Whether the last byte was a CR, of which an LF would be the other half.
    half: bool,
}

impl<R> LineByLine<R> {
    pub(crate) fn new(inner: R) -> LineByLine<R> {
        LineByLine { inner, tail: TAIL.as_bytes(), lines: 0, half: false }
    }

    /// The line breaks so far.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }

    pub(crate) fn inner(&self) -> &R {
        &self.inner
    }

    /// Whether the text is behind, and its [`TAIL`], too.
    pub(crate) fn is_at_end(&self) -> bool {
        self.tail.is_empty()
    }
}

impl<R: BufRead> Read for LineByLine<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let inner_is_done = self.inner.fill_buf()?.is_empty();
        let source: &mut dyn BufRead = if inner_is_done { &mut self.tail } else { &mut self.inner };
        let available = source.fill_buf()?;
        let count = end_of_line(available).unwrap_or(available.len()).min(buffer.len());
        let taken = &mut buffer[..count];
        taken.copy_from_slice(&available[..count]);
        source.consume(count);
        let other_half = self.half && *taken == [b'\n'];
        self.lines += u64::from(taken.ends_with(b"\n") && !other_half || taken.ends_with(b"\r"));
        self.half = taken.ends_with(b"\r");
        Ok(count)
    }
}

/// Where the first line of some bytes ends. If these end in a CR, an LF may follow it.
fn end_of_line(bytes: &[u8]) -> Option<usize> {
    let at = bytes.iter().position(|byte| *byte == b'\n' || *byte == b'\r')?;
    Some(at + if bytes[at..].starts_with(b"\r\n") { 2 } else { 1 })
}

/// Where the first row of some bytes ends that is not blank, if the quotes in it have their other halves.
pub(crate) fn end_of_row(bytes: &[u8]) -> Option<usize> {
    let begin = bytes.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let mut quoted = false;
    let ends = |byte: &u8| {
        quoted ^= *byte == b'"';
        !quoted && (*byte == b'\n' || *byte == b'\r')
    };
    Some(begin + bytes[begin..].iter().position(ends)? + 1)
}

/// Appends the next line, with its end; `false` after the last.
pub(crate) fn read_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    let before = line.len();
    loop {
        let available = match reader.fill_buf() {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            available => available?,
        };
        // After a CR there was no more in the buffer to tell.
        if line.len() > before && line.ends_with(b"\r") {
            if available.starts_with(b"\n") {
                line.push(b'\n');
                reader.consume(1);
            }
            return Ok(true);
        }
        let (count, is_whole) = match end_of_line(available) {
            Some(end) => (end, available[..end].ends_with(b"\n")),
            None => (available.len(), available.is_empty()),
        };
        line.extend_from_slice(&available[..count]);
        reader.consume(count);
        if is_whole {
            return Ok(line.len() > before);
        }
    }
}

/// The number of line breaks in a text.
pub(crate) fn breaks(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let both = bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    (bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() - both) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    const TEXT: &str = "one\r\ntwo\rthree\n\r\r\n\nlast";

    #[test]
    fn a_line_is_read_with_its_end_wherever_the_buffer_ends() {
        for capacity in 1..=TEXT.len() {
            let mut reader = BufReader::with_capacity(capacity, TEXT.as_bytes());
            let mut lines = Vec::new();
            loop {
                let mut line = Vec::new();
                if !read_line(&mut reader, &mut line).unwrap() {
                    break;
                }
                lines.push(String::from_utf8(line).unwrap());
            }
            assert_eq!(lines, ["one\r\n", "two\r", "three\n", "\r", "\r\n", "\n", "last"], "{capacity}");
        }
    }

    #[test]
    fn a_row_ends_outside_quotes() {
        for (text, expected) in [
            ("1,2\n3", Some(4)),
            ("\r\n\n 1\r\n", Some(6)),
            ("\"a\nb\",\"\"\"\"\n1", Some(11)),
            ("\"a\nb", None),
            ("1,2", None),
            (" \n", None),
        ] {
            assert_eq!(end_of_row(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn line_breaks_are_counted_wherever_the_buffers_end() {
        assert_eq!(breaks(TEXT), 6);
        for (inner, outer) in [(1, 1), (1, 9), (2, 1), (3, 2), (4, 64), (64, 4), (64, 64)] {
            let mut reader = LineByLine::new(BufReader::with_capacity(inner, TEXT.as_bytes()));
            let (mut text, mut buffer) = (String::new(), vec![0; outer]);
            while let count @ 1.. = reader.read(&mut buffer).unwrap() {
                let read = std::str::from_utf8(&buffer[..count]).unwrap();
                text += read;
                assert!(breaks(read) <= 1, "{read:?}");
            }
            assert_eq!((text, reader.lines()), (TEXT.to_owned() + TAIL, 7), "{inner} {outer}");
            assert!(reader.is_at_end());
        }
    }
}
