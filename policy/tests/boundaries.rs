//! Tests each policy rule with two transactions: one at the limit, which is accepted, and one just beyond the limit,
//! which is refused.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, hashes::Hash as _,
};
use sigstack_policy::{Candidate, Policy, PolicyError, RedeemScriptError, WitnessRule, dust_limit};

const ANCHOR: &str = "51024e73";
const NO_FEES: Policy = Policy { min_relay: 0, ..Policy::CORE_31 };

fn script(hex: &str) -> ScriptBuf {
    ScriptBuf::from_hex(hex).unwrap()
}

fn output(sat: u64, script: &ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(sat), script_pubkey: script.clone() }
}

fn p2pkh() -> ScriptBuf {
    script(&format!("76a914{}88ac", "11".repeat(20)))
}

fn p2sh() -> ScriptBuf {
    script(&format!("a914{}87", "11".repeat(20)))
}

fn p2wsh() -> ScriptBuf {
    script(&format!("0020{}", "11".repeat(32)))
}

fn p2tr() -> ScriptBuf {
    script(&format!("5120{}", "11".repeat(32)))
}

fn p2pk() -> ScriptBuf {
    script(&format!("2102{}ac", "11".repeat(32)))
}

/// Returns a push of `data` with the shortest prefix for its length.
fn push(data: &[u8]) -> Vec<u8> {
    let [a, b, ..] = data.len().to_le_bytes();
    let prefix = match data.len() {
        0..=75 => vec![a],
        76..=255 => vec![0x4c, a],
        _ => vec![0x4d, a, b],
    };
    [prefix, data.to_vec()].concat()
}

/// A transaction with its spent outputs.
#[derive(Clone)]
struct Spend {
    tx: Transaction,
    prevouts: Vec<TxOut>,
}

/// Returns a transaction without inputs that pays 10,000 sat to a P2PKH output. Tests add inputs to it.
fn spend() -> Spend {
    let output = vec![output(10_000, &p2pkh())];
    Spend {
        tx: Transaction { version: Version::TWO, lock_time: LockTime::ZERO, input: vec![], output },
        prevouts: vec![],
    }
}

impl Spend {
    /// Adds an input that spends an output of 100,000 sat with the scriptPubKey `spent`.
    fn input(mut self, spent: &ScriptBuf, script_sig: Vec<u8>, witness: &[Vec<u8>]) -> Spend {
        let vout = u32::try_from(self.tx.input.len()).unwrap();
        self.tx.input.push(TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array([7; 32]), vout },
            script_sig: script_sig.into(),
            sequence: Sequence::MAX,
            witness: Witness::from_slice(witness),
        });
        self.prevouts.push(output(100_000, spent));
        self
    }

    fn outputs(mut self, outputs: Vec<TxOut>) -> Spend {
        self.tx.output = outputs;
        self
    }

    fn version(mut self, version: i32) -> Spend {
        self.tx.version = Version(version);
        self
    }

    /// Gives the transaction this fee in satoshi by changing the amount of the first spent output.
    fn fee(mut self, fee: u64) -> Spend {
        let out: u64 = self.tx.output.iter().map(|output| output.value.to_sat()).sum();
        let others: u64 = self.prevouts[1..].iter().map(|output| output.value.to_sat()).sum();
        self.prevouts[0].value = Amount::from_sat(out + fee - others);
        self
    }

    fn check(&self) -> Result<(), PolicyError> {
        self.check_with(&Policy::default())
    }

    fn check_with(&self, policy: &Policy) -> Result<(), PolicyError> {
        Candidate::new(&self.tx, &self.prevouts).check(policy)
    }
}

/// Returns a standard transaction that spends a P2PKH output. Its scriptSig pushes 71 arbitrary bytes, because policy
/// does not execute it.
fn usual() -> Spend {
    spend().input(&p2pkh(), push(&[1; 71]), &[])
}

#[test]
fn versions_1_to_3() {
    for version in [1, 2, 3] {
        assert_eq!(usual().version(version).check(), Ok(()));
    }
    for version in [0, 4, -1, i32::MAX] {
        assert_eq!(
            usual().version(version).check(),
            Err(PolicyError::Version { version: version.cast_unsigned() })
        );
    }
}

