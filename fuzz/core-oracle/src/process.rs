//! The oracle, a separate process with Bitcoin Core's code. It reads one test case on each line and writes one answer
//! on each line.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A running oracle process, which verifies test cases with Bitcoin Core's code.
pub(crate) struct Oracle {
    binary: PathBuf,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts an oracle process with the option `--core-flags`. It then interprets flags as Core does.
    pub(crate) fn start(binary: &Path) -> io::Result<Oracle> {
        let command =
            Command::new(binary).arg("--core-flags").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let with_path = |error: io::Error| io::Error::other(format!("{}: {error}", binary.display()));
        let mut child = command.map_err(with_path)?;
        let missing = || io::Error::other("a process without pipes");
        let input = child.stdin.take().ok_or_else(missing)?;
        let output = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        Ok(Oracle { binary: binary.to_owned(), child, input, output })
    }

    /// Returns the oracle's answer to a test case. Returns `None` if the process died. In that case it is restarted
    /// for the next case.
    pub(crate) fn ask(&mut self, case: &str) -> io::Result<Option<String>> {
        let mut answer = String::new();
        let asked = self.input.write_all(format!("{case}\n").as_bytes());
        let answered = asked.and_then(|()| self.output.read_line(&mut answer));
        if answered.is_ok() && answer.ends_with('\n') {
            return Ok(Some(answer.trim_end().to_owned()));
        }
        *self = Oracle::start(&self.binary)?;
        Ok(None)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Both calls fail only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shell script that the tests use as an oracle. It answers each case with the first argument of the script
    /// followed by the case. If the case is `die`, the script exits without an answer.
    const ECHO: &str = r#"#!/bin/sh
while read -r line; do
  [ "$line" != die ] || exit 1
  echo "$1 $line"
done
"#;

    #[test]
    fn a_case_that_kills_the_oracle_has_no_answer_and_the_next_has_one() {
        use std::os::unix::fs::PermissionsExt;
        let script = std::env::temp_dir().join(format!("sigstack-echo-{}", std::process::id()));
        std::fs::write(&script, ECHO).unwrap();
        std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
        let mut oracle = Oracle::start(&script).unwrap();
        let mut ask = |case| oracle.ask(case).unwrap();
        let answers = [ask("one"), ask("die"), ask("two")];
        std::fs::remove_file(&script).unwrap();
        assert_eq!(answers, [Some("--core-flags one".to_owned()), None, Some("--core-flags two".to_owned())]);
    }

    #[test]
    fn an_oracle_that_is_missing_is_named() {
        let error = Oracle::start(Path::new("/nowhere/core-oracle")).err().unwrap();
        assert!(error.to_string().starts_with("/nowhere/core-oracle: "), "{error}");
    }
}
