//! Compares traces of scripts with the frames that Bitcoin Core's kernel reports. docs/trace-format.md lists which
//! fields of both formats correspond. These fields must be equal.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::deserialize_hex;
use serde_json::{Value, json};
use sigstack_debugger::{Options, Psbt, Subject, Trace, json as frames};
use sigstack_interpreter::{CodePoints, Flags};

/// Value that the kernel reports in place of an opcode at the end of a script.
const NO_OPCODE: u8 = 255;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples").join(name)
}

fn transaction(name: &str) -> bitcoin::Transaction {
    deserialize_hex(fs::read_to_string(example(name)).unwrap().trim()).unwrap()
}

fn psbt(name: &str) -> Subject {
    let psbt = Psbt::read(&fs::read(example(name)).unwrap()).unwrap();
    let prevouts = psbt.inputs.into_iter().map(|input| input.prevout.unwrap()).collect();
    Subject {
        tx: psbt.tx,
        prevouts,
        input: 0,
        flags: Flags::CONSENSUS,
        code_points: CodePoints::default(),
        internal_key: None,
    }
}

/// Traces the verification of an input, and converts the frames of its scripts to the JSON format in which Bitcoin
/// Core's kernel reports them.
fn as_kernel(subject: Subject) -> Vec<Value> {
    let trace = Trace::record(subject, Options::default()).unwrap();
    let mut size = 0;
    let mut told = Vec::new();
    for frame in frames::frames(&trace) {
        let kind = frame["kind"].as_str().unwrap();
        if kind == "begin" {
            size = frame["script"].as_str().unwrap().len() / 2;
        }
        // The kernel's prototype reports nothing when an opcode fails.
        let ended = kind == "end" && frame["script_error"] == "OK";
        if kind != "step" && !ended {
            continue;
        }
        let sig_version = match frame["sig_version"].as_str().unwrap() {
            "BASE" => 0,
            "WITNESS_V0" => 1,
            _ => 3,
        };
        told.push(json!({
            "opcode_pos": frame["opcode_pos"],
            "opcode": if ended { json!(NO_OPCODE) } else { frame["opcode"].clone() },
            "exec": frame["exec"],
            "op_count": frame["op_count"],
            "sig_version": sig_version,
            "codeseparator_pos": frame["codeseparator_pos"],
            "tapleaf_hash": frame["tapleaf_hash"],
            "stack": frame["stack"],
            "script_size": size,
        }));
    }
    told
}

#[test]
fn the_frames_are_those_of_the_kernel() {
    let p2wpkh = Subject {
        tx: transaction("p2wpkh.tx"),
        prevouts: transaction("parent.tx").output[..1].to_vec(),
        input: 0,
        flags: Flags::CONSENSUS,
        code_points: CodePoints::default(),
        internal_key: None,
    };
    for (name, subject) in [
        ("p2wpkh", p2wpkh),
        ("checksigadd", psbt("checksigadd.psbt")),
        ("checksigadd-wrong", psbt("checksigadd-wrong.psbt")),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel").join(format!("{name}.jsonl"));
        let kernel = fs::read_to_string(path).unwrap();
        let kernel: Vec<Value> = kernel.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(kernel.len() >= 8, "{name}");
        assert_eq!(as_kernel(subject), kernel, "{name}");
    }
}
