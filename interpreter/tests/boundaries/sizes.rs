//! Tests of limits inside scripts: a value at a limit is valid, and a value one beyond the limit is not.

use sigstack_interpreter::ScriptError as E;
use sigstack_interpreter::proposals::checktemplateverify::check_template_digest;
use sigstack_interpreter::{Context, Flags, Host, MockHost};

use crate::{CHECKSIG, DROP, NOP, TRUE, public_key, push, run, tapscript};

const CHECKMULTISIG: u8 = 0xae;
const ENDIF: u8 = 0x68;
const IF: u8 = 0x63;
const RESERVED: u8 = 0x50;

fn error(script: &[u8], elements: &[&[u8]], context: &Context, flags: Flags) -> Option<E> {
    run(script, elements, context.clone(), flags, true).err()
}

#[test]
fn scripts() {
    for (context, too_long) in [
        (Context::Legacy, Some(E::ScriptSize)),
        (Context::WitnessV0, Some(E::ScriptSize)),
        (tapscript(0), None),
    ] {
        // One hundred times, push 97 bytes and drop them: the script reaches no limit other than its own size limit.
        let mut script = [&push(&[1; 97])[..], &[DROP]].concat().repeat(100);
        assert_eq!((script.len(), error(&script, &[], &context, Flags::NONE)), (10_000, None));
        script.push(TRUE);
        assert_eq!(error(&script, &[], &context, Flags::NONE), too_long);
    }
}

#[test]
fn elements() {
    for context in [Context::Legacy, Context::WitnessV0, tapscript(0)] {
        assert_eq!(error(&push(&[1; 520]), &[], &context, Flags::NONE), None);
        assert_eq!(error(&push(&[1; 521]), &[], &context, Flags::NONE), Some(E::PushSize));
        // The limit also applies in a branch that is not executed.
        let skipped = |length: usize| [&[0, IF][..], &push(&vec![1; length]), &[ENDIF]].concat();
        assert_eq!(error(&skipped(520), &[], &context, Flags::NONE), None);
        assert_eq!(error(&skipped(521), &[], &context, Flags::NONE), Some(E::PushSize));
    }
    let cat = |a: usize, b: usize| error(&[0x7e], &[&vec![1; a], &vec![2; b]], &tapscript(0), Flags::OP_CAT);
    assert_eq!([cat(520, 0), cat(0, 520), cat(260, 260)], [None; 3]);
    assert_eq!([cat(520, 1), cat(1, 520), cat(260, 261)], [Some(E::PushSize); 3]);
}

#[test]
fn opcodes() {
    let count = |script: &[u8]| error(script, &[], &Context::WitnessV0, Flags::NONE);
    assert_eq!(count(&[NOP; 201]), None);
    assert_eq!(count(&[NOP; 202]), Some(E::OpCount));
    assert_eq!(error(&[NOP; 202], &[], &tapscript(0), Flags::NONE), None);
    // OP_1 to OP_16 and OP_RESERVED do not count toward the limit on opcodes.
    let uncounted = [&[0, IF][..], &[RESERVED; 300], &[TRUE; 300], &[0x60; 300], &[ENDIF]].concat();
    assert_eq!(count(&uncounted), None);
    // Opcodes in a branch that is not executed count too.
    let skipped = |nops: usize| [&[0, IF][..], &vec![NOP; nops], &[ENDIF]].concat();
    assert_eq!(count(&skipped(199)), None);
    assert_eq!(count(&skipped(200)), Some(E::OpCount));
    // The keys of a multisig count toward the limit on opcodes.
    let multisig =
        |nops: usize| [&vec![NOP; nops][..], &[0, 0], &[TRUE; 20], &[1, 20, CHECKMULTISIG]].concat();
    assert_eq!(count(&multisig(180)), None);
    assert_eq!(count(&multisig(181)), Some(E::OpCount));
    let many = |nops: usize| [&vec![NOP; nops][..], &[&multisig(0)[..], &[DROP]].concat().repeat(9)].concat();
    assert_eq!(count(&many(3)), None);
    assert_eq!(count(&many(4)), Some(E::OpCount));
}

#[test]
fn keys_and_signatures_of_a_multisig() {
    let multisig = |signatures: u8, keys: u8| {
        let script = [
            vec![0],
            [1, 9].repeat(signatures.into()),
            vec![1, signatures],
            push(&public_key()).repeat(keys.into()),
            vec![1, keys, CHECKMULTISIG],
        ];
        error(&script.concat(), &[], &Context::Legacy, Flags::NONE)
    };
    assert_eq!([multisig(0, 0), multisig(20, 20), multisig(1, 1)], [None; 3]);
    assert_eq!([multisig(0, 21), multisig(21, 21)], [Some(E::PubkeyCount); 2]);
    assert_eq!([multisig(1, 0), multisig(20, 19)], [Some(E::SigCount); 2]);
}

