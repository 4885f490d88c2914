//! Limits of consensus and of relay. The compiler refuses a policy that exceeds a consensus limit, and reports a
//! warning if an output exceeds a relay limit.

use sigstack_interpreter::limits::{
    CONTROL_BLOCK_MAX_NODES, MAX_STACK_SIZE, VALIDATION_WEIGHT_OFFSET, VALIDATION_WEIGHT_PER_SIGOP,
};

use crate::atom::Atom;
use crate::check::can_lack;
use crate::compile::{Compiled, CompiledLeaf};
use crate::error::ErrorKind;
use crate::message::Msg;

/// Maximum size in bytes of a tapscript witness element that Bitcoin Core relays (Core
/// `MAX_STANDARD_TAPSCRIPT_STACK_ITEM_SIZE`).
pub const MAX_STANDARD_ELEMENT: usize = 80;

/// Maximum weight of a transaction that Bitcoin Core relays (Core `MAX_STANDARD_TX_WEIGHT`).
pub const MAX_STANDARD_WEIGHT: usize = 400_000;

/// Returns the validation weight that remains after the signature checks of a witness of `size` bytes (BIP 342).
pub fn budget(size: usize, signature_checks: usize) -> i64 {
    let cost =
        i64::try_from(signature_checks).unwrap_or(i64::MAX).saturating_mul(VALIDATION_WEIGHT_PER_SIGOP);
    i64::try_from(size).unwrap_or(i64::MAX).saturating_add(VALIDATION_WEIGHT_OFFSET).saturating_sub(cost)
}

/// Returns the maximum number of elements on both stacks together, over all ways to satisfy a leaf.
fn peak(leaf: &CompiledLeaf, atoms: &[Atom]) -> usize {
    leaf.frag.runs(atoms).sat.map_or(0, |run| run.peak)
}

/// Refuses outputs that consensus rules would make unspendable.
pub(crate) fn check(compiled: &Compiled) -> Result<(), ErrorKind> {
    let too_large = |what, limit| Err(ErrorKind::TooLarge { what, limit });
    for leaf in &compiled.leaves {
        if leaf.depth > CONTROL_BLOCK_MAX_NODES {
            return too_large("Merkle steps to a leaf", CONTROL_BLOCK_MAX_NODES);
        }
        if peak(leaf, compiled.atoms()) > MAX_STACK_SIZE {
            return too_large("elements on the stack", MAX_STACK_SIZE);
        }
        // A signature in the witness adds more validation weight than its check costs. A signature in the script is
        // charged too, but a witness without other signatures may be too small to pay for it. Such a leaf could not be
        // spent.
        if let Some((size, checks)) = compiled.cheapest_use(leaf)
            && budget(size, checks) < 0
        {
            return too_large("units of validation weight for the signature checks of a leaf", size);
        }
    }
    Ok(())
}

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
        if can_lack(&leaf.policy, &|index| compiled.atoms().get(index).is_some_and(Atom::commits_annex)) {
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
mod tests;
