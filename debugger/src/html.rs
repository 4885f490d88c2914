//! A trace as one page that needs nothing else: no network, no other file.

use crate::json;
use crate::trace::Trace;

/// The page, with a mark where the frames go.
const PAGE: &str = include_str!("page.html");
const MARK: &str = "@FRAMES@";

/// The page of a trace. The frames in it are those of [`crate::json`].
pub fn page(trace: &Trace) -> String {
    let frames: Vec<String> = json::frames(trace).map(|frame| frame.to_string()).collect();
    // Inside of a script element only "<" could end it, and JSON has another way to write it.
    let frames = format!("[{}]", frames.join(",\n")).replace('<', "\\u003c");
    PAGE.replacen(MARK, &frames, 1)
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
        assert!(!page.contains(MARK) && !page.contains("http"));
        let (_, rest) = page.split_once("id=\"frames\">").unwrap();
        let (frames, _) = rest.split_once("</script>").unwrap();
        let read: Vec<serde_json::Value> = serde_json::from_str(frames).unwrap();
        assert_eq!(read, json::frames(&trace).collect::<Vec<_>>());
    }
}