#[test]
fn the_stacks() {
    for context in [Context::Legacy, Context::WitnessV0, tapscript(0)] {
        assert_eq!(error(&[TRUE; 1000], &[], &context, Flags::NONE), None);
        assert_eq!(error(&[TRUE; 1001], &[], &context, Flags::NONE), Some(E::StackSize));
        // The limit applies to the elements of both stacks together.
        let with_alt = |more: usize| [&[TRUE, 0x6b][..], &vec![TRUE; more]].concat();
        assert_eq!(error(&with_alt(999), &[], &context, Flags::NONE), None);
        assert_eq!(error(&with_alt(1000), &[], &context, Flags::NONE), Some(E::StackSize));
    }
}

#[test]
fn numbers() {
    let one_add = |bytes: &[u8]| error(&[0x8b], &[bytes], &Context::Legacy, Flags::NONE);
    assert_eq!([one_add(&[]), one_add(&[1; 4]), one_add(&[0, 0, 0, 0x80])], [None; 3]);
    assert_eq!(
        [one_add(&[1; 5]), one_add(&[1; 7]), one_add(&[1; 8]), one_add(&[1; 520])],
        [Some(E::ScriptNum); 4]
    );
    // A result may have five bytes. It is then too long to be used as a number.
    let stack = run(&[0x8b], &[&[0xff, 0xff, 0xff, 0x7f]], Context::Legacy, Flags::NONE, true);
    assert_eq!(stack, Ok(vec![vec![0, 0, 0, 0x80, 0]]));
    let flags = Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY;
    for opcode in [0xb1, 0xb2] {
        let locktime = |bytes: &[u8]| error(&[opcode], &[bytes], &Context::Legacy, flags);
        assert_eq!([locktime(&[1; 4]), locktime(&[1; 5])], [None; 2]);
        assert_eq!(locktime(&[1; 6]), Some(E::ScriptNum));
    }
    for (x, within) in [(4, false), (5, true), (6, true), (7, false)] {
        let stack = run(&[0xa5], &[&[x], &[5], &[7]], Context::Legacy, Flags::NONE, true).unwrap();
        assert_eq!(stack, [if within { vec![1] } else { vec![] }], "5 <= {x} < 7");
    }
}

/// `OP_PICK` and `OP_ROLL` accept the depth of the bottom element, but no greater depth.
#[test]
fn depths() {
    for opcode in [0x79, 0x7a] {
        let reach = |depth: &[u8]| run(&[opcode], &[&[8], &[9], depth], Context::Legacy, Flags::NONE, true);
        assert_eq!(reach(&[]).map(|stack| stack.last().cloned()), Ok(Some(vec![9])));
        assert_eq!(reach(&[1]).map(|stack| stack.last().cloned()), Ok(Some(vec![8])));
        assert_eq!(reach(&[2]), Err(E::InvalidStackOperation));
        assert_eq!(reach(&[0x81]), Err(E::InvalidStackOperation));
    }
}

/// Strict DER signatures have 9 to 73 bytes, including the hash type (BIP 66).
#[test]
fn der_signatures() {
    let der = |r: usize, s: usize| {
        let total = u8::try_from(4 + r + s).unwrap();
        let (r_length, s_length) = (u8::try_from(r).unwrap(), u8::try_from(s).unwrap());
        let signature =
            [&[0x30, total, 2, r_length][..], &vec![1; r], &[2, s_length], &vec![1; s], &[1]].concat();
        let length = signature.len();
        let result = error(&[CHECKSIG], &[&signature, &public_key()], &Context::Legacy, Flags::DERSIG);
        (length, result)
    };
    assert_eq!([der(1, 1), der(33, 33), der(1, 65)], [(9, None), (73, None), (73, None)]);
    assert_eq!([der(1, 0), der(0, 1)], [(8, Some(E::SigDer)); 2]);
    assert_eq!([der(33, 34), der(34, 33)], [(74, Some(E::SigDer)); 2]);
}

/// An ECDSA signature can be valid only for a public key whose length is the one that the first byte of the key
/// implies.
#[test]
fn keys_of_ecdsa() {
    for first in 0..=8u8 {
        for length in [0, 1, 31, 32, 33, 34, 63, 64, 65, 66] {
            let mut key = vec![first; length];
            key.truncate(length);
            let stack = run(&[CHECKSIG], &[&[9], &key], Context::Legacy, Flags::NONE, true).unwrap();
            let known = matches!((first, length), (2 | 3, 33) | (4 | 6 | 7, 65));
            assert_eq!(stack, [if known { vec![1] } else { vec![] }], "{first}, {length} bytes");
            let strict = error(&[CHECKSIG], &[&[], &key], &Context::Legacy, Flags::STRICTENC);
            let defined = matches!((first, length), (2 | 3, 33) | (4, 65));
            assert_eq!(strict, (!defined).then_some(E::PubkeyType), "{first}, {length} bytes");
        }
    }
}

