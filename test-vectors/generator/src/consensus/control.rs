//! Cases of branches, OP_VERIFY, OP_RETURN and the NOPs.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{Change, EARLIER, EVERY, Good, LEGACY, WITNESS_V0, bad, bad_end, twins};
use crate::group::{Group, Rule};
use crate::spec::Version;
use sigstack_vectors::Case;

const BRANCH: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Control",
    text: "OP_IF executes what follows if its argument is true, OP_NOTIF if not, OP_ELSE turns that around each time",
    only: None,
};
const BALANCE: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Control",
    text: "every OP_ELSE and OP_ENDIF has its OP_IF or OP_NOTIF, and every one of these its OP_ENDIF, in the same script",
    only: None,
};
const VERIFIES: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Control; CastToBool",
    text: "OP_VERIFY fails on false: no byte but zeros, the sign of the last one aside",
    only: None,
};
const RETURNS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Control",
    text: "OP_RETURN fails where it is executed",
    only: None,
};
const MINIMAL_IF: Rule = Rule {
    source: "Bitcoin Core, SCRIPT_VERIFY_MINIMALIF",
    text: "in segwit v0, policy wants the argument of OP_IF and OP_NOTIF to be empty or 0x01",
    only: None,
};
const TAPSCRIPT_MINIMAL_IF: Rule = Rule {
    source: "BIP 342, Script execution",
    text: "in tapscript the argument of OP_IF and OP_NOTIF must be empty or 0x01",
    only: None,
};
const NOPS: Rule = Rule {
    source: "Bitcoin Core, EvalScript, Control; SCRIPT_VERIFY_DISCOURAGE_UPGRADABLE_NOPS",
    text: "OP_NOP does nothing; OP_NOP1 and OP_NOP4 to OP_NOP10 do nothing and policy refuses them",
    only: None,
};

const NONE: Flags = Flags::NONE;
const SHALLOW: ScriptError = ScriptError::InvalidStackOperation;
const UNBALANCED: ScriptError = ScriptError::UnbalancedConditional;

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("control");
    branches(&mut group);
    balance(&mut group);
    verify_and_return(&mut group);
    minimal_if(&mut group);
    nops(&mut group);
    group.finish()
}

fn branches(group: &mut Group) {
    for (slug, opcode, taken, not_taken) in [("if", Op::OP_IF, "1", "0x"), ("notif", Op::OP_NOTIF, "0x", "1")]
    {
        let name = opcode.to_string();
        let script = format!("{name} 2 ELSE 3 ENDIF 2 EQUAL");
        let comment = format!("{name} takes the branch");
        let good =
            Good { slug, rule: &BRANCH, comment: &comment, stack: taken, script: &script, flags: NONE };
        let false_at_end = ScriptError::EvalFalse;
        twins(
            group,
            EVERY,
            good,
            &[
                bad_end("other", "the argument is the other one", Change::Stack(not_taken), false_at_end),
                bad("without", "there is no argument", Change::Stack(""), SHALLOW, opcode),
            ],
        );
        let slug = format!("{slug}-else");
        let script = format!("{name} RETURN ELSE 2 ENDIF 2 EQUAL");
        let comment = format!("{name} does not take the branch");
        let good = Good {
            slug: &slug,
            rule: &BRANCH,
            comment: &comment,
            stack: not_taken,
            script: &script,
            flags: NONE,
        };
        let taken = Change::Stack(taken);
        let taken =
            bad("taken", "the argument is the other one", taken, ScriptError::OpReturn, Op::OP_RETURN);
        twins(group, EVERY, good, &[taken]);
    }
    let good = Good {
        slug: "else-again",
        rule: &BRANCH,
        comment: "three times OP_ELSE: the first and the third branch are executed",
        stack: "1",
        script: "IF 1 ELSE RETURN ELSE 2 ELSE RETURN ENDIF 2 EQUALVERIFY",
        flags: NONE,
    };
    let returned =
        bad("other", "the argument is false", Change::Stack("0x"), ScriptError::OpReturn, Op::OP_RETURN);
    twins(group, EVERY, good, &[returned]);
    let good = Good {
        slug: "nested",
        rule: &BRANCH,
        comment: "branches inside a branch that is not executed take no arguments and are not executed",
        stack: "0x",
        script: "IF IF RETURN ELSE RETURN ENDIF NOTIF RETURN ELSE RETURN ENDIF ENDIF 1",
        flags: NONE,
    };
    let executed = bad("executed", "the outer branch is executed", Change::Stack("1"), SHALLOW, Op::OP_IF);
    twins(group, EVERY, good, &[executed]);
}

