//! A control block, read for people.

use sigstack_interpreter::ScriptError;
use sigstack_interpreter::taproot::{ControlBlock, branch_hash, leaf_hash};

use crate::explain::tweaked;

/// The key of BIP 341 "Constructing and spending Taproot outputs" whose secret nobody knows: an internal key that switches
/// the key path off.
pub const NUMS_KEY: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07,
    0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

/// What a control block says, and with a leaf script what it proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlView {
    /// The leaf version.
    pub leaf_version: u8,
    /// Whether the output key is said to be odd.
    pub output_key_is_odd: bool,
    /// The internal key.
    pub internal_key: [u8; 32],
    /// The hashes from the leaf up.
    pub path: Vec<[u8; 32]>,
    /// The tapleaf hash of the script.
    pub leaf_hash: Option<[u8; 32]>,
    /// The root that path and leaf give.
    pub merkle_root: Option<[u8; 32]>,
    /// The output key that it proves, and whether it is odd; none if the internal key is no key.
    pub output_key: Option<([u8; 32], bool)>,
}

/// Reads a control block; with the leaf's script it is followed up to the output key.
///
/// # Errors
///
/// [`ScriptError::TaprootWrongControlSize`] if it has no size of a control block.
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
