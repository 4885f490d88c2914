//! Tests of parts of the public interface other than verdicts: texts, the state of a running script, messages that are
//! hashed, and the mock host.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use bitcoin::hashes::{Hash, sha256d};
use bitcoin::sighash::SighashCache;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{segwit_v0, taproot};
use sigstack_interpreter::{
    Context, Flags, Host, Inspector, Instruction, Machine, MockHost, NoInspector, Opcode, Question,
    ScriptError, Spend, Stack, TaprootMessage, Tapscript, TxError, VerifyError, check_transaction,
    run_script, verify_spends,
};

fn transaction(inputs: usize, outputs: Vec<TxOut>) -> Transaction {
    let numbered = |vout: usize| {
        let mut input = TxIn::default();
        input.previous_output.vout = u32::try_from(vout).unwrap();
        input
    };
    let input = (0..inputs).map(numbered).collect();
    Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input, output: outputs }
}

fn output(value: u64, script: Vec<u8>) -> TxOut {
    TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from(script) }
}

#[test]
fn what_went_wrong_is_said_in_words() {
    let tx = transaction(2, vec![]);
    let outputs = [output(0, vec![0x51]), output(0, vec![0x51, 0x69, 0x6a])];
    let spend = Spend::new(&tx, &outputs).unwrap();
    let words = |input, flags| spend.verify_input(input, flags).unwrap_err().to_string();
    assert_eq!(
        words(1, Flags::CONSENSUS),
        "OP_RETURN: OP_RETURN was executed; in scriptPubKey, opcode 2 (OP_RETURN, byte 2)"
    );
    assert_eq!(words(2, Flags::CONSENSUS), "no input 2: the transaction has 2 (counted from 0)");
    assert_eq!(words(0, Flags::WITNESS), "the flag WITNESS needs P2SH");
    let missing = Spend::new(&tx, &outputs[..1]).err().unwrap();
    assert_eq!(missing.to_string(), "1 prevouts for 2 inputs; give one for each input, in input order");
    assert_eq!(VerifyError::from(missing).script_error(), None);
    assert_eq!("NONSENSE".parse::<Flags>().unwrap_err().to_string(), "unknown flag \"NONSENSE\"");

    let error = spend.verify(Flags::CONSENSUS).unwrap_err();
    assert_eq!(error.to_string(), format!("input 1: {}", words(1, Flags::CONSENSUS)));
    let source = |error: &dyn std::error::Error| error.source().map(ToString::to_string);
    assert_eq!(source(&error), Some(ScriptError::OpReturn.to_string()));
    assert_eq!((error.input(), error.name()), (Some(1), Some("OP_RETURN")));
    let of_input = spend.verify_input(1, Flags::CONSENSUS).unwrap_err();
    assert_eq!(source(&of_input), Some(ScriptError::OpReturn.to_string()));
    let usage = spend.verify_input(2, Flags::CONSENSUS).unwrap_err();
    assert_eq!(source(&usage), Some(usage.to_string()));
    assert_eq!(verify_spends(&[spend], Flags::CONSENSUS), [Err(error)]);
    assert_eq!(format!("{:?}", Flags::P2SH | Flags::WITNESS), "Flags(P2SH,WITNESS)");
    let opcodes = [0x69, 0x4b, 0xbb, 0xff].map(|byte| format!("{:?}", Opcode(byte)));
    assert_eq!(opcodes, ["OP_VERIFY", "OP_PUSHBYTES_75", "OP_SUCCESS187", "OP_INVALIDOPCODE"]);
}

/// Records, before each instruction: the position, the number of stack elements, the start of the script code, the
/// opcode count, the number of open branches, and whether the instruction is executed.
#[derive(Default)]
struct Views(Vec<(u32, usize, usize, usize, u32, bool)>);

const VIEWED: [u8; 8] = [0x51, 0x63, 0xab, 0x52, 0x67, 0xab, 0x68, 0x61];

impl Inspector for Views {
    fn step(&mut self, machine: &Machine<'_>, _: &Instruction<'_>) {
        assert_eq!((machine.script(), machine.flags()), (VIEWED.as_slice(), Flags::P2SH));
        assert!(matches!(machine.context(), Context::WitnessV0));
        assert_eq!(machine.stack().is_empty(), [0, 2, 3].contains(&machine.position()));
        self.0.push((
            machine.position(),
            machine.stack().len(),
            machine.code_start(),
            machine.op_count(),
            machine.conditions().depth(),
            machine.is_executing(),
        ));
    }
}

#[test]
fn an_inspector_sees_the_machine() {
    // The script is: 1 IF CODESEPARATOR 2 ELSE CODESEPARATOR ENDIF NOP.
    let (mut stack, mut views, mut host) = (Stack::new(), Views::default(), MockHost::new(|_| false));
    run_script(&mut stack, &VIEWED, Context::WitnessV0, Flags::P2SH, &mut host, &mut views).unwrap();
    let expected = [
        (0, 0, 0, 0, 0, true),
        (1, 1, 0, 0, 0, true),
        (2, 0, 0, 1, 1, true),
        (3, 0, 3, 2, 1, true),
        (4, 1, 3, 2, 1, true),
        (5, 1, 3, 3, 1, false),
        (6, 1, 3, 4, 1, false),
        (7, 1, 3, 5, 0, true),
    ];
    assert_eq!(views.0, expected);
}