fn balance(group: &mut Group) {
    let good = Good {
        slug: "balanced",
        rule: &BALANCE,
        comment: "OP_IF, OP_ELSE and OP_ENDIF in their order",
        stack: "1",
        script: "IF 1 ELSE 0 ENDIF",
        flags: NONE,
    };
    twins(
        group,
        EVERY,
        good,
        &[
            bad_end("no-endif", "the OP_ENDIF is missing", Change::Script("IF 1 ELSE 0"), UNBALANCED),
            bad(
                "endif-again",
                "there is a second OP_ENDIF",
                Change::Script("IF 1 ELSE 0 ENDIF ENDIF"),
                UNBALANCED,
                Op::OP_ENDIF,
            ),
            bad(
                "else-outside",
                "there is an OP_ELSE after it",
                Change::Script("IF 1 ELSE 0 ENDIF ELSE"),
                UNBALANCED,
                Op::OP_ELSE,
            ),
        ],
    );
    // A branch cannot extend from the scriptSig into the scriptPubKey.
    for version in LEGACY {
        let spec = super::build::spend(*version, super::build::asm("1"), "");
        let base =
            super::build::accept(group, *version, "one-script", &BALANCE, "a script without branches", spec);
        let split = |spec: &mut crate::spec::Spec| spec.script_sig = vec![0x51, 0x63];
        let verdict = super::build::in_phase(sigstack_interpreter::Phase::ScriptSig, UNBALANCED);
        let differs = "the scriptSig opens a branch";
        super::build::reject(group, *version, &base, "one-script-opened", &BALANCE, differs, split, verdict);
    }
}

fn verify_and_return(group: &mut Group) {
    let good = Good {
        slug: "verify",
        rule: &VERIFIES,
        comment: "OP_VERIFY takes true away",
        stack: "5 0x000001",
        script: "VERIFY 5 EQUAL",
        flags: NONE,
    };
    let fails =
        |slug, differs, stack| bad(slug, differs, Change::Stack(stack), ScriptError::Verify, Op::OP_VERIFY);
    twins(
        group,
        EVERY,
        good,
        &[
            fails("empty", "the argument is empty", "5 0x"),
            fails("zeros", "the argument is zero bytes", "5 0x000000"),
            fails("negative-zero", "the argument is zero with a sign", "5 0x000080"),
            bad("without", "there is no argument", Change::Stack(""), SHALLOW, Op::OP_VERIFY),
        ],
    );
    let good = Good {
        slug: "verify-signs",
        rule: &VERIFIES,
        comment: "true: a sign that is not in the last byte, a byte before zeros, more than a number's bytes",
        stack: "",
        script: "0x02 0x8000 VERIFY 0x03 0x010000 VERIFY 0x06 0x000000000001 VERIFY 0x01 0x81 VERIFY 1",
        flags: NONE,
    };
    twins(group, EVERY, good, &[]);
    let good = Good {
        slug: "return",
        rule: &RETURNS,
        comment: "OP_RETURN in a branch that is not executed",
        stack: "0x",
        script: "IF RETURN ENDIF 1",
        flags: NONE,
    };
    let executed = Change::Stack("1");
    let executed = bad("executed", "the branch is executed", executed, ScriptError::OpReturn, Op::OP_RETURN);
    twins(group, EVERY, good, &[executed]);
}

