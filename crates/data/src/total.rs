//! Whether the target is a total, of which other columns are the parts.

use crate::encoding::Encoding;
use crate::preparation::{Input, Preparation};
use crate::table::Table;
use crate::target::TargetKind;
use crate::unit::Unit;

/// So many rows are looked at for parts, which are then held against all rows.
const LOOKED_AT: usize = 500;
/// A total of more parts is not found.
const MOST_PARTS: usize = 6;

impl Preparation {
    /// Two to six columns of which the target is a linear combination in all of these rows, as a total is of its parts; none
    /// if there are no such columns. Columns with missing values are not considered.
    ///
    /// ```
    /// use highwater_data::{Preparation, Table, Task};
    ///
    /// let row = |i: usize| format!("{},{},{},{}\n", i * 7 % 31, i * 11 % 37, i * 5 % 41, i * 7 % 31 + i * 11 % 37);
    /// let text = format!("members,guests,degrees,rides\n{}", (0..60).map(row).collect::<String>());
    /// let table = Table::from_csv_reader("t.csv", text.as_bytes())?;
    /// let rows: Vec<usize> = (0..60).collect();
    /// let preparation = Preparation::fit(&table, &rows, "rides", Task::Regression)?;
    /// assert_eq!(preparation.parts_of_target(&table, &rows), ["members", "guests"]);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn parts_of_target(&self, table: &Table, rows: &[usize]) -> Vec<String> {
        let [target] = self.targets() else { return Vec::new() };
        if rows.len() < 20 || matches!(target.kind, TargetKind::Classes(_)) {
            return Vec::new();
        }
        let of = |name: &str, unit: Option<&Unit>, rows: &[usize]| {
            let column = table.find(name)?;
            centred(rows.iter().map(|row| column.number(*row, unit)))
        };
        let of_target = |rows: &[usize]| of(&target.column, target.kind.unit(), rows);
        let of_input = |input: &Input, rows: &[usize]| of(&input.name, input.encoding.unit(), rows);
        let is_whole = |input: &&Input| {
            input.missing == 0
                && matches!(input.encoding, Encoding::Number { .. } | Encoding::Quantity { .. })
        };
        let seen = &rows[..rows.len().min(LOOKED_AT)];
        // What is the same in all that is seen, as the month may be, is no part.
        let differs = |input| Some((input, of_input(input, seen)?));
        let (inputs, columns): (Vec<&Input>, Vec<_>) =
            self.inputs().iter().filter(is_whole).filter_map(differs).unzip();
        let Some(total) = of_target(seen) else { return Vec::new() };
        let mut parts = most_telling(&columns, &total);
        // Only what may be a total is read to the end.
        if !is_sum(parts.iter().map(|at| &columns[*at]), &total) {
            return Vec::new();
        }
        for part in parts.clone() {
            let others: Vec<usize> = parts.iter().copied().filter(|other| *other != part).collect();
            if is_sum(others.iter().map(|at| &columns[*at]), &total) {
                parts = others;
            }
        }
        if parts.len() < 2 {
            return Vec::new();
        }
        parts.sort_unstable();
        let in_all: Option<Vec<_>> = parts.iter().map(|at| of_input(inputs[*at], rows)).collect();
        let (Some(columns), Some(total)) = (in_all, of_target(rows)) else { return Vec::new() };
        if !is_sum(&columns, &total) {
            return Vec::new();
        }
        parts.into_iter().map(|at| inputs[at].name.clone()).collect()
    }
}

/// Numbers without their mean, as a vector of length 1; `None` if there is something else, or they are all the same.
fn centred(numbers: impl Iterator<Item = Option<f64>>) -> Option<Vec<f64>> {
    let mut numbers = numbers.collect::<Option<Vec<f64>>>()?;
    let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
    numbers.iter_mut().for_each(|number| *number -= mean);
    let length = dot(&numbers, &numbers).sqrt();
    numbers.iter_mut().for_each(|number| *number /= length);
    (length > 0.0 && length.is_finite()).then_some(numbers)
}

/// The columns that leave least of the total, one after another, until nothing is left of it or there are too many.
fn most_telling(columns: &[Vec<f64>], total: &[f64]) -> Vec<usize> {
    let (mut columns, mut left, mut chosen) = (columns.to_vec(), total.to_vec(), Vec::new());
    while chosen.len() < MOST_PARTS && !is_nothing(&left) {
        let share = |column: &Vec<f64>| match is_nothing(column) {
            true => 0.0,
            false => dot(column, &left).powi(2) / dot(column, column),
        };
        let shares = columns.iter().map(share).enumerate();
        let Some((best, _)) = shares.max_by(|a, b| a.1.total_cmp(&b.1)).filter(|best| best.1 > 0.0) else {
            break;
        };
        let direction = columns[best].clone();
        take_out(&direction, &mut left);
        columns.iter_mut().for_each(|column| take_out(&direction, column));
        chosen.push(best);
    }
    chosen
}

