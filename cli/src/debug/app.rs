//! The state of the interactive debugger. The screen is computed from this state, and keys change it.

use std::cell::Cell;

use bitcoin::Witness;
use sigstack_debugger::{Commitment, Frame, Options, State, Step, Subject, Trace, assemble_stack};
use sigstack_interpreter::{FLAGS, Instructions, Phase, UsageError};

use super::breakpoint::Breakpoint;
use super::mode::Mode;

/// The byte offsets of a script's instructions, and the trace entry at which the script's phase begins.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    /// Index of the trace entry (frame) at which the script's phase begins.
    frame: usize,
    /// Byte offset of each instruction of the script, and of trailing bytes that are not an instruction.
    pub(super) offsets: Vec<usize>,
}

pub(super) struct App {
    pub(super) trace: Trace,
    /// Indices of the trace entries (frames) at which the cursor can stop. The last index is one past the last entry
    /// and stands for the verdict.
    pub(super) stops: Vec<usize>,
    /// Index in `stops` of the position of the cursor.
    pub(super) at: usize,
    pub(super) breakpoints: Vec<Breakpoint>,
    pub(super) mode: Mode,
    /// Number of lines by which the text on the screen is scrolled.
    pub(super) scroll: usize,
    /// Maximum scroll position of the text that was drawn last, and the number of its lines that fit the screen.
    pub(super) drawn: Cell<(usize, usize)>,
    /// The text that was searched for last. `None` before the first search.
    pub(super) wanted: Option<String>,
    pub(super) message: String,
    /// `true` if `message` says why the user's input was rejected.
    pub(super) is_error: bool,
    pub(super) is_done: bool,
    listings: Vec<Listing>,
}

/// Returns `true` if the cursor stops at this trace entry.
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

fn listings(trace: &Trace) -> Vec<Listing> {
    let listing = |(frame, it): (usize, &Frame)| {
        let Frame::Phase { script: Some(script), .. } = it else { return None };
        let mut offsets = Vec::new();
        let mut instructions = Instructions::new(script);
        loop {
            let offset = instructions.offset();
            match instructions.next() {
                None => break,
                Some(Ok(_)) => offsets.push(offset),
                Some(Err(_)) => {
                    offsets.push(offset);
                    break;
                }
            }
        }
        Some(Listing { frame, offsets })
    };
    trace.frames.iter().enumerate().filter_map(listing).collect()
}

impl App {
    pub(super) fn new(subject: Subject, breakpoints: Vec<Breakpoint>) -> Result<App, UsageError> {
        let trace = Trace::record(subject, Options::default())?;
        Ok(App {
            stops: stops(&trace),
            listings: listings(&trace),
            trace,
            at: 0,
            breakpoints,
            mode: Mode::Stepping,
            scroll: 0,
            drawn: Cell::new((0, 1)),
            wanted: None,
            message: String::new(),
            is_error: false,
            is_done: false,
        })
    }

    /// Returns the index of the trace entry (frame) under the cursor, or the number of entries at the verdict.
    pub(super) fn frame_index(&self) -> usize {
        self.stops.get(self.at).copied().unwrap_or(self.trace.frames.len())
    }

    /// Returns the trace entry under the cursor, or `None` at the verdict.
    pub(super) fn frame(&self) -> Option<&Frame> {
        self.trace.frames.get(self.frame_index())
    }

    pub(super) fn step(&self) -> Option<&Step> {
        match self.frame() {
            Some(Frame::Step(step)) => Some(step),
            _ => None,
        }
    }

    /// Returns the verification phase in which the cursor is, the script of the phase, and the byte offsets of the
    /// script's instructions. Returns `None` before the first phase.
    pub(super) fn phase(&self) -> Option<(Phase, &[u8], &[usize])> {
        let until = self.frame_index().saturating_add(1).min(self.trace.frames.len());
        let frames = self.trace.frames.get(..until)?;
        let index = frames.iter().rposition(|frame| matches!(frame, Frame::Phase { .. }))?;
        let Some(Frame::Phase { phase, script, .. }) = frames.get(index) else { return None };
        let listing = self.listings.iter().find(|listing| listing.frame == index);
        let offsets = listing.map(|listing| listing.offsets.as_slice()).unwrap_or_default();
        Some((*phase, script.as_deref().unwrap_or_default(), offsets))
    }

