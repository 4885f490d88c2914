//! Cases of OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY.

use sigstack_interpreter::{Flags, Opcode as Op, ScriptError};

use super::build::{EVERY, accept, asm, at, elements, reject, spend};
use crate::group::{Group, Rule};
use crate::spec::{Spec, Version};
use sigstack_vectors::Case;

const LOCK_TIME: Rule = Rule {
    source: "BIP 65, Summary",
    text: "OP_CHECKLOCKTIMEVERIFY fails unless nLockTime is of the same kind, at least the argument, and not disabled by nSequence",
    only: None,
};
const SEQUENCE: Rule = Rule {
    source: "BIP 112, Summary; BIP 68, Specification",
    text: "OP_CHECKSEQUENCEVERIFY fails unless nSequence is of the same kind, at least the argument, and not disabled",
    only: None,
};
const ARGUMENT: Rule = Rule {
    source: "BIP 65, Summary; BIP 112, Summary",
    text: "the argument stays on the stack, has up to five bytes, and is not negative",
    only: None,
};
const INACTIVE: Rule = Rule {
    source: "BIP 65, Summary; BIP 112, Summary",
    text: "before activation both opcodes are NOPs that policy does not refuse",
    only: None,
};

pub(super) fn cases() -> Result<Vec<Case>, String> {
    let mut group = Group::new("locktime");
    for version in EVERY {
        lock_time(&mut group, *version);
        sequence(&mut group, *version);
        arguments(&mut group, *version);
        inactive(&mut group, *version);
    }
    lock_times(&mut group);
    sequences(&mut group);
    group.finish()
}

const CLTV: Op = Op::OP_CHECKLOCKTIMEVERIFY;
const CSV: Op = Op::OP_CHECKSEQUENCEVERIFY;
const UNSATISFIED: ScriptError = ScriptError::UnsatisfiedLocktime;

fn with_lock_time(version: Version, argument: i64, lock_time: u32, sequence: u32) -> Spec {
    let mut spec = spend(version, asm("CHECKLOCKTIMEVERIFY DROP 1"), &argument.to_string());
    spec.shape.lock_time = lock_time;
    spec.shape.own().sequence = sequence;
    spec
}

fn with_sequence(version: Version, argument: i64, sequence: u32, tx_version: i32) -> Spec {
    let mut spec = spend(version, asm("CHECKSEQUENCEVERIFY DROP 1"), &argument.to_string());
    spec.shape.own().sequence = sequence;
    spec.shape.version = tx_version;
    spec
}

fn lock_time(group: &mut Group, version: Version) {
    let base = with_lock_time(version, 500, 500, 0);
    let comment = "height 500 in a transaction with nLockTime 500";
    let base = accept(group, version, "cltv", &LOCK_TIME, comment, base);
    let unsatisfied = at(CLTV, UNSATISFIED);
    let lower = |spec: &mut Spec| spec.shape.lock_time = 499;
    reject(group, version, &base, "cltv-lower", &LOCK_TIME, "nLockTime is 499", lower, unsatisfied);
    let last = |spec: &mut Spec| spec.shape.own().sequence = 0xffff_ffff;
    let differs = "nSequence is 0xffffffff, which disables nLockTime";
    reject(group, version, &base, "cltv-final", &LOCK_TIME, differs, last, unsatisfied);
}

/// Adds cases of comparing lock times. They use one script version, because the comparison is the same in all of them.
fn lock_times(group: &mut Group) {
    let version = Version::Tapscript;
    let (height, time) = (499_999_999, 500_000_000);
    for (slug, comment, argument, lock_time, differs, changed) in [
        ("height-last", "the last height", i64::from(height), height, "nLockTime is the first time", time),
        ("time-first", "the first time", i64::from(time), time, "nLockTime is the last height", height),
        ("zero", "height 0", 0, 0, "nLockTime is a time", time),
        (
            "time-last",
            "the last time, of five bytes",
            0xffff_ffff,
            u32::MAX,
            "nLockTime is one less",
            u32::MAX - 1,
        ),
        ("height-later", "a height that is past", 100, height, "nLockTime is the height before", 99),
    ] {
        let base = with_lock_time(version, argument, lock_time, 0xffff_fffe);
        let base = accept(group, version, &format!("cltv-{slug}"), &LOCK_TIME, comment, base);
        let change = |spec: &mut Spec| spec.shape.lock_time = changed;
        let id = format!("cltv-{slug}-other");
        reject(group, version, &base, &id, &LOCK_TIME, differs, change, at(CLTV, UNSATISFIED));
    }
    let base = with_lock_time(version, 0xffff_ffff, u32::MAX, 0);
    let comment = "the last time that nLockTime can be";
    let base = accept(group, version, "cltv-largest", &LOCK_TIME, comment, base);
    let change = |spec: &mut Spec| spec.stack = elements("4294967296");
    let differs = "the argument is one more, which no nLockTime can be";
    reject(group, version, &base, "cltv-beyond", &LOCK_TIME, differs, change, at(CLTV, UNSATISFIED));
}

