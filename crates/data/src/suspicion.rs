//! What makes scores better than they will be, or numbers other than they seem: to be told before anybody trusts a model.

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use crate::calendar::is_year;
use crate::cell;
use crate::encoding::{self, Encoding};
use crate::kind::{Kind, is_called_id, is_called_time};
use crate::moment::MomentFormat;
use crate::preparation::{Input, Preparation};
use crate::table::{Column, Table};
use crate::target::{Target, TargetKind};
use crate::unit::Unit;

/// A number that may stand for a missing value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentinel {
    /// The column.
    pub column: String,
    /// The number, as it is written first.
    pub text: String,
    /// In how many training rows it is.
    pub rows: usize,
}

/// A column of dates that are not all written in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixedDates {
    /// The column.
    pub column: String,
    /// How many of its cells are dates in one way or another.
    pub dates: usize,
    /// How many cells have a value.
    pub cells: usize,
    /// How most are written.
    pub format: MomentFormat,
    /// The line of the first that is written otherwise.
    pub line: u64,
    /// What is there, shortened.
    pub text: String,
}

impl Preparation {
    /// The columns that give the target away (target leakage), as one may that was made from the target or is known only after
    /// it: in all of these rows, each value of the column goes with one class, and occurs four times on average, or each class
    /// has a range of it to itself; or the target is a linear function of the column, or rises or falls with it throughout, as
    /// with its own logarithm.
    ///
    /// ```
    /// use highwater_data::{Preparation, Table, Task};
    ///
    /// let rows = (0..40).map(|i| format!("{},{},{}\n", i * 7 % 40, ["paid", "due"][i % 2], ["yes", "no"][i % 2]));
    /// let text = format!("size,state,bought\n{}", rows.collect::<String>());
    /// let table = Table::from_csv_reader("t.csv", text.as_bytes())?;
    /// let rows: Vec<usize> = (0..40).collect();
    /// let preparation = Preparation::fit(&table, &rows, "bought", Task::Classification)?;
    /// assert_eq!(preparation.telling(&table, &rows), ["state"]);
    /// # Ok::<(), highwater_data::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn telling(&self, table: &Table, rows: &[usize]) -> Vec<String> {
        let [target] = self.targets() else { return Vec::new() };
        let Some(target_column) = table.find(&target.column) else { return Vec::new() };
        let tells = |input: &&Input| {
            let Some(column) = table.find(&input.name) else { return false };
            let rows = || column.present(rows);
            let number = |row| column.number(row, input.encoding.unit());
            match &target.kind {
                TargetKind::Classes(_) => {
                    let pairs = || rows().map(|row| Some((number(row)?, target_column.get(row))));
                    decides(column, target_column, &rows().collect::<Vec<_>>())
                        || pairs().collect::<Option<Vec<_>>>().is_some_and(|pairs| separates(&pairs))
                }
                TargetKind::Value(_) | TargetKind::Quantity(..) => {
                    let of_target = |row| target_column.number(row, target.kind.unit());
                    let pairs: Option<Vec<_>> =
                        rows().map(|row| Some((number(row)?, of_target(row)?))).collect();
                    // What grows from year to year does so without being made from them.
                    let follows = |pairs: &[_]| !is_called_time(&input.name) && is_monotone(pairs);
                    pairs.is_some_and(|pairs| is_line(&pairs) || follows(&pairs))
                }
            }
        };
        self.inputs().iter().filter(tells).map(|input| input.name.clone()).collect()
    }

    /// How many held-out rows, of the same table or of another, are duplicates of a training row in all used columns and the
    /// targets. Always 0 for a table without numbers or dates, where duplicates are to be expected.
    ///
    /// # Panics
    /// If a table has no such row.
    pub fn repeated(&self, train: (&Table, &[usize]), held_out: (&Table, &[usize])) -> usize {
        let continuous =
            |input: &Input| !matches!(input.encoding, Encoding::OneHot(_) | Encoding::Boolean { .. });
        if !self.inputs().iter().any(continuous) {
            return 0;
        }
        let digests = |(table, rows): (&Table, &[usize])| -> Vec<u64> {
            let names = self.inputs().iter().map(|input| &input.name);
            let names = names.chain(self.targets().iter().map(|target| &target.column));
            let columns: Vec<&Column> = names.filter_map(|name| table.find(name)).collect();
            let digest = |row: &usize| {
                let mut hasher = DefaultHasher::new();
                columns.iter().for_each(|column| column.get(*row).hash(&mut hasher));
                hasher.finish()
            };
            rows.iter().map(digest).collect()
        };
        let known: HashSet<u64> = digests(train).into_iter().collect();
        digests(held_out).iter().filter(|digest| known.contains(digest)).count()
    }

    /// The first column of dates or years, at least ten different ones, that all rows of a table are sorted by, the oldest or
    /// the newest first. Neighbouring rows of such a table may be much alike, so that a random split tests on rows close to the
    /// training rows.
    pub fn ordered_by(&self, table: &Table) -> Option<&str> {
        let is_order = |input: &&Input| {
            let Some(column) = table.find(&input.name) else { return false };
            let time: &dyn Fn(&str) -> Option<f64> = match &input.encoding {
                Encoding::Moment(moments) if moments.format.is_dated() => {
                    &|text| moments.format.seconds(text)
                }
                // A part of a year may be behind its point.
                Encoding::Number { .. } if is_called_time(&input.name) => {
                    &|text| cell::number(text).filter(|number| is_year(*number))
                }
                _ => return false,
            };
            are_in_order((0..table.rows()).map(|row| time(column.get(row))))
        };
        self.inputs().iter().find(is_order).map(|input| &*input.name)
    }

    /// The first column that is called an ID and says which rows belong together, as those of a patient: it has twenty
    /// different values or more, each in two rows or more on average. A random split tests on rows of those who were trained on.
    pub fn grouped_by(&self, table: &Table) -> Option<&str> {
        let groups = |input: &&Input| {
            let Some(column) = table.find(&input.name).filter(|_| is_called_id(&input.name)) else {
                return false;
            };
            let ids: HashSet<&str> = (0..table.rows()).map(|row| column.get(row)).collect();
            ids.len() >= 20 && table.rows() >= 2 * ids.len()
        };
        self.inputs().iter().find(groups).map(|input| &*input.name)
    }

    /// The columns that are not taken for numbers because their cells have several units, such as `kg` and `g`, and these
    /// units. Columns of fewer than ten different texts are left out.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn mixed_units(&self, table: &Table, rows: &[usize]) -> Vec<(String, Vec<String>)> {
        let mixed = |name: &String| {
            let column = table.find(name)?;
            let units = Unit::several(column, column.present(rows));
            (!units.is_empty() && differ(column, rows)).then(|| (name.clone(), units))
        };
        self.of_names().filter_map(mixed).collect()
    }

    /// The columns, of features and targets, that are taken for names and may be amounts in thousands, millions and more: all
    /// cells are such as `500K` and `2M`, without decimals, and at least ten different ones. With each, the first such cell.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn short_amounts(&self, table: &Table, rows: &[usize]) -> Vec<(String, String)> {
        let targets = self.targets().iter().filter(|target| target.kind.scale().is_none());
        let short = |name: &String| {
            let column = table.find(name)?;
            Unit::of_amounts(column, column.present(rows)).filter(|_| differ(column, rows))?;
            let mut texts = column.present(rows).map(|row| column.get(row));
            Some((name.clone(), texts.find(|text| text.ends_with(char::is_alphabetic))?.to_owned()))
        };
        self.of_names().chain(targets.map(|target| &target.column)).filter_map(short).collect()
    }

    /// The columns that are taken for names, also where these are left out.
    fn of_names(&self) -> impl Iterator<Item = &String> {
        let are_names =
            |input: &&Input| matches!(input.encoding, Encoding::OneHot(_) | Encoding::Embedded(_));
        let dropped = self.dropped().iter().filter(|column| column.kind != Kind::Ignore);
        self.inputs()
            .iter()
            .filter(are_names)
            .map(|input| &input.name)
            .chain(dropped.map(|column| &column.name))
    }

    /// The columns that are not taken for dates although at least half of their cells in these rows are some, as they are not
    /// all written in one way. Columns of fewer than ten different texts are left out.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn mixed_dates(&self, table: &Table, rows: &[usize]) -> Vec<MixedDates> {
        let mixed = |name: &String| {
            let column = table.find(name)?;
            let texts = || column.present(rows).map(|row| column.get(row));
            let mut counts: HashMap<&str, usize> = HashMap::new();
            texts().for_each(|text| *counts.entry(text).or_default() += 1);
            if counts.len() < 10 {
                return None;
            }
            let is_date = |(text, _): &(&&str, &usize)| MomentFormat::of_day(text).is_some();
            let dates: usize = counts.iter().filter(is_date).map(|(_, count)| count).sum();
            let cells = counts.values().sum();
            if 2 * dates < cells {
                return None;
            }
            let (format, _) = MomentFormat::recognise(texts());
            let other = column.present(rows).find(|row| format.seconds(column.get(*row)).is_none())?;
            let (line, text) = (table.line(other), cell::shorten(column.get(other)));
            Some(MixedDates { column: name.clone(), dates, cells, format, line, text })
        };
        self.of_names().filter_map(mixed).collect()
    }

    /// Whether there are several targets and they are one-hot: in each of these rows one is 1 and all others are 0.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn is_one_hot(&self, table: &Table, rows: &[usize]) -> bool {
        let columns: Option<Vec<&Column>> =
            self.targets().iter().map(|target| table.find(&target.column)).collect();
        let Some(columns) = columns.filter(|columns| columns.len() > 1) else { return false };
        rows.iter().all(|row| {
            let values: Vec<Option<f64>> = columns.iter().map(|column| column.number(*row, None)).collect();
            let count = |number| values.iter().filter(|value| **value == Some(number)).count();
            (count(1.0), count(0.0)) == (1, values.len() - 1)
        })
    }

    /// The targets of positive values whose largest in these rows is at least a thousand times the median, and how many times
    /// it is.
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn wide_targets(&self, table: &Table, rows: &[usize]) -> Vec<(String, f64)> {
        let wide = |target: &Target| {
            let (column, unit) = (table.find(&target.column)?, target.kind.unit());
            target.kind.scale()?;
            let positive = |row: &usize| column.number(*row, unit).filter(|value| *value > 0.0);
            let values: Vec<f64> = rows.iter().map(positive).collect::<Option<_>>()?;
            let largest = values.iter().copied().fold(0.0, f64::max);
            let times = largest / encoding::median(values);
            (times >= 1000.0).then(|| (target.column.clone(), times))
        };
        self.targets().iter().filter_map(wide).collect()
    }

    /// Numbers that may stand for a missing value: each is in at least two of these rows, farther from all other numbers of
    /// its column than these are from each other, and
    /// - made of nines alone (`-9999`, `999`); or
    /// - more than five times as large as all others, and made of nines with a last 7 or 8, like the codes of surveys (`97`,
    ///   `998`), or the least or largest integer of 16 or 32 bits, which sensors give when something is wrong (`65535`,
    ///   `-32768`).
    ///
    /// # Panics
    /// If the table has no such row.
    pub fn sentinels(&self, table: &Table, rows: &[usize]) -> Vec<Sentinel> {
        let numbers = self.inputs().iter().filter(|input| matches!(input.encoding, Encoding::Number { .. }));
        let of = |input: &Input| sentinels(table.find(&input.name)?, rows);
        numbers.filter_map(of).flatten().collect()
    }
}

