//! The documents say what the tables say.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use sigstack_interpreter::{Hook, PROPOSALS};

#[test]
fn soft_forks_page_has_the_row_of_every_proposal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/soft-forks.md");
    let page = std::fs::read_to_string(path).unwrap();
    for proposal in PROPOSALS {
        let (byte, hook) = match proposal.hook {
            Hook::Success(opcode) => (opcode.0, format!("OP_SUCCESS{}", opcode.0)),
            Hook::Nop(opcode) => (opcode.0, opcode.to_string()),
            Hook::KeyType(first) => (first, "tapscript keys".into()),
        };
        let cells = [
            format!("| {} |", proposal.bip),
            format!("| {hook}"),
            format!("| {byte:#04x} |"),
            format!("| `{}` |", proposal.flag),
            format!("| `{}` |", proposal.discourage),
            format!("| `{}` |", proposal.discouraged_error.name()),
        ];
        let has_all = |line: &str| cells.iter().all(|cell| line.contains(cell.as_str()));
        assert!(page.lines().any(has_all), "no row with {cells:?}");
        assert!(page.contains(proposal.revision.split(", ").last().unwrap()));
    }
}
