//! Lists and full views of elements: those of the stacks and of the witness, and the data that an opcode pushes.

use sigstack_debugger::{Frame, Known, short};
use sigstack_interpreter::script_num;

use super::app::App;
use super::mode::Which;

/// An element in a list, with its position in a stack or the witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Short name of the element's position, for a list: `0`, `alt 0`, `push`.
    pub(super) place: String,
    /// Long name of the element's position, for a title: `stack element 0 from the top`.
    pub(super) title: String,
    pub(super) bytes: Vec<u8>,
}

/// Number of bytes that one line of a hex view shows.
const IN_LINE: usize = 16;

impl App {
    /// Returns the elements of the stacks or of the witness for a list.
    pub(super) fn items(&self, which: Which) -> Vec<Item> {
        match which {
            Which::Witness => {
                let item = |(nth, bytes): (usize, Vec<u8>)| Item {
                    place: nth.to_string(),
                    title: format!("witness element {nth}"),
                    bytes,
                };
                self.witness().into_iter().enumerate().map(item).collect()
            }
            Which::Stacks => self.stack_items(),
        }
    }

    fn stack_items(&self) -> Vec<Item> {
        let push = match self.frame() {
            Some(Frame::Step(step)) if !step.data.is_empty() => Some(Item {
                place: "push".into(),
                title: format!("pushed at {}", step.position),
                bytes: step.data.clone(),
            }),
            _ => None,
        };
        let mut items: Vec<Item> = push.into_iter().collect();
        let Some(state) = self.state() else { return items };
        for (name, stack) in [("", &state.stack), ("alt ", &state.altstack)] {
            items.extend(stack.iter().rev().enumerate().map(|(depth, element)| Item {
                place: format!("{name}{depth}"),
                title: format!("{name}stack element {depth} from the top"),
                bytes: element.to_vec(),
            }));
        }
        items
    }
}

/// Describes an element in one line of a list: its position, its hex and its likely meaning.
pub(super) fn summary(item: &Item, known: &Known) -> String {
    format!("{:>5} {}  {}", item.place, short(&item.bytes), known.describe(&item.bytes))
}

/// Returns the lines of the full view of an element: its meaning, and its bytes in hex and as text.
pub(super) fn lines(item: &Item, known: &Known) -> Vec<String> {
    let bytes = &item.bytes;
    let plural = if bytes.len() == 1 { "byte" } else { "bytes" };
    let mut lines = vec![format!("length   {} {plural}", bytes.len()), format!("number   {}", number(bytes))];
    lines.push(format!("boolean  {}", script_num::is_true(bytes)));
    let what = known.describe(bytes);
    if !what.is_empty() {
        lines.push(format!("perhaps  {what}"));
    }
    lines.push(String::new());
    if bytes.is_empty() {
        lines.push("no bytes".into());
    }
    lines.extend(bytes.chunks(IN_LINE).enumerate().map(|(nth, part)| hex_line(nth * IN_LINE, part)));
    lines
}

fn number(bytes: &[u8]) -> String {
    let decode = |minimal| script_num::decode(bytes, 5, minimal);
    match (decode(true), decode(false)) {
        (Ok(number), _) => number.to_string(),
        (Err(_), Ok(number)) => format!("{number}, not minimally encoded"),
        _ => "none: longer than 5 bytes".into(),
    }
}

/// Returns a line of a hex view with up to sixteen bytes: their offset, hex and text.
fn hex_line(offset: usize, bytes: &[u8]) -> String {
    let half = |from: usize| {
        let part = bytes.iter().skip(from).take(IN_LINE / 2);
        part.map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    let text: String =
        bytes.iter().map(|byte| if matches!(byte, 0x20..=0x7e) { char::from(*byte) } else { '.' }).collect();
    format!("{offset:>5} {:<16} {:<16}  {text}", half(0), half(IN_LINE / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_shown_whole_in_every_reading() {
        let view = |bytes: &[u8]| {
            let item = Item { place: String::new(), title: String::new(), bytes: bytes.to_vec() };
            lines(&item, &Known::default())
        };
        let number = ["length   1 byte", "number   5", "boolean  true", "perhaps  5", ""];
        assert_eq!(view(&[5])[..5], number);
        assert_eq!(view(&[5])[5], format!("    0 05{}.", " ".repeat(33)));
        assert_eq!(view(&[5, 0])[1], "number   5, not minimally encoded");
        assert_eq!(view(&[0x80])[2], "boolean  false");
        assert_eq!(view(&[])[5], "no bytes");
        let long: Vec<String> =
            view(&[b'a'; 40]).into_iter().filter(|line| !line.starts_with("perhaps")).collect();
        assert_eq!(long[1], "number   none: longer than 5 bytes");
        assert_eq!(
            long[4..6],
            vec![
                format!("    0 {0} {0}  {1}", "61".repeat(8), "a".repeat(16)),
                format!("   16 {0} {0}  {1}", "61".repeat(8), "a".repeat(16))
            ]
        );
        assert_eq!(long[6], format!("   32 {}{}aaaaaaaa", "61".repeat(8), " ".repeat(19)));
    }
}
