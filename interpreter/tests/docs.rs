//! Tests that the documents agree with the table of proposals.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use sigstack_interpreter::{Hook, PROPOSALS};

#[test]
fn soft_forks_page_has_the_row_of_every_proposal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/soft-forks.md");
    let page = std::fs::read_to_string(path).unwrap();
    for proposal in PROPOSALS {
        let (byte, hook) = match proposal.hook {
            Hook::Success(opcode) => (Some(opcode.0), format!("OP_SUCCESS{}", opcode.0)),
            Hook::Nop(opcode) => (Some(opcode.0), opcode.to_string()),
            Hook::KeyType(first) => (Some(first), "tapscript keys".into()),
            Hook::Transaction => (None, "the whole transaction".into()),
        };
        let or_none = |cell: Option<String>| format!("| {} |", cell.unwrap_or_else(|| "-".into()));
        let discourage = Some(proposal.discourage).filter(|flags| !flags.is_empty());
        let cells = [
            format!("| {} |", proposal.bip),
            format!("| {hook}"),
            or_none(byte.map(|byte| format!("{byte:#04x}"))),
            format!("| `{}` |", proposal.flag),
            or_none(discourage.map(|flag| format!("`{flag}`"))),
            or_none(proposal.discouraged_error.map(|error| format!("`{}`", error.name()))),
        ];
        let has_all = |line: &str| cells.iter().all(|cell| line.contains(cell.as_str()));
        assert!(page.lines().any(has_all), "no row with {cells:?}");
        assert!(page.contains(proposal.revision.split(", ").last().unwrap()));
    }
}
