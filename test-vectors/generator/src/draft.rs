//! Assignment of cases to the rules of BIP-DRAFT.md, written to `bips/draft/rules.json`.
//!
//! A table selects the cases of each rule by their ids. A rejected case counts only if its error, and the opcode at
//! which it stops, are listed for the rule. The generator fails if a case of OP_CHECKSIGFROMSTACK or BIP 118 tests no
//! rule, or if a row of the table selects no case.

use serde_json::{Value, json};

use super::GeneratedFile;
use sigstack_vectors::{Case, Expect};

/// Where verification of a rejected case must stop: the name of the error, and the name of the opcode. If verification
/// does not stop at an opcode, the second string is the phase of verification.
type Stop = (&'static str, &'static str);

/// Selects the cases that test one rule of BIP-DRAFT.md, by their ids and by where they fail.
struct Row {
    /// Number of a rule in BIP-DRAFT.md, such as 12 for the rule R12.
    rule: u8,
    /// Prefix of the case ids that this row selects. It begins with the name of the group, such as `csfs/`.
    begins: &'static str,
    /// Text that a case id must contain after the prefix.
    contains: &'static str,
    /// Case ids with this text after the prefix are not selected. Ignored if empty.
    lacks: &'static str,
    /// Where verification of a rejected case must stop for this row to select the case: one of these errors and
    /// opcodes.
    stops: &'static [Stop],
}

const CSFS: &str = "OP_CHECKSIGFROMSTACK";
const CHECKSIG: &str = "OP_CHECKSIG";
const ANY_CHECKSIG: &[Stop] =
    &[("SCHNORR_SIG", CHECKSIG), ("SCHNORR_SIG", "OP_CHECKSIGVERIFY"), ("SCHNORR_SIG", "OP_CHECKSIGADD")];
const DIGEST: &[Stop] = &[("SCHNORR_SIG", CHECKSIG)];
const HASH_TYPE: &[Stop] = &[("SCHNORR_SIG_HASHTYPE", CHECKSIG)];
const REFUSED: &[Stop] = &[("DISCOURAGE_OP_CHECKSIGFROMSTACK", CSFS)];
/// Errors at OP_CHECKSIG with a BIP 118 key, in cases about the activation of BIP 118. While BIP 118 is inactive, the
/// type of the key is unknown and the check succeeds.
const KEY_REFUSED: &[Stop] = &[("DISCOURAGE_ANYPREVOUT", CHECKSIG), ("SCHNORR_SIG_SIZE", CHECKSIG)];
const BUDGET: &[Stop] = &[("TAPSCRIPT_VALIDATION_WEIGHT", CSFS)];

const fn row(rule: u8, begins: &'static str, stops: &'static [Stop]) -> Row {
    Row { rule, begins, contains: "", lacks: "", stops }
}

