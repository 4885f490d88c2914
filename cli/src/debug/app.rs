//! The state of the debugger. What is seen is a function of it; keys change it.

use bitcoin::Witness;
use sigstack_debugger::{Commitment, Frame, Options, State, Step, Subject, Trace, assemble_stack};
use sigstack_interpreter::{FLAGS, Opcode, Phase, UsageError};

/// The message after a change that was taken.
pub(super) const RAN_AGAIN: &str = "ran again";

/// Where running stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Breakpoint {
    /// At every execution of an opcode.
    Opcode(Opcode),
    /// At a position of every script, or of the script of one phase.
    Position(Option<Phase>, u32),
}

impl Breakpoint {
    /// Reads `OP_CHECKSIG`, `3` or `tapscript:3`.
    pub(super) fn read(text: &str) -> Result<Breakpoint, String> {
        let text = text.trim();
        let wrong = || {
            format!("{text:?} is no place: write an opcode (OP_CHECKSIG), a position (3) or phase:position")
        };
        let (phase, position) = match text.split_once(':') {
            None => (None, text),
            Some((name, position)) => {
                let phase = Phase::ALL.iter().find(|phase| phase.name().eq_ignore_ascii_case(name));
                (Some(*phase.ok_or_else(wrong)?), position)
            }
        };
        match (position.parse(), phase) {
            (Ok(position), phase) => Ok(Breakpoint::Position(phase, position)),
            (Err(_), None) => Opcode::from_name(position).map(Breakpoint::Opcode).ok_or_else(wrong),
            (Err(_), Some(_)) => Err(wrong()),
        }
    }

    pub(super) fn fits(&self, step: &Step) -> bool {
        match self {
            Breakpoint::Opcode(opcode) => *opcode == step.opcode && step.before.exec,
            Breakpoint::Position(phase, position) => {
                phase.is_none_or(|phase| phase == step.phase) && *position == step.position
            }
        }
    }
}

/// What the keys go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Stepping,
    Help,
    /// The list of flags, with the selected row.
    Flags(usize),
    /// The list of witness elements, with the selected one.
    Witness(usize),
    /// A line of text that is typed, and for what.
    Typing(Typing, String),
}

/// What a typed line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Typing {
    RunTo,
    Breakpoint,
    /// The witness element of this index.
    Element(usize),
}

pub(super) struct App {
    pub(super) trace: Trace,
    /// The frames at which the cursor can stand; one past the last frame stands for the verdict.
    pub(super) stops: Vec<usize>,
    /// The index of the stop under the cursor.
    pub(super) at: usize,
    pub(super) breakpoints: Vec<Breakpoint>,
    pub(super) mode: Mode,
    /// How far the details are scrolled.
    pub(super) scroll: u16,
    pub(super) message: String,
    pub(super) is_done: bool,
}

/// Whether the cursor stops at a frame.
fn is_stop(frame: &Frame) -> bool {
    match frame {
        Frame::Phase { script, .. } => script.is_none(),
        Frame::End(end) => end.result.is_err(),
        Frame::Begin(_) => false,
        Frame::Commitment(_)
        | Frame::OpSuccess(_)
        | Frame::Step(_)
        | Frame::KeyPath(_)
        | Frame::Omitted(_) => true,
    }
}

fn stops(trace: &Trace) -> Vec<usize> {
    let frames = trace.frames.iter().enumerate().filter(|(_, frame)| is_stop(frame)).map(|(index, _)| index);
    frames.chain([trace.frames.len()]).collect()
}

impl App {
    pub(super) fn new(subject: Subject, breakpoints: Vec<Breakpoint>) -> Result<App, UsageError> {
        let trace = Trace::record(subject, Options::default())?;
        Ok(App {
            stops: stops(&trace),
            trace,
            at: 0,
            breakpoints,
            mode: Mode::Stepping,
            scroll: 0,
            message: String::new(),
            is_done: false,
        })
    }

    /// The index of the frame under the cursor.
    pub(super) fn frame_index(&self) -> usize {
        self.stops.get(self.at).copied().unwrap_or(self.trace.frames.len())
    }

    /// The frame under the cursor; none at the verdict.
    pub(super) fn frame(&self) -> Option<&Frame> {
        self.trace.frames.get(self.frame_index())
    }