fn minimal_if(group: &mut Group) {
    for opcode in [Op::OP_IF, Op::OP_NOTIF] {
        let name = opcode.to_string();
        let script = format!("{name} 1 ELSE 1 ENDIF");
        for (kind, argument) in [("empty", "0x"), ("one", "1")] {
            let slug = format!("minimalif-{}-{kind}", name.trim_start_matches("OP_").to_lowercase());
            let comment = format!("{name} of {}", if argument == "1" { "0x01" } else { "nothing" });
            let good = |rule, flags| Good {
                slug: &slug,
                rule,
                comment: &comment,
                stack: argument,
                script: &script,
                flags,
            };
            let arguments = [
                ("two", "the argument is 2", "2"),
                ("zero-byte", "the argument is a zero byte", "0x00"),
                ("padded", "the argument is 0x0100", "0x0100"),
            ];
            let fails = |error| {
                arguments
                    .map(|(slug, differs, stack)| bad(slug, differs, Change::Stack(stack), error, opcode))
            };
            let policy = good(&MINIMAL_IF, Flags::MINIMALIF);
            twins(group, WITNESS_V0, policy, &fails(ScriptError::MinimalIf));
            let rule = &TAPSCRIPT_MINIMAL_IF;
            twins(group, &[Version::Tapscript], good(rule, NONE), &fails(ScriptError::TapscriptMinimalIf));
        }
        let slug = format!("minimalif-{}-not-asked", name.trim_start_matches("OP_").to_lowercase());
        let comment = "consensus takes any argument before tapscript";
        let good = Good { slug: &slug, rule: &MINIMAL_IF, comment, stack: "2", script: &script, flags: NONE };
        let asked = Change::Under(Flags::MINIMALIF);
        twins(group, WITNESS_V0, good, &[bad("asked", "policy asks", asked, ScriptError::MinimalIf, opcode)]);
        let comment = "before segwit policy takes any argument too";
        twins(group, LEGACY, Good { comment, flags: Flags::MINIMALIF, ..good }, &[]);
    }
}

fn nops(group: &mut Group) {
    let good = Good {
        slug: "nop",
        rule: &NOPS,
        comment: "OP_NOP, which policy does not mind",
        stack: "1",
        script: "NOP",
        flags: Flags::DISCOURAGE_UPGRADABLE_NOPS,
    };
    twins(group, EVERY, good, &[]);
    let refused = ScriptError::DiscourageUpgradableNops;
    for opcode in [0xb0, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9].map(Op) {
        let name = opcode.to_string();
        let slug = name.trim_start_matches("OP_").to_lowercase();
        let comment = format!("{name} does nothing");
        let good =
            Good { slug: &slug, rule: &NOPS, comment: &comment, stack: "1", script: &name, flags: NONE };
        let policy = Change::Under(Flags::DISCOURAGE_UPGRADABLE_NOPS);
        twins(group, EVERY, good, &[bad("discouraged", "policy refuses it", policy, refused, opcode)]);
    }
    let good = Good {
        slug: "nop10-unexecuted",
        rule: &NOPS,
        comment: "policy does not mind what is not executed",
        stack: "0x",
        script: "IF NOP10 ENDIF 1",
        flags: Flags::DISCOURAGE_UPGRADABLE_NOPS,
    };
    let executed = bad("executed", "the branch is executed", Change::Stack("1"), refused, Op::OP_NOP10);
    twins(group, EVERY, good, &[executed]);
    let good = Good {
        slug: "nop4",
        rule: &NOPS,
        comment: "OP_NOP4, which a proposal has a use for, does nothing, whatever is below it",
        stack: "1",
        script: "NOP4",
        flags: NONE,
    };
    twins(group, EVERY, good, &[]);
    let long = format!("{} ADD 3 NUMEQUAL", "NOP4 ".repeat(199));
    let longer = format!("{} ADD 3 NUMEQUAL", "NOP4 ".repeat(202));
    let good = Good {
        slug: "nop4-199",
        comment: "199 times OP_NOP4 and two more opcodes",
        stack: "1 2",
        script: &long,
        ..good
    };
    let more = Change::Script(&longer);
    let more = bad("more", "there are three more", more, ScriptError::OpCount, Op::OP_NOP4);
    twins(group, EARLIER, good, &[more]);
}
