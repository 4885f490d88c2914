//! Tests `sigstack verify` with inputs that are valid by consensus although few rules were checked. The verdict says
//! what it covers.
//!
//! Each row of the tables is one kind of input. The expected texts are whole lines of the output.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod not_relayed;

use std::process::Command;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash as _, hash160};
use bitcoin::secp256k1::{Message, Secp256k1, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use sigstack_debugger::{BareContext, BareTx, assemble, assemble_stack, bare_spend};
use sigstack_interpreter::Flags;

/// Runs `sigstack`. Returns its exit status, and its standard output together with its standard error.
fn sigstack(arguments: &[String]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack")).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// A transaction and the outputs that it spends.
#[derive(Clone)]
struct Spend {
    tx: Transaction,
    prevouts: Vec<TxOut>,
}

impl Spend {
    /// Creates a transaction without inputs that pays 10,000 sat to one output.
    fn new() -> Spend {
        let script_pubkey = ScriptBuf::from_hex(&format!("0014{}", "11".repeat(20))).unwrap();
        let output = vec![TxOut { value: Amount::from_sat(10_000), script_pubkey }];
        let tx = Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: vec![], output };
        Spend { tx, prevouts: vec![] }
    }

    /// Adds an input that spends an output of 20,000 sat with this scriptPubKey.
    fn input(mut self, script_pubkey: &str, script_sig: &str, witness: &[&[u8]]) -> Spend {
        let vout = u32::try_from(self.tx.input.len()).unwrap();
        self.tx.input.push(TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array([7; 32]), vout },
            script_sig: ScriptBuf::from_hex(script_sig).unwrap(),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(witness),
        });
        let script_pubkey = ScriptBuf::from_hex(script_pubkey).unwrap();
        self.prevouts.push(TxOut { value: Amount::from_sat(20_000), script_pubkey });
        self
    }

    /// Adds an input that runs a script, with the given initial stack, as the kind of output script that `context`
    /// selects.
    fn script(self, script: &str, stack: &str, context: BareContext) -> Spend {
        let script = assemble(script).unwrap();
        let stack = assemble_stack(stack).unwrap();
        let bare = bare_spend(&script, &stack, context, BareTx::default(), Flags::NONE);
        let witness: Vec<&[u8]> = bare.tx.input[0].witness.iter().collect();
        let hex = |script: &ScriptBuf| hex::encode(script.as_bytes());
        self.input(&hex(&bare.prevouts[0].script_pubkey), &hex(&bare.tx.input[0].script_sig), &witness)
    }

    /// Adds an element, such as an annex, to the end of the last input's witness.
    fn annex(mut self, element: &[u8]) -> Spend {
        self.tx.input.last_mut().unwrap().witness.push(element);
        self
    }

    fn output(mut self, sat: u64, script_pubkey: &str) -> Spend {
        let script_pubkey = ScriptBuf::from_hex(script_pubkey).unwrap();
        self.tx.output.push(TxOut { value: Amount::from_sat(sat), script_pubkey });
        self
    }

    fn version(mut self, version: i32) -> Spend {
        self.tx.version = Version(version);
        self
    }

    fn pays(mut self, sat: u64) -> Spend {
        self.tx.output[0].value = Amount::from_sat(sat);
        self
    }

    /// Returns the arguments of `sigstack verify`, with the spent outputs of only the inputs in `known`.
    fn arguments(&self, known: &[usize]) -> Vec<String> {
        let mut arguments = vec!["verify".to_owned(), "--tx".to_owned(), serialize_hex(&self.tx)];
        for input in known {
            let TxOut { value, script_pubkey } = &self.prevouts[*input];
            arguments.push("--prevout".into());
            arguments.push(format!("{input}={}:{}", value.to_sat(), hex::encode(script_pubkey.as_bytes())));
        }
        arguments
    }

    /// Runs `sigstack verify` with more options, asserts that the transaction is valid, and returns the output.
    fn verify(&self, more: &str) -> String {
        let known: Vec<usize> = (0..self.prevouts.len()).collect();
        let more = if more.is_empty() { vec![] } else { words(more) };
        let (status, out) = sigstack(&[self.arguments(&known), more].concat());
        assert_eq!(status, 0, "{out}");
        out
    }
}

