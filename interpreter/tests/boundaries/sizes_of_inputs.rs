//! Tests of limits of inputs, witnesses and transactions, and of lock times: a value at a limit is valid, and a value
//! beyond the limit is not.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, hash160};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Sequence};
use secp256k1::Scalar;
use sigstack_interpreter::taproot::{branch_hash, leaf_hash, tweak_hash};
use sigstack_interpreter::{Flags, ScriptError as E, TxError, append_number, check_transaction, limits};

use crate::{CHECKSIG, DROP, Input, NOP, TRUE, keypair, push, transaction};

#[test]
fn elements_of_witnesses() {
    let spends =
        |length: usize| [Input::p2wsh, Input::tapscript].map(|spend| spend(&[NOP], &[vec![1; length]]));
    assert_eq!(spends(520).map(|input| input.verify(Flags::CONSENSUS)), [Ok(()); 2]);
    assert_eq!(spends(521).map(|input| input.verify(Flags::CONSENSUS)), [Err(E::PushSize); 2]);
}

/// A tapscript may start with at most 1,000 stack elements. A segwit v0 script may start with more, because its stack
/// is checked only after each opcode.
#[test]
fn initial_stacks() {
    let script = [&[0x6d; 500][..], &[TRUE]].concat();
    let elements = |count: usize| vec![vec![]; count];
    let tapscript = |count: usize| {
        let script = [&script[..], &[DROP].repeat(count - 1000)].concat();
        Input::tapscript(&script, &elements(count)).verify(Flags::CONSENSUS)
    };
    assert_eq!([tapscript(1000), tapscript(1001)], [Ok(()), Err(E::StackSize)]);
    // The first 2DROP leaves 1,000 elements.
    let segwit_v0 = |count: usize| {
        let script = [&[0x6d; 101][..], &[TRUE]].concat();
        Input::p2wsh(&script, &elements(count)).verify(Flags::CONSENSUS)
    };
    assert_eq!([segwit_v0(1002), segwit_v0(1003)], [Err(E::CleanStack), Err(E::StackSize)]);
}

/// A witness program has 2 to 40 bytes after its version (BIP 141). Other scripts that consist of pushes are not witness
/// programs.
#[test]
fn witness_programs() {
    let flags = Flags::CONSENSUS | Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM;
    let unknown = Err(E::DiscourageUpgradableWitnessProgram);
    for version in [0x51, 0x52, 0x60] {
        for (length, expected) in [(1, Ok(())), (2, unknown), (40, unknown), (41, Ok(()))] {
            let script = [&[version][..], &push(&vec![7; length])].concat();
            assert_eq!(
                Input::new(&script, &[], &[]).verify(flags),
                expected,
                "{version:#04x}, {length} bytes"
            );
        }
    }
    for (version, program) in [(0x50, [7; 2]), (0x61, [7; 2])] {
        let script = [&[version][..], &push(&program)].concat();
        assert_ne!(Input::new(&script, &[], &[]).verify(flags), unknown);
    }
    for (length, expected) in [
        (2, E::WitnessProgramWrongLength),
        (19, E::WitnessProgramWrongLength),
        (20, E::WitnessProgramMismatch),
        (21, E::WitnessProgramWrongLength),
        (31, E::WitnessProgramWrongLength),
        (32, E::WitnessProgramWitnessEmpty),
        (33, E::WitnessProgramWrongLength),
        (40, E::WitnessProgramWrongLength),
    ] {
        let script = [&[0][..], &push(&vec![7; length])].concat();
        assert_eq!(Input::new(&script, &[], &[]).verify(flags), Err(expected), "{length} bytes");
    }
    // Only programs of version 1 with 32 bytes outside P2SH are taproot.
    for (length, is_taproot) in [(31, false), (32, true), (33, false)] {
        let script = [&[0x51][..], &push(&vec![7; length])].concat();
        let expected = if is_taproot { Err(E::WitnessProgramWitnessEmpty) } else { unknown };
        assert_eq!(Input::new(&script, &[], &[]).verify(flags), expected, "{length} bytes");
        let hash = hash160::Hash::hash(&script);
        let nested = Input::new(&[&[0xa9, 20], &hash[..], &[0x87]].concat(), &push(&script), &[]);
        assert_eq!(nested.verify(flags), unknown, "{length} bytes");
    }
}

