//! `sigstack verify`: one spend, its consensus verdict and its policy verdict.

use std::fs;
use std::io::{self, Write};

use bitcoin::consensus::encode::{Decodable, deserialize};
use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
use serde_json::{Value, json};
use sigstack_interpreter::{FlagKind, Flags, PROPOSALS, Spend, UsageError, VerifyError};
use sigstack_vectors::{Question, ReadOptions};

use crate::args::VerifyArgs;
use crate::find::{Content, Source};
use crate::output::{BAD, GOOD, Status, complain, location};

/// A spend, where it comes from, and what its file expects.
struct Subject {
    source: Option<String>,
    expected: Option<String>,
    question: Question,
}

/// A verdict under a set of flags.
struct Verdict {
    flags: Flags,
    verdict: Result<(), VerifyError>,
}

/// Runs the command.
pub(crate) fn run(args: &VerifyArgs, out: &mut impl Write) -> io::Result<Status> {
    let subjects = match subjects(args) {
        Ok(subjects) => subjects,
        Err(problem) => {
            complain(&problem);
            return Ok(Status::Unknown);
        }
    };
    let mut status = Status::Yes;
    for subject in &subjects {
        match verdicts(&subject.question) {
            Ok(verdicts) => {
                if verdicts.asked.verdict.is_err() {
                    status = Status::No;
                }
                let write = if args.json { write_json } else { write_text };
                write(subject, &verdicts, out)?;
            }
            Err(error) => {
                complain(&error.to_string());
                return Ok(Status::Unknown);
            }
        }
    }
    Ok(status)
}

/// The spends to verify: the one on the command line, or those of a case.
fn subjects(args: &VerifyArgs) -> Result<Vec<Subject>, String> {
    let flags = args.flags.as_deref().map(read_flags).transpose()?;
    if let Some(case) = &args.case {
        return case_subjects(case, flags);
    }
    let hex = args.tx.as_deref().ok_or("--tx: is missing")?;
    let tx: Transaction = decode(&content(hex, "--tx")?, "--tx")?;
    let prevouts = args.prevouts.iter().enumerate().map(|(nth, text)| {
        let name = format!("--prevout {nth}");
        read_prevout(&content(text, &name)?, &name)
    });
    let prevouts = prevouts.collect::<Result<Vec<TxOut>, String>>()?;
    let flags = flags.unwrap_or(Flags::CONSENSUS);
    let question = Question { tx, prevouts, index: args.input, flags };
    Ok(vec![Subject { source: None, expected: None, question }])
}

/// An argument's text, or that of the file that it names.
fn content(text: &str, name: &str) -> Result<String, String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let content = fs::read_to_string(path).map_err(|error| format!("{name}: {path}: {error}"))?;
    Ok(content.trim().to_owned())
}

fn decode<T: Decodable>(hex: &str, name: &str) -> Result<T, String> {
    let bytes = hex::decode(hex).map_err(|error| format!("{name}: bad hex: {error}"))?;
    deserialize(&bytes).map_err(|error| format!("{name}: {error}"))
}

fn read_prevout(text: &str, name: &str) -> Result<TxOut, String> {
    let Some((satoshi, script)) = text.split_once(':') else { return decode(text, name) };
    let satoshi = satoshi.parse().map_err(|error| format!("{name}: {satoshi:?}: {error}"))?;
    let script = hex::decode(script).map_err(|error| format!("{name}: bad hex: {error}"))?;
    Ok(TxOut { value: Amount::from_sat(satoshi), script_pubkey: ScriptBuf::from_bytes(script) })
}

/// Flags by name, `CONSENSUS` and `POLICY` among the names.
fn read_flags(text: &str) -> Result<Flags, String> {
    let names = text.split(',').map(str::trim);
    let flags = names.map(|name| match name {
        "CONSENSUS" => Ok(Flags::CONSENSUS),
        "POLICY" => Ok(Flags::POLICY),
        name => name.parse::<Flags>().map_err(|error| format!("--flags: {error}")),
    });
    let flags: Flags = flags.collect::<Result<_, String>>()?;
    flags.check().map_err(|error| format!("--flags: {error}"))?;
    Ok(flags)
}

