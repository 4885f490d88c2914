//! Formats a compiled policy and a plan for the command line, as text and as JSON.

use bitcoin::Network;
use serde_json::{Value as Json, json};
use sigstack_interpreter::Flags;
use sigstack_interpreter::taproot::NUMS_KEY;

use crate::assets::Assets;
use crate::compiled::{Compiled, CompiledLeaf};
use crate::error::position;
use crate::limits::budget;
use crate::meaning::Set;
use crate::node::ONE;
use crate::notes::Note;
use crate::plan::{Branch, Plan, SEQUENCE_NO_LOCK, SignatureKind, Slot};
use crate::policy::Span;
use crate::script::asm;
use crate::tree::Shape;

/// Size in bytes of a key path witness: the number of elements, and a signature of 64 bytes with its length.
const KEY_PATH_WITNESS: usize = 66;

fn flag_names(flags: Flags) -> Vec<&'static str> {
    flags.iter().map(|info| info.name).collect()
}

fn needs(flags: Flags) -> String {
    if flags.is_empty() { "no proposal".into() } else { flags.to_string() }
}

/// Formats a probability in percent with three decimals, rounded down.
fn percent(probability: u64) -> String {
    let thousandths = u128::from(probability) * 100_000 / u128::from(ONE);
    format!("{}.{:03} %", thousandths / 1000, thousandths % 1000)
}

