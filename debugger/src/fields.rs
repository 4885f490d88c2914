//! The fields of a transaction that a signature or a template hash commits to, and the fields that are left out.

use bitcoin::hashes::Hash;
use sigstack_interpreter::sighash::{legacy, segwit_v0, taproot};
use sigstack_interpreter::{KeyVersion, SignatureCheck, SignedMessage, TaprootMessage, TxView};

/// A field of the data that a signature or a template hash commits to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name of the field, as in the BIP that defines the message.
    pub name: &'static str,
    /// Bytes of the field in the preimage; `None` if the preimage does not contain the field.
    pub bytes: Option<Vec<u8>>,
    /// Meaning of the field's bytes, or the reason why the field is left out.
    pub note: FieldNote,
}

/// A remark on a field: the meaning of its bytes, or why a signature does not commit to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldNote {
    /// No remark on the field.
    None,
    /// Meaning of the field's bytes, in words.
    Means(String),
    /// The preimage does not contain the field itself. The preimage field of this name is a hash that commits to it.
    In(&'static str),
    /// The signature or template hash does not commit to the field, for this reason.
    LeftOut(&'static str),
}

impl Field {
    /// Returns a field that a signature or template hash does not commit to. `why` is the reason.
    pub(crate) fn left_out(name: &'static str, why: &'static str) -> Field {
        Field { name, bytes: None, note: FieldNote::LeftOut(why) }
    }
}

/// Converts the names and bytes of a preimage's fields to [`Field`]s, with the meaning of each.
pub(crate) fn plain(fields: Vec<(&'static str, Vec<u8>)>) -> Vec<Field> {
    let field = |(name, bytes): (&'static str, Vec<u8>)| Field {
        name,
        note: meaning(name, &bytes),
        bytes: Some(bytes),
    };
    fields.into_iter().map(field).collect()
}

/// Returns the fields of the preimage of a signature's digest. For a message from the stack, returns the message
/// itself.
pub(crate) fn of_signature(view: &TxView<'_>, check: &SignatureCheck) -> Vec<Field> {
    match &check.signed {
        SignedMessage::Legacy { script_code, hash_type } => legacy_fields(view, script_code, *hash_type),
        SignedMessage::SegwitV0 { script_code, hash_type } => segwit_v0_fields(view, script_code, *hash_type),
        SignedMessage::Taproot { message, hash_type } => taproot_fields(view, message, *hash_type),
        SignedMessage::Stack => plain(vec![("message", check.message.clone())]),
    }
}

/// Mask of the five lowest bits of an ECDSA hash type, which select the signed outputs.
const ECDSA_OUTPUTS: u8 = 0x1f;
const NONE: u8 = 2;
const SINGLE: u8 = 3;
const ANYONECANPAY: u8 = 0x80;

fn legacy_fields(view: &TxView<'_>, script_code: &[u8], hash_type: u8) -> Vec<Field> {
    let mut written = Vec::new();
    if !legacy::write_message(view, script_code, hash_type.into(), &mut written) {
        return vec![Field::left_out(
            "everything",
            "SIGHASH_SINGLE without an output of this index signs the number one",
        )];
    }
    let mut fields = plain(written);
    if hash_type & ANYONECANPAY != 0 && view.tx.input.len() > 1 {
        fields.push(Field::left_out("other_inputs", "ANYONECANPAY signs this input only"));
    } else if hash_type & ECDSA_OUTPUTS == NONE || hash_type & ECDSA_OUTPUTS == SINGLE {
        fields.push(Field::left_out("nSequence of other inputs", "NONE and SINGLE put zero there"));
    }
    match hash_type & ECDSA_OUTPUTS {
        NONE => fields.push(Field::left_out("outputs", "NONE signs no output")),
        SINGLE => fields.push(Field::left_out("other outputs", "SINGLE signs the output of this index only")),
        _ => {}
    }
    fields.push(Field::left_out("amount", "legacy signatures do not sign the amount that is spent"));
    fields
}

fn segwit_v0_fields(view: &TxView<'_>, script_code: &[u8], hash_type: u8) -> Vec<Field> {
    let mut written = Vec::new();
    segwit_v0::write_message(view, script_code, hash_type.into(), &mut written);
    let mut fields = plain(written);
    for field in &mut fields {
        let why = match field.name {
            "hashPrevouts" => "zero: ANYONECANPAY leaves the other inputs out",
            "hashSequence" => "zero: ANYONECANPAY, NONE and SINGLE leave the other sequences out",
            "hashOutputs" => "zero: NONE, or SINGLE without an output of this index, leaves the outputs out",
            _ => continue,
        };
        if field.bytes.as_deref() == Some(&[0; 32]) {
            field.note = FieldNote::LeftOut(why);
        }
    }
    fields
}

/// Names of all fields that messages of BIP 341, BIP 342 and BIP 118 may have, in order.
const TAPROOT_FIELDS: &[&str] = &[
    "epoch",
    "hash_type",
    "nVersion",
    "nLockTime",
    "sha_prevouts",
    "sha_amounts",
    "sha_scriptpubkeys",
    "sha_sequences",
    "sha_outputs",
    "spend_type",
    "outpoint",
    "amount",
    "scriptPubKey",
    "nSequence",
    "input_index",
    "sha_annex",
    "sha_single_output",
    "tapleaf_hash",
    "key_version",
    "codesep_pos",
];

fn taproot_fields(view: &TxView<'_>, message: &TaprootMessage, hash_type: u8) -> Vec<Field> {
    let mut written: Vec<(&'static str, Vec<u8>)> = Vec::new();
    if taproot::write_message(view, message, hash_type, &mut written).is_none() {
        return Vec::new();
    }
    let written = plain(written);
    let absent = Absent { written: &written, message, hash_type };
    let field = |name: &&'static str| match written.iter().find(|field| field.name == *name) {
        Some(field) => Some(field.clone()),
        None => absent.note(name).map(|note| Field { name, bytes: None, note }),
    };
    TAPROOT_FIELDS.iter().filter_map(field).collect()
}

/// A taproot signature message with its fields, from which the reason is found why a field is absent from the message.
struct Absent<'f> {
    written: &'f [Field],
    message: &'f TaprootMessage,
    hash_type: u8,
}

impl Absent<'_> {
    fn has(&self, name: &str) -> bool {
        self.written.iter().any(|field| field.name == name)
    }

    /// Returns the reason why the message does not contain the field `name`. Returns `None` if messages of this kind,
    /// such as those of the key path, never contain the field.
    fn note(&self, name: &str) -> Option<FieldNote> {
        let bip118 = matches!(self.message.tapscript, Some(it) if it.key_version == KeyVersion::Bip118);
        let any_prevout = bip118 && self.hash_type & 0x40 != 0;
        let any_script = any_prevout && self.hash_type & 0x80 != 0;
        let one_input = if any_script {
            "ANYPREVOUTANYSCRIPT signs no other input"
        } else if any_prevout {
            "ANYPREVOUT signs no other input"
        } else {
            "ANYONECANPAY signs no other input"
        };
        let covered = |by: &'static str, otherwise: &'static str| match self.has(by) {
            true => FieldNote::In(by),
            false => FieldNote::LeftOut(otherwise),
        };
        Some(match name {
            "sha_prevouts" | "sha_amounts" | "sha_scriptpubkeys" | "sha_sequences" => {
                FieldNote::LeftOut(one_input)
            }
            "input_index" => FieldNote::LeftOut(if any_prevout {
                "BIP 118: any input may be the one that signs"
            } else {
                "ANYONECANPAY: any input may be the one that signs"
            }),
            "outpoint" => covered("sha_prevouts", "BIP 118: any outpoint may be spent"),
            "amount" => covered("sha_amounts", "ANYPREVOUTANYSCRIPT: an output of any amount may be spent"),
            "scriptPubKey" => {
                covered("sha_scriptpubkeys", "ANYPREVOUTANYSCRIPT: an output of any script may be spent")
            }
            "nSequence" => covered("sha_sequences", "not signed"),
            "sha_outputs" => covered("sha_single_output", "NONE signs no output"),
            "sha_single_output" => {
                return self.hash_type_is_single().then_some(FieldNote::LeftOut("there is none"));
            }
            "sha_annex" => FieldNote::LeftOut("the witness has no annex"),
            "tapleaf_hash" if any_script => FieldNote::LeftOut("ANYPREVOUTANYSCRIPT: any leaf may be spent"),
            // Messages of the key path never have the extension fields of tapscript.
            _ => return None,
        })
    }

    fn hash_type_is_single(&self) -> bool {
        self.hash_type & 3 == SINGLE
    }
}

