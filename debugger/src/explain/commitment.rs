//! Explains why a taproot output key does not commit to the leaf that the witness reveals.

use sigstack_interpreter::taproot::{ControlBlock, annex, branch_hash, leaf_hash};

use super::Facts;
use super::schnorr::tweaked;
use crate::frame::{Explanation, UNKNOWN};

impl Facts<'_> {
    /// Explains why the tweaked internal key is not the output key.
    pub(super) fn explain_commitment(&self) -> Vec<Explanation> {
        self.commitment().unwrap_or_else(|| {
            let text = "the internal key, the path, the leaf version or the script is not that of the output: no single \
                        change was found that fits";
            vec![Explanation::new(UNKNOWN, text)]
        })
    }

    fn commitment(&self) -> Option<Vec<Explanation>> {
        let witness = &self.view.tx.input.get(self.view.input)?.witness;
        let output = self.view.prevouts.get(self.view.input)?.script_pubkey.as_bytes().get(2..)?;
        let has_annex = annex(witness.len(), witness.last()).is_some();
        let length = witness.len() - usize::from(has_annex);
        let script = witness.nth(length.checked_sub(2)?)?;
        let control = ControlBlock::parse(witness.nth(length - 1)?).ok()?;
        let path: Vec<[u8; 32]> = control.path().copied().collect();
        let root = |leaf: [u8; 32], path: &mut dyn Iterator<Item = &[u8; 32]>| {
            path.fold(leaf, |node, sibling| branch_hash(&node, sibling))
        };
        let fits = |root: [u8; 32], is_odd: bool| {
            tweaked(control.internal_key, Some(root)).is_some_and(|key| key.0 == *output && key.1 == is_odd)
        };
        let odd = control.output_key_is_odd;
        let leaf = leaf_hash(control.leaf_version, script);
        let mut found = Vec::new();
        let mut say = |code, text: String| found.push(Explanation::new(code, text));
        if fits(root(leaf, &mut path.iter()), !odd) {
            let (has, is) = if odd { ("odd", "even") } else { ("even", "odd") };
            say("parity", format!("the control block says that the output key is {has}; it is {is}"));
        }
        for version in (0..=0xfe_u8).step_by(2).filter(|version| *version != control.leaf_version) {
            let leaf = leaf_hash(version, script);
            if [odd, !odd].iter().any(|is_odd| fits(root(leaf, &mut path.iter()), *is_odd)) {
                say(
                    "leaf-version",
                    format!("the output commits to this script with leaf version 0x{version:02x}"),
                );
                break;
            }
        }
        if path.len() > 1 && fits(root(leaf, &mut path.iter().rev()), odd) {
            say(
                "path-order",
                "the hashes of the path are in the wrong order: the leaf's sibling comes first".into(),
            );
        }
        for missing in 0..path.len() {
            let mut rest = path.iter().enumerate().filter(|(nth, _)| *nth != missing).map(|(_, hash)| hash);
            if fits(root(leaf, &mut rest), odd) {
                say("path-length", format!("hash {missing} of the path is one too many"));
                break;
            }
        }
        (!found.is_empty()).then_some(found)
    }
}
