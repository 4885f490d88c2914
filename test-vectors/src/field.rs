//! Typed access to JSON values. Every error names the field.

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Witness};
use serde_json::Value;
use sigstack_interpreter::encoding::{
    DecodeError, decode_output, decode_transaction, decode_transaction_without_witnesses,
};

use crate::error::Bad;
use crate::error::counted;

/// Returns the JSON type of a value, for error messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn wanted(field: &str, wanted: &str, value: &Value) -> Bad {
    Bad::new(field, format!("must be {wanted}, is {}", kind(value)))
}

/// Returns the value of a key of a JSON object. Fails if the key is missing.
pub(crate) fn get<'a>(object: &'a Value, field: &str) -> Result<&'a Value, Bad> {
    object.get(field).ok_or_else(|| Bad::new(field, "is missing"))
}

/// Returns the column of a row at this position. Fails if the row has too few columns.
pub(crate) fn column<'a>(row: &'a [Value], nth: usize, field: &str) -> Result<&'a Value, Bad> {
    row.get(nth).ok_or_else(|| Bad::new(field, format!("is missing (column {nth}, counted from 0)")))
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Bad> {
    value.as_str().ok_or_else(|| wanted(field, "a string", value))
}

pub(crate) fn array<'a>(value: &'a Value, field: &str) -> Result<&'a [Value], Bad> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| wanted(field, "an array", value))
}

pub(crate) fn boolean(value: &Value, field: &str) -> Result<bool, Bad> {
    value.as_bool().ok_or_else(|| wanted(field, "a boolean", value))
}

/// Parses a JSON number as an integer. Fails if the integer is not in the range of `T`.
pub(crate) fn integer<T: TryFrom<i64>>(value: &Value, field: &str) -> Result<T, Bad> {
    let Value::Number(number) = value else { return Err(wanted(field, "a whole number", value)) };
    let integer = number.as_i64().and_then(|integer| T::try_from(integer).ok());
    integer.ok_or_else(|| Bad::new(field, format!("{number} is no whole number of the allowed range")))
}

/// Returns the boolean in an optional field of a JSON object. Returns false if the field is absent.
pub(crate) fn flag(object: &Value, field: &str) -> Result<bool, Bad> {
    object.get(field).map_or(Ok(false), |value| boolean(value, field))
}

/// Returns the text in an optional field of a JSON object. Returns an empty text if the field is absent.
pub(crate) fn optional_text<'a>(object: &'a Value, field: &str) -> Result<&'a str, Bad> {
    object.get(field).map_or(Ok(""), |value| text(value, field))
}

/// Parses a JSON string of hex digits into bytes.
pub(crate) fn bytes(value: &Value, field: &str) -> Result<Vec<u8>, Bad> {
    hex_bytes(text(value, field)?, field)
}

/// Converts hex digits to bytes. Fails if the text is not hex.
pub(crate) fn hex_bytes(text: &str, field: &str) -> Result<Vec<u8>, Bad> {
    hex::decode(text).map_err(|error| Bad::new(field, format!("bad hex: {error}")))
}

/// Parses a JSON string of hex digits into exactly `N` bytes. Fails if the number of bytes differs.
pub(crate) fn fixed_bytes<const N: usize>(value: &Value, field: &str) -> Result<[u8; N], Bad> {
    let bytes = bytes(value, field)?;
    let found = bytes.len();
    bytes.try_into().map_err(|_| Bad::new(field, format!("must have {N} bytes, has {found}")))
}

/// Parses a transaction or output in Bitcoin's consensus encoding from hex digits. Fails if any bytes follow it.
fn decoded<T>(
    value: &Value,
    field: &str,
    what: &str,
    decode: fn(&[u8]) -> Result<T, DecodeError>,
) -> Result<T, Bad> {
    let bytes = bytes(value, field)?;
    decode(&bytes).map_err(|error| Bad::new(field, format!("not a serialized {what}: {error}")))
}

/// Parses a transaction from hex digits.
pub(crate) fn transaction(value: &Value, field: &str) -> Result<Transaction, Bad> {
    decoded(value, field, "transaction", decode_transaction)
}

/// Parses a transaction from hex digits, in either serialization. A transaction without inputs is accepted: only the
/// serialization without witnesses can express it.
pub(crate) fn transaction_of_any_form(value: &Value, field: &str) -> Result<Transaction, Bad> {
    let without_witnesses =
        || bytes(value, field).ok().and_then(|bytes| decode_transaction_without_witnesses(&bytes).ok());
    transaction(value, field).or_else(|bad| without_witnesses().ok_or(bad))
}