/// Asserts that the output contains these lines. `name` is the case, for the failure message.
fn assert_lines(name: &str, out: &str, lines: &[&str]) {
    for line in lines {
        assert!(out.lines().any(|found| found.trim_start() == *line), "{name}: no line {line:?}\n{out}");
    }
}

const TAPSCRIPT: BareContext = BareContext::Tapscript;
const COMPUTED: &str = "no signature of the transaction was checked: its template hash was only computed (OP_TEMPLATEHASH); \
                        whether the script compares it is not known";
const NO_SIGNATURE: &str =
    "no signature of the transaction was checked: anyone who has the witness can spend";

/// Scripts that succeed because a rule was not enforced. The verdict names the rule.
#[test]
fn rules_that_did_not_run() {
    let taproot_key = "11".repeat(32);
    let nested = format!("225120{taproot_key}");
    let program = ScriptBuf::from_hex(&format!("5120{taproot_key}")).unwrap();
    let nested_in = format!("a914{}87", hash160::Hash::hash(program.as_bytes()));
    let key33 = format!("<02{}>", "22".repeat(32));
    let apo = format!("<01{}>", "22".repeat(32));
    let signature = format!("<{}>", "33".repeat(64));
    let leaf = || Spend::new().script("1", "", TAPSCRIPT);
    let unknown_leaf = unknown_leaf_version();
    for (name, spend, more, verdict) in [
        (
            "an opcode of a proposal that is inactive",
            Spend::new().script("CHECKSIGFROMSTACK", "", TAPSCRIPT),
            "",
            "OK, but no rule ran: OP_CHECKSIGFROMSTACK is inactive; --flags +CHECKSIGFROMSTACK (the only input)",
        ),
        (
            "an OP_SUCCESS that nobody has proposed a rule for",
            Spend::new().script("0x50 RETURN", "", TAPSCRIPT),
            "",
            "OK, but no rule ran: the tapscript contains OP_SUCCESS80 (OP_RESERVED) (the only input)",
        ),
        (
            "a leaf version without rules",
            unknown_leaf,
            "",
            "OK, but no rule ran: the leaf version 0xc2 is unknown (the only input)",
        ),
        (
            "a witness version without rules",
            Spend::new().input(&format!("5220{taproot_key}"), "", &[]),
            "",
            "OK, but no rule ran: the witness version 2 is unknown (the only input)",
        ),
        (
            "a version 1 program of another length",
            Spend::new().input(&format!("5121{taproot_key}00"), "", &[]),
            "",
            "OK, but no rule ran: a program of witness version 1 and 33 bytes is unknown (the only input)",
        ),
        (
            "taproot in P2SH",
            Spend::new().input(&nested_in, &nested, &[]),
            "",
            "OK, but no rule ran: a program of witness version 1 has no rules inside P2SH (the only input)",
        ),
        (
            "pay to anchor",
            Spend::new().input("51024e73", "", &[]),
            "",
            "OK, but no rule ran: anyone can spend a pay-to-anchor output (the only input)",
        ),
        (
            "segwit without the flag WITNESS",
            Spend::new().input(&format!("0014{}", "11".repeat(20)), "", &[]),
            "--flags P2SH",
            "OK, but no rule ran: the witness program was not verified without WITNESS; --flags +WITNESS (the only input)",
        ),
        (
            "taproot without the flag TAPROOT",
            leaf(),
            "--flags=-TAPROOT",
            "OK, but no rule ran: the witness program was not verified without TAPROOT; --flags +TAPROOT (the only input)",
        ),
        (
            "P2SH without the flag P2SH",
            Spend::new().script("RETURN", "", BareContext::P2sh),
            "--flags NONE",
            "OK, but the redeem script was not run: the flag P2SH is not set; --flags +P2SH (the only input)",
        ),
    ] {
        let out = spend.verify(more);
        assert_lines(name, &out, &[&format!("consensus  {verdict}")]);
    }
    for (name, script, stack, more, gap) in [
        (
            "a tapscript key of a proposal that is inactive",
            format!("{apo} CHECKSIG"),
            signature.as_str(),
            "",
            "a signature was not checked: its public key is of BIP 118, and ANYPREVOUT is inactive; --flags +ANYPREVOUT",
        ),
        (
            "a tapscript key of an unknown type",
            format!("{key33} CHECKSIG"),
            &signature,
            "",
            "a signature was not checked: its public key is of an unknown type (33 bytes, the first 0x02)",
        ),
        (
            "an opcode that is a NOP because its proposal is inactive",
            "1 NOP4".into(),
            "",
            "",
            "OP_CHECKTEMPLATEVERIFY did nothing: it is inactive; --flags +CHECKTEMPLATEVERIFY",
        ),
        (
            "a NOP that is reserved",
            "1 NOP1".into(),
            "",
            "",
            "OP_NOP1 did nothing: it is reserved for upgrades",
        ),
        (
            "a lock without its flag",
            "1 CLTV".into(),
            "",
            "--flags=-CHECKLOCKTIMEVERIFY",
            "OP_CHECKLOCKTIMEVERIFY did nothing: the flag CHECKLOCKTIMEVERIFY is not set; --flags +CHECKLOCKTIMEVERIFY",
        ),
        (
            "a relative lock that is disabled",
            "<0000008000> CSV".into(),
            "",
            "",
            "OP_CHECKSEQUENCEVERIFY did nothing: the disable bit of its argument is set",
        ),
        (
            "a template hash of another size",
            "1 NOP4".into(),
            "",
            "--flags +CHECKTEMPLATEVERIFY",
            "OP_CHECKTEMPLATEVERIFY did nothing: its argument has 1 byte, not 32",
        ),
        (
            "a template hash that is dropped",
            "TEMPLATEHASH DROP 1".into(),
            "",
            "--flags +TEMPLATEHASH",
            COMPUTED,
        ),
        (
            "a template hash that is compared the wrong way round",
            format!("TEMPLATEHASH <{taproot_key}> EQUAL NOT"),
            "",
            "--flags +TEMPLATEHASH",
            COMPUTED,
        ),
        (
            "a template hash in a branch",
            "1 IF TEMPLATEHASH DROP ENDIF 1".into(),
            "",
            "--flags +TEMPLATEHASH",
            COMPUTED,
        ),
        ("a lock that anyone opens", "SIZE 3 EQUALVERIFY".into(), "<010203>", "", NO_SIGNATURE),
    ] {
        let out = Spend::new().script(&script, stack, TAPSCRIPT).verify(more);
        let (alone, listed) =
            (format!("consensus  OK, but {gap} (the only input)"), format!("input 0: {gap}"));
        let found = out.lines().any(|line| [&alone, &listed].contains(&&line.trim_start().to_owned()));
        assert!(found, "{name}: {gap}\n{out}");
    }
}

