//! Tables with lines drawn between the cells, as the clients of databases and writers of Markdown draw them.

use csv::StringRecord;

use crate::dialect::Delimiter;

/// How a table is drawn. There is a line of dashes below the names of the columns, and perhaps others; rows may be framed by
/// `|`; and a last line may count the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Drawn {
    pub(crate) delimiter: Delimiter,
    is_framed: bool,
}

impl Drawn {
    /// How the table is drawn that begins like this, if it is, and if its fields may be separated by this delimiter.
    pub(crate) fn of(head: &str, given: Option<Delimiter>) -> Option<Drawn> {
        let mut lines = head.lines().map(str::trim).filter(|line| !line.is_empty());
        let (first, second) = (lines.next()?, lines.next()?);
        let rule = [first, second].into_iter().find(|line| is_rule(line))?;
        let joint = rule.trim_matches(['|', '+']).chars().find(|c| !is_dash(*c) && *c != ':')?;
        let delimiter = match joint {
            '+' | '|' => Delimiter::Pipe,
            ' ' => Delimiter::Blanks,
            other => u8::try_from(other).ok().and_then(Delimiter::of_byte)?,
        };
        let fits = given.is_none_or(|given| given == delimiter);
        fits.then_some(Drawn { delimiter, is_framed: rule.starts_with(['|', '+']) })
    }

    /// Takes away the frame of a row. Whether it is a row, and not a line or a count of the rows.
    pub(crate) fn unframe(self, row: &mut StringRecord) -> bool {
        let mut cells = row.iter().map(str::trim);
        let is_line = cells.clone().all(|cell| cell.chars().all(|c| is_dash(c) || "+|:".contains(c)))
            && cells.clone().any(|cell| cell.len() >= 3);
        let first = cells.next().unwrap_or_default();
        let count = first.strip_prefix('(').unwrap_or(first);
        let count = count.trim_start_matches(|c: char| c.is_ascii_digit());
        let counts = count.len() < first.len()
            && (count.trim().starts_with("row")
                || count.is_empty() && row.get(1).is_some_and(|cell| cell.starts_with("row")));
        if is_line || counts {
            return false;
        }
        if self.is_framed && row.len() > 2 && row[0].trim().is_empty() && row[row.len() - 1].trim().is_empty()
        {
            *row = row.iter().skip(1).take(row.len() - 2).collect();
        }
        true
    }
}

fn is_dash(c: char) -> bool {
    c == '-' || c == '='
}

/// Whether a line is drawn with nothing but dashes and what joins them.
fn is_rule(line: &str) -> bool {
    line.contains("---") && line.chars().all(|c| is_dash(c) || "+|:,;\t ".contains(c))
}

#[cfg(test)]
mod tests {
    use crate::table::Table;

    #[test]
    fn lines_and_frames_and_counts_are_no_rows() {
        for text in [
            " id | name  \n----+-------\n  1 | x y\n  2 | \n(2 rows)\n\n", // psql
            "+----+------+\n| id | name |\n+----+------+\n|  1 | x y  |\n|  2 |      |\n+----+------+\n2 rows in set (0.00 sec)\n",
            "| id | name |\n|---:|:-----|\n| 1 | x y |\n| 2 |  |\n", // Markdown
            "id,name\n--,----\n1,x y\n2,\n\n(2 rows affected)\n",    // sqlcmd
            "id\tname\n--\t----\n1\tx y\n2\t\n",
        ] {
            let table = Table::from_csv_reader("t.csv", text.as_bytes()).unwrap();
            let cells: Vec<(&str, Vec<&str>)> = table
                .columns()
                .iter()
                .map(|column| (column.name(), (0..table.rows()).map(|row| column.get(row)).collect()))
                .collect();
            assert_eq!(cells, [("id", vec!["1", "2"]), ("name", vec!["x y", ""])], "{text:?}");
        }
        let blanks = "id  value\n--  -----\n1   0.5\n2   -\n(2 rows affected)\n";
        let table = Table::from_csv_reader("t.csv", blanks.as_bytes()).unwrap();
        assert_eq!((table.rows(), table.line(1)), (2, 4));
    }

    #[test]
    fn a_wrong_row_of_a_drawn_table_is_named_by_its_line() {
        let text = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 |\n";
        let error = Table::from_csv_reader("t.md", text.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("t.md, line 4: 1 field where the first row has 2"), "{error}");
    }
}
