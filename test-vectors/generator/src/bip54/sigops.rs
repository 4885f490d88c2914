//! BIP 54: cases of the limit of 2,500 signature operations. Operations in the witness do not count.

use bitcoin::hashes::{Hash, hash160, ripemd160};
use sha2::{Digest, Sha256};
use sigstack_interpreter::limits::LEAF_VERSION_TAPSCRIPT;
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{Flags, Opcode};
use sigstack_vectors::taptree;

use super::{SPECIFICATION, TOO_MANY, spending};
use crate::group::{Group, Rule};
use crate::keys::Key;
use crate::script::minimal_push;
use crate::spec::p2sh;
use crate::whole::{Spent, Whole};

const SUM: Rule = Rule {
    source: SPECIFICATION,
    text: "2,500 signature operations in all inputs together, and no more",
    only: None,
};
const CHECKSIG: Rule =
    Rule { source: SPECIFICATION, text: "1. CHECKSIG and CHECKSIGVERIFY count as 1", only: None };
const KEYS: Rule = Rule {
    source: SPECIFICATION,
    text: "2. CHECKMULTISIG and CHECKMULTISIGVERIFY directly after OP_1 to OP_16 count as 1 to 16",
    only: None,
};
const OTHERS: Rule = Rule {
    source: SPECIFICATION,
    text: "3. any other CHECKMULTISIG and CHECKMULTISIGVERIFY counts as 20",
    only: None,
};
const EVALUATED: Rule =
    Rule { source: SPECIFICATION, text: "operations count whether or not they are evaluated", only: None };
const PLACES: Rule = Rule {
    source: SPECIFICATION,
    text: "the scriptSig, the spent scriptPubKey and the P2SH redeem script count, each by itself",
    only: None,
};
const REDEEM: Rule = Rule {
    source: "BIP 16, Specification",
    text: "the redeem script is the last element that a scriptSig pushes, and belongs to P2SH outputs alone",
    only: None,
};
const NOTHING_ELSE: Rule = Rule {
    source: SPECIFICATION,
    text: "the witness, outputs, pushed data and other opcodes do not count",
    only: None,
};
const WITHOUT_P2SH: Rule = Rule {
    source: "Bitcoin Core, CScript::GetSigOpCount",
    text: "where BIP 16 is not enforced, the redeem script of a scriptSig of pushes counts, up to a push that is cut off",
    only: None,
};

const CHECKSIG_OP: u8 = Opcode::OP_CHECKSIG.0;
const CHECKMULTISIG_OP: u8 = Opcode::OP_CHECKMULTISIG.0;
const CHECKMULTISIGVERIFY_OP: u8 = Opcode::OP_CHECKMULTISIGVERIFY.0;
const LIMIT: usize = 2_500;

/// Returns a script that counts as `count` signature operations. It uses few opcodes, because a CHECKMULTISIG without a
/// number before it counts as 20.
fn operations(count: usize) -> Vec<u8> {
    [vec![CHECKMULTISIG_OP; count / 20], vec![CHECKSIG_OP; count % 20]].concat()
}

/// Returns `OP_1 OP_0 OP_IF operations OP_ENDIF`. The script leaves true, and does not execute the signature
/// operations.
fn unevaluated(operations: &[u8]) -> Vec<u8> {
    [&[Opcode::OP_1.0], skipped(operations).as_slice()].concat()
}

/// Returns `OP_0 OP_IF operations OP_ENDIF`. The script contains the signature operations, but does not execute them.
fn skipped(operations: &[u8]) -> Vec<u8> {
    [&[Opcode::OP_0.0, Opcode::OP_IF.0], operations, &[Opcode::OP_ENDIF.0]].concat()
}

/// Creates an input that spends a script with `count` signature operations, none of which is executed.
fn with(count: usize) -> Spent {
    Spent::bare(unevaluated(&operations(count)))
}

/// Creates an input that spends a P2SH output. Its scriptSig pushes only the redeem script.
fn p2sh_input(redeem_script: &[u8]) -> Spent {
    Spent { script_sig: minimal_push(redeem_script), ..Spent::bare(p2sh(redeem_script)) }
}

