//! The values of the parts of a message: which values fit a message, the bytes that they form, and for which other messages
//! published values are valid too.

use sigstack_interpreter::limits::MAX_SCRIPT_ELEMENT_SIZE;

use crate::commitment::{commit_number, pair_commit};
use crate::message::{MAX_NUMBER, MAX_WIDE_NUMBER, Msg, limbs};
use crate::policy::{HashFn, Join};
use crate::script::number_bytes;

/// The value of one part of a message. The values of a message are listed in the order in which the policy writes the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// Bytes: those that the script pushes, or those of an `any` or `any32` part.
    Bytes(Vec<u8>),
    /// A number from the witness, for a part such as `newer(n)`.
    Number(u64),
    /// A lock time that the transaction's nLockTime must have reached.
    Lock(u32),
    /// The openings of two commitments. The newer number must be greater than the older number.
    Opened {
        /// Number in the newer commitment, and its 32-byte blinding factor.
        newer: (u64, [u8; 32]),
        /// Number in the older commitment, and its 32-byte blinding factor.
        older: (u64, [u8; 32]),
    },
    /// The template hash of the transaction, BIP 119 or BIP 446.
    Template,
    /// X-only public key of a delegate, which signs the transaction.
    Key([u8; 32]),
}

impl Value {
    /// Returns `true` if the value is valid for this part of a message.
    pub(crate) fn fits(&self, part: &Msg) -> bool {
        match (part, self) {
            (Msg::Fixed(fixed), Value::Bytes(bytes)) => fixed == bytes,
            (Msg::Any(_), Value::Bytes(bytes)) => bytes.len() <= MAX_SCRIPT_ELEMENT_SIZE,
            (Msg::Any32(_), Value::Bytes(bytes)) => bytes.len() == 32,
            (Msg::Number(bounds), Value::Number(number)) => bounds.contains(*number),
            (Msg::NewerWide(n), Value::Number(number)) => number > n && *number <= MAX_WIDE_NUMBER,
            (Msg::NewerOpened(join, c), Value::Opened { newer, older }) => {
                newer.0 > older.0 && newer.0 <= MAX_NUMBER && commit_number(*join, older.0, &older.1) == *c
            }
            (Msg::Locktime, Value::Lock(lock)) => *lock > 0 && u64::from(*lock) <= MAX_NUMBER,
            (Msg::Ctv(_) | Msg::TemplateHash, Value::Template) | (Msg::Delegate, Value::Key(_)) => true,
            _ => false,
        }
    }
}

/// The two template hashes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Templates {
    /// BIP 119 template hash of the transaction.
    pub ctv: [u8; 32],
    /// BIP 446 template hash of the transaction.
    pub template_hash: [u8; 32],
}

/// Returns the bytes of a message. Returns `None` if the values do not fit its parts, if a concatenation exceeds the maximum
/// element size, or if the message commits to a transaction and `templates` is `None`.
pub fn message_bytes(msg: &Msg, values: &[Value], templates: Option<&Templates>) -> Option<Vec<u8>> {
    let (bytes, rest) = build(msg, values, templates)?;
    rest.is_empty().then_some(bytes)
}

fn build<'a>(
    msg: &Msg,
    values: &'a [Value],
    templates: Option<&Templates>,
) -> Option<(Vec<u8>, &'a [Value])> {
    match msg {
        Msg::Join(join, left, right) => {
            let (left, values) = build(left, values, templates)?;
            let (right, values) = build(right, values, templates)?;
            let joined = match join {
                Join::Pair => pair_commit(&left, &right).to_vec(),
                Join::Cat => [left, right].concat(),
            };
            if joined.len() > MAX_SCRIPT_ELEMENT_SIZE {
                return None;
            }
            Some((joined, values))
        }
        Msg::Sha256(inner) => {
            let (inner, values) = build(inner, values, templates)?;
            Some((HashFn::Sha256.hash(&inner), values))
        }
        part => {
            let (value, values) = values.split_first()?;
            let bytes = match (part, value) {
                (Msg::Ctv(_), _) => templates?.ctv.to_vec(),
                (Msg::TemplateHash, _) => templates?.template_hash.to_vec(),
                (Msg::NewerWide(_), Value::Number(n)) => {
                    let (high, low) = limbs(*n);
                    pair_commit(&number_bytes(high), &number_bytes(low)).to_vec()
                }
                (Msg::NewerOpened(join, _), Value::Opened { newer, .. }) => {
                    commit_number(*join, newer.0, &newer.1).to_vec()
                }
                (_, Value::Bytes(bytes)) => bytes.clone(),
                (_, Value::Number(n)) => number_bytes(*n),
                (_, Value::Lock(lock)) => number_bytes((*lock).into()),
                (_, Value::Key(key)) => key.to_vec(),
                _ => return None,
            };
            Some((bytes, values))
        }
    }
}