/// Whether at least ten texts of a column are different.
fn differ(column: &Column, rows: &[usize]) -> bool {
    column.present(rows).map(|row| column.get(row)).collect::<HashSet<&str>>().len() >= 10
}

/// Whether times are there and in order, the first or the last of them first, and ten or more are different.
fn are_in_order(mut times: impl Iterator<Item = Option<f64>>) -> bool {
    let Some(Some(mut last)) = times.next() else { return false };
    let (mut rises, mut falls, mut steps) = (true, true, 0);
    for time in times {
        let Some(time) = time.filter(|time| rises && *time >= last || falls && *time <= last) else {
            return false;
        };
        (rises, falls) = (rises && time >= last, falls && time <= last);
        steps += usize::from(time != last);
        last = time;
    }
    steps >= 9
}

/// Whether each of the texts of a column goes with one text of the target.
fn decides(column: &Column, target: &Column, rows: &[usize]) -> bool {
    let mut classes = HashMap::new();
    for &row in rows {
        if 4 * classes.len() > rows.len() {
            return false;
        }
        match classes.entry(column.get(row)) {
            Entry::Vacant(place) => _ = place.insert(target.get(row)),
            Entry::Occupied(known) if *known.get() != target.get(row) => return false,
            Entry::Occupied(_) => {}
        }
    }
    rows.len() >= 20 && 4 * classes.len() <= rows.len()
}

