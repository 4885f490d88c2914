//! Cases of unusual public keys and ECDSA signatures: coordinates and integers at the limits of their range, special
//! points, hybrid keys.

use sigstack_interpreter::{Opcode as Op, ScriptError};

use super::build::{accept, bytes, in_phase, phase, reject, signed};
use super::mistakes::der::integers;
use crate::forge::Forged;
use crate::group::{Group, Rule};
use crate::item::{Change, Ecdsa, Item, Signature};
use crate::keys::{Key, OFF_CURVE};
use crate::modular::{Number, ORDER, bits, small};
use crate::script::Script;
use crate::spec::{Spec, Version};

const FORMS: Rule = Rule {
    source: "SEC 1, section 2.3.4; Bitcoin Core, CPubKey",
    text: "keys of each form and of both parities have valid signatures",
    only: None,
};
const NO_KEY: Rule = Rule {
    source: "SEC 1, section 2.3.4; Bitcoin Core, CPubKey",
    text: "a key of another size, or with no point on the curve, has no valid signature",
    only: None,
};
const GENERATOR: Rule = Rule {
    source: "SEC 1, section 4.1.4; BIP 340, Verification",
    text: "the generator and its negation are keys like others",
    only: None,
};
const NUMBERS: Rule = Rule {
    source: "SEC 1, section 4.1.4",
    text: "R and S are from 1 to the order less 1, and R is the X coordinate of the point modulo the order",
    only: None,
};
const FORGED: Rule = Rule {
    source: "SEC 1, section 4.1.4",
    text: "a number of the order or more, the point at infinity and a key off the curve make a signature invalid",
    only: None,
};

pub(super) fn cases(group: &mut Group) {
    for version in [Version::Bare, Version::P2wsh] {
        forms(group, version);
        hybrids(group, version);
        no_keys(group, version);
        generators(group, version);
        cancelled(group, version);
        numbers(group, version);
    }
    tapscript_generator(group);
}

/// Describes an input that spends the script `<key> CHECKSIG`, or `<key> CHECKSIG NOT` if `not` is set.
fn check(version: Version, key: &[u8], not: bool, signature: Item) -> Spec {
    let script = Script::new().push(key).op(Op::OP_CHECKSIG);
    signed(version, if not { script.op(Op::OP_NOT) } else { script }, &[signature])
}

/// Adds a pair of cases in which the signature check returns false. With OP_NOT after it the case is valid, without
/// OP_NOT it is rejected.
fn false_check(
    group: &mut Group,
    version: Version,
    rule: &'static Rule,
    (id, why): (&str, &str),
    spec: impl Fn(bool) -> Spec,
) {
    let base = accept(group, version, id, rule, &format!("{why}, and OP_NOT"), spec(true));
    let stops = in_phase(phase(version), ScriptError::EvalFalse);
    let change = |changed: &mut Spec| *changed = spec(false);
    reject(group, version, &base, &format!("{id}-alone"), rule, "nothing turns it", change, stops);
}

/// Returns the first of the fixed keys whose compressed encoding begins with `first`, which is 2 or 3.
fn with_parity(first: u8) -> Key {
    (1..Key::GENERATOR.0).map(Key).find(|key| key.compressed().first() == Some(&first)).unwrap_or(Key(1))
}

fn forms(group: &mut Group, version: Version) {
    for (parity, key) in [("even", with_parity(2)), ("odd", with_parity(3))] {
        let other = |mut key: Vec<u8>| {
            key.iter_mut().take(1).for_each(|first| *first ^= 1);
            key
        };
        let all = || Item::from(Ecdsa::new(key, 1));
        for (form, bytes) in
            [("compressed", key.compressed()), ("uncompressed", key.uncompressed()), ("hybrid", key.hybrid())]
        {
            let id = format!("key-{form}-{parity}");
            let comment = format!("a {form} key with an {parity} Y");
            let base = accept(group, version, &id, &FORMS, &comment, check(version, &bytes, false, all()));
            let stops = in_phase(phase(version), ScriptError::EvalFalse);
            let signer = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(9), 1).into()];
            reject(group, version, &base, &format!("{id}-other"), &FORMS, "another key signs", signer, stops);
            if form != "uncompressed" {
                let name = (format!("{id}-wrong"), "the first byte is that of the other parity");
                let wrong = other(bytes);
                let spec = |not| check(version, &wrong, not, all());
                false_check(group, version, &NO_KEY, (&name.0, name.1), spec);
            }
        }
    }
}

