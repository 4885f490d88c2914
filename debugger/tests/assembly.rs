//! Compares this crate's assembly with rust-bitcoin's, on the scripts of the project's own test vectors.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use bitcoin::{Script, ScriptBuf};
use sigstack_debugger::{assemble, disassemble};
use sigstack_interpreter::{Instructions, Opcode};
use sigstack_vectors::{Entry, Question, ReadOptions, read_bytes};

/// Returns every scriptPubKey, scriptSig and witness element of the project's vectors. A witness element is included
/// because it may be a script.
fn scripts() -> BTreeSet<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors");
    let mut scripts = BTreeSet::new();
    for folder in ["proposals", "consensus", "channels"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string();
            let Ok(file) = read_bytes(&name, &fs::read(&path).unwrap(), ReadOptions::default()) else {
                continue;
            };
            for question in file.entries.iter().flat_map(Entry::questions) {
                let (tx, prevouts) = match question {
                    Question::Input(question) => (question.tx, question.prevouts),
                    Question::Transaction(question) => (question.tx, question.prevouts),
                };
                scripts.extend(prevouts.iter().map(|output| output.script_pubkey.to_bytes()));
                for input in &tx.input {
                    scripts.insert(input.script_sig.to_bytes());
                    scripts.extend(input.witness.iter().map(<[u8]>::to_vec));
                }
            }
        }
    }
    scripts
}

/// Returns `true` if rust-bitcoin's assembly contains all bytes of the script. rust-bitcoin omits the data of a
/// truncated push, and the length of an empty `OP_PUSHDATA`.
fn is_written_whole(script: &[u8]) -> bool {
    Instructions::new(script).all(|instruction| {
        let is_pushdata = |opcode| (Opcode::OP_PUSHDATA1..=Opcode::OP_PUSHDATA4).contains(&opcode);
        instruction.is_ok_and(|it| !is_pushdata(it.opcode) || !it.data.is_empty())
    })
}

#[test]
fn every_script_comes_back_from_its_disassembly_and_from_rust_bitcoins() {
    let scripts = scripts();
    assert!(scripts.len() > 1_000, "{}", scripts.len());
    let mut from_rust_bitcoin = 0;
    for script in &scripts {
        let words: Vec<String> = disassemble(script).into_iter().map(|(_, word)| word).collect();
        assert_eq!(assemble(&words.join(" ")).as_ref(), Ok(script), "{words:?}");
        if is_written_whole(script) {
            let text = Script::from_bytes(script).to_asm_string();
            assert_eq!(assemble(&text).as_ref(), Ok(script), "{text}");
            from_rust_bitcoin += 1;
        }
    }
    assert!(from_rust_bitcoin > 1_000, "{from_rust_bitcoin}");
}

/// The assembler accepts every opcode by the name that rust-bitcoin prints.
#[test]
fn every_opcode_has_its_name_of_rust_bitcoin() {
    for byte in (0..=255u8).filter(|byte| !(0x01..=0x4e).contains(byte)) {
        let text = ScriptBuf::from_bytes(vec![byte]).to_asm_string();
        assert_eq!(assemble(&text), Ok(vec![byte]), "{text}");
    }
}
