use serde_json::Value;
use sigstack_interpreter::Flags;

use super::page;
use crate::frame::{Frame, Options};
use crate::trace::Trace;
use crate::{BareContext, BareTx, assemble, bare_spend};

/// Maximum size in bytes of a page for any input, as documented in `docs/trace-format.md`.
const LARGEST: usize = 4_000_000;

fn trace(script: &[u8], stack: &[Vec<u8>], flags: Flags) -> Trace {
    let subject = bare_spend(script, stack, BareContext::Tapscript, BareTx::default(), flags);
    Trace::record(subject, Options::default()).unwrap()
}

fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// Returns the stack that the page's JavaScript shows at each stop that has one.
fn stacks(data: &Value) -> Vec<Vec<String>> {
    let numbers = |value: &Value| -> Vec<usize> {
        value.as_array().unwrap().iter().map(|it| usize::try_from(it.as_u64().unwrap()).unwrap()).collect()
    };
    let (mut stack, mut stacks) = (Vec::new(), Vec::new());
    for stop in data["stops"].as_array().unwrap() {
        if stop["stack"].is_array() {
            let difference = numbers(&stop["stack"]);
            let again = stack[difference[0] + difference[1]..][..difference[2]].to_vec();
            stack.truncate(difference[0]);
            stack.extend(again);
            stack.extend_from_slice(&difference[3..]);
        }
        if ["begin", "step", "end"].contains(&stop["kind"].as_str().unwrap()) {
            let hex = |id: &usize| data["elements"][*id][0].as_str().unwrap().to_owned();
            stacks.push(stack.iter().map(hex).collect());
        }
    }
    stacks
}

#[test]
fn the_data_cannot_leave_its_element() {
    let mut trace = trace(&[0x51], &[], Flags::CONSENSUS);
    if let Some(Frame::Phase { notes, .. }) = trace.frames.first_mut() {
        notes.push("</script><b>".into());
    }
    let page = page(&trace);
    assert!(
        !page.contains("@DATA@") && !page.contains("/*S") && !page.contains("http") && !page.contains("<b>")
    );
    let data = data(&page);
    assert_eq!(data["stops"][0]["notes"][0], "</script><b>");
    assert_eq!(data["opcodes"]["OP_1"], serde_json::json!(["-- 1", "Pushes the number 1."]));
}

#[test]
fn the_stacks_of_a_page_are_those_of_the_trace() {
    let script =
        assemble("1 2 3 TOALTSTACK 2DUP ROT FROMALTSTACK IF DROP ELSE RETURN ENDIF 2 ROLL <aabb> CAT")
            .unwrap();
    let trace = trace(&script, &[vec![7; 3]], (Flags::CONSENSUS - Flags::DISCOURAGE_OP_CAT) | Flags::OP_CAT);
    let expected: Vec<Vec<String>> = trace
        .frames
        .iter()
        .filter_map(|frame| match frame {
            Frame::Begin(state) => Some(&state.stack),
            Frame::Step(step) => Some(&step.before.stack),
            Frame::End(end) => Some(&end.state.stack),
            _ => None,
        })
        .map(|stack| stack.iter().map(hex::encode).collect())
        .collect();
    assert_eq!(stacks(&data(&page(&trace))), expected);
    assert!(expected.len() > 15);
}

