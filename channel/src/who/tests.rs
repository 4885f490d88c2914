use std::collections::BTreeSet;

use sigstack_compiler::Compiled;
use sigstack_interpreter::Instructions;

use super::knowledge::{Item, Output, When};
use super::*;
use crate::export::play_cases;

/// Formats the table rows of one spending path, one line for each row.
fn lines(rows: &[Row], path: &str) -> Vec<String> {
    let line =
        |row: &Row| format!("{} | {} | {} | {} | {}", row.state, row.who(), row.from, row.with, row.pays);
    rows.iter().filter(|row| row.path == path).map(line).collect()
}

/// Returns the table rows of the contested output in A's commitment transaction of `sequence-ctv`, as if `text` were
/// its policy.
fn version(text: &str) -> Vec<Row> {
    let default = outputs::outputs(Kind::from_name("sequence-ctv").unwrap()).remove(1);
    assert_eq!(default.policy, Some("default-ctv"));
    derive::rows_of_text(&default, text).unwrap()
}

/// If a leaf requires only a signature of a higher state number, the publisher can make that signature
/// itself. It can then take the output of its own commitment transaction, old or latest. Anyone who sees the signature
/// can take the output too.
#[test]
fn a_sweep_by_anyone_is_a_row_for_the_publisher_alone() {
    let text = sigstack_compiler::policy_text("sequence-sweep").unwrap();
    let leaf = "policy sweep = and(older(delay),signed(newer(n),K_A));\n\ntr(nums,sweep)";
    let text = text.replace("tr(nums,and(older(delay),signed(newer(n),K_A)))", leaf);
    assert!(text.contains(leaf));
    let rows = version(&text);
    assert_eq!(
        lines(&rows, "sweep"),
        [
            "any | A | delay blocks | K_A over m > n | free",
            "old | B, tower | delay blocks | A's m > n | free",
            "any | anyone | delay blocks | a shown witness | free",
        ]
    );
}

/// If the leaf for the watchtower requires no key that the publisher lacks, the publisher itself can complete the
/// watchtower's transaction.
#[test]
fn a_tower_leaf_without_a_key_is_a_row_for_the_publisher_alone() {
    let text = sigstack_compiler::policy_text("default-ctv").unwrap();
    let rows = version(&text.replace("pk(W),", ""));
    assert_eq!(
        lines(&rows, "tower"),
        [
            "any | A | at once | K_A over m > n; J | all to B",
            "old | B, tower | at once | A's m > n; J | all to B",
        ]
    );
    let rows = version(text);
    assert_eq!(
        lines(&rows, "tower"),
        [
            "old | B, tower | at once | A's m > n; W; J | all to B",
            "latest | A + B, A + tower | at once | K_A over m > n; W; J | all to B",
        ]
    );
}

/// In an old state, A (the party that published its commitment transaction) cannot spend alone to outputs of its choice
/// before the delay expires. A's own balance and anchor are exceptions. The only other exceptions are the constructions
/// `literal-cat` and `literal-pc`, in which A can take outputs of B.
#[test]
fn a_publisher_alone_takes_nothing_of_the_other() {
    let mut found = Vec::new();
    for (name, kind) in KINDS {
        for output in who(*kind).unwrap() {
            let alone = |row: &&Row| row.who.contains(&vec![Role::A]) && row.pays == "free";
            let early = |row: &&Row| row.from == "at once" && row.state != "latest";
            for row in output.rows.iter().filter(alone).filter(early) {
                found.push(format!("{name}: {}, {}", output.name, row.path));
            }
        }
    }
    // A may spend its own balance of a settlement, and its own anchor output.
    found
        .retain(|found| !found.ends_with("split: balance of A, key") && !found.ends_with("anchor of A, key"));
    let swap = |form: &str| {
        ["state: balance of B, clause", "state: HTLC from A to B, clause_a"]
            .map(|row| format!("{form}: {row}"))
    };
    assert_eq!(found, [swap("literal-cat"), swap("literal-pc")].concat());
}

/// Every spending path of every policy has a table row. So there is no path that nobody can use.
#[test]
fn every_path_can_be_taken_by_somebody() {
    for (name, kind) in KINDS {
        for output in outputs::outputs(*kind) {
            let Some(policy) = output.policy else { continue };
            let compiled = compiled(policy);
            let rows = derive::rows(&output).unwrap();
            let paths: BTreeSet<&str> = rows.iter().map(|row| row.path.as_str()).collect();
            let expected = compiled.leaves.len() + usize::from(compiled.key_path.is_some());
            assert_eq!(paths.len(), expected, "{name}: {}", output.name);
        }
    }
}

fn compiled(policy: &str) -> Compiled {
    sigstack_compiler::compile_text(sigstack_compiler::policy_text(policy).unwrap()).unwrap()
}

/// Returns one word for each instruction of a script, so that scripts with different values can be compared. A push of
/// at most 5 bytes or a small number becomes `number`, and a longer push becomes its length.
fn shape(script: &[u8]) -> Vec<String> {
    let word = |instruction: sigstack_interpreter::Instruction<'_>| match instruction.data.len() {
        0 if (0x51..=0x60).contains(&instruction.opcode.0) => "number".to_owned(),
        0 => instruction.opcode.to_string(),
        1..=5 => "number".to_owned(),
        length => length.to_string(),
    };
    Instructions::new(script).flatten().map(word).collect()
}

/// Every leaf script that the simulated transactions reveal is in the table, at the same depth of the script tree.
#[test]
fn the_leaves_of_plays_are_in_the_table() {
    let mut seen = 0;
    for (name, kind) in KINDS {
        let outputs: Vec<Compiled> =
            outputs::outputs(*kind).iter().filter_map(|output| output.policy).map(compiled).collect();
        let leaves = outputs.iter().flat_map(|output| &output.leaves);
        let known: BTreeSet<(Vec<String>, usize)> =
            leaves.map(|leaf| (shape(&leaf.script), leaf.depth)).collect();
        for case in play_cases(name, *kind).unwrap() {
            let index = case.subject.input().unwrap();
            let input = &case.tx.input[index];
            if !case.prevouts[index].script_pubkey.is_p2tr() {
                continue;
            }
            let (Some(script), Some(control)) =
                (input.witness.taproot_leaf_script(), input.witness.taproot_control_block())
            else {
                continue;
            };
            let leaf = (shape(script.script.as_bytes()), (control.len() - 33) / 32);
            assert!(known.contains(&leaf), "{name}: {}: {leaf:?}", case.comment);
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
}

/// A role knows its own secrets for every state. Only data that the other party gave for a later state is restricted to
/// old states.
#[test]
fn secrets_do_not_depend_on_the_state() {
    for (name, kind) in KINDS {
        for Output { name: output, facts, .. } in outputs::outputs(*kind) {
            for fact in facts.iter().filter(|fact| fact.when == When::Old) {
                let is_gift = matches!(fact.item, Item::Signature(_) | Item::Scripts)
                    || fact.item == Item::Key("revocationpubkey");
                assert!(is_gift, "{name}: {output}: {fact:?}");
            }
        }
    }
}
