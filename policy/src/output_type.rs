//! Standard forms of a scriptPubKey (Core `Solver`).

use bitcoin::Script;
use sigstack_interpreter::{Instruction, Instructions, Opcode};

/// Maximum number of keys of `OP_CHECKMULTISIG` (Core `MAX_PUBKEYS_PER_MULTISIG`).
const MAX_KEYS: u8 = 20;

/// Form of a scriptPubKey (Core `TxoutType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputType {
    /// Pay to public key (P2PK): `<key> OP_CHECKSIG`.
    P2pk,
    /// Pay to public key hash (P2PKH).
    P2pkh,
    /// Pay to script hash (P2SH, BIP 16).
    P2sh,
    /// Bare multisig: `OP_CHECKMULTISIG` in the scriptPubKey itself.
    BareMultisig {
        /// Number of keys in the multisig script, from 1 to 20.
        keys: usize,
    },
    /// Data output: `OP_RETURN` followed only by pushes.
    NullData,
    /// Pay to witness public key hash (P2WPKH, BIP 141).
    P2wpkh,
    /// Pay to witness script hash (P2WSH, BIP 141).
    P2wsh,
    /// Pay to taproot (P2TR, BIP 341).
    P2tr,
    /// Pay to anchor (P2A): `OP_1 <4e73>`.
    P2a,
    /// A witness program of version 1 to 16 whose version and length have no consensus rules yet.
    WitnessUnknown {
        /// Witness version of the witness program, from 1 to 16.
        version: u8,
    },
    /// A scriptPubKey that has none of the standard forms.
    NonStandard,
}

impl OutputType {
    /// Returns the standard form of a scriptPubKey, or [`OutputType::NonStandard`].
    pub fn of(script: &Script) -> OutputType {
        const RETURN: u8 = Opcode::OP_RETURN.0;
        if script.is_p2sh() {
            return OutputType::P2sh;
        }
        if let Some(version) = script.witness_version() {
            return witness_program(script, version.to_num());
        }
        match script.as_bytes() {
            [RETURN, pushes @ ..] if is_push_only(pushes) => OutputType::NullData,
            _ if is_p2pk(script.as_bytes()) => OutputType::P2pk,
            _ if script.is_p2pkh() => OutputType::P2pkh,
            bytes => {
                multisig_keys(bytes).map_or(OutputType::NonStandard, |keys| OutputType::BareMultisig { keys })
            }
        }
    }
}

fn witness_program(script: &Script, version: u8) -> OutputType {
    match (version, script.as_bytes()) {
        (0, bytes) if bytes.len() == 22 => OutputType::P2wpkh,
        (0, bytes) if bytes.len() == 34 => OutputType::P2wsh,
        (0, _) => OutputType::NonStandard,
        (1, bytes) if bytes.len() == 34 => OutputType::P2tr,
        (1, [_, _, 0x4e, 0x73]) => OutputType::P2a,
        _ => OutputType::WitnessUnknown { version },
    }
}

/// Returns whether a script consists only of complete pushes (Core `IsPushOnly`, which counts `OP_RESERVED` as a push).
pub(crate) fn is_push_only(script: &[u8]) -> bool {
    Instructions::new(script).all(|instruction| instruction.is_ok_and(|it| it.opcode.is_push()))
}

/// Returns whether a public key has the length that its first byte requires (Core `CPubKey::ValidSize`).
fn has_key_size(key: &[u8]) -> bool {
    matches!((key.first(), key.len()), (Some(2 | 3), 33) | (Some(4 | 6 | 7), 65))
}

fn is_p2pk(script: &[u8]) -> bool {
    const CHECKSIG: u8 = Opcode::OP_CHECKSIG.0;
    match script {
        [size, key @ .., CHECKSIG] => usize::from(*size) == key.len() && has_key_size(key),
        _ => false,
    }
}

/// Returns the number of keys of a script of the form `m <key>... n OP_CHECKMULTISIG` (Core `MatchMultisig`). Returns
/// `None` for other scripts.
fn multisig_keys(script: &[u8]) -> Option<usize> {
    let mut instructions = Instructions::new(script).map_while(Result::ok);
    let required = small_number(&instructions.next()?)?;
    let mut keys = 0;
    let count = loop {
        let instruction = instructions.next()?;
        if !has_key_size(instruction.data) {
            break small_number(&instruction)?;
        }
        keys += 1;
    };
    let last = instructions.next()?;
    let is_last = last.opcode == Opcode::OP_CHECKMULTISIG && last.byte_offset + 1 == script.len();
    let fits = (1..=count).contains(&required) && keys == count;
    (is_last && fits).then_some(keys)
}

