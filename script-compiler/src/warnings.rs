//! Warnings about a compiled policy: relay limits that its output exceeds, and assumptions that its scripts depend on.

use crate::atom::Atom;
use crate::compiled::Compiled;
use crate::limits::{MAX_STANDARD_ELEMENT, MAX_STANDARD_WEIGHT};
use crate::message::Msg;

/// Returns reasons why nodes would not relay a transaction, and assumptions that the scripts depend on.
pub(crate) fn warnings(compiled: &Compiled) -> Vec<String> {
    let mut warnings = Vec::new();
    let flags = compiled.flags();
    if !flags.is_empty() {
        warnings.push(format!("standardness: needs {flags}, which no node relays before activation"));
    }
    let (mut long, mut trusted) = (Vec::new(), Vec::new());
    for (index, atom) in compiled.atoms().iter().enumerate() {
        let (Atom::Signed(msg, _) | Atom::Opens(_, msg)) = atom else { continue };
        for part in msg.parts() {
            match part {
                Msg::Fixed(bytes) if bytes.len() > MAX_STANDARD_ELEMENT => {
                    // Data that the script pushes are not witness elements: only slots count toward the limit.
                }
                Msg::Any(slot) => long.push(slot.clone()),
                Msg::Ctv(false) => trusted.push(compiled.program.describe(index)),
                _ => {}
            }
        }
    }
    for slot in long {
        warnings
            .push(format!("standardness: the slot `{slot}` is relayed up to {MAX_STANDARD_ELEMENT} bytes"));
    }
    for condition in trusted {
        warnings.push(format!(
            "{condition} relies on its key signing nothing but templates: CHECKTEMPLATEVERIFY passes over arguments that are not \
             32 bytes long"
        ));
    }
    for (nth, leaf) in compiled.leaves.iter().enumerate() {
        if leaf.script.len() > MAX_STANDARD_WEIGHT {
            warnings.push(format!("standardness: leaf {nth} is larger than a transaction that is relayed"));
        }
    }
    for (nth, leaf) in compiled.leaves.iter().enumerate() {
        if leaf.policy.can_lack(&|index| compiled.atoms().get(index).is_some_and(Atom::commits_annex)) {
            warnings.push(format!(
                "leaf {nth}: nothing commits to the annex: by consensus anybody can add one to the witness, but nodes do not relay \
                 such a transaction"
            ));
        }
    }
    for (index, atom) in compiled.atoms().iter().enumerate() {
        if matches!(atom, Atom::Rebind(..)) {
            warnings.push(format!(
                "{}: the same signature spends every output that offers the key and meets the rest of what it commits to",
                compiled.program.describe(index)
            ));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_above_the_relayed_weight_is_warned_about() {
        let compiled = crate::compile_text(&format!(
            "tr(nums,pk({}))",
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        ))
        .unwrap();
        let is_warned = |len: usize| {
            let mut changed = compiled.clone();
            changed.leaves[0].script = vec![0; len];
            warnings(&changed).iter().any(|text| text.contains("larger than a transaction"))
        };
        assert!(
            !is_warned(MAX_STANDARD_WEIGHT)
                && is_warned(MAX_STANDARD_WEIGHT + 1)
                && is_warned(2 * MAX_STANDARD_WEIGHT)
        );
    }
}