/// Returns the scriptPubKey of the P2WSH output that commits to a witness script.
fn witness_program(script: &[u8]) -> Vec<u8> {
    [&[Opcode::OP_0.0, 32], Sha256::digest(script).as_slice()].concat()
}

/// Returns the only input of a transaction: its spent script contains `count` signature operations.
pub(super) fn in_one_script(count: usize) -> Vec<Spent> {
    vec![with(count)]
}

/// Adds a valid case with 2,500 signature operations and an invalid case with 2,501. The tested scripts must count as
/// `counted` operations. `inputs` creates the inputs of the transaction, with as many further operations as its
/// argument says.
fn pair(
    group: &mut Group<Whole>,
    id: &str,
    rule: &'static Rule,
    comment: &str,
    counted: usize,
    inputs: impl Fn(usize) -> Vec<Spent>,
) {
    let rest = LIMIT - counted;
    let base = group.accept(&format!("{id}-2500"), rule, comment, spending(inputs(rest)));
    let more = inputs(rest + 1);
    let id = format!("{id}-2501");
    group.reject(&base, &id, rule, "there is one CHECKSIG more", |whole| whole.inputs = more, TOO_MANY);
}

/// Adds a valid and an invalid case that test how many signature operations are counted for these opcodes. The opcodes
/// are in the spent scriptPubKey, and must count as `counted`.
fn opcodes(
    group: &mut Group<Whole>,
    id: &str,
    rule: &'static Rule,
    comment: &str,
    counted: usize,
    script: &[u8],
) {
    let inputs =
        |rest: usize| vec![Spent::bare(unevaluated(&[script, operations(rest).as_slice()].concat()))];
    pair(group, id, rule, comment, counted, inputs);
}

pub(super) fn cases(group: &mut Group<Whole>) {
    checksig(group);
    multisig(group);
    first_of_script(group);
    evaluated(group);
    places(group);
    redeem_scripts(group);
    nothing_else(group);
    sums(group);
    without_p2sh(group);
}

fn checksig(group: &mut Group<Whole>) {
    for (id, opcode) in [("checksig", Opcode::OP_CHECKSIG), ("checksigverify", Opcode::OP_CHECKSIGVERIFY)] {
        let comment = format!("10 of 2,500 signature operations are {opcode}");
        opcodes(group, id, &CHECKSIG, &comment, 10, &[opcode.0; 10]);
        // A number before the opcode does not change its count.
        let comment = format!("{opcode} after OP_3 counts as 1");
        let script = [Opcode::OP_3.0, opcode.0].repeat(10);
        opcodes(group, &format!("{id}-after-number"), &CHECKSIG, &comment, 10, &script);
    }
}

fn multisig(group: &mut Group<Whole>) {
    for (id, opcode) in
        [("multisig", Opcode::OP_CHECKMULTISIG), ("multisigverify", Opcode::OP_CHECKMULTISIGVERIFY)]
    {
        for keys in 1..=16 {
            let comment = format!("{opcode} directly after OP_{keys} counts as {keys}");
            let script = [Opcode::OP_1.0 + keys - 1, opcode.0];
            opcodes(group, &format!("{id}-{keys}"), &KEYS, &comment, keys.into(), &script);
        }
        let one = Opcode::OP_1.0;
        for (name, before, other) in [
            ("zero", "OP_0", &[0x00][..]),
            ("negative", "OP_1NEGATE", &[0x4f]),
            ("reserved", "OP_RESERVED, which precedes OP_1", &[0x50]),
            ("nop", "OP_NOP, which follows OP_16", &[0x61]),
            ("verify", "OP_VERIFY", &[0x69]),
            ("pushed", "a push of the number 2 as data", &[0x01, 0x02]),
            ("pushed-opcode", "a push of the byte of OP_2", &[0x01, 0x52]),
            ("pushdata", "OP_PUSHDATA1 with the number 3", &[0x4c, 0x01, 0x03]),
            ("number-nop", "OP_2 and OP_NOP", &[0x52, 0x61]),
            ("number-push", "OP_2 and a push of data", &[0x52, 0x01, 0x03]),
            ("computed", "OP_2 and OP_1ADD", &[0x52, 0x8b]),
        ] {
            let comment = format!("{opcode} after {before} counts as 20");
            let script = [other, &[opcode.0]].concat();
            opcodes(group, &format!("{id}-{name}"), &OTHERS, &comment, 20, &script);
        }
        let comment = format!("{opcode} after OP_1 and OP_CHECKSIG counts as 20");
        opcodes(group, &format!("{id}-checksig"), &OTHERS, &comment, 21, &[one, CHECKSIG_OP, opcode.0]);
        let comment = format!("the second {opcode} after OP_1 counts as 20");
        opcodes(group, &format!("{id}-twice"), &OTHERS, &comment, 21, &[one, opcode.0, opcode.0]);
    }
}