#[test]
fn weight_of_400_000() {
    let of = |size: usize| spend().input(&p2tr(), vec![], &[vec![1; size]]);
    let size = 400_000 - usize::try_from(of(70_000).tx.weight().to_wu()).unwrap() + 70_000;
    assert_eq!(of(size).check(), Ok(()));
    assert_eq!(of(size + 1).check(), Err(PolicyError::TxSize { weight: 400_001 }));
}

#[test]
fn a_script_sig_of_1_650_bytes_that_only_pushes() {
    let of = |size| usual().input(&p2pkh(), vec![0; size], &[]);
    assert_eq!(of(1_650).check(), Ok(()));
    assert_eq!(of(1_651).check(), Err(PolicyError::ScriptSigSize { input: 1, size: 1_651 }));

    let of = |script_sig: &[u8]| usual().input(&p2pkh(), script_sig.to_vec(), &[]);
    // OP_RESERVED counts as a push. OP_NOP does not.
    assert_eq!(of(&[0x50, 0x60]).check(), Ok(()));
    for script_sig in [&[0x51, 0x61][..], &[0x02, 0x51]] {
        assert_eq!(of(script_sig).check(), Err(PolicyError::ScriptSigNotPushOnly { input: 1 }));
    }
}

#[test]
fn outputs_of_a_standard_form() {
    let of =
        |script: &ScriptBuf| usual().outputs(vec![output(1_000, &p2pkh()), output(1_000, script)]).fee(500);
    let multisig = |keys: usize| {
        let key = format!("2102{}", "11".repeat(32));
        script(&format!("51{}{:x}ae", key.repeat(keys), 0x50 + keys))
    };
    let h32 = "22".repeat(32);
    for standard in [p2pk(), p2pkh(), p2sh(), p2wsh(), p2tr(), multisig(1), multisig(3), script(ANCHOR)] {
        assert_eq!(of(&standard).check(), Ok(()), "{standard}");
    }
    // Outputs to witness programs without rules are relayed, so that a soft fork can define rules for them.
    for program in [format!("5220{h32}"), format!("5121{h32}11"), "60020102".into()] {
        assert_eq!(of(&script(&program)).check(), Ok(()), "{program}");
    }
    let refused = Err(PolicyError::ScriptPubKey { output: 1 });
    for other in [multisig(4), script("51"), script(""), script("6a61"), script("0002aabb")] {
        assert_eq!(of(&other).check(), refused, "{other}");
    }
    let without = Policy { bare_multisig: false, ..Policy::default() };
    assert_eq!(of(&multisig(3)).check_with(&without), Err(PolicyError::BareMultisig { output: 1 }));
    assert_eq!(of(&p2pk()).check_with(&without), Ok(()));
}

#[test]
fn op_returns_together() {
    let data = |size: usize| output(0, &ScriptBuf::from([vec![0x6a], vec![0; size - 1]].concat()));
    let of = |sizes: &[usize]| usual().outputs(sizes.iter().map(|size| data(*size)).collect()).fee(50_000);
    let core_29 = Policy { datacarrier: Some(83), ..Policy::default() };
    assert_eq!(of(&[83]).check_with(&core_29), Ok(()));
    assert_eq!(of(&[40, 43]).check_with(&core_29), Ok(()));
    let beyond = |output| Err(PolicyError::DataCarrier { output, total: 84, limit: 83 });
    assert_eq!(of(&[84]).check_with(&core_29), beyond(0));
    assert_eq!(of(&[40, 44]).check_with(&core_29), beyond(1));
    // The default is the size of the largest standard transaction.
    assert_eq!(of(&[99_000]).check(), Ok(()));
    let none = Policy { datacarrier: None, ..Policy::default() };
    assert_eq!(of(&[1]).check_with(&none), Err(PolicyError::DataCarrier { output: 0, total: 1, limit: 0 }));
}