#[test]
fn keys_and_signatures_of_tapscript() {
    let flags = Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE | Flags::CHECKSIGFROMSTACK;
    for length in [0, 1, 31, 32, 33, 34, 64, 65] {
        let key = vec![2; length];
        let expected = match length {
            0 => Some(E::TapscriptEmptyPubkey),
            32 => None,
            _ => Some(E::DiscourageUpgradablePubkeyType),
        };
        assert_eq!(error(&[CHECKSIG], &[&[1; 64], &key], &tapscript(50), flags), expected, "{length} bytes");
        assert_eq!(error(&[0xcc], &[&[1; 64], &[], &key], &tapscript(50), flags), expected, "{length} bytes");
    }
    for length in [1, 63, 64, 65, 66] {
        let signature = vec![1; length];
        let checksig = (!(64..=65).contains(&length)).then_some(E::SchnorrSigSize);
        assert_eq!(
            error(&[CHECKSIG], &[&signature, &[2; 32]], &tapscript(50), flags),
            checksig,
            "{length} bytes"
        );
        let csfs = (length != 64).then_some(E::SchnorrSigSize);
        assert_eq!(
            error(&[0xcc], &[&signature, &[], &[2; 32]], &tapscript(50), flags),
            csfs,
            "{length} bytes"
        );
    }
}

/// The signature budget may reach zero but must not become negative. The test covers every signature opcode, with keys
/// of known and unknown types.
#[test]
fn validation_weight() {
    let flags = Flags::CHECKSIGFROMSTACK;
    let (signature, known, unknown) = (&[1; 64][..], &[2; 32][..], &[2; 33][..]);
    for key in [known, unknown] {
        let scripts: [(&[u8], &[&[u8]]); 4] = [
            (&[CHECKSIG], &[signature, key]),
            (&[CHECKSIG + 1], &[signature, key]),
            (&[0xba], &[signature, &[], key]),
            (&[0xcc], &[signature, &[], key]),
        ];
        for (script, elements) in scripts {
            assert_eq!(error(script, elements, &tapscript(50), flags), None, "{script:?}");
            let over = error(script, elements, &tapscript(49), flags);
            assert_eq!(over, Some(E::TapscriptValidationWeight), "{script:?}");
        }
        // Two signatures consume twice as much, and empty signatures consume nothing.
        let twice = [&push(key)[..], &[CHECKSIG, DROP], &push(key), &[CHECKSIG]].concat();
        assert_eq!(error(&twice, &[signature, signature], &tapscript(100), flags), None);
        let over = error(&twice, &[signature, signature], &tapscript(99), flags);
        assert_eq!(over, Some(E::TapscriptValidationWeight));
        assert_eq!(error(&twice, &[&[], &[]], &tapscript(0), flags), None);
    }
}

#[test]
fn minimal_pushes() {
    let minimal = |script: &[u8]| error(script, &[], &Context::Legacy, Flags::MINIMALDATA);
    let one = |length: u8| [&[0x4c, length][..], &vec![9; length.into()]].concat();
    let two = |length: u16| [&[0x4d][..], &length.to_le_bytes(), &vec![9; length.into()]].concat();
    assert_eq!(
        [minimal(&one(75)), minimal(&one(76)), minimal(&one(255))],
        [Some(E::MinimalData), None, None]
    );
    assert_eq!([minimal(&two(255)), minimal(&two(256))], [Some(E::MinimalData), None]);
    for number in 1..=16 {
        assert_eq!(minimal(&[1, number]), Some(E::MinimalData), "{number}");
    }
    assert_eq!([minimal(&[1, 0]), minimal(&[1, 17]), minimal(&[1, 0x80]), minimal(&[1, 0x82])], [None; 4]);
    assert_eq!(minimal(&[1, 0x81]), Some(E::MinimalData));
}

/// `OP_CHECKTEMPLATEVERIFY` compares only an argument of 32 bytes with the template hash. A policy flag rejects
/// arguments of other lengths.
#[test]
fn arguments_of_checktemplateverify() {
    let flags = Flags::CHECKTEMPLATEVERIFY;
    let template = check_template_digest(&MockHost::new(|_| true).view());
    for length in [0, 1, 31, 32, 33, 64] {
        let result = error(&[0xb3], &[&vec![1; length]], &Context::Legacy, flags);
        assert_eq!(result, (length == 32).then_some(E::TemplateMismatch), "{length} bytes");
        let discouraged = flags | Flags::DISCOURAGE_UPGRADABLE_CHECKTEMPLATEVERIFY;
        let argument: Vec<u8> = template.iter().copied().cycle().take(length).collect();
        let result = error(&[0xb3], &[&argument], &Context::Legacy, discouraged);
        assert_eq!(result, (length != 32).then_some(E::DiscourageUpgradableNops), "{length} bytes");
    }
}