/// Parses the outputs spent by a transaction, in input order. Fails if the number of outputs differs from the number of
/// inputs.
pub(crate) fn prevouts(value: &Value, field: &str, tx: &Transaction) -> Result<Vec<TxOut>, Bad> {
    let values = array(value, field)?;
    if values.len() != tx.input.len() {
        let (prevouts, inputs) = (values.len(), tx.input.len());
        return Err(Bad::new(
            field,
            format!("{} for {}; one for each input", counted(prevouts, "prevout"), counted(inputs, "input")),
        ));
    }
    let outputs = values.iter().enumerate();
    let output = |(nth, value)| decoded(value, &format!("{field}[{nth}]"), "output", decode_output);
    outputs.map(output).collect()
}

/// Parses the index of an input. Fails if the transaction has no such input.
pub(crate) fn input_index(value: &Value, field: &str, tx: &Transaction) -> Result<usize, Bad> {
    let index: usize = integer(value, field)?;
    if index >= tx.input.len() {
        let inputs = tx.input.len();
        return Err(Bad::new(
            field,
            format!("no input {index}: the transaction has {inputs} (counted from 0)"),
        ));
    }
    Ok(index)
}

/// Parses a witness from a JSON array of hex strings.
pub(crate) fn witness(value: &Value, field: &str) -> Result<Witness, Bad> {
    let elements = array(value, field)?.iter().enumerate();
    let stack: Result<Vec<_>, Bad> =
        elements.map(|(nth, value)| bytes(value, &format!("{field}[{nth}]"))).collect();
    stack.map(|stack| Witness::from_slice(&stack))
}

/// Parses a script from hex digits.
pub(crate) fn script(value: &Value, field: &str) -> Result<ScriptBuf, Bad> {
    bytes(value, field).map(ScriptBuf::from_bytes)
}

/// Parses an amount in satoshi. A negative amount is stored as its two's complement, because Core's amounts are signed.
pub(crate) fn satoshi(value: &Value, field: &str) -> Result<Amount, Bad> {
    integer::<i64>(value, field).map(|satoshi| Amount::from_sat(satoshi.cast_unsigned()))
}

/// Parses an amount in bitcoin. The number is read as a decimal number, so it is not rounded to a floating-point
/// number.
pub(crate) fn bitcoin_amount(value: &Value, field: &str) -> Result<Amount, Bad> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(digits) => digits.clone(),
        other => return Err(wanted(field, "an amount in bitcoin", other)),
    };
    decimal_bitcoin(&digits).ok_or_else(|| {
        Bad::new(field, format!("{digits} is no amount in bitcoin: at most 8 decimals, from 0 to 21 million"))
    })
}

/// Converts a decimal number of bitcoin, possibly with an exponent, to satoshi. Returns `None` if the amount is
/// negative, too large, or not a whole number of satoshi.
fn decimal_bitcoin(text: &str) -> Option<Amount> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || digits.len() > 64 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let mut scale = exponent.checked_add(8)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let mut digits = digits.trim_start_matches('0');
    while scale < 0 && !digits.is_empty() {
        digits = digits.strip_suffix('0')?;
        scale += 1;
    }
    if digits.is_empty() {
        return Some(Amount::ZERO);
    }
    let factor = 10u64.checked_pow(u32::try_from(scale).ok()?)?;
    let satoshi = digits.parse::<u64>().ok()?.checked_mul(factor)?;
    Some(Amount::from_sat(satoshi)).filter(|amount| *amount <= Amount::MAX_MONEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimals() {
        let satoshi = |text: &str| decimal_bitcoin(text).map(Amount::to_sat);
        assert_eq!(satoshi("0.00000001"), Some(1));
        assert_eq!(satoshi("1e-08"), Some(1));
        assert_eq!(satoshi("0"), Some(0));
        assert_eq!(satoshi("0e400"), Some(0));
        assert_eq!(satoshi("20999999.9769"), Some(2_099_999_997_690_000));
        assert_eq!(satoshi("21000000.00000000000"), Some(2_100_000_000_000_000));
        assert_eq!(satoshi("0.29"), Some(29_000_000), "a binary float gives 28999999.999999996");
        for wrong in ["21000000.00000001", "0.000000001", "-1", "", ".5", "1e99", "1e-2147483648", "x"] {
            assert_eq!(satoshi(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn wrong_values_name_the_field() {
        let message = |bad: Bad| format!("{}: {}", bad.field, bad.problem);
        let hex = bytes(&Value::from("abc"), "script").map_err(message);
        assert_eq!(hex, Err("script: bad hex: Odd number of digits".into()));
        let number = integer::<u32>(&Value::from(-1), "index").map_err(message);
        assert_eq!(number, Err("index: -1 is no whole number of the allowed range".into()));
        let short = fixed_bytes::<32>(&Value::from("00"), "digest").map_err(message);
        assert_eq!(short, Err("digest: must have 32 bytes, has 1".into()));
    }
}
