//! The data of an HTML page, which the page's JavaScript displays. The page shows one stop at a time: a stop is a
//! frame of the trace at which the user can pause.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use sigstack_interpreter::Instructions;

use super::stacks::Pool;
use crate::disasm::instruction_text_as;
use crate::frame::{Elements, Frame, State, Step, Stopped};
use crate::hints::short;
use crate::json;
use crate::trace::Trace;

/// Maximum number of steps in a page. If a trace has more, those in the middle are left out. A script within the limit
/// of 10,000 bytes never has more.
const STEPS: usize = 10_000;
/// Maximum number of characters that a page uses for elements of more than [`SHORT`] bytes that are written in full.
const ELEMENTS: usize = 400_000;
/// Maximum number of characters that a page uses for the messages of signatures and template hashes.
const DETAILS: usize = 800_000;
/// Maximum length in bytes of elements that are always written in full.
const SHORT: usize = 12;
/// Maximum length in bytes of pushes that a script listing contains in full.
const PUSH: usize = 40;
/// Maximum number of instructions that a page shows after the last one that was reached. The first 5,000 instructions
/// of a script are always shown.
const BEHIND: usize = 1_000;

/// Returns all data that a page shows of a trace, as one JSON object.
pub(super) fn of(trace: &Trace) -> Value {
    let mut builder = Builder::new(trace);
    let failure = trace.failure();
    for (index, frame) in trace.frames.iter().enumerate() {
        if Some(index) == failure {
            builder.failure = Some(builder.stops.len());
        }
        builder.frame(index, frame);
    }
    builder.finish()
}

type Fields = Map<String, Value>;

struct Builder<'t> {
    trace: &'t Trace,
    /// Number of steps in the trace.
    steps: usize,
    /// Number of steps of the trace that were processed so far.
    met: usize,
    pool: Pool,
    stack: Elements,
    altstack: Elements,
    /// The number that was last written to the page: the remaining validation weight in a tapscript, the opcode count
    /// in other scripts. It is written again only when it changes.
    number: Option<i64>,
    /// Each assembly word that occurs in a script, with the id by which the page refers to the word.
    words: BTreeMap<String, usize>,
    opcodes: BTreeMap<String, [&'static str; 2]>,
    scripts: Vec<Value>,
    stops: Vec<Fields>,
    failure: Option<usize>,
}

