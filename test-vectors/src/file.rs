//! A vector file: bytes in, cases out.

use crate::case::Case;
use crate::check::{Check, Outcome, Question};
use crate::dialect::{Dialect, Rules};
use crate::document::{Document, MAX_FILE_BYTES};
use crate::error::{InputError, Problem};
use crate::formats::{Format, Found};

/// How to read a file.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// The dialect, if it is not to be detected.
    pub dialect: Option<&'static Dialect>,
    /// Most bytes of the file, after decompression.
    pub max_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions { dialect: None, max_bytes: MAX_FILE_BYTES }
    }
}

/// A vector file.
#[derive(Clone, Debug)]
pub struct VectorFile {
    /// The name, as the caller gave it.
    pub name: String,
    /// The format.
    pub format: Format,
    /// The cases, in the order of the file.
    pub entries: Vec<Entry>,
    rules: Rules,
}

/// A case of a file, of any format. An object that can succeed and fail gives two.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Counted from 1 in the file, comments not counted.
    pub number: usize,
    /// What the case is called, if it has a name.
    pub id: Option<String>,
    /// What the case shows.
    pub comment: String,
    /// What is asked.
    check: Check,
}

/// Reads a file, gzip'd or not, of any known format. `name` is for messages only: the format is told from the content.
///
/// # Errors
///
/// [`InputError`] if the bytes are no vector file, hold no case, or hold a case that is wrong; the first one is told.
pub fn read_bytes(name: &str, bytes: &[u8], options: ReadOptions) -> Result<VectorFile, InputError> {
    let whole_file = |problem| InputError { file: name.to_owned(), case: None, field: None, problem };
    let document = Document::read(bytes, options.max_bytes).map_err(whole_file)?;
    if matches!(&document, Document::Json(serde_json::Value::Array(items)) if items.is_empty()) {
        return Err(whole_file(Problem::NoCases));
    }
    let format = Format::of(&document).ok_or_else(|| whole_file(Problem::Unrecognised))?;
    let rules = Rules::new(options.dialect.unwrap_or_else(|| format.dialect(&document)));
    let found = format.read(&document, &rules);
    if found.is_empty() {
        return Err(whole_file(Problem::NoCases));
    }
    let entries = found.into_iter().map(|found| entry(name, found));
    let entries = entries.collect::<Result<Vec<Entry>, InputError>>()?;
    Ok(VectorFile { name: name.to_owned(), format, entries, rules })
}

fn entry(file: &str, found: Found) -> Result<Entry, InputError> {
    let Found { number, id, comment, check } = found;
    let check = check.map_err(|bad| {
        let field = Some(bad.field).filter(|field| !field.is_empty());
        InputError {
            file: file.to_owned(),
            case: Some(number),
            field,
            problem: Problem::Invalid(bad.problem),
        }
    })?;
    Ok(Entry { number, id, comment, check })
}

impl VectorFile {
    /// The dialect, if the format has dialects.
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.format.has_dialects().then_some(self.rules.dialect())
    }

    /// The cases of a number.
    pub fn entries_of(&self, number: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.number == number)
    }

    /// Asks the interpreter.
    pub(crate) fn run(&self, entry: &Entry) -> Outcome {
        entry.check.run(&self.rules, entry.number)
    }
}

impl Entry {
    /// Why the case passes although it did not come out as expected.
    pub(crate) fn excuse(&self) -> Option<&'static str> {
        self.check.excuse()
    }

    /// The spends that the case is about, with the flags that it names. Empty if it is about something else.
    pub fn questions(&self) -> Vec<Question> {
        self.check.questions()
    }

    /// The case itself, if the file is of the project's own format.
    pub fn case(&self) -> Option<&Case> {
        match &self.check {
            Check::Case(case) => Some(case),
            _ => None,
        }
    }

    /// What the file expects, in a word or two.
    pub fn expected(&self) -> String {
        self.check.expected()
    }

    /// Whether the id or the comment contains a text, in upper or lower case.
    pub fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        let id = self.id.iter().any(|id| id.to_lowercase().contains(&text));
        id || self.comment.to_lowercase().contains(&text)
    }
}