/// Whether what is left of the second numbers' variance, when a line through them is taken away, is a ten thousandth.
fn is_line(pairs: &[(f64, f64)]) -> bool {
    let count = pairs.len() as f64;
    let (x, y) = pairs.iter().fold((0.0, 0.0), |(x, y), pair| (x + pair.0 / count, y + pair.1 / count));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|pair| of(pair.0 - x, pair.1 - y)).sum::<f64>();
    let (xx, yy, xy) = (sum(&|x, _| x * x), sum(&|_, y| y * y), sum(&|x, y| x * y));
    pairs.len() >= 20 && xy * xy > (1.0 - 1e-4) * xx * yy
}

/// Most columns are told to be no function of the target by so many rows.
const FIRST: usize = 500;
/// Numbers are a measure if so many of them are different.
const DIFFERENT: usize = 20;

/// Whether the second numbers rise throughout when the first do, or fall throughout.
fn is_monotone(pairs: &[(f64, f64)]) -> bool {
    let rises = |pairs: &[(f64, f64)], sign: f64| {
        let mut pairs: Vec<(f64, f64)> = pairs.iter().map(|(x, y)| (sign * x, *y)).collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        pairs.is_sorted_by(|a, b| a.1 <= b.1)
            && pairs.chunk_by(|a, b| a.0 == b.0).count() >= DIFFERENT
            && pairs.chunk_by(|a, b| a.1 == b.1).count() >= DIFFERENT
    };
    [1.0, -1.0].into_iter().any(|sign| rises(&pairs[..pairs.len().min(FIRST)], sign) && rises(pairs, sign))
}

