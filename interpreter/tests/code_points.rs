//! Tests that the rules of a proposed soft fork do not depend on its opcode byte. If a proposal is assigned another
//! byte, scripts with the new byte have the verdict that they had with the default byte, and the default byte is
//! reserved for upgrades again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use bitcoin::{
    Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness, absolute::LockTime, transaction::Version,
};
use secp256k1::{Scalar, XOnlyPublicKey};
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{
    CodePoints, Coverage, Flags, Hook, Opcode, PROPOSALS, Proposal, ScriptError, Spend, Unchecked,
    VerifyError,
};

/// The internal key of all outputs in this file: the x coordinate of the curve's generator.
const INTERNAL: [u8; 32] = [
    0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02,
    0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];

/// Verifies a tapscript and returns the rules that were not checked.
fn verify(
    script: &[u8],
    stack: &[&[u8]],
    flags: Flags,
    points: CodePoints,
) -> Result<Vec<Unchecked>, VerifyError> {
    let tweak = tweak_hash(&INTERNAL, Some(&leaf_hash(0xc0, script)));
    let internal = XOnlyPublicKey::from_byte_array(INTERNAL).unwrap();
    let (key, parity) = internal.add_tweak(&Scalar::from_be_bytes(tweak).unwrap()).unwrap();
    let control = [&[0xc0 | parity.to_u8()][..], &INTERNAL].concat();
    let script_pubkey = ScriptBuf::from([&[0x51, 32][..], &key.to_byte_array()].concat());
    let prevouts = [TxOut { value: Amount::from_sat(1_000), script_pubkey }];
    let witness: Vec<&[u8]> = stack.iter().copied().chain([script, &control]).collect();
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn { witness: Witness::from_slice(&witness), ..TxIn::default() }],
        output: vec![],
    };
    let spend = Spend::new(&tx, &prevouts).unwrap().with_code_points(points);
    let mut coverage = Coverage::new();
    let _ = spend.verify_input_with(0, flags, &mut coverage)?;
    assert_eq!(spend.verify(flags), Ok(()));
    Ok(coverage.gaps().iter().map(|gap| gap.unchecked).collect())
}

/// Calls `test` for every proposal that adds an opcode. The proposal is assigned a byte that no other proposal uses.
fn each(mut test: impl FnMut(&'static Proposal, Opcode, CodePoints)) {
    let mut count = 0;
    for proposal in PROPOSALS {
        let byte = match proposal.hook {
            Hook::Success(_) => Opcode(0xbb),
            Hook::Nop(_) => Opcode(0xb8),
            _ => continue,
        };
        test(proposal, byte, CodePoints::assign(&[(proposal, byte)]).unwrap());
        count += 1;
    }
    assert!(count >= 6, "{count}");
}

/// Returns the script with each opcode `from` replaced by `to`. The script must have no pushes of data.
fn moved(script: &[u8], from: Opcode, to: Opcode) -> Vec<u8> {
    assert!(script.iter().all(|byte| *byte > Opcode::OP_PUSHDATA4.0));
    script.iter().map(|byte| if *byte == from.0 { to.0 } else { *byte }).collect()
}

#[test]
fn an_assigned_byte_has_the_rules_of_the_proposal() {
    each(|proposal, byte, points| {
        let (own, sample) = (proposal.hook.opcode().unwrap(), proposal.sample.unwrap());
        let script = moved(sample.script, own, byte);
        for flags in [proposal.flag, Flags::NONE].map(|flag| Flags::CONSENSUS | flag) {
            let here = verify(&script, sample.stack, flags, points);
            let there = verify(sample.script, sample.stack, flags, CodePoints::default());
            let without_opcode = |unchecked: Unchecked| match unchecked {
                Unchecked::OpSuccess { proposal, .. } => Unchecked::OpSuccess { opcode: own, proposal },
                Unchecked::Nop { proposal, .. } => Unchecked::Nop { opcode: own, proposal },
                other => other,
            };
            let here: Vec<_> = here.unwrap().into_iter().map(without_opcode).collect();
            assert_eq!(here, there.unwrap(), "{} {flags}", proposal.name);
        }
        let discouraged = verify(&script, sample.stack, Flags::CONSENSUS | proposal.discourage, points);
        assert_eq!(discouraged.unwrap_err().script_error(), proposal.discouraged_error);
    });
}

#[test]
fn a_failure_names_the_byte_and_what_it_stands_for() {
    each(|proposal, byte, points| {
        let own = proposal.hook.opcode().unwrap();
        // Every opcode but INTERNALKEY and TEMPLATEHASH needs an element.
        let script = [byte.0, Opcode::OP_RETURN.0];
        let Err(VerifyError::Script { location, .. }) =
            verify(&script, &[], Flags::CONSENSUS | proposal.flag, points)
        else {
            panic!("{} is satisfied", proposal.name)
        };
        let at = location.position.unwrap();
        if at.opcode_position == 0 {
            assert_eq!((at.opcode, at.meaning), (byte, own), "{}", proposal.name);
            assert!(location.to_string().contains(&format!("({own}, byte 0)")), "{location}");
        }
    });
}

#[test]
fn the_byte_that_a_proposal_left_is_reserved_again() {
    each(|proposal, _, points| {
        let own = proposal.hook.opcode().unwrap();
        let script = [own.0, Opcode::OP_1.0];
        let flags = Flags::CONSENSUS | proposal.flag;
        let (expected, discourage, refused) = match proposal.hook {
            Hook::Nop(_) => (
                Unchecked::Nop { opcode: own, proposal: None },
                Flags::DISCOURAGE_UPGRADABLE_NOPS,
                ScriptError::DiscourageUpgradableNops,
            ),
            _ => (
                Unchecked::OpSuccess { opcode: own, proposal: None },
                Flags::DISCOURAGE_OP_SUCCESS,
                ScriptError::DiscourageOpSuccess,
            ),
        };
        let unchecked = verify(&script, &[], flags, points).unwrap();
        assert!(unchecked.contains(&expected), "{}: {unchecked:?}", proposal.name);
        let error = verify(&script, &[], flags | discourage, points).unwrap_err();
        assert_eq!(error.script_error(), Some(refused), "{}", proposal.name);
    });
}

#[test]
fn proposals_with_swapped_bytes_are_told_apart() {
    let (csfs, pair) = (Proposal::CHECKSIGFROMSTACK, Proposal::PAIRCOMMIT);
    let points =
        CodePoints::assign(&[(csfs, Opcode::OP_PAIRCOMMIT), (pair, Opcode::OP_CHECKSIGFROMSTACK)]).unwrap();
    let flags = Flags::CONSENSUS | csfs.flag | pair.flag;
    for (proposal, own, other) in [
        (csfs, Opcode::OP_CHECKSIGFROMSTACK, Opcode::OP_PAIRCOMMIT),
        (pair, Opcode::OP_PAIRCOMMIT, Opcode::OP_CHECKSIGFROMSTACK),
    ] {
        let sample = proposal.sample.unwrap();
        assert!(verify(&moved(sample.script, own, other), sample.stack, flags, points).is_ok());
    }
    // Two elements are enough for PAIRCOMMIT and too few for CHECKSIGFROMSTACK.
    let run = |opcode: Opcode| verify(&[opcode.0], &[&[1], &[2]], flags, points).map(drop);
    assert!(run(Opcode::OP_CHECKSIGFROMSTACK).is_ok());
    let error = run(Opcode::OP_PAIRCOMMIT).unwrap_err();
    assert_eq!(error.script_error(), Some(ScriptError::InvalidStackOperation));
}
