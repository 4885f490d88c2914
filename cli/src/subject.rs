//! The transactions and inputs that a command verifies. They are given as a transaction, a PSBT, a case of a vector
//! file, or a script alone.

use std::path::{Path, PathBuf};

use bitcoin::{Transaction, TxOut};
use sigstack_debugger::{BareContext, BareTx, Psbt, bare_spend};
use sigstack_interpreter::{CodePoints, Flags};
use sigstack_vectors::{Entry, InputQuestion, Question, ReadOptions, TransactionQuestion, VectorFile};

use crate::args::{RunAs, SubjectArgs};
use crate::find::{self, Content, Source};
use crate::flags::{read_flags, read_profiles};
use crate::input;
use crate::nearest::suggestion;
use crate::prevouts;
use crate::problem::Problem;

/// Where a transaction comes from. Consensus rules outside scripts, such as those about amounts, are checked only for
/// [`Origin::Chain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A transaction or a PSBT given by the user, which is intended for a chain.
    Chain,
    /// A case of a vector file about single inputs. The other inputs and the outputs need not be valid.
    InputCase,
    /// A case of a vector file about a whole transaction: all of its inputs, and the rules that span inputs.
    TransactionCase,
    /// A transaction constructed for `--script`.
    Script,
}

/// A transaction, and the inputs of it that a command verifies.
pub(crate) struct Subject {
    pub(crate) origin: Origin,
    /// Name of the vector file and of the case, if the transaction comes from one.
    pub(crate) source: Option<String>,
    /// Verdict that the vector file expects. `None` for other sources.
    pub(crate) expected: Option<String>,
    pub(crate) tx: Transaction,
    /// Spent outputs that the user or the file gives, one entry for each input. `None` for an output that is not
    /// known.
    pub(crate) known: Vec<Option<TxOut>>,
    /// The spent outputs of all inputs. An unknown one is a placeholder if it is not needed to verify `inputs`.
    pub(crate) prevouts: Vec<TxOut>,
    /// Indices of the inputs to verify.
    pub(crate) inputs: Vec<usize>,
    pub(crate) flags: Flags,
    /// Bytes that stand for the opcodes of proposals, as `--assign` selects them.
    pub(crate) code_points: CodePoints,
    /// Taproot internal key of the output that each input spends, if known.
    internal_keys: Vec<Option<[u8; 32]>>,
}

impl Subject {
    /// Creates a subject from a transaction and the known spent outputs. Fails if these outputs do not suffice to
    /// verify `inputs`.
    fn new(
        origin: Origin,
        tx: Transaction,
        known: Vec<Option<TxOut>>,
        inputs: Vec<usize>,
    ) -> Result<Subject, Problem> {
        let prevouts = prevouts::complete(&tx, &known, &inputs)?;
        Ok(Subject {
            origin,
            source: None,
            expected: None,
            tx,
            known,
            prevouts,
            inputs,
            flags: Flags::CONSENSUS,
            code_points: CodePoints::default(),
            internal_keys: Vec::new(),
        })
    }

    /// Returns the inputs to verify one by one, for commands that show one input at a time.
    pub(crate) fn each(&self) -> impl Iterator<Item = sigstack_debugger::Subject> + '_ {
        self.inputs.iter().map(|input| self.of_input(*input, self.flags))
    }

    /// Restricts a case about a whole transaction to one input. Fails for other cases.
    fn select(&mut self, input: usize) -> Result<(), Problem> {
        if self.origin != Origin::TransactionCase {
            let problem = Problem::new("the case is about one input already").at("--input");
            return Err(
                problem.hint("leave it out; it selects an input if --case is about a whole transaction")
            );
        }
        let inputs = self.tx.input.len();
        if input >= inputs {
            let problem = format!("no input {input}: the transaction has {inputs} (counted from 0)");
            return Err(Problem::new(problem).at("--input"));
        }
        self.inputs = vec![input];
        Ok(())
    }

    /// Returns one input of the transaction, to be traced under the given flags.
    pub(crate) fn of_input(&self, input: usize, flags: Flags) -> sigstack_debugger::Subject {
        sigstack_debugger::Subject {
            tx: self.tx.clone(),
            prevouts: self.prevouts.clone(),
            input,
            flags,
            code_points: self.code_points,
            internal_key: self.internal_keys.get(input).copied().flatten(),
        }
    }
}

/// Description of the accepted values of `--case`.
const CASE_FORMS: &str =
    "a case is FILE#N with N counted from 1, FILE#ID, or the id of one of the project's own";

