//! Builds a taproot output from leaves: the tree of least expected depth, the output key and the control blocks (BIP 341).

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use bitcoin::hashes::Hash;
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::taproot::LeafVersion;
use bitcoin::{Address, Network, ScriptBuf, TapLeafHash, TapNodeHash, XOnlyPublicKey};
use sigstack_interpreter::limits::{CONTROL_BLOCK_BASE_SIZE, CONTROL_BLOCK_NODE_SIZE};

/// The shape of a taproot tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A leaf of the taproot tree, as an index into the list of leaves.
    Leaf(usize),
    /// A branch of the taproot tree, with its two subtrees.
    Branch(Box<Shape>, Box<Shape>),
}

/// Builds a Huffman tree, which has the least possible expected depth. Among equal weights the earlier leaves are
/// joined first, so that the result is deterministic. Returns `None` if `weights` is empty.
pub fn huffman(weights: &[u64]) -> Option<Shape> {
    // The queue returns the lightest subtree first. Of equally light subtrees it returns the oldest. The age of a
    // subtree is its index in `shapes`.
    let mut shapes: Vec<Option<Shape>> = (0..weights.len()).map(|leaf| Some(Shape::Leaf(leaf))).collect();
    let mut queue: BinaryHeap<Reverse<(u64, usize)>> =
        weights.iter().enumerate().map(|(age, weight)| Reverse((*weight, age))).collect();
    loop {
        let Reverse((first, at)) = queue.pop()?;
        let lighter = shapes.get_mut(at)?.take()?;
        let Some(Reverse((second, at))) = queue.pop() else { return Some(lighter) };
        let heavier = shapes.get_mut(at)?.take()?;
        queue.push(Reverse((first.saturating_add(second), shapes.len())));
        // The heavier or later subtree goes to the left, so that the most probable leaf is read first.
        shapes.push(Some(Shape::Branch(Box::new(heavier), Box::new(lighter))));
    }
}

/// Returns the depth of each leaf in the tree. `leaves` is the number of leaves.
pub fn depths(shape: &Shape, leaves: usize) -> Vec<usize> {
    let mut depths = vec![0; leaves];
    let mut stack = vec![(shape, 0)];
    while let Some((shape, depth)) = stack.pop() {
        match shape {
            Shape::Leaf(leaf) => {
                if let Some(slot) = depths.get_mut(*leaf) {
                    *slot = depth;
                }
            }
            Shape::Branch(left, right) => {
                stack.extend([(left.as_ref(), depth + 1), (right.as_ref(), depth + 1)])
            }
        }
    }
    depths
}

/// Returns the size in bytes of the control block of a leaf at this depth.
pub(crate) const fn control_block_size(depth: usize) -> usize {
    CONTROL_BLOCK_BASE_SIZE + CONTROL_BLOCK_NODE_SIZE * depth
}

/// A taproot output, and the data that spending its leaves requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapOutput {
    /// X-only internal key of the output.
    pub internal_key: [u8; 32],
    /// Merkle root of the taproot tree. `None` if the output has no leaves.
    pub merkle_root: Option<[u8; 32]>,
    /// X-only output key: the internal key, tweaked as BIP 341 specifies.
    pub output_key: [u8; 32],
    /// Control block of each leaf, in the order of the leaves.
    pub control_blocks: Vec<Vec<u8>>,
    /// Leaf hash of each leaf (BIP 341), in the order of the leaves.
    pub leaf_hashes: Vec<[u8; 32]>,
}

impl TapOutput {
    /// Returns the scriptPubKey of the taproot output.
    pub fn script_pubkey(&self) -> ScriptBuf {
        let mut bytes = vec![0x51, 0x20];
        bytes.extend_from_slice(&self.output_key);
        ScriptBuf::from_bytes(bytes)
    }

    /// Returns the address of the taproot output on a network.
    pub fn address(&self, network: Network) -> Option<Address> {
        Address::from_script(&self.script_pubkey(), network).ok()
    }
}

/// Returns the output for an internal key and a tree of scripts. Returns `None` if the key is not on the curve.
pub(crate) fn output(
    internal_key: &[u8; 32],
    scripts: &[Vec<u8>],
    shape: Option<&Shape>,
) -> Option<TapOutput> {
    let leaf_hashes: Vec<TapLeafHash> = scripts
        .iter()
        .map(|script| TapLeafHash::from_script(bitcoin::Script::from_bytes(script), LeafVersion::TapScript))
        .collect();
    let mut merkle_paths: Vec<Vec<TapNodeHash>> = vec![Vec::new(); scripts.len()];
    let root = shape.map(|shape| hash(shape, &leaf_hashes, &mut merkle_paths).0);

    let key = XOnlyPublicKey::from_slice(internal_key).ok()?;
    let (output_key, parity) = key.tap_tweak(&Secp256k1::verification_only(), root);
    let first = LeafVersion::TapScript.to_consensus() | parity.to_u8();
    let control_block = |path: &Vec<TapNodeHash>| {
        let mut block = vec![first];
        block.extend_from_slice(internal_key);
        path.iter().for_each(|node| block.extend_from_slice(node.as_byte_array()));
        block
    };
    Some(TapOutput {
        internal_key: *internal_key,
        merkle_root: root.map(|root| root.to_byte_array()),
        output_key: output_key.serialize(),
        control_blocks: merkle_paths.iter().map(control_block).collect(),
        leaf_hashes: leaf_hashes.iter().map(|hash| hash.to_byte_array()).collect(),
    })
}

/// Returns the hash of a subtree and the indices of its leaves. Appends the sibling's hash to the Merkle path of each leaf
/// on the way up.
fn hash(
    shape: &Shape,
    leaf_hashes: &[TapLeafHash],
    paths: &mut [Vec<TapNodeHash>],
) -> (TapNodeHash, Vec<usize>) {
    match shape {
        Shape::Leaf(leaf) => {
            let hash = leaf_hashes.get(*leaf).copied().unwrap_or_else(TapLeafHash::all_zeros);
            (TapNodeHash::from(hash), vec![*leaf])
        }
        Shape::Branch(left, right) => {
            let (left, mut leaves) = hash(left, leaf_hashes, paths);
            let (right, others) = hash(right, leaf_hashes, paths);
            for (sibling, leaves) in [(right, &leaves), (left, &others)] {
                for leaf in leaves {
                    if let Some(path) = paths.get_mut(*leaf) {
                        path.push(sibling);
                    }
                }
            }
            leaves.extend(others);
            (TapNodeHash::from_node_hashes(left, right), leaves)
        }
    }
}
