//! Opcodes that read and write only the stack. Each row lists the stack before and after the opcode, written by hand.

use sigstack_interpreter::{Flags, Opcode, ScriptError};

use super::build::{At, Bad, Change, Good, elements, twins};
use crate::group::{Group, Rule};
use crate::item::Item;
use crate::spec::Version;

/// An opcode and its effect on the stack.
pub(super) struct Row {
    pub(super) opcode: Opcode,
    /// Minimum number of stack elements that the opcode requires.
    pub(super) needs: usize,
    /// Example stacks before and after the opcode, as text. There is at least one example.
    pub(super) effects: &'static [(&'static str, &'static str)],
    /// Stacks on which the opcode fails. Each becomes an invalid case: a copy of the valid case of the first entry of
    /// `effects`, with this stack instead. Each entry has the id suffix, a text that says how the stack differs from
    /// that of the valid case, the stack, and the error.
    pub(super) fails: &'static [(&'static str, &'static str, &'static str, ScriptError)],
    /// Stacks on which the opcode fails only under MINIMALDATA. Each becomes an invalid case: a copy of the valid case
    /// of the first entry of `effects`, with this stack and the flag MINIMALDATA. Each entry has the id suffix, a text
    /// that says how the stack differs from that of the valid case, the stack, and the error.
    pub(super) fails_minimal: &'static [(&'static str, &'static str, &'static str, ScriptError)],
}

impl Row {
    /// Creates a row for an opcode that fails only if too few elements are on the stack.
    pub(super) const fn new(
        opcode: Opcode,
        needs: usize,
        effects: &'static [(&'static str, &'static str)],
    ) -> Row {
        Row { opcode, needs, effects, fails: &[], fails_minimal: &[] }
    }
}

const DIRECT: &[Version] = &[Version::Bare, Version::P2wsh, Version::Tapscript];
const WRAPPED: &[Version] = &[Version::P2sh, Version::P2shP2wsh];

/// Returns a script that succeeds only if exactly these elements are on the stack. The last element is on top.
fn nothing_but(gives: &str) -> String {
    let checks = gives.split_whitespace().rev().map(|element| format!("{} EQUALVERIFY ", word(element)));
    checks.collect::<String>() + "DEPTH NOT"
}

/// Converts an element of a stack description (a decimal number, or `0x` and hex) to a push in script assembly.
fn word(element: &str) -> String {
    match element.strip_prefix("0x") {
        None => element.to_owned(),
        Some("") => "0".to_owned(),
        Some(digits) if digits.len() / 2 < 76 => format!("0x{:02x}{digits}", digits.len() / 2),
        Some(digits) => format!("0x4c{:02x}{digits}", digits.len() / 2),
    }
}

/// Adds the cases for the opcode of a row. Every kind of output gets the valid case. Kinds without P2SH get all invalid
/// cases, and kinds nested in P2SH only some.
pub(super) fn add(group: &mut Group, rule: &'static Rule, row: &Row) {
    let name = row.opcode.to_string();
    let slug = name.trim_start_matches("OP_").to_lowercase();
    let Some((takes, gives)) = row.effects.first() else { return };
    let script = format!("{name} {}", nothing_but(gives));
    let good = Good {
        slug: &slug,
        rule,
        comment: &format!("{name} takes {} and leaves {}", words(takes), words(gives)),
        stack: takes,
        script: &script,
        flags: Flags::NONE,
    };
    let wrong = script.trim_end_matches(" NOT");
    let mut bad = vec![Bad {
        slug: "wrong",
        differs: "the script expects another element below these",
        change: Change::Script(wrong),
        error: ScriptError::EvalFalse,
        at: At::Script,
    }];
    let fails = |fails: &'static [(&'static str, &'static str, &'static str, ScriptError)]| {
        fails.iter().map(|(slug, differs, stack, error)| Bad {
            slug,
            differs,
            change: Change::Stack(stack),
            error: *error,
            at: At::Op(row.opcode),
        })
    };
    let too_shallow = too_shallow(row);
    let shallow: Vec<Bad<'_>> = too_shallow
        .iter()
        .map(|[slug, differs, top]| Bad {
            slug,
            differs,
            change: Change::Stack(top),
            error: ScriptError::InvalidStackOperation,
            at: At::Op(row.opcode),
        })
        .collect();
    // Scripts nested in P2SH run like others, so one failure of each kind is enough for them.
    let wrapped: Vec<Bad<'_>> = fails(row.fails).take(1).chain(shallow.last().copied()).collect();
    twins(group, WRAPPED, good, &wrapped);
    bad.extend(fails(row.fails).chain(shallow));
    twins(group, DIRECT, good, &bad);
    if !row.fails_minimal.is_empty() {
        let slug = format!("{slug}-minimaldata");
        let comment = format!("{} of shortest encodings", good.comment);
        let good = Good { slug: &slug, comment: &comment, flags: Flags::MINIMALDATA, ..good };
        twins(group, DIRECT, good, &fails(row.fails_minimal).collect::<Vec<_>>());
    }
    more_effects(group, rule, row, &slug, &name);
}

/// For an opcode that needs n elements, returns a stack of each size below n. Each entry has the id, a text that says
/// how many elements the stack has, and the stack.
fn too_shallow(row: &Row) -> Vec<[String; 3]> {
    let takes: Vec<&str> =
        row.effects.iter().take(1).flat_map(|(takes, _)| takes.split_whitespace()).collect();
    let top = |depth: usize| takes.iter().skip(takes.len() - depth).copied().collect::<Vec<_>>().join(" ");
    let shorter = |depth| [format!("only-{depth}"), format!("the stack has only {depth}"), top(depth)];
    (0..row.needs).map(shorter).collect()
}

/// Adds a case that tests all stack effects of the row except the first, one after the other in one script.
fn more_effects(group: &mut Group, rule: &'static Rule, row: &Row, slug: &str, name: &str) {
    let checks = row.effects.iter().skip(1).map(|(takes, gives)| {
        let pushes = takes.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
        format!("{pushes} {name} {} VERIFY ", nothing_but(gives))
    });
    let script = checks.collect::<String>() + "1";
    if row.effects.len() > 1 {
        let slug = format!("{slug}-values");
        let comment = format!("{name} of other values, one after the other");
        let good =
            Good { slug: &slug, rule, comment: &comment, stack: "", script: &script, flags: Flags::NONE };
        twins(group, DIRECT, good, &[]);
    }
}

fn words(stack: &str) -> String {
    match elements(stack).as_slice() {
        [] => "nothing".into(),
        [Item::Bytes(empty)] if empty.is_empty() => "zero".into(),
        _ => stack.into(),
    }
}