/// Returns the transaction that the arguments give, or all transactions of the case that they name.
pub(crate) fn subjects(args: &SubjectArgs) -> Result<Vec<Subject>, Problem> {
    let profile = args.profile.as_deref().map(read_profiles).transpose()?;
    if let (Some(_), Some(flags)) = (profile, &args.flags) {
        // Names without + and - would define a new set of flags and discard the profile.
        if let Some(name) = flags.split(',').map(str::trim).find(|name| !name.starts_with(['+', '-'])) {
            let problem =
                Problem::new(format!("{name:?} without + or - would replace the flags of --profile"));
            return Err(problem.at("--flags").hint("write +NAME to add a flag, or leave --profile out"));
        }
    }
    let code_points = crate::flags::code_points(&args.assign)?;
    let internal_key = args.internal_key.as_deref();
    let internal_key = internal_key.map(|key| input::x_only_key(key, "--internal-key")).transpose()?;
    let mut subjects = if let Some(case) = &args.case {
        let mut subjects = case_subjects(case)?;
        if let Some(input) = args.input {
            subjects.iter_mut().try_for_each(|subject| subject.select(input))?;
        }
        subjects
    } else if let Some(psbt) = &args.psbt {
        vec![psbt_subject(psbt, args)?]
    } else if let Some(script) = &args.script {
        vec![script_subject(script, args, &code_points)?]
    } else {
        vec![tx_subject(args)?]
    };
    for subject in &mut subjects {
        subject.code_points = code_points;
        let base = profile.unwrap_or(subject.flags);
        let flags = args.flags.as_deref().map(|text| read_flags(text, base)).transpose()?;
        subject.flags = flags.unwrap_or(base);
        if internal_key.is_some() {
            subject.internal_keys = vec![internal_key; subject.tx.input.len()];
        }
    }
    Ok(subjects)
}

/// Returns the index that `--input` gives, or the indices of all inputs.
fn inputs(args: &SubjectArgs, tx: &Transaction) -> Vec<usize> {
    args.input.map_or_else(|| (0..tx.input.len()).collect(), |input| vec![input])
}

fn tx_subject(args: &SubjectArgs) -> Result<Subject, Problem> {
    let hex = args.tx.as_deref().ok_or_else(|| Problem::new("is missing").at("--tx"))?;
    let tx: Transaction = input::transaction(hex, "--tx")?;
    if tx.is_coinbase() {
        return Err(prevouts::of_coinbase().at("input 0"));
    }
    let known = match args.prev_txs.as_slice() {
        [] => prevouts::of_outputs(&tx, &args.prevouts, args.input)?,
        prev_txs => prevouts::of_transactions(&tx, prev_txs)?,
    };
    let inputs = inputs(args, &tx);
    Subject::new(Origin::Chain, tx, known, inputs)
}

fn psbt_subject(text: &str, args: &SubjectArgs) -> Result<Subject, Problem> {
    let bytes = input::raw(text, "--psbt")?;
    let Psbt { tx, inputs } = Psbt::read(&bytes).map_err(|error| {
        let problem = Problem::new(error.to_string()).at("--psbt");
        match input::is_transaction(&bytes) {
            true => problem.hint("this is a transaction: give it with --tx, and the outputs that it spends"),
            false => input::path_hint(problem, text),
        }
    })?;
    let verified = self::inputs(args, &tx);
    let is_open = |index: &&usize| inputs.get(**index).is_some_and(|input| !input.is_final);
    if let Some(index) = verified.iter().find(is_open) {
        let alone = if inputs.len() > 1 { ", or name a final input with --input N" } else { "" };
        return Err(Problem::new("not final: it has neither a scriptSig nor a witness")
            .at(format!("input {index}"))
            .at("--psbt")
            .hint(format!("finalize it{alone}")));
    }
    let internal_keys = inputs.iter().map(|input| input.internal_key).collect();
    let known = inputs.into_iter().map(|input| input.prevout).collect();
    let subject = Subject::new(Origin::Chain, tx, known, verified).map_err(|problem| problem.at("--psbt"))?;
    Ok(Subject { internal_keys, ..subject })
}

fn script_subject(script: &str, args: &SubjectArgs, code_points: &CodePoints) -> Result<Subject, Problem> {
    let script = input::script(script, "--script", code_points)?;
    let stack = args.stack.as_deref().unwrap_or_default();
    let stack = input::stack(stack, "--stack")?;
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
    let known = bare.prevouts.into_iter().map(Some).collect();
    let subject = Subject::new(Origin::Script, bare.tx, known, vec![bare.input])?;
    Ok(Subject { source: Some("a script alone, in a transaction made up for it".into()), ..subject })
}

fn case_subjects(case: &str) -> Result<Vec<Subject>, Problem> {
    match case.strip_prefix('@').unwrap_or(case).rsplit_once('#') {
        Some(("", name)) => {
            let missing = Problem::new(format!("the file of case {name} is missing before #"));
            Err(missing.at("--case").hint(CASE_FORMS))
        }
        Some((path, name)) => {
            let file = open(path.into()).map_err(|problem| Problem::new(problem).hint(CASE_FORMS))?;
            match name.parse() {
                Ok(number) => numbered(path, &file, number),
                Err(_) => by_id(path, &file, name).ok_or_else(|| {
                    let unknown = Problem::new(format!("no case has the id {name:?}")).at(path);
                    let nearest = suggestion(name, ids(core::slice::from_ref(&file)));
                    unknown.hint(nearest.unwrap_or_else(|| format!("write {path}#1 for the first case")))
                })?,
            }
        }
        None => own_case(case),
    }
}