/// Returns the number that an instruction pushes. Returns `None` unless the number is from 1 to 20 and minimally
/// encoded: `OP_1` to `OP_16`, or a push of one byte for 17 to 20 (Core `GetScriptNumber`).
fn small_number(instruction: &Instruction<'_>) -> Option<usize> {
    match (instruction.opcode, instruction.data) {
        (opcode @ Opcode(0x51..=0x60), _) => Some(usize::from(opcode.0 - 0x50)),
        (Opcode(1), [number @ 17..=MAX_KEYS]) => Some(usize::from(*number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(hex: &str) -> OutputType {
        OutputType::of(Script::from_bytes(&hex::decode(hex).unwrap()))
    }

    #[test]
    fn each_form_differs_from_its_neighbours_in_one_byte() {
        let (k33, k65) = (format!("02{}", "11".repeat(32)), format!("04{}", "11".repeat(64)));
        let h20 = "22".repeat(20);
        let h32 = "33".repeat(32);
        let non_standard = OutputType::NonStandard;
        for (script, form) in [
            (format!("21{k33}ac"), OutputType::P2pk),
            (format!("41{k65}ac"), OutputType::P2pk),
            (format!("21{k33}ad"), non_standard),
            (format!("2105{}ac", "11".repeat(32)), non_standard),
            (format!("4105{}ac", "11".repeat(64)), non_standard),
            (format!("76a914{h20}88ac"), OutputType::P2pkh),
            (format!("76a914{h20}88ad"), non_standard),
            (format!("a914{h20}87"), OutputType::P2sh),
            (format!("a914{h20}88"), non_standard),
            (format!("0014{h20}"), OutputType::P2wpkh),
            (format!("0015{h20}22"), non_standard),
            (format!("0020{h32}"), OutputType::P2wsh),
            (format!("5120{h32}"), OutputType::P2tr),
            (format!("5121{h32}33"), OutputType::WitnessUnknown { version: 1 }),
            (format!("5220{h32}"), OutputType::WitnessUnknown { version: 2 }),
            ("60020102".into(), OutputType::WitnessUnknown { version: 16 }),
            ("61020102".into(), non_standard),
            ("51024e73".into(), OutputType::P2a),
            ("51024e74".into(), OutputType::WitnessUnknown { version: 1 }),
            ("52024e73".into(), OutputType::WitnessUnknown { version: 2 }),
            ("5101".into(), non_standard),
            ("510101".into(), non_standard),
            (format!("5128{}", "44".repeat(40)), OutputType::WitnessUnknown { version: 1 }),
            (format!("5129{}", "44".repeat(41)), non_standard),
            ("6a".into(), OutputType::NullData),
            ("6a02aabb".into(), OutputType::NullData),
            ("6a50604f".into(), OutputType::NullData),
            ("6a02aa".into(), non_standard),
            ("6a61".into(), non_standard),
            (String::new(), non_standard),
            ("51".into(), non_standard),
        ] {
            assert_eq!(of(&script), form, "{script}");
        }
    }

    #[test]
    fn multisig_has_as_many_keys_as_it_says() {
        let key = format!("2102{}", "11".repeat(32));
        let long = format!("4104{}", "11".repeat(64));
        let multisig = |keys| OutputType::BareMultisig { keys };
        for (script, form) in [
            (format!("51{key}51ae"), multisig(1)),
            (format!("51{key}{long}52ae"), multisig(2)),
            (format!("53{}53ae", key.repeat(3)), multisig(3)),
            (format!("54{}53ae", key.repeat(3)), OutputType::NonStandard),
            (format!("00{}53ae", key.repeat(3)), OutputType::NonStandard),
            (format!("51{}53ae", key.repeat(2)), OutputType::NonStandard),
            (format!("51{}52ae", key.repeat(3)), OutputType::NonStandard),
            (format!("51{}52af", key.repeat(2)), OutputType::NonStandard),
            (format!("51{}52ae61", key.repeat(2)), OutputType::NonStandard),
            (format!("51{}52ae02ae", key.repeat(2)), OutputType::NonStandard),
            (format!("51{}0102ae", key.repeat(2)), OutputType::NonStandard),
            (format!("51{}60ae", key.repeat(16)), multisig(16)),
            (format!("51{}0111ae", key.repeat(17)), multisig(17)),
            (format!("0111{}0111ae", key.repeat(17)), multisig(17)),
            (format!("51{}4c0111ae", key.repeat(17)), OutputType::NonStandard),
            (format!("51{}0114ae", key.repeat(20)), multisig(20)),
            (format!("51{}0115ae", key.repeat(21)), OutputType::NonStandard),
            (format!("51{}01ae", key.repeat(2)), OutputType::NonStandard),
            ("5151ae".into(), OutputType::NonStandard),
            ("ae".into(), OutputType::NonStandard),
        ] {
            assert_eq!(of(&script), form, "{script}");
        }
    }
}