fn case_subjects(case: &str, flags: Option<Flags>) -> Result<Vec<Subject>, String> {
    let wrong = || format!("--case {case}: must be FILE#N, with N a number from 1");
    let (path, number) = case.rsplit_once('#').ok_or_else(wrong)?;
    let number: usize = number.parse().map_err(|_| wrong())?;
    let source = Source { path: path.into(), is_named: true };
    let Content::Vectors(file) = source.read(ReadOptions::default()).map_err(|error| error.to_string())?
    else {
        return Err(format!("{path}: not a vector file"));
    };
    let entries: Vec<_> = file.entries_of(number).collect();
    let Some(last) = file.entries.last() else { return Err(format!("{path}: holds no case")) };
    if entries.is_empty() {
        return Err(format!("{path}: no case {number}; the last one is {}", last.number));
    }
    let subjects = entries.into_iter().flat_map(|entry| {
        entry.questions().into_iter().map(|question| Subject {
            source: Some(format!("{path} case {number}: {}", entry.comment)),
            expected: Some(entry.expected()),
            question: Question { flags: flags.unwrap_or(question.flags), ..question },
        })
    });
    let subjects: Vec<Subject> = subjects.collect();
    if subjects.is_empty() {
        return Err(format!("{path}: case {number} is about no spend"));
    }
    Ok(subjects)
}

/// The verdicts that are told.
struct Verdicts {
    /// Under exactly the flags that were named.
    asked: Verdict,
    consensus: Verdict,
    policy: Verdict,
}

fn verdicts(question: &Question) -> Result<Verdicts, UsageError> {
    let spend = Spend::new(&question.tx, &question.prevouts)?;
    let judge = |flags| match spend.verify(question.index, flags) {
        Err(VerifyError::Usage(error)) => Err(error),
        verdict => Ok(Verdict { flags, verdict }),
    };
    Ok(Verdicts {
        asked: judge(question.flags)?,
        consensus: judge(consensus_part(question.flags))?,
        policy: judge(with_policy(question.flags))?,
    })
}

/// The flags that are rules of a consensus: today's and those that activate proposals.
fn consensus_part(flags: Flags) -> Flags {
    flags - Flags::of_kind(FlagKind::Policy) - Flags::of_kind(FlagKind::ProposalPolicy)
}

/// The flags with all of today's policy, apart from the refusal of what is activated.
fn with_policy(flags: Flags) -> Flags {
    let active = PROPOSALS.iter().filter(|proposal| flags.contains(proposal.flag));
    (flags | Flags::POLICY) - active.map(|proposal| proposal.discourage).collect()
}

fn write_text(subject: &Subject, verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    if let Some(source) = &subject.source {
        writeln!(out, "{source}")?;
    }
    writeln!(out, "input {} of {}", subject.question.index, subject.question.tx.compute_txid())?;
    if let Some(expected) = &subject.expected {
        writeln!(out, "  expected   {expected}")?;
    }
    if verdicts.asked.flags != verdicts.consensus.flags {
        write_verdict("as named", &verdicts.asked, out)?;
    }
    write_verdict("consensus", &verdicts.consensus, out)?;
    write_verdict("policy", &verdicts.policy, out)
}

fn write_verdict(name: &str, verdict: &Verdict, out: &mut impl Write) -> io::Result<()> {
    match &verdict.verdict {
        Ok(()) => writeln!(out, "  {name:<9}  {GOOD}OK{GOOD:#}"),
        Err(error) => writeln!(out, "  {name:<9}  {BAD}{error}{BAD:#}"),
    }
}

fn write_json(subject: &Subject, verdicts: &Verdicts, out: &mut impl Write) -> io::Result<()> {
    let object = json!({
        "source": subject.source,
        "txid": subject.question.tx.compute_txid().to_string(),
        "input": subject.question.index,
        "expected": subject.expected,
        "as_named": verdict_json(&verdicts.asked),
        "consensus": verdict_json(&verdicts.consensus),
        "policy": verdict_json(&verdicts.policy),
    });
    writeln!(out, "{object}")
}

fn verdict_json(verdict: &Verdict) -> Value {
    let (name, place) = match &verdict.verdict {
        Ok(()) => ("OK", None),
        Err(VerifyError::Script { error, location }) => (error.name(), Some(location)),
        Err(VerifyError::Usage(_)) => ("NONE", None),
    };
    json!({ "flags": verdict.flags.to_string(), "verdict": name, "stopped": location(place) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_does_not_refuse_what_is_activated() {
        let flags = Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK;
        let policy = with_policy(flags);
        assert!(policy.contains(Flags::CHECKSIGFROMSTACK | Flags::DISCOURAGE_OP_CAT | Flags::MINIMALDATA));
        assert!(!policy.intersects(Flags::DISCOURAGE_CHECKSIGFROMSTACK));
        assert_eq!(consensus_part(policy), flags);
    }

    #[test]
    fn flags_are_named_singly_or_as_sets() {
        assert_eq!(read_flags("CONSENSUS, OP_CAT"), Ok(Flags::CONSENSUS | Flags::OP_CAT));
        assert_eq!(read_flags("NONE"), Ok(Flags::NONE));
        assert_eq!(read_flags("FOO"), Err("--flags: unknown flag \"FOO\"".into()));
        assert_eq!(read_flags("WITNESS"), Err("--flags: the flag WITNESS needs P2SH".into()));
    }
}