/// The witness of P2WPKH has exactly two elements.
#[test]
fn elements_of_p2wpkh() {
    let key = crate::public_key().to_vec();
    let script = [&[0][..], &push(&hash160::Hash::hash(&key)[..])].concat();
    let spend = |witness: &[Vec<u8>]| Input::new(&script, &[], witness).verify(Flags::CONSENSUS);
    let empty = vec![];
    assert_eq!(spend(std::slice::from_ref(&key)), Err(E::WitnessProgramMismatch));
    assert_eq!(spend(&[empty.clone(), key.clone()]), Err(E::EvalFalse));
    assert_eq!(spend(&[empty.clone(), empty, key]), Err(E::WitnessProgramMismatch));
}

/// The Merkle path of a control block has at most 128 hashes. A control block with the wrong parity of the output key
/// is rejected.
#[test]
fn merkle_paths() {
    let internal_key = keypair().x_only_public_key().0;
    for nodes in [0, 1, 2, 127, 128, 129] {
        let path = vec![[3; 32]; nodes];
        let root = path.iter().fold(leaf_hash(0xc0, &[TRUE]), |node, sibling| branch_hash(&node, sibling));
        let tweak = Scalar::from_be_bytes(tweak_hash(&internal_key.to_byte_array(), Some(&root))).unwrap();
        let (output_key, parity) = internal_key.add_tweak(&tweak).unwrap();
        let control = [&[0xc0 | parity.to_u8()][..], &internal_key.to_byte_array(), &path.concat()].concat();
        let script_pubkey = [&[0x51, 32], &output_key.to_byte_array()[..]].concat();
        let input = Input::new(&script_pubkey, &[], &[vec![TRUE], control]);
        let expected = if nodes <= 128 { Ok(()) } else { Err(E::TaprootWrongControlSize) };
        assert_eq!(input.verify(Flags::CONSENSUS), expected, "{nodes} nodes");
        // The parity of the output key is part of the proof.
        let flipped = input.with_witness(|witness| witness[1][0] ^= 1);
        assert!(flipped.verify(Flags::CONSENSUS).is_err(), "{nodes} nodes");
    }
}

/// Returns a tapscript with `count` signature checks. The public keys have an unknown type, so any signature that is
/// not empty is valid.
fn checks(count: usize) -> Vec<u8> {
    [&[2, 2, 2, CHECKSIG + 1].repeat(count)[..], &[TRUE]].concat()
}

/// The signature budget of an input is 50 plus the size of its whole witness, including the annex and all length
/// prefixes (BIP 342 "Resource limits").
#[test]
fn budget_of_an_input() {
    // Each check needs four bytes of script and two bytes for its signature.
    for annex in [None, Some(0), Some(250), Some(300)] {
        let input = |padding: usize| {
            let script = [push(&vec![1; padding]), vec![DROP], checks(7)].concat();
            Input::tapscript(&script, &vec![vec![1]; 7]).with_witness(|witness| {
                witness.extend(annex.map(|length| [&[0x50][..], &vec![1; length]].concat()));
            })
        };
        let fits = |input: &Input| input.tx.input[0].witness.size() + 50 >= 7 * 50;
        let inputs: Vec<Input> = (76..=255).map(input).collect();
        for input in &inputs {
            let expected = if fits(input) { Ok(()) } else { Err(E::TapscriptValidationWeight) };
            assert_eq!(input.verify(Flags::CONSENSUS), expected, "{annex:?}");
        }
        let exact = inputs.iter().filter(|input| input.tx.input[0].witness.size() == 6 * 50).count();
        assert_eq!(exact, usize::from(annex.is_none_or(|length| length == 0)));
    }
}

/// The last element of a taproot witness is the annex if it begins with 0x50 and the witness has at least two elements
/// (BIP 341 "Script validation rules").
#[test]
fn annexes() {
    let program = Input::tapscript(&[TRUE], &[]).prevouts[0].script_pubkey.to_bytes();
    let spend = |witness: &[Vec<u8>]| Input::new(&program, &[], witness).verify(Flags::CONSENSUS);
    let signature = || [&[0x50][..], &[1; 63]].concat();
    assert_eq!(spend(&[signature()]), Err(E::SchnorrSig));
    assert_eq!(spend(&[signature(), vec![0x50]]), Err(E::SchnorrSig));
    assert_eq!(spend(&[signature(), vec![0x51]]), Err(E::TaprootWrongControlSize));
    assert_eq!(spend(&[signature(), vec![]]), Err(E::TaprootWrongControlSize));
    assert_eq!(spend(&[vec![0x50], vec![0x50]]), Err(E::SchnorrSigSize));
}

fn locked(number: u32, opcode: u8) -> Input {
    let mut script = vec![];
    append_number(number.into(), &mut script);
    script.push(opcode);
    Input::new(&script, &[], &[])
}