/// Returns a transaction that spends a leaf of version 0xc2.
fn unknown_leaf_version() -> Spend {
    use bitcoin::taproot::{LeafVersion, TaprootBuilder};
    let secp = Secp256k1::new();
    let key = SecretKey::from_slice(&[1; 32]).unwrap().x_only_public_key(&secp).0;
    let leaf = (ScriptBuf::from_hex("6a").unwrap(), LeafVersion::from_consensus(0xc2).unwrap());
    let builder = TaprootBuilder::new().add_leaf_with_ver(0, leaf.0.clone(), leaf.1).unwrap();
    let info = builder.finalize(&secp, key).unwrap();
    let control = info.control_block(&leaf).unwrap().serialize();
    let script_pubkey = ScriptBuf::new_p2tr_tweaked(info.output_key());
    Spend::new().input(&hex::encode(script_pubkey.as_bytes()), "", &[leaf.0.as_bytes(), &control])
}

/// The legacy signature hash of SIGHASH_SINGLE is the number 1 if the transaction has no output of the input's index.
/// A signature of this number commits to nothing.
#[test]
fn a_signature_that_commits_to_nothing() {
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&[1; 32]).unwrap();
    let mut one = [0; 32];
    one[0] = 1;
    let signature = secp.sign_ecdsa(&Message::from_digest(one), &secret).serialize_der();
    let push = |data: &[u8]| format!("{:02x}{}", data.len(), hex::encode(data));
    let script_sig = push(&[&signature[..], &[3]].concat());
    let script_pubkey = format!("{}ac", push(&secret.public_key(&secp).serialize()));
    let spend = Spend::new().script("1", "", TAPSCRIPT).input(&script_pubkey, &script_sig, &[]);
    let gap =
        "a signature commits to nothing: it has SIGHASH_SINGLE, and there is no output of the input's index";
    let lines = [
        "consensus  OK (all 2 inputs), but:".to_owned(),
        format!("inputs 0, 1: {NO_SIGNATURE}"),
        format!("input 1: {gap}"),
    ];
    assert_lines("SIGHASH_SINGLE", &spend.verify(""), &lines.each_ref().map(String::as_str));
}

