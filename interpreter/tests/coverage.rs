//! Tests of the gaps that `Coverage` reports. A gap is a rule that was not checked. Each case with a gap is paired with
//! cases that differ in one thing and do not have this gap.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::{
    Amount, ScriptBuf, Transaction, TxIn, TxOut, Witness, absolute::LockTime, transaction::Version,
};
use secp256k1::{Keypair, Message, SecretKey};
use sha2::{Digest, Sha256};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{legacy, taproot};
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{
    Coverage, Flags, Hook, KeyVersion, Opcode, PROPOSALS, Proposal, Spend, TaprootMessage, TapscriptMessage,
    Unchecked,
};

const TRUE: u8 = 0x51;
const IF: u8 = 0x63;
const ENDIF: u8 = 0x68;
const DROP: u8 = 0x75;
const EQUAL: u8 = 0x87;
const NOT: u8 = 0x91;
const CHECKSIG: u8 = 0xac;
const NOP1: u8 = 0xb0;
const CHECKLOCKTIMEVERIFY: u8 = 0xb1;
const CHECKSEQUENCEVERIFY: u8 = 0xb2;
const NOP4: u8 = 0xb3;
const NOP5: u8 = 0xb4;
const CHECKSIGFROMSTACK: u8 = 0xcc;
const TEMPLATEHASH: u8 = 0xce;

const COMPUTED: &str = "no signature of the transaction was checked: its template hash was only computed (OP_TEMPLATEHASH); \
                        whether the script compares it is not known";
const ANYONE: &str = "no signature of the transaction was checked: anyone who has the witness can spend";

/// A test case: a transaction with two inputs, of which only one is verified. It is the first input, unless a test sets
/// another index.
#[derive(Clone)]
struct Case {
    tx: Transaction,
    prevouts: Vec<TxOut>,
    input: usize,
    flags: Flags,
}

fn output(script: &[u8]) -> TxOut {
    TxOut { value: Amount::from_sat(1000), script_pubkey: ScriptBuf::from(script.to_vec()) }
}

impl Case {
    fn new(script_pubkey: &[u8], witness: &[Vec<u8>]) -> Case {
        let numbered = |vout| {
            let mut input = TxIn::default();
            input.previous_output.vout = vout;
            input
        };
        let mut tx = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![numbered(0), numbered(1)],
            output: vec![output(&[TRUE])],
        };
        tx.input[0].witness = Witness::from_slice(witness);
        Case { tx, prevouts: vec![output(script_pubkey), output(&[TRUE])], input: 0, flags: Flags::CONSENSUS }
    }

    fn p2sh(redeem_script: &[u8], witness: &[Vec<u8>]) -> Case {
        let hash = hash160::Hash::hash(redeem_script).to_byte_array();
        let mut case = Case::new(&[&[0xa9, 20], &hash[..], &[EQUAL]].concat(), witness);
        case.tx.input[0].script_sig = ScriptBuf::from(push(redeem_script));
        case
    }

    /// Creates a case that spends a tapscript of leaf version 0xc0. The internal key of the output is the public key of
    /// [`keypair`].
    fn tapscript(script: &[u8], elements: &[&[u8]]) -> Case {
        Case::leaf(0xc0, script, elements)
    }

    fn leaf(version: u8, script: &[u8], elements: &[&[u8]]) -> Case {
        let (internal_key, _) = keypair().x_only_public_key();
        let tweak = tweak_hash(&internal_key.to_byte_array(), Some(&leaf_hash(version, script)));
        let (output_key, parity) =
            internal_key.add_tweak(&secp256k1::Scalar::from_be_bytes(tweak).unwrap()).unwrap();
        let control = [&[version | parity.to_u8()][..], &internal_key.to_byte_array()].concat();
        let mut witness: Vec<Vec<u8>> = elements.iter().map(|element| element.to_vec()).collect();
        witness.extend([script.to_vec(), control]);
        Case::new(&[&[0x51, 32], &output_key.to_byte_array()[..]].concat(), &witness)
    }

    fn with(mut self, flags: Flags) -> Case {
        self.flags = (self.flags | flags).closure();
        self
    }

    fn without(mut self, flags: Flags) -> Case {
        self.flags -= flags;
        self
    }

    fn spend(&self) -> Spend<'_> {
        Spend::new(&self.tx, &self.prevouts).unwrap()
    }

    /// Replaces the first element of the witness by a signature for the tapscript `script`, with this key version and
    /// hash type.
    fn signed(mut self, script: &[u8], key_version: KeyVersion, hash_type: u8) -> Case {
        let tapscript = TapscriptMessage {
            key_version,
            leaf_hash: leaf_hash(0xc0, script),
            code_separator_position: u32::MAX,
        };
        let message = TaprootMessage { annex_hash: None, tapscript: Some(tapscript) };
        let digest = taproot::digest(&self.spend().view(0).unwrap(), &message, hash_type).unwrap();
        let mut witness = self.tx.input[0].witness.to_vec();
        witness[0] = [&sign(&digest)[..], &[hash_type]].concat();
        self.tx.input[0].witness = Witness::from_slice(&witness);
        self
    }

    fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::new();
        let _ = self.spend().verify_input_with(self.input, self.flags, &mut coverage).unwrap();
        coverage
    }

    fn gaps(&self) -> Vec<String> {
        self.coverage().gaps().iter().map(|gap| gap.unchecked.to_string()).collect()
    }

    /// Checks that `Coverage` reports exactly the unchecked rules `gaps` for this case, and that it reports the first
    /// of them for no case in `beside`.
    fn expect(&self, gaps: &[&str], beside: &[Case]) {
        assert_eq!(self.gaps(), gaps);
        for other in beside {
            assert!(!other.gaps().contains(&gaps[0].to_owned()), "{gaps:?}");
        }
    }
}