    /// Returns the index of the instruction under the cursor in its script. Returns `None` if the cursor is not at an
    /// instruction.
    pub(super) fn position(&self) -> Option<usize> {
        let (_, _, offsets) = self.phase()?;
        match self.frame()? {
            Frame::Step(step) => offsets.binary_search(&step.byte_offset).ok(),
            Frame::OpSuccess(at) => offsets.binary_search(&at.byte_offset).ok(),
            Frame::End(end) => usize::try_from(end.position).ok().filter(|at| *at < offsets.len()),
            _ => None,
        }
    }

    /// Returns the number of instructions that were reached in the script under the cursor, if this script failed.
    /// Returns `usize::MAX` for a script that did not fail.
    pub(super) fn reached(&self) -> usize {
        let from = self.frame_index();
        let later = self.trace.frames.iter().skip(from);
        let end =
            later.take_while(|frame| !matches!(frame, Frame::Phase { .. })).find_map(|frame| match frame {
                Frame::End(end) => Some(end),
                _ => None,
            });
        match end {
            Some(end) if end.result.is_err() => {
                usize::try_from(end.position).map_or(usize::MAX, |at| at.saturating_add(1))
            }
            _ => usize::MAX,
        }
    }

    /// Returns the stacks and other state before the trace entry under the cursor. If the entry has no state, returns
    /// the state of the nearest earlier entry.
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

    /// Changes what the debugger shows, and scrolls to the first line.
    pub(super) fn enter(&mut self, mode: Mode) {
        self.mode = mode;
        self.scroll = 0;
        self.message.clear();
        self.is_error = false;
    }

    /// Scrolls the text on the screen by a number of lines, at most to its ends.
    pub(super) fn scroll_by(&mut self, lines: isize) {
        let (most, _) = self.drawn.get();
        self.scroll = self.scroll.min(most).saturating_add_signed(lines).min(most);
    }

    /// Scrolls the text on the screen by whole pages.
    pub(super) fn scroll_pages(&mut self, pages: isize) {
        let (_, page) = self.drawn.get();
        let lines = isize::try_from(page.saturating_sub(1).max(1)).unwrap_or(isize::MAX);
        self.scroll_by(lines.saturating_mul(pages));
    }

    /// Shows an error message that says why the user's input was rejected.
    pub(super) fn refuse(&mut self, problem: String) {
        self.message = problem;
        self.is_error = true;
    }

    pub(super) fn forward(&mut self, count: usize) {
        self.go(self.at.saturating_add(count));
    }

    pub(super) fn back(&mut self, count: usize) {
        self.go(self.at.saturating_sub(count));
    }

    /// Moves the cursor to the next opcode for which `wanted` returns `true`, or to the verdict if there is none.
    /// Returns whether an opcode was found.
    fn run_until(&mut self, wanted: impl Fn(&Step) -> bool) -> bool {
        let is_wanted =
            |stop: &usize| matches!(self.trace.frames.get(*stop), Some(Frame::Step(step)) if wanted(step));
        let found = self.stops.iter().skip(self.at + 1).position(is_wanted);
        let at = found.map_or(self.last(), |distance| self.at + 1 + distance);
        self.go(at);
        found.is_some()
    }

