//! What this workspace needs to see in a Markdown page: its code blocks, and the text between them.

/// A fenced code block.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'a> {
    /// The line of its opening fence, from one.
    pub(crate) line: usize,
    /// What stands behind the opening fence.
    pub(crate) info: &'a str,
    /// Its lines.
    pub(crate) body: Vec<&'a str>,
}

impl<'a> Block<'a> {
    /// The first word of the fence, by which it is coloured, and the rest.
    pub(crate) fn language(&self) -> (&'a str, &'a str) {
        let (word, rest) = self.info.split_once(' ').unwrap_or((self.info, ""));
        (word, rest.trim())
    }
}

/// The code blocks of a page, and its other lines with their numbers. A block that is never closed reaches to the end.
pub(crate) fn read(page: &str) -> (Vec<Block<'_>>, Vec<(usize, &str)>) {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut text = Vec::new();
    // How the open block began, for only the same number of the same signs ends it.
    let mut open: Option<&str> = None;
    for (number, line) in (1..).zip(page.lines()) {
        let start = line.trim_start();
        let fence = &start[..start.len() - start.trim_start_matches(['`', '~']).len()];
        match open {
            Some(opening) if fence == opening && start.trim_end() == fence => open = None,
            Some(_) => {
                if let Some(block) = blocks.last_mut() {
                    block.body.push(line);
                }
            }
            None if fence.len() >= 3 => {
                open = Some(fence);
                blocks.push(Block { line: number, info: start[fence.len()..].trim(), body: Vec::new() });
            }
            None => text.push((number, line)),
        }
    }
    (blocks, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_the_text_between_them_are_told_apart() {
        let page = "# A\n```sh slow: an hour\nls\n\n````\n```\ntext\n  ```text\n  x\n  ```\n````\n```\n````\n```sh\nopen";
        let (blocks, text) = read(page);
        let block = |line, info, body: &[&'static str]| Block { line, info, body: body.to_vec() };
        assert_eq!(
            blocks,
            [
                block(2, "sh slow: an hour", &["ls", "", "````"]),
                block(8, "text", &["  x"]),
                block(11, "", &["```"]),
                block(14, "sh", &["open"]),
            ]
        );
        assert_eq!(text, [(1, "# A"), (7, "text")]);
        assert_eq!(blocks[0].language(), ("sh", "slow: an hour"));
    }
}