/// A remark about unchecked rules is printed in one line if it applies to many inputs.
#[test]
fn inputs_with_the_same_exception_share_a_line() {
    let many = (0..5).fold(Spend::new(), |spend, _| spend.script("1", "", TAPSCRIPT));
    let out = many.verify("");
    assert_lines("five inputs", &out, &[&format!("inputs 0-4: {NO_SIGNATURE}")]);
    assert_eq!(out.matches(NO_SIGNATURE).count(), 1, "{out}");
}

/// Text of the policy verdict if it leaves the same rules unchecked as the consensus verdict.
const SAME: &str = "OK, with the exceptions named under consensus";

/// Returns a transaction with one P2WPKH input and a valid signature of this hash type.
fn signed(hash_type: EcdsaSighashType) -> Spend {
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&[1; 32]).unwrap();
    let key = secret.public_key(&secp).serialize();
    let mut spend = Spend::new().input(&format!("0014{}", hash160::Hash::hash(&key)), "", &[]);
    let TxOut { value, script_pubkey } = spend.prevouts[0].clone();
    let digest =
        SighashCache::new(&spend.tx).p2wpkh_signature_hash(0, &script_pubkey, value, hash_type).unwrap();
    let signature = secp.sign_ecdsa(&Message::from_digest(digest.to_byte_array()), &secret).serialize_der();
    spend.tx.input[0].witness =
        Witness::from_slice(&[&[&signature[..], &[hash_type as u8]].concat(), &key[..]]);
    spend
}

/// With SIGHASH_NONE the signature commits to no output, so that anybody who sees the transaction can replace the
/// outputs.
#[test]
fn a_signature_that_leaves_the_outputs_open() {
    let open = "the signatures leave the outputs open (SIGHASH_NONE): whoever has this transaction can redirect its money";
    for hash_type in [EcdsaSighashType::None, EcdsaSighashType::NonePlusAnyoneCanPay] {
        let out = signed(hash_type).verify("");
        assert_lines("open", &out, &[&format!("consensus  OK, but {open} (the only input)")]);
    }
    for hash_type in [EcdsaSighashType::All, EcdsaSighashType::AllPlusAnyoneCanPay] {
        let out = signed(hash_type).verify("");
        assert_lines("closed", &out, &["consensus  OK (the only input)"]);
    }
}

/// The policy verdict says what it covers, also if its flags check rules that the consensus verdict leaves unchecked.
#[test]
fn policy_says_what_it_covers() {
    let unsigned = Spend::new().script("1", "", BareContext::P2wsh);
    let scope = "(the only input, the transaction is standard)";
    let no_witness = "OK, but no rule ran: the witness program was not verified without P2SH,WITNESS; --flags +P2SH,+WITNESS";
    let no_signature = format!("OK, but {NO_SIGNATURE}");
    let ran = "; the rules that consensus left unchecked ran here";
    for (name, spend, flags, consensus, policy) in [
        ("all is checked", &signed(EcdsaSighashType::All), "", "OK", format!("OK {scope}")),
        (
            "policy checks all",
            &signed(EcdsaSighashType::All),
            "--flags CTV",
            no_witness,
            format!("OK {scope}{ran}"),
        ),
        ("policy checks more", &unsigned, "--flags CTV", no_witness, format!("{no_signature} {scope}")),
        ("policy checks the same", &unsigned, "", &no_signature, format!("{SAME} {scope}")),
    ] {
        let lines = [format!("consensus  {consensus} (the only input)"), format!("policy     {policy}")];
        assert_lines(name, &spend.verify(flags), &lines.each_ref().map(String::as_str));
    }
}

