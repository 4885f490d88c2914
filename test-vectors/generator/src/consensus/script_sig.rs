//! Cases with every error that a legacy script can cause, in the scriptSig. The scriptSig is executed as a script of
//! its own, before the scriptPubKey `OP_1`.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{accept, asm, at, reject, spend};
use crate::group::{Group, Rule};
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;
use sigstack_vectors::asm::assemble;

const RULE: Rule = Rule {
    source: "Bitcoin Core, VerifyScript",
    text: "the scriptSig runs before the scriptPubKey, by the same rules",
    only: None,
};

/// Assembly that pushes a 33-byte compressed public key (the key bytes are 02, then 32 times 11). Used in scriptSigs.
const KEY: &str = "0x21 0x021111111111111111111111111111111111111111111111111111111111111111";
const SIGNATURE: &str = "0x09 0x300602010102010101";

/// A valid scriptSig, and a scriptSig that is rejected with a certain error.
struct Row {
    slug: &'static str,
    flags: Flags,
    good: String,
    bad: String,
    opcode: Op,
    error: ScriptError,
}

/// Creates a row with a valid and a rejected scriptSig. Both are verified under the consensus flags, and the rejected
/// one fails with `error` at `opcode`.
fn row(slug: &'static str, good: &str, bad: &str, opcode: Op, error: ScriptError) -> Row {
    Row { slug, flags: Flags::NONE, good: good.into(), bad: bad.into(), opcode, error }
}

fn rows() -> Vec<Row> {
    let check = |signature: &str| format!("{signature} {KEY} CHECKSIG");
    let valid = check(SIGNATURE);
    let longest = |count: usize| "0 ".repeat(count);
    let high_s = check(&format!("0x28 0x302502010102207f{}01", "ff".repeat(31)));
    let policy = |flags: Flags, row: Row| Row { flags, ..row };
    vec![
        row("return", "0 IF RETURN ENDIF", "RETURN", Op::OP_RETURN, ScriptError::OpReturn),
        row("number", "1 1ADD", "0x05 0x0100000000 1ADD", Op::OP_1ADD, ScriptError::ScriptNum),
        row("stack", &longest(999), &longest(1_001), Op::OP_0, ScriptError::StackSize),
        row(
            "signatures",
            "0 0 1 0 1 CHECKMULTISIG",
            "0 0 2 0 1 CHECKMULTISIG",
            Op::OP_CHECKMULTISIG,
            ScriptError::SigCount,
        ),
        row(
            "keys",
            "0 0 0 CHECKMULTISIG",
            "0 0 -1 CHECKMULTISIG",
            Op::OP_CHECKMULTISIG,
            ScriptError::PubkeyCount,
        ),
        row("verify", "1 VERIFY", "0 VERIFY", Op::OP_VERIFY, ScriptError::Verify),
        row("equal", "1 1 EQUALVERIFY", "1 2 EQUALVERIFY", Op::OP_EQUALVERIFY, ScriptError::EqualVerify),
        row(
            "numequal",
            "1 1 NUMEQUALVERIFY",
            "1 2 NUMEQUALVERIFY",
            Op::OP_NUMEQUALVERIFY,
            ScriptError::NumEqualVerify,
        ),
        row(
            "multisig",
            "0 0 0 CHECKMULTISIGVERIFY",
            "0 0 1 0 1 CHECKMULTISIGVERIFY",
            Op::OP_CHECKMULTISIGVERIFY,
            ScriptError::CheckMultisigVerify,
        ),
        row(
            "checksig",
            "0 0 CHECKSIG",
            "0 0 CHECKSIGVERIFY",
            Op::OP_CHECKSIGVERIFY,
            ScriptError::CheckSigVerify,
        ),
        row("unknown", "NOP", "0xba", Op::OP_CHECKSIGADD, ScriptError::BadOpcode),
        row("disabled", "NOP", "0 IF LEFT ENDIF", Op::OP_LEFT, ScriptError::DisabledOpcode),
        row("shallow", "1 DUP", "DUP", Op::OP_DUP, ScriptError::InvalidStackOperation),
        row(
            "altstack",
            "1 TOALTSTACK FROMALTSTACK",
            "FROMALTSTACK",
            Op::OP_FROMALTSTACK,
            ScriptError::InvalidAltstackOperation,
        ),
        row("negative", "0 CLTV", "-1 CLTV", Op::OP_CHECKLOCKTIMEVERIFY, ScriptError::NegativeLocktime),
        row("locktime", "500 CLTV", "501 CLTV", Op::OP_CHECKLOCKTIMEVERIFY, ScriptError::UnsatisfiedLocktime),
        row(
            "dummy",
            "0 0 0 CHECKMULTISIG",
            "1 0 0 CHECKMULTISIG",
            Op::OP_CHECKMULTISIG,
            ScriptError::SigNullDummy,
        ),
        row("der", &valid, &check("0x09 0x310602010102010101"), Op::OP_CHECKSIG, ScriptError::SigDer),
        policy(
            Flags::STRICTENC,
            row(
                "hash-type",
                &valid,
                &check("0x09 0x300602010102010104"),
                Op::OP_CHECKSIG,
                ScriptError::SigHashtype,
            ),
        ),
        policy(Flags::LOW_S, row("high-s", &valid, &high_s, Op::OP_CHECKSIG, ScriptError::SigHighS)),
        policy(
            Flags::STRICTENC,
            row("key", &check("0"), "0 0 CHECKSIG", Op::OP_CHECKSIG, ScriptError::PubkeyType),
        ),
        policy(
            Flags::NULLFAIL,
            row("nullfail", &check("0"), &valid, Op::OP_CHECKSIG, ScriptError::SigNullFail),
        ),
        policy(
            Flags::DISCOURAGE_UPGRADABLE_NOPS,
            row("nop1", "NOP", "NOP1", Op::OP_NOP1, ScriptError::DiscourageUpgradableNops),
        ),
        policy(
            Flags::CONST_SCRIPTCODE,
            row("separator", "NOP", "CODESEPARATOR", Op::OP_CODESEPARATOR, ScriptError::OpCodeSeparator),
        ),
        // FindAndDelete looks for a direct push of the signature, so it does not remove this OP_PUSHDATA1.
        policy(
            Flags::CONST_SCRIPTCODE,
            row(
                "delete",
                &check("0x4c09 0x300602010102010101"),
                &valid,
                Op::OP_CHECKSIG,
                ScriptError::SigFindAndDelete,
            ),
        ),
    ]
}

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("scriptsig");
    for Row { slug, flags, good, bad, opcode, error } in rows() {
        let (good, bad) = (assemble(&good)?, assemble(&bad)?);
        let spec = Spec { script_sig: good, ..spend(Version::Bare, asm("1"), "") }.under(flags);
        let base = accept(&mut group, Version::Bare, slug, &RULE, "a scriptSig that runs to its end", spec);
        let change = |spec: &mut Spec| spec.script_sig = bad;
        let verdict = at(opcode, error);
        let differs = format!("{opcode} fails in it");
        reject(&mut group, Version::Bare, &base, &format!("{slug}-bad"), &RULE, &differs, change, verdict);
    }
    group.finish()
}
