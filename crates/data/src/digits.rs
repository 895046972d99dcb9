//! The built-in table: handwritten digits.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::table::Table;

/// One line for each image: 64 grey values, row by row, and the digit.
const ROWS: &[u8] = include_bytes!("../data/digits.csv.gz");

/// 1,797 images of handwritten digits, embedded in the program: 64 columns `pixel_0_0` to `pixel_7_7` (row, then
/// column, of an image of 8 × 8) with grey values from 0 to 16, and `digit`, 0 to 9, about 180 images of each.
///
/// E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
/// <https://doi.org/10.24432/C50P49>, CC BY 4.0: the set's test part (13 other writers than in its training part),
/// in the form in which scikit-learn distributes it.
///
/// ```
/// let digits = highwater_data::digits();
/// assert_eq!((digits.rows(), digits.columns().len()), (1797, 65));
/// assert_eq!(digits.column("digit")?.get(0), "0");
/// # Ok::<(), highwater_data::Error>(())
/// ```
pub fn digits() -> Table {
    let mut header = String::new();
    for row in 0..8 {
        for column in 0..8 {
            header += &format!("pixel_{row}_{column},");
        }
    }
    header += "digit\n";
    Table::from_csv_reader("the embedded digits", header.as_bytes().chain(GzDecoder::new(ROWS)))
        .expect("the embedded table is sound")
}