    pub(super) fn step(&self) -> Option<&Step> {
        match self.frame() {
            Some(Frame::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// The phase of the cursor, and its script.
    pub(super) fn phase(&self) -> Option<(Phase, Option<&[u8]>)> {
        let until = self.frame_index().saturating_add(1).min(self.trace.frames.len());
        self.trace.frames.get(..until)?.iter().rev().find_map(|frame| match frame {
            Frame::Phase { phase, script, .. } => Some((*phase, script.as_deref())),
            _ => None,
        })
    }

    /// The state that the frame under the cursor meets; the last one there was, if it is about no script.
    pub(super) fn state(&self) -> Option<&State> {
        let until = self.frame_index().saturating_add(1).min(self.trace.frames.len());
        self.trace.frames.get(..until)?.iter().rev().find_map(|frame| match frame {
            Frame::Step(step) => Some(&step.before),
            Frame::End(end) => Some(&end.state),
            Frame::Begin(state) => Some(state),
            _ => None,
        })
    }

    fn last(&self) -> usize {
        self.stops.len().saturating_sub(1)
    }

    pub(super) fn go(&mut self, at: usize) {
        self.at = at.min(self.last());
        self.scroll = 0;
        self.message.clear();
    }

    pub(super) fn forth(&mut self, count: usize) {
        self.go(self.at.saturating_add(count));
    }

    pub(super) fn back(&mut self, count: usize) {
        self.go(self.at.saturating_sub(count));
    }

    /// Goes to the next step that is wanted, or to the verdict.
    fn run_until(&mut self, wanted: impl Fn(&Step) -> bool) -> bool {
        let is_wanted =
            |stop: &usize| matches!(self.trace.frames.get(*stop), Some(Frame::Step(step)) if wanted(step));
        let found = self.stops.iter().skip(self.at + 1).position(is_wanted);
        let at = found.map_or(self.last(), |distance| self.at + 1 + distance);
        self.go(at);
        found.is_some()
    }

    /// Runs to the next breakpoint.
    pub(super) fn run(&mut self) {
        let breakpoints = self.breakpoints.clone();
        if !self.run_until(|step| breakpoints.iter().any(|breakpoint| breakpoint.fits(step))) {
            self.message = "no breakpoint was met".into();
        }
    }

    pub(super) fn run_back(&mut self) {
        let is_met = |stop: &usize| match self.trace.frames.get(*stop) {
            Some(Frame::Step(step)) => self.breakpoints.iter().any(|breakpoint| breakpoint.fits(step)),
            _ => false,
        };
        let at = self.stops.iter().take(self.at).rposition(is_met).unwrap_or(0);
        self.go(at);
    }

    pub(super) fn run_to(&mut self, text: &str) {
        match Breakpoint::read(text) {
            Ok(place) if self.run_until(|step| place.fits(step)) => {}
            Ok(_) => self.message = format!("{} is not met from here on", text.trim()),
            Err(problem) => self.message = problem,
        }
    }

    pub(super) fn toggle(&mut self, breakpoint: Breakpoint) {
        match self.breakpoints.iter().position(|other| *other == breakpoint) {
            Some(index) => {
                self.breakpoints.remove(index);
                self.message = "breakpoint taken away".into();
            }
            None => {
                self.breakpoints.push(breakpoint);
                self.message = "breakpoint set".into();
            }
        }
    }

    pub(super) fn toggle_here(&mut self) {
        let here = self.step().map(|step| Breakpoint::Position(Some(step.phase), step.position));
        match here {
            Some(here) => self.toggle(here),
            None => self.message = "there is no opcode here".into(),
        }
    }

    /// Goes to where verification failed.
    pub(super) fn jump_to_failure(&mut self) {
        let Some(failure) = self.trace.failure() else {
            self.message = "the spend is valid: nothing failed".into();
            return;
        };
        let at = self.stops.iter().position(|stop| *stop >= failure).unwrap_or(self.last());
        self.go(at);
    }

    /// Verifies again, with the subject changed. If that makes no sense nothing changes.
    fn rerun(&mut self, change: impl FnOnce(&mut Subject)) {
        let mut subject = self.trace.subject.clone();
        change(&mut subject);
        match Trace::record(subject, Options::default()) {
            Ok(trace) => {
                self.stops = stops(&trace);
                self.trace = trace;
                self.go(self.at);
                self.message = RAN_AGAIN.into();
            }
            Err(error) => self.message = error.to_string(),
        }
    }

    pub(super) fn toggle_flag(&mut self, row: usize) {
        let Some(info) = FLAGS.get(row) else { return };
        self.rerun(|subject| {
            subject.flags = match subject.flags.contains(info.flag) {
                true => subject.flags - info.flag,
                false => subject.flags | info.flag,
            };
        });
    }

    /// The witness of the input that is verified.
    pub(super) fn witness(&self) -> Vec<Vec<u8>> {
        let subject = &self.trace.subject;
        subject.tx.input.get(subject.input).map(|input| input.witness.to_vec()).unwrap_or_default()
    }

    /// Puts an element, written in assembly, into the witness.
    pub(super) fn set_element(&mut self, index: usize, text: &str) {
        let element = match assemble_stack(text).map(<[Vec<u8>; 1]>::try_from) {
            Ok(Ok([element])) => element,
            Ok(Err(elements)) => {
                self.message = format!("{} elements; write one: a number, <hex> or 'text'", elements.len());
                return;
            }
            Err(error) => {
                self.message = error.to_string();
                return;
            }
        };
        let mut witness = self.witness();
        if let Some(old) = witness.get_mut(index) {
            *old = element;
        }
        self.rerun(|subject| {
            if let Some(input) = subject.tx.input.get_mut(subject.input) {
                input.witness = Witness::from_slice(&witness);
            }
        });
    }

    /// Whether the frame under the cursor is what failed.
    pub(super) fn is_failure(&self) -> bool {
        match self.frame() {
            Some(Frame::Step(step)) => step.result.is_err(),
            Some(Frame::Commitment(Commitment::Tweak { matches, .. })) => !matches,
            Some(Frame::KeyPath(report)) => !report.check.valid,
            Some(Frame::End(_)) => true,
            Some(_) => false,
            None => self.trace.verdict.is_err(),
        }
    }
}
