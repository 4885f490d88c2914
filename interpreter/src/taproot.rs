//! Verification that a taproot output commits to a leaf (BIP 341 "Script validation rules").

use sha2::Digest;

use crate::curve;
use crate::event::CommitmentStep;
use crate::inspector::Inspector;
use crate::limits::{
    ANNEX_TAG, CONTROL_BLOCK_BASE_SIZE, CONTROL_BLOCK_MAX_NODES, CONTROL_BLOCK_NODE_SIZE, LEAF_VERSION_MASK,
};
use crate::message::{CompactSize, tags};
use crate::script_error::ScriptError;

tags! {
    /// Returns a hasher that has processed the tag of tapleaf hashes (BIP 341 "Script validation rules").
    tap_leaf "TapLeaf";
    /// Returns a hasher that has processed the tag of tapbranch hashes (BIP 341 "Script validation rules").
    tap_branch "TapBranch";
    /// Returns a hasher that has processed the tag of taptweak hashes (BIP 341 "Script validation rules").
    tap_tweak "TapTweak";
}

/// The internal key to use for an output without a key path, because nobody knows the private key. It is the point H of
/// BIP 341 "Constructing and spending Taproot outputs" (Core `NUMS_H`).
pub const NUMS_KEY: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07,
    0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

/// Returns the annex of a taproot input, including its first byte 0x50; `None` if the witness has no annex. `elements`
/// is the number of witness elements, and `last` the last element. "If there are at least two witness elements, and the
/// first byte of the last element is 0x50, this last element is called annex" (BIP 341 "Script validation rules").
pub fn annex(elements: usize, last: Option<&[u8]>) -> Option<&[u8]> {
    last.filter(|last| elements >= 2 && last.first() == Some(&ANNEX_TAG))
}

/// A control block, which proves that a leaf is in the script tree of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlBlock<'a> {
    /// Leaf version, from the first byte of the control block.
    pub leaf_version: u8,
    /// Whether the y coordinate of the output key is odd, according to the first byte of the control block.
    pub output_key_is_odd: bool,
    /// The internal key of the output.
    pub internal_key: &'a [u8; 32],
    path: &'a [u8],
}

impl<'a> ControlBlock<'a> {
    /// Parses a control block: one byte with the leaf version and the parity, the internal key, and 0 to 128 hashes of 32
    /// bytes.
    ///
    /// # Errors
    ///
    /// [`ScriptError::TaprootWrongControlSize`] if the control block has any other size.
    pub fn parse(bytes: &'a [u8]) -> Result<ControlBlock<'a>, ScriptError> {
        let max_size = CONTROL_BLOCK_BASE_SIZE + CONTROL_BLOCK_MAX_NODES * CONTROL_BLOCK_NODE_SIZE;
        let Some((first, rest)) = bytes.split_first() else {
            return Err(ScriptError::TaprootWrongControlSize);
        };
        match rest.split_first_chunk::<32>() {
            Some((internal_key, path))
                if bytes.len() <= max_size && path.len() % CONTROL_BLOCK_NODE_SIZE == 0 =>
            {
                Ok(ControlBlock {
                    leaf_version: first & LEAF_VERSION_MASK,
                    output_key_is_odd: first & 1 == 1,
                    internal_key,
                    path,
                })
            }
            _ => Err(ScriptError::TaprootWrongControlSize),
        }
    }

    /// Returns the hashes of the siblings on the Merkle path, from the leaf to the root.
    pub fn path(&self) -> impl ExactSizeIterator<Item = &'a [u8; 32]> + use<'a> {
        self.path.as_chunks::<CONTROL_BLOCK_NODE_SIZE>().0.iter()
    }

    /// Returns whether the control block proves that the output key commits to the leaf with this hash. Reports each
    /// step to the inspector.
    pub(crate) fn proves<I: Inspector>(
        &self,
        leaf_hash: [u8; 32],
        output_key: &[u8; 32],
        inspector: &mut I,
    ) -> bool {
        let root = self.path().fold(leaf_hash, |node, sibling| {
            let hash = branch_hash(&node, sibling);
            if I::ACTIVE {
                inspector.commitment(&CommitmentStep::Branch { sibling, hash });
            }
            hash
        });
        let tweak = tweak_hash(self.internal_key, Some(&root));
        let matches = curve::check_tweak(self.internal_key, &tweak, output_key, self.output_key_is_odd);
        if I::ACTIVE {
            inspector.commitment(&CommitmentStep::Tweak { internal_key: self.internal_key, tweak, matches });
        }
        matches
    }
}

/// Returns the tapleaf hash of a leaf, over the leaf version and the script preceded by its length.
pub fn leaf_hash(leaf_version: u8, script: &[u8]) -> [u8; 32] {
    tap_leaf()
        .chain_update([leaf_version])
        .chain_update(CompactSize::new(script.len()).as_bytes())
        .chain_update(script)
        .finalize()
        .into()
}

/// Returns the tapbranch hash of two nodes; the smaller one is hashed first.
pub fn branch_hash(a: &[u8; 32], b: &[u8; 32]) -> [u8; 32] {
    let (first, second) = if a < b { (a, b) } else { (b, a) };
    tap_branch().chain_update(first).chain_update(second).finalize().into()
}

/// Returns the taptweak hash of an internal key and the Merkle root of the script tree. `root` is `None` for an output
/// without script tree.
pub fn tweak_hash(internal_key: &[u8; 32], root: Option<&[u8; 32]>) -> [u8; 32] {
    let hasher = tap_tweak().chain_update(internal_key);
    match root {
        Some(root) => hasher.chain_update(root),
        None => hasher,
    }
    .finalize()
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_block_sizes() {
        let parse = |size: usize| ControlBlock::parse(&vec![0xc1; size]).map(|control| control.path().len());
        for nodes in [0, 1, 128] {
            assert_eq!(parse(33 + 32 * nodes), Ok(nodes));
        }
        for size in [0, 1, 32, 34, 64, 66, 33 + 32 * 129] {
            assert_eq!(parse(size), Err(ScriptError::TaprootWrongControlSize), "{size}");
        }
        let bytes = [0xc1; 33];
        let control = ControlBlock::parse(&bytes).unwrap();
        assert_eq!((control.leaf_version, control.output_key_is_odd), (0xc0, true));
    }
}
