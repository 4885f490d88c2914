//! Tests `sigstack conform` with the Python reference, and with faulty copies of it. Each fault is reported for the
//! rule that it violates.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sigstack_test_support::{Tool, tool};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs `sigstack conform` with a Python reference implementation. `args` begins with the name of the vector file.
/// Returns the exit status and the summary.
fn run(python: &Path, reference: &Path, args: &[&str]) -> (i32, Value) {
    run_client(python, &reference.join("serve.py"), args)
}

/// Runs `sigstack conform` with the Python program `client` as the implementation. Returns the exit status and the
/// summary.
fn run_client(python: &Path, client: &Path, args: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack"))
        .args(["conform", "--json", "--file"])
        .args(args)
        .arg("--")
        .arg(python)
        .arg(client)
        .env_remove("PYTHONUNBUFFERED")
        .current_dir(root())
        .output()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    let last = out.lines().last().unwrap_or_else(|| panic!("{error}"));
    let summary = serde_json::from_str::<Value>(last).unwrap()["summary"].take();
    (output.status.code().unwrap(), summary)
}

/// Returns the rules that have at least one case with this outcome.
fn rules(summary: &Value, outcome: &str) -> Vec<String> {
    let rows = summary["rules"].as_array().unwrap().iter();
    rows.filter(|row| row[outcome] != 0).map(|row| row["rule"].as_str().unwrap().to_owned()).collect()
}

/// Creates a copy of the Python reference in which one text of a file is replaced. The text must occur exactly once.
fn broken(name: &str, file: &str, old: &str, new: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conform-reference").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    for entry in fs::read_dir(root().join("test-vectors/reference")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "py") {
            fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
        }
    }
    let text = fs::read_to_string(folder.join(file)).unwrap();
    assert_eq!(text.matches(old).count(), 1, "{name}: {old}");
    fs::write(folder.join(file), text.replace(old, new)).unwrap();
    folder
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// The Python reference implementation gives the expected answer to every case of one proposal. `.ci/run` runs the same
/// check on all cases.
#[test]
fn the_reference_agrees() {
    let Some(python) = tool(Tool::Python) else { return };
    let (status, summary) =
        run(&python, &root().join("test-vectors/reference"), &["proposals/cat.jsonl", "--errors"]);
    assert_eq!((status, &summary["total"]["agrees"]), (0, &summary["cases"]), "{summary}");
    assert!(summary["cases"].as_u64() >= Some(300), "{summary}");
}

/// The example client `skeleton.py` agrees on, abstains from and fails as many cases as test-vectors/README.md shows.
#[test]
fn the_skeleton_of_a_client_accepts_what_it_can() {
    let Some(python) = tool(Tool::Python) else { return };
    let skeleton = root().join("test-vectors/clients/skeleton.py");
    let (status, summary) =
        run_client(&python, &skeleton, &["consensus/", "--id", "verdict/bare", "--timeout", "5"]);
    let total = &summary["total"];
    let counts = ["agrees", "wrong_verdict", "other_error", "no_answer", "abstained"];
    assert_eq!(
        (status, counts.map(|count| total[count].as_u64())),
        (1, [7, 8, 0, 0, 10].map(Some)),
        "{summary}"
    );
    let readme = fs::read_to_string(root().join("test-vectors/README.md")).unwrap();
    assert!(readme.contains("`25 cases: 7 agree, 8 wrong verdicts, 10 abstained`"));
}

#[test]
fn a_mistake_is_reported_at_its_rule() {
    let Some(python) = tool(Tool::Python) else { return };
    let of_csfs = ["proposals/csfs.jsonl", "--rule", "empty"];
    for (name, (file, old, new), selection, expected) in [
        (
            "csfs-accepts-empty-keys",
            ("script.py", "(R5)\n    require(key, \"TAPSCRIPT_EMPTY_PUBKEY\")", "(R5)"),
            &of_csfs[..],
            &["csfs: an empty key fails"][..],
        ),
        (
            "csfs-charges-empty-signatures",
            (
                "script.py",
                "    if signature:\n        charge_budget(m)\n    # (R11)",
                "    charge_budget(m)\n    # (R11)",
            ),
            &of_csfs,
            &["csfs: an empty signature costs nothing"],
        ),
        (
            "cat-of-521-bytes",
            (
                "script.py",
                "require(len(x1) + len(x2) <= MAX_ELEMENT_SIZE,",
                "require(len(x1) + len(x2) <= MAX_ELEMENT_SIZE + 1,",
            ),
            &["proposals/cat.jsonl", "--rule", "result"],
            &[
                "cat: a result of more than 520 bytes fails",
                "cat: a result that is too long fails, and is not cut, dropped or left out",
            ],
        ),
        (
            "ctv-index-of-a-byte",
            (
                "digests.py",
                "    preimage += le(index, 4)\n    return preimage, sha256(preimage)",
                "    preimage += le(index & 0xFF, 4)\n    return preimage, sha256(preimage)",
            ),
            &["proposals/ctv.jsonl", "--rule", "counts"],
            &["ctv: counts and the index have four bytes, and every input and output is hashed"],
        ),
        (
            "internalkey-without-zeros",
            ("script.py", "m.push(m.leaf.internal_key)", "m.push(m.leaf.internal_key.rstrip(b\"\\0\"))"),
            &["proposals/internalkey.jsonl", "--rule", "32"],
            &["internalkey: the key has 32 bytes, zeros at its ends included, whatever the input's index is"],
        ),
        (
            "templatehash-without-annex",
            (
                "digests.py",
                "        preimage += sha_annex(annex)\n    return preimage, tagged_hash(\"TemplateHash\"",
                "        pass\n    return preimage, tagged_hash(\"TemplateHash\"",
            ),
            &["proposals/templatehash.jsonl", "--rule", "hash"],
            &[
                "templatehash: the hash commits to nVersion, nLockTime, nSequences, outputs, the input's index and the annex, and to nothing else",
            ],
        ),
    ] {
        let (status, summary) = run(&python, &broken(name, file, old, new), selection);
        assert_eq!(
            (status, rules(&summary, "wrong_verdict").as_slice()),
            (1, &owned(expected)[..]),
            "{name}"
        );
        assert!(rules(&summary, "no_answer").is_empty(), "{name}");
        let cases = summary["cases"].as_u64().unwrap();
        let wrong = summary["total"]["wrong_verdict"].as_u64().unwrap();
        assert!(wrong >= 1 && wrong < cases / 3, "{name}: {wrong} of {cases}");
    }
}

/// A faulty copy of the Python reference raises an exception for a key that begins with a zero byte. The run
/// continues with the next case.
#[test]
fn a_crash_is_reported_at_its_rule() {
    let Some(python) = tool(Tool::Python) else { return };
    let push = "m.push(m.leaf.internal_key)";
    let copy = broken("crash", "script.py", push, &format!("assert m.leaf.internal_key[0]\n    {push}"));
    let (status, summary) = run(&python, &copy, &["proposals/internalkey.jsonl", "--rule", "32"]);
    let rule = "internalkey: the key has 32 bytes, zeros at its ends included, whatever the input's index is";
    assert_eq!((status, rules(&summary, "no_answer")), (1, vec![rule.to_owned()]), "{summary}");
    assert!(rules(&summary, "wrong_verdict").is_empty() && summary["total"]["agrees"] != 0, "{summary}");
}