fn keypair() -> Keypair {
    Keypair::from_secret_key(&SecretKey::from_secret_bytes([7; 32]).unwrap())
}

fn x_only() -> Vec<u8> {
    keypair().x_only_public_key().0.to_byte_array().to_vec()
}

fn sign(message: &[u8]) -> Vec<u8> {
    secp256k1::schnorr::sign_no_aux_rand(message, &keypair()).to_byte_array().to_vec()
}

fn push(data: &[u8]) -> Vec<u8> {
    [&[u8::try_from(data.len()).unwrap()], data].concat()
}

fn p2wsh(script: &[u8]) -> Vec<u8> {
    [&[0, 32], &Sha256::digest(script)[..]].concat()
}

#[test]
fn a_success_opcode_ends_a_tapscript() {
    // An empty signature and a key: the opcode returns false, and NOT makes it true.
    let script = [&[0, TRUE][..], &push(&x_only()), &[CHECKSIGFROMSTACK, NOT]].concat();
    let inactive = Case::tapscript(&script, &[]);
    let active = inactive.clone().with(Flags::CHECKSIGFROMSTACK);
    inactive.expect(&["no rule ran: OP_CHECKSIGFROMSTACK is inactive"], &[active]);
    let coverage = inactive.coverage();
    let gap = coverage.gaps()[0];
    assert_eq!(
        gap.to_string(),
        "no rule ran: OP_CHECKSIGFROMSTACK is inactive (in tapscript, opcode 3 (OP_CHECKSIGFROMSTACK, byte 35))"
    );
    assert_eq!(gap.unchecked.proposal(), Some(Proposal::CHECKSIGFROMSTACK));
    assert_eq!(gap.unchecked.missing_flags(), Some(Flags::CHECKSIGFROMSTACK));
    assert!(gap.unchecked.no_rule_ran());

    let true_leaf = Case::tapscript(&[TRUE], &[]);
    Case::tapscript(&[0xbb], &[])
        .expect(&["no rule ran: the tapscript contains OP_SUCCESS187"], std::slice::from_ref(&true_leaf));
    Case::tapscript(&[0x50], &[])
        .expect(&["no rule ran: the tapscript contains OP_SUCCESS80 (OP_RESERVED)"], &[true_leaf]);
}

