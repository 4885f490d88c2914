//! Searches a script for a text in opcodes and their data.

use sigstack_debugger::{Frame, disassemble_as};

use super::app::App;

/// Returns `true` if an instruction contains the text in its assembly, ignoring case, or in the bytes that it pushes.
fn matches(asm: &str, data: &[u8], wanted: &str) -> bool {
    let bytes = wanted.as_bytes();
    asm.to_lowercase().contains(&wanted.to_lowercase())
        || data.windows(bytes.len().max(1)).any(|part| part == bytes)
}

impl App {
    fn matches_at(&self, stop: usize, wanted: &str) -> bool {
        match self.trace.frames.get(stop) {
            Some(Frame::Step(step)) => matches(&step.text(), &step.data, wanted),
            _ => false,
        }
    }

    /// Moves the cursor to the next or the previous opcode of the trace whose name or data contains the searched
    /// text. The search wraps around at the ends.
    pub(super) fn search(&mut self, is_forward: bool) {
        let Some(wanted) = self.wanted.clone() else {
            self.message = "nothing was searched for yet: press / and write a text".into();
            return;
        };
        let found = |stop: usize| self.stops.get(stop).is_some_and(|frame| self.matches_at(*frame, &wanted));
        let (before, after) = (0..self.at, self.at + 1..self.stops.len());
        let (next, wrapped) = if is_forward {
            let wrapped = || (0..=self.at).find(|stop| found(*stop));
            (after.into_iter().find(|stop| found(*stop)), wrapped())
        } else {
            let wrapped = || (self.at..self.stops.len()).rev().find(|stop| found(*stop));
            (before.rev().find(|stop| found(*stop)), wrapped())
        };
        match (next, wrapped) {
            (Some(stop), _) => self.go(stop),
            (None, Some(stop)) => {
                self.go(stop);
                let end = if is_forward { "beginning" } else { "end" };
                self.message = format!("the search went on from the {end}");
            }
            (None, None) => {
                let elsewhere = self.unreached(&wanted);
                self.message = elsewhere.unwrap_or_else(|| format!("no opcode and no data has {wanted:?}"));
            }
        }
    }

    /// Returns a message with the position of the text, if it occurs in an instruction that was not reached. Returns
    /// `None` if it does not occur.
    fn unreached(&self, wanted: &str) -> Option<String> {
        self.trace.frames.iter().find_map(|frame| {
            let Frame::Phase { phase, script: Some(script), .. } = frame else { return None };
            let words = disassemble_as(script, &self.trace.subject.code_points);
            let position = words.iter().position(|(_, word)| matches(word, &[], wanted))?;
            Some(format!("{wanted:?} is at {phase}:{position}, which was not reached"))
        })
    }
}
