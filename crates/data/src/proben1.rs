//! The files of Prechelt's benchmark collection Proben1, which come already divided.

use std::io::Read;
use std::path::Path;

use ndarray::{Array2, s};

use crate::dataset::{Dataset, Targets};
use crate::error::{Error, Result};
use crate::plain::open_text;

/// What the lines of the head say, in their order.
pub(crate) const HEAD: [&str; 7] = [
    "bool_in",
    "real_in",
    "bool_out",
    "real_out",
    "training_examples",
    "validation_examples",
    "test_examples",
];

/// A problem of Proben1 (L. Prechelt, *Proben1*, TR 21/94, Karlsruhe 1994): numbers ready for a network, in a division
/// that is part of the problem.
///
/// A `.dt` file is seven lines `NAME=COUNT` (`bool_in`, `real_in`, `bool_out`, `real_out`, `training_examples`,
/// `validation_examples`, `test_examples`), then one line for each example with its inputs and its outputs, separated by
/// blanks: first the examples for training, then those for validation, then those for testing.
///
/// ```
/// use highwater_data::Proben1;
///
/// let text = "bool_in=0\nreal_in=2\nbool_out=1\nreal_out=0\n\
///             training_examples=2\nvalidation_examples=1\ntest_examples=1\n\
///             0 1 1\n1 1 0\n0.5 1 1\n0.25 0 0\n";
/// let problem = Proben1::parse(text, "made-up.dt")?;
/// assert_eq!((problem.name.as_str(), problem.inputs(), problem.outputs()), ("made-up", 2, 1));
/// assert_eq!(problem.train.rows(), 2);
/// assert_eq!(problem.test.features()[[0, 0]], 0.25);
/// # Ok::<(), highwater_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Proben1 {
    /// The file's name without its extension: `cancer1`.
    pub name: String,
    /// How many of the inputs come first and are 0 or 1.
    pub boolean_inputs: usize,
    /// How many of the outputs come first and are 0 or 1. Where all are and there are several, each stands for a class.
    pub boolean_outputs: usize,
    /// To train on; as those of the other parts, its targets are values.
    pub train: Dataset,
    /// To decide by when to stop.
    pub validation: Dataset,
    /// To report.
    pub test: Dataset,
}

/// What is wrong with a line of a `.dt` file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Proben1Fault {
    /// A line of the head that is something else, or not there.
    #[error("expected \"{name}=\" and a count, found {found:?}; a .dt file begins with seven such lines")]
    Head {
        /// The name that should be there.
        name: &'static str,
        /// What is there.
        found: String,
    },
    /// No inputs, no outputs, or a part without examples.
    #[error("{what}: nothing to learn, or nothing to measure it by")]
    Nothing {
        /// What there is none of.
        what: &'static str,
    },
    /// Counts beyond all files.
    #[error("the counts of the head add up to more than a file can hold")]
    TooMuch,
    /// An example with another number of values than the head says.
    #[error("{found} value{} where the head says {inputs} inputs and {outputs} outputs", crate::place::plural(*.found))]
    Values {
        /// How many there are.
        found: usize,
        /// How many of the inputs.
        inputs: usize,
        /// How many of the outputs.
        outputs: usize,
    },
    /// A value that is not a finite number.
    #[error("value {position} is {text:?}, not a finite number")]
    NotANumber {
        /// Which of the line, from 1.
        position: usize,
        /// What is there.
        text: String,
    },
    /// The file ends before the examples that its head announces; or it goes on behind them.
    #[error("{found} examples where the head says {expected}")]
    Examples {
        /// How many there are, as far as they were counted.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
}

/// Whether a file that begins like this is one of Proben1.
pub(crate) fn begins(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let rest = text.trim_start().strip_prefix(HEAD[0]).map(str::trim_start);
    rest.is_some_and(|rest| rest.starts_with('='))
}