#[test]
fn absolute_locks() {
    let threshold = limits::LOCKTIME_THRESHOLD;
    for (lock, tx_lock, sequence, holds) in [
        (5, 4, 0, false),
        (5, 5, 0, true),
        (5, 6, 0, true),
        (5, 5, u32::MAX - 1, true),
        (5, 5, u32::MAX, false),
        (threshold - 1, threshold - 1, 0, true),
        (threshold - 1, threshold, 0, false),
        (threshold, threshold - 1, 0, false),
        (threshold, threshold, 0, true),
        (threshold, threshold + 1, 0, true),
        (threshold + 1, threshold, 0, false),
        (u32::MAX, u32::MAX - 1, 0, false),
        (u32::MAX, u32::MAX, 0, true),
    ] {
        let mut input = locked(lock, 0xb1);
        input.tx.lock_time = LockTime::from_consensus(tx_lock);
        input.tx.input[0].sequence = Sequence(sequence);
        let expected = if holds || lock == 0 { Ok(()) } else { Err(E::UnsatisfiedLocktime) };
        assert_eq!(input.verify(Flags::CONSENSUS), expected, "{lock}, {tx_lock}, {sequence}");
    }
}

#[test]
fn relative_locks() {
    let (disable, time) = (1 << 31, 1 << 22);
    for (lock, version, sequence, holds) in [
        (5, 2, 4, false),
        (5, 2, 5, true),
        (5, 2, 6, true),
        (5, 1, 5, false),
        (5, 3, 5, true),
        (5, -1, 5, true),
        (5, 2, disable | 5, false),
        (disable | 5, 1, 0, true),
        (5, 2, time | 5, false),
        (time | 5, 2, 5, false),
        (time | 5, 2, time | 5, true),
        (time | 6, 2, time | 5, false),
        (0xffff, 2, 0xffff, true),
        (0xffff, 2, 0xfffe, false),
        (0x8000, 2, 0x7fff, false),
        (0x8000, 2, 0x8000, true),
        // Bits other than the type bit and the sixteen bits of the length are ignored, both in the argument and in
        // nSequence.
        (0x1_0005, 2, 5, true),
        (5, 2, 0x1_0004, false),
        (1 << 23 | 5, 2, 5, true),
        (5, 2, 1 << 30 | 5, true),
        (1, 2, 1 << 21, false),
    ] {
        let mut input = locked(lock, 0xb2);
        input.tx.version = Version(version);
        input.tx.input[0].sequence = Sequence(sequence);
        let expected = if holds { Ok(()) } else { Err(E::UnsatisfiedLocktime) };
        assert_eq!(input.verify(Flags::CONSENSUS), expected, "{lock:#x}, {version}, {sequence:#x}");
    }
}

/// The limits that `check_transaction` enforces: amounts, the scriptSig size of a coinbase, and the transaction size.
#[test]
fn transactions() {
    let check = |change: &dyn Fn(&mut bitcoin::Transaction)| {
        let mut tx = transaction(1, 2).0;
        change(&mut tx);
        check_transaction(&tx)
    };
    let amounts = |first: u64, second: u64| {
        check(&|tx| {
            tx.output[0].value = Amount::from_sat(first);
            tx.output[1].value = Amount::from_sat(second);
        })
    };
    let max = limits::MAX_MONEY;
    assert_eq!([amounts(max, 0), amounts(max - 1, 1)], [Ok(()); 2]);
    assert_eq!([amounts(max, 1), amounts(max - 1, 2)], [Err(TxError::OutputTotalTooLarge); 2]);
    assert_eq!(amounts(0, max + 1), Err(TxError::OutputTooLarge));
    assert_eq!([amounts(1 << 63, 0), amounts(0, u64::MAX)], [Err(TxError::OutputNegative); 2]);
    let coinbase = |length: usize| {
        check(&|tx| {
            tx.input[0].previous_output = OutPoint::null();
            tx.input[0].script_sig = vec![TRUE; length].into();
        })
    };
    assert_eq!([coinbase(2), coinbase(100)], [Ok(()); 2]);
    assert_eq!([coinbase(1), coinbase(101)], [Err(TxError::CoinbaseLength); 2]);
    // A transaction is too large if four times its size without witness exceeds the maximum weight of a block.
    let sized = |size: usize| {
        check(&|tx| {
            let rest = tx.base_size() + 4;
            tx.output[0].script_pubkey = vec![TRUE; size - rest].into();
            assert_eq!(tx.base_size(), size);
        })
    };
    assert_eq!([sized(1_000_000), sized(1_000_001)], [Ok(()), Err(TxError::Oversize)]);
}
