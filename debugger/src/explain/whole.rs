//! Explains failures of a whole verification: prevouts or witness elements in the wrong order, and P2WPKH witnesses
//! with a wrong number of elements.

use bitcoin::{TxOut, Witness};
use sigstack_interpreter::taproot::{ControlBlock, annex, branch_hash, leaf_hash};
use sigstack_interpreter::{Flags, Phase, Spend};

use super::schnorr::tweaked;
use super::{Facts, MAX_CANDIDATES};
use crate::frame::{Commitment, Frame};
use crate::frame::{Explanation, UNKNOWN};
use crate::hints::counted;

impl Facts<'_> {
    /// Looks for three mistakes that explain a failed verification: script and control block are swapped, two prevouts
    /// are swapped, or a P2WPKH witness does not have two elements.
    pub(super) fn explain_order(&self, flags: Flags, frames: &[Frame]) -> Vec<Explanation> {
        let fails_at_commitment = frames.iter().rev().find_map(|frame| match frame {
            Frame::Phase { phase, .. } => Some(*phase == Phase::TaprootCommitment),
            _ => None,
        });
        let swapped = fails_at_commitment.unwrap_or(false) && self.is_script_after_control_block();
        let control = swapped.then(|| {
            let text = "script and control block are swapped: the control block comes last; exchanged, the output commits to \
                        the script";
            Explanation::new("control-block-swapped", text)
        });
        let prevouts = self.swapped_prevouts(flags).map(|(one, other)| {
            let text = format!(
                "the prevouts are in the wrong order: with those of inputs {one} and {other} exchanged, the input is valid"
            );
            Explanation::new("prevouts-swapped", text)
        });
        control.into_iter().chain(prevouts).chain(self.elements_of_p2wpkh()).collect()
    }

    /// Explains a P2WPKH witness with a wrong number of elements, which fails whatever the elements are.
    fn elements_of_p2wpkh(&self) -> Option<Explanation> {
        let input = self.view.tx.input.get(self.view.input)?;
        let output = self.view.prevouts.get(self.view.input)?;
        let count = input.witness.len();
        (output.script_pubkey.is_p2wpkh() && count != 2).then(|| {
            let has = counted(count, "element");
            let text = format!("P2WPKH needs 2 elements, a signature and a key; the witness has {has}");
            Explanation::new("p2wpkh-elements", text)
        })
    }

    /// Returns `true` if script and control block are in the wrong order in the witness: the last element is the
    /// script, and the one before it is a control block which proves that the output commits to the script.
    fn is_script_after_control_block(&self) -> bool {
        self.committed_script().unwrap_or(false)
    }

    fn committed_script(&self) -> Option<bool> {
        let witness: &Witness = &self.view.tx.input.get(self.view.input)?.witness;
        let output = self.view.prevouts.get(self.view.input)?.script_pubkey.as_bytes().get(2..)?;
        let has_annex = annex(witness.len(), witness.last()).is_some();
        let length = witness.len() - usize::from(has_annex);
        let script = witness.nth(length.checked_sub(1)?)?;
        let control = ControlBlock::parse(witness.nth(length.checked_sub(2)?)?).ok()?;
        let leaf = leaf_hash(control.leaf_version, script);
        let root = control.path().fold(leaf, |node, sibling| branch_hash(&node, sibling));
        let (key, is_odd) = tweaked(control.internal_key, Some(root))?;
        Some(key == *output && is_odd == control.output_key_is_odd)
    }

    /// Returns the indices of two inputs whose prevouts, if exchanged, make the verified input valid. Pairs that
    /// include the verified input are tried first.
    fn swapped_prevouts(&self, flags: Flags) -> Option<(usize, usize)> {
        let (own, count) = (self.view.input, self.view.prevouts.len());
        let with_own = (0..count).filter(|other| *other != own).map(|other| (own.min(other), own.max(other)));
        let others = (0..count).flat_map(|one| (one + 1..count).map(move |other| (one, other)));
        let others = others.filter(|(one, other)| *one != own && *other != own);
        with_own.chain(others).take(MAX_CANDIDATES).find(|(one, other)| {
            let mut prevouts: Vec<TxOut> = self.view.prevouts.to_vec();
            let differ = prevouts.get(*one) != prevouts.get(*other);
            prevouts.swap(*one, *other);
            let spend = Spend::new(self.view.tx, &prevouts);
            let verifies =
                |spend: Spend<'_>| spend.with_code_points(self.code_points).verify_input(own, flags).is_ok();
            differ && spend.is_ok_and(verifies)
        })
    }
}

/// Adds explanations to the frame at which a verification failed: an opcode, a phase, a key path signature or a
/// taproot commitment.
pub(super) fn attach(explanations: Vec<Explanation>, frames: &mut [Frame]) {
    if explanations.is_empty() {
        return;
    }
    let failed = frames.iter_mut().rev().find(|frame| match frame {
        Frame::Phase { .. } => true,
        Frame::Step(step) => step.result.is_err(),
        Frame::KeyPath(report) => !report.check.valid,
        Frame::Commitment(Commitment::Tweak { matches, .. }) => !matches,
        _ => false,
    });
    let add = |known: &mut Vec<Explanation>, new: Vec<Explanation>| {
        known.retain(|explanation| explanation.code != UNKNOWN);
        known.extend(new);
    };
    match failed {
        Some(Frame::Phase { explanations: known, .. }) => add(known, explanations),
        Some(Frame::Step(step)) => {
            for event in &mut step.events {
                if let crate::frame::StepEvent::Signature(report) = event {
                    report.explanations.retain(|explanation| explanation.code != UNKNOWN);
                }
            }
            add(&mut step.explanations, explanations);
        }
        Some(Frame::KeyPath(report)) => add(&mut report.explanations, explanations),
        Some(Frame::Commitment(Commitment::Tweak { explanations: known, .. })) => add(known, explanations),
        _ => {}
    }
}