/// Adds cases with six hybrid keys. Their first byte is 6 or 7, depending on the parity of Y, so that one key would
/// test only one of the two values.
fn hybrids(group: &mut Group, version: Version) {
    for nth in 2..8 {
        let key = Key(nth);
        let spec = check(version, &key.hybrid(), false, Ecdsa::new(key, 1).into());
        let id = format!("key-hybrid-{nth}");
        let base = accept(group, version, &id, &FORMS, "a hybrid key", spec);
        let stops = in_phase(phase(version), ScriptError::EvalFalse);
        let signer = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(9), 1).into()];
        reject(group, version, &base, &format!("{id}-other"), &FORMS, "another key signs", signer, stops);
    }
}

fn no_keys(group: &mut Group, version: Version) {
    let even = with_parity(2);
    let spread = |key: Vec<u8>, place: usize| {
        let mut key = key;
        key.insert(place, 0);
        key
    };
    for (name, key) in [
        ("compressed-34", spread(even.compressed(), 1)),
        ("compressed-34-after", spread(even.compressed(), 33)),
        ("uncompressed-66", spread(even.uncompressed(), 33)),
        ("uncompressed-66-after", spread(even.uncompressed(), 65)),
        ("uncompressed-66-before", spread(even.uncompressed(), 1)),
        ("off-curve-02", [&[2], OFF_CURVE.as_slice()].concat()),
        ("off-curve-03", [&[3], OFF_CURVE.as_slice()].concat()),
        ("off-curve-04", [&[4], OFF_CURVE.as_slice(), &[1; 32]].concat()),
        ("field-02", [&[2], [0xff; 32].as_slice()].concat()),
        ("field-04", [&[4], [0xff; 64].as_slice()].concat()),
    ] {
        let spec = |not| check(version, &key, not, Ecdsa::new(even, 1).into());
        let id = format!("no-key-{name}");
        false_check(group, version, &NO_KEY, (&id, "the key is no point on the curve"), spec);
    }
}

fn generators(group: &mut Group, version: Version) {
    for (name, key) in [("generator", Key::GENERATOR), ("negated-generator", Key::NEGATED_GENERATOR)] {
        for nonce in 0..8 {
            let signature = Ecdsa { nonce, ..Ecdsa::new(key, 1) };
            let spec = check(version, &key.compressed(), false, signature.into());
            let id = format!("{name}-{nonce}");
            let base =
                accept(group, version, &id, &GENERATOR, "the key is the generator or its negation", spec);
            let change = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(9), 1).into()];
            let stops = in_phase(phase(version), ScriptError::EvalFalse);
            reject(
                group,
                version,
                &base,
                &format!("{id}-other"),
                &GENERATOR,
                "another key signs",
                change,
                stops,
            );
        }
    }
}

