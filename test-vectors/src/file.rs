//! Reads the bytes of a vector file and returns its cases.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::case::Case;
use crate::check::{Check, Expected};
use crate::dialect::{Dialect, Rules};
use crate::document::{Document, Loaded, MAX_FILE_BYTES};
use crate::error::{Bad, InputError, Problem, counted};
use crate::formats::{Format, is_heading};
use crate::outcome::Outcome;
use crate::question::{InputQuestion, Question};
use crate::reading::{Labels, ParsedCase, Reading};

/// Options for reading a vector file: its dialect and its maximum size.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// The dialect of the file. `None` if it is to be detected from the content.
    pub dialect: Option<&'static Dialect>,
    /// Maximum size of the file in bytes, after decompression.
    pub max_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { dialect: None, max_bytes: MAX_FILE_BYTES }
    }
}

/// A vector file that has been read: its format and its cases.
#[derive(Clone, Debug)]
pub struct VectorFile {
    /// Name of the file, as passed by the caller.
    pub name: String,
    /// Format of the vector file, such as tx_valid or BIP 340.
    pub format: Format,
    /// The cases that were read, in file order. There is at least one.
    pub entries: Vec<Entry>,
    /// The cases that could not be read, each with the problem that was found.
    pub unread: Vec<InputError>,
    /// Notes about decisions made while reading the file. Examples are an older meaning of columns, flags that were
    /// completed, and ignored trailing commas.
    pub notes: Vec<String>,
    rules: Rules,
}

/// A case of a file in any format. An object that contains both a successful and a failing spend gives two entries.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Number of the case in its file, counted from 1. Comments are not counted.
    pub number: usize,
    /// Id of the case, if the vector file gives one.
    pub id: Option<String>,
    /// Comment on the case, as given in the vector file.
    pub comment: String,
    /// The check that is made when the case runs.
    check: Arc<dyn Check>,
    /// Further information that the file gives about the case: its id, its rule, the source of the rule, and the
    /// expected error.
    pub(crate) labels: Labels,
}

/// Reads a file of any known format; the file may be compressed with gzip. The format is recognised by the content. `name`
/// is used in messages, and to distinguish the formats script_valid and script_invalid, whose content is alike.
///
/// # Errors
///
/// [`InputError`] if the bytes are not a vector file, or if no case in the file can be read; the error is then the one of
/// the first case. If only some cases cannot be read, their errors are in [`VectorFile::unread`].
pub fn read_bytes(name: &str, bytes: &[u8], options: ReadOptions) -> Result<VectorFile, InputError> {
    let whole_file = |problem| InputError { file: name.to_owned(), case: None, field: None, problem };
    let Loaded { document, broken, trailing_commas } =
        Loaded::read(bytes, options.max_bytes, is_heading).map_err(whole_file)?;
    if matches!(&document, Document::Json(serde_json::Value::Array(items)) if items.is_empty()) {
        return Err(whole_file(Problem::NoCases));
    }
    let format = Format::of(&document, name).map_err(whole_file)?;
    let rules = Rules::new(options.dialect.unwrap_or_else(|| format.dialect(&document)));
    let Reading { cases, mut notes } = format.read(&document, &rules);
    let mut completed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut entries, mut unread) = (Vec::new(), Vec::new());
    for mut case in cases {
        // The item is a placeholder for a line that is not valid JSON.
        let line = case.number.checked_sub(1).and_then(|item| broken.get(&item));
        if let Some(line) = line {
            case.check = Err(Bad::new("", Problem::NotJson(line.clone())));
        }
        if let (Ok(_), Some(note)) = (&case.check, case.note.take()) {
            *completed.entry(note).or_default() += 1;
        }
        match entry(name, case) {
            Ok(entry) => entries.push(entry),
            Err(error) => unread.push(error),
        }
    }
    if entries.is_empty() {
        return Err(unread.into_iter().next().unwrap_or_else(|| whole_file(Problem::NoCases)));
    }
    if trailing_commas > 0 {
        let commas = counted(trailing_commas, "trailing comma");
        notes.push(format!("ignored {commas}, which JSON does not allow"));
    }
    notes.extend(completed.into_iter().map(|(note, count)| format!("{}: {note}", counted(count, "case"))));
    Ok(VectorFile { name: name.to_owned(), format, entries, unread, notes, rules })
}

fn entry(file: &str, case: ParsedCase) -> Result<Entry, InputError> {
    let ParsedCase { number, id, comment, check, note: _, labels } = case;
    let check = check.map_err(|bad| {
        let field = Some(bad.field).filter(|field| !field.is_empty());
        InputError {
            file: file.to_owned(),
            case: Some(number),
            field,
            problem: Problem::Invalid(bad.problem),
        }
    })?;
    Ok(Entry { number, id, comment, check, labels })
}

impl VectorFile {
    /// Returns the dialect of the file: how it names flags and errors. `None` if files of this format have no dialects.
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.format.has_dialects().then_some(self.rules.dialect())
    }

    /// Returns all cases with this number in the file. A JSON object that contains both a successful and a failing
    /// spend gives two cases with the same number.
    pub fn entries_of(&self, number: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.number == number)
    }

    /// Returns the flag names that are valid in this file, and its dialect.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Runs a case of this file with the interpreter, and compares the answer with the expected one.
    pub(crate) fn run(&self, entry: &Entry) -> Outcome {
        entry.check.run(&self.rules, entry.number)
    }
}

impl Entry {
    /// Returns why this case counts as passed although the interpreter's answer differs from the one in the file.
    /// `None` if the difference is a failure.
    pub(crate) fn excuse(&self) -> Option<&'static str> {
        self.check.excuse()
    }

    /// Returns the inputs or the transaction that this case verifies, each with the flags given in the file. Empty if
    /// the case does not expect a verdict, for example if it expects a hash.
    pub fn questions(&self) -> Vec<Question> {
        self.check.questions()
    }

    /// Returns the single inputs that this case verifies, with flags. A case about a whole transaction has none.
    pub fn input_questions(&self) -> Vec<InputQuestion> {
        self.questions().into_iter().filter_map(Question::input).collect()
    }

    /// Returns the case in the project's own format. Returns `None` if the file has another format.
    pub fn case(&self) -> Option<&Case> {
        self.check.case()
    }

    /// Returns the answer that the file expects for this case, as a short text such as "OK" or the name of an error.
    pub fn expected(&self) -> String {
        self.expected_answer().to_string()
    }

    /// Returns the answer that the file expects for this case.
    pub(crate) fn expected_answer(&self) -> Expected {
        self.check.expected()
    }

    /// Returns whether the id or the comment of this case contains `text`, ignoring case.
    pub fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let id = self.id.iter().any(|id| id.to_lowercase().contains(&text));
        id || self.comment.to_lowercase().contains(&text)
    }
}