#[test]
fn a_leaf_version_without_rules() {
    let beside = [Case::leaf(0xc0, &[TRUE], &[])];
    Case::leaf(0xc2, &[TRUE], &[]).expect(&["no rule ran: the leaf version 0xc2 is unknown"], &beside);
}

#[test]
fn a_witness_program_without_rules() {
    let witness = [vec![TRUE]];
    let known = [Case::new(&p2wsh(&[TRUE]), &witness)];
    let v2 = [&[0x52], &p2wsh(&[TRUE])[1..]].concat();
    Case::new(&v2, &witness).expect(&["no rule ran: the witness version 2 is unknown"], &known);
    Case::p2sh(&v2, &witness).expect(&["no rule ran: the witness version 2 is unknown"], &known);
    let short = [&[0x51, 20], &[7; 20][..]].concat();
    Case::new(&short, &witness)
        .expect(&["no rule ran: a program of witness version 1 and 20 bytes is unknown"], &known);
    let taproot = Case::tapscript(&[TRUE], &[]);
    let in_p2sh = Case::p2sh(taproot.prevouts[0].script_pubkey.as_bytes(), &witness);
    in_p2sh.expect(&["no rule ran: a program of witness version 1 has no rules inside P2SH"], &[taproot]);
}

#[test]
fn a_pay_to_anchor_output() {
    let anchor = Case::new(&[0x51, 2, 0x4e, 0x73], &[]);
    let other = Case::new(&[0x51, 2, 0x4e, 0x74], &[]);
    anchor.expect(&["no rule ran: anyone can spend a pay-to-anchor output"], &[other]);
}

#[test]
fn witness_programs_that_the_flags_leave_out() {
    let gap = "no rule ran: the witness program was not verified without WITNESS";
    let witness = [vec![TRUE]];
    for verified in [Case::new(&p2wsh(&[TRUE]), &witness), Case::p2sh(&p2wsh(&[TRUE]), &witness)] {
        let out = verified.clone().without(Flags::WITNESS | Flags::TAPROOT);
        out.expect(&[gap], &[verified]);
    }
    let verified = Case::tapscript(&[TRUE], &[]);
    let out = verified.clone().without(Flags::TAPROOT);
    out.expect(
        &["no rule ran: the witness program was not verified without TAPROOT"],
        std::slice::from_ref(&verified),
    );
    assert_eq!(out.coverage().gaps()[0].unchecked.missing_flags(), Some(Flags::TAPROOT));
    let none = verified.clone().without(Flags::ALL);
    none.expect(
        &["no rule ran: the witness program was not verified without P2SH,WITNESS,TAPROOT"],
        &[verified],
    );
}

#[test]
fn a_redeem_script_that_the_flags_leave_out() {
    let run = Case::p2sh(&[TRUE], &[]);
    let out = run.clone().without(Flags::ALL);
    out.expect(&["the redeem script was not run: the flag P2SH is not set"], &[run]);
    assert_eq!(out.coverage().gaps()[0].unchecked.missing_flags(), Some(Flags::P2SH));
}

