//! Decoding of serialized transactions, outputs and witnesses, with errors that name the malformed field.
//!
//! rust-bitcoin decodes the bytes. Its errors do not say where the problem is. After a failure, this module therefore
//! goes through the fields again to find the one that is cut short or malformed.

use core::fmt;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::{Decodable, deserialize};
use bitcoin::transaction::Version;
use bitcoin::{Transaction, TxIn, TxOut, Witness};

/// An error in the serialization of a transaction, output or witness.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// Name of the malformed field, such as `input 0 scriptSig`. If extra bytes follow the end of the serialization,
    /// this is the name of the whole, such as `transaction`.
    pub field: String,
    /// Byte offset at which the field begins. If the length prefix of the field is malformed, this is the offset of the
    /// prefix. If extra bytes follow the end of the serialization, it is the offset of the first of them.
    pub offset: usize,
    /// What is wrong with the malformed field.
    pub problem: DecodeProblem,
}

/// Kinds of problems with a serialized field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeProblem {
    /// The field is longer than the rest of the serialization.
    Truncated {
        /// Number of bytes that the field should have.
        expected: u64,
        /// Number of bytes that are left in the serialization.
        left: usize,
    },
    /// The announced number of items of a list is greater than the number of bytes left, so the list cannot be
    /// complete.
    Count {
        /// Number of items that the list announces.
        count: u64,
        /// Number of bytes that are left in the serialization.
        left: usize,
    },
    /// A CompactSize number is not in its shortest encoding.
    NotShortest,
    /// The byte after an input count of zero is not the segwit flag 0x01 (BIP 144). The value is that byte.
    SegwitFlag(u8),
    /// The segwit flag is set, but every witness is empty (BIP 144).
    EmptyWitnesses,
    /// Extra bytes follow the end of the serialization; the value is their number.
    Trailing(usize),
    /// rust-bitcoin reported an error, but no malformed field was found. The value is the text of that error.
    Other(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let field = &self.field;
        match &self.problem {
            DecodeProblem::Truncated { expected, left } => {
                write!(f, "{field}: {} expected, {left} left", bytes_text(*expected))?;
            }
            DecodeProblem::Count { count, left } => {
                write!(f, "{field}: {count}, but only {} left", bytes_text(usize_to_u64(*left)))?;
            }
            DecodeProblem::NotShortest => {
                write!(f, "{field}: a CompactSize number that is not in its shortest form")?;
            }
            DecodeProblem::SegwitFlag(flag) => {
                write!(f, "{field}: 0x{flag:02x} after an input count of 0, where 0x01 is the only flag")?;
            }
            DecodeProblem::EmptyWitnesses => {
                write!(f, "{field}: the segwit flag is set, but every witness is empty (BIP 144)")?;
            }
            DecodeProblem::Trailing(count) => {
                let verb = if *count == 1 { "follows" } else { "follow" };
                write!(f, "{} {verb} the {field}", bytes_text(usize_to_u64(*count)))?;
            }
            DecodeProblem::Other(problem) => return write!(f, "{field}: {problem}"),
        }
        write!(f, " (byte {})", self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// Converts a count to a 64-bit integer.
pub(crate) fn usize_to_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Formats a number of bytes with its noun, such as `1 byte` or `2 bytes`.
pub(crate) fn bytes_text(count: u64) -> String {
    format!("{count} byte{}", if count == 1 { "" } else { "s" })
}

/// Decodes a transaction, with or without witnesses (BIP 144).
///
/// # Errors
///
/// [`DecodeError`] names the field that is cut short or malformed.
pub fn decode_transaction(bytes: &[u8]) -> Result<Transaction, DecodeError> {
    decode(bytes, "transaction", |walk| walk.transaction(true))
}

/// Decodes a transaction in the serialization without witnesses. An input count of zero is read as a count, not as the
/// segwit marker.
///
/// # Errors
///
/// [`DecodeError`] names the field that is cut short or malformed.
pub fn decode_transaction_without_witnesses(bytes: &[u8]) -> Result<Transaction, DecodeError> {
    let decoded = decode(bytes, "transaction", |walk| walk.transaction(false));
    let (version, input, output, lock_time): (Version, Vec<TxIn>, Vec<TxOut>, LockTime) = decoded?;
    Ok(Transaction { version, lock_time, input, output })
}

/// Decodes an output, which is the amount followed by the scriptPubKey.
///
/// # Errors
///
/// [`DecodeError`] names the field that is cut short or malformed.
pub fn decode_output(bytes: &[u8]) -> Result<TxOut, DecodeError> {
    decode(bytes, "output", |walk| walk.output(""))
}

/// Decodes a witness: the number of elements, then each element with its length.
///
/// # Errors
///
/// [`DecodeError`] names the field that is cut short or malformed.
pub fn decode_witness(bytes: &[u8]) -> Result<Witness, DecodeError> {
    decode(bytes, "witness", |walk| walk.witness("").map(drop))
}

fn decode<T: Decodable>(
    bytes: &[u8],
    what: &'static str,
    walk: impl FnOnce(&mut Walk<'_>) -> Result<(), DecodeError>,
) -> Result<T, DecodeError> {
    deserialize(bytes).map_err(|error| {
        let mut fields = Walk { bytes, offset: 0 };
        let problem = match walk(&mut fields) {
            Err(found) => return found,
            Ok(()) if fields.left() > 0 => DecodeProblem::Trailing(fields.left()),
            Ok(()) => DecodeProblem::Other(error.to_string()),
        };
        DecodeError { field: what.into(), offset: fields.offset, problem }
    })
}

/// Cursor that checks the fields of a serialization one after the other without storing them.
struct Walk<'b> {
    bytes: &'b [u8],
    offset: usize,
}

impl<'b> Walk<'b> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    fn error(&self, field: impl fmt::Display, problem: DecodeProblem) -> DecodeError {
        DecodeError { field: field.to_string(), offset: self.offset, problem }
    }

    fn take(&mut self, field: impl fmt::Display, expected: u64) -> Result<&'b [u8], DecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken = usize::try_from(expected).ok().and_then(|expected| rest.get(..expected));
        let taken = taken
            .ok_or_else(|| self.error(field, DecodeProblem::Truncated { expected, left: rest.len() }))?;
        self.offset = self.offset.saturating_add(taken.len());
        Ok(taken)
    }

    fn compact_size(&mut self, field: impl fmt::Display + Copy) -> Result<u64, DecodeError> {
        let start = self.offset;
        let first = self.take(field, 1)?.first().copied().unwrap_or_default();
        let (size, least) = match first {
            0xfd => (2, 0xfd),
            0xfe => (4, 0x1_0000),
            0xff => (8, 0x1_0000_0000),
            number => return Ok(number.into()),
        };
        let number = self.take(field, size)?;
        let number = number.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        if number < least {
            self.offset = start;
            return Err(self.error(field, DecodeProblem::NotShortest));
        }
        Ok(number)
    }

    /// Reads the number of items of a list. Fails if the number exceeds the number of bytes left, since each item takes
    /// at least one byte.
    fn count(&mut self, field: impl fmt::Display + Copy) -> Result<u64, DecodeError> {
        let start = self.offset;
        let count = self.compact_size(field)?;
        let left = self.left();
        if count > usize_to_u64(left) {
            self.offset = start;
            return Err(self.error(field, DecodeProblem::Count { count, left }));
        }
        Ok(count)
    }

    /// Skips a CompactSize length and the bytes that it counts.
    fn sized(&mut self, field: impl fmt::Display + Copy) -> Result<(), DecodeError> {
        let length = self.compact_size(format_args!("length of {field}"))?;
        self.take(field, length).map(drop)
    }

    fn transaction(&mut self, may_have_witnesses: bool) -> Result<(), DecodeError> {
        self.take("version", 4)?;
        let mut inputs = self.count("input count")?;
        let has_witnesses = inputs == 0 && may_have_witnesses;
        if has_witnesses {
            let start = self.offset;
            let flag = self.take("segwit flag", 1)?.first().copied().unwrap_or_default();
            if flag != 1 {
                self.offset = start;
                return Err(self.error("segwit flag", DecodeProblem::SegwitFlag(flag)));
            }
            inputs = self.count("input count")?;
        }
        for nth in 0..inputs {
            self.take(format_args!("input {nth} txid"), 32)?;
            self.take(format_args!("input {nth} output index"), 4)?;
            self.sized(format_args!("input {nth} scriptSig"))?;
            self.take(format_args!("input {nth} nSequence"), 4)?;
        }
        for nth in 0..self.count("output count")? {
            self.output(&format!("output {nth} "))?;
        }
        if has_witnesses {
            let start = self.offset;
            let mut elements = 0;
            for nth in 0..inputs {
                elements += self.witness(&format!("input {nth} witness "))?;
            }
            if elements == 0 && inputs > 0 {
                self.offset = start;
                return Err(self.error("witnesses", DecodeProblem::EmptyWitnesses));
            }
        }
        self.take("nLockTime", 4).map(drop)
    }

    fn output(&mut self, within: &str) -> Result<(), DecodeError> {
        self.take(format_args!("{within}amount"), 8)?;
        self.sized(format_args!("{within}scriptPubKey"))
    }

    /// Skips a witness and returns the number of its elements.
    fn witness(&mut self, within: &str) -> Result<u64, DecodeError> {
        let count = self.count(format_args!("{within}element count"))?;
        for nth in 0..count {
            self.sized(format_args!("{within}element {nth}"))?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::consensus::encode::serialize;
    use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Txid, hashes::Hash};

    use super::*;

    /// Builds a transaction with one input, whose scriptSig has three bytes, and one output. The witness has two elements if
    /// `witness` is true.
    fn tx(witness: bool) -> Transaction {
        let witness = if witness { Witness::from_slice(&[&[1, 2][..], &[]]) } else { Witness::new() };
        let script = ScriptBuf::from_bytes(vec![2, 7, 7]);
        let previous_output = OutPoint { txid: Txid::all_zeros(), vout: 1 };
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output,
                script_sig: script.clone(),
                sequence: Sequence::MAX,
                witness,
            }],
            output: vec![TxOut { value: Amount::ONE_SAT, script_pubkey: script }],
        }
    }

    fn problem<T>(result: Result<T, DecodeError>) -> String {
        result.map(drop).unwrap_err().to_string()
    }

    #[test]
    fn every_truncation_names_its_field() {
        for (witness, decode) in [
            (true, decode_transaction as fn(&[u8]) -> Result<Transaction, DecodeError>),
            (false, decode_transaction),
            (false, decode_transaction_without_witnesses),
        ] {
            let tx = tx(witness);
            let bytes = serialize(&tx);
            assert_eq!(decode(&bytes), Ok(tx));
            for length in 0..bytes.len() {
                let error = decode(&bytes[..length]).unwrap_err();
                let is_found =
                    matches!(error.problem, DecodeProblem::Truncated { .. } | DecodeProblem::Count { .. });
                assert!(is_found && error.offset <= length, "{length}: {error}");
            }
            let longer = [&bytes[..], &[0, 0]].concat();
            let end = bytes.len();
            assert_eq!(problem(decode(&longer)), format!("2 bytes follow the transaction (byte {end})"));
        }
    }

    #[test]
    fn truncations_say_what_was_expected() {
        let bytes = serialize(&tx(true));
        let cut = |length: usize| problem(decode_transaction(&bytes[..length]));
        assert_eq!(cut(0), "version: 4 bytes expected, 0 left (byte 0)");
        assert_eq!(cut(6), "input count: 1 byte expected, 0 left (byte 6)");
        assert_eq!(cut(7), "input count: 1, but only 0 bytes left (byte 6)");
        assert_eq!(cut(38), "input 0 txid: 32 bytes expected, 31 left (byte 7)");
        assert_eq!(cut(43), "length of input 0 scriptSig: 1 byte expected, 0 left (byte 43)");
        assert_eq!(cut(45), "input 0 scriptSig: 3 bytes expected, 1 left (byte 44)");
        assert_eq!(cut(50), "input 0 nSequence: 4 bytes expected, 3 left (byte 47)");
        assert_eq!(cut(59), "output 0 amount: 8 bytes expected, 7 left (byte 52)");
        assert_eq!(cut(63), "output 0 scriptPubKey: 3 bytes expected, 2 left (byte 61)");
        assert_eq!(cut(67), "input 0 witness element 0: 2 bytes expected, 1 left (byte 66)");
        assert_eq!(cut(72), "nLockTime: 4 bytes expected, 3 left (byte 69)");
        assert!(decode_transaction(&bytes).is_ok() && bytes.len() == 73);
    }

    #[test]
    fn malformed_fields_are_named() {
        let change = |at: usize, with: &[u8]| {
            let mut bytes = serialize(&tx(true));
            bytes.splice(at..=at, with.iter().copied());
            problem(decode_transaction(&bytes))
        };
        assert_eq!(
            change(5, &[2]),
            "segwit flag: 0x02 after an input count of 0, where 0x01 is the only flag (byte 5)"
        );
        let long =
            "length of input 0 scriptSig: a CompactSize number that is not in its shortest form (byte 43)";
        assert_eq!(change(43, &[0xfd, 3, 0]), long);
        assert_eq!(change(43, &[0xfe, 3, 0, 0, 0]), long);
        assert_eq!(change(43, &[0xff, 3, 0, 0, 0, 0, 0, 0, 0]), long);
        assert_eq!(
            change(43, &[0xfe, 0, 0, 1, 0]),
            "input 0 scriptSig: 65536 bytes expected, 29 left (byte 48)"
        );
        let mut bytes = serialize(&tx(true));
        bytes.splice(64..69, [0]);
        assert_eq!(
            problem(decode_transaction(&bytes)),
            "witnesses: the segwit flag is set, but every witness is empty (BIP 144) (byte 64)"
        );
    }

    #[test]
    fn outputs_and_witnesses() {
        assert_eq!(
            problem(decode_output(&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0x51])),
            "scriptPubKey: 2 bytes expected, 1 left (byte 9)"
        );
        assert!(decode_output(&[1, 0, 0, 0, 0, 0, 0, 0, 1, 0x51]).is_ok());
        assert_eq!(problem(decode_witness(&[2, 1, 7, 3, 7])), "element 1: 3 bytes expected, 1 left (byte 4)");
        assert!(decode_witness(&[2, 1, 7, 1, 7]).is_ok());
        assert_eq!(problem(decode_witness(&[9, 0])), "element count: 9, but only 1 byte left (byte 0)");
        assert_eq!(problem(decode_witness(&[0, 0])), "1 byte follows the witness (byte 1)");
        // A block has at most four million bytes, and the decoder rejects any larger witness.
        let huge = [&[1, 0xfe, 0x00, 0x09, 0x3d, 0x00][..], &vec![0; 4_000_000]].concat();
        assert!(matches!(decode_witness(&huge).unwrap_err().problem, DecodeProblem::Other(_)));
    }

    /// The serialization without witnesses can express a transaction without inputs; that of BIP 144 cannot.
    #[test]
    fn transactions_without_inputs() {
        let mut tx = tx(false);
        tx.input.clear();
        let bytes = [&[2, 0, 0, 0, 0, 1][..], &serialize(&tx.output[0]), &[0; 4]].concat();
        assert_eq!(decode_transaction_without_witnesses(&bytes), Ok(tx));
        assert!(decode_transaction(&bytes).is_err());
    }
}
