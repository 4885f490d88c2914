//! Collects the test cases for the implementation: reads the files, selects cases, and removes duplicates.

use std::collections::{BTreeMap, HashMap};

use sigstack_debugger::counted;
use sigstack_vectors::{Dialect, Entry, ExpectedVerdict, InputError, ReadOptions, VerdictCase};

use crate::args::ConformArgs;
use crate::find::{self, Content, Source};
use crate::problem::{Problem, Stop};

/// A test case to send to the implementation, and its positions in the vector files.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) case: VerdictCase,
    /// Every position in the vector files at which this case occurs, as `FILE#N` (file name and case number).
    pub(super) places: Vec<String>,
    /// Name of the row in the result tables that counts this case: the group and the rule of the case, or the name of
    /// its file.
    pub(super) row: String,
}

/// The selected test cases, and the numbers, names and errors that the reports show about the vector files.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// Description of the project's own test vectors, which are used if the command line names no file. `None` if it
    /// names files.
    pub(super) set: Option<String>,
    pub(super) cases: Vec<Asked>,
    /// Number of cases that are not sent, because another case has the same id, question and expected verdict.
    pub(super) repeated: usize,
    /// Number of vector files with at least one selected case.
    pub(super) files: usize,
    /// Number of cases that cannot be sent to an implementation, by reason.
    pub(super) left_out: BTreeMap<&'static str, usize>,
    /// Names of files that were found in folders and are not vector files.
    pub(super) others: Vec<String>,
    /// Errors of files and cases that could not be read.
    pub(super) errors: Vec<InputError>,
    /// Number of files that the command line names or that are in a named folder.
    sources: usize,
    /// Number of files that were read: those whose names match `--file`, or all files without this option.
    sources_read: usize,
    /// Number of cases that were read from all files, selected or not.
    cases_read: usize,
    /// For the id, question and expected verdict of each selected case, the index of the case in `cases`. The map is
    /// used to find duplicates.
    known: HashMap<(String, String, ExpectedVerdict), usize>,
}

/// Reads all test vector files and selects the cases to send.
pub(super) fn gather(args: &ConformArgs) -> Result<Gathered, Stop> {
    find::check_paths(&args.paths)?;
    let mut gathered = Gathered::default();
    let (sources, errors) = match args.paths.as_slice() {
        [] => {
            let own = find::own_vectors()?;
            gathered.set = Some(own.set);
            (own.sources, own.errors)
        }
        paths => find::sources(paths),
    };
    gathered.errors = errors;
    let selection = Selection::new(args);
    gathered.sources = sources.len();
    for source in sources.iter().filter(|source| contains(&selection.file, &source.name())) {
        gathered.sources_read += 1;
        gathered.read(source, &selection);
    }
    gathered.known = HashMap::new();
    Ok(gathered)
}

/// Texts that the id, comment, rule or file name of a selected case must contain, in lower case. `None` selects every
/// case.
struct Selection {
    text: Option<String>,
    file: Option<String>,
    rule: Option<String>,
    id: Option<String>,
    dialect: Option<&'static Dialect>,
}

/// Returns `true` if `text` contains `part`, ignoring case, or if `part` is `None`.
fn contains(part: &Option<String>, text: &str) -> bool {
    part.as_ref().is_none_or(|part| text.to_lowercase().contains(part))
}

impl Selection {
    fn new(args: &ConformArgs) -> Selection {
        let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
        Selection {
            text: lower(&args.filter),
            file: lower(&args.file),
            rule: lower(&args.rule),
            id: lower(&args.id),
            dialect: args.dialect.as_deref().and_then(Dialect::from_name),
        }
    }

    fn selects(&self, case: &VerdictCase, row: &str) -> bool {
        contains(&self.id, &case.id)
            && contains(&self.rule, row)
            && (contains(&self.text, &case.id) || contains(&self.text, &case.comment))
    }
}

impl Gathered {
    /// Returns the error for a run in which no case is selected. The text names the options that exclude all cases.
    pub(super) fn nothing_to_ask(&self, args: &ConformArgs) -> Problem {
        let hint = match args.paths.as_slice() {
            [] => {
                "sigstack vectors lists the files, and sigstack conform --all the rules; upper and lower case are the same"
            }
            _ => "name files with cases about an input; --filter, --rule, --file and --id select from them",
        };
        let what = match &args.file {
            Some(file) if self.sources > 0 && self.sources_read == 0 => {
                format!("--file {file:?} matches none of {}", counted(self.sources, "file"))
            }
            _ if self.cases_read > 0 => {
                let options = [("--filter", &args.filter), ("--rule", &args.rule), ("--id", &args.id)];
                let given =
                    options.iter().filter_map(|(name, text)| Some(format!("{name} {:?}", text.as_ref()?)));
                let given: Vec<String> = given.collect();
                let verb = if given.len() == 1 { "matches" } else { "match" };
                let cases = counted(self.cases_read, "case");
                format!("{} {verb} none of {cases}", given.join(" and "))
            }
            _ => {
                let paths: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
                let verb = if paths.len() == 1 { "has" } else { "have" };
                match paths.is_empty() {
                    true => "the project's vectors have no case to ask".to_owned(),
                    false => format!("{} {verb} no case to ask", paths.join(", ")),
                }
            }
        };
        Problem::new(what).hint(hint)
    }

    fn read(&mut self, source: &Source, selection: &Selection) {
        let file = match source.read(ReadOptions { dialect: selection.dialect, ..ReadOptions::default() }) {
            Ok(Content::Vectors(file)) => file,
            Ok(Content::Other) => return self.others.push(source.name()),
            Err(error) => return self.errors.push(error),
        };
        let before = self.cases.len() + self.repeated;
        for entry in &file.entries {
            match file.verdict_cases(entry) {
                Ok(cases) => {
                    for case in cases {
                        self.add(case, &file.name, entry, selection);
                    }
                }
                Err(reason) => *self.left_out.entry(reason).or_default() += 1,
            }
        }
        self.files += usize::from(self.cases.len() + self.repeated > before);
        self.errors.extend(file.unread);
    }

    fn add(&mut self, case: VerdictCase, file: &str, entry: &Entry, selection: &Selection) {
        let row = match (&case.group, &case.rule) {
            (Some(group), Some(rule)) => format!("{group}: {rule}"),
            (None, Some(rule)) => rule.clone(),
            (Some(group), None) => group.clone(),
            (None, None) => file.to_owned(),
        };
        self.cases_read += 1;
        if !selection.selects(&case, &row) {
            return;
        }
        let place = format!("{file}#{}", entry.number);
        let key = (case.id.clone(), case.question_fields(), case.expected.clone());
        match self.known.get(&key).and_then(|nth| self.cases.get_mut(*nth)) {
            Some(asked) => {
                // The project's own format has more information about a case than other formats.
                if entry.case().is_some() && entry.id.is_some() {
                    asked.case = case;
                }
                asked.places.push(place);
                self.repeated += 1;
            }
            None => {
                self.known.insert(key, self.cases.len());
                self.cases.push(Asked { case, places: vec![place], row });
            }
        }
    }
}