/// Adds cases of a signature whose verification passes through the point at infinity. An implementation that computes
/// `u1·G + u2·P` bit by bit from the top bit first reaches 8·G. Then it adds the key P, which is -8·G.
fn cancelled(group: &mut Group, version: Version) {
    let key = Key::NEGATED_EIGHT;
    let signature = Item::made(move |maker, _| {
        let digest = maker.ecdsa_digest(&Ecdsa::new(key, 1))?;
        for nonce in 0..10_000 {
            let signature = maker.make(&Ecdsa { nonce, ..Ecdsa::new(key, 1) }.into())?;
            let (r, s) = integers(&signature)?;
            let inverse = ORDER.inverse(&number(&s));
            let factors = [ORDER.mul(&digest, &inverse), ORDER.mul(&number(&r), &inverse)];
            let pairs = bits(&factors[0]).zip(bits(&factors[1])).skip_while(|pair| *pair == (false, false));
            if pairs.take(4).eq([(true, false), (false, false), (false, false), (false, true)]) {
                return Ok(signature);
            }
        }
        Err("no nonce gives such factors".into())
    });
    let spec = check(version, &key.compressed(), false, signature);
    let comment = "the key cancels what is there of the sum, which goes on from infinity";
    let base = accept(group, version, "cancelled", &GENERATOR, comment, spec);
    let change = |spec: &mut Spec| spec.stack = vec![Ecdsa::new(Key(9), 1).into()];
    let stops = in_phase(phase(version), ScriptError::EvalFalse);
    reject(group, version, &base, "cancelled-other", &GENERATOR, "another key signs", change, stops);
}

/// Converts the value bytes of a DER integer to a 256-bit number.
fn number(integer: &[u8]) -> Number {
    let digits: Vec<u8> = integer.iter().copied().skip_while(|digit| *digit == 0).collect();
    let mut number = small(0);
    number.iter_mut().rev().zip(digits.iter().rev()).for_each(|(place, digit)| *place = *digit);
    number
}

fn tapscript_generator(group: &mut Group) {
    let version = Version::Tapscript;
    let key = Key::GENERATOR;
    for hash_type in [0, 1, 2, 3, 0x81, 0x82, 0x83] {
        let item: Item = Signature::new(key, hash_type, sigstack_interpreter::KeyVersion::Bip342).into();
        let spec =
            Spec::new(version, Script::new().push(&key.x_only()).op(Op::OP_CHECKSIG)).with(item.clone());
        let id = format!("generator-{hash_type:02x}");
        let base = accept(group, version, &id, &GENERATOR, "the key is the generator", spec);
        let change = |spec: &mut Spec| spec.stack = vec![Item::Changed(Box::new(item), Change::Flip(40))];
        let stops = super::build::at(Op::OP_CHECKSIG, ScriptError::SchnorrSig);
        reject(
            group,
            version,
            &base,
            &format!("{id}-other"),
            &GENERATOR,
            "a bit of S is flipped",
            change,
            stops,
        );
    }
}

fn numbers(group: &mut Group, version: Version) {
    let spec = |forged: Forged, not: bool| {
        let script = Script::new().op(Op::OP_CHECKSIG);
        signed(version, if not { script.op(Op::OP_NOT) } else { script }, &forged.items())
    };
    for (id, comment, forged) in [
        ("ones", "R and S are 1", Forged::Ones),
        ("x-beyond-order", "the X coordinate is more than the order", Forged::XBeyondOrder),
    ] {
        let base = accept(group, version, id, &NUMBERS, comment, spec(forged, false));
        let key = bytes(&Key(9).compressed());
        let change = |spec: &mut Spec| spec.stack.splice(1.., [key]).for_each(drop);
        let stops = in_phase(phase(version), ScriptError::EvalFalse);
        reject(
            group,
            version,
            &base,
            &format!("{id}-other"),
            &NUMBERS,
            "the key is another one",
            change,
            stops,
        );
    }
    for (id, why, forged) in [
        ("s-plus-order", "the order is added to S, which is 1", Forged::SPlusOrder),
        ("r-plus-order", "the order is added to R, which is 1", Forged::RPlusOrder),
        ("infinity", "the point of the equation is infinity", Forged::Infinity),
        ("off-curve-larger", "the key is not on the curve", Forged::OffCurve { larger: true }),
        ("off-curve-smaller", "the key is not on the curve", Forged::OffCurve { larger: false }),
    ] {
        false_check(group, version, &FORGED, (id, why), |not| spec(forged, not));
    }
}
