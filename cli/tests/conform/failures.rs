//! Tests of `sigstack conform` with implementations that crash, hang, or stop answering.

use super::*;

/// If a command never answers, the run ends and the message gives the reason. Each command fails to answer in another
/// way.
#[test]
fn a_command_that_never_answers_does_not_hang_the_run() {
    let folder = folder("silent");
    let many: Vec<String> = (0..12).map(|nth| case(&format!("b/{nth:02}"), "many", "OK")).collect();
    fs::write(folder.join("many.jsonl"), many.join("\n")).unwrap();
    // The number makes the command line unique, so that no process of another test has it.
    let sleep = format!("sleep {}", 1_000_000 + std::process::id());
    let run = |script: &str, timeout: &str, end: &str| {
        let script = script.replace("SLEEP", &sleep);
        let ran = conform(&folder, &["many.jsonl", "--timeout", timeout, "--jobs", "2"], &script);
        assert_eq!(ran.status, 2, "{script}: {ran:?}");
        assert!(
            ran.err.starts_with(&format!("error: sh -c {script}: the command answered none of ")),
            "{ran:?}"
        );
        assert!(ran.err.contains(end), "{script}: {}", ran.err);
    };
    std::thread::scope(|scope| {
        for (script, timeout, end) in [
            ("exit 7", "60", "ended with exit status 7"),
            ("kill -9 $$", "60", "was ended by signal 9 (SIGKILL)"),
            ("cat", "60", "garbage: \"{\\\"id\\\":\\\"b/"),
            ("exec tr '\\0' x </dev/zero", "60", "garbage: a line of more than 4096 bytes: \"xxx"),
            ("exec >&-; SLEEP", "60", "the command closed its standard output"),
            // The first case may be written to the pipe before the pipe is closed.
            ("exec <&-; SLEEP", "1", "no answer"),
            ("exec SLEEP", "1", "no answer within 1 s"),
            ("SLEEP; echo OK", "1", "no answer within 1 s"),
            ("SLEEP & SLEEP", "1", "no answer within 1 s"),
            ("yes error >&2", "1", "no answer within 1 s"),
        ] {
            let run = &run;
            scope.spawn(move || run(script, timeout, end));
        }
    });
    #[cfg(target_os = "linux")]
    for _ in 0..1000 {
        // A killed process may take a moment to end.
        if !is_running(&sleep) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    #[cfg(target_os = "linux")]
    panic!("a process was left behind");
}

/// Returns `true` if a process with this command line is running.
#[cfg(target_os = "linux")]
fn is_running(line: &str) -> bool {
    // Processes may start and end while the folder is read, so missing files are ignored.
    let command = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).unwrap_or_default();
    let mut commands = fs::read_dir("/proc").unwrap().map(|entry| command(entry.unwrap()));
    commands.any(|words| String::from_utf8_lossy(&words).replace('\0', " ").trim_end() == line)
}

/// If a process fails in one case, only this case counts as a failure, even if the process hangs, floods its output
/// or answers twice.
#[test]
fn a_failure_is_a_failure_of_one_case() {
    let folder = folder("once");
    for (what, got) in [
        ("sleep 5000", "no answer within 3 s"),
        ("echo", "garbage: \"\""),
        ("kill -11 $$", "no answer: the command was ended by signal 11 (SIGSEGV)"),
        ("exit 0", "no answer: the command ended with exit status 0"),
        ("printf '\\377\\n'", "garbage: \"\u{fffd}\""),
    ] {
        let script = format!(
            "while read -r line; do case $line in *a/plain*) {what} ;; *a/lax*|*a/other*) echo error ;; *) echo OK ;; esac; done"
        );
        let ran = conform(&folder, &["cases.jsonl", "--timeout", "3", "--jobs", "1", "--json"], &script);
        let (cases, summary) = ran.json();
        assert_eq!(ran.status, 1, "{what}: {ran:?}");
        assert_eq!(
            (cases.len(), &cases[0]["id"], &cases[0]["got"]),
            (1, &"a/plain".into(), &got.into()),
            "{what}"
        );
        assert_eq!(summary["total"]["agrees"], 7, "{what}");
    }
    // A second line is noticed at the next question or a later one, depending on when it is received.
    for what in ["echo OK; echo OK", "echo OK; yes"] {
        let script =
            format!("while read -r line; do case $line in *a/plain*) {what} ;; *) echo OK ;; esac; done");
        let args = ["cases.jsonl", "--filter", "a/", "--rule", "r", "--jobs", "1", "--json"];
        let ran = conform(&folder, &args, &script);
        let silent = ran.json().0.into_iter().filter(|case| case["outcome"] == "no_answer");
        let got: Vec<String> = silent.map(|case| case["got"].as_str().unwrap().to_owned()).collect();
        assert!(got.len() == 1 && got[0].starts_with("garbage: "), "{what}: {got:?}");
    }
    // A process that answers before it is asked cannot agree, however fast it is.
    let ran = conform(&folder, &["cases.jsonl", "--rule", "processes", "--json"], "yes OK");
    // The status is 2 if none of the answers counts.
    assert!(matches!(ran.status, 1 | 2), "{ran:?}");
    assert!(ran.out.contains("garbage: a second line for one case: \\\"OK\\\""), "{ran:?}");
    // After the last case no further question is asked, but a second line is noticed nevertheless.
    let ran =
        conform(&folder, &["cases.jsonl", "--id", "a/good", "--json"], "read -r line; echo OK; echo OK");
    assert_eq!(outcomes(&ran), [("a/good".to_owned(), "no_answer".to_owned())]);
}

/// If a process crashes after an answer, before or instead of reading the next case, the crash is not counted for the
/// next case.
#[test]
fn a_crash_after_an_answer_is_no_failure_of_the_next_case() {
    let folder = folder("crash-between");
    let args = ["cases.jsonl", "--rule", "processes", "--jobs", "1"];
    for crash in ["kill -11 $$", "sleep 0.2; kill -11 $$"] {
        let script =
            format!("while read -r line; do echo OK; case $line in *a/crash*) {crash} ;; esac; done");
        let ran = conform(&folder, &args, &script);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{crash}: {ran:?}");
        let note = "1 time a process crashed after an answer, and another one answered the next\n\
                    case; first after a/crash: the command was ended by signal 11 (SIGSEGV)\n";
        assert_eq!(ran.out, format!("{note}3 cases: 3 agree\n"), "{crash}");
    }
    // If the new process crashes as well, the case fails, and no other crash is reported.
    let script = "while read -r line; do case $line in *a/garbage*) exit 3 ;; esac; echo OK; done";
    let ran = conform(&folder, &[&args[..], &["--json"]].concat(), script);
    assert_eq!(ran.status, 1, "{ran:?}");
    assert_eq!(outcomes(&ran), [("a/garbage".to_owned(), "no_answer".to_owned())]);
    assert_eq!(ran.json().1["crashed_between_cases"], 0);
}

/// An implementation that ends after each answer, omits the line feed after an answer, or answers slowly is still
/// counted as correct.
#[test]
fn a_process_may_answer_one_case_only() {
    let folder = folder("one-shot");
    let args = ["cases.jsonl", "--rule", "processes"];
    for script in [
        "read -r line; echo OK",
        "read -r line; printf OK",
        "while read -r line; do sleep 0.1; echo OK; done",
    ] {
        let ran = conform(&folder, &args, script);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{script}: {ran:?}");
        assert_eq!(ran.out, "3 cases: 3 agree\n");
    }
}
