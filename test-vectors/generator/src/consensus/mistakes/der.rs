//! Cases of ECDSA signatures whose encoding or integers an implementation with a certain bug accepts.

#![allow(clippy::indexing_slicing, reason = "a generator of fixed cases: a wrong index stops it at once")]

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use crate::consensus::build::{at, in_phase, phase};
use crate::group::{Group, Rule};
use crate::item::{Ecdsa, Item};
use crate::keys::Key;
use crate::script::Script;
use crate::spec::{Spec, Version};

const DER: Rule = Rule {
    source: "BIP 66, Specification",
    text: "a signature is encoded strictly, and an integer that does not fit makes it invalid",
    only: None,
};

/// The order of the secp256k1 curve, big-endian.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba,
    0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];
/// Half of the curve order, rounded down: the largest S that policy considers low.
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x5d,
    0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
];

/// Encodes these integers as a DER signature with SIGHASH_ALL.
fn encoded(r: &[u8], s: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| bytes.len().to_le_bytes()[0];
    let body = [&[2, size(r)], r, &[2, size(s)], s].concat();
    [&[0x30, size(&body)], body.as_slice(), &[1]].concat()
}

/// Returns the integers R and S of a DER signature.
pub(in crate::consensus) fn integers(signature: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
    let part = |start: usize| {
        let size = usize::from(*signature.get(start).ok_or("no length")?);
        signature.get(start + 1..start + 1 + size).map(<[u8]>::to_vec).ok_or("cut short")
    };
    let r = part(3)?;
    let s = part(3 + r.len() + 2)?;
    Ok((r, s))
}

/// Returns the sum of an integer and the order of the curve, big-endian in 33 bytes.
fn plus_order(number: &[u8]) -> Vec<u8> {
    let mut sum = [&[0], ORDER.as_slice()].concat();
    let mut carry = 0;
    for place in 0..33 {
        let digit = number.len().checked_sub(place + 1).and_then(|at| number.get(at)).copied().unwrap_or(0);
        let total = u16::from(sum[32 - place]) + u16::from(digit) + carry;
        sum[32 - place] = total.to_le_bytes()[0];
        carry = total >> 8;
    }
    sum
}

/// Creates a valid ECDSA signature, then passes its integers R and S to a function and encodes what the function
/// returns.
fn tampered(change: fn(Vec<u8>, Vec<u8>) -> Vec<u8>) -> Item {
    Item::made(move |maker, _| {
        let (r, s) = integers(&maker.make(&Ecdsa::new(Key(1), 1).into())?)?;
        Ok(change(r, s))
    })
}

pub(super) fn cases(group: &mut Group) {
    let version = Version::P2wsh;
    let script = Script::new().push(&Key(1).compressed()).op(Op::OP_CHECKSIG);
    let not = script.clone().op(Op::OP_NOT);
    let spend = |script: &Script, item: Item| Spec::new(version, script.clone()).with(item);
    let good =
        group.accept("der-good", &DER, "a valid signature", spend(&script, Ecdsa::new(Key(1), 1).into()));
    let empty = spend(&not, Item::Bytes(vec![]));
    let turned = group.accept("der-good-not", &DER, "an empty signature, and OP_NOT", empty);
    // These signatures are strict DER, but invalid.
    for (name, difference, item) in [
        ("r-plus-order", "R has the order added to it", tampered(|r, s| encoded(&plus_order(&r), &s))),
        ("s-plus-order", "S has the order added to it", tampered(|r, s| encoded(&r, &plus_order(&s)))),
        (
            "r-with-byte",
            "a byte precedes R",
            tampered(|r, s| encoded(&[&[1], &r[r.len().saturating_sub(32)..]].concat(), &s)),
        ),
        ("r-zero", "R is zero", tampered(|_, s| encoded(&[0], &s))),
        ("s-zero", "S is zero", tampered(|r, _| encoded(&r, &[0]))),
    ] {
        let id = format!("der-{name}");
        group.accept_changed(&turned, &format!("{id}-not"), &DER, difference, |spec| {
            spec.stack[0] = item.clone()
        });
        let stops = in_phase(phase(version), ScriptError::EvalFalse);
        group.reject(&good, &id, &DER, difference, |spec| spec.stack[0] = item, stops);
    }
    // These signatures are not strict DER.
    for (name, difference, item) in [
        ("74-bytes", "it has 74 bytes", Item::Bytes(encoded(&[1; 34], &[1; 33]))),
        ("empty-r", "R has no bytes", tampered(|_, s| encoded(&[], &s))),
        ("empty-s", "S has no bytes", tampered(|r, _| encoded(&r, &[]))),
        (
            "byte-after-s",
            "a byte follows S, which the length counts",
            tampered(|r, s| {
                let mut bytes = encoded(&r, &s);
                let place = bytes.len() - 1;
                bytes.insert(place, 0);
                bytes[1] += 1;
                bytes
            }),
        ),
        (
            "byte-after",
            "a byte follows, which no length counts",
            tampered(|r, s| {
                let mut bytes = encoded(&r, &s);
                let place = bytes.len() - 1;
                bytes.insert(place, 0);
                bytes
            }),
        ),
        (
            "padded-r",
            "R has a zero more in front",
            tampered(|r, s| encoded(&[&[0], r.as_slice()].concat(), &s)),
        ),
        (
            "padded-s",
            "S has a zero more in front",
            tampered(|r, s| encoded(&r, &[&[0, 0], s.as_slice()].concat())),
        ),
    ] {
        let stops = at(Op::OP_CHECKSIG, ScriptError::SigDer);
        let id = format!("der-{name}");
        group.reject(&good, &id, &DER, difference, |spec| spec.stack[0] = item.clone(), stops);
        group.reject(&turned, &format!("{id}-not"), &DER, difference, |spec| spec.stack[0] = item, stops);
    }
    let low = |s: &[u8]| Item::Bytes(encoded(&[1; 32], s));
    let half = spend(&not, low(&HALF)).under(Flags::LOW_S);
    let base = group.accept("low-s-half", &DER, "S is half the order, and policy wants a low S", half);
    let mut above = HALF;
    above[31] += 1;
    let stops = at(Op::OP_CHECKSIG, ScriptError::SigHighS);
    group.reject(&base, "low-s-above", &DER, "S is one more", |spec| spec.stack[0] = low(&above), stops);
}