/// Returns `true` if `values`, published as the parts of the message `shown`, are also valid parts of the message
/// `other`. Values are compared as bytes, because a published number can be reused as the bytes of an `any` part. A
/// value that depends on an unknown transaction counts as valid.
pub(crate) fn shows(shown: &Msg, values: &[Value], other: &Msg) -> bool {
    if !shown.has_shape_of(other) {
        return matches!(other, Msg::Any(_) | Msg::Any32(_));
    }
    values.iter().zip(other.parts()).all(|(value, part)| {
        let bytes = match value {
            Value::Bytes(bytes) => Some(bytes.clone()),
            Value::Number(number) => Some(number_bytes(*number)),
            Value::Lock(lock) => Some(number_bytes((*lock).into())),
            Value::Key(key) => Some(key.to_vec()),
            Value::Opened { .. } | Value::Template => None,
        };
        match (part, bytes) {
            _ if value.fits(part) => true,
            (Msg::Any(_), _) | (Msg::Any32(_), None) | (Msg::Locktime, Some(_)) => true,
            (Msg::Any32(_), Some(bytes)) => bytes.len() == 32,
            (Msg::Fixed(fixed), Some(bytes)) => *fixed == bytes,
            (Msg::Number(bounds), Some(bytes)) => {
                // A number may have more bytes than necessary, because consensus does not require the minimal encoding.
                let number = bytes
                    .iter()
                    .rev()
                    .try_fold(0u64, |sum, byte| sum.checked_mul(256).map(|sum| sum + u64::from(*byte)));
                bytes.len() <= 4 && number.is_some_and(|number| bounds.contains(number))
            }
            _ => false,
        }
    })
}

/// Returns `true` if a published message of the kind `shown` may also be valid as a message of the kind `other`, for at
/// least some values of its parts (see [`shows`]).
pub(crate) fn may_show(shown: &Msg, other: &Msg) -> bool {
    if !shown.has_shape_of(other) {
        return matches!(other, Msg::Any(_) | Msg::Any32(_));
    }
    shown.parts().into_iter().zip(other.parts()).all(|(shown, other)| part_may_show(shown, other))
}

fn part_may_show(shown: &Msg, other: &Msg) -> bool {
    /// Returns `true` if the bytes are the minimal encoding of a number from `least` up to, but not including, `end`.
    fn is_number(bytes: &[u8], (least, end): (u64, u64)) -> bool {
        let number = bytes
            .iter()
            .rev()
            .try_fold(0u64, |sum, byte| sum.checked_mul(256).map(|sum| sum + u64::from(*byte)));
        number.is_some_and(|number| (least..end).contains(&number) && number_bytes(number) == bytes)
    }
    let numbers = |msg: &Msg| match msg {
        Msg::Number(bounds) => Some(bounds.range()),
        Msg::NewerWide(n) => Some((n + 1, MAX_WIDE_NUMBER + 1)),
        Msg::Locktime => Some((1, MAX_NUMBER + 1)),
        _ => None,
    };
    match (shown, other) {
        (Msg::Fixed(bytes), _) => {
            let value = Value::Bytes(bytes.clone());
            shows(&Msg::Any(String::new()), &[value], other)
        }
        (_, Msg::Any(_)) => true,
        (Msg::Any(_), Msg::Any32(_) | Msg::Fixed(_) | Msg::Number(_) | Msg::Locktime) => true,
        (Msg::Any32(_) | Msg::Delegate, Msg::Any32(_) | Msg::Locktime) => true,
        (Msg::Any32(_) | Msg::Delegate, Msg::Fixed(bytes)) => bytes.len() == 32,
        (Msg::Delegate, Msg::Delegate) => true,
        (Msg::Ctv(_) | Msg::TemplateHash, Msg::Ctv(_) | Msg::TemplateHash | Msg::Any32(_)) => true,
        (Msg::NewerOpened(..), Msg::Any32(_)) => true,
        (Msg::NewerOpened(join, c), Msg::NewerOpened(other_join, d)) => join == other_join && c == d,
        (_, Msg::Locktime) => numbers(shown).is_some(),
        (_, Msg::Fixed(bytes)) => numbers(shown).is_some_and(|range| is_number(bytes, range)),
        _ => match (numbers(shown), numbers(other)) {
            (Some((least, end)), Some((other_least, other_end))) => least < other_end && other_least < end,
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests;