#[test]
fn signatures_of_unknown_keys() {
    let unknown = |key: &[u8]| [&push(key)[..], &[CHECKSIG]].concat();
    let known =
        Case::tapscript(&unknown(&x_only()), &[&[]]).signed(&unknown(&x_only()), KeyVersion::Bip342, 1);
    assert_eq!(known.gaps(), <[String; 0]>::default());
    let long = [&[2][..], &x_only()].concat();
    let gap = "a signature was not checked: its public key is of an unknown type (33 bytes, the first 0x02)";
    let empty_signature = Case::tapscript(&[&unknown(&long)[..], &[NOT]].concat(), &[&[]]);
    Case::tapscript(&unknown(&long), &[&[1]]).expect(&[gap, ANYONE], &[known, empty_signature]);

    // Keys of BIP 118 have 1 or 33 bytes. OP_CHECKSIGFROMSTACK treats them as keys of an unknown type.
    for (key, script) in [
        (vec![1], vec![TRUE, CHECKSIG]),
        ([&[1][..], &x_only()].concat(), unknown(&[&[1][..], &x_only()].concat())),
    ] {
        let inactive = Case::tapscript(&script, &[&[]]).signed(&script, KeyVersion::Bip118, 0x41);
        let active = inactive.clone().with(Flags::ANYPREVOUT);
        assert_eq!(active.gaps(), <[String; 0]>::default());
        let gap = "a signature was not checked: its public key is of BIP 118, and ANYPREVOUT is inactive";
        inactive.expect(&[gap, ANYONE], &[active]);
        assert_eq!(inactive.coverage().gaps()[0].unchecked.missing_flags(), Some(Flags::ANYPREVOUT));

        let script = [&[TRUE][..], &push(&key), &[CHECKSIGFROMSTACK]].concat();
        let unchecked = Case::tapscript(&script, &[&[1]]).with(Flags::CHECKSIGFROMSTACK | Flags::ANYPREVOUT);
        let coverage = unchecked.coverage();
        let expected = Unchecked::PublicKey { length: key.len(), first: 1, proposal: None };
        assert_eq!(coverage.gaps()[0].unchecked, expected);
    }
    let script = [&[TRUE][..], &push(&x_only()), &[CHECKSIGFROMSTACK]].concat();
    let known = Case::tapscript(&script, &[&sign(&[1])]).with(Flags::CHECKSIGFROMSTACK);
    assert_eq!(known.gaps(), [ANYONE]);
}

#[test]
fn nops_that_are_reserved_for_upgrades() {
    let not_executed = Case::new(&[0, IF, NOP1, ENDIF, TRUE], &[]);
    let twice = Case::new(&[NOP1, NOP5, NOP1, TRUE], &[]);
    twice.expect(
        &[
            "OP_NOP1 did nothing: it is reserved for upgrades",
            "OP_NOP5 did nothing: it is reserved for upgrades",
            ANYONE,
        ],
        &[not_executed],
    );
    for (byte, place) in twice.coverage().gaps().iter().zip([0, 1]) {
        assert_eq!(byte.location.position.unwrap().byte_offset, place);
    }
    for byte in (NOP1..=0xb9).filter(|byte| !(CHECKLOCKTIMEVERIFY..=NOP4).contains(byte)) {
        let nop = Unchecked::Nop { opcode: Opcode(byte), proposal: None };
        assert_eq!(Case::new(&[byte, TRUE], &[]).coverage().gaps()[0].unchecked, nop);
    }
    assert_eq!(Case::new(&[0x61, TRUE], &[]).gaps(), [ANYONE], "OP_NOP is not reserved");
}

#[test]
fn a_template_that_is_not_checked() {
    // The template hash does not commit to the spent output.
    let digest = checktemplateverify::check_template_digest(&Case::new(&[], &[]).spend().view(0).unwrap());
    let script = [&push(&digest)[..], &[NOP4]].concat();
    let active = Case::new(&script, &[]).with(Flags::CHECKTEMPLATEVERIFY);
    let template =
        "no signature of the transaction was checked: only its template hash was (OP_CHECKTEMPLATEVERIFY)";
    assert_eq!(active.gaps(), [template]);
    let inactive = Case::new(&script, &[]);
    inactive.expect(
        &["OP_CHECKTEMPLATEVERIFY did nothing: it is inactive", ANYONE],
        std::slice::from_ref(&active),
    );
    assert_eq!(inactive.coverage().gaps()[0].unchecked.missing_flags(), Some(Flags::CHECKTEMPLATEVERIFY));
    let short = Case::new(&[TRUE, NOP4], &[]).with(Flags::CHECKTEMPLATEVERIFY);
    short.expect(&["OP_CHECKTEMPLATEVERIFY did nothing: its argument has 1 byte, not 32", ANYONE], &[active]);
}