#[test]
fn dust_of_every_form() {
    let policy = NO_FEES;
    for (form, limit) in [
        (p2pk(), 576),
        (p2pkh(), 546),
        (p2sh(), 540),
        (script(&format!("0014{}", "11".repeat(20))), 294),
        (p2wsh(), 330),
        (p2tr(), 330),
        (script(ANCHOR), 240),
    ] {
        assert_eq!(dust_limit(&form, 3_000), limit);
        let of = |amounts: &[u64], fee| {
            let outputs = amounts.iter().map(|amount| output(*amount, &form)).collect();
            usual().outputs(outputs).fee(fee).check_with(&policy)
        };
        assert_eq!(of(&[limit, limit], 1), Ok(()));
        let with_fee = PolicyError::DustWithFee { output: 1, amount: limit - 1, limit, fee: 1 };
        assert_eq!(of(&[limit, limit - 1], 1), Err(with_fee));
        // One dust output in a transaction without a fee is accepted as ephemeral. Two are refused.
        assert_eq!(of(&[limit, limit - 1], 0), Ok(()));
        let second = PolicyError::Dust { output: 1, amount: limit - 1, limit };
        assert_eq!(of(&[0, limit - 1], 0), Err(second));
    }
    assert_eq!(dust_limit(&script("6a01ff"), 3_000), 0);
    // The size of a script includes its length prefix. The dust limit is rounded up to a satoshi.
    assert_eq!(dust_limit(&ScriptBuf::from(vec![0; 252]), 3_000), 3 * (8 + 1 + 252 + 148));
    assert_eq!(dust_limit(&ScriptBuf::from(vec![0; 253]), 3_000), 3 * (8 + 3 + 253 + 148));
    assert_eq!(dust_limit(&script(ANCHOR), 1), 1);
    assert_eq!(dust_limit(&ScriptBuf::from(vec![0; 10_000]), 1_000), 8 + 3 + 10_000 + 148);
    assert_eq!(dust_limit(&ScriptBuf::from(vec![0; 10_001]), 1_000), 0);
}

#[test]
fn sixty_five_bytes_without_witness() {
    // The transaction has 60 bytes besides the scriptPubKey.
    let of = |size: usize| {
        let data = output(0, &ScriptBuf::from([vec![0x6a], vec![0; size - 61]].concat()));
        spend().input(&p2tr(), vec![], &[vec![1; 64]]).outputs(vec![data]).fee(1_000)
    };
    assert_eq!(of(65).tx.base_size(), 65);
    assert_eq!(of(65).check(), Ok(()));
    assert_eq!(of(64).check(), Err(PolicyError::TxSizeSmall { size: 64 }));
}

#[test]
fn a_coinbase_is_not_relayed() {
    let mut coinbase = usual();
    coinbase.tx.input[0].previous_output = OutPoint::null();
    assert_eq!(coinbase.check(), Err(PolicyError::Coinbase));
}

#[test]
fn amounts() {
    let of = |spent: u64| {
        let mut spend = usual();
        spend.prevouts[0].value = Amount::from_sat(spent);
        spend.check_with(&NO_FEES)
    };
    assert_eq!(of(10_000), Ok(()));
    assert_eq!(of(9_999), Err(PolicyError::InBelowOut { spent: 9_999, created: 10_000 }));
    assert_eq!(of(21_000_000 * 100_000_000), Ok(()));
    let out_of_range = Err(PolicyError::InputValuesOutOfRange { input: 0 });
    assert_eq!(of(21_000_000 * 100_000_000 + 1), out_of_range);
    assert_eq!(of(u64::MAX), out_of_range);
}

#[test]
fn legacy_signature_operations_of_bip_54() {
    // 166 P2SH inputs whose redeem scripts have 15 signature operations each, and P2PK inputs with one each.
    let fifteen = push(&[0xac; 15]);
    let of = |keys: usize| {
        let scripts = (0..166).fold(usual(), |spend, _| spend.input(&p2sh(), fifteen.clone(), &[]));
        (0..keys).fold(scripts, |spend, _| spend.input(&p2pk(), vec![], &[]))
    };
    // usual() spends a P2PKH output, which adds one signature operation.
    assert_eq!(of(9).check(), Ok(()));
    assert_eq!(of(10).check(), Err(PolicyError::LegacySigops { sigops: 2_501 }));
}