/// Adds cases with CHECKMULTISIG as the first opcode of a script. It counts as 20 signature operations, even if the
/// preceding script ended with a number.
fn first_of_script(group: &mut Group<Whole>) {
    let zero = Opcode::OP_0.0;
    let begins = |rest: usize| [&[CHECKMULTISIG_OP], skipped(&operations(rest)).as_slice()].concat();
    // No signature is checked: the stack has a dummy element, zero signatures, and the keys.
    let script_sig = |keys: &[u8]| [&[zero, zero], keys].concat();
    for (id, comment, keys) in [
        ("first", "CHECKMULTISIG at the start of a scriptPubKey counts as 20", &[zero][..]),
        (
            "first-after-number",
            "CHECKMULTISIG at the start of a scriptPubKey counts as 20, although the scriptSig ends with OP_1",
            &[zero, Opcode::OP_1.0],
        ),
    ] {
        let spent = |rest| Spent { script_sig: script_sig(keys), ..Spent::bare(begins(rest)) };
        pair(group, &format!("multisig-{id}"), &OTHERS, comment, 20, |rest| vec![spent(rest)]);
    }
    let comment = "CHECKMULTISIG at the start of a redeem script counts as 20";
    pair(group, "multisig-first-redeem", &OTHERS, comment, 20, |rest| {
        let spent = p2sh_input(&begins(rest));
        let script_sig = [script_sig(&[zero, Opcode::OP_1.0]), spent.script_sig.clone()].concat();
        vec![Spent { script_sig, ..spent }]
    });
}

fn evaluated(group: &mut Group<Whole>) {
    let zero = Opcode::OP_0.0;
    let checksig = [zero, zero, CHECKSIG_OP, Opcode::OP_DROP.0];
    // Zero signatures of zero keys.
    let multisig = [zero, zero, zero, CHECKMULTISIGVERIFY_OP];
    let both =
        |script: Vec<u8>, rest: usize| vec![Spent::bare([script, unevaluated(&operations(rest))].concat())];
    for (id, comment, counted, script) in [
        ("checksig-evaluated", "30 CHECKSIG are evaluated", 30, checksig.repeat(30)),
        ("multisig-evaluated", "10 CHECKMULTISIGVERIFY without keys are evaluated", 200, multisig.repeat(10)),
    ] {
        pair(group, id, &EVALUATED, comment, counted, |rest| both(script.clone(), rest));
    }
    let (if_op, else_op, endif) = (Opcode::OP_IF.0, Opcode::OP_ELSE.0, Opcode::OP_ENDIF.0);
    for (id, condition) in [("true", Opcode::OP_1.0), ("false", zero)] {
        let script = [&[condition, if_op], &checksig[..], &[else_op], &checksig[..], &[endif]].concat();
        let comment = format!("both branches of a condition that is {id} have a CHECKSIG");
        pair(group, &format!("branches-{id}"), &EVALUATED, &comment, 2, |rest| both(script.clone(), rest));
    }
    let comment = "no signature operation is evaluated";
    pair(group, "unevaluated", &EVALUATED, comment, 0, in_one_script);
}

/// Function that creates an input with a number of signature operations in one place: the scriptSig, the scriptPubKey
/// or the redeem script.
type Place<'a> = &'a dyn Fn(usize) -> Spent;