const ROWS: &[Row] = &[
    row(1, "csfs/state-active", &[]),
    row(1, "csfs/unexecuted-active", &[]),
    row(
        1,
        "csfs/scan-active",
        &[
            ("EVAL_FALSE", "tapscript"),
            ("BAD_OPCODE", "OP_PUSHDATA2"),
            ("STACK_SIZE", "tapscript"),
            ("PUSH_SIZE", "tapscript"),
            ("DISCOURAGE_OP_SUCCESS", "OP_SUCCESS254"),
        ],
    ),
    row(
        1,
        "csfs/scan-push-",
        &[
            ("EVAL_FALSE", "tapscript"),
            ("BAD_OPCODE", "OP_PUSHBYTES_5"),
            ("BAD_OPCODE", "OP_PUSHDATA1"),
            ("BAD_OPCODE", "OP_PUSHDATA2"),
            ("BAD_OPCODE", "OP_PUSHDATA4"),
        ],
    ),
    row(2, "csfs/bare-", &[("BAD_OPCODE", CSFS)]),
    row(2, "csfs/p2sh-", &[("BAD_OPCODE", CSFS)]),
    row(2, "csfs/p2wsh-", &[("BAD_OPCODE", CSFS)]),
    row(2, "csfs/leaf-version-", &[]),
    row(3, "csfs/stack-", &[("INVALID_STACK_OPERATION", CSFS)]),
    row(
        4,
        "csfs/order",
        &[("SCHNORR_SIG", CSFS), ("SCHNORR_SIG_SIZE", CSFS), ("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", CSFS)],
    ),
    row(4, "csfs/pops-", &[("EQUALVERIFY", "OP_EQUALVERIFY")]),
    row(5, "csfs/key-", &[("TAPSCRIPT_EMPTY_PUBKEY", CSFS)]),
    row(5, "csfs/budget-last-empty-key", &[("TAPSCRIPT_EMPTY_PUBKEY", CSFS)]),
    row(6, "csfs/size-", &[("SCHNORR_SIG_SIZE", CSFS)]),
    row(7, "csfs/valid", &[]),
    row(7, "csfs/invalid-", &[("SCHNORR_SIG", CSFS)]),
    row(7, "csfs/message-", &[("SCHNORR_SIG", CSFS), ("PUSH_SIZE", "tapscript")]),
    row(8, "csfs/empty-signature-", &[("EVAL_FALSE", "tapscript")]),
    row(9, "csfs/unknown-key-", &[("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", CSFS)]),
    row(9, "csfs/bip118-key-", &[("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", CSFS)]),
    row(10, "csfs/budget-", BUDGET),
    row(
        10,
        "csfs/budget-last-",
        &[("TAPSCRIPT_VALIDATION_WEIGHT", CSFS), ("SCHNORR_SIG", CSFS), ("SCHNORR_SIG_SIZE", CSFS)],
    ),
    row(
        10,
        "csfs/budget-shared-",
        &[
            ("TAPSCRIPT_VALIDATION_WEIGHT", CSFS),
            ("TAPSCRIPT_VALIDATION_WEIGHT", CHECKSIG),
            ("TAPSCRIPT_VALIDATION_WEIGHT", "OP_CHECKSIGVERIFY"),
            ("TAPSCRIPT_VALIDATION_WEIGHT", "OP_CHECKSIGADD"),
        ],
    ),
    row(
        11,
        "csfs/pushes-",
        &[("EQUALVERIFY", "OP_EQUALVERIFY"), ("EVAL_FALSE", "tapscript"), ("CLEANSTACK", "tapscript")],
    ),
    Row { rule: 12, begins: "anyprevout/state-active-", contains: "", lacks: "-discouraged", stops: &[] },
    row(12, "anyprevout/neighbour-", &[("DISCOURAGE_UPGRADABLE_PUBKEYTYPE", CHECKSIG)]),
    row(12, "anyprevout/bip342-key-", HASH_TYPE),
    row(12, "anyprevout/key-path-", &[("SCHNORR_SIG_HASHTYPE", "keyPath")]),
    row(13, "anyprevout/bare-", &[("SIG_DER", CHECKSIG), ("EVAL_FALSE", "scriptPubKey")]),
    row(
        13,
        "anyprevout/p2sh-",
        &[("SIG_DER", CHECKSIG), ("EVAL_FALSE", "redeemScript"), ("EVAL_FALSE", "witnessScript")],
    ),
    row(13, "anyprevout/p2wsh-", &[("SIG_DER", CHECKSIG), ("EVAL_FALSE", "witnessScript")]),
    row(
        14,
        "anyprevout/budget-",
        &[
            ("TAPSCRIPT_VALIDATION_WEIGHT", CHECKSIG),
            ("TAPSCRIPT_VALIDATION_WEIGHT", "OP_CHECKSIGVERIFY"),
            ("TAPSCRIPT_VALIDATION_WEIGHT", "OP_CHECKSIGADD"),
        ],
    ),
    Row {
        rule: 15,
        begins: "anyprevout/checksig",
        contains: "-empty",
        lacks: "",
        stops: &[
            ("CHECKSIGVERIFY", "OP_CHECKSIGVERIFY"),
            ("SCHNORR_SIG_SIZE", CHECKSIG),
            ("SCHNORR_SIG_SIZE", "OP_CHECKSIGADD"),
        ],
    },
    row(15, "anyprevout/empty-off-curve", &[]),
    row(16, "anyprevout/size-", &[("SCHNORR_SIG_SIZE", CHECKSIG), ("SCHNORR_SIG_SIZE", "OP_CHECKSIGADD")]),
    row(
        17,
        "anyprevout/hash-type-",
        &[("SCHNORR_SIG_HASHTYPE", CHECKSIG), ("SCHNORR_SIG_HASHTYPE", "OP_CHECKSIGADD")],
    ),
    row(18, "anyprevout/single-", HASH_TYPE),
    row(19, "anyprevout/internal-", DIGEST),
    row(20, "anyprevout/prefixed", DIGEST),
    row(25, "anyprevout/message-", DIGEST),
    row(21, "anyprevout/commits-0", DIGEST),
    row(21, "anyprevout/commits-8", DIGEST),
    row(22, "anyprevout/commits-4", DIGEST),
    row(23, "anyprevout/commits-c", DIGEST),
    row(24, "anyprevout/code-separator-", DIGEST),
    row(24, "anyprevout/key-version-", DIGEST),
    Row { rule: 24, begins: "anyprevout/commits-", contains: "-leaf", lacks: "", stops: DIGEST },
    Row { rule: 24, begins: "anyprevout/commits-", contains: "-codeseparator", lacks: "", stops: DIGEST },
    Row { rule: 25, begins: "anyprevout/checksig", contains: "", lacks: "-empty", stops: ANY_CHECKSIG },
    row(26, "csfs/state-inactive", REFUSED),
    row(26, "csfs/state-active-", REFUSED),
    row(26, "csfs/unexecuted-inactive", REFUSED),
    row(26, "csfs/unexecuted-active-", REFUSED),
    row(26, "csfs/scan-inactive", &[]),
    row(26, "csfs/scan-before", &[]),
    row(27, "anyprevout/state-inactive-", KEY_REFUSED),
    row(27, "anyprevout/state-empty-", KEY_REFUSED),
    row(27, "anyprevout/state-unexecuted-", &[]),
    Row {
        rule: 27,
        begins: "anyprevout/state-active-",
        contains: "-discouraged",
        lacks: "",
        stops: KEY_REFUSED,
    },
    row(
        28,
        "anyprevout/stack-",
        &[
            ("INVALID_STACK_OPERATION", CHECKSIG),
            ("INVALID_STACK_OPERATION", "OP_CHECKSIGADD"),
            ("TAPSCRIPT_EMPTY_PUBKEY", CHECKSIG),
            ("TAPSCRIPT_EMPTY_PUBKEY", "OP_CHECKSIGADD"),
            ("SCRIPTNUM", "OP_CHECKSIGADD"),
            ("EVAL_FALSE", "tapscript"),
            ("CLEANSTACK", "tapscript"),
        ],
    ),
];

