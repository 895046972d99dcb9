//! Text in UTF-16, as programs of Windows write it, on its way to UTF-8.

use std::io::{self, ErrorKind, Read};

/// What text in UTF-16 begins with: of its two bytes, the lower first or last.
pub(crate) const LITTLE: [u8; 2] = [0xff, 0xfe];
pub(crate) const BIG: [u8; 2] = [0xfe, 0xff];

/// Gives UTF-8. What is no text comes out as a byte that is none either.
pub(crate) struct Utf16<R> {
    inner: R,
    is_big: bool,
    /// What was read and is half a character.
    rest: Vec<u8>,
    text: Vec<u8>,
    given: usize,
}

/// A byte that UTF-8 never has.
const WRONG: u8 = 0xff;

impl<R: Read> Utf16<R> {
    pub(crate) fn new(inner: R, is_big: bool) -> Utf16<R> {
        Utf16 { inner, is_big, rest: Vec::new(), text: Vec::new(), given: 0 }
    }

    /// Reads on, as far as there are bytes, and translates; nothing at the end.
    fn translate(&mut self) -> io::Result<()> {
        (self.text, self.given) = (Vec::new(), 0);
        while self.text.is_empty() {
            let mut bytes = [0; 4096];
            let count = match self.inner.read(&mut bytes) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                count => count?,
            };
            self.rest.extend_from_slice(&bytes[..count]);
            let unit = |pair: &[u8]| match self.is_big {
                true => u16::from_be_bytes([pair[0], pair[1]]),
                false => u16::from_le_bytes([pair[0], pair[1]]),
            };
            let mut units: Vec<u16> = self.rest.chunks_exact(2).map(unit).collect();
            // The first half of a character waits for the other.
            if count > 0 && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
                units.pop();
            }
            for read in char::decode_utf16(units.iter().copied()) {
                match read {
                    Ok(c) => self.text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                    Err(_) => self.text.push(WRONG),
                }
            }
            self.rest.drain(..2 * units.len());
            if count == 0 {
                self.text.extend(self.rest.drain(..).map(|_| WRONG));
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.given == self.text.len() {
            self.translate()?;
        }
        let count = (&self.text[self.given..]).read(to)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let count = to.len().min(1);
            self.0.read(&mut to[..count])
        }
    }

    #[test]
    fn text_is_the_same_whatever_the_order_of_bytes_and_however_it_arrives() {
        let text = "größe;🍕\r\n1;€2\n";
        for is_big in [false, true] {
            let bytes = |unit: u16| if is_big { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let bytes: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            let mut found = String::new();
            Utf16::new(&bytes[..], is_big).read_to_string(&mut found).unwrap();
            assert_eq!(found, text);
            found.clear();
            Utf16::new(Slow(&bytes), is_big).read_to_string(&mut found).unwrap();
            assert_eq!(found, text);
        }
    }

    #[test]
    fn halves_of_characters_are_no_text() {
        for bytes in [&b"a\0\0\xd8"[..], b"a\0\0\xdcb\0", b"a\0b"] {
            let mut found = Vec::new();
            Utf16::new(bytes, false).read_to_end(&mut found).unwrap();
            assert!(found.starts_with(b"a\xff"), "{found:?}");
        }
    }
}
