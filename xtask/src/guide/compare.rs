//! Whether a program still prints what a page shows, give or take its numbers.

/// The first shown line that was not printed, in this order. Lines of other programs and further lines may stand in
/// between; `…` stands for anything; numbers and the units of times may be others; blanks only separate.
pub(crate) fn first_missing<'a>(shown: &[&'a str], printed: &str) -> Option<&'a str> {
    let mut printed = printed.lines().map(pattern);
    shown
        .iter()
        .filter(|line| !matches!(line.trim(), "" | "…"))
        .find(|line| {
            let wanted = pattern(line);
            !printed.any(|line| fits(&wanted, &line))
        })
        .copied()
}

/// The words of a line, with `#` for each number.
fn pattern(line: &str) -> Vec<String> {
    const TIMES: [&str; 7] = ["ns", "µs", "ms", "s", "min", "h", "d"];
    let mut words: Vec<String> = Vec::new();
    for word in line.split_whitespace() {
        // A table has a dash where it has no number.
        let word = if word == "–" { "#".to_owned() } else { without_numbers(word) };
        let bare = word.trim_end_matches([',', ';', '.', ')', ']', ':']);
        // `1 min 05 s` is a time as `59 s` is.
        if TIMES.contains(&bare) && words.last().is_some_and(|last| last.ends_with('#')) {
            let tail = word[bare.len()..].to_owned();
            let mut number = words.pop().unwrap_or_default();
            if number == "#" && words.last().is_some_and(|last| last.ends_with("#t")) {
                number = words.pop().unwrap_or_default();
            } else {
                number.push('t');
            }
            words.push(number + &tail);
        } else {
            words.push(word);
        }
    }
    words
}

/// `-1,234.5e-6%` becomes `#%`; digits within a name, as in `step-00000120`, go as well.
fn without_numbers(word: &str) -> String {
    let mut kept = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let digits = rest.trim_start_matches(['-', '−', '+']);
        if digits.starts_with(|c: char| c.is_ascii_digit()) && (digits.len() == rest.len() || kept.is_empty())
        {
            let mut end = rest.len() - digits.len();
            end += number_length(digits);
            kept.push('#');
            rest = &rest[end..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// How many bytes at the beginning are a number; a `.` or `,` belongs to it if a digit follows.
fn number_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    loop {
        match bytes.get(end) {
            Some(b'0'..=b'9') => end += 1,
            Some(b'.' | b',') if digit(end + 1) => end += 1,
            Some(b'e') if digit(end + 1) => end += 1,
            Some(b'e') if matches!(bytes.get(end + 1), Some(b'-' | b'+')) && digit(end + 2) => end += 2,
            _ => return end,
        }
    }
}

/// Whether the words are these; `…` among the wanted ones stands for any words or the rest of one.
fn fits(wanted: &[String], words: &[String]) -> bool {
    match wanted.split_first() {
        None => words.is_empty(),
        Some((first, wanted)) if first == "…" => (0..=words.len()).any(|at| fits(wanted, &words[at..])),
        Some((first, wanted)) => words.split_first().is_some_and(|(word, words)| {
            let same = match first.split_once('…') {
                Some((start, end)) => {
                    word.len() >= start.len() + end.len() && word.starts_with(start) && word.ends_with(end)
                }
                None => word == first,
            };
            same && fits(wanted, words)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_differ_and_words_may_not() {
        let printed = "building\nepoch   1/500  training 1.5439    [10 ms, 126,408 rows/s, 199 ms to 5.0 s left]\n\n\
                       Stopped at epoch 42 of at most 500: no improvement.\n  saved  ├ step-00000120.b1  -3e-5%\n";
        for (shown, missing) in [
            (vec!["epoch   7/60  training 0.2 [1.2 s, 9 rows/s, 1 min 05 s to 3 s left]"], None),
            (vec!["epoch 7/60 …", "…", "", "Stopped at epoch 1 … no improvement."], None),
            (vec!["  saved ├ step-7.b2  1%"], None),
            (vec!["  saved ├ step-… 1%"], None),
            (vec!["Stopped at epoch 42 of at most 500: all is well."], Some(0)),
            (vec!["Stopped at epoch 42 … improvement.", "epoch 1/500 …"], Some(1)),
            (vec!["building", "building"], Some(1)),
            (vec!["epoch –/500 …"], Some(0)),
            (vec!["epoch 3/500 training – …"], None),
            (vec!["epoch"], Some(0)),
        ] {
            assert_eq!(first_missing(&shown, printed), missing.map(|at: usize| shown[at]), "{shown:?}");
        }
    }

    #[test]
    fn a_number_ends_where_one_would_say() {
        for (word, pattern) in [
            ("1,234.5e-6%", "#%"),
            ("(0.1215),", "(#),"),
            ("22.", "#."),
            ("step-00000120.safetensors", "step-#.safetensors"),
            ("-3", "#"),
            ("1e5", "#"),
            ("7each", "#each"),
            ("2026-11-26", "#-#-#"),
            ("−0.5", "#"),
            ("f1_macro", "f#_macro"),
        ] {
            assert_eq!(without_numbers(word), pattern, "{word}");
        }
    }
}