impl Proben1 {
    /// Reads a `.dt` file, plain or compressed with gzip.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::NotUtf8`]; [`Error::Proben1`] with file, line and [fault](Proben1Fault).
    pub fn read(path: &Path) -> Result<Proben1> {
        Ok(Examples::read(path)?.divided(path))
    }

    /// Reads the text of a `.dt` file. `file` is its name, or the path to it.
    ///
    /// # Errors
    /// [`Error::Proben1`] with file, line and [fault](Proben1Fault).
    pub fn parse(text: &str, file: &str) -> Result<Proben1> {
        Ok(Examples::parse(text, file)?.divided(Path::new(file)))
    }

    /// The number of inputs.
    pub fn inputs(&self) -> usize {
        self.train.inputs()
    }

    /// The number of outputs.
    pub fn outputs(&self) -> usize {
        self.train.targets().values().map_or(0, |values| values.ncols())
    }

    /// Whether each output stands for a class, so that the largest wins.
    pub fn is_classification(&self) -> bool {
        stand_for_classes(self.outputs(), self.boolean_outputs)
    }
}

/// Whether so many outputs are one for each class.
fn stand_for_classes(outputs: usize, boolean: usize) -> bool {
    outputs > 1 && boolean == outputs
}

/// All examples of a problem, in the order of its file.
pub(crate) struct Examples {
    boolean_inputs: usize,
    boolean_outputs: usize,
    /// Examples × inputs.
    pub(crate) inputs: Array2<f32>,
    /// Examples × outputs.
    pub(crate) outputs: Array2<f32>,
    /// How many are for training, for validation and for testing.
    parts: [usize; 3],
}