#[test]
fn a_mock_host_is_asked_and_told() {
    let tapscript = || Context::Tapscript(Tapscript::new([0; 32], [0; 32], None, 1000));
    let key = [0x21u8, 2].into_iter().chain([9; 32]).collect::<Vec<u8>>();
    let x_only = [0x20u8].into_iter().chain([9; 32]).collect::<Vec<u8>>();
    let ecdsa = vec![0x30, 6, 2, 1, 1, 2, 1, 1, 1];
    let single = [[7; 64].as_slice(), &[3]].concat();
    let mock = MockHost::new(|_| true);
    let check_template = checktemplateverify::check_template_digest(&mock.view());
    let template = templatehash::template_hash_digest(&mock.view(), None);
    let push = |data: &[u8]| [&[u8::try_from(data.len()).unwrap()], data].concat();
    let all = Flags::CONSENSUS
        | Flags::CHECKSIGFROMSTACK
        | Flags::CHECKTEMPLATEVERIFY
        | Flags::TEMPLATEHASH
        | Flags::STRICTENC;
    // The script, its initial stack, its context, and the questions that the host receives.
    type Case<'a> = (Vec<u8>, Vec<&'a [u8]>, Context, &'a str);
    let cases: [Case<'_>; 8] = [
        ([&key[..], &[0xac]].concat(), vec![&ecdsa], Context::Legacy, "Ecdsa 8 33"),
        ([&key[..], &[0xac]].concat(), vec![&ecdsa], Context::WitnessV0, "Ecdsa 8 33"),
        ([&x_only[..], &[0xac]].concat(), vec![&[7; 64]], tapscript(), "Schnorr 32 [119, 119]"),
        ([&x_only[..], &[0xac]].concat(), vec![&single], tapscript(), "SingleOutput, Schnorr 32 [119, 119]"),
        ([&[0x52], &x_only[..], &[0xcc]].concat(), vec![&[7; 64]], tapscript(), "Schnorr 1 [2, 2]"),
        (vec![0x60, 0xb1], vec![], Context::Legacy, "LockTime 16"),
        (vec![0x60, 0xb2], vec![], Context::Legacy, "Sequence 16"),
        (
            [push(&check_template), vec![0xb3, 0x75], push(&template), vec![0xce, 0x87]].concat(),
            vec![],
            tapscript(),
            "",
        ),
    ];
    for (script, elements, context, expected) in cases {
        let mut asked = vec![];
        let mut host = MockHost::new(|question: Question<'_>| {
            asked.push(match question {
                Question::Ecdsa { signature, public_key } => {
                    format!("Ecdsa {} {}", signature.len(), public_key.len())
                }
                Question::Schnorr { message, .. } => {
                    format!("Schnorr {} {:?}", message.len(), [message[0], message[message.len() - 1]])
                }
                Question::LockTime(time) => format!("LockTime {time}"),
                Question::Sequence(sequence) => format!("Sequence {sequence}"),
                Question::SingleOutput => "SingleOutput".to_owned(),
            });
            true
        });
        let mut stack = Stack::new();
        elements.iter().for_each(|element| stack.push(element).unwrap());
        let result = run_script(&mut stack, &script, context, all, &mut host, &mut NoInspector);
        assert_eq!((result, stack.is_true(0)), (Ok(()), Ok(true)), "{script:02x?}");
        assert_eq!(asked.join(", "), expected, "{script:02x?}");
    }
    // If the answer is that no output has the input's index, the host returns no digest for SIGHASH_SINGLE. For hash types
    // that are not defined, the host never returns a digest.
    for (hash_type, answer) in [(3, false), (4, true)] {
        let mut host = MockHost::new(|question| answer || question != Question::SingleOutput);
        let mut stack = Stack::new();
        stack.push(&[[7; 64].as_slice(), &[hash_type]].concat()).unwrap();
        let script = [&x_only[..], &[0xac]].concat();
        let result = run_script(&mut stack, &script, tapscript(), all, &mut host, &mut NoInspector);
        assert_eq!(result.unwrap_err().error, ScriptError::SchnorrSigHashtype, "{hash_type}");
    }
}

/// `run_script` fails at the opcode of an inactive proposal. `Spend` does not run a tapscript with such an opcode: the
/// opcode is an OP_SUCCESSx, so the tapscript succeeds without being run.
#[test]
fn without_its_flag_a_proposal_has_no_opcode() {
    let outcome = |flags| {
        let mut stack = Stack::new();
        (0..3).for_each(|_| stack.push(&[]).unwrap());
        let context = Context::Tapscript(Tapscript::new([0; 32], [0; 32], None, 1000));
        run_script(&mut stack, &[0xcc], context, flags, &mut MockHost::new(|_| true), &mut NoInspector)
    };
    let error = |flags| outcome(flags).unwrap_err().error;
    assert_eq!(error(Flags::CONSENSUS), ScriptError::BadOpcode);
    assert_eq!(error(Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK), ScriptError::TapscriptEmptyPubkey);
}

