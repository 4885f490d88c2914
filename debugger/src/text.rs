//! Writes a trace as text for people, one line per opcode.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use sigstack_interpreter::{Gap, VerifyError};

use crate::fields::{Field, FieldNote, hash_type_name};
use crate::frame::Explanation;
use crate::frame::{
    Commitment, Element, End, Frame, HashReport, SignatureKind, SignatureReport, Step, StepEvent, Stopped,
};
use crate::hints::counted;
use crate::hints::{Known, short};
use crate::trace::Trace;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HEADING: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const HINT: Style = AnsiColor::Yellow.on_default();

/// Options for writing a trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    /// `true` writes every element in full and all elements of a stack. `false` shortens long elements, and writes
    /// only the topmost five of a stack.
    pub full: bool,
    /// Number of frames written before and after the failed frame, besides the headings of earlier phases. For a valid
    /// input, number of frames written from the beginning, besides the ends of later scripts. `None` writes all frames.
    pub around: Option<usize>,
}

/// Number of stack elements that are written unless [`TextOptions::full`] is set, counted from the top.
const TOPMOST: usize = 5;

/// Writes a trace. Styles are ANSI escape sequences; a writer that strips them produces plain text.
///
/// # Errors
///
/// Errors of the writer.
pub fn write(trace: &Trace, options: TextOptions, out: &mut impl Write) -> io::Result<()> {
    let subject = &trace.subject;
    writeln!(out, "{HEADING}input {} of {}{HEADING:#}", subject.input, subject.tx.compute_txid())?;
    writeln!(out, "flags {}", subject.flags)?;
    let mut view = View { known: &trace.known, options, out };
    let shown = shown(trace, options.around);
    let mut gap = false;
    for (index, frame) in trace.frames.iter().enumerate() {
        if shown(index, frame) {
            view.frame(frame)?;
            gap = false;
        } else if !gap {
            writeln!(view.out, "     {FAINT}...{FAINT:#}")?;
            gap = true;
        }
    }
    verdict(trace, out)
}

/// Returns a function that decides which frames are written. `around` is [`TextOptions::around`].
fn shown(trace: &Trace, around: Option<usize>) -> impl Fn(usize, &Frame) -> bool {
    let failure = trace.failure();
    move |index, frame| match (around, failure) {
        (Some(around), Some(failure)) => {
            index.abs_diff(failure) <= around || matches!(frame, Frame::Phase { .. } if index < failure)
        }
        (Some(around), None) => trace_end(frame) || index < around,
        (None, _) => true,
    }
}

fn trace_end(frame: &Frame) -> bool {
    matches!(frame, Frame::End(_))
}

/// Writes the verdict at the end of the output, with the position of the failure or the rules that were not checked.
fn verdict(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    if let Some(rule) = trace.rule {
        let name = rule.name();
        return writeln!(
            out,
            "{HEADING}verdict{HEADING:#}  {BAD}{name}{BAD:#}: {rule}; every input is valid alone"
        );
    }
    match &trace.verdict {
        Ok(()) => {
            write!(out, "{HEADING}verdict{HEADING:#}  {GOOD}OK{GOOD:#}")?;
            match trace.gaps.as_slice() {
                [] => writeln!(out),
                [gap] => writeln!(out, ", but {}", unchecked(gap)),
                gaps => {
                    writeln!(out, ", but:")?;
                    gaps.iter().try_for_each(|gap| writeln!(out, "         {}", unchecked(gap)))
                }
            }
        }
        Err(VerifyError::Script { error, location }) => {
            writeln!(
                out,
                "{HEADING}verdict{HEADING:#}  {BAD}{}{BAD:#}: {}; in {location}",
                error.name(),
                error.summary()
            )
        }
        Err(VerifyError::Usage(error)) => writeln!(out, "{HEADING}verdict{HEADING:#}  none: {error}"),
    }
}

/// Describes a rule that did not run, and the command line option that enables the rule. The text continues a sentence
/// that begins with "OK, but".
pub fn unchecked(gap: &Gap) -> String {
    let flags = gap.unchecked.missing_flags().map(|flags| {
        let names: Vec<String> = flags.iter().map(|info| format!("+{}", info.name)).collect();
        format!("; --flags {}", names.join(","))
    });
    format!("{}{}", gap.unchecked, flags.unwrap_or_default())
}

