//! A vector file: bytes in, cases out.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::check::{Check, InputQuestion, Outcome, Question};
use crate::dialect::{Dialect, Rules};
use crate::document::{Document, Loaded, MAX_FILE_BYTES};
use crate::error::counted;
use crate::error::{Bad, InputError, Problem};
use crate::formats::{Format, Found, Reading};
use crate::verdict_case::Labels;

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
    /// The cases that could be read, in the order of the file. At least one.
    pub entries: Vec<Entry>,
    /// The cases that could not be read, each with its problem.
    pub unread: Vec<InputError>,
    /// How the file was read where it leaves that open: an older meaning of its columns, flags that were completed, trailing
    /// commas.
    pub notes: Vec<String>,
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
    pub(crate) check: Check,
    /// What the file says about the case beside what is asked.
    pub(crate) labels: Labels,
}

/// Reads a file, gzip'd or not, of any known format. The format is recognised by the content. `name` is used in messages,
/// and for the formats script_valid and script_invalid, whose content does not say which of the two it is.
///
/// # Errors
///
/// [`InputError`] if the bytes are not a vector file, or if not one case of it can be read: then the problem is that of the
/// first case. If some cases cannot be read, they are in [`VectorFile::unread`].
pub fn read_bytes(name: &str, bytes: &[u8], options: ReadOptions) -> Result<VectorFile, InputError> {
    let whole_file = |problem| InputError { file: name.to_owned(), case: None, field: None, problem };
    let Loaded { document, broken, trailing_commas } =
        Loaded::read(bytes, options.max_bytes).map_err(whole_file)?;
    if matches!(&document, Document::Json(serde_json::Value::Array(items)) if items.is_empty()) {
        return Err(whole_file(Problem::NoCases));
    }
    let format = Format::of(&document, name).map_err(whole_file)?;
    let rules = Rules::new(options.dialect.unwrap_or_else(|| format.dialect(&document)));
    let Reading { found, mut notes } = format.read(&document, &rules);
    let mut completed: BTreeMap<String, usize> = BTreeMap::new();
    let (mut entries, mut unread) = (Vec::new(), Vec::new());
    for mut found in found {
        // The placeholder of a line that is not JSON.
        let line = found.number.checked_sub(1).and_then(|item| broken.get(&item));
        if let Some(line) = line {
            found.check = Err(Bad::new("", Problem::NotJson(line.clone())));
        }
        if let (Ok(_), Some(note)) = (&found.check, found.note.take()) {
            *completed.entry(note).or_default() += 1;
        }
        match entry(name, found) {
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
    notes.extend(completed.into_iter().map(|(note, cases)| format!("{}: {note}", counted(cases, "case"))));
    Ok(VectorFile { name: name.to_owned(), format, entries, unread, notes, rules })
}

fn entry(file: &str, found: Found) -> Result<Entry, InputError> {
    let Found { number, id, comment, check, note: _, labels } = found;
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
    /// The dialect, if the format has dialects.
    pub fn dialect(&self) -> Option<&'static Dialect> {
        self.format.has_dialects().then_some(self.rules.dialect())
    }

    /// The cases of a number.
    pub fn entries_of(&self, number: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.number == number)
    }

    /// The names of flags and errors in the file.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
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

    /// The questions that the case asks, with the flags that it names. Empty if it is about something else.
    pub fn questions(&self) -> Vec<Question> {
        self.check.questions()
    }

    /// The questions about one input each. A case about a whole transaction has none.
    pub fn input_questions(&self) -> Vec<InputQuestion> {
        self.questions().into_iter().filter_map(Question::input).collect()
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
