//! Tests `sigstack conform` with implementations that are correct, wrong, slow or broken, and with programs that are
//! not implementations.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod failures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit status, standard output and standard error of a run of `sigstack conform`.
#[derive(Debug)]
struct Ran {
    status: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Returns the JSON objects of the reported cases, and the summary object.
    fn json(&self) -> (Vec<Value>, Value) {
        let mut lines: Vec<Value> = self
            .out
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{self:?}")))
            .collect();
        // The last object may be the error with which the command ended.
        lines.pop_if(|last| last.get("error").is_some());
        let summary = lines.pop().unwrap()["summary"].take();
        (lines, summary)
    }
}

/// Runs `sigstack conform` with a shell script as the implementation.
fn conform(folder: &Path, args: &[&str], script: &str) -> Ran {
    let command = [&["conform"], args, &["--", "sh", "-c", script]].concat();
    let output =
        Command::new(env!("CARGO_BIN_EXE_sigstack")).args(command).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Returns a test case, as JSON, about an input without a signature.
fn case(id: &str, rule: &str, expect: &str) -> String {
    let tx = format!("0100000001{}01{}", "0".repeat(82), "0".repeat(26));
    // Different amounts make the questions different.
    let amount: u32 = id.bytes().map(u32::from).sum();
    format!(
        r#"{{"id":"{id}","comment":"about {id}","tx":"{tx}","index":0,"prevouts":["{:04x}0000000000000151"],"flags":"NONE","expect":"{expect}","group":"a","rule":"{rule}"}}"#,
        amount
    )
}

/// Creates a folder with the file `cases.jsonl`, which has the test cases.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conform").join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let cases = [
        case("a/good", "numbers", "OK"),
        case("a/lax", "numbers", "EVAL_FALSE"),
        case("a/other", "numbers", "VERIFY"),
        case("a/plain", "a rule whose text is so long that it needs more than one line of the table", "OK"),
        case("a/crash", "processes", "OK"),
        case("a/garbage", "processes", "OK"),
        case("a/after", "processes", "OK"),
        case("a/unknown", "flags", "OK"),
    ];
    fs::write(folder.join("cases.jsonl"), cases.join("\n")).unwrap();
    folder
}

/// Shell script that plays the tested implementation and makes a different mistake in each case.
const WRONG: &str = r#"
while read -r line; do
  case $line in
    *'"id":"a/other"'*) echo EQUALVERIFY ;;
    *'"id":"a/crash"'*) echo 'one line' >&2; echo 'the last line' >&2; exit 3 ;;
    *'"id":"a/garbage"'*) echo FINE ;;
    *'"id":"a/unknown"'*) echo '? unknown flag' ;;
    *) echo OK ;;
  esac
done"#;

const EXACT: &str = r#"                                                                   no
rule                     agrees  wrong verdict  other error    answer  abstained
a: numbers                    1              1            1         0          0
a: processes                  1              0            0         2          0
(1 rule abstained from)       0              0            0         0          1
(1 rule in agreement)         1              0            0         0          0
total                         3              1            1         2          1

wrong verdict a/lax
     about     about a/lax
     rule      a: numbers
     expected  EVAL_FALSE
     got       OK

no answer a/crash
     about     about a/crash
     rule      a: processes
     expected  OK
     got       no answer: the command ended with exit status 3
     stderr    the last line

no answer a/garbage
     about     about a/garbage
     rule      a: processes
     expected  OK
     got       garbage: "FINE"

other error a/other
     about     about a/other
     rule      a: numbers
     expected  VERIFY
     got       EQUALVERIFY

abstained from 1 case: unknown flag
8 cases: 3 agree, 1 wrong verdict, 1 other error, 2 without an answer, 1
abstained
"#;

#[test]
fn the_table_and_the_differences_are_exactly_these() {
    let folder = folder("exact");
    let ran = conform(&folder, &["cases.jsonl"], WRONG);
    assert_eq!((ran.status, ran.err.as_str(), ran.out.as_str()), (1, "", EXACT));
}

/// Returns the id and the outcome of each case on which the implementation does not agree.
fn outcomes(ran: &Ran) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    ran.json().0.iter().map(|case| (text(&case["id"]), text(&case["outcome"]))).collect()
}