#[test]
fn spent_outputs_of_a_standard_form() {
    let of = |spent: &str| usual().input(&script(spent), vec![], &[]);
    let h32 = "11".repeat(32);
    let key = format!("2102{h32}");
    for standard in [format!("51{}0114ae", key.repeat(20)), format!("5120{h32}"), ANCHOR.into()] {
        assert_eq!(of(&standard).check(), Ok(()), "{standard}");
    }
    for other in ["51", "", "0002aabb", &format!("51{}0115ae", key.repeat(21))] {
        assert_eq!(of(other).check(), Err(PolicyError::InputScript { input: 1 }), "{other}");
    }
    for (program, version) in
        [(format!("5220{h32}"), 2), (format!("5121{h32}11"), 1), ("60020102".into(), 16)]
    {
        assert_eq!(of(&program).check(), Err(PolicyError::InputWitnessProgram { input: 1, version }));
    }
}

#[test]
fn redeem_scripts() {
    let of = |script_sig: Vec<u8>| usual().input(&p2sh(), script_sig, &[]).check();
    let redeem = |script: &[u8]| of(push(script));
    assert_eq!(redeem(&[0xac; 15]), Ok(()));
    assert_eq!(redeem(&[0xac; 16]), Err(PolicyError::RedeemScriptSigops { input: 1, sigops: 16 }));
    assert_eq!(redeem(&[0x5f, 0xae]), Ok(()));
    assert_eq!(redeem(&[0x60, 0xae]), Err(PolicyError::RedeemScriptSigops { input: 1, sigops: 16 }));
    assert_eq!(redeem(&[0xae]), Err(PolicyError::RedeemScriptSigops { input: 1, sigops: 20 }));

    let refused = |problem| Err(PolicyError::RedeemScript { input: 1, problem });
    assert_eq!(of(vec![]), refused(RedeemScriptError::Missing));
    assert_eq!(of(vec![0x50]), refused(RedeemScriptError::Fails("BAD_OPCODE")));
    assert_eq!(of(push(&[0; 520])), Ok(()));
    assert_eq!(of(push(&[0; 521])), refused(RedeemScriptError::Fails("PUSH_SIZE")));
    assert_eq!(of(vec![0; 1_000]), Ok(()));
    assert_eq!(of(vec![0; 1_001]), refused(RedeemScriptError::Fails("STACK_SIZE")));
}

fn witness_refused(rule: WitnessRule) -> Result<(), PolicyError> {
    Err(PolicyError::Witness { input: 1, rule })
}

#[test]
fn witnesses_of_p2wsh_bare_and_nested() {
    let nested = push(p2wsh().as_bytes());
    for (spent, script_sig) in [(p2wsh(), vec![]), (p2sh(), nested)] {
        let of = |items: &[usize], script: usize| {
            let mut witness: Vec<Vec<u8>> = items.iter().map(|size| vec![0; *size]).collect();
            witness.push(vec![0x61; script]);
            usual().input(&spent, script_sig.clone(), &witness).check()
        };
        assert_eq!(of(&[], 3_600), Ok(()));
        assert_eq!(of(&[], 3_601), witness_refused(WitnessRule::P2wshScriptSize { size: 3_601 }));
        assert_eq!(of(&[0; 100], 1), Ok(()));
        assert_eq!(of(&[0; 101], 1), witness_refused(WitnessRule::P2wshItems { count: 101 }));
        assert_eq!(of(&[0, 80], 1), Ok(()));
        assert_eq!(of(&[0, 81], 1), witness_refused(WitnessRule::P2wshItemSize { item: 1, size: 81 }));
    }
}

#[test]
fn witnesses_of_taproot() {
    let policy = NO_FEES;
    let with_annex = Policy { annex: true, ..policy };
    let of = |witness: &[Vec<u8>]| usual().input(&p2tr(), vec![], witness);
    let leaf = |version: u8, size: usize| vec![vec![], vec![0; size], vec![0x51], vec![version; 33]];
    let too_long = witness_refused(WitnessRule::TapscriptItemSize { item: 1, size: 81 });
    for parity in [0xc0, 0xc1] {
        assert_eq!(of(&leaf(parity, 80)).check(), Ok(()));
        assert_eq!(of(&leaf(parity, 81)).check(), too_long);
    }
    assert_eq!(of(&leaf(0xc2, 81)).check(), Ok(()));
    assert_eq!(of(&[vec![0; 1_000]]).check(), Ok(()), "a key path");
    assert_eq!(of(&[vec![0x51], vec![]]).check(), witness_refused(WitnessRule::EmptyControlBlock));
    assert_eq!(of(&[vec![0x50; 64]]).check(), Ok(()), "one element is a signature");
    assert_eq!(of(&[vec![0; 64], vec![0x51]]).check_with(&policy), Ok(()));

    let annex = |witness: Vec<Vec<u8>>| [witness, vec![vec![0x50]]].concat();
    for witness in [vec![vec![0; 64]], leaf(0xc0, 80)] {
        let spend = of(&annex(witness));
        assert_eq!(spend.check(), witness_refused(WitnessRule::Annex));
        assert_eq!(spend.check_with(&with_annex), Ok(()));
    }
    assert_eq!(of(&annex(leaf(0xc0, 81))).check_with(&with_annex), too_long);
}

