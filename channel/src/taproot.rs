//! Taproot outputs with script trees (BIP 341).

use bitcoin::ScriptBuf;
use sigstack_interpreter::taproot::{branch_hash, leaf_hash};

use crate::error::ChannelError;
use crate::keys::taproot_output_key;
use crate::tx::p2tr;

/// Leaf version of tapscript (BIP 342).
pub const TAPSCRIPT: u8 = 0xc0;

/// A leaf of a taproot script tree: its script, or only its hash if the script is unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// Script of a known leaf, with the leaf version of tapscript.
    Script(Vec<u8>),
    /// Tapleaf hash of a leaf whose script is unknown.
    Hidden([u8; 32]),
}

impl Leaf {
    /// Returns the tapleaf hash of this leaf.
    pub fn hash(&self) -> [u8; 32] {
        match self {
            Leaf::Script(script) => leaf_hash(TAPSCRIPT, script),
            Leaf::Hidden(hash) => *hash,
        }
    }
}

/// A taproot output: an internal key, and a script tree if the output has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapOutput {
    internal_key: [u8; 32],
    output_key: [u8; 32],
    odd: bool,
    root: Option<[u8; 32]>,
    /// Leaves of the script tree from left to right, each with its Merkle path. The path lists the sibling hashes from
    /// the leaf to the root.
    leaves: Vec<(Leaf, Vec<[u8; 32]>)>,
}

impl TapOutput {
    /// Creates a taproot output from an internal key and leaves. The leaves are listed from left to right, each with
    /// its depth in the script tree. Without leaves, only the key path can spend the output.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the depths do not describe a binary tree. [`ChannelError::Key`] if the internal
    /// key is not on the curve.
    pub fn new(internal_key: [u8; 32], leaves: Vec<(u8, Leaf)>) -> Result<TapOutput, ChannelError> {
        let mut paths: Vec<(Leaf, Vec<[u8; 32]>)> = Vec::with_capacity(leaves.len());
        // Subtrees whose right sibling has not been added yet: depth, hash, and index of the first leaf in the subtree.
        let mut open: Vec<(u8, [u8; 32], usize)> = Vec::new();
        for (depth, leaf) in leaves {
            open.push((depth, leaf.hash(), paths.len()));
            paths.push((leaf, Vec::new()));
            while let [.., (left_depth, left, start), (depth, right, middle)] = *open.as_slice()
                && left_depth == depth
            {
                for (nth, (_, path)) in paths.iter_mut().enumerate().skip(start) {
                    path.push(if nth < middle { right } else { left });
                }
                open.truncate(open.len().saturating_sub(2));
                let above = depth.checked_sub(1).ok_or_else(bad_tree)?;
                open.push((above, branch_hash(&left, &right), start));
            }
        }
        let root = match open.as_slice() {
            [] => None,
            [(0, root, _)] => Some(*root),
            _ => return Err(bad_tree()),
        };
        let (output_key, odd) = taproot_output_key(&internal_key, root.as_ref())?;
        Ok(TapOutput { internal_key, output_key, odd, root, leaves: paths })
    }

    /// Returns the Merkle root of the script tree, or `None` if the output has no leaves.
    pub fn root(&self) -> Option<[u8; 32]> {
        self.root
    }

    /// Returns the x-only internal key of this taproot output.
    pub fn internal_key(&self) -> &[u8; 32] {
        &self.internal_key
    }

    /// Returns the leaf scripts of this taproot output, except those of which only the hash is known.
    pub fn scripts(&self) -> impl Iterator<Item = &[u8]> {
        self.leaves.iter().filter_map(|(leaf, _)| match leaf {
            Leaf::Script(script) => Some(script.as_slice()),
            Leaf::Hidden(_) => None,
        })
    }

    /// Returns the scriptPubKey of this taproot output.
    pub fn script_pubkey(&self) -> ScriptBuf {
        p2tr(&self.output_key)
    }

    /// Returns the control block (BIP 341) that reveals the leaf with this script.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if no leaf has this script.
    pub fn control_block(&self, script: &[u8]) -> Result<Vec<u8>, ChannelError> {
        let found = self.leaves.iter().find(|(leaf, _)| matches!(leaf, Leaf::Script(own) if own == script));
        let (_, path) = found.ok_or_else(|| ChannelError::refused("the output has no such leaf"))?;
        let mut bytes = vec![TAPSCRIPT | u8::from(self.odd)];
        bytes.extend_from_slice(&self.internal_key);
        bytes.extend(path.iter().flatten());
        Ok(bytes)
    }

    /// Returns the witness that spends this output with the leaf script `script`. `stack` contains the witness
    /// elements before the script and the control block, bottom of the stack first.
    ///
    /// # Errors
    ///
    /// The errors of [`TapOutput::control_block`].
    pub fn witness(&self, script: &[u8], stack: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, ChannelError> {
        let mut elements = stack;
        elements.push(script.to_vec());
        elements.push(self.control_block(script)?);
        Ok(elements)
    }
}

fn bad_tree() -> ChannelError {
    ChannelError::refused("the depths of the leaves are not those of a binary tree")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Seed, x_only};

    #[test]
    fn control_blocks_lead_to_the_output_key() {
        let key = x_only(&Seed::from_name("tree").keypair("internal", &[]).unwrap());
        let scripts: Vec<Vec<u8>> = (0x51..0x55).map(|op| vec![op]).collect();
        for depths in [vec![0], vec![1, 1], vec![1, 2, 2], vec![2, 2, 2, 2], vec![1, 2, 3, 3]] {
            let leaves = depths.iter().zip(&scripts);
            let leaves: Vec<(u8, Leaf)> =
                leaves.map(|(depth, s)| (*depth, Leaf::Script(s.clone()))).collect();
            let output = TapOutput::new(key, leaves).unwrap();
            for (depth, script) in depths.iter().zip(&scripts) {
                let control = output.control_block(script).unwrap();
                assert_eq!(control.len(), 33 + 32 * usize::from(*depth));
                let parsed = sigstack_interpreter::taproot::ControlBlock::parse(&control).unwrap();
                let root =
                    parsed.path().fold(leaf_hash(TAPSCRIPT, script), |node, other| branch_hash(&node, other));
                assert_eq!(Some(root), output.root());
            }
        }
        for depths in [vec![1], vec![0, 0], vec![1, 1, 1], vec![2, 2]] {
            let leaves = depths.iter().map(|depth| (*depth, Leaf::Script(vec![0x51]))).collect();
            assert!(TapOutput::new(key, leaves).is_err(), "{depths:?}");
        }
    }
}
