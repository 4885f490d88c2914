//! Construction of taproot outputs and control blocks from leaves, as generators of vectors need it (BIP 341 "Constructing
//! and spending Taproot outputs").

use bitcoin::ScriptBuf;
use secp256k1::{Parity, Scalar, XOnlyPublicKey};
use sigstack_interpreter::limits::LEAF_VERSION_TAPSCRIPT;
use sigstack_interpreter::taproot::{branch_hash, leaf_hash, tweak_hash};

/// The only leaf of a taproot script tree. Contains the output key that commits to the leaf, and the control block that
/// reveals it.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) output_key: [u8; 32],
    pub(crate) control_block: Vec<u8>,
}

impl Leaf {
    /// Creates the output and the control block for a tapscript that is the only leaf of its tree.
    pub(crate) fn only(internal_key: &[u8; 32], script: &[u8]) -> Result<Leaf, String> {
        let root = leaf_hash(LEAF_VERSION_TAPSCRIPT, script);
        let (output_key, parity) = output_key(internal_key, tweak_hash(internal_key, Some(&root)))?;
        let control_block = control_block(LEAF_VERSION_TAPSCRIPT, parity, internal_key, &[]);
        Ok(Leaf { output_key, control_block })
    }

    /// Returns the scriptPubKey of the taproot output that commits to this leaf.
    pub(crate) fn output_script(&self) -> ScriptBuf {
        output_script(&self.output_key)
    }
}

/// Returns the scriptPubKey of the taproot output with this output key.
pub fn output_script(output_key: &[u8; 32]) -> ScriptBuf {
    ScriptBuf::from_bytes([&[0x51, 0x20], output_key.as_slice()].concat())
}

/// Returns the taproot output key, which is the internal key plus `tweak` times G, and the parity of its Y coordinate.
///
/// # Errors
///
/// Returns the reason why the output key does not exist, such as "is not on the curve". The subject of this phrase is
/// the internal key.
pub fn output_key(internal_key: &[u8; 32], tweak: [u8; 32]) -> Result<([u8; 32], Parity), String> {
    let key = XOnlyPublicKey::from_byte_array(*internal_key).map_err(|_| "is not on the curve")?;
    let tweak = Scalar::from_be_bytes(tweak).map_err(|_| "has a tweak beyond the order of the curve")?;
    let tweaked = key.add_tweak(&tweak).map_err(|_| "is cancelled by its tweak")?;
    Ok((tweaked.0.to_byte_array(), tweaked.1))
}

/// Returns the control block of a tapscript: the leaf version with the parity of the output key, the internal key, and
/// the Merkle path.
pub fn control_block(
    leaf_version: u8,
    parity: Parity,
    internal_key: &[u8; 32],
    path: &[[u8; 32]],
) -> Vec<u8> {
    let first = leaf_version | u8::from(parity == Parity::Odd);
    [&[first], internal_key.as_slice(), path.concat().as_slice()].concat()
}

/// A taproot script tree: its Merkle root, and the Merkle path of each leaf.
pub(crate) struct Tree {
    pub(crate) root: [u8; 32],
    /// Merkle paths of the leaves, in the order of the leaves.
    pub(crate) paths: Vec<Vec<[u8; 32]>>,
}

/// A subtree during construction of the tree: the depth of its root, its hash, and the range of leaves below it.
struct Node {
    depth: usize,
    hash: [u8; 32],
    leaves: core::ops::Range<usize>,
}

impl Tree {
    /// Builds a tree from its leaves in order from left to right, each given by its depth and its hash. Returns `None` if
    /// the depths do not describe a binary tree.
    pub(crate) fn build(leaves: &[(usize, [u8; 32])]) -> Option<Tree> {
        let mut paths = vec![Vec::new(); leaves.len()];
        let mut open: Vec<Node> = Vec::new();
        for (nth, (depth, hash)) in leaves.iter().enumerate() {
            let mut node = Node { depth: *depth, hash: *hash, leaves: nth..nth + 1 };
            while let Some(left) = open.pop_if(|left| left.depth == node.depth) {
                paths.get_mut(left.leaves.clone())?.iter_mut().for_each(|path| path.push(node.hash));
                paths.get_mut(node.leaves.clone())?.iter_mut().for_each(|path| path.push(left.hash));
                let hash = branch_hash(&left.hash, &node.hash);
                let leaves = left.leaves.start..node.leaves.end;
                node = Node { depth: node.depth.checked_sub(1)?, hash, leaves };
            }
            open.push(node);
        }
        match open.as_slice() {
            [root] if root.depth == 0 => Some(Tree { root: root.hash, paths }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use sigstack_interpreter::taproot::NUMS_KEY;

    use super::*;

    #[test]
    fn trees_are_built_from_the_left() {
        let hash = |byte| [byte; 32];
        let tree = Tree::build(&[(1, hash(1)), (2, hash(2)), (2, hash(3))]).unwrap();
        let right = branch_hash(&hash(2), &hash(3));
        assert_eq!(tree.root, branch_hash(&hash(1), &right));
        assert_eq!(tree.paths, [vec![right], vec![hash(3), hash(1)], vec![hash(2), hash(1)]]);
        assert_eq!(Tree::build(&[(0, hash(1))]).unwrap().root, hash(1));
    }

    #[test]
    fn depths_that_make_no_tree_are_refused() {
        let none = |depths: &[usize]| {
            let leaves: Vec<_> = depths.iter().map(|depth| (*depth, [0; 32])).collect();
            Tree::build(&leaves).is_none()
        };
        assert!(none(&[]) && none(&[1]) && none(&[0, 0]) && none(&[2, 1, 1]) && none(&[1, 1, 1]));
    }

    #[test]
    fn keys_off_the_curve_are_refused() {
        assert!(Leaf::only(&[0xff; 32], &[0x51]).is_err());
        assert!(Leaf::only(&NUMS_KEY, &[0x51]).is_ok());
    }
}
