//! Clicks through the HTML pages of `sigstack trace --html` in headless Chromium.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use sigstack_test_support::{Tool, tool};

/// Names and `sigstack trace` arguments of failing inputs. Each one fails in another way, such as in a signature
/// check or after the last opcode.
const SPENDS: &[(&str, &[&str])] = &[
    ("signature", &["--psbt", "@docs/examples/checksigadd-wrong.psbt"]),
    ("proposal", &["--case", "csfs/invalid-hashed-message"]),
    (
        "branches",
        &["--script", "TOALTSTACK IF 1 ELSE 2 DROP ENDIF FROMALTSTACK <bb> EQUALVERIFY", "--stack", "1 <aa>"],
    ),
    ("unbalanced", &["--script", "1 IF 2", "--as", "p2wsh"]),
    ("rest", &["--script", "1 2 EQUALVERIFY DUP HASH160 <00112233> EQUAL", "--stack", "3"]),
];

#[test]
fn pages_can_be_clicked_through() {
    let (Some(python), Some(chromium)) = (tool(Tool::Python), tool(Tool::Chromium)) else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (name, args) in SPENDS {
        let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.html"));
        let written = Command::new(env!("CARGO_BIN_EXE_sigstack"))
            .args(["trace", "--html"])
            .arg(&page)
            .args(*args)
            .current_dir(root)
            .output()
            .unwrap();
        assert_eq!(written.status.code(), Some(1), "{name}: {}", String::from_utf8_lossy(&written.stderr));
        let trace = page.with_extension("jsonl");
        let printed = Command::new(env!("CARGO_BIN_EXE_sigstack"))
            .args(["trace", "--json"])
            .args(*args)
            .current_dir(root)
            .output()
            .unwrap();
        fs::write(&trace, printed.stdout).unwrap();
        let script = root.join("debugger/tests/click_page.py");
        let clicked =
            Command::new(&python).arg(script).arg(&chromium).arg(&page).arg(&trace).output().unwrap();
        let said = String::from_utf8_lossy(&[clicked.stdout, clicked.stderr].concat()).into_owned();
        eprintln!("{said}");
        assert_eq!(clicked.status.code(), Some(0), "{name}: {said}");
    }
}