#[test]
fn witnesses_where_there_should_be_none() {
    let of = |spent: &ScriptBuf, script_sig: Vec<u8>, witness: &[Vec<u8>]| {
        usual().input(spent, script_sig, witness).check()
    };
    let some = [vec![1]];
    assert_eq!(of(&script(ANCHOR), vec![], &[]), Ok(()));
    assert_eq!(of(&script(ANCHOR), vec![], &some), witness_refused(WitnessRule::Anchor));
    assert_eq!(of(&script(ANCHOR), vec![], &[vec![]]), witness_refused(WitnessRule::Anchor));
    assert_eq!(of(&p2pkh(), vec![], &some), witness_refused(WitnessRule::NoWitnessProgram));
    assert_eq!(of(&p2sh(), push(&[0x51]), &some), witness_refused(WitnessRule::NoWitnessProgram));
    // A witness program in P2SH may have a witness, even if the program has no rules.
    assert_eq!(of(&p2sh(), push(script(ANCHOR).as_bytes()), &some), Ok(()));
    assert_eq!(of(&p2sh(), push(p2tr().as_bytes()), &[vec![0; 64], vec![0x50]]), Ok(()));
}

#[test]
fn signature_operation_cost_of_16_000() {
    let of = |last: usize| {
        let script = |sigops: usize| vec![vec![0xac; sigops]];
        let spend = (0..4).fold(usual(), |spend, _| spend.input(&p2wsh(), vec![], &script(3_600)));
        spend.input(&p2wsh(), vec![], &script(last))
    };
    // The P2PKH output that the transaction creates adds 4 to the cost.
    assert_eq!(of(1_596).check(), Ok(()));
    assert_eq!(of(1_597).check(), Err(PolicyError::SigopsCost { cost: 16_001 }));
}

#[test]
fn every_kind_of_script_has_its_cost() {
    let cost = |spend: Spend| Candidate::new(&spend.tx, &spend.prevouts).sigops_cost();
    let base = cost(usual());
    assert_eq!(base, 4);
    let added = |spent: &ScriptBuf, script_sig: Vec<u8>, witness: &[Vec<u8>]| {
        cost(usual().input(spent, script_sig, witness)) - base
    };
    let p2wpkh = script(&format!("0014{}", "11".repeat(20)));
    let sigops = vec![0x52, 0xae, 0xac];
    let witness = [vec![], sigops.clone()];
    assert_eq!(added(&p2pk(), vec![], &[]), 0, "spent scripts counted when they were created");
    assert_eq!(added(&p2sh(), push(&sigops), &[]), 12);
    assert_eq!(added(&p2wpkh, vec![], &witness), 1);
    assert_eq!(added(&p2sh(), push(p2wpkh.as_bytes()), &witness), 1);
    assert_eq!(added(&p2wsh(), vec![], &witness), 3);
    assert_eq!(added(&p2wsh(), vec![], &[]), 0);
    assert_eq!(added(&p2sh(), push(p2wsh().as_bytes()), &witness), 3);
    assert_eq!(added(&p2tr(), vec![], &witness), 0);
    assert_eq!(added(&script(ANCHOR), vec![], &witness), 0);
    // The cost of a bare multisig output with two keys is that of 20 keys.
    let bare = script(&format!("51{}52ae", format!("2102{}", "11".repeat(32)).repeat(2)));
    assert_eq!(cost(usual().outputs(vec![output(1_000, &bare)])), 80);
}