#[test]
fn locks_that_are_not_checked() {
    for (opcode, flag) in
        [(CHECKLOCKTIMEVERIFY, Flags::CHECKLOCKTIMEVERIFY), (CHECKSEQUENCEVERIFY, Flags::CHECKSEQUENCEVERIFY)]
    {
        let mut checked = Case::new(&[TRUE, opcode], &[]);
        checked.tx.lock_time = LockTime::from_consensus(1);
        checked.tx.input[0].sequence = bitcoin::Sequence(1);
        assert_eq!(checked.gaps(), [ANYONE]);
        let unchecked = checked.clone().without(flag);
        let gap = format!("{} did nothing: the flag {flag} is not set", Opcode(opcode));
        unchecked.expect(&[&gap, ANYONE], &[checked]);
        assert_eq!(unchecked.coverage().gaps()[0].unchecked.missing_flags(), Some(flag));
    }
    let lock = |number: &[u8]| {
        let mut case = Case::new(&[&push(number)[..], &[CHECKSEQUENCEVERIFY]].concat(), &[]);
        case.tx.input[0].sequence = bitcoin::Sequence(1);
        case
    };
    lock(&[1, 0, 0, 0x80, 0]).expect(
        &["OP_CHECKSEQUENCEVERIFY did nothing: the disable bit of its argument is set", ANYONE],
        &[lock(&[1, 0, 0, 0, 0])],
    );
}

/// Creates a case in which input 1 spends a P2PK output with a signature of this hash type. `outputs` is the number of
/// outputs of the transaction.
fn pay_to_public_key(outputs: usize, hash_type: u8) -> Case {
    let key = keypair().public_key().serialize();
    let mut case = Case::new(&[TRUE], &[]);
    let script = [&push(&key)[..], &[CHECKSIG]].concat();
    case.prevouts[1] = output(&script);
    case.tx.output = vec![output(&[TRUE]); outputs];
    case.input = 1;
    let digest = legacy::digest(&case.spend().view(1).unwrap(), &script, hash_type.into());
    let signature = secp256k1::ecdsa::sign(Message::from_digest(digest), &keypair().secret_key());
    let signature = [&signature.serialize_der()[..], &[hash_type]].concat();
    case.tx.input[1].script_sig = ScriptBuf::from(push(&signature));
    case
}

#[test]
fn a_signature_that_commits_to_nothing() {
    const SINGLE: u8 = 3;
    for hash_type in [SINGLE, SINGLE | 0x80] {
        let gap = "a signature commits to nothing: it has SIGHASH_SINGLE, and there is no output of the input's index";
        pay_to_public_key(1, hash_type).expect(&[gap, ANYONE], &[pay_to_public_key(2, hash_type)]);
        assert_eq!(pay_to_public_key(2, hash_type).gaps(), <[String; 0]>::default());
    }
    assert_eq!(pay_to_public_key(1, 1).gaps(), <[String; 0]>::default());
}

#[test]
fn no_signature_of_the_transaction() {
    Case::new(&[TRUE], &[]).expect(&[ANYONE], &[pay_to_public_key(1, 1)]);
    // A signature of the template hash commits to the transaction, a signature of another message does not.
    let flags = Flags::CHECKSIGFROMSTACK | Flags::TEMPLATEHASH;
    let script = [&[TEMPLATEHASH][..], &push(&x_only()), &[CHECKSIGFROMSTACK]].concat();
    let other = [&[TEMPLATEHASH, DROP, TRUE][..], &push(&x_only()), &[CHECKSIGFROMSTACK]].concat();
    let hash = |script: &[u8]| {
        templatehash::template_hash_digest(&Case::tapscript(script, &[]).spend().view(0).unwrap(), None)
    };
    let of_template = Case::tapscript(&script, &[&sign(&hash(&script))]).with(flags);
    assert_eq!(of_template.gaps(), <[String; 0]>::default());
    Case::tapscript(&other, &[&sign(&[1])]).with(flags).expect(&[COMPUTED], &[of_template]);
}