#[test]
fn each_case_has_its_outcome_however_many_processes_there_are() {
    let folder = folder("outcomes");
    let expected = [
        ("a/lax", "wrong_verdict"),
        ("a/other", "other_error"),
        ("a/crash", "no_answer"),
        ("a/garbage", "no_answer"),
        ("a/unknown", "abstained"),
    ];
    for jobs in ["1", "2", "8"] {
        let ran = conform(&folder, &["cases.jsonl", "--json", "--jobs", jobs], WRONG);
        let found = outcomes(&ran);
        let found: Vec<(&str, &str)> = found.iter().map(|(id, kind)| (id.as_str(), kind.as_str())).collect();
        assert_eq!((ran.status, found.as_slice()), (1, &expected[..]), "{jobs}: {ran:?}");
        let (cases, summary) = ran.json();
        assert_eq!(cases[2]["got"], "no answer: the command ended with exit status 3");
        assert_eq!(cases[2]["stderr"], "one line\nthe last line");
        assert_eq!(cases[3]["got"], "garbage: \"FINE\"");
        assert_eq!(cases[0]["places"][0], "cases.jsonl#2");
        assert_eq!((summary["cases"].as_u64(), summary["differences"].as_u64()), (Some(8), Some(3)));
        assert_eq!(summary["total"]["agrees"], 3);
        assert_eq!(summary["abstentions"][0]["reason"], "unknown flag");
    }
}

#[test]
fn the_exit_status_says_whether_the_verdicts_agree() {
    let folder = folder("status");
    let status = |args: &[&str], script: &str| {
        let ran = conform(&folder, &[&["cases.jsonl"], args].concat(), script);
        (ran.status, ran.err, ran.out.lines().last().unwrap_or_default().to_owned())
    };
    let right =
        "while read -r line; do case $line in *a/lax*|*a/other*) echo EVAL_FALSE ;; *) echo OK ;; esac; done";
    let (code, err, last) = status(&[], right);
    assert_eq!((code, err.as_str(), last.as_str()), (0, "", "8 cases: 7 agree, 1 other error"));
    assert_eq!(status(&["--errors"], right).0, 1);
    // A rejection without an error name agrees, unless `--errors` is given.
    let unnamed = "while read -r line; do case $line in *a/lax*|*a/other*) echo error: false ;; *) echo OK ;; esac; done";
    assert_eq!(status(&[], unnamed).0, 1, "a colon is no space");
    let unnamed = unnamed.replace("error:", "error");
    assert_eq!(status(&[], &unnamed).0, 0);
    assert_eq!(status(&["--errors"], &unnamed).0, 1);
    let (code, err, _) = status(&[], "while read -r line; do echo '?'; done");
    assert_eq!(
        (code, err.as_str()),
        (2, "error: the command abstained from every case, so nothing was compared\n")
    );
    let none = "error: the command answered none of 2 cases, so nothing was compared\n";
    for (one, other) in [("exit 3", "exit 3"), ("exit 3", "echo '?'"), ("echo FINE", "exit 0")] {
        let script =
            format!("while read -r line; do case $line in *a/good*) {one} ;; *) {other} ;; esac; done");
        let (code, err, last) = status(&["--filter", "a/g", "--id", "a"], &script);
        assert_eq!((code, err.as_str()), (2, none), "{script}");
        assert!(last.starts_with("2 cases: 0 agree, "), "{last}");
    }
    assert_eq!(status(&["--id", "a/unknown"], WRONG).0, 2);
    assert_eq!(status(&["--id", "A/GOOD"], WRONG).0, 0);
    assert_eq!(status(&["--rule", "Numbers", "--filter", "about a/g"], WRONG).0, 0);
    let (code, err, _) = status(&["--file", "other"], WRONG);
    assert_eq!((code, err.lines().next().unwrap()), (2, "error: --file \"other\" matches none of 1 file"));
    for (args, expected) in [
        (&["--rule", "num", "--id", "B"][..], "error: --rule \"num\" and --id \"B\" match none of 8 cases"),
        (&["--filter", "nowhere"], "error: --filter \"nowhere\" matches none of 8 cases"),
    ] {
        let (code, err, out) = status(args, WRONG);
        assert_eq!((code, err.lines().next().unwrap(), out.as_str()), (2, expected, ""));
    }
}