/// Returns the lines that describe one frame, for interfaces that show one frame at a time.
pub fn details(trace: &Trace, frame: &Frame, options: TextOptions) -> String {
    let mut out = Vec::new();
    let mut view = View { known: &trace.known, options, out: &mut out };
    // Writing to memory cannot fail.
    let _ = match frame {
        Frame::Step(step) => view.step_details(step),
        frame => view.frame(frame),
    };
    String::from_utf8_lossy(&out).into_owned()
}

struct View<'v, W> {
    known: &'v Known,
    options: TextOptions,
    out: &'v mut W,
}

impl<W: Write> View<'_, W> {
    fn element(&self, element: &[u8]) -> String {
        match self.options.full {
            true if element.is_empty() => "\"\"".into(),
            true => hex::encode(element),
            false => short(element),
        }
    }

    /// Formats the elements of a stack with the top first, in the same order as in the terminal and in the page.
    fn stack(&self, elements: &[Element]) -> String {
        let most = if self.options.full { usize::MAX } else { TOPMOST };
        let hidden = elements.len().saturating_sub(most);
        let shown = elements.iter().rev().take(most);
        let mut words: Vec<String> = shown.map(|element| self.element(element)).collect();
        if hidden > 0 {
            words.push(format!("+{hidden}"));
        }
        if words.is_empty() { "-".into() } else { words.join(" ") }
    }

    fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        match frame {
            Frame::Phase { phase, script, notes, explanations } => {
                let script = match script {
                    None => String::new(),
                    Some(script) if script.is_empty() => ": empty".into(),
                    Some(script) => format!(": {}", counted(script.len(), "byte")),
                };
                writeln!(self.out, "{HEADING}{phase}{HEADING:#}{script}")?;
                notes.iter().try_for_each(|note| writeln!(self.out, "     {FAINT}{note}{FAINT:#}"))?;
                self.explanations(explanations)
            }
            Frame::Commitment(commitment) => self.commitment(commitment),
            Frame::OpSuccess(at) => writeln!(
                self.out,
                "{:>5} {:>5}  {} makes the script succeed before anything runs (BIP 342)",
                at.opcode_position,
                at.byte_offset,
                at.name()
            ),
            Frame::Begin(state) => {
                writeln!(
                    self.out,
                    "{FAINT}   op  byte  opcode                     budget  stack, top first{FAINT:#}"
                )?;
                writeln!(
                    self.out,
                    "{:>42}  {}",
                    state.budget.map_or(String::new(), |left| left.to_string()),
                    self.stack(&state.stack)
                )
            }
            Frame::Step(step) => self.step(step),
            Frame::KeyPath(report) => self.signature(report),
            Frame::End(end) => self.end(end),
            Frame::Omitted(steps) => {
                writeln!(self.out, "     {HINT}left out here: {}{HINT:#}", counted(*steps, "step"))
            }
        }
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        let data = match self.options.full {
            false if step.data.len() > 12 => format!("<{}>", short(&step.data)),
            _ => step.text(),
        };
        let indent = "  ".repeat(usize::try_from(step.before.branches.min(4)).unwrap_or(4));
        let budget = match (step.before.budget, step.after.budget) {
            (before, Some(after)) if before != Some(after) => after.to_string(),
            _ => String::new(),
        };
        let place = format!("{:>5} {:>5}", step.position, step.byte_offset);
        let opcode = format!("{indent}{data}");
        if !step.before.exec && step.after.exec == step.before.exec && step.result.is_ok() {
            return writeln!(self.out, "{FAINT}{place}  {opcode:<26} {:>6}  passed over{FAINT:#}", "");
        }
        let change = match step.result {
            Ok(()) => {
                let hint = self.hint(step);
                format!("{}{hint}", self.stack(&step.after.stack))
            }
            Err(error) => format!("{} {BAD}{}{BAD:#}", self.stack(&step.before.stack), error.name()),
        };
        let alt = match step.after.altstack.is_empty() {
            true => String::new(),
            false => format!("  alt {}", self.stack(&step.after.altstack)),
        };
        writeln!(self.out, "{place}  {opcode:<26} {budget:>6}  {change}{alt}")?;
        self.step_details(step)
    }

    /// Returns a comment on what the element on top of the stack after `step` is likely to be.
    fn hint(&self, step: &Step) -> String {
        let Some(top) = step.after.stack.last() else { return String::new() };
        let is_old = step.before.stack.last().is_some_and(|old| old == top);
        let what = self.known.describe(top);
        // A short element needs no description.
        if is_old || top.len() < 3 || what.is_empty() {
            return String::new();
        }
        format!("  {FAINT}# top: {what}{FAINT:#}")
    }

    fn step_details(&mut self, step: &Step) -> io::Result<()> {
        for event in &step.events {
            match event {
                StepEvent::Signature(report) => self.signature(report)?,
                StepEvent::Hash(report) => self.hash(report)?,
            }
        }
        self.explanations(&step.explanations)
    }

    fn line(&mut self, name: &str, value: &str) -> io::Result<()> {
        writeln!(self.out, "             {FAINT}{name:<18}{FAINT:#} {value}")
    }

    fn signature(&mut self, report: &SignatureReport) -> io::Result<()> {
        let check = &report.check;
        let (style, result) = if check.valid { (GOOD, "valid") } else { (BAD, "invalid") };
        let hash_type = match (report.hash_type, report.kind) {
            (None, _) => String::new(),
            (Some(0), SignatureKind::EcdsaLegacy | SignatureKind::EcdsaSegwitV0) => ", hash type 0x00".into(),
            (Some(hash_type), _) => format!(", hash type 0x{hash_type:02x} ({})", hash_type_name(hash_type)),
        };
        writeln!(
            self.out,
            "           signature {style}{result}{style:#}: {}{hash_type}",
            report.kind.name()
        )?;
        self.line("key", &hex::encode(&check.public_key))?;
        self.line("signature", &hex::encode(&check.signature))?;
        self.fields(&report.fields)?;
        if report.kind != SignatureKind::FromStack {
            self.line("digest", &hex::encode(&check.message))?;
        }
        self.explanations(&report.explanations)
    }

    fn hash(&mut self, report: &HashReport) -> io::Result<()> {
        writeln!(self.out, "           {} of", report.name)?;
        self.fields(&report.fields)?;
        self.line("digest", &hex::encode(report.digest))
    }

    fn fields(&mut self, fields: &[Field]) -> io::Result<()> {
        for field in fields {
            let value = match &field.bytes {
                Some(bytes) if bytes.len() > 72 && !self.options.full => short(bytes),
                Some(bytes) => hex::encode(bytes),
                None => String::new(),
            };
            let note = match &field.note {
                FieldNote::None => String::new(),
                FieldNote::Means(what) => format!(" {FAINT}{what}{FAINT:#}"),
                FieldNote::In(other) => format!("{FAINT}(in {other}){FAINT:#}"),
                FieldNote::LeftOut(why) if field.bytes.is_some() => format!(" {HINT}left out: {why}{HINT:#}"),
                FieldNote::LeftOut(why) => format!("{HINT}left out: {why}{HINT:#}"),
            };
            self.line(field.name, &format!("{value}{note}"))?;
        }
        Ok(())
    }

    fn explanations(&mut self, explanations: &[Explanation]) -> io::Result<()> {
        explanations
            .iter()
            .try_for_each(|it| writeln!(self.out, "           {HINT}note: {}{HINT:#}", it.text))
    }

    fn commitment(&mut self, commitment: &Commitment) -> io::Result<()> {
        match commitment {
            Commitment::Leaf { version, hash } => {
                writeln!(self.out, "     leaf    version 0x{version:02x}, tapleaf hash {}", hex::encode(hash))
            }
            Commitment::Branch { sibling, hash } => {
                writeln!(self.out, "     branch  with {}", hex::encode(sibling))?;
                writeln!(self.out, "             gives tapbranch hash {}", hex::encode(hash))
            }
            Commitment::Tweak { internal_key, tweak, matches, explanations } => {
                writeln!(self.out, "     tweak   internal key {}", hex::encode(internal_key))?;
                writeln!(self.out, "             tweak        {}", hex::encode(tweak))?;
                let (style, result) = match matches {
                    true => (GOOD, "is the output key"),
                    false => (BAD, "is not the output key"),
                };
                writeln!(self.out, "             the tweaked key {style}{result}{style:#}")?;
                self.explanations(explanations)
            }
        }
    }

    fn end(&mut self, end: &End) -> io::Result<()> {
        match (end.stopped, end.result) {
            (Stopped::Decode, Err(error)) => {
                writeln!(
                    self.out,
                    "{:>5}        {BAD}{}{BAD:#}: the bytes here are no instruction",
                    end.position,
                    error.name()
                )
            }
            (Stopped::AfterLastOpcode, Err(error)) => {
                writeln!(self.out, "             {BAD}{}{BAD:#}: after the last opcode", error.name())
            }
            // The line of the opcode already shows the error, or the script completed.
            _ => Ok(()),
        }
    }
}