/// Shortens each string of 40 or more hex digits to its first 8 digits and an ellipsis.
fn short(text: &str) -> String {
    const LONG: usize = 40;
    let (mut out, mut run) = (String::new(), String::new());
    for c in text.chars().chain([' ']) {
        if c.is_ascii_hexdigit() {
            run.push(c);
            continue;
        }
        if run.len() >= LONG {
            out.extend(run.chars().take(8));
            out.push('…');
        } else {
            out += &run;
        }
        run.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn internal_key(compiled: &Compiled) -> String {
    let key = compiled.output.internal_key;
    match compiled.program.key_names.get(&key) {
        _ if key == NUMS_KEY => format!("{} (nobody's: BIP 341)", hex::encode(key)),
        Some(name) => format!("{} ({name})", hex::encode(key)),
        None => hex::encode(key),
    }
}

/// Formats a compiled policy as text. `source` is the text of the policy. It is needed to compute lines and columns for
/// the notes.
pub fn compiled_text(compiled: &Compiled, network: Network, source: &str) -> String {
    let output = &compiled.output;
    let address = output.address(network).map(|address| address.to_string()).unwrap_or_default();
    let mut text = format!("address        {address}\n");
    text += &format!("scriptPubKey   {}\n", hex::encode(output.script_pubkey()));
    text += &format!("internal key   {}\n", internal_key(compiled));
    text += &match compiled.key_path {
        Some(atom) => {
            let key = short(&compiled.program.describe(atom));
            format!("key path       {key}: {KEY_PATH_WITNESS} WU of witness\n")
        }
        None => "key path       nobody\n".into(),
    };
    if let Some(root) = output.merkle_root {
        text += &format!("merkle root    {}\n", hex::encode(root));
    }
    text += &format!("needs          {}\n", needs(compiled.flags()));
    if let Some(shape) = &compiled.shape {
        text += "\ntree\n";
        draw(shape, "", "", compiled, &mut text);
    }
    for (nth, leaf) in compiled.leaves.iter().enumerate() {
        let (witness, checks) = compiled.cheapest_use(leaf).unwrap_or_default();
        text += &format!(
            "\nleaf {nth}: {} bytes, depth {}, used with probability {}\n  witness        {witness} WU with its cheapest conditions\n",
            leaf.script.len(),
            leaf.depth,
            percent(leaf.probability),
        );
        text += &format!("  sigops         {checks}, {} of the budget left\n", budget(witness, checks));
        text += &format!("  needs          {}\n", needs(compiled.leaf_flags(leaf)));
        text += &format!(
            "  asm            {}\n  hex            {}\n",
            asm(&leaf.script),
            hex::encode(&leaf.script)
        );
        if let Some(block) = output.control_blocks.get(nth) {
            text += &format!("  control block  {}\n", hex::encode(block));
        }
    }
    if !compiled.warnings.is_empty() {
        text += "\nwarnings\n";
        compiled.warnings.iter().for_each(|warning| text += &format!("  {}\n", short(warning)));
    }
    if !compiled.notes.is_empty() {
        text += "\nnotes\n";
        compiled.notes.iter().for_each(|note| text += &format!("  {}\n", short(&note.render(source))));
    }
    text
}

/// Draws a subtree as text. `first` is the prefix of the first line of the subtree, `rest` the prefix of its other
/// lines.
fn draw(shape: &Shape, first: &str, rest: &str, compiled: &Compiled, text: &mut String) {
    match shape {
        Shape::Leaf(nth) => {
            let policy = compiled.leaves.get(*nth).map(|leaf| compiled.program.describe_policy(&leaf.policy));
            *text += &format!("{first}leaf {nth}: {}\n", short(&policy.unwrap_or_default()));
        }
        Shape::Branch(left, right) => {
            *text += &format!("{first}┐\n");
            draw(left, &format!("{rest}├─ "), &format!("{rest}│  "), compiled, text);
            draw(right, &format!("{rest}└─ "), &format!("{rest}   "), compiled, text);
        }
    }
}

/// Formats a compiled policy as JSON. `source` is the text of the policy. It is needed to compute lines and columns for
/// the notes.
pub fn compiled_json(compiled: &Compiled, network: Network, source: &str) -> Json {
    let output = &compiled.output;
    let leaf = |(nth, leaf): (usize, &CompiledLeaf)| {
        let (witness, checks) = compiled.cheapest_use(leaf).unwrap_or_default();
        json!({
            "script": hex::encode(&leaf.script),
            "asm": asm(&leaf.script),
            "depth": leaf.depth,
            "probability_in_2_32": leaf.probability,
            "control_block": output.control_blocks.get(nth).map(hex::encode),
            "leaf_hash": output.leaf_hashes.get(nth).map(hex::encode),
            "witness_weight": witness,
            "signature_checks": checks,
            "budget_left": budget(witness, checks),
            "policy": compiled.program.describe_policy(&leaf.policy),
            "conditions": leaf.atoms.iter().map(|&atom| compiled.program.describe(atom)).collect::<Vec<_>>(),
            "flags": flag_names(compiled.leaf_flags(leaf)),
        })
    };
    let note = |note: &Note| {
        let place = |span: &Span| {
            let (line, column) = position(source, span.start);
            json!({ "start": span.start, "end": span.end, "line": line, "column": column })
        };
        let places: Vec<Json> = note.places.iter().map(place).collect();
        json!({ "name": note.kind.name(), "text": note.text, "places": places })
    };
    json!({
        "address": output.address(network).map(|address| address.to_string()),
        "script_pubkey": hex::encode(output.script_pubkey()),
        "internal_key": hex::encode(output.internal_key),
        "key_path": compiled.key_path.map(|atom| compiled.program.describe(atom)),
        "key_path_probability_in_2_32": compiled.key_path_probability,
        "merkle_root": output.merkle_root.map(hex::encode),
        "flags": flag_names(compiled.flags()),
        "leaves": compiled.leaves.iter().enumerate().map(leaf).collect::<Vec<_>>(),
        "warnings": compiled.warnings,
        "notes": compiled.notes.iter().map(note).collect::<Vec<_>>(),
    })
}

fn branch(branch: Branch) -> String {
    match branch {
        Branch::Key => "key path".into(),
        Branch::Leaf(nth) => format!("leaf {nth}"),
    }
}

/// Describes the witness element that a slot stands for.
pub fn slot_text(compiled: &Compiled, slot: &Slot) -> String {
    let name = |key: &[u8; 32]| compiled.program.key_name(key);
    match slot {
        Slot::Signature { key, kind: SignatureKind::KeyPath } => {
            format!("signature of the transaction by {}, tweaked, SIGHASH_DEFAULT", name(key))
        }
        Slot::Signature { key, kind: SignatureKind::Leaf } => {
            format!("signature of the transaction by {}, SIGHASH_DEFAULT", name(key))
        }
        Slot::Signature { key, kind } => {
            format!(
                "signature of the transaction by {} as BIP 118 key, hash type 0x{:02x}",
                name(key),
                kind.hash_type()
            )
        }
        Slot::MessageSignature { key, atom, values } => {
            let bytes = match compiled.atoms().get(*atom) {
                Some(crate::Atom::Signed(msg, _)) => crate::message_bytes(msg, values, None),
                _ => None,
            };
            let message = match bytes {
                Some(bytes) => format!("the message {}", hex::encode(bytes)),
                None => "the message made with the transaction's template hash".into(),
            };
            format!("signature by {} over {message}, for {}", name(key), compiled.program.describe(*atom))
        }
        Slot::Preimage { function, image } => {
            format!("preimage of {}({})", function.name(), hex::encode(image))
        }
        Slot::Template => "the transaction's BIP 119 template hash".into(),
        Slot::Lock(lock) => format!("the number {lock}, which nLockTime reaches"),
        Slot::Known(bytes) if bytes.is_empty() => "empty".into(),
        Slot::Known(bytes) => hex::encode(bytes),
    }
}

/// Describes the assets that are missing for a plan, in the syntax of the policy. Lists the ways to spend for which the
/// fewest assets are missing.
pub fn lacking_text(compiled: &Compiled, assets: &Assets) -> String {
    const MOST: usize = 3;
    let sets = compiled.lacking(assets, MOST);
    let describe = |set: &Set| {
        let words: Vec<String> =
            set.iter().map(|&atom| format!("`{}`", compiled.program.describe(atom))).collect();
        words.join(" and ")
    };
    let ways: Vec<String> = sets.iter().map(describe).collect();
    format!("still needed: {}", ways.join(", or "))
}

/// Formats a plan as text.
pub fn plan_text(compiled: &Compiled, plan: &Plan) -> String {
    let met: Vec<String> = plan.atoms.iter().map(|&atom| compiled.program.describe(atom)).collect();
    let mut text = format!("{}: {}\n", branch(plan.branch), short(&met.join(", ")));
    if plan.fixes_transaction {
        text += "nLockTime      as the template has it\nnSequence      as the template has it\n";
    } else {
        text += &format!("nLockTime      {}\nnSequence      0x{:08x}\n", plan.lock_time, plan.sequence);
    }
    if plan.sequence != SEQUENCE_NO_LOCK {
        text += "nVersion       2 or above\n";
    }
    text += &format!("witness        {} WU\n", plan.witness_size());
    if plan.branch != Branch::Key {
        text += &format!("sigops         {}, {} of the budget left\n", plan.signature_checks, plan.budget());
    }
    text += &format!("needs          {}\n\nwitness, bottom to top\n", needs(plan.flags));
    for (nth, slot) in plan.slots.iter().enumerate() {
        text += &format!("  {nth:>2}  {:>3} bytes  {}\n", slot.size(), short(&slot_text(compiled, slot)));
    }
    if plan.branch != Branch::Key {
        let count = plan.slots.len();
        text += &format!("  {count:>2}  {:>3} bytes  script\n", plan.script.len());
        text += &format!("  {:>2}  {:>3} bytes  control block\n", count + 1, plan.control_block.len());
    }
    text
}

/// Formats a plan as JSON.
pub fn plan_json(compiled: &Compiled, plan: &Plan) -> Json {
    let slot = |slot: &Slot| json!({ "size": slot.size(), "what": slot_text(compiled, slot) });
    json!({
        "branch": branch(plan.branch),
        "conditions": plan.atoms.iter().map(|&atom| compiled.program.describe(atom)).collect::<Vec<_>>(),
        "lock_time": plan.lock_time,
        "sequence": plan.sequence,
        "template_fixes_locks": plan.fixes_transaction,
        "witness_weight": plan.witness_size(),
        "signature_checks": plan.signature_checks,
        "budget_left": plan.budget(),
        "slots": plan.slots.iter().map(slot).collect::<Vec<_>>(),
        "script": hex::encode(&plan.script),
        "control_block": hex::encode(&plan.control_block),
        "flags": flag_names(plan.flags),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_rounded_down() {
        let texts = [ONE, ONE / 8 * 3, ONE / 3, ONE / 100_000 * 7, 1].map(percent);
        assert_eq!(texts, ["100.000 %", "37.500 %", "33.333 %", "0.006 %", "0.000 %"]);
    }
}
