//! Cases of ECDSA signatures that are not strict DER: encodings that were valid before BIP 66, and encodings that never
//! were.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{accept, in_phase, phase, reject, signed};
use super::mistakes::der::integers;
use crate::group::{Group, Only, Rule};
use crate::item::{Ecdsa, Item};
use crate::keys::Key;
use crate::modular::ORDER;
use crate::script::Script;
use crate::spec::{Spec, Version};

const LAX: Rule = Rule {
    source: "Bitcoin Core, ecdsa_signature_parse_der_lax",
    text: "without DERSIG the length of the whole is ignored, lengths may be long, and integers may be padded or lack their sign",
    only: None,
};
const CUT: Rule = Rule {
    source: "Bitcoin Core, ecdsa_signature_parse_der_lax",
    text: "a signature that ends early is invalid, wherever it ends",
    only: Some((Only::Accept, "the same with OP_CHECKSIG alone shows nothing else")),
};

/// The parts of a DER-encoded ECDSA signature, each of which can be changed.
#[derive(Clone)]
struct Parts {
    /// Tag and length of the outer DER sequence.
    header: Vec<u8>,
    r: Integer,
    s: Integer,
    /// Superfluous bytes between S and the hash type byte.
    after: Vec<u8>,
}

#[derive(Clone)]
struct Integer {
    tag: u8,
    length: Vec<u8>,
    value: Vec<u8>,
}

impl Integer {
    fn new(value: Vec<u8>) -> Integer {
        Integer { tag: 2, length: vec![value.len().to_le_bytes()[0]], value }
    }

    /// Encodes the length of the integer in the long form of DER: first a byte that states how many length bytes
    /// follow, then the length in that many bytes. `bytes` is this number.
    fn long(&mut self, bytes: usize) {
        let mut length = self.value.len().to_be_bytes().to_vec();
        let missing = bytes.saturating_sub(length.len());
        length.splice(0..0, vec![0; missing]);
        length.drain(..length.len() - bytes);
        self.length = [&[0x80 + bytes.to_le_bytes()[0]], length.as_slice()].concat();
    }

