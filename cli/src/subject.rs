//! The spends that a command is asked about, wherever they come from.

use std::path::PathBuf;

use bitcoin::{Transaction, TxOut};
use sigstack_debugger::{BareContext, BareTx, Psbt, assemble, assemble_stack, bare_spend};
use sigstack_interpreter::Flags;
use sigstack_vectors::{Entry, Question, ReadOptions, VectorFile};

use crate::args::{RunAs, SubjectArgs};
use crate::find::{self, Content, Source};
use crate::flags::{read_flags, read_profiles};
use crate::input;
use crate::problem::Problem;

/// A spend, where it comes from, and what its file expects.
pub(crate) struct Subject {
    pub(crate) source: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) question: Question,
    /// The internal key of the output that is spent, if it is known.
    pub(crate) internal_key: Option<[u8; 32]>,
}

impl From<Subject> for sigstack_debugger::Subject {
    fn from(subject: Subject) -> sigstack_debugger::Subject {
        let Question { tx, prevouts, index, flags } = subject.question;
        sigstack_debugger::Subject { tx, prevouts, input: index, flags, internal_key: subject.internal_key }
    }
}

/// The spends to look at: the one on the command line, or those of a case.
pub(crate) fn subjects(args: &SubjectArgs) -> Result<Vec<Subject>, Problem> {
    let profile = args.profile.as_deref().map(read_profiles).transpose()?;
    let internal_key = args.internal_key.as_deref();
    let internal_key = internal_key.map(|key| input::x_only_key(key, "--internal-key")).transpose()?;
    let mut subjects = if let Some(case) = &args.case {
        case_subjects(case)?
    } else if let Some(psbt) = &args.psbt {
        vec![psbt_subject(psbt, args)?]
    } else if let Some(script) = &args.script {
        vec![script_subject(script, args)?]
    } else {
        vec![tx_subject(args)?]
    };
    for subject in &mut subjects {
        let base = profile.unwrap_or(subject.question.flags);
        let flags = args.flags.as_deref().map(|text| read_flags(text, base)).transpose()?;
        subject.question.flags = flags.unwrap_or(base);
        subject.internal_key = internal_key.or(subject.internal_key);
    }
    Ok(subjects)
}

fn tx_subject(args: &SubjectArgs) -> Result<Subject, Problem> {
    let hex = args.tx.as_deref().ok_or_else(|| Problem::new("is missing").at("--tx"))?;
    let tx: Transaction = input::transaction(hex, "--tx")?;
    let prevouts = match args.prev_txs.as_slice() {
        [] => {
            let prevouts = args.prevouts.iter().enumerate();
            let prevouts = prevouts.map(|(nth, text)| input::output(text, &format!("--prevout {nth}")));
            prevouts.collect::<Result<Vec<TxOut>, Problem>>()?
        }
        prev_txs => prevouts_of(&tx, prev_txs)?,
    };
    let question = Question { tx, prevouts, index: args.input, flags: Flags::CONSENSUS };
    Ok(Subject { source: None, expected: None, question, internal_key: None })
}

/// The outputs that a transaction spends, found in the transactions that made them.
fn prevouts_of(tx: &Transaction, prev_txs: &[String]) -> Result<Vec<TxOut>, Problem> {
    let prev_txs = prev_txs.iter().enumerate();
    let prev_txs = prev_txs.map(|(nth, text)| input::transaction(text, &format!("--prevtx {nth}")));
    let prev_txs = prev_txs.collect::<Result<Vec<Transaction>, Problem>>()?;
    let prevout = |(nth, input): (usize, &bitcoin::TxIn)| {
        let spent = input.previous_output;
        let made = prev_txs.iter().find(|prev| prev.compute_txid() == spent.txid);
        let output = made.and_then(|made| made.output.get(usize::try_from(spent.vout).ok()?));
        output.cloned().ok_or_else(|| {
            Problem::new(format!("none has the output {spent} that input {nth} spends")).at("--prevtx")
        })
    };
    tx.input.iter().enumerate().map(prevout).collect()
}

fn psbt_subject(text: &str, args: &SubjectArgs) -> Result<Subject, Problem> {
    let psbt = Psbt::read(&input::raw(text, "--psbt")?);
    let Psbt { tx, inputs } =
        psbt.map_err(|error| input::path_hint(Problem::new(error.to_string()).at("--psbt"), text))?;
    let index = args.input;
    let Some(input) = inputs.get(index) else {
        let count = inputs.len();
        return Err(Problem::new(format!("the PSBT has {count} inputs, counted from 0"))
            .at(format!("--input {index}")));
    };
    if !input.is_final {
        return Err(Problem::new("not final: it has neither a scriptSig nor a witness")
            .at(format!("input {index}"))
            .at("--psbt")
            .hint("finalize it"));
    }
    let internal_key = input.internal_key;
    let prevout = |(nth, input): (usize, sigstack_debugger::PsbtInput)| {
        input.prevout.ok_or_else(|| {
            Problem::new("the output that it spends is missing").at(format!("input {nth}")).at("--psbt")
        })
    };
    let prevouts = inputs.into_iter().enumerate().map(prevout).collect::<Result<Vec<TxOut>, Problem>>()?;
    let question = Question { tx, prevouts, index, flags: Flags::CONSENSUS };
    Ok(Subject { source: None, expected: None, question, internal_key })
}