/// Whether nothing is left of a total when these columns are taken out of it.
fn is_sum<'a>(columns: impl IntoIterator<Item = &'a Vec<f64>>, total: &[f64]) -> bool {
    let (mut taken, mut left): (Vec<Vec<f64>>, _) = (Vec::new(), total.to_vec());
    for mut column in columns.into_iter().cloned() {
        taken.iter().for_each(|other| take_out(other, &mut column));
        if !is_nothing(&column) {
            take_out(&column, &mut left);
            taken.push(column);
        }
    }
    is_nothing(&left)
}

/// Of a vector that had length 1, all but what rounding in a file leaves.
fn is_nothing(vector: &[f64]) -> bool {
    dot(vector, vector) < 1e-6
}

fn take_out(direction: &[f64], vector: &mut [f64]) {
    let factor = dot(direction, vector) / dot(direction, direction);
    vector.iter_mut().zip(direction).for_each(|(value, part)| *value -= factor * part);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use crate::preparation::Preparation;
    use crate::table::Table;
    use crate::task::Task;

    #[track_caller]
    fn check(rows: usize, total: impl Fn([usize; 4]) -> String, expected: &[&str]) {
        let of = |at: usize| [at * 37 % 71, at * at * 7 % 53, at * 29 % 67, at * at * at % 89];
        let row = |at: usize| {
            let numbers = of(at);
            let [a, b, c, d] = numbers;
            format!("{a},{b},{c},{d},{},{}\n", ["x", "y"][at % 2], total(numbers))
        };
        let text = format!("a,b,c,d,name,y\n{}", (0..rows).map(row).collect::<String>());
        let table = Table::from_csv_reader("t.csv", text.as_bytes()).unwrap();
        let rows: Vec<usize> = (0..rows).collect();
        let preparation = Preparation::fit(&table, &rows, "y", Task::Regression).unwrap();
        assert_eq!(preparation.parts_of_target(&table, &rows), expected);
    }

    #[test]
    fn the_parts_of_a_total_are_named() {
        check(90, |[a, b, ..]| format!("{}", a + b), &["a", "b"]);
        check(90, |[a, b, c, d]| format!("{:.2}", (a + b + c + d) as f64 / 7.0), &["a", "b", "c", "d"]);
        check(90, |[a, _, c, _]| format!("{}", 3 * a as i64 - c as i64 + 1000), &["a", "c"]);
        check(90, |[a, b, ..]| format!("{}", a * b), &[]);
        check(90, |[a, b, ..]| format!("{:.1}", (a + b) as f64 + (a * 17 % 5) as f64), &[]);
        check(90, |[a, ..]| format!("{}", 2 * a), &[]);
        check(12, |[a, b, ..]| format!("{}", a + b), &[]);
    }

    #[test]
    fn a_total_is_one_in_all_rows() {
        let row = |at: usize| {
            let (a, b) = (at * 37 % 101, at * at * 7 % 53);
            format!("{a},{b},{}\n", if at < 550 { a + b } else { at })
        };
        let text = format!("a,b,y\n{}", (0..600).map(row).collect::<String>());
        let table = Table::from_csv_reader("t.csv", text.as_bytes()).unwrap();
        let parts = |rows: usize| {
            let rows: Vec<usize> = (0..rows).collect();
            let preparation = Preparation::fit(&table, &rows, "y", Task::Regression).unwrap();
            preparation.parts_of_target(&table, &rows)
        };
        assert_eq!(parts(550), ["a", "b"]);
        assert!(parts(600).is_empty());
    }

    #[test]
    fn a_column_that_is_the_same_in_the_first_rows_hides_no_parts() {
        let row = |at: usize| {
            let (a, b) = (at * 37 % 101, at * at * 7 % 53);
            format!("{},{a},{b},{}\n", at / 550, a + b)
        };
        let text = format!("season,a,b,y\n{}", (0..600).map(row).collect::<String>());
        let table = Table::from_csv_reader("t.csv", text.as_bytes()).unwrap();
        let rows: Vec<usize> = (0..600).collect();
        let preparation = Preparation::fit(&table, &rows, "y", Task::Regression).unwrap();
        assert_eq!(preparation.parts_of_target(&table, &rows), ["a", "b"]);
    }
}