/// The verdict names its scope: one input or all of them, a transaction, a case or a script.
#[test]
fn verdicts_of_a_part() {
    let spend = Spend::new().script("1", "", TAPSCRIPT).script("1", "", BareContext::P2wsh);
    let all = spend.verify("");
    assert_lines("all", &all, &[&format!("policy     {SAME} (all 2 inputs, the transaction is standard)")]);
    assert!(!all.contains("the scripts of"), "{all}");
    let one = spend.verify("--input 0");
    let lines = [
        &format!("consensus  OK, but {NO_SIGNATURE} (input 0 of 2)"),
        &format!("policy     {SAME} (input 0 of 2, the transaction is standard)"),
        "unchecked  the scripts of input 1",
        "consensus rules outside scripts: amounts, outputs spent twice",
        "whether the spent outputs exist, locks against a chain, the rules of a mempool",
    ];
    assert_lines("one", &one, &lines);

    let (status, own) = sigstack(&[spend.arguments(&[1]), words("--input 1")].concat());
    assert_eq!(status, 0, "{own}");
    let lines = [
        &format!("policy     {SAME} (input 1 of 2, the part that can be checked is standard)"),
        "unchecked  the scripts of input 0",
        "standardness of input 0 and of the fee: the outputs spent there are not given",
    ];
    assert_lines("its own output alone", &own, &lines);

    let script = ["verify", "--script", "1"].map(str::to_owned);
    let lines = [
        &format!("policy     {SAME} (the only input, script policy flags alone)"),
        "unchecked  the transaction: --script makes it up, so its standardness is not checked",
    ];
    assert_lines("a script", &sigstack(&script).1, &lines);

    let case = ["verify", "--case", "csfs/valid"].map(str::to_owned);
    let lines = [
        &format!("consensus  OK, but {NO_SIGNATURE} (input 1 of 2)"),
        &format!("policy     {SAME} (input 1 of 2, standard)"),
        "unchecked  the scripts of input 0",
        "the rest of the transaction: the case is about its inputs",
    ];
    assert_lines("a case", &sigstack(&case).1, &lines);
}

/// A transaction whose scripts are all valid is reported as invalid if it violates another consensus rule, such as a
/// rule about amounts.
#[test]
fn scripts_of_an_invalid_transaction() {
    let leaf = || Spend::new().script("1", "", TAPSCRIPT);
    let mut twice = leaf().input("51", "", &[]);
    twice.tx.input[1].previous_output = twice.tx.input[0].previous_output;
    for (spend, refused) in [
        (
            leaf().pays(20_001),
            "consensus  bad-txns-in-belowout: the outputs are worth 20001 sat, the spent outputs only 20000 sat",
        ),
        (
            twice,
            "consensus  bad-txns-inputs-duplicate: inputs 0 and 1 spend the same output (Core CheckTransaction)",
        ),
        (
            leaf().output(2_100_000_000_000_001, "51"),
            "consensus  bad-txns-vout-toolarge: output 1 has 2100000000000001 sat, more than the 2100000000000000 sat that can \
             exist (Core CheckTransaction)",
        ),
        (
            leaf().pays(u64::MAX),
            "consensus  bad-txns-vout-negative: output 0 has a negative amount, -1 sat (Core CheckTransaction)",
        ),
        (
            leaf().pays(2_100_000_000_000_000).output(1, "51"),
            "consensus  bad-txns-txouttotal-toolarge: the outputs together have more than the 2100000000000000 sat that can \
             exist (Core CheckTransaction)",
        ),
    ] {
        let known: Vec<usize> = (0..spend.prevouts.len()).collect();
        let (status, out) = sigstack(&spend.arguments(&known));
        assert_eq!(status, 1, "{out}");
        assert_lines(refused, &out, &[refused]);
    }
}
