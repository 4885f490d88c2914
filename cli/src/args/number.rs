//! Numeric values on the command line. They are parsed and checked against their bounds before the command starts its
//! work.

use core::fmt::Display;
use core::str::FromStr;

use sigstack_channel::bounds::{Bounds, OutOfBounds};

use crate::problem::Problem;

/// A numeric type that the value of an option can have.
pub(crate) trait Number: Copy + PartialOrd + Display + FromStr + Send + Sync + 'static {
    /// Name of this type in error hints: `whole number` or `number`.
    const KIND: &'static str;
}

impl Number for u16 {
    const KIND: &'static str = "whole number";
}
impl Number for u32 {
    const KIND: &'static str = "whole number";
}
impl Number for u64 {
    const KIND: &'static str = "whole number";
}
impl Number for usize {
    const KIND: &'static str = "whole number";
}
impl Number for f64 {
    const KIND: &'static str = "number";
}

/// Returns a parser for clap's `value_parser`, which accepts numbers within `bounds`.
pub(crate) fn within<T: Number>(
    bounds: &'static Bounds<T>,
) -> impl Fn(&str) -> Result<T, Problem> + Clone + Send + Sync + 'static {
    move |text| {
        read(text, bounds).map_err(|error| {
            let hint = format!("give a {} from {} to {}", T::KIND, bounds.least, bounds.most);
            Problem::new(error.to_string()).hint(hint)
        })
    }
}

/// Bounds of `--jobs`: the number of threads or processes that run test cases.
pub(crate) const JOBS: Bounds<usize> = Bounds {
    least: 1,
    most: 512,
    why_least: "the cases run in at least one thread",
    why_most: "a job is a thread, and more threads than processors are not faster",
};

/// Bounds of `--timeout`, the time in seconds that a process of `sigstack conform` may take for one case.
pub(crate) const TIMEOUT: Bounds<u32> = Bounds {
    least: 1,
    most: 86_400,
    why_least: "a process needs time to start",
    why_most: "no case takes a day",
};

/// Bounds of `--width`, the width of tables in columns.
pub(crate) const COLUMNS: Bounds<u16> = Bounds {
    least: 60,
    most: u16::MAX,
    why_least: "some tables have columns that need as much",
    why_most: "no terminal is so wide",
};

/// Bounds of `--input`, the index of the only input to verify.
pub(crate) const INPUT: Bounds<usize> = Bounds {
    least: 0,
    most: 1_000_000,
    why_least: "inputs are counted from 0",
    why_most: "no transaction that fits a block has so many inputs",
};

/// Bounds of `--around`, the number of trace entries shown before and after the failing one.
pub(crate) const FRAMES: Bounds<usize> = Bounds {
    least: 0,
    most: usize::MAX,
    why_least: "a number of frames is not negative",
    why_most: "no trace has so many frames",
};

/// Bounds of `--locktime`, the nLockTime of the transaction made up for `--script`.
pub(crate) const LOCK_TIME: Bounds<u32> = Bounds {
    least: 0,
    most: u32::MAX,
    why_least: "nLockTime has no sign",
    why_most: "nLockTime has 32 bits",
};

/// Parses an nSequence, in decimal or in hex with the prefix 0x.
pub(crate) fn sequence(text: &str) -> Result<u32, Problem> {
    let hex = text.strip_prefix("0x").filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).map_or_else(|| within(&SEQUENCE)(text), Ok)
}

/// Bounds of `--sequence`, the nSequence of the transaction made up for `--script`.
const SEQUENCE: Bounds<u32> = Bounds {
    least: 0,
    most: u32::MAX,
    why_least: "nSequence has no sign",
    why_most: "nSequence has 32 bits",
};

fn read<T: Number>(text: &str, bounds: &Bounds<T>) -> Result<T, OutOfBounds> {
    if let Ok(value) = text.parse::<T>() {
        return bounds.check(value);
    }
    // The text is not a value of the type `T`. It may still be a number: one that is too large, below 0 or with a
    // fraction.
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(value) if is_whole && value < 0.0 => Err(bounds.below(&text)),
        Ok(value) if is_whole || value == f64::INFINITY => Err(bounds.above(&text)),
        Ok(value) if value == f64::NEG_INFINITY => Err(bounds.below(&text)),
        Ok(value) if value.is_finite() => Err(OutOfBounds::new(format!("{text} is not a whole number"))),
        _ => Err(OutOfBounds::new(format!("{text:?} is not a number"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sigstack_channel::bounds::{DELAY, SHARE};

    #[test]
    fn every_text_is_a_number_within_the_bounds_or_an_error_with_the_reason() {
        let delay = |text: &str| within(&DELAY)(text).map_err(|problem| problem.to_string());
        let too_small = "is less than 1: without a delay nobody has time to answer an old state";
        let too_large = "is more than 65535: a relative lock by height has 16 bits (BIP 68)";
        assert_eq!((delay("1"), delay("65535")), (Ok(1), Ok(65_535)));
        for (text, end) in [
            ("0", too_small),
            ("-1", too_small),
            ("-99999999999999999999999999", too_small),
            ("-1e400", too_small),
            ("65536", too_large),
            ("99999999999999999999999999", too_large),
            ("1e400", too_large),
            ("1.5", "is not a whole number"),
            ("1e3", "is not a whole number"),
        ] {
            assert_eq!(delay(text), Err(format!("{text} {end}")), "{text}");
        }
        for text in ["", "NaN", "-", "+", "1_000", "0x10", "ten", "1 "] {
            assert_eq!(delay(text), Err(format!("{text:?} is not a number")), "{text}");
        }
        let share = |text: &str| within(&SHARE)(text).map_err(|problem| problem.to_string());
        assert_eq!((share("0"), share("0.5"), share("1")), (Ok(0.0), Ok(0.5), Ok(1.0)));
        for (text, error) in [
            ("1.0001", "1.0001 is more than 1: a share is between 0 and 1"),
            ("1e400", "inf is more than 1: a share is between 0 and 1"),
            ("-0.1", "-0.1 is less than 0: a share is between 0 and 1"),
            ("NaN", "NaN is not a number"),
            ("half", "\"half\" is not a number"),
        ] {
            assert_eq!(share(text), Err(error.to_owned()), "{text}");
        }
        let problem =
            Problem::new("0 is less than 1: without a delay nobody has time to answer an old state");
        assert_eq!(within(&DELAY)("0"), Err(problem.hint("give a whole number from 1 to 65535")));
    }
}
