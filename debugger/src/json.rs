//! Writes a trace as JSON lines, one per frame, in the format of docs/trace-format.md.

use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sigstack_interpreter::{ScriptError, VerifyError};

use crate::fields::{Field, FieldNote};
use crate::frame::Explanation;
use crate::frame::{Commitment, Element, Frame, HashReport, SignatureReport, State, Step, StepEvent};
use crate::trace::Trace;

/// Version of the JSON format of traces, increased when a field changes its meaning.
pub const VERSION: u32 = 1;

/// Writes a trace as JSON lines, with one object for each frame.
pub fn write(trace: &Trace, out: &mut impl Write) -> io::Result<()> {
    frames(trace).try_for_each(|frame| writeln!(out, "{frame}"))
}

/// Returns the frames of a trace as JSON objects. The first object describes the input, and the last one gives the
/// verdict.
pub fn frames(trace: &Trace) -> impl Iterator<Item = Value> + '_ {
    let mut script = None;
    let frames = trace.frames.iter().flat_map(move |frame| {
        if let Frame::Phase { script: Some(bytes), .. } = frame {
            script = Some(bytes.as_slice());
        }
        frame_values(frame, script.unwrap_or_default())
    });
    core::iter::once(start(trace)).chain(frames).chain(core::iter::once(verdict(trace)))
}

fn hex_or_null(bytes: Option<&[u8]>) -> Value {
    bytes.map(hex::encode).into()
}

fn start(trace: &Trace) -> Value {
    let subject = &trace.subject;
    let prevout = subject.prevouts.get(subject.input);
    json!({
        "kind": "start",
        "format": "sigstack-trace",
        "version": VERSION,
        "txid": subject.tx.compute_txid().to_string(),
        "input": subject.input,
        "amount": prevout.map(|prevout| prevout.value.to_sat()),
        "script_pubkey": prevout.map(|prevout| hex::encode(prevout.script_pubkey.as_bytes())),
        "flags": subject.flags.to_string(),
    })
}

fn error_name(result: Result<(), ScriptError>) -> &'static str {
    match result {
        Ok(()) => "OK",
        Err(error) => error.name(),
    }
}

fn verdict(trace: &Trace) -> Value {
    let sentence = trace.verdict_sentence();
    if let Some(rule) = trace.rule {
        // The rule applies to the whole transaction and is not part of this input's verification, so there is no phase.
        let summary = rule.to_string();
        return json!({ "kind": "verdict", "verdict": rule.name(), "summary": summary, "sentence": sentence, "phase": null });
    }
    match &trace.verdict {
        Ok(()) => {
            let unchecked = trace.gaps.iter().map(|gap| {
                json!({
                    "rule": gap.unchecked.name(),
                    "text": gap.unchecked.to_string(),
                    "flags": gap.unchecked.missing_flags().map(|flags| flags.to_string()),
                })
            });
            let unchecked: Vec<Value> = unchecked.collect();
            json!({ "kind": "verdict", "verdict": "OK", "sentence": sentence, "phase": null, "unchecked": unchecked })
        }
        Err(VerifyError::Script { error, location }) => {
            let mut value = json!({
                "kind": "verdict",
                "verdict": error.name(),
                "summary": error.summary(),
                "sentence": sentence,
                "phase": location.phase.name(),
            });
            if let (Some(at), Value::Object(fields)) = (location.position, &mut value) {
                fields.insert("opcode_pos".into(), at.opcode_position.into());
                fields.insert("byte_offset".into(), at.byte_offset.into());
                fields.insert("opcode".into(), at.opcode.0.into());
                fields.insert("opcode_name".into(), at.name().into());
            }
            value
        }
        Err(VerifyError::Usage(error)) => {
            json!({ "kind": "verdict", "verdict": null, "summary": error.to_string(), "sentence": sentence })
        }
    }
}

fn frame_values(frame: &Frame, script: &[u8]) -> Vec<Value> {
    match frame {
        Frame::Phase { phase, script, notes, explanations } => {
            let texts = explanations.iter().map(|it| &it.text);
            let notes: Vec<&String> = notes.iter().chain(texts).collect();
            vec![
                json!({ "kind": "phase", "phase": phase.name(), "script": hex_or_null(script.as_deref()), "notes": notes }),
            ]
        }
        Frame::Commitment(commitment) => vec![commitment_value(commitment)],
        Frame::OpSuccess(at) => vec![json!({
            "kind": "op_success",
            "opcode_pos": at.opcode_position,
            "byte_offset": at.byte_offset,
            "opcode": at.opcode.0,
            "opcode_name": at.name(),
        })],
        Frame::Begin(state) => {
            let mut value = state_fields("begin", state, 0);
            value.insert("script".into(), hex::encode(script).into());
            vec![value.into()]
        }
        Frame::Step(step) => step_values(step),
        Frame::KeyPath(report) => vec![signature_value(report, None)],
        Frame::End(end) => {
            let mut value = state_fields("end", &end.state, end.position);
            value.insert("phase".into(), end.phase.name().into());
            value.insert("script".into(), hex::encode(script).into());
            value.insert("script_error".into(), error_name(end.result).into());
            value.insert("stopped".into(), end.stopped.name().into());
            vec![value.into()]
        }
        Frame::Omitted(steps) => vec![json!({ "kind": "omitted", "steps": steps })],
    }
}

