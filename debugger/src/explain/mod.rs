//! Explains why a check failed, by finding the smallest change that makes the check pass.
//!
//! Every explanation is computed: a change is reported only if the check passes with it. Only one thing is changed at a
//! time.

mod commitment;
mod ecdsa;
mod operands;
mod schnorr;
mod whole;

pub(crate) use schnorr::tweaked;

use std::collections::BTreeSet;

use sigstack_interpreter::sighash::annex_hash;
use sigstack_interpreter::taproot::annex;
use sigstack_interpreter::{CodePoints, Flags, Instructions, Opcode, Phase, Spend, TxView};

use crate::frame::{
    Commitment, Explanation, Frame, SignatureKind, SignatureReport, Step, StepEvent, UNKNOWN,
};
use crate::hints::Known;

/// Maximum number of alternatives of each kind that are tried to explain one failed check. The kinds are other keys,
/// other inputs, other amounts, and exchanged prevouts.
const MAX_CANDIDATES: usize = 64;

/// The transaction, keys and scripts from which explanations of one input are computed.
struct Facts<'a> {
    view: TxView<'a>,
    code_points: CodePoints,
    known: &'a Known,
    /// Witness elements and script pushes that may be public keys, judged by their length.
    keys: Vec<Vec<u8>>,
    internal_key: Option<[u8; 32]>,
    merkle_root: Option<[u8; 32]>,
    /// The tapscript that the verification executes. `None` if the input is not a tapscript spend.
    tapscript: Option<Vec<u8>>,
    annex_hash: Option<[u8; 32]>,
    /// Values of codesep_pos that a signer may have used: `u32::MAX`, and the opcode position and the byte offset of
    /// `OP_CODESEPARATOR`s, at most eight of each script.
    separators: Vec<u32>,
}

impl<'a> Facts<'a> {
    fn of(
        view: &TxView<'a>,
        internal_key: Option<[u8; 32]>,
        known: &'a Known,
        frames: &[Frame],
    ) -> Facts<'a> {
        let mut facts = Facts {
            view: *view,
            code_points: CodePoints::default(),
            known,
            keys: Vec::new(),
            internal_key,
            merkle_root: None,
            tapscript: None,
            annex_hash: None,
            separators: vec![u32::MAX],
        };
        let mut keys = BTreeSet::new();
        let mut add = |bytes: &[u8]| {
            if matches!(bytes.len(), 32 | 33 | 65) && keys.len() < MAX_CANDIDATES {
                keys.insert(bytes.to_vec());
            }
        };
        if let Some(input) = view.tx.input.get(view.input) {
            input.witness.iter().for_each(&mut add);
            let annex = annex(input.witness.len(), input.witness.last());
            facts.annex_hash = annex.map(annex_hash);
        }
        for frame in frames {
            match frame {
                Frame::Phase { phase, script: Some(script), .. } => {
                    if *phase == Phase::Tapscript {
                        facts.tapscript = Some(script.clone());
                    }
                    Instructions::new(script).flatten().for_each(|instruction| add(instruction.data));
                    facts.separators.extend(separators(script));
                }
                Frame::Commitment(Commitment::Leaf { hash, .. } | Commitment::Branch { hash, .. }) => {
                    facts.merkle_root = Some(*hash);
                }
                Frame::Commitment(Commitment::Tweak { internal_key, .. }) => {
                    facts.internal_key = Some(*internal_key);
                    add(internal_key);
                }
                _ => {}
            }
        }
        // The position and the byte offset of an opcode are often equal.
        facts.separators.sort_unstable();
        facts.separators.dedup();
        facts.keys = keys.into_iter().collect();
        facts
    }

    /// Returns the transaction views of up to [`MAX_CANDIDATES`] inputs other than the verified one.
    fn other_inputs(&self) -> impl Iterator<Item = TxView<'a>> {
        let view = self.view;
        let others =
            (0..view.tx.input.len().min(view.prevouts.len())).filter(move |input| *input != view.input);
        others.take(MAX_CANDIDATES).map(move |input| TxView { input, ..view })
    }
}

/// Returns the opcode position and the byte offset of the first eight `OP_CODESEPARATOR`s of a script. The byte
/// offset is included because signers confuse the two.
fn separators(script: &[u8]) -> Vec<u32> {
    let instructions = Instructions::new(script).flatten().enumerate();
    let found = instructions.filter(|(_, instruction)| instruction.opcode == Opcode::OP_CODESEPARATOR);
    let places = found.take(8).flat_map(|(position, instruction)| [position, instruction.byte_offset]);
    places.filter_map(|place| u32::try_from(place).ok()).collect()
}

/// Adds explanations of every failed check to the frames. If the input is invalid under the flags `failed_under`,
/// also explains the failure of the whole verification. `failed_under` is `None` for a valid input.
pub(crate) fn explain(
    spend: &Spend<'_>,
    view: &TxView<'_>,
    internal_key: Option<[u8; 32]>,
    failed_under: Option<Flags>,
    known: &Known,
    frames: &mut [Frame],
) {
    let mut facts = Facts::of(view, internal_key, known, frames);
    facts.code_points = *spend.code_points();
    facts.explain_checks(frames);
    if let Some(flags) = failed_under {
        whole::attach(facts.explain_order(flags, frames), frames);
    }
}

impl Facts<'_> {
    fn explain_checks(&self, frames: &mut [Frame]) {
        for frame in frames {
            match frame {
                Frame::KeyPath(report) if !report.check.valid => self.explain_signature(report, None),
                Frame::Commitment(Commitment::Tweak { matches: false, explanations, .. }) => {
                    *explanations = self.explain_commitment();
                }
                Frame::Step(step) => self.explain_step(step),
                _ => {}
            }
        }
    }
}

impl Facts<'_> {
    fn explain_step(&self, step: &mut Step) {
        if !step.before.exec {
            return;
        }
        let answered_no = step.after.stack.last().is_some_and(|top| top.is_empty());
        let mut events = core::mem::take(&mut step.events);
        if step.result.is_err() || answered_no {
            for event in &mut events {
                if let StepEvent::Signature(report) = event
                    && !report.check.valid
                {
                    self.explain_signature(report, Some(step));
                }
            }
        }
        let was_checked = events.iter().any(|event| matches!(event, StepEvent::Signature(_)));
        step.events = events;
        if !was_checked {
            step.explanations = self.explain_operands(step);
        }
    }

    fn explain_signature(&self, report: &mut SignatureReport, step: Option<&Step>) {
        let found = match report.kind {
            SignatureKind::EcdsaLegacy | SignatureKind::EcdsaSegwitV0 => self.explain_ecdsa(&report.check),
            SignatureKind::FromStack => self.explain_from_stack(&report.check, step),
            SignatureKind::KeyPath | SignatureKind::Tapscript | SignatureKind::AnyPrevOut => {
                self.explain_schnorr(&report.check)
            }
        };
        report.explanations = match found.is_empty() {
            true => vec![Explanation::new(
                UNKNOWN,
                "no single change was found that makes the signature valid: not another hash type, key, input or encoding \
                 of the message",
            )],
            false => found,
        };
    }
}