/// Number of rules in BIP-DRAFT.md.
const RULES: u8 = 28;

/// Returns where verification of a rejected case stopped: the name of the opcode. If it did not stop at an opcode,
/// returns the phase of verification.
fn stop(case: &Case) -> &str {
    let stops_at = case.extra.get("stops_at").and_then(Value::as_str).unwrap_or_default();
    match stops_at.split_once('(') {
        Some((_, opcode)) => opcode.split(',').next().unwrap_or_default(),
        None => stops_at,
    }
}

impl Row {
    fn shows(&self, case: &Case) -> bool {
        let id = case.id.as_deref().unwrap_or_default();
        let Some(rest) = id.strip_prefix(self.begins) else { return false };
        rest.contains(self.contains)
            && (self.lacks.is_empty() || !rest.contains(self.lacks))
            && match case.expect {
                Expect::Ok => true,
                Expect::Error(error) => self.stops.contains(&(error.name(), stop(case))),
                // The draft has no rule about whole transactions.
                Expect::Rule(_) => false,
            }
    }
}

/// Returns the rules of BIP-DRAFT.md that a case tests, such as `R12`.
pub(super) fn rules_of(case: &Case) -> Vec<String> {
    let rules = (1..=RULES).filter(|rule| ROWS.iter().any(|row| row.rule == *rule && row.shows(case)));
    rules.map(|rule| format!("R{rule}")).collect()
}

/// Creates `rules.json` from the cases of OP_CHECKSIGFROMSTACK and BIP 118.
///
/// # Errors
///
/// Returns a list of mistakes: each case that tests no rule of BIP-DRAFT.md, and each row of the table that selects no
/// case.
pub(super) fn file(cases: &[Case]) -> Result<GeneratedFile, String> {
    let mut mistakes = Vec::new();
    let id = |case: &Case| case.id.clone().unwrap_or_default();
    for case in cases {
        if !ROWS.iter().any(|row| row.shows(case)) {
            mistakes.push(format!(
                "{} shows no rule of the draft: {} at {}",
                id(case),
                case.expect,
                stop(case)
            ));
        }
    }
    for row in ROWS.iter().filter(|row| !cases.iter().any(|case| row.shows(case))) {
        mistakes.push(format!("no case shows R{} by {}…{}", row.rule, row.begins, row.contains));
    }
    if !mistakes.is_empty() {
        return Err(mistakes.join("\n"));
    }
    let lines = (1..=RULES).map(|rule| {
        let shown = |case: &&Case| ROWS.iter().any(|row| row.rule == rule && row.shows(case));
        let (accepts, rejects): (Vec<&Case>, Vec<&Case>) =
            cases.iter().filter(shown).partition(|case| case.expect == Expect::Ok);
        let accepts: Vec<Value> = accepts.into_iter().map(|case| id(case).into()).collect();
        let rejects: Vec<Value> = rejects
            .into_iter()
            .map(|case| {
                json!({ "id": id(case), "expect": case.expect.to_string(), "stops_at": case.extra.get("stops_at") })
            })
            .collect();
        json!({ "rule": format!("R{rule}"), "accepts": accepts, "rejects": rejects }).to_string()
    });
    let contents = format!("[\n{}\n]\n", lines.collect::<Vec<String>>().join(",\n"));
    Ok(GeneratedFile { path: "bips/draft/rules.json".into(), contents: contents.into_bytes() })
}