fn open(path: PathBuf) -> Result<VectorFile, String> {
    let name = path.display().to_string();
    let source = Source::File { path, is_named: true };
    match source.read(ReadOptions::default()).map_err(|error| error.to_string())? {
        Content::Vectors(file) => Ok(*file),
        Content::Other => Err(format!("{name}: not a vector file")),
    }
}

fn numbered(path: &str, file: &VectorFile, number: usize) -> Result<Vec<Subject>, Problem> {
    let entries: Vec<_> = file.entries_of(number).collect();
    let Some(last) = file.entries.last() else { return Err(Problem::new("has no case").at(path)) };
    if entries.is_empty() {
        // The error already begins with the name of the file.
        if let Some(error) = file.unread.iter().find(|error| error.case == Some(number)) {
            return Err(Problem::new(error.to_string()));
        }
        let unread = file.unread.iter().filter_map(|error| error.case).max().unwrap_or_default();
        let last = last.number.max(unread);
        return Err(Problem::new(format!("no case {number}; the last one is {last}")).at(path));
    }
    of_entries(path, entries)
}

fn by_id(path: &str, file: &VectorFile, id: &str) -> Option<Result<Vec<Subject>, Problem>> {
    let entries: Vec<&Entry> = file.entries.iter().filter(|entry| entry.id.as_deref() == Some(id)).collect();
    (!entries.is_empty()).then(|| of_entries(path, entries))
}

/// Returns the ids of all cases in the files.
fn ids(files: &[VectorFile]) -> impl Iterator<Item = &str> {
    files.iter().flat_map(|file| &file.entries).filter_map(|entry| entry.id.as_deref())
}

/// Finds a case by its id in the project's own test vectors, and returns its transactions.
fn own_case(id: &str) -> Result<Vec<Subject>, Problem> {
    if Path::new(id).is_file() {
        let problem = Problem::new(format!("{id} is a file; which of its cases is missing"));
        return Err(problem.at("--case").hint(format!("write {id}#1 for the first case, or {id}#ID")));
    }
    let own = find::own_vectors().map_err(|problem| problem.at("--case"))?;
    // Parsing takes most of the time. Files whose text contains the id are parsed first, the others only if the id was not
    // found. An id that is escaped in JSON is found in the second step.
    let options = ReadOptions::default();
    let (likely, others): (Vec<Source>, Vec<Source>) =
        own.sources.into_iter().partition(|source| source.may_contain(id, options.max_bytes));
    let mut files = Vec::new();
    for source in likely.into_iter().chain(others) {
        if let Ok(Content::Vectors(file)) = source.read(options) {
            if let Some(found) = by_id(&source.name(), &file, id) {
                return found;
            }
            files.push(*file);
        }
    }
    let unknown = Problem::new(format!("no case has the id {id:?} in {}", own.set)).at("--case");
    Err(unknown.hint(suggestion(id, ids(&files)).unwrap_or_else(|| CASE_FORMS.into())))
}

fn of_entries(path: &str, entries: Vec<&Entry>) -> Result<Vec<Subject>, Problem> {
    let number = entries.first().map_or(0, |entry| entry.number);
    let mut subjects: Vec<Subject> = Vec::new();
    for entry in entries {
        for question in entry.questions() {
            let (origin, tx, prevouts, flags, inputs) = match question {
                Question::Input(InputQuestion { tx, prevouts, index, flags }) => {
                    (Origin::InputCase, tx, prevouts, flags, index..index + 1)
                }
                Question::Transaction(TransactionQuestion { tx, prevouts, flags }) => {
                    let inputs = 0..tx.input.len();
                    (Origin::TransactionCase, tx, prevouts, flags, inputs)
                }
            };
            let source = Some(format!("{path} case {}: {}", entry.number, entry.comment));
            // The questions of a case about several inputs of one transaction are combined.
            match subjects
                .last_mut()
                .filter(|last| last.tx == tx && last.flags == flags && last.source == source)
            {
                Some(last) => last.inputs.extend(inputs),
                None => {
                    let known = prevouts.into_iter().map(Some).collect();
                    let subject = Subject::new(origin, tx, known, inputs.collect())
                        .map_err(|problem| problem.at(format!("{path} case {}", entry.number)))?;
                    subjects.push(Subject { source, expected: Some(entry.expected()), flags, ..subject });
                }
            }
        }
    }
    if subjects.is_empty() {
        return Err(Problem::new(format!("case {number} is not about an input of a transaction")).at(path));
    }
    Ok(subjects)
}