/// Whether each class has a range of the numbers to itself, in so many rows that this is no luck.
fn separates(pairs: &[(f64, &str)]) -> bool {
    let are_apart = |pairs: &[(f64, &str)]| {
        let mut pairs = pairs.to_vec();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let classes: HashSet<&str> = pairs.iter().map(|pair| pair.1).collect();
        pairs.chunk_by(|a, b| a.1 == b.1).count() == classes.len()
            && pairs.windows(2).all(|pair| pair[0].1 == pair[1].1 || pair[0].0 != pair[1].0)
            && pairs.chunk_by(|a, b| a.0 == b.0).count() >= DIFFERENT
    };
    pairs.len() >= 100 && are_apart(&pairs[..pairs.len().min(FIRST)]) && are_apart(pairs)
}

fn sentinels(column: &Column, rows: &[usize]) -> Option<Vec<Sentinel>> {
    let mut nines: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in column.present(rows) {
        let text = column.get(row);
        if is_code(text) {
            nines.entry(cell::without_zero_decimals(text)).or_insert((text, 0)).1 += 1;
        } else {
            let value = cell::number(text)?;
            (low, high) = (low.min(value), high.max(value));
        }
    }
    let is_far = |text: &str| {
        let value = cell::number(text)?;
        let is_far = low - value > high - low || value - high > high - low;
        let is_huge = value.abs() > 5.0 * low.abs().max(high.abs());
        let is_nines = cell::without_zero_decimals(text).ends_with('9');
        Some(low <= high && is_far && (is_huge || is_nines))
    };
    let far = nines.into_values().filter(|(text, rows)| *rows >= 2 && is_far(text) == Some(true));
    let named = |(text, rows): (&str, usize)| Sentinel {
        column: column.name().to_owned(),
        text: text.to_owned(),
        rows,
    };
    Some(far.map(named).collect())
}