/// The joined fields of a BIP 143 message are the preimage of its digest. Taproot signature hashes equal those of
/// rust-bitcoin even if the lengths of scripts need CompactSizes of three and five bytes.
#[test]
fn messages_are_what_is_hashed() {
    let large = output(7, vec![0x51; 70_000]);
    let tx = transaction(2, vec![large.clone(), output(8, vec![0x52; 300])]);
    let prevouts = [output(5, vec![0x51; 0xfc]), output(6, vec![0x51; 0xfd])];
    let spend = Spend::new(&tx, &prevouts).unwrap();
    let mut theirs = SighashCache::new(&tx);
    for input in 0..2 {
        let view = spend.view(input).unwrap();
        for hash_type in [0, 1, 2, 3, 4, 0x1f, 0x81, 0x82, 0x83, 0xff] {
            let mut message = vec![];
            segwit_v0::write_message(&view, &[0xac], hash_type, &mut message);
            let digest = segwit_v0::digest(&view, &[0xac], hash_type);
            assert_eq!(digest, sha256d::Hash::hash(&message).to_byte_array(), "{hash_type:#x}");
            let mut named: Vec<(&'static str, Vec<u8>)> = vec![];
            segwit_v0::write_message(&view, &[0xac], hash_type, &mut named);
            assert_eq!(named.iter().flat_map(|(_, bytes)| bytes.clone()).collect::<Vec<u8>>(), message);
        }
        for hash_type in [0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83] {
            let message = TaprootMessage { annex_hash: None, tapscript: None };
            let sighash_type = bitcoin::TapSighashType::from_consensus_u8(hash_type).unwrap();
            let all = bitcoin::sighash::Prevouts::All(&prevouts);
            let expected = theirs.taproot_key_spend_signature_hash(input, &all, sighash_type).unwrap();
            assert_eq!(taproot::digest(&view, &message, hash_type), Some(expected.to_byte_array()));
        }
    }
}

#[test]
fn transactions_are_checked_alone() {
    let error = |tx: &Transaction| check_transaction(tx).err().map(TxError::name);
    let good = transaction(2, vec![output(1, vec![])]);
    assert_eq!(error(&good), None);
    let changed = |change: &dyn Fn(&mut Transaction)| {
        let mut tx = good.clone();
        change(&mut tx);
        error(&tx)
    };
    let null = bitcoin::OutPoint::null();
    let coinbase = |length: usize| {
        changed(&|tx| {
            tx.input.truncate(1);
            tx.input[0].previous_output = null;
            tx.input[0].script_sig = ScriptBuf::from(vec![0; length]);
        })
    };
    const MONEY: u64 = 2_100_000_000_000_000;
    assert_eq!(changed(&|tx| tx.input.clear()), Some("bad-txns-vin-empty"));
    assert_eq!(changed(&|tx| tx.output.clear()), Some("bad-txns-vout-empty"));
    // A transaction may have a million bytes without witness. Apart from the script, its output takes 8 + 5 bytes, and the
    // rest takes 4 + 1 + 82 + 1 + 4 bytes.
    let room = 1_000_000 - 13 - 92;
    assert_eq!(good.input[0].base_size() * 2, 82);
    assert_eq!(changed(&|tx| tx.output[0].script_pubkey = ScriptBuf::from(vec![0; room])), None);
    assert_eq!(
        changed(&|tx| tx.output[0].script_pubkey = ScriptBuf::from(vec![0; room + 1])),
        Some("bad-txns-oversize")
    );
    assert_eq!(
        changed(&|tx| tx.input.truncate(1)),
        None,
        "an empty scriptSig is too short only for a coinbase"
    );
    assert_eq!(changed(&|tx| tx.output[0].value = Amount::ZERO), None);
    assert_eq!(changed(&|tx| tx.output[0].value = Amount::from_sat(MONEY)), None);
    assert_eq!(
        changed(&|tx| tx.output[0].value = Amount::from_sat(MONEY + 1)),
        Some("bad-txns-vout-toolarge")
    );
    assert_eq!(changed(&|tx| tx.output[0].value = Amount::from_sat(1 << 63)), Some("bad-txns-vout-negative"));
    assert_eq!(changed(&|tx| tx.output.push(output(MONEY, vec![]))), Some("bad-txns-txouttotal-toolarge"));
    assert_eq!(
        changed(&|tx| tx.input[1].previous_output = tx.input[0].previous_output),
        Some("bad-txns-inputs-duplicate")
    );
    assert_eq!([1, 2, 100, 101].map(coinbase), [Some("bad-cb-length"), None, None, Some("bad-cb-length")]);
    assert_eq!(changed(&|tx| tx.input[1].previous_output = null), Some("bad-txns-prevout-null"));
    assert_eq!(TxError::NoInputs.to_string(), "bad-txns-vin-empty");
}
