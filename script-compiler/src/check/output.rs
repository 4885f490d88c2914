//! Checks of the compiled output: signatures and witnesses that are valid in several leaves, and consensus limits.

use std::collections::{BTreeMap, BTreeSet};

use sigstack_interpreter::limits::{CONTROL_BLOCK_MAX_NODES, MAX_STACK_SIZE};

use super::Refuser;
use crate::atom::Atom;
use crate::compiled::{Compiled, CompiledLeaf};
use crate::error::{Error, ErrorKind};
use crate::limits::budget;
use crate::meaning::Set;
use crate::program::Program;
use crate::reason::Reason;

/// Refuses a policy in which one BIP 118 key occurs in several leaves, because its signatures do not commit to a leaf.
pub(crate) fn check_leaves(program: &Program, leaves: &[BTreeSet<usize>]) -> Result<(), Error> {
    let mut seen: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    let refuse = Refuser { program };
    // A signature that is part of a script is available to everyone who knows the script.
    let is_presigned = |x: &[u8; 32]| {
        program.atoms.iter().any(|atom| matches!(atom, Atom::Presigned(key, _) if key.x == *x))
    };
    for (leaf, atoms) in leaves.iter().enumerate() {
        for &index in atoms {
            let Some(Atom::Rebind(_, key)) = program.atoms.get(index) else { continue };
            if seen.insert(key.x, leaf).is_some_and(|other| other != leaf) {
                let detail = format!("{} is a BIP 118 key of several leaves", refuse.key_name(&key.x));
                refuse.refuse(Reason::Bip118Reuse, Some(index), detail)?;
            }
            if is_presigned(&key.x) {
                let detail = format!("a signature by {} stands in a script", refuse.key_name(&key.x));
                refuse.refuse(Reason::Bip118Reuse, Some(index), detail)?;
            }
        }
    }
    Ok(())
}

/// Refuses a policy with a way to spend whose witness anybody could replace by the witness of another way.
pub(crate) fn check_replaceable(compiled: &Compiled) -> Result<(), Error> {
    let refuse = Refuser { program: &compiled.program };
    if compiled.program.allowed.contains(&Reason::Malleable) {
        return Ok(());
    }
    let Some((way, other)) = compiled.replaceable() else { return Ok(()) };
    let this = refuse.describe(way);
    let detail = match other {
        Some(other) => {
            format!("whoever sees the witness for {this} can spend by {} instead", refuse.describe(other))
        }
        None => format!("whoever sees the witness for {this} can make another one"),
    };
    let place = |set: &Set, apart: &Set| {
        set.difference(apart).next().or(set.first()).map(|index| refuse.span(Some(*index)))
    };
    let none = Set::new();
    let span = place(way, other.unwrap_or(&none)).unwrap_or(compiled.program.span);
    let error = Error::new(ErrorKind::Refused(Reason::Malleable, detail), span);
    Err(Error { other: other.and_then(|other| place(other, way)), ..error })
}

/// Refuses two leaves with the same script: a signature for one leaf is also valid in the other, with another control block.
pub(crate) fn check_equal_scripts(program: &Program, scripts: &[&[u8]]) -> Result<(), Error> {
    let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (leaf, script) in scripts.iter().enumerate() {
        if let Some(other) = seen.insert(script, leaf) {
            let detail = format!("leaves {other} and {leaf} have the same script");
            Refuser { program }.refuse(Reason::Malleable, None, detail)?;
        }
    }
    Ok(())
}

/// Returns the maximum number of elements on both stacks together, over all ways to satisfy a leaf.
fn peak(leaf: &CompiledLeaf, atoms: &[Atom]) -> usize {
    leaf.frag.runs(atoms).sat.map_or(0, |run| run.peak)
}

/// Refuses outputs that consensus rules would make unspendable.
pub(crate) fn check_limits(compiled: &Compiled) -> Result<(), ErrorKind> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::Frag;

    #[test]
    fn leaves_are_held_to_the_limits() {
        let compiled = crate::compile_text(&format!(
            "tr(nums,pk({}))",
            "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
        ))
        .unwrap();
        let with = |change: &dyn Fn(&mut CompiledLeaf)| {
            let mut changed = compiled.clone();
            change(&mut changed.leaves[0]);
            changed
        };
        let sigs = |count: usize| {
            move |leaf: &mut CompiledLeaf| {
                leaf.frag = Frag::And(vec![Frag::Verify(Frag::Atom(0).boxed()); count]);
            }
        };
        let depth = |depth: usize| move |leaf: &mut CompiledLeaf| leaf.depth = depth;
        // When the script checks the first signature, the stack contains all signatures and the first key. The largest leaf
        // that fits therefore has one signature less than the stack limit.
        let fits = MAX_STACK_SIZE - 1;
        assert_eq!(check_limits(&with(&sigs(fits))), Ok(()));
        assert_eq!(check_limits(&with(&depth(128))), Ok(()));
        let too_large = |what, limit| Err(ErrorKind::TooLarge { what, limit });
        assert_eq!(check_limits(&with(&sigs(fits + 1))), too_large("elements on the stack", 1000));
        assert_eq!(check_limits(&with(&depth(129))), too_large("Merkle steps to a leaf", 128));
    }
}