#[test]
fn a_command_that_cannot_be_started_is_named() {
    let folder = folder("start");
    let run = |args: &[&str]| {
        let command = [&["conform", "cases.jsonl"], args].concat();
        let output =
            Command::new(env!("CARGO_BIN_EXE_sigstack")).args(command).current_dir(&folder).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (status, error) = run(&["--", "no-such-program", "--option"]);
    assert_eq!(status, 2);
    assert!(
        error.starts_with("error: no-such-program: there is no such program\nhint: name a program"),
        "{error}"
    );
    for (command, expected) in [
        (
            "./cases.jsonl",
            "error: ./cases.jsonl: is a file that is not executable\nhint: chmod +x ./cases.jsonl makes it executable; or \
             name its interpreter before it, such as python3 ./cases.jsonl\n",
        ),
        (
            "cases.jsonl",
            "error: cases.jsonl: there is no such program in the PATH, but a file of this name is here\n\
             hint: write ./cases.jsonl\n",
        ),
        ("./", "error: ./: is a folder, not a program\nhint: name a program in it, such as ./program\n"),
    ] {
        assert_eq!(run(&["--", command]), (2, expected.to_owned()));
    }
    #[cfg(unix)]
    for (content, expected) in [
        (
            "#!/nowhere/sh\n",
            "its interpreter, which its first line names after #!, does not exist\nhint: correct the first line",
        ),
        (
            "echo OK\n",
            "cannot be started: Exec format error (os error 8)\nhint: a script begins with a line such as #!/bin/sh",
        ),
    ] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(folder.join("program"), content).unwrap();
        fs::set_permissions(folder.join("program"), fs::Permissions::from_mode(0o755)).unwrap();
        let (status, error) = run(&["--", "./program"]);
        assert!(status == 2 && error.starts_with(&format!("error: ./program: {expected}")), "{error}");
    }
    let (status, error) = run(&[]);
    assert_eq!((status, error.lines().next().unwrap()), (2, "error: missing: <COMMAND>..."), "{error}");
    let (status, error) = run(&["--timeout", "0", "--", "true"]);
    assert_eq!(
        (status, error.lines().next().unwrap()),
        (2, "error: --timeout: 0 is less than 1: a process needs time to start")
    );
    let report =
        ["--junit", "missing/report.xml", "--id", "a/good", "--", "sh", "-c", "read -r line; echo OK"];
    let (status, error) = run(&report);
    assert!(status == 2 && error.starts_with("error: --junit: missing/report.xml: "), "{error}");
}

/// The lines sent to the implementation contain the fields of the case without the verdict. The order of these fields
/// does not depend on the order of a hash map.
#[test]
fn the_lines_are_the_cases_without_their_verdicts() {
    let folder = folder("lines");
    let whole = case("a/lax", "numbers", "EVAL_FALSE");
    let fields: Value = serde_json::from_str(&whole).unwrap();
    let line = format!(
        r#"{{"id":"a/lax","rule":"numbers","tx":{},"index":0,"prevouts":{},"flags":"NONE"}}"#,
        fields["tx"], fields["prevouts"]
    );
    let ran = conform(&folder, &["cases.jsonl", "--id", "a/lax", "--json"], "read -r line; echo OK");
    assert_eq!(ran.json().0[0]["line"], line);
}

#[test]
fn two_reports_need_two_files() {
    let folder = folder("same-file");
    fs::create_dir(folder.join("sub")).unwrap();
    for other in ["report", "./report", "sub/../report"] {
        let ran = conform(&folder, &["cases.jsonl", "--junit", "report", "--html", other], WRONG);
        let expected = format!(
            "error: --html: {other}: --junit names the same file\nhint: name a file for each report\n"
        );
        assert_eq!((ran.status, ran.out.as_str(), ran.err), (2, "", expected));
        assert!(!folder.join("report").exists());
    }
    let args = ["cases.jsonl", "--junit", "report", "--html", "sub/report"];
    assert_eq!(conform(&folder, &args, WRONG).status, 1);
}

