//! Decodes a control block for display.

use sigstack_interpreter::ScriptError;
use sigstack_interpreter::taproot::{ControlBlock, branch_hash, leaf_hash};

use crate::explain::tweaked;

/// A decoded control block. If the leaf script is known, also the output key that commits to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlView {
    /// Leaf version from the first byte of the control block.
    pub leaf_version: u8,
    /// `true` if the control block says that the Y coordinate of the output key is odd.
    pub output_key_is_odd: bool,
    /// The internal key.
    pub internal_key: [u8; 32],
    /// Sibling hashes of the Merkle path, from the leaf to the root.
    pub path: Vec<[u8; 32]>,
    /// Tapleaf hash of the script; `None` if the script is not known.
    pub leaf_hash: Option<[u8; 32]>,
    /// Merkle root computed from the leaf and the path; `None` if the script is not known.
    pub merkle_root: Option<[u8; 32]>,
    /// Output key computed from the control block and the script, and whether its Y coordinate is odd. `None` if the
    /// script is not known, or if the internal key is not a valid key.
    pub output_key: Option<([u8; 32], bool)>,
}

/// Decodes a control block. If the leaf's script is given, also computes the output key.
///
/// # Errors
///
/// [`ScriptError::TaprootWrongControlSize`] if the size is not valid for a control block.
pub fn control_view(control: &[u8], script: Option<&[u8]>) -> Result<ControlView, ScriptError> {
    let control = ControlBlock::parse(control)?;
    let path: Vec<[u8; 32]> = control.path().copied().collect();
    let leaf = script.map(|script| leaf_hash(control.leaf_version, script));
    let root = leaf.map(|leaf| path.iter().fold(leaf, |node, sibling| branch_hash(&node, sibling)));
    Ok(ControlView {
        leaf_version: control.leaf_version,
        output_key_is_odd: control.output_key_is_odd,
        internal_key: *control.internal_key,
        path,
        leaf_hash: leaf,
        merkle_root: root,
        output_key: root.and_then(|root| tweaked(control.internal_key, Some(root))),
    })
}
