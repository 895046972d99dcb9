//! From characters to words, numbers and signs.

use alloc::vec::Vec;
use core::ops::Range;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Open,
    Close,
    Comma,
    Equals,
    /// A name, a number, a number with a unit: whatever stands between spaces and the marks above.
    Word(&'a str),
}

/// The tokens of a text, each with the bytes where it stands.
pub(crate) fn tokens(text: &str) -> Vec<(Token<'_>, Range<usize>)> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let mut end = start + c.len_utf8();
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Equals,
            _ => {
                while let Some((at, c)) = rest.next_if(|(_, c)| !c.is_whitespace() && !"(),=".contains(*c)) {
                    end = at + c.len_utf8();
                }
                Token::Word(&text[start..end])
            }
        };
        tokens.push((token, start..end));
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_at_spaces_and_marks() {
        let found: Vec<_> = tokens(" gl(5e-1,\tstrip = 2)µ").into_iter().collect();
        let expected = [
            (Token::Word("gl"), 1..3),
            (Token::Open, 3..4),
            (Token::Word("5e-1"), 4..8),
            (Token::Comma, 8..9),
            (Token::Word("strip"), 10..15),
            (Token::Equals, 16..17),
            (Token::Word("2"), 18..19),
            (Token::Close, 19..20),
            (Token::Word("µ"), 20..22),
        ];
        assert_eq!(found, expected);
    }
}
