//! The inspector that records a verification as frames.

use std::collections::VecDeque;
use std::sync::Arc;

use sigstack_interpreter::{
    CommitmentStep, Context, Event, Inspector, Instruction, KeyVersion, Machine, Opcode, Phase, ScriptError,
    ScriptPosition, SignatureCheck, SignedMessage, Stop, TxView,
};

use crate::fields::{self, Field};
use crate::frame::{
    Commitment, Element, Elements, End, Frame, HashReport, Options, SigVersion, SignatureKind,
    SignatureReport, State, Step, StepEvent, Stopped,
};
use crate::hints::Known;

/// Number of frames kept from the end of a verification that is too long to be recorded completely.
const TAIL: usize = 512;

/// Inspector that records a verification as the frames of a trace.
pub(crate) struct Recorder<'a> {
    view: TxView<'a>,
    phase: Phase,
    frames: Vec<Frame>,
    /// The latest frames, at most [`TAIL`]. Frames are added here once `room`, the remaining size in bytes, is used
    /// up.
    tail: VecDeque<Frame>,
    omitted: usize,
    room: usize,
    stack: Elements,
    altstack: Elements,
    /// Opcode position of the last executed `OP_CODESEPARATOR` in the current script.
    code_separator_position: u32,
    /// State before the opcode that is being executed.
    before: Option<State>,
    events: Vec<StepEvent>,
    /// Position of the last opcode that was started in the current script, even if this opcode failed. `None` before
    /// the first opcode.
    stepped: Option<u32>,
    known: Known,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(view: TxView<'a>, options: Options) -> Recorder<'a> {
        Recorder {
            view,
            phase: Phase::ScriptSig,
            frames: Vec::new(),
            tail: VecDeque::new(),
            omitted: 0,
            room: options.max_bytes,
            stack: Arc::new([]),
            altstack: Arc::new([]),
            code_separator_position: u32::MAX,
            before: None,
            events: Vec::new(),
            stepped: None,
            known: Known::default(),
        }
    }

    /// Returns the recorded frames, and the known names and hashes of values.
    pub(crate) fn into_parts(mut self) -> (Vec<Frame>, Known) {
        if self.omitted > 0 {
            self.frames.push(Frame::Omitted(self.omitted));
        }
        self.frames.extend(self.tail);
        self.known.learn_of(&self.view, &self.frames);
        (self.frames, self.known)
    }

    fn push(&mut self, frame: Frame, bytes: usize) {
        self.room = self.room.saturating_sub(bytes.saturating_add(size_of::<Frame>()));
        if self.room > 0 {
            self.frames.push(frame);
            return;
        }
        self.tail.push_back(frame);
        if self.tail.len() > TAIL {
            match self.tail.pop_front() {
                Some(Frame::Step(_)) => self.omitted += 1,
                Some(other) => self.frames.push(other),
                None => {}
            }
        }
    }

    fn state(&mut self, machine: &Machine<'_>) -> State {
        self.stack = snapshot(&self.stack, machine.stack().iter());
        self.altstack = snapshot(&self.altstack, machine.stack().alt_iter());
        let (sig_version, tapscript) = match machine.context() {
            Context::Legacy => (SigVersion::Base, None),
            Context::WitnessV0 => (SigVersion::WitnessV0, None),
            Context::Tapscript(tapscript) => (SigVersion::Tapscript, Some(tapscript)),
        };
        State {
            stack: self.stack.clone(),
            altstack: self.altstack.clone(),
            exec: machine.is_executing(),
            branches: machine.conditions().depth(),
            op_count: machine.op_count(),
            budget: tapscript.map(|tapscript| tapscript.validation_weight_left),
            code_separator_position: self.code_separator_position,
            code_start: machine.code_start(),
            sig_version,
            leaf_hash: tapscript.map(|tapscript| tapscript.leaf_hash),
        }
    }

    fn report(&self, check: &SignatureCheck) -> SignatureReport {
        let (kind, hash_type) = match &check.signed {
            SignedMessage::Legacy { hash_type, .. } => (SignatureKind::EcdsaLegacy, Some(*hash_type)),
            SignedMessage::SegwitV0 { hash_type, .. } => (SignatureKind::EcdsaSegwitV0, Some(*hash_type)),
            SignedMessage::Stack => (SignatureKind::FromStack, None),
            SignedMessage::Taproot { message, hash_type } => {
                let kind = match message.tapscript.map(|tapscript| tapscript.key_version) {
                    None => SignatureKind::KeyPath,
                    Some(KeyVersion::Bip342) => SignatureKind::Tapscript,
                    Some(KeyVersion::Bip118) => SignatureKind::AnyPrevOut,
                };
                (kind, Some(*hash_type))
            }
        };
        SignatureReport {
            check: check.clone(),
            kind,
            hash_type,
            fields: fields::of_signature(&self.view, check),
            explanations: Vec::new(),
        }
    }

    /// Converts an event to the form that a trace shows, or returns `None` for events that a trace does not show.
    fn step_event(&self, event: &Event) -> Option<StepEvent> {
        Some(match event {
            Event::Signature(check) => StepEvent::Signature(Box::new(self.report(check))),
            Event::Hash(hash) => {
                let mut fields = fields::plain(hash.fields.clone());
                fields.extend(hash.left_out.iter().map(|(name, why)| Field::left_out(name, why)));
                let opcode = hash.proposal.hook.opcode()?;
                StepEvent::Hash(HashReport { opcode, name: hash.name, fields, digest: hash.digest })
            }
            _ => return None,
        })
    }
}