    /// Moves the cursor forward to the next breakpoint, or to the verdict if there is none.
    pub(super) fn run(&mut self) {
        let breakpoints = self.breakpoints.clone();
        if !self.run_until(|step| breakpoints.iter().any(|breakpoint| breakpoint.fits(step))) {
            self.message = "no breakpoint was reached".into();
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

    pub(super) fn run_to(&mut self, place: &Breakpoint, text: &str) {
        if !self.run_until(|step| place.fits(step)) {
            self.message = format!("{} is not reached from here on", text.trim());
        }
    }

    pub(super) fn toggle(&mut self, breakpoint: Breakpoint) {
        match self.breakpoints.iter().position(|other| *other == breakpoint) {
            Some(index) => {
                self.breakpoints.remove(index);
                self.message = "breakpoint removed".into();
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

    /// Moves the cursor to the trace entry where the verification failed.
    pub(super) fn jump_to_failure(&mut self) {
        let Some(failure) = self.trace.failure() else {
            self.message = "the spend is valid: nothing failed".into();
            return;
        };
        let at = self.stops.iter().position(|stop| *stop >= failure).unwrap_or(self.last());
        self.go(at);
    }

    /// Returns a short verdict: `OK`, `OK, but…` if some rules were not checked, or the name of the error. The
    /// verdict at the end of the trace is shown in full.
    pub(super) fn verdict_name(&self) -> &'static str {
        if let Some(rule) = self.trace.rule {
            return rule.name();
        }
        match &self.trace.verdict {
            Ok(()) if self.trace.gaps.iter().any(|gap| gap.unchecked.no_rule_ran()) => "OK, but no rule ran",
            Ok(()) if !self.trace.gaps.is_empty() => "OK, but…",
            Ok(()) => "OK",
            Err(error) => error.script_error().map_or("none", sigstack_interpreter::ScriptError::name),
        }
    }

    /// Verifies the input again after `change`, which changes the flags or the witness. If the change is rejected,
    /// the trace stays the same and the message says why.
    fn rerun(&mut self, change: impl FnOnce(&mut Subject)) {
        let mut subject = self.trace.subject.clone();
        change(&mut subject);
        match Trace::record(subject, Options::default()) {
            Ok(trace) => {
                self.stops = stops(&trace);
                self.listings = listings(&trace);
                self.trace = trace;
                self.go(self.at);
                self.is_error = false;
                self.message = format!("ran again: {}", self.verdict_name());
            }
            Err(error) => self.refuse(error.to_string()),
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

    /// Returns the witness of the input that is debugged.
    pub(super) fn witness(&self) -> Vec<Vec<u8>> {
        let subject = &self.trace.subject;
        subject.tx.input.get(subject.input).map(|input| input.witness.to_vec()).unwrap_or_default()
    }

    /// Replaces the witness element with this index by the element that `text` describes in assembly, and verifies
    /// the input again.
    ///
    /// # Errors
    ///
    /// A description of what is wrong with `text`, and the byte offset of the problem.
    pub(super) fn set_element(&mut self, index: usize, text: &str) -> Result<(), (String, usize)> {
        let words = text.strip_prefix("asm:").unwrap_or(text);
        let element = match assemble_stack(words).map(<[Vec<u8>; 1]>::try_from) {
            Ok(Ok([element])) if hex::decode(text).is_ok_and(|bytes| bytes != element) => {
                return Err((format!("could be hex or a number; write <{text}> or asm:{text}"), 0));
            }
            Ok(Ok([element])) => element,
            Ok(Err(elements)) => {
                return Err((
                    format!("{} elements; write one: a number, <hex> or 'text'", elements.len()),
                    0,
                ));
            }
            Err(error) => return Err((error.to_string(), error.offset + (text.len() - words.len()))),
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
        Ok(())
    }

    /// Returns `true` if the verification failed at the trace entry under the cursor. At the verdict, returns `true`
    /// if the verdict is invalid.
    pub(super) fn is_failure(&self) -> bool {
        match self.frame() {
            Some(Frame::Step(step)) => step.result.is_err(),
            Some(Frame::Commitment(Commitment::Tweak { matches, .. })) => !matches,
            Some(Frame::KeyPath(report)) => !report.check.valid,
            Some(Frame::End(_)) => true,
            Some(_) => false,
            None => !self.trace.is_valid(),
        }
    }
}