/// Returns the meaning of a field's bytes as a note, or an empty note for bytes such as hashes.
fn meaning(name: &str, bytes: &[u8]) -> FieldNote {
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    let text = match (name, bytes.len()) {
        ("nVersion" | "nLockTime" | "input_index" | "input_count" | "output_count", 1..=4) => {
            number(bytes).to_string()
        }
        ("nSequence", 4) => format!("0x{:08x}", number(bytes)),
        ("amount", 8) => format!("{} sat", number(bytes)),
        ("codesep_pos", 4) if number(bytes) == u64::from(u32::MAX) => {
            "no OP_CODESEPARATOR was executed".into()
        }
        ("codesep_pos", 4) => format!("the OP_CODESEPARATOR at opcode {}", number(bytes)),
        ("hash_type", 1 | 4) => hash_type_name(bytes.first().copied().unwrap_or_default()),
        ("key_version", 1) if bytes == [0] => "a key of BIP 342".into(),
        ("key_version", 1) => "a key of BIP 118".into(),
        ("spend_type", 1) => {
            let path = if number(bytes) & 2 == 0 { "key path" } else { "script path" };
            format!("{path}, {} annex", if number(bytes) & 1 == 0 { "no" } else { "with" })
        }
        ("outpoint", 36) => match bytes.split_first_chunk::<32>() {
            Some((txid, vout)) => format!("{}:{}", bitcoin::Txid::from_byte_array(*txid), number(vout)),
            None => return FieldNote::None,
        },
        _ => return FieldNote::None,
    };
    FieldNote::Means(text)
}

