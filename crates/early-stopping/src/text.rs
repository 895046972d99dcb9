//! The text form of rules: `patience(10, min_delta=0.001) and latched(gl(5)) or time(30m)`.
//!
//! ```text
//! rule     = all { "or" all }
//! all      = single { "and" single }
//! single   = "not" single | "(" rule ")" | number "of" "(" rule { "," rule } ")" | call
//! call     = name [ "(" [ argument { "," argument } ] ")" ]
//! argument = [ name "=" ] value | rule
//! ```
//!
//! Names of rules and the words that join them may have large letters.

mod arguments;
mod error;
mod lexer;
mod number;
mod parser;

pub(crate) use arguments::Arguments;
pub use error::{ParseError, Problem};
pub(crate) use number::{Rounded, Shortest, Timespan, parse_duration};