fn places(group: &mut Group<Whole>) {
    let in_script_sig =
        |count| Spent { script_sig: unevaluated(&operations(count)), ..Spent::bare(vec![Opcode::OP_1.0]) };
    let in_redeem_script = |count| p2sh_input(&unevaluated(&operations(count)));
    let places: [(&str, &str, Place<'_>); 3] = [
        ("scriptpubkey", "the spent scriptPubKey", &with),
        ("scriptsig", "the scriptSig", &in_script_sig),
        ("redeem", "the redeem script", &in_redeem_script),
    ];
    for (id, place, spent) in places {
        let comment = format!("2,500 signature operations in {place}");
        pair(group, id, &PLACES, &comment, 0, |rest| vec![spent(rest)]);
        let comment = format!("1 of 2,500 signature operations is in {place}");
        pair(group, &format!("{id}-one"), &PLACES, &comment, 1, |rest| vec![spent(1), with(rest)]);
        let comment = format!("20 of 2,500 signature operations are a CHECKMULTISIG in {place}");
        pair(group, &format!("{id}-multisig"), &PLACES, &comment, 20, |rest| vec![with(rest), spent(20)]);
    }
    let comment = "1,250 signature operations in the scriptSig and 1,250 in the scriptPubKey that it spends";
    pair(group, "scriptsig-and-scriptpubkey", &PLACES, comment, 1_250, |rest| {
        vec![Spent { script_sig: unevaluated(&operations(1_250)), ..with(rest) }]
    });
}

fn redeem_scripts(group: &mut Group<Whole>) {
    let (script, push) = (unevaluated(&operations(10)), minimal_push(&unevaluated(&operations(10))));
    let pushing =
        |spent: Spent| Spent { script_sig: [push.clone(), spent.script_sig.clone()].concat(), ..spent };
    pair(group, "redeem-not-last", &REDEEM, "an earlier push of the scriptSig has CHECKSIGs", 0, |rest| {
        vec![pushing(p2sh_input(&unevaluated(&operations(rest))))]
    });
    let comment = "an earlier and longer push of the scriptSig has CHECKSIGs";
    pair(group, "redeem-not-longest", &REDEEM, comment, 0, |rest| {
        let spent = p2sh_input(&unevaluated(&operations(rest)));
        let longer = minimal_push(&[CHECKSIG_OP; 200]);
        vec![Spent { script_sig: [longer, spent.script_sig.clone()].concat(), ..spent }]
    });
    let comment = "the scriptSig pushes CHECKSIGs, and the output is not P2SH";
    pair(group, "pushed-to-bare", &REDEEM, comment, 0, |rest| vec![pushing(with(rest))]);
    // All outputs are spent by the same push. OP_1 precedes the push if the script would otherwise leave an empty
    // stack.
    let hash = hash160::Hash::hash(&script);
    let hash = hash.as_byte_array().as_slice();
    let ripemd = ripemd160::Hash::hash(&script);
    let (hash160, equal) = (Opcode::OP_HASH160.0, Opcode::OP_EQUAL.0);
    for (id, comment, script_pubkey) in [
        ("nop", "an OP_NOP follows what would be P2SH", [&[hash160, 20], hash, &[equal, 0x61]].concat()),
        ("pushdata", "the hash is pushed by OP_PUSHDATA1", [&[hash160, 0x4c, 20], hash, &[equal]].concat()),
        ("short", "nothing follows the hash", [&[hash160, 20], hash].concat()),
        ("no-equal", "OP_NOP instead of OP_EQUAL", [&[hash160, 20], hash, &[0x61]].concat()),
        ("no-hash", "OP_NOP1 instead of OP_HASH160", [&[0xb0; 20], &[0x51, 0x51, equal][..]].concat()),
        ("verify", "OP_EQUALVERIFY instead of OP_EQUAL", [&[hash160, 20], hash, &[0x88]].concat()),
        (
            "ripemd",
            "OP_RIPEMD160 instead of OP_HASH160",
            [&[0xa6, 20], ripemd.as_byte_array().as_slice(), &[equal]].concat(),
        ),
    ] {
        let id = format!("like-p2sh-{id}");
        let script_sig = [&[Opcode::OP_1.0], push.as_slice()].concat();
        let spent = Spent { script_sig, ..Spent::bare(script_pubkey) };
        pair(group, &id, &REDEEM, comment, 0, |rest| vec![spent.clone(), with(rest)]);
    }
    for (id, comment, push) in [
        ("pushdata1", "a redeem script after OP_PUSHDATA1", [&[0x4c, 14], script.as_slice()].concat()),
        ("pushdata2", "a redeem script after OP_PUSHDATA2", [&[0x4d, 14, 0], script.as_slice()].concat()),
        (
            "pushdata4",
            "a redeem script after OP_PUSHDATA4",
            [&[0x4e, 14, 0, 0, 0], script.as_slice()].concat(),
        ),
    ] {
        let spent = Spent { script_sig: push, ..p2sh_input(&script) };
        pair(group, &format!("redeem-{id}"), &REDEEM, comment, 10, |rest| vec![spent.clone(), with(rest)]);
    }
}

fn nothing_else(group: &mut Group<Whole>) {
    let script = unevaluated(&operations(LIMIT + 1));
    let program = witness_program(&script);
    let witness = vec![script.clone()];
    let p2wsh = Spent { witness: witness.clone(), ..Spent::bare(program.clone()) };
    let nested = Spent { witness, ..p2sh_input(&program) };
    let mut spends = vec![
        ("p2wsh", "a witness script has 2,501 signature operations", p2wsh),
        ("p2sh-p2wsh", "a witness script inside P2SH has 2,501 signature operations", nested),
    ];
    if let Ok(tapscript) = tapscript(unevaluated(&vec![CHECKSIG_OP; LIMIT + 1])) {
        spends.push(("tapscript", "a tapscript has 2,501 signature operations", tapscript));
    }
    for (id, comment, spent) in spends {
        pair(group, &format!("witness-{id}"), &NOTHING_ELSE, comment, 0, |rest| {
            vec![spent.clone(), with(rest)]
        });
    }
    let data = [&[75], [CHECKSIG_OP; 75].as_slice(), &[0x75]].concat();
    for (id, comment, other) in [
        ("data", "the bytes of CHECKSIG in a push", data.as_slice()),
        ("checksigadd", "CHECKSIGADD is no opcode here", &[0xba]),
        ("checksigfromstack", "CHECKSIGFROMSTACK is no opcode here", &[0xcc]),
        ("neighbours", "the opcodes before CHECKSIG and after CHECKMULTISIGVERIFY", &[0xab, 0xb0]),
    ] {
        opcodes(group, &format!("other-{id}"), &NOTHING_ELSE, comment, 0, other);
    }
    let outputs = vec![vec![CHECKSIG_OP; LIMIT], vec![CHECKMULTISIG_OP; LIMIT]];
    let base = Whole { outputs, ..spending(in_one_script(LIMIT)) };
    let comment = "the scripts of the outputs have thousands of signature operations";
    let base = group.accept("outputs-2500", &NOTHING_ELSE, comment, base);
    let differs = "there is one CHECKSIG more";
    group.reject(
        &base,
        "outputs-2501",
        &NOTHING_ELSE,
        differs,
        |whole| whole.inputs = in_one_script(LIMIT + 1),
        TOO_MANY,
    );
}

/// Creates an input that spends a tapscript, the only leaf of its script tree.
fn tapscript(script: Vec<u8>) -> Result<Spent, String> {
    let key = Key(0).x_only();
    let root = leaf_hash(LEAF_VERSION_TAPSCRIPT, &script);
    let (output_key, parity) = taptree::output_key(&key, tweak_hash(&key, Some(&root)))?;
    let control_block = taptree::control_block(LEAF_VERSION_TAPSCRIPT, parity, &key, &[]);
    let witness = vec![script, control_block];
    Ok(Spent { witness, ..Spent::bare(taptree::output_script(&output_key).into_bytes()) })
}

fn sums(group: &mut Group<Whole>) {
    let checksigs = |count: usize| Spent::bare(unevaluated(&vec![CHECKSIG_OP; count]));
    let comment = "13 inputs, none of which has more than 199";
    pair(group, "sum-13", &SUM, comment, 12 * 199, |rest| {
        [vec![checksigs(199); 12], vec![checksigs(rest)]].concat()
    });
    pair(group, "sum-13-first", &SUM, "13 inputs, the first of which has the fewest", 12 * 199, |rest| {
        [vec![checksigs(rest)], vec![checksigs(199); 12]].concat()
    });
    let comment = "one input has 2,500, the next none";
    pair(group, "sum-first", &SUM, comment, LIMIT, |rest| vec![with(LIMIT), with(rest)]);
    pair(group, "sum-last", &SUM, "the last of three inputs has 2,500", LIMIT, |rest| {
        vec![with(rest), with(0), with(LIMIT)]
    });
    let comment = "four inputs spend the same script, which has 625";
    pair(group, "sum-same-script", &SUM, comment, LIMIT, |rest| {
        [vec![with(625); 4], vec![checksigs(1); rest]].concat()
    });
    let comment = "two inputs spend the same redeem script, which has 1,250";
    pair(group, "sum-same-redeem", &SUM, comment, LIMIT, |rest| {
        let spent = p2sh_input(&unevaluated(&operations(1_250)));
        [vec![spent; 2], vec![checksigs(1); rest]].concat()
    });
    let comment = "a scriptSig, a redeem script and a scriptPubKey";
    pair(group, "sum-kinds", &SUM, comment, 2_000, |rest| {
        let script_sig =
            Spent { script_sig: unevaluated(&operations(1_000)), ..Spent::bare(vec![Opcode::OP_1.0]) };
        vec![script_sig, p2sh_input(&unevaluated(&operations(1_000))), with(rest)]
    });
    let base = group.accept("sum-0", &SUM, "no signature operations", spending(in_one_script(0)));
    for (id, differs, inputs) in [
        ("sum-3980", "one input has 3,980", vec![with(3_980)]),
        // In a 16-bit sum, 67,660 wraps around to 2,124.
        ("sum-67660", "17 inputs have 3,980 each", vec![with(3_980); 17]),
    ] {
        group.reject(&base, id, &SUM, differs, |whole| whole.inputs = inputs, TOO_MANY);
    }
}

/// Adds cases of the BIP 54 signature operation limit without P2SH (BIP 16): of all flags, only that of the limit is
/// set.
fn without_p2sh(group: &mut Group<Whole>) {
    let script = |rest: usize, end: &[u8]| [operations(rest).as_slice(), end].concat();
    let mut add = |id: &str, comment: &str, inputs: &dyn Fn(usize) -> Vec<Spent>| {
        let flags = Flags::LEGACY_SIGOPS_LIMIT;
        let base = Whole { flags, ..spending(inputs(LIMIT)) };
        let base = group.accept(&format!("no-p2sh-{id}-2500"), &WITHOUT_P2SH, comment, base);
        let id = format!("no-p2sh-{id}-2501");
        let differs = "there is one CHECKSIG more";
        let more = inputs(LIMIT + 1);
        group.reject(&base, &id, &WITHOUT_P2SH, differs, |whole| whole.inputs = more, TOO_MANY);
    };
    for (id, comment, end) in [
        ("whole", "a redeem script that is not executed", &[][..]),
        ("cut", "a redeem script that ends with a push that is cut off", &[0x02, CHECKSIG_OP]),
        ("cut-length", "a redeem script that ends in the length of a push", &[0x4d, CHECKSIG_OP]),
        (
            "after-cut",
            "a push of a redeem script is longer than what follows",
            &[0x4b, CHECKSIG_OP, CHECKSIG_OP],
        ),
    ] {
        add(id, comment, &|rest| vec![p2sh_input(&script(rest, end))]);
    }
    let spent = p2sh_input(&operations(10));
    let script_sig = [&[Opcode::OP_NOP.0], spent.script_sig.as_slice()].concat();
    let spent = Spent { script_sig, ..spent };
    let comment = "a scriptSig with OP_NOP has no redeem script, which would have 10";
    add("nop", comment, &|rest| vec![spent.clone(), with(rest)]);
}