#[test]
fn reports_are_written_for_other_programs() {
    let folder = folder("reports");
    let args = ["cases.jsonl", "--junit", "report.xml", "--html", "report.html"];
    assert_eq!(conform(&folder, &args, WRONG).status, 1);
    let xml = fs::read_to_string(folder.join("report.xml")).unwrap();
    assert!(xml.contains(r#"tests="8" failures="1" errors="2" skipped="1" time=""#), "{xml}");
    for line in [
        r#"<testsuite name="a: numbers" tests="3" failures="1" errors="0" skipped="0" time=""#,
        r#"<failure type="wrong verdict" message="expected EVAL_FALSE, got OK">about a/lax"#,
        r#"<system-out>expected VERIFY, got EQUALVERIFY</system-out>"#,
        r#"<error type="no answer" message="expected OK, got garbage: &quot;FINE&quot;">about a/garbage"#,
        r#"<skipped message="? unknown flag"/>"#,
    ] {
        assert_eq!(xml.matches(line).count(), 1, "{line}: {xml}");
    }
    assert_eq!(xml.matches("<testcase ").count(), 8);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    for part in [
        "<p class=\"verdict bad\">3 differences</p>",
        "<li class=\"bad\"><strong>1</strong>wrong verdict</li>",
        "<li class=\"mind\"><strong>1</strong>abstained</li>",
        "<tr><td>unknown flag</td><td class=\"n\">1</td></tr>",
        "prefers-color-scheme: dark",
        "<code>a/lax</code>: expected <code>EVAL_FALSE</code>, got <code>OK</code>",
        "<dt>scriptPubKey</dt><dd><code>OP_1</code></dd>",
        "<pre>one line\nthe last line</pre>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    for foreign in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
        assert!(!page.contains(foreign), "the page asks for {foreign}");
    }
    assert_eq!(page.matches("<details>").count(), 4);
}

/// The tested program deletes itself before its process crashes in the fourth case. The run reports the results so
/// far, and names the cases that were not sent.
#[cfg(unix)]
#[test]
fn a_run_that_stops_reports_what_it_knows() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("stops");
    let program = folder.join("program");
    let script = "#!/bin/sh\nwhile read -r line; do case $line in *a/plain*) rm program; exit 3 ;; esac; echo OK; done\n";
    let run = |args: &[&str]| {
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let command = [&["conform", "cases.jsonl", "--jobs", "1"], args, &["--", "./program"]].concat();
        let output =
            Command::new(env!("CARGO_BIN_EXE_sigstack")).args(command).current_dir(&folder).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { status: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    };
    let ran = run(&["--junit", "report.xml", "--html", "report.html"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.err.starts_with("error: ./program: there is no such program\n"), "{ran:?}");
    let end = "not asked, because the run stopped: 5 cases, the first of them a/plain; --json\nlists all\n\
               8 cases: 1 agree, 2 wrong verdicts, 5 without an answer\n";
    assert!(ran.out.ends_with(end), "{}", ran.out);
    let xml = fs::read_to_string(folder.join("report.xml")).unwrap();
    assert!(xml.contains(r#"tests="8" failures="2" errors="5" skipped="0""#), "{xml}");
    assert_eq!(xml.matches("got not asked, because the run stopped\"").count(), 5, "{xml}");
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    for part in [
        "The run stopped, and 5 cases of these were not asked. ./program: there is no such program",
        "<h2>Not asked</h2>\n<p><code>a/plain</code>, <code>a/crash</code>, ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let ran = run(&["--json"]);
    let unasked: Vec<_> = outcomes(&ran).into_iter().filter(|(_, outcome)| outcome == "no_answer").collect();
    assert_eq!((unasked.len(), unasked[0].0.as_str()), (5, "a/plain"), "{ran:?}");
    assert_eq!(ran.json().1["not_asked"], 5);
    assert!(ran.out.lines().last().unwrap().starts_with("{\"error\":"), "{}", ran.out);
}

/// The report files are also written if no process can be started, so that nobody mistakes the reports of an earlier
/// run for those of this one.
#[test]
fn a_command_that_cannot_be_started_has_reports() {
    let folder = folder("start-reports");
    fs::write(folder.join("report.xml"), "of another run").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_sigstack"))
        .args(["conform", "cases.jsonl", "--junit", "report.xml", "--", "./no-such-program"])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(2), &b""[..]));
    let xml = fs::read_to_string(folder.join("report.xml")).unwrap();
    assert!(xml.contains(r#"tests="8" failures="0" errors="8" skipped="0""#), "{xml}");
}

/// `sigstack conform` also reads vector files in the formats of other projects. Like `sigstack vectors`, it reports an
/// error for each case or file that cannot be read.
#[test]
fn what_cannot_be_asked_is_counted() {
    let folder = folder("left-out");
    let rows = r#"[["1", "", "", "OK"], ["0", "", "", "EVAL_FALSE"], ["FOO", "", "", "OK"]]"#;
    fs::write(folder.join("rows.json"), rows).unwrap();
    let script = "while read -r line; do case $line in *'#1\"'*) echo OK ;; *) echo EVAL_FALSE ;; esac; done";
    let ran = conform(&folder, &["rows.json"], script);
    assert_eq!(
        (ran.status, ran.err.as_str()),
        (2, "error: rows.json: case 3: scriptSig: no opcode is named \"FOO\"\n")
    );
    assert!(ran.out.ends_with("2 cases: 2 agree\n"), "{ran:?}");
    let missing = conform(&folder, &["missing.json"], script);
    assert!(
        missing.status == 2 && missing.err.starts_with("error: missing.json: cannot be read: "),
        "{missing:?}"
    );
    // No table is printed if there is no case to ask.
    assert_eq!(
        (missing.out.as_str(), missing.err.lines().nth(1)),
        ("", Some("error: missing.json has no case to ask"))
    );
    fs::create_dir(folder.join("empty")).unwrap();
    let empty = conform(&folder, &["empty", "--json"], script);
    assert_eq!(empty.out.lines().count(), 1, "{empty:?}");
    assert!(empty.out.contains(r#""problem":"empty has no case to ask""#), "{empty:?}");
    let at = conform(&folder, &["@rows.json"], script);
    assert!(at.err.contains("hint: write rows.json"), "{at:?}");
}

/// An implementation without a proposal may reject a reserved opcode by its own policy. The case still counts as
/// agreement.
#[test]
fn todays_policy_agrees_where_a_proposal_is_not_active() {
    let folder = folder("policy");
    let run = |answer: &str| {
        conform(
            &folder,
            &["--id", "ctv/bare-inactive-generic", "--json"],
            &format!("read -r line; echo {answer}"),
        )
    };
    for (answer, status, as_policy) in
        [("OK", 0, 0), ("DISCOURAGE_UPGRADABLE_NOPS", 0, 1), ("error", 0, 1), ("DISCOURAGE_OP_SUCCESS", 1, 0)]
    {
        let ran = run(answer);
        assert_eq!(
            (ran.status, &ran.json().1["as_policy"]),
            (status, &as_policy.into()),
            "{answer}: {ran:?}"
        );
    }
}

/// Ctrl-C also ends the processes of the implementation, although they are in process groups of their own.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_no_process() {
    use std::io::Read as _;
    use std::os::unix::process::ExitStatusExt as _;
    let folder = folder("interrupted");
    let script = "echo $$ >>pids; while read -r line; do sleep 6000; done";
    let mut child = Command::new(env!("CARGO_BIN_EXE_sigstack"))
        .args(["conform", "cases.jsonl", "--jobs", "2", "--", "sh", "-c", script])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pids = || fs::read_to_string(folder.join("pids")).unwrap_or_default();
    while pids().lines().count() < 2 {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    let signal = |name: &str, pid: &str| {
        let kill = format!("kill -{name} {pid}");
        Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(signal("INT", &child.id().to_string()));
    assert_eq!(child.wait().unwrap().signal(), Some(2));
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "");
    for pid in pids().lines() {
        assert!(!signal("0", pid), "{pid} still runs");
    }
}