    /// Inserts zero bytes before the value of the DER integer, and adjusts its length.
    fn pad(&mut self, zeros: usize) {
        self.value.splice(0..0, vec![0; zeros]);
        match self.value.len() {
            length @ 0..128 => self.length = vec![length.to_le_bytes()[0]],
            128..256 => self.long(1),
            _ => self.long(2),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        [&[self.tag], self.length.as_slice(), &self.value].concat()
    }
}

impl Parts {
    fn bytes(&self) -> Vec<u8> {
        [self.header.clone(), self.r.bytes(), self.s.bytes(), self.after.clone(), vec![0x01]].concat()
    }
}

/// Function that changes the encoding of an ECDSA signature.
type Edit = Box<dyn Fn(&mut Parts)>;

fn edit(change: impl Fn(&mut Parts) + 'static) -> Edit {
    Box::new(change)
}

/// Creates a valid ECDSA signature and changes parts of its DER encoding by a function. Before the change, R and S have
/// 33 bytes each, of which the first is zero.
fn encoded(change: impl Fn(&mut Parts) + 'static) -> Item {
    Item::made(move |maker, _| {
        for nonce in 0..1_000 {
            // The signer creates the lower S, which needs no sign byte; the higher S does.
            let signature = Ecdsa { nonce, high_s: true, ..Ecdsa::new(Key(1), 1) };
            let (r, s) = integers(&maker.make(&signature.into())?)?;
            if r.len() == 33 && s.len() == 33 {
                let mut parts =
                    Parts { header: vec![0x30, 70], r: Integer::new(r), s: Integer::new(s), after: vec![] };
                change(&mut parts);
                return Ok(parts.bytes());
            }
        }
        Err("no nonce gives integers of 33 bytes".into())
    })
}

pub(super) fn cases(group: &mut Group) {
    for version in [Version::Bare, Version::P2wsh] {
        let lax = valid(group, version);
        invalid(group, version, lax);
    }
    cut(group, Version::P2wsh);
}

fn spec(version: Version, signature: Item, not: bool) -> Spec {
    let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
    let script = if not { script.op(Op::OP_NOT) } else { script };
    signed(version, script, &[signature]).without(Flags::DERSIG)
}

fn valid(group: &mut Group, version: Version) -> crate::group::Accepted {
    let mut rows: Vec<(String, Edit)> = Vec::new();
    for (name, header) in [
        ("zero", vec![0x30, 0]),
        ("one", vec![0x30, 1]),
        ("7f", vec![0x30, 0x7f]),
        ("80", vec![0x30, 0x80]),
        ("81", vec![0x30, 0x81, 70]),
        ("81-wrong", vec![0x30, 0x81, 0xff]),
        ("82", vec![0x30, 0x82, 0, 70]),
        ("83", vec![0x30, 0x83, 7, 7, 7]),
        ("fe", [&[0x30, 0xfe], [7; 126].as_slice()].concat()),
        ("ff", [&[0x30, 0xff], [7; 127].as_slice()].concat()),
    ] {
        rows.push((format!("length-{name}"), edit(move |parts| parts.header = header.clone())));
    }
    for bytes in [1, 2, 3, 4, 5, 8, 32, 100, 127] {
        rows.push((format!("r-long-{bytes}"), edit(move |parts| parts.r.long(bytes))));
        rows.push((format!("s-long-{bytes}"), edit(move |parts| parts.s.long(bytes))));
    }
    for zeros in [1, 2, 94, 95, 200, 222, 223, 300] {
        rows.push((format!("r-padded-{zeros}"), edit(move |parts| parts.r.pad(zeros))));
        rows.push((format!("s-padded-{zeros}"), edit(move |parts| parts.s.pad(zeros))));
    }
    rows.push((
        "r-no-sign".into(),
        edit(|parts| parts.r = Integer::new(parts.r.value.get(1..).unwrap_or_default().to_vec())),
    ));
    rows.push((
        "s-no-sign".into(),
        edit(|parts| parts.s = Integer::new(parts.s.value.get(1..).unwrap_or_default().to_vec())),
    ));
    for count in [1, 2, 3, 100] {
        rows.push((format!("after-{count}"), edit(move |parts| parts.after = vec![7; count])));
    }
    for (name, change) in rows {
        let spec = spec(version, encoded(change), false);
        let base = accept(group, version, &format!("lax-{name}"), &LAX, "a valid signature", spec);
        let dersig = |spec: &mut Spec| spec.flags |= Flags::DERSIG;
        let stops = super::build::at(Op::OP_CHECKSIG, ScriptError::SigDer);
        reject(group, version, &base, &format!("lax-{name}-dersig"), &LAX, "DERSIG is on", dersig, stops);
    }
    accept(
        group,
        version,
        "lax-good",
        &LAX,
        "a valid signature in strict DER",
        spec(version, encoded(|_| ()), false),
    )
}

/// Returns the order of the secp256k1 curve as the value bytes of a DER integer, with a leading zero byte.
fn order() -> Vec<u8> {
    [&[0], ORDER.0.as_slice()].concat()
}

/// Adds cases of invalid signatures that an implementation accepts if it omits one check of the encoding. The signature
/// check returns false, and OP_NOT makes the script valid. Each rejected case lacks OP_NOT.
fn invalid(group: &mut Group, version: Version, good: crate::group::Accepted) {
    let rows: Vec<(&str, &str, Edit)> = vec![
        ("tag", "the tag of the whole is 31", edit(|parts| parts.header = vec![0x31, 70])),
        ("r-tag", "the tag of R is 03", edit(|parts| parts.r.tag = 3)),
        ("s-tag", "the tag of S is 03", edit(|parts| parts.s.tag = 3)),
        ("r-more", "the length of R is one more", edit(|parts| parts.r.length = vec![34])),
        ("r-less", "the length of R is one less", edit(|parts| parts.r.length = vec![32])),
        ("s-more", "the length of S is one more", edit(|parts| parts.s.length = vec![34])),
        ("s-less", "the length of S is one less", edit(|parts| parts.s.length = vec![32])),
        ("s-long-more", "the length of S is one more", edit(|parts| parts.s.length = vec![0x81, 34])),
        ("r-huge", "the length of R has four bytes", edit(|parts| parts.r.length = vec![0x84, 1, 0, 0, 33])),
        ("s-huge", "the length of S has four bytes", edit(|parts| parts.s.length = vec![0x84, 1, 0, 0, 33])),
        ("s-65536", "the length of S has three bytes", edit(|parts| parts.s.length = vec![0x83, 1, 0, 33])),
        ("r-empty", "R is empty", edit(|parts| parts.r = Integer::new(vec![]))),
        ("r-order", "R is the order of the curve", edit(|parts| parts.r = Integer::new(order()))),
        ("s-order", "S is the order of the curve", edit(|parts| parts.s = Integer::new(order()))),
        ("s-empty", "S is empty", edit(|parts| parts.s = Integer::new(vec![]))),
        (
            "r-before",
            "a byte that is not zero precedes R",
            edit(|parts| {
                parts.r.value.insert(0, 1);
                parts.r.pad(0);
            }),
        ),
        (
            "s-before",
            "a byte that is not zero precedes S",
            edit(|parts| {
                parts.s.value.insert(0, 1);
                parts.s.pad(0);
            }),
        ),
        (
            "both-before",
            "a byte that is not zero precedes both",
            edit(|parts| {
                parts.r.value.insert(0, 1);
                parts.r.pad(0);
                parts.s.value.insert(0, 1);
                parts.s.pad(0);
            }),
        ),
        (
            "whole-long",
            "the length of the whole is longer than the rest",
            edit(|parts| parts.header = vec![0x30, 0xff]),
        ),
    ];
    for (name, why, change) in rows {
        let signature = encoded(change);
        let not = spec(version, signature.clone(), true);
        let id = format!("lax-bad-{name}");
        accept(group, version, &format!("{id}-not"), &LAX, &format!("{why}, and OP_NOT"), not);
        let change = |spec: &mut Spec| spec.stack = vec![signature];
        let stops = in_phase(phase(version), ScriptError::EvalFalse);
        reject(group, version, &good, &id, &LAX, why, change, stops);
    }
}

/// Adds cases of a truncated DER signature, for every number of remaining bytes. The lengths are encoded in more bytes
/// than necessary. The hash type byte follows the remaining bytes.
fn cut(group: &mut Group, version: Version) {
    let long = |parts: &mut Parts| {
        parts.header = vec![0x30, 0x82, 0, 76];
        parts.r.long(2);
        parts.s.long(2);
    };
    for size in 0..78_usize {
        let whole = encoded(long);
        let start = Item::made(move |maker, tweak| {
            let bytes = maker.make_tweaked(&whole, tweak)?;
            Ok([bytes.get(..size).ok_or("too short")?, &[0x01]].concat())
        });
        let id = format!("lax-first-{size}");
        accept(group, version, &id, &CUT, "it is cut, and OP_NOT", spec(version, start, true));
    }
}