/// `Coverage` distinguishes the two opcodes that compute a template hash. `OP_TEMPLATEHASH` only pushes the hash, so
/// the script may ignore it. `OP_CHECKTEMPLATEVERIFY` fails unless its argument equals the hash.
#[test]
fn a_template_hash_that_is_only_computed() {
    let flags = Flags::TEMPLATEHASH | Flags::CHECKTEMPLATEVERIFY;
    let gaps = |script: &[u8]| Case::tapscript(script, &[]).with(flags).gaps();
    assert_eq!(gaps(&[TEMPLATEHASH, DROP, TRUE]), [COMPUTED]);
    assert_eq!(
        gaps(&[&[TEMPLATEHASH][..], &push(&[7; 32]), &[0x87, 0x91]].concat()),
        [COMPUTED],
        "EQUAL NOT"
    );
    let digest =
        checktemplateverify::check_template_digest(&Case::tapscript(&[], &[]).spend().view(0).unwrap());
    let verified = [&push(&digest)[..], &[NOP4]].concat();
    let both = [&[TEMPLATEHASH, DROP][..], &verified].concat();
    let only =
        "no signature of the transaction was checked: only its template hash was (OP_CHECKTEMPLATEVERIFY)";
    assert_eq!(gaps(&verified), [only]);
    assert_eq!(gaps(&both), [only], "the opcode that verifies is named");
}

/// If the only signature has SIGHASH_NONE, it commits to no output, and a gap is reported. A signature with another
/// hash type has no such gap.
#[test]
fn a_signature_that_leaves_the_outputs_open() {
    const OPEN: &str = "the signatures leave the outputs open (SIGHASH_NONE): whoever has this transaction can redirect its money";
    for hash_type in [2, 0x82] {
        let closed = hash_type & 0x80 | 1;
        pay_to_public_key(2, hash_type).expect(&[OPEN], &[pay_to_public_key(2, closed)]);
    }
    assert_eq!(pay_to_public_key(2, 3).gaps(), <[String; 0]>::default(), "SIGHASH_SINGLE");
}

#[test]
fn a_coverage_starts_anew_and_says_nothing_of_failures() {
    let mut coverage = Coverage::new();
    assert!(coverage.gaps().is_empty());
    let spend_of = |script: &[u8]| Case::new(script, &[]);
    let mut names = |case: Case| {
        let verdict = case.spend().verify_input_with(0, case.flags, &mut coverage);
        let names: Vec<&str> = coverage.gaps().iter().map(|gap| gap.unchecked.name()).collect();
        (verdict.is_ok(), names)
    };
    assert_eq!(names(spend_of(&[NOP1, TRUE])), (true, vec!["nop", "no-signature"]));
    assert_eq!(names(spend_of(&[NOP1, 0])), (false, vec![]));
    assert_eq!(names(spend_of(&[TRUE])), (true, vec!["no-signature"]));
}

#[test]
fn every_proposal_is_named_where_it_is_inactive() {
    // The verification of an input does not check rules about whole transactions.
    let of_inputs = || PROPOSALS.iter().filter(|proposal| proposal.hook != Hook::Transaction);
    let named: BTreeSet<&str> = of_inputs()
        .map(|proposal| {
            let case = match proposal.hook {
                Hook::Transaction => unreachable!("filtered"),
                Hook::Success(opcode) => Case::tapscript(&[opcode.0], &[]),
                Hook::Nop(opcode) => Case::new(&[opcode.0, TRUE], &[]),
                Hook::KeyType(first) => {
                    Case::tapscript(&[&push(&[first])[..], &[CHECKSIG]].concat(), &[&[1]])
                }
            };
            let gap = case.coverage().gaps()[0];
            assert_eq!(gap.unchecked.missing_flags(), Some(proposal.flag));
            let words = gap.to_string();
            assert!(words.contains(proposal.name) && words.contains("inactive"), "{words}");
            gap.unchecked.proposal().unwrap().name
        })
        .collect();
    assert_eq!(named.len(), of_inputs().count());
}