/// Whether a number is written with nines and a last 7, 8 or 9 and nothing else, but for zeros behind its point; or is the
/// last of those that a computer's whole number holds.
fn is_code(text: &str) -> bool {
    const ENDS: [&str; 6] = ["32767", "-32768", "65535", "2147483647", "-2147483648", "4294967295"];
    let number = cell::without_zero_decimals(text);
    if ENDS.contains(&number) {
        return true;
    }
    let digits = number.trim_start_matches('-');
    let nines = digits.strip_suffix(['7', '8', '9']).unwrap_or_default();
    !nines.is_empty() && nines.bytes().all(|byte| byte == b'9')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::Task;

    fn prepared(names: &str, row: impl Fn(usize) -> String, task: Task) -> (Table, Preparation) {
        let text: String = (0..60).map(|at| row(at) + "\n").collect();
        let table = Table::from_csv_reader("t.csv", format!("{names}\n{text}").as_bytes()).unwrap();
        let rows: Vec<usize> = (0..60).collect();
        let preparation = Preparation::fit(&table, &rows, "y", task).unwrap();
        (table, preparation)
    }

    #[test]
    fn a_column_that_was_made_from_the_target_is_named() {
        let rows: Vec<usize> = (0..60).collect();
        let row = |at: usize| {
            let (x, y) = (at * 37 % 60, at * 7 % 13);
            format!("{x}.5,{},{},{},{y}.25", 3 * y + 1, if y > 3 { "big" } else { "small" }, 7 * x % 5)
        };
        let (table, preparation) = prepared("x,tripled,size,n,y", row, Task::Regression);
        assert_eq!(preparation.telling(&table, &rows), ["tripled"]);
        let row =
            |at: usize| format!("{at}.5,{},{},{}", at % 4, at * 7 % 5, if at % 4 > 1 { "u" } else { "v" });
        let (table, preparation) = prepared("x,four,n,y", row, Task::Classification);
        assert_eq!(preparation.telling(&table, &rows), ["four"], "x differs in every row and tells nothing");
    }

    #[test]
    fn a_column_that_rises_or_falls_with_the_target_throughout_is_named() {
        let rows: Vec<usize> = (0..60).collect();
        let check = |name: &str, x: fn(f64) -> f64, expected: bool| {
            let row = |at: usize| {
                let y = (at * 37 % 53) as f64 / 10.0;
                format!("{:.4},{},{y}", x(y), at * 7 % 13)
            };
            let (table, preparation) = prepared(&format!("{name},n,y"), row, Task::Regression);
            let expected: &[&str] = if expected { &[name] } else { &[] };
            assert_eq!(preparation.telling(&table, &rows), expected, "{name}");
        };
        check("log", |y| (y + 1.0).ln(), true);
        check("inverse", |y| 1.0 / (y + 1.0), true);
        check("year", |y| y.powi(3), false);
        check("bump", |y| (y - 2.0).powi(2), false);
        check("rank", |y| (y * 3.0).floor(), false);
    }

    #[test]
    fn a_number_that_the_classes_were_cut_from_is_named() {
        let check = |rows: usize, class: fn(usize) -> &'static str, expected: &[&str]| {
            let row = |at: usize| format!("{}.5,{},{}\n", at % 83, at * 7 % 13, class(at % 83));
            let text = format!("x,n,y\n{}", (0..rows).map(row).collect::<String>());
            let table = Table::from_csv_reader("t.csv", text.as_bytes()).unwrap();
            let rows: Vec<usize> = (0..rows).collect();
            let preparation = Preparation::fit(&table, &rows, "y", Task::Classification).unwrap();
            assert_eq!(preparation.telling(&table, &rows), expected);
        };
        let three = |x: usize| ["low", "middle", "high"][x / 30];
        check(120, three, &["x"]);
        check(90, three, &[]);
        check(120, |x| ["low", "high"][usize::from(x > 30 || x == 7)], &[]);
        check(120, |x| ["low", "high"][x / 30 % 2], &[]);
    }

    #[test]
    fn held_out_rows_that_were_trained_on_are_counted() {
        let row = |at: usize| format!("p{at},{},{}", at % 20, ["u", "v"][at % 2]);
        let (table, preparation) = prepared("id,x,y", row, Task::Classification);
        let count = |preparation: &Preparation,
                     table: &Table,
                     train: std::ops::Range<usize>,
                     test: std::ops::Range<usize>| {
            let (train, test): (Vec<usize>, Vec<usize>) = (train.collect(), test.collect());
            preparation.repeated((table, &train), (table, &test))
        };
        assert_eq!(count(&preparation, &table, 0..40, 40..60), 20);
        assert_eq!(count(&preparation, &table, 0..10, 10..20), 0);
        let names = |at: usize| format!("{},{}", ["red", "blue"][at % 2], ["u", "v"][at % 3 % 2]);
        let (table, preparation) = prepared("hue,y", names, Task::Classification);
        assert_eq!(count(&preparation, &table, 0..40, 40..60), 0);
    }

    #[test]
    fn nines_far_from_all_other_numbers_are_named() {
        let rows: Vec<usize> = (0..60).collect();
        let row = |at: usize| {
            let odd = at % 10 == 3;
            let low = if odd { ["-9999.0", "-9999"][at % 20 / 10] } else { "7.5" };
            let (age, price) = (if odd { 99 } else { 20 + at }, if at == 3 { 9999 } else { at });
            format!("{low}{},{age},{price},{}", if odd { "" } else { "1" }, ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("low,age,price,y", row, Task::Classification);
        let found = preparation.sentinels(&table, &rows);
        assert_eq!(found, [Sentinel { column: "low".to_owned(), text: "-9999.0".to_owned(), rows: 6 }]);

        let row = |at: usize| {
            let (adc, count) = if at % 10 == 3 { (65535, 32767) } else { (2000 + at, 20000 + at) };
            format!("{adc},{count},{}", ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("adc,count,y", row, Task::Classification);
        let found = preparation.sentinels(&table, &rows);
        assert_eq!(found, [Sentinel { column: "adc".to_owned(), text: "65535".to_owned(), rows: 6 }]);

        // A survey; saturations of oxygen, up to 98 and of the highest alone.
        let row = |at: usize| {
            let answer = if at % 6 == 2 { 97 + at / 6 % 3 } else { 1 + at % 5 };
            format!("{answer},{},{},{}", 94 + at % 5, [97, 98, 100][at % 3], ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("answer,low,high,y", row, Task::Classification);
        let found = preparation.sentinels(&table, &rows);
        let named: Vec<(&str, &str)> = found.iter().map(|found| (&*found.column, &*found.text)).collect();
        assert_eq!(named, [("answer", "97"), ("answer", "98"), ("answer", "99")]);
    }

    #[test]
    fn columns_of_dates_in_several_spellings_are_named() {
        let rows: Vec<usize> = (0..60).collect();
        let row = |at: usize| {
            let day = at % 27 + 1;
            let seen = match at % 3 {
                0 => format!("2026-11-{day:02}"),
                1 => format!("{day:02}.11.2026"),
                _ => format!("{day} Nov 2026"),
            };
            let zone = if at % 2 == 1 { " PST" } else { "" };
            let word = if at.is_multiple_of(3) { format!("2026-11-{day:02}") } else { format!("w{day}") };
            format!("{seen},2026-11-{day:02}T0{}:{at:02}:00{zone},{word},{}", at % 9, ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("seen,time,word,y", row, Task::Classification);
        let found = preparation.mixed_dates(&table, &rows);
        let told: Vec<_> = found.iter().map(|m| (&*m.column, m.dates, m.cells, m.line, &*m.text)).collect();
        assert_eq!(told, [("seen", 60, 60, 3, "02.11.2026"), ("time", 30, 60, 3, "2026-11-02T01:01:00 PST")]);
        assert_eq!(found[0].format, MomentFormat::YearFirst);
    }

    #[test]
    fn columns_of_several_units_are_named() {
        let rows: Vec<usize> = (0..60).collect();
        let row = |at: usize| {
            let weight = if at.is_multiple_of(3) { format!("{} g", 100 + at) } else { format!("{at}.5 kg") };
            let place = ["st", "nd", "rd", "th"][at % 4];
            format!("{weight},{at}{place},{at}{},{at} kg,{}", ["A", "B"][at % 2], ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("weight,place,seat,load,y", row, Task::Classification);
        let units = ["g", "kg"].map(str::to_owned).into();
        assert_eq!(preparation.mixed_units(&table, &rows), [("weight".to_owned(), units)]);
    }

    #[test]
    fn amounts_that_are_taken_for_names_are_named() {
        let rows: Vec<usize> = (0..60).collect();
        let row = |at: usize| {
            let amount = if at.is_multiple_of(3) {
                format!("{}M", 1 + at % 4)
            } else {
                format!("{}K", 10 * (at % 40))
            };
            let (few, code) = (["5K", "7M"][at % 2], ["B", "C"][at % 2]);
            format!("{amount},{few},{at}{code},{at}K,{at},{}", ["u", "v"][at % 2])
        };
        let (table, preparation) = prepared("views,few,seat,all,n,y", row, Task::Classification);
        let expected = [("views".to_owned(), "1M".to_owned())];
        assert_eq!(preparation.short_amounts(&table, &rows), expected);
        let row = |at: usize| format!("{at}.5,{}", [format!("{}K", at % 20), "2M".to_owned()][at % 2]);
        let (table, preparation) = prepared("x,y", row, Task::Classification);
        assert_eq!(preparation.short_amounts(&table, &rows), [("y".to_owned(), "0K".to_owned())]);
    }

    #[test]
    fn targets_that_are_one_class_are_told_from_several_numbers() {
        let rows: Vec<usize> = (0..60).collect();
        let told = |row: fn(usize) -> String| {
            let text: String = (0..60).map(|at| format!("{at}.5,{}\n", row(at))).collect();
            let table = Table::from_csv_reader("t.csv", format!("x,a,b,c\n{text}").as_bytes()).unwrap();
            let recipe = crate::recipe::Recipe {
                targets: ["a", "b", "c"].map(str::to_owned).into(),
                ..crate::recipe::Recipe::new("a", Task::Regression)
            };
            Preparation::fit_recipe(&table, &rows, &recipe).unwrap().is_one_hot(&table, &rows)
        };
        assert!(told(|at| ["1,0,0", "0,1,0", "0,0,1"][at % 3].to_owned()));
        assert!(!told(|at| ["1,0,0", "0,1,0", "1,0,1"][at % 3].to_owned()), "tags");
        assert!(!told(|at| ["1,0,0", "0,1,2", "0,0,1"][at % 3].to_owned()));
    }

    #[test]
    fn rows_in_the_order_of_their_dates_are_told() {
        let told = |row: fn(usize) -> String| {
            let (table, preparation) = prepared("seen,x,y", row, Task::Classification);
            preparation.ordered_by(&table).map(str::to_owned)
        };
        assert_eq!(
            told(|at| format!("2026-{:02}-01,{at}.5,{}", 1 + at / 6, at % 2)),
            Some("seen".to_owned())
        );
        assert!(told(|at| format!("2026-{:02}-01,{at}.5,{}", 12 - at / 6, at % 2)).is_some(), "newest first");
        assert_eq!(told(|at| format!("2026-{:02}-01,{at}.5,{}", 1 + at % 6, at % 2)), None);
        assert_eq!(
            told(|at| format!(
                "2026-{:02}-01,{at}.5,{}",
                1 + if at < 30 { at / 3 } else { 19 - at / 3 },
                at % 2
            )),
            None
        );
        assert_eq!(told(|at| format!("{:02}:00,{at}.5,{}", at / 3, at % 2)), None, "of one day each");
        let yearly = |name: &str, year: fn(usize) -> usize| {
            let row = |at: usize| format!("{},{}", year(at), at % 2);
            let (table, preparation) = prepared(&format!("{name},y"), row, Task::Classification);
            preparation.ordered_by(&table).is_some()
        };
        assert!(yearly("Year", |at| 1900 + at));
        assert!(!yearly("Year", |at| 1900 + at % 30), "one country after another");
        assert!(!yearly("time", |at| 2 * at), "how long somebody lived");
        assert!(!yearly("size", |at| 1900 + 3 * at), "sorted by something else");
    }

    #[test]
    fn a_target_of_many_sizes_is_named() {
        let rows: Vec<usize> = (0..60).collect();
        let of = |row: fn(usize) -> String| {
            let (table, preparation) = prepared("x,y", row, Task::Regression);
            preparation.wide_targets(&table, &rows)
        };
        assert_eq!(of(|at| format!("{at}.5,1e{}", at % 9)), [("y".to_owned(), 1e4)]);
        assert_eq!(of(|at| format!("{at}.5,{}", 1 + at * at)), []);
        assert_eq!(of(|at| format!("{at}.5,{}e{}", at as i64 - 1, at % 9)), [], "some are below zero");
    }

    #[test]
    fn rows_that_belong_together_are_told_by_an_id_that_comes_again() {
        let check = |name: &str, rows_of_each: usize, expected: bool| {
            let row =
                |at: usize| format!("{},{},{}", 100 + at / rows_of_each * 7, at % 13, ["u", "v"][at % 2]);
            let (table, preparation) = prepared(&format!("{name},x,y"), row, Task::Classification);
            assert_eq!(preparation.grouped_by(&table), expected.then_some(name), "{name} {rows_of_each}");
        };
        check("patient_id", 2, true);
        check("ID", 3, true);
        check("ID", 4, false);
        check("ID", 1, false);
        check("paid", 2, false);
    }
}