/// Returns the name of a hash type, such as `SINGLE|ANYONECANPAY`. The hash type 0 is taproot's DEFAULT.
pub fn hash_type_name(hash_type: u8) -> String {
    let outputs = match hash_type & 3 {
        0 if hash_type == 0 => "DEFAULT",
        1 => "ALL",
        2 => "NONE",
        3 => "SINGLE",
        _ => return format!("undefined 0x{hash_type:02x}"),
    };
    match hash_type & !3 {
        0 => outputs.into(),
        0x80 => format!("{outputs}|ANYONECANPAY"),
        0x40 => format!("{outputs}|ANYPREVOUT"),
        0xc0 => format!("{outputs}|ANYPREVOUTANYSCRIPT"),
        _ => format!("undefined 0x{hash_type:02x}"),
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::absolute::LockTime;
    use bitcoin::hashes::{Hash, HashEngine, sha256};
    use bitcoin::transaction::Version;
    use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxIn, TxOut};
    use sigstack_interpreter::{Spend, TapscriptMessage};

    use super::*;

    fn tx() -> (Transaction, Vec<TxOut>) {
        let output =
            |amount| TxOut { value: Amount::from_sat(amount), script_pubkey: ScriptBuf::from(vec![0x51]) };
        let input = TxIn { sequence: Sequence(5), ..TxIn::default() };
        let tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![input.clone(), input],
            output: vec![output(1), output(2)],
        };
        (tx, vec![output(7), output(8)])
    }

    fn left_out(fields: &[Field]) -> Vec<&'static str> {
        let is_left_out = |field: &&Field| matches!(field.note, FieldNote::LeftOut(_));
        fields.iter().filter(is_left_out).map(|field| field.name).collect()
    }

    /// For every hash type and kind of taproot key, the bytes of all fields, in order, are the preimage of the
    /// signature hash. Fields without bytes are not part of the preimage.
    #[test]
    fn the_fields_that_are_there_are_the_preimage() {
        let (tx, prevouts) = tx();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let view = spend.view(1).unwrap();
        let tag = sha256::Hash::hash(b"TapSighash");
        let extension = |key_version| {
            Some(TapscriptMessage { key_version, leaf_hash: [4; 32], code_separator_position: u32::MAX })
        };
        let mut digests = 0;
        for annex_hash in [None, Some([9; 32])] {
            for tapscript in [None, extension(KeyVersion::Bip342), extension(KeyVersion::Bip118)] {
                for hash_type in 0..=255 {
                    let message = TaprootMessage { annex_hash, tapscript };
                    let Some(digest) = taproot::digest(&view, &message, hash_type) else { continue };
                    let mut engine = sha256::Hash::engine();
                    engine.input(tag.as_ref());
                    engine.input(tag.as_ref());
                    for field in taproot_fields(&view, &message, hash_type) {
                        engine.input(&field.bytes.unwrap_or_default());
                    }
                    assert_eq!(sha256::Hash::from_engine(engine).to_byte_array(), digest, "{hash_type:#x}");
                    digests += 1;
                }
            }
        }
        assert_eq!(digests, 2 * (7 + 7 + 13));
    }

    #[test]
    fn what_the_types_of_bip_118_leave_out_is_shown() {
        let (tx, prevouts) = tx();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let view = spend.view(0).unwrap();
        let tapscript = TapscriptMessage {
            key_version: KeyVersion::Bip118,
            leaf_hash: [4; 32],
            code_separator_position: 2,
        };
        let message = TaprootMessage { annex_hash: None, tapscript: Some(tapscript) };
        let of = |hash_type| taproot_fields(&view, &message, hash_type);
        let others = ["sha_prevouts", "sha_amounts", "sha_scriptpubkeys", "sha_sequences"];
        assert_eq!(left_out(&of(0x01)), ["sha_annex"]);
        assert_eq!(left_out(&of(0x41)), [&others[..], &["outpoint", "input_index", "sha_annex"]].concat());
        let any_script = ["outpoint", "amount", "scriptPubKey", "input_index", "sha_annex", "tapleaf_hash"];
        assert_eq!(left_out(&of(0xc1)), [&others[..], &any_script].concat());
        assert_eq!(left_out(&of(0xc2)), [&others[..], &["sha_outputs"], &any_script].concat());
    }

    #[test]
    fn ecdsa_messages_tell_what_they_leave_out() {
        let (tx, prevouts) = tx();
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let view = spend.view(0).unwrap();
        assert_eq!(left_out(&legacy_fields(&view, &[0x51], 0x01)), ["amount"]);
        assert_eq!(left_out(&legacy_fields(&view, &[0x51], 0x82)), ["other_inputs", "outputs", "amount"]);
        assert_eq!(left_out(&segwit_v0_fields(&view, &[0x51], 0x01)), [""; 0]);
        assert_eq!(
            left_out(&segwit_v0_fields(&view, &[0x51], 0x82)),
            ["hashPrevouts", "hashSequence", "hashOutputs"]
        );
    }

    #[test]
    fn hash_types_have_names() {
        let names = [0x00, 0x01, 0x83, 0x41, 0xc2, 0x04, 0x80].map(hash_type_name);
        assert_eq!(
            names,
            [
                "DEFAULT",
                "ALL",
                "SINGLE|ANYONECANPAY",
                "ALL|ANYPREVOUT",
                "NONE|ANYPREVOUTANYSCRIPT",
                "undefined 0x04",
                "undefined 0x80"
            ]
        );
    }
}