/// The text output, the HTML page and the debugger list the top of a stack first, and say so. The JSON output lists the
/// top last, as Bitcoin Core does in its own traces.
#[test]
fn stacks_have_one_order() {
    let trace =
        trace(&assemble("1 2 3 TOALTSTACK 5 TOALTSTACK 4 5 6 7 2DROP").unwrap(), &[], Flags::CONSENSUS);
    let mut text = anstream::StripStream::new(Vec::new());
    crate::text::write(&trace, crate::text::TextOptions::default(), &mut text).unwrap();
    let text = String::from_utf8(text.into_inner()).unwrap();
    assert!(text.contains("stack, top first\n") && text.contains(" 03 02 01\n"), "{text}");
    assert!(text.contains(" 02 01  alt 05 03\n"), "{text}");
    // The text shows five of six elements and leaves out the bottom one.
    assert!(text.contains(" 07 06 05 04 02 +1  alt 05 03\n"), "{text}");
    let steps: Vec<Value> = crate::json::frames(&trace).filter(|frame| frame["asm"] == "OP_2DROP").collect();
    assert_eq!(steps[0]["stack"], serde_json::json!(["01", "02", "04", "05", "06", "07"]));
    let page = page(&trace);
    // `click_page.py` checks the rows of the page in a browser, and the tests of the terminal check its screens.
    assert!(page.contains("<h2>Stack, top first</h2>") && page.contains("Alt stack, top first"));
    let format = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/trace-format.md");
    let documented = std::fs::read_to_string(format).unwrap();
    assert!(documented.contains("Text, page and terminal show the top of a stack first"));
    assert!(documented.contains("the top is the last item, as in Core's frames"));
}

/// The page contains the rest of the script after a failure, marked as not reached.
#[test]
fn the_script_after_a_failure_is_there() {
    let trace = trace(&assemble("1 2 EQUALVERIFY HASH160 <00> EQUAL").unwrap(), &[], Flags::CONSENSUS);
    let data = data(&page(&trace));
    let script = data["scripts"].as_array().unwrap().last().unwrap();
    assert_eq!((&script["count"], &script["reached"]), (&6.into(), &3.into()));
    let word = |nth: usize| &data["words"][usize::try_from(script["rows"][nth].as_u64().unwrap()).unwrap()];
    assert_eq!((word(2), word(5)), (&"OP_EQUALVERIFY".into(), &"OP_EQUAL".into()));
    let failure = &data["stops"][usize::try_from(data["failure"].as_u64().unwrap()).unwrap()];
    assert_eq!((&failure["kind"], &failure["at"]), (&"step".into(), &2.into()));
    assert_eq!(data["sentence"], trace.verdict_sentence());
}

/// The page stays small for huge inputs: thousands of steps with new elements, a stack of a thousand elements,
/// megabytes of data, and a transaction hash at each step.
#[test]
fn pages_of_huge_scripts_are_small() {
    let hashes = "DUP SHA256 SWAP DROP ".repeat(2_500);
    let rolls = "<8403> ROLL ".repeat(3_000);
    let templates = "TEMPLATEHASH DROP ".repeat(5_000);
    let pushes: Vec<u8> = (0..7_600u32)
        .flat_map(|nth| [&[0x4d, 8, 2][..], format!("{nth:04x}").as_bytes(), &[b'a'; 516], &[0x75]].concat())
        .collect();
    let deep: Vec<Vec<u8>> = (0..980u32).map(|nth| nth.to_le_bytes().to_vec()).collect();
    let (today, with_th) = (Flags::CONSENSUS, Flags::CONSENSUS | Flags::TEMPLATEHASH);
    let cases = [
        ("hashes", assemble(&hashes).unwrap(), vec![vec![1]], today, 2_500_000),
        ("rolls", assemble(&rolls).unwrap(), deep, today, 1_500_000),
        ("templates", assemble(&templates).unwrap(), vec![], with_th, 3_000_000),
        ("pushes of 4 MB", pushes, vec![vec![1]], today, LARGEST),
    ];
    for (name, script, stack, flags, most) in cases {
        let trace = trace(&script, &stack, flags);
        let page = page(&trace);
        println!(
            "{name}: {} bytes of script, {} frames, page {} bytes",
            script.len(),
            trace.frames.len(),
            page.len()
        );
        assert!(page.len() < most && most <= LARGEST, "{name}: {}", page.len());
        assert!(trace.frames.len() > 4_000, "{name}: {}", trace.frames.len());
    }
}
