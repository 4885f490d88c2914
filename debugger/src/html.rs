//! A trace as one page that needs nothing else: no network, no other file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::json;
use crate::trace::{Frame, State, Trace};

/// The page, with marks where the frames and what is told about them go.
const PAGE: &str = include_str!("page.html");
const FRAMES: &str = "@FRAMES@";
const HINTS: &str = "@HINTS@";

/// The page of a trace. The frames in it are those of [`crate::json`].
pub fn page(trace: &Trace) -> String {
    let frames: Vec<String> = json::frames(trace).map(|frame| frame.to_string()).collect();
    let frames = in_element(&format!("[{}]", frames.join(",\n")));
    PAGE.replacen(HINTS, &in_element(&hints(trace).to_string()), 1).replacen(FRAMES, &frames, 1)
}

/// JSON as it may stand in a script element: only "<" could end that, and JSON has another way to write it.
fn in_element(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// What the elements of all stacks may be, by their hex, and what the opcodes do, by their name.
fn hints(trace: &Trace) -> Value {
    let mut elements = BTreeMap::new();
    let mut opcodes = BTreeMap::new();
    let mut learn = |state: &State| {
        for element in state.stack.iter().chain(state.altstack.iter()) {
            let describe = || trace.known.describe(element);
            elements.entry(hex::encode(element)).or_insert_with(describe);
        }
    };
    for frame in &trace.frames {
        match frame {
            Frame::Begin(state) => learn(state),
            Frame::End(end) => learn(&end.state),
            Frame::Step(step) => {
                learn(&step.before);
                if let Some(info) = step.opcode.info() {
                    opcodes.insert(step.opcode.to_string(), [info.effect, info.summary]);
                }
            }
            _ => {}
        }
    }
    json!({ "elements": elements, "opcodes": opcodes })
}

#[cfg(test)]
mod tests {
    use sigstack_interpreter::Flags;

    use super::*;
    use crate::{BareContext, BareTx, Options, bare_spend};

    #[test]
    fn the_frames_cannot_leave_their_element_and_come_back_as_they_were() {
        let subject = bare_spend(&[0x51], &[], BareContext::Tapscript, BareTx::default(), Flags::CONSENSUS);
        let mut trace = Trace::record(subject, Options::default()).unwrap();
        if let Some(crate::Frame::Phase { notes, .. }) = trace.frames.first_mut() {
            notes.push("</script><b>".into());
        }
        let page = page(&trace);
        assert!(!page.contains(FRAMES) && !page.contains(HINTS) && !page.contains("http"));
        let (_, rest) = page.split_once("id=\"frames\">").unwrap();
        let (frames, _) = rest.split_once("</script>").unwrap();
        let read: Vec<serde_json::Value> = serde_json::from_str(frames).unwrap();
        assert_eq!(read, json::frames(&trace).collect::<Vec<_>>());
        let (_, rest) = page.split_once("id=\"hints\">").unwrap();
        let hints: Value = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(hints["elements"]["01"], "1");
        assert_eq!(hints["opcodes"]["OP_1"], json!(["-- 1", "Pushes the number 1."]));
    }
}