#[test]
fn the_minimum_feerate_is_for_the_adjusted_size() {
    let plain = usual();
    let vsize = Candidate::new(&plain.tx, &plain.prevouts).vsize();
    assert_eq!(vsize, plain.tx.weight().to_wu().div_ceil(4));
    let needed = vsize.div_ceil(10);
    assert_eq!(plain.clone().fee(needed).check(), Ok(()));
    let refused = PolicyError::MinRelayFee { fee: needed - 1, needed, vsize };
    assert_eq!(plain.fee(needed - 1).check(), Err(refused));

    // A cost of 3,804 counts as 19,020 virtual bytes.
    let many = spend().input(&p2wsh(), vec![], &[[vec![0x01; 3_410], vec![0xae; 190]].concat()]);
    assert_eq!(Candidate::new(&many.tx, &many.prevouts).sigops_cost(), 3_804);
    assert_eq!(many.clone().fee(1_902).check(), Ok(()));
    let refused = PolicyError::MinRelayFee { fee: 1_901, needed: 1_902, vsize: 19_020 };
    assert_eq!(many.fee(1_901).check(), Err(refused));
}

#[test]
fn version_3_has_at_most_10_000_virtual_bytes() {
    let of = |version, size: usize| {
        let data = ScriptBuf::from([vec![0x6a], vec![0; size]].concat());
        usual().outputs(vec![output(0, &data)]).version(version).fee(50_000)
    };
    let size = 10_000 - of(3, 9_000).tx.base_size() + 9_000;
    assert_eq!(of(3, size).check(), Ok(()));
    assert_eq!(of(3, size + 1).check(), Err(PolicyError::TrucSize { vsize: 10_001 }));
    assert_eq!(of(2, size + 1).check(), Ok(()));
    let sigops = usual().input(&p2wsh(), vec![], &[vec![0xac; 2_000]]).version(3);
    assert_eq!(sigops.check(), Err(PolicyError::TrucSize { vsize: 10_020 }));
}

#[test]
fn what_is_unknown_is_left_out_and_named() {
    let spend = usual().input(&script("51"), vec![], &[]).input(&p2pkh(), vec![], &[vec![1]]);
    let with = |known: [bool; 3]| {
        let prevouts = spend.prevouts.iter().zip(known).map(|(prevout, known)| known.then_some(prevout));
        Candidate::with_known(&spend.tx, prevouts)
    };
    let script_refused = Err(PolicyError::InputScript { input: 1 });
    let witness = Err(PolicyError::Witness { input: 2, rule: WitnessRule::NoWitnessProgram });
    for (known, unknown, verdict) in [
        ([true, true, true], &[][..], &script_refused),
        ([false, true, false], &[0, 2], &script_refused),
        ([true, false, true], &[1], &witness),
        ([true, false, false], &[1, 2], &Ok(())),
        ([false, false, false], &[0, 1, 2], &Ok(())),
    ] {
        let candidate = with(known);
        assert_eq!(&candidate.check(&Policy::default()), verdict);
        assert_eq!(candidate.unknown_prevouts(), unknown);
        assert_eq!(candidate.fee(), Ok((unknown.is_empty()).then_some(290_000)));
    }
    assert_eq!(Candidate::new(&spend.tx, &[]).unknown_prevouts(), [0, 1, 2]);
    // The form can be checked without spent outputs.
    let version = spend.clone().version(4);
    assert_eq!(Candidate::new(&version.tx, &[]).check(&NO_FEES), Err(PolicyError::Version { version: 4 }));
}

#[test]
fn messages_name_the_place_the_value_and_the_limit() {
    for (error, message) in [
        (
            PolicyError::ScriptSigSize { input: 1, size: 1_651 },
            "scriptsig-size: input 1: the scriptSig has 1651 bytes; the maximum is 1650",
        ),
        (
            PolicyError::DustWithFee { output: 2, amount: 329, limit: 330, fee: 7 },
            "dust: output 2: 329 sat is dust, below 330 sat for this form; dust is relayed only if the fee is 0, and the \
             fee is 7 sat",
        ),
        (
            PolicyError::Witness { input: 0, rule: WitnessRule::P2wshItems { count: 101 } },
            "bad-witness-nonstandard: input 0: the P2WSH witness has 101 elements below its script; the maximum is 100",
        ),
        (
            PolicyError::MinRelayFee { fee: 1, needed: 12, vsize: 111 },
            "min relay fee not met: the fee is 1 sat; the minimum for 111 virtual bytes is 12 sat",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}
