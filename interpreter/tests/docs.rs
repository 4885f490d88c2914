//! Tests that the documents in `docs/` and the README describe every proposal in `PROPOSALS`.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::Path;

use sigstack_interpreter::{Hook, OpcodeInfo, PROPOSALS, Proposal};

fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap()
}

/// Formats a cell of a Markdown table. `None` is formatted as a dash.
fn cell(text: Option<String>) -> String {
    format!(" {} |", text.unwrap_or_else(|| "-".into()))
}

/// Returns the line that the first table of docs/soft-forks.md must have for a proposal, without the first cell.
fn line(proposal: &Proposal) -> String {
    let (byte, hook) = match proposal.hook {
        Hook::Success(opcode) => (Some(opcode.0), format!("OP_SUCCESS{}", opcode.0)),
        Hook::Nop(opcode) => (Some(opcode.0), format!("{opcode}, in every script version")),
        Hook::KeyType(first) => {
            (Some(first), format!("tapscript keys that begin with {first:#04x}, of 1 or 33 bytes"))
        }
        Hook::Transaction => (None, "the whole transaction".into()),
    };
    let discourage = Some(proposal.discourage).filter(|flags| !flags.is_empty());
    [
        cell(Some(proposal.bip.to_string())),
        cell(Some(hook)),
        cell(byte.map(|byte| format!("{byte:#04x}"))),
        cell(Some(format!("`{}`", proposal.flag))),
        cell(discourage.map(|flag| format!("`{flag}`"))),
        cell(proposal.discouraged_error.map(|error| format!("`{}`", error.name()))),
    ]
    .concat()
}

#[test]
fn the_page_about_soft_forks_has_every_proposal() {
    let page = read("docs/soft-forks.md");
    for proposal in PROPOSALS {
        let line = line(proposal);
        let has = page.lines().any(|found| found.ends_with(&format!("|{line}")));
        assert!(has, "docs/soft-forks.md, first table: add | NAME |{line}");
        let mut names = proposal.opcodes.iter().flat_map(OpcodeInfo::names).chain([proposal.name]);
        let described = !proposal.is_of_scripts() || names.any(|name| page.contains(&format!("**{name}**:")));
        let name = proposal.name;
        assert!(described, "docs/soft-forks.md, \"What each one does\": add a paragraph **{name}**:");
        assert!(page.contains(proposal.revision.split(", ").last().unwrap()), "{}", proposal.revision);
    }
}

/// The README names every proposal that has test vectors.
#[test]
fn the_readme_has_every_proposal_about_scripts() {
    let readme = read("README.md");
    for proposal in PROPOSALS.iter().filter(|proposal| proposal.vectors.is_some()) {
        let words = format!("{} (`{}`)", proposal.bip, proposal.flag);
        assert!(readme.contains(&words), "README.md, \"Reviewers of a BIP\": add {words}");
    }
}