impl<'t> Builder<'t> {
    fn new(trace: &'t Trace) -> Builder<'t> {
        Builder {
            trace,
            steps: trace.steps().count(),
            met: 0,
            pool: Pool::default(),
            stack: Elements::from([]),
            altstack: Elements::from([]),
            number: None,
            words: BTreeMap::new(),
            opcodes: BTreeMap::new(),
            scripts: Vec::new(),
            stops: Vec::new(),
            failure: None,
        }
    }

    fn frame(&mut self, index: usize, frame: &Frame) {
        let stop = match frame {
            Frame::Phase { phase, script, notes, explanations } => {
                let texts = explanations.iter().map(|it| it.text.as_str());
                let notes: Vec<&str> = notes.iter().map(String::as_str).chain(texts).collect();
                if let Some(script) = script {
                    let listing = self.listing(index, script);
                    self.scripts.push(listing);
                }
                let mut stop = fields("phase");
                stop.insert("phase".into(), phase.name().into());
                stop.insert("bytes".into(), script.as_ref().map(Vec::len).into());
                stop.insert("notes".into(), notes.into());
                if script.is_some() {
                    stop.insert("script".into(), self.scripts.len().checked_sub(1).into());
                }
                Some(stop)
            }
            Frame::Begin(state) => {
                let mut stop = self.state("begin", state);
                stop.insert("version".into(), state.sig_version.name().into());
                Some(stop)
            }
            Frame::Step(step) => self.step(step),
            Frame::End(end) => {
                let mut stop = self.state("end", &end.state);
                stop.insert("at".into(), end.position.into());
                stop.insert("error".into(), end.result.err().map(|error| error.name()).into());
                stop.insert("stopped".into(), end.stopped.name().into());
                Some(stop)
            }
            Frame::OpSuccess(at) => {
                let mut stop = fields("op_success");
                stop.insert("at".into(), at.opcode_position.into());
                stop.insert("opcode".into(), at.name().into());
                Some(stop)
            }
            Frame::Omitted(steps) => Some(omitted(*steps)),
            Frame::Commitment(commitment) => {
                let mut stop = fields("commitment");
                stop.insert("more".into(), vec![json::commitment_value(commitment)].into());
                Some(stop)
            }
            Frame::KeyPath(report) => {
                let mut stop = fields("signature");
                stop.insert("more".into(), vec![json::signature_value(report, None)].into());
                Some(stop)
            }
        };
        self.stops.extend(stop);
    }

    /// Returns the data with which the page shows a step. If the trace has more than [`STEPS`] steps, the page leaves
    /// out those in the middle: for the first step that is left out, the function returns a note with the number of all
    /// that are left out, and for the others `None`.
    fn step(&mut self, step: &Step) -> Option<Fields> {
        let nth = self.met;
        self.met += 1;
        let half = STEPS / 2;
        if self.steps > STEPS && nth >= half && nth < self.steps - half {
            return (nth == half).then(|| omitted(self.steps - STEPS));
        }
        if let Some(info) = step.meaning.info() {
            self.opcodes.entry(step.name()).or_insert([info.effect, info.summary]);
        }
        let mut stop = self.state("step", &step.before);
        stop.insert("at".into(), step.position.into());
        if !step.before.exec && !step.after.exec {
            stop.insert("skipped".into(), true.into());
        }
        if step.before.branches > 0 {
            stop.insert("branches".into(), step.before.branches.into());
        }
        if !step.explanations.is_empty() {
            let notes: Vec<&str> = step.explanations.iter().map(|it| it.text.as_str()).collect();
            stop.insert("notes".into(), notes.into());
        }
        if let Err(error) = step.result {
            stop.insert("error".into(), error.name().into());
        }
        let more: Vec<Value> = step.events.iter().map(|event| json::event_value(event, step)).collect();
        if !more.is_empty() {
            stop.insert("more".into(), more.into());
        }
        Some(stop)
    }

    /// Returns the data of a frame that has a script state: how the stacks differ from those of the previous frame that
    /// has a state.
    fn state(&mut self, kind: &str, state: &State) -> Fields {
        let mut stop = fields(kind);
        let at = self.stops.len();
        if self.stack != state.stack {
            let difference = self.pool.difference(&self.stack, &state.stack, at);
            stop.insert("stack".into(), difference.into());
            self.stack = state.stack.clone();
        }
        if self.altstack != state.altstack {
            let difference = self.pool.difference(&self.altstack, &state.altstack, at);
            stop.insert("alt".into(), difference.into());
            self.altstack = state.altstack.clone();
        }
        let number = state.budget.or_else(|| i64::try_from(state.op_count).ok());
        if self.number != number {
            self.number = number;
            stop.insert("number".into(), number.into());
        }
        stop
    }

    /// Returns the instructions of a script as assembly words, and the number of instructions that were reached.
    /// `index` is the frame at which the script's phase begins.
    fn listing(&mut self, index: usize, script: &[u8]) -> Value {
        let after = self.trace.frames.iter().skip(index + 1);
        let of_script = after.take_while(|frame| !matches!(frame, Frame::Phase { .. }));
        let mut reached: usize = 0;
        for frame in of_script {
            match frame {
                Frame::Step(step) => reached = usize::try_from(step.position).map_or(reached, |at| at + 1),
                // The bytes of an invalid instruction count as reached, although there is no step for them.
                Frame::End(end) => {
                    let at = usize::try_from(end.position).unwrap_or(reached);
                    reached = reached.max(at + usize::from(end.stopped == Stopped::Decode));
                }
                _ => {}
            }
        }
        let (mut rows, mut count) = (Vec::new(), 0);
        let mut instructions = Instructions::new(script);
        loop {
            let offset = instructions.offset();
            let word = match instructions.next() {
                None => break,
                Some(Ok(it)) if it.data.len() > PUSH => format!("<{}>", short(it.data)),
                Some(Ok(it)) => {
                    let meaning = self.trace.subject.code_points.meaning(it.opcode);
                    instruction_text_as(it.opcode, meaning, it.data)
                }
                Some(Err(_)) => format!("0x{}", short(script.get(offset..).unwrap_or_default())),
            };
            let half = STEPS / 2;
            if count < half || (count + half >= reached && count < reached + BEHIND) {
                let next = self.words.len();
                let id = *self.words.entry(word).or_insert(next);
                rows.push(json!([count, id]));
            }
            count += 1;
            if instructions.offset() == offset {
                break;
            }
        }
        let is_all = rows.len() == count;
        let ids = |row: &Value| row.get(1).cloned().unwrap_or_default();
        // Positions are included only if they differ from the row numbers.
        let rows: Value = if is_all { rows.iter().map(ids).collect() } else { rows.into() };
        json!({ "count": count, "reached": reached, "rows": rows })
    }

    fn finish(mut self) -> Value {
        let failure = self.failure.unwrap_or(self.stops.len());
        let mut near: Vec<usize> = (0..self.stops.len()).collect();
        near.sort_by_key(|stop| stop.abs_diff(failure));
        let mut room = DETAILS;
        for stop in near {
            let Some(stop) = self.stops.get_mut(stop) else { continue };
            let Some(more) = stop.get("more") else { continue };
            let length = more.to_string().len();
            if length <= room {
                room -= length;
            } else {
                let count = more.as_array().map_or(0, Vec::len);
                stop.insert("more".into(), vec![json!({ "kind": "left_out", "count": count })].into());
            }
        }
        let elements = self.elements(failure);
        let mut words = vec![""; self.words.len()];
        for (word, id) in &self.words {
            if let Some(place) = words.get_mut(*id) {
                *place = word;
            }
        }
        let trace = self.trace;
        json!({
            "input": trace.subject.input,
            "inputs": trace.subject.tx.input.len(),
            "txid": trace.subject.tx.compute_txid().to_string(),
            "flags": trace.subject.flags.to_string(),
            "ok": trace.is_valid(),
            "gaps": trace.gaps.len(),
            "sentence": trace.verdict_sentence(),
            "failure": trace.verdict.as_ref().err().and(self.failure),
            "elements": elements,
            "words": words,
            "opcodes": self.opcodes,
            "scripts": self.scripts,
            "stops": self.stops,
        })
    }

    /// Returns all stack elements, ordered by id: hex, a description, and the length if the hex is shortened.
    /// Elements near the failure are written in full before others.
    fn elements(&self, failure: usize) -> Value {
        let mut near: Vec<usize> = (0..self.pool.elements.len()).collect();
        near.sort_by_key(|id| self.pool.stops.get(*id).map_or(0, |stop| stop.abs_diff(failure)));
        let mut room = ELEMENTS;
        let mut values = vec![Value::Null; near.len()];
        for id in near {
            let (Some(element), Some(value)) = (self.pool.elements.get(id), values.get_mut(id)) else {
                continue;
            };
            let about = fit(self.trace.known.describe(element));
            let length = 2 * element.len();
            *value = if element.len() <= SHORT {
                json!([hex::encode(element), about])
            } else if length <= room {
                room -= length;
                json!([hex::encode(element), about])
            } else {
                json!([short(element), about, element.len()])
            };
        }
        values.into()
    }
}

/// Cuts a description to the length of a line. A description may be long, because it quotes an element that is text.
fn fit(text: String) -> String {
    const LINE: usize = 64;
    if text.chars().count() <= LINE { text } else { text.chars().take(LINE).chain(['…']).collect() }
}

fn fields(kind: &str) -> Fields {
    Map::from_iter([("kind".to_owned(), Value::from(kind))])
}

fn omitted(steps: usize) -> Fields {
    let mut stop = fields("omitted");
    stop.insert("steps".into(), steps.into());
    stop
}