/// A script in assembly; of hex digits alone, the script itself.
pub(crate) fn read_script(argument: &str, name: &str) -> Result<Vec<u8>, Problem> {
    let text = input::text(argument, name)?;
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    if digits.len() > 10
        && !digits.contains(char::is_whitespace)
        && let Ok(script) = hex::decode(digits)
    {
        return Ok(script);
    }
    assemble(&text).map_err(|error| input::path_hint(Problem::new(error.to_string()).at(name), argument))
}

fn script_subject(script: &str, args: &SubjectArgs) -> Result<Subject, Problem> {
    let script = read_script(script, "--script")?;
    let stack = args.stack.as_deref().unwrap_or_default();
    let stack = assemble_stack(&input::text(stack, "--stack")?)
        .map_err(|error| input::path_hint(Problem::new(error.to_string()).at("--stack"), stack))?;
    let context = match args.run_as {
        RunAs::Legacy => BareContext::Legacy,
        RunAs::P2sh => BareContext::P2sh,
        RunAs::P2wsh => BareContext::P2wsh,
        RunAs::Tapscript => BareContext::Tapscript,
    };
    let tx = BareTx {
        lock_time: args.lock_time,
        sequence: args.sequence.unwrap_or(BareTx::default().sequence),
        ..BareTx::default()
    };
    let bare = bare_spend(&script, &stack, context, tx, Flags::CONSENSUS);
    let question = Question { tx: bare.tx, prevouts: bare.prevouts, index: bare.input, flags: bare.flags };
    let source = Some("a script alone, in a transaction made up for it".into());
    Ok(Subject { source, expected: None, question, internal_key: None })
}

fn case_subjects(case: &str) -> Result<Vec<Subject>, String> {
    match case.strip_prefix('@').unwrap_or(case).rsplit_once('#') {
        Some((path, name)) => {
            let file = open(path.into())?;
            match name.parse() {
                Ok(number) => numbered(path, &file, number),
                Err(_) => {
                    by_id(path, &file, name).ok_or_else(|| format!("{path}: no case has the id {name:?}"))?
                }
            }
        }
        None => own_case(case),
    }
}

fn open(path: PathBuf) -> Result<VectorFile, String> {
    let name = path.display().to_string();
    let source = Source { path, is_named: true };
    match source.read(ReadOptions::default()).map_err(|error| error.to_string())? {
        Content::Vectors(file) => Ok(*file),
        Content::Other => Err(format!("{name}: not a vector file")),
    }
}

fn numbered(path: &str, file: &VectorFile, number: usize) -> Result<Vec<Subject>, String> {
    let entries: Vec<_> = file.entries_of(number).collect();
    let Some(last) = file.entries.last() else { return Err(format!("{path}: holds no case")) };
    if entries.is_empty() {
        return Err(format!("{path}: no case {number}; the last one is {}", last.number));
    }
    of_entries(path, entries)
}

fn by_id(path: &str, file: &VectorFile, id: &str) -> Option<Result<Vec<Subject>, String>> {
    let entries: Vec<&Entry> = file.entries.iter().filter(|entry| entry.id.as_deref() == Some(id)).collect();
    (!entries.is_empty()).then(|| of_entries(path, entries))
}

/// The case of an id among the project's own vectors.
fn own_case(id: &str) -> Result<Vec<Subject>, String> {
    let wrong =
        || format!("--case {id}: must be FILE#N with N a number from 1, FILE#ID, or the id of an own case");
    let folder = find::own_folder().ok_or_else(wrong)?;
    let (sources, _) = find::sources(&[folder]);
    for source in sources {
        let name = source.path.display().to_string();
        if let Ok(Content::Vectors(file)) = source.read(ReadOptions::default())
            && let Some(found) = by_id(&name, &file, id)
        {
            return found;
        }
    }
    Err(wrong())
}

fn of_entries(path: &str, entries: Vec<&Entry>) -> Result<Vec<Subject>, String> {
    let number = entries.first().map_or(0, |entry| entry.number);
    let subjects = entries.into_iter().flat_map(|entry| {
        entry.questions().into_iter().map(|question| Subject {
            source: Some(format!("{path} case {}: {}", entry.number, entry.comment)),
            expected: Some(entry.expected()),
            question,
            internal_key: None,
        })
    });
    let subjects: Vec<Subject> = subjects.collect();
    if subjects.is_empty() {
        return Err(format!("{path}: case {number} is about no spend"));
    }
    Ok(subjects)
}
