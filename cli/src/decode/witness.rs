//! Interprets a witness as every kind of input that it may belong to, the most specific kind first.

use core::fmt::Display;

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Script, ScriptBuf, TxOut, Witness};
use sigstack_debugger::{control_view, counted};
use sigstack_interpreter::taproot::annex;
use sigstack_interpreter::{Instructions, Opcode};

use super::tree::Fields;
use super::{P2A, control_fields};
use super::{kind, words};

/// What is known about the output that a witness spends.
enum Spent<'a> {
    Unknown,
    /// The output, or its redeem script, is this witness program.
    Program(&'a Script),
    /// The output is P2SH, and its redeem script is not known.
    P2sh,
    /// The output is spent without a witness. The text is the kind of the output, such as `P2PKH`.
    None(&'static str),
}

/// Returns the role of witness element `nth`, such as `control block`, according to the given interpretations of the
/// witness. Returns an empty text if none of them names the element.
pub(super) fn role(readings: &[Reading], nth: usize) -> String {
    let mut names: Vec<&str> = Vec::new();
    for (_, name) in readings.iter().flat_map(|reading| &reading.roles).filter(|(at, _)| *at == nth) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names.join(" or ")
}

/// One interpretation of a witness, such as a P2WSH witness or a taproot script path.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) fields: Fields,
    /// Indices of witness elements, each with the element's role, such as `control block`.
    roles: Vec<(usize, &'static str)>,
}

impl Reading {
    fn new(text: impl Display) -> Reading {
        let mut reading = Reading::default();
        reading.fields.text("as", text);
        reading
    }
}

/// Returns the possible interpretations of a witness. If the spent output is known, returns only those of its kind,
/// compared with its witness program. If none fits, returns one that explains why the witness does not fit or is not
/// needed. Returns an empty list only if the witness is empty and the spent output is unknown.
pub(super) fn readings(witness: &Witness, prevout: Option<&TxOut>, script_sig: &Script) -> Vec<Reading> {
    let elements: Vec<&[u8]> = witness.iter().collect();
    let redeem: ScriptBuf = last_push(script_sig).map(ScriptBuf::from_bytes).unwrap_or_default();
    let spent = match prevout.map(|prevout| prevout.script_pubkey.as_script()) {
        None if redeem.is_witness_program() => Spent::Program(&redeem),
        None => Spent::Unknown,
        Some(script) if script.is_witness_program() => Spent::Program(script),
        Some(script) if script.is_p2sh() && redeem.is_witness_program() => Spent::Program(&redeem),
        Some(script) if script.is_p2sh() && script_sig.is_empty() => Spent::P2sh,
        Some(script) => Spent::None(kind(script)),
    };
    let program = match spent {
        Spent::None(kind) if elements.is_empty() => {
            return vec![Reading::new(format!("{kind}: no witness, as it should be"))];
        }
        Spent::None(kind) => {
            let text = format!("unexpected: an output of kind {kind} is spent without a witness");
            return vec![Reading::new(text)];
        }
        Spent::P2sh if elements.is_empty() => {
            return vec![Reading::new(
                "P2SH: no witness, as it should be unless the redeem script is a witness program",
            )];
        }
        Spent::Program(program) => Some(program),
        Spent::P2sh | Spent::Unknown => None,
    };
    if elements.is_empty() && program.is_none() {
        return Vec::new();
    }
    // Taproot does not apply inside P2SH (BIP 341).
    let wanted = |is_kind: fn(&Script) -> bool, in_p2sh: bool| match spent {
        Spent::P2sh => in_p2sh,
        _ => program.is_none_or(is_kind),
    };
    let mut found = Vec::new();
    if wanted(Script::is_p2wpkh, true) {
        found.extend(key_hash(&elements, program));
    }
    if wanted(Script::is_p2tr, false) {
        found.extend(taproot(&elements, program));
    }
    if wanted(Script::is_p2wsh, true) {
        found.extend(script_hash(&elements, program));
    }
    if let Spent::P2sh = spent {
        let unknown =
            "P2SH: the redeem script says which fits; it is in the scriptSig and not in the witness";
        found.push(Reading::new(unknown));
    }
    if found.is_empty() {
        found.push(Reading::new(match program {
            Some(program) => without_reading(program, elements.len()),
            None => "none of P2WPKH, P2WSH and P2TR".into(),
        }));
    }
    found
}

/// Explains why a witness with this number of elements does not fit the witness program, or why the program needs no
/// witness.
fn without_reading(program: &Script, elements: usize) -> String {
    let kind = kind(program);
    let has = counted(elements, "element");
    let needs = |what: &str| format!("malformed: {kind} needs {what}; this witness has {has}");
    match () {
        () if program.is_p2wpkh() && elements == 2 => {
            format!("malformed: {kind} needs a DER signature and a compressed key of 33 bytes, in this order")
        }
        () if program.is_p2wpkh() => needs("2 elements, a signature and a key"),
        () if program.is_p2wsh() => needs("the witness script as its last element"),
        () if program.is_p2tr() && elements == 1 => {
            format!("malformed: a key path of {kind} needs a signature of 64 bytes, or 65 with a hash type")
        }
        () if program.is_p2tr() && elements > 1 => {
            format!("malformed: {kind} needs a signature alone, or a script and its control block at the end")
        }
        () if program.is_p2tr() => needs("a signature, or a script and its control block"),
        () if program.as_bytes() == P2A && elements == 0 => format!("{kind}: fits, no witness is needed"),
        () if program.as_bytes() == P2A => {
            format!("{kind}: valid by consensus; nodes relay only an empty witness, and this one has {has}")
        }
        () => {
            let version = program.witness_version().map_or(0, |version| version.to_num());
            match version {
                0 => "malformed: a program of witness version 0 has 20 or 32 bytes, so nothing can spend it"
                    .into(),
                _ => format!(
                    "witness version {version}: it has no rules for such a program, so every witness is valid"
                ),
            }
        }
    }
}

/// Returns the data that the last instruction of a scriptSig pushes. Returns `None` if the last instruction is not a
/// push of data.
fn last_push(script_sig: &Script) -> Option<Vec<u8>> {
    let last = Instructions::new(script_sig.as_bytes()).last()?.ok()?;
    (last.opcode <= Opcode::OP_PUSHDATA4).then(|| last.data.to_vec())
}

/// Adds a field that says whether `hash` equals the hash or key in the witness program. Adds nothing if the program
/// is not known.
fn compare(fields: &mut Fields, hash: &[u8], program: Option<&Script>) {
    if let Some(program) = program {
        let is_same = program.as_bytes().get(2..) == Some(hash);
        fields.value("fits the output", if is_same { "yes" } else { "no: its program is another" }, is_same);
    }
}

/// Interprets a witness as that of a P2WPKH input: a DER signature or an empty element, then a compressed key. Returns
/// `None` if the elements of the witness are not of this kind.
fn key_hash(elements: &[&[u8]], program: Option<&Script>) -> Option<Reading> {
    let [signature, key @ [2 | 3, ..]] = elements else { return None };
    let is_signature = signature.is_empty() || signature.first() == Some(&0x30) && signature.len() <= 73;
    if key.len() != 33 || !is_signature {
        return None;
    }
    let mut reading = Reading::new("P2WPKH: a signature and a key");
    compare(&mut reading.fields, hash160::Hash::hash(key).as_ref(), program);
    Some(reading)
}

/// Returns `true` for a leaf version that BIP 341 allows for scripts: "all even values between 0xc0 and 0xfe
/// (inclusive) and also 0x66, 0x7e, 0x80, 0x84, 0x96, 0x98, 0xba, 0xbc, 0xbe".
fn is_leaf_version(version: u8) -> bool {
    version >= 0xc0 || matches!(version, 0x66 | 0x7e | 0x80 | 0x84 | 0x96 | 0x98 | 0xba | 0xbc | 0xbe)
}

fn taproot(elements: &[&[u8]], program: Option<&Script>) -> Option<Reading> {
    let annex = annex(elements.len(), elements.last().copied());
    let rest = elements.get(..elements.len() - usize::from(annex.is_some())).unwrap_or_default();
    let mut reading = match rest {
        [signature] if matches!(signature.len(), 64 | 65) => Reading::new("P2TR key path: a signature"),
        [stack @ .., script, control] => {
            let view = control_view(control, Some(script)).ok()?;
            if !is_leaf_version(view.leaf_version) && program.is_none() {
                return None;
            }
            let mut reading = Reading::new("P2TR script path: stack, leaf script, control block");
            reading.roles.extend([(stack.len(), "leaf script"), (stack.len() + 1, "control block")]);
            let fields = &mut reading.fields;
            fields.text("leaf script", words(script));
            let key = view.output_key;
            fields.fields("control block", control_fields(&view));
            if let Some((key, is_odd)) = key {
                let key: &[u8] = if is_odd == view.output_key_is_odd { &key } else { &[] };
                compare(fields, key, program);
            }
            reading
        }
        _ => return None,
    };
    if let Some(annex) = annex {
        let name =
            if annex.len() == 1 { "the last element, empty but for its tag" } else { "the last element" };
        reading.fields.text("annex", name);
        reading.roles.push((rest.len(), "annex"));
    }
    Some(reading)
}

/// Returns `true` if bytes can be a segwit v0 script: it has no truncated push and no opcode that always fails there.
fn is_v0_script(bytes: &[u8]) -> bool {
    let is_known = |opcode: Opcode| opcode <= Opcode::OP_NOP10;
    let is_key = matches!(bytes, [2 | 3, ..] if bytes.len() == 33);
    !is_key && Instructions::new(bytes).all(|instruction| instruction.is_ok_and(|it| is_known(it.opcode)))
}

fn script_hash(elements: &[&[u8]], program: Option<&Script>) -> Option<Reading> {
    let (script, stack) = elements.split_last()?;
    if program.is_none() && (script.is_empty() || !is_v0_script(script)) {
        return None;
    }
    let mut reading = Reading::new("P2WSH: stack, witness script");
    reading.roles.push((stack.len(), "witness script"));
    reading.fields.text("witness script", words(script));
    compare(&mut reading.fields, sha256::Hash::hash(script).as_ref(), program);
    Some(reading)
}