fn elements(stack: &[Element]) -> Value {
    stack.iter().map(hex::encode).collect()
}

/// Returns the JSON fields that describe the state of a running script. They are the same in frames for the begin of a
/// script, for its opcodes and for its end.
fn state_fields(kind: &str, state: &State, position: u32) -> Map<String, Value> {
    let fields = [
        ("kind", kind.into()),
        ("stack", elements(&state.stack)),
        ("altstack", elements(&state.altstack)),
        ("opcode_pos", position.into()),
        ("exec", state.exec.into()),
        ("op_count", state.op_count.into()),
        ("sig_version", state.sig_version.name().into()),
        ("tapleaf_hash", hex_or_null(state.leaf_hash.as_ref().map(|hash| &hash[..]))),
        ("codeseparator_pos", state.code_separator_position.into()),
        ("branches", state.branches.into()),
        ("budget", state.budget.into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn step_values(step: &Step) -> Vec<Value> {
    let mut value = state_fields("step", &step.before, step.position);
    let more = [
        ("phase", step.phase.name().into()),
        ("byte_offset", step.byte_offset.into()),
        ("opcode", step.opcode.0.into()),
        ("opcode_name", step.name().into()),
        ("data", hex::encode(&step.data).into()),
        ("asm", step.text().into()),
    ];
    value.extend(more.into_iter().map(|(name, value): (&str, Value)| (name.to_owned(), value)));
    if !step.explanations.is_empty() {
        value.insert("explanations".into(), explanations(&step.explanations));
    }
    let events = step.events.iter().map(|event| event_value(event, step));
    core::iter::once(Value::from(value)).chain(events).collect()
}

/// Returns the JSON object of an event that occurred in a step, such as a signature check.
pub(crate) fn event_value(event: &StepEvent, step: &Step) -> Value {
    match event {
        StepEvent::Signature(report) => signature_value(report, Some(step)),
        StepEvent::Hash(report) => hash_value(report, step),
    }
}

/// Returns the JSON object of a signature check. `step` is `None` for the signature of a key path spend.
pub(crate) fn signature_value(report: &SignatureReport, step: Option<&Step>) -> Value {
    let check = &report.check;
    json!({
        "kind": "signature",
        "opcode_pos": step.map(|step| step.position),
        "signature_kind": report.kind.name(),
        "public_key": hex::encode(&check.public_key),
        "signature": hex::encode(&check.signature),
        "hash_type": report.hash_type,
        "fields": fields(&report.fields),
        "digest_of": report.kind.digest_name(),
        "digest": hex::encode(&check.message),
        "valid": check.valid,
        "explanations": explanations(&report.explanations),
    })
}

fn hash_value(report: &HashReport, step: &Step) -> Value {
    json!({
        "kind": "hash",
        "opcode_pos": step.position,
        "opcode": report.opcode.0,
        "name": report.name,
        "fields": fields(&report.fields),
        "digest": hex::encode(report.digest),
    })
}

fn fields(fields: &[Field]) -> Value {
    let value = |field: &Field| {
        let mut value = Map::new();
        value.insert("name".into(), field.name.into());
        if let Some(bytes) = &field.bytes {
            value.insert("hex".into(), hex::encode(bytes).into());
        }
        match &field.note {
            FieldNote::None => None,
            FieldNote::Means(what) => value.insert("means".into(), what.as_str().into()),
            FieldNote::In(other) => value.insert("in".into(), (*other).into()),
            FieldNote::LeftOut(why) => value.insert("left_out".into(), (*why).into()),
        };
        Value::from(value)
    };
    fields.iter().map(value).collect()
}

fn explanations(explanations: &[Explanation]) -> Value {
    explanations.iter().map(|it| json!({ "code": it.code, "text": it.text })).collect()
}

/// Returns the JSON object of a step in the verification of a taproot commitment.
pub(crate) fn commitment_value(commitment: &Commitment) -> Value {
    match commitment {
        Commitment::Leaf { version, hash } => {
            json!({ "kind": "commitment", "step": "leaf", "leaf_version": version, "hash": hex::encode(hash) })
        }
        Commitment::Branch { sibling, hash } => {
            json!({ "kind": "commitment", "step": "branch", "sibling": hex::encode(sibling), "hash": hex::encode(hash) })
        }
        Commitment::Tweak { internal_key, tweak, matches, explanations: why } => json!({
            "kind": "commitment",
            "step": "tweak",
            "internal_key": hex::encode(internal_key),
            "tweak": hex::encode(tweak),
            "matches": matches,
            "explanations": explanations(why),
        }),
    }
}