fn sequence(group: &mut Group, version: Version) {
    let base = accept(
        group,
        version,
        "csv",
        &SEQUENCE,
        "10 blocks in an input with nSequence 10",
        with_sequence(version, 10, 10, 2),
    );
    let unsatisfied = at(CSV, UNSATISFIED);
    let lower = |spec: &mut Spec| spec.shape.own().sequence = 9;
    reject(group, version, &base, "csv-lower", &SEQUENCE, "nSequence is 9", lower, unsatisfied);
    let one = |spec: &mut Spec| spec.shape.version = 1;
    reject(group, version, &base, "csv-version-1", &SEQUENCE, "nVersion is 1", one, unsatisfied);
}

fn sequences(group: &mut Group) {
    let version = Version::Tapscript;
    const TIME: u32 = 1 << 22;
    const DISABLED: u32 = 1 << 31;
    for (slug, comment, argument, sequence, differs, changed) in [
        ("time", "10 units of time", TIME | 10, TIME | 10, "nSequence counts blocks", 10),
        ("time-zero", "0 units of time", TIME, TIME, "nSequence counts blocks", 0xffff),
        ("blocks", "10 blocks", 10, 10, "nSequence counts time", TIME | 10),
        ("largest", "65,535 blocks", 0xffff, 0xffff, "nSequence is one less", 0xfffe),
        ("masked-argument", "bits of the argument without a meaning", 0x1f_000a, 10, "nSequence is 9", 9),
        (
            "masked-sequence",
            "bits of nSequence without a meaning",
            10,
            0x1f_000a,
            "nSequence is 9 below them",
            0x1f_0009,
        ),
        ("enabled", "nSequence is enabled", 10, 10, "its bit 31 disables it", DISABLED | 10),
        ("zero", "0 blocks", 0, 0, "nSequence is disabled", DISABLED),
    ] {
        let base = with_sequence(version, argument.into(), sequence, 2);
        let base = accept(group, version, &format!("csv-{slug}"), &SEQUENCE, comment, base);
        let change = |spec: &mut Spec| spec.shape.own().sequence = changed;
        let id = format!("csv-{slug}-other");
        reject(group, version, &base, &id, &SEQUENCE, differs, change, at(CSV, UNSATISFIED));
    }
    let base = with_sequence(version, DISABLED.into(), 0, 1);
    let comment = "an argument with bit 31 asks for nothing, in nVersion 1 neither";
    let base = accept(group, version, "csv-no-lock", &SEQUENCE, comment, base);
    let change = |spec: &mut Spec| spec.stack = elements("0");
    let verdict = at(CSV, UNSATISFIED);
    reject(group, version, &base, "csv-no-lock-zero", &SEQUENCE, "the argument is 0", change, verdict);
    // nVersion is compared as an unsigned number.
    let base = with_sequence(version, 10, 10, -1);
    let base = accept(group, version, "csv-version-negative", &SEQUENCE, "nVersion is 0xffffffff", base);
    let zero = |spec: &mut Spec| spec.shape.version = 0;
    reject(group, version, &base, "csv-version-0", &SEQUENCE, "nVersion is 0", zero, verdict);
}

fn arguments(group: &mut Group, version: Version) {
    for opcode in [CLTV, CSV] {
        let name = if opcode == CLTV { "cltv" } else { "csv" };
        let script = format!("{opcode} DROP 1");
        let make = |argument: &str| {
            let mut spec = spend(version, asm(&script), argument);
            spec.shape.lock_time = 499_999_999;
            spec.shape.own().sequence = 0xffff;
            spec
        };
        let comment = "an argument of five bytes, in more than it needs";
        let id = format!("{name}-five-bytes");
        let base = accept(group, version, &id, &ARGUMENT, comment, make("0x0100000000"));
        for (slug, differs, argument, error) in [
            ("six", "it has six bytes", "0x010000000000", ScriptError::ScriptNum),
            ("negative", "it is -1", "-1", ScriptError::NegativeLocktime),
            ("none", "the stack is empty", "", ScriptError::InvalidStackOperation),
        ] {
            let id = format!("{name}-argument-{slug}");
            let change = |spec: &mut Spec| spec.stack = elements(argument);
            reject(group, version, &base, &id, &ARGUMENT, differs, change, at(opcode, error));
        }
        let change = |spec: &mut Spec| spec.flags |= Flags::MINIMALDATA;
        let differs = "policy wants the shortest encoding";
        let id = format!("{name}-argument-padded");
        let verdict = at(opcode, ScriptError::ScriptNum);
        reject(group, version, &base, &id, &ARGUMENT, differs, change, verdict);
        let comment = "the negative zero is not negative";
        accept(group, version, &format!("{name}-negative-zero"), &ARGUMENT, comment, make("0x80"));
    }
}

fn inactive(group: &mut Group, version: Version) {
    for (name, opcode, flag) in
        [("cltv", CLTV, Flags::CHECKLOCKTIMEVERIFY), ("csv", CSV, Flags::CHECKSEQUENCEVERIFY)]
    {
        let spec = spend(version, asm(&format!("{opcode} 1")), "").without(flag);
        let spec = Spec { stack: vec![], ..spec }.under(Flags::DISCOURAGE_UPGRADABLE_NOPS);
        let comment = "without an argument, before activation";
        let base = accept(group, version, &format!("{name}-inactive"), &INACTIVE, comment, spec);
        let change = |spec: &mut Spec| spec.flags |= flag;
        let verdict = at(opcode, ScriptError::InvalidStackOperation);
        let id = format!("{name}-inactive-activated");
        reject(group, version, &base, &id, &INACTIVE, "it is active", change, verdict);
    }
}