impl Examples {
    /// Errors as those of [`Proben1::read`].
    pub(crate) fn read(path: &Path) -> Result<Examples> {
        let file = path.display().to_string();
        let mut bytes = Vec::new();
        open_text(path)
            .and_then(|mut reader| reader.read_to_end(&mut bytes))
            .map_err(|error| Error::Read { file: file.clone(), error })?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Examples::parse(text, &file),
            Err(error) => {
                let before = &bytes[..error.valid_up_to()];
                let line = 1 + before.iter().filter(|byte| **byte == b'\n').count() as u64;
                Err(Error::NotUtf8 { file, line })
            }
        }
    }

    /// Errors as those of [`Proben1::parse`].
    fn parse(text: &str, file: &str) -> Result<Examples> {
        let mut lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        let end = text.lines().count().max(1) as u64;
        let bad = |line, fault| Error::Proben1 { file: file.to_owned(), line, fault };

        let mut counts = [0_usize; HEAD.len()];
        let mut last = end;
        for (count, name) in counts.iter_mut().zip(HEAD) {
            let (line, found) = lines.next().unwrap_or((end, ""));
            last = line;
            let value = found.trim().strip_prefix(name).and_then(|rest| rest.trim_start().strip_prefix('='));
            let value = value.and_then(|value| value.trim().parse().ok());
            *count = value.ok_or_else(|| bad(line, Proben1Fault::Head { name, found: found.to_owned() }))?;
        }
        let [boolean_inputs, real_inputs, boolean_outputs, real_outputs, parts @ ..] = counts;
        let sum = |counts: &[usize]| {
            counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count)).filter(|sum| *sum < 1 << 48)
        };
        let widths = [[boolean_inputs, real_inputs], [boolean_outputs, real_outputs]];
        let sums = (sum(&widths[0]), sum(&widths[1]), sum(&parts));
        let (Some(inputs), Some(outputs), Some(examples)) = sums else {
            return Err(bad(last, Proben1Fault::TooMuch));
        };
        let needed = [
            (inputs, "no inputs"),
            (outputs, "no outputs"),
            (parts[0], "no examples for training"),
            (parts[1], "no examples for validation"),
            (parts[2], "no examples for testing"),
        ];
        if let Some((_, what)) = needed.into_iter().find(|(count, _)| *count == 0) {
            return Err(bad(last, Proben1Fault::Nothing { what }));
        }

        let mut of_inputs = Vec::new();
        let mut of_outputs = Vec::new();
        let mut found = 0;
        for (line, example) in lines {
            found += 1;
            if found > examples {
                return Err(bad(line, Proben1Fault::Examples { found, expected: examples }));
            }
            let mut width = 0;
            for (at, text) in example.split_whitespace().enumerate() {
                width = at + 1;
                let value: Option<f32> = text.parse().ok().filter(|value: &f32| value.is_finite());
                let value = value.ok_or_else(|| {
                    bad(line, Proben1Fault::NotANumber { position: width, text: text.to_owned() })
                })?;
                if at < inputs { of_inputs.push(value) } else { of_outputs.push(value) }
            }
            if width != inputs + outputs {
                return Err(bad(line, Proben1Fault::Values { found: width, inputs, outputs }));
            }
        }
        if found < examples {
            return Err(bad(end, Proben1Fault::Examples { found, expected: examples }));
        }

        let matrix = |values, width| {
            Array2::from_shape_vec((examples, width), values).expect("as many as were counted")
        };
        let (inputs, outputs) = (matrix(of_inputs, inputs), matrix(of_outputs, outputs));
        Ok(Examples { boolean_inputs, boolean_outputs, inputs, outputs, parts })
    }

    pub(crate) fn is_classification(&self) -> bool {
        stand_for_classes(self.outputs.ncols(), self.boolean_outputs)
    }

    /// As the head says, under the name of this file.
    fn divided(self, file: &Path) -> Proben1 {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Examples { boolean_inputs, boolean_outputs, inputs, outputs, parts } = self;
        let mut begin = 0;
        let mut part = |rows: usize| {
            let of = |matrix: &Array2<f32>| matrix.slice(s![begin..begin + rows, ..]).to_owned();
            let part = Dataset::new(of(&inputs), Targets::Values(of(&outputs)));
            begin += rows;
            part
        };
        let [train, validation, test] = parts.map(&mut part);
        Proben1 { name, boolean_inputs, boolean_outputs, train, validation, test }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOUND: &str = "bool_in=1\nreal_in=1\nbool_out=2\nreal_out=0\ntraining_examples=2\n\
                         validation_examples=1\ntest_examples=1\n1 0.5 1 0\n0 0.25 0 1\n1 0.75 1 0\n0 1e-3 0 1\n";

    #[test]
    fn the_examples_are_divided_as_the_head_says() {
        let problem = Proben1::parse(SOUND, "folder/made1.dt").unwrap();
        assert_eq!((problem.name.as_str(), problem.boolean_inputs), ("made1", 1));
        assert_eq!((problem.inputs(), problem.outputs(), problem.is_classification()), (2, 2, true));
        let first = |part: &Dataset| part.features()[[0, 1]];
        assert_eq!([&problem.train, &problem.validation, &problem.test].map(first), [0.5, 0.75, 1e-3]);
        let Targets::Values(targets) = problem.train.targets() else { panic!("values") };
        assert_eq!(targets.as_slice().unwrap(), [1.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn line_ends_blank_lines_and_tabs_do_not_matter() {
        let other = SOUND.replace('\n', " \r\n\n").replace(" 0.", "\t0.").replace('=', " = ");
        assert_eq!(Proben1::parse(&other, "made1.dt").unwrap(), Proben1::parse(SOUND, "made1.dt").unwrap());
    }

    #[test]
    fn one_output_is_no_classification() {
        let one = SOUND.replace("bool_out=2", "bool_out=1").replace("bool_in=1", "bool_in=2");
        assert!(!Proben1::parse(&one, "x.dt").unwrap().is_classification());
    }

    #[test]
    fn a_fault_names_the_file_and_the_line() {
        let check = |from: &str, to: &str, expected: &str| {
            let text = SOUND.replacen(from, to, 1);
            assert_ne!(text, SOUND);
            assert_eq!(
                Proben1::parse(&text, "x.dt").unwrap_err().to_string(),
                format!("x.dt, line {expected}")
            );
        };
        check(
            SOUND,
            "",
            "1: expected \"bool_in=\" and a count, found \"\"; a .dt file begins with seven such lines",
        );
        check(
            "real_in=1",
            "real_in=one",
            "2: expected \"real_in=\" and a count, found \"real_in=one\"; a .dt file begins with seven such lines",
        );
        check(
            "bool_out=2\n",
            "",
            "3: expected \"bool_out=\" and a count, found \"real_out=0\"; a .dt file begins with seven such lines",
        );
        check(
            "test_examples=1",
            "test_examples=0",
            "7: no examples for testing: nothing to learn, or nothing to measure it by",
        );
        check(
            "test_examples=1",
            "test_examples=18446744073709551615",
            "7: the counts of the head add up to more than a file can hold",
        );
        check("1 0.5 1 0", "1 0.5 1", "8: 3 values where the head says 2 inputs and 2 outputs");
        check("0 0.25 0 1", "0 0.25 0 1 1", "9: 5 values where the head says 2 inputs and 2 outputs");
        check("0 0.25 0 1", "0 ? 0 1", "9: value 2 is \"?\", not a finite number");
        check("0 0.25 0 1", "0 1e99 0 1", "9: value 2 is \"1e99\", not a finite number");
        check("0 0.25 0 1", "0 nan 0 1", "9: value 2 is \"nan\", not a finite number");
        check("0 1e-3 0 1\n", "", "10: 3 examples where the head says 4");
        check("0 1e-3 0 1\n", "0 1e-3 0 1\n\n0 0 0 1\n", "13: 5 examples where the head says 4");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Proben1::read(&folder.path().join("none.dt")).unwrap_err();
        assert!(missing.to_string().contains("none.dt"), "{missing}");
        let path = folder.path().join("bytes.dt");
        std::fs::write(&path, b"bool_in=1\n\xff").unwrap();
        let bytes = Proben1::read(&path).unwrap_err();
        assert!(matches!(bytes, Error::NotUtf8 { line: 2, .. }), "{bytes}");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            _ = Proben1::parse(&text, "x.dt");
        }

        #[test]
        fn no_change_of_a_file_makes_it_panic(at in 0..SOUND.len(), with in "[ -~\n]{0,12}", take in 0..20_usize) {
            let end = (at + take).min(SOUND.len());
            let text = [&SOUND[..at], &with, &SOUND[end..]].concat();
            _ = Proben1::parse(&text, "x.dt");
        }

        #[test]
        fn what_is_written_is_read(
            values in prop::collection::vec(-1e3_f32..1e3, 6 * 5),
            parts in prop::array::uniform3(1..3_usize),
        ) {
            let [train, validation, test] = parts;
            let mut text = format!(
                "bool_in=0\nreal_in=3\nbool_out=0\nreal_out=2\n\
                 training_examples={train}\nvalidation_examples={validation}\ntest_examples={test}\n"
            );
            let rows: Vec<&[f32]> = values.chunks(5).take(train + validation + test).collect();
            for row in &rows {
                text += &(row.iter().map(f32::to_string).collect::<Vec<_>>().join(" ") + "\n");
            }
            let problem = Proben1::parse(&text, "x.dt").unwrap();
            let read = [&problem.train, &problem.validation, &problem.test].into_iter().flat_map(|part| {
                let Targets::Values(targets) = part.targets() else { unreachable!("values") };
                let rows = part.features().into_owned().outer_iter().map(|row| row.to_vec()).collect::<Vec<_>>();
                rows.into_iter().zip(targets.outer_iter().map(|row| row.to_vec()).collect::<Vec<_>>())
            });
            let read: Vec<Vec<f32>> = read.map(|(inputs, outputs)| [inputs, outputs].concat()).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