/// Returns a copy of a stack. An element that equals the element at the same index of `earlier` is not copied but
/// shared.
fn snapshot<'m>(earlier: &Elements, elements: impl ExactSizeIterator<Item = &'m [u8]>) -> Elements {
    let mut same = earlier.len() == elements.len();
    let now: Vec<Element> = elements
        .enumerate()
        .map(|(nth, bytes)| match earlier.get(nth) {
            Some(element) if **element == *bytes => element.clone(),
            _ => {
                same = false;
                Element::from(bytes)
            }
        })
        .collect();
    if same { earlier.clone() } else { now.into() }
}

/// Returns the approximate memory in bytes that is needed to record a stack `after` a step, in addition to the stack
/// `before`.
fn cost(before: &Elements, after: &Elements) -> usize {
    if Arc::ptr_eq(before, after) {
        return 0;
    }
    let news = after.iter().zip(before.iter().map(Some).chain(core::iter::repeat(None)));
    let bytes = |(new, old): (&Element, Option<&Element>)| match old {
        Some(old) if Arc::ptr_eq(new, old) => 0,
        _ => new.len(),
    };
    news.map(bytes).sum::<usize>() + after.len() * size_of::<Element>()
}

impl Inspector for Recorder<'_> {
    fn phase(&mut self, phase: Phase, script: Option<&[u8]>) {
        self.phase = phase;
        let notes = crate::hints::phase_notes(&self.view, phase);
        self.push(
            Frame::Phase { phase, script: script.map(<[u8]>::to_vec), notes, explanations: Vec::new() },
            script.map_or(0, <[u8]>::len),
        );
    }

    fn commitment(&mut self, step: &CommitmentStep<'_>) {
        let commitment = match *step {
            CommitmentStep::Leaf { version, hash, .. } => Commitment::Leaf { version, hash },
            CommitmentStep::Branch { sibling, hash } => Commitment::Branch { sibling: *sibling, hash },
            CommitmentStep::Tweak { internal_key, tweak, matches } => {
                Commitment::Tweak { internal_key: *internal_key, tweak, matches, explanations: Vec::new() }
            }
        };
        self.push(Frame::Commitment(commitment), 0);
    }

    fn op_success(&mut self, position: &ScriptPosition) {
        self.push(Frame::OpSuccess(*position), 0);
    }

    fn script(&mut self, machine: &Machine<'_>) {
        self.code_separator_position = u32::MAX;
        self.stepped = None;
        let state = self.state(machine);
        self.push(Frame::Begin(state), 0);
    }

    fn script_end(&mut self, machine: &Machine<'_>, result: &Result<(), Stop>) {
        let state = self.state(machine);
        let stopped = match result {
            Ok(()) => Stopped::Completed,
            Err(Stop { position: None, .. }) => Stopped::AfterLastOpcode,
            Err(Stop { position: Some(at), .. }) if self.stepped == Some(at.opcode_position) => {
                Stopped::Opcode
            }
            Err(_) => Stopped::Decode,
        };
        let result = (*result).map_err(|stop| stop.error);
        let position = machine.position();
        self.push(Frame::End(Box::new(End { phase: self.phase, state, position, stopped, result })), 0);
    }

    fn step(&mut self, machine: &Machine<'_>, _: &Instruction<'_>) {
        self.stepped = Some(machine.position());
        self.before = Some(self.state(machine));
    }

    fn step_end(
        &mut self,
        machine: &Machine<'_>,
        instruction: &Instruction<'_>,
        result: Result<(), ScriptError>,
    ) {
        let Some(before) = self.before.take() else { return };
        if instruction.opcode == Opcode::OP_CODESEPARATOR && before.exec && result.is_ok() {
            self.code_separator_position = machine.position();
        }
        let after = self.state(machine);
        let bytes = cost(&before.stack, &after.stack) + cost(&before.altstack, &after.altstack);
        let step = Step {
            phase: self.phase,
            position: machine.position(),
            byte_offset: instruction.byte_offset,
            opcode: instruction.opcode,
            meaning: machine.code_points().meaning(instruction.opcode),
            data: instruction.data.to_vec(),
            before,
            after,
            result,
            events: core::mem::take(&mut self.events),
            explanations: Vec::new(),
        };
        self.push(Frame::Step(Box::new(step)), bytes + size_of::<Step>() + instruction.data.len());
    }

    fn event(&mut self, event: &Event) {
        let Some(event) = self.step_event(event) else { return };
        match (self.before.is_some(), event) {
            (true, event) => self.events.push(event),
            (false, StepEvent::Signature(report)) => self.push(Frame::KeyPath(report), 0),
            // The only reported event outside of opcodes is the signature check of the key path.
            (false, _) => {}
        }
    }
}
