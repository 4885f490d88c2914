//! Decompresses a vector file and parses its text as JSON, JSON Lines or comma-separated rows, whatever the rows mean.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::error::Problem;

/// Maximum size of a file in bytes, after decompression.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The first two bytes of gzip data (RFC 1952).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// The content of a file, and the syntax errors that did not prevent reading the rest of the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) document: Document,
    /// Items that are not valid JSON: the index of each, counted from 0, and a description of the problem. The parsed
    /// document has null in place of each.
    pub(crate) broken: BTreeMap<usize, String>,
    /// Number of trailing commas in the JSON text that were ignored.
    pub(crate) trailing_commas: usize,
}

/// The parsed content of a file: JSON, JSON Lines, or comma-separated rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// The file is one JSON value, usually an array of cases.
    Json(Value),
    /// JSON Lines: one JSON value per line.
    Lines(Vec<Value>),
    /// Comma-separated rows without quoting. The first row contains the names of the columns.
    Rows(Vec<Vec<String>>),
}

impl From<Document> for Loaded {
    fn from(document: Document) -> Loaded {
        Loaded { document, broken: BTreeMap::new(), trailing_commas: 0 }
    }
}

impl Loaded {
    /// Decompresses a file if necessary, and parses it. `is_heading` is called with the first line. If it returns true,
    /// the file is read as comma-separated rows, otherwise as JSON or JSON Lines.
    pub(crate) fn read(bytes: &[u8], limit: u64, is_heading: fn(&str) -> bool) -> Result<Loaded, Problem> {
        let plain = unpack(bytes, limit)?;
        Loaded::parse(core::str::from_utf8(&plain).map_err(|_| Problem::NotText)?, is_heading)
    }

    fn parse(text: &str, is_heading: fn(&str) -> bool) -> Result<Loaded, Problem> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if is_heading(text.lines().next().unwrap_or_default()) {
            return Ok(Document::rows(text).into());
        }
        let error = match serde_json::from_str(text) {
            Ok(value) => return Ok(Document::Json(value).into()),
            Err(error) => error,
        };
        if let Some(lines) = Loaded::lines(text) {
            return Ok(lines);
        }
        let (mended, trailing_commas) = without_trailing_commas(text);
        match serde_json::from_str(&mended) {
            Ok(value) if trailing_commas > 0 => {
                Ok(Loaded { trailing_commas, ..Loaded::from(Document::Json(value)) })
            }
            _ => Err(Problem::NotJson(error.to_string())),
        }
    }

    /// Parses a text as JSON Lines, if its first line is a complete JSON object. A line that is not valid JSON does not
    /// prevent reading the other lines. Returns `None` for other texts.
    fn lines(text: &str) -> Option<Loaded> {
        let mut broken = BTreeMap::new();
        let mut values = Vec::new();
        for (nth, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(value) => values.push(value),
                Err(error) => {
                    broken.insert(values.len(), format!("line {}: {error}", nth + 1));
                    values.push(Value::Null);
                }
            }
        }
        let is_lines = matches!(values.first(), Some(Value::Object(_)));
        is_lines.then_some(Loaded { document: Document::Lines(values), broken, trailing_commas: 0 })
    }
}

/// Returns the content of a file: decompressed if the bytes are gzip data, otherwise unchanged. Fails if it is larger
/// than `limit` bytes.
fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, Problem> {
    let plain = if bytes.starts_with(GZIP_MAGIC) {
        let mut unpacked = Vec::new();
        let mut reader = MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
        reader.read_to_end(&mut unpacked).map_err(|error| Problem::Gzip(error.to_string()))?;
        Cow::Owned(unpacked)
    } else {
        Cow::Borrowed(bytes)
    };
    if u64::try_from(plain.len()).is_ok_and(|length| length > limit) {
        return Err(Problem::TooLarge { limit });
    }
    Ok(plain)
}

/// Returns whether the text of a file, which may be compressed with gzip, contains a string. Much faster than parsing the
/// file.
///
/// # Errors
///
/// [`Problem`] if the file cannot be decompressed, is too large or is not text.
pub fn contains(bytes: &[u8], string: &str, limit: u64) -> Result<bool, Problem> {
    let plain = unpack(bytes, limit)?;
    Ok(core::str::from_utf8(&plain).map_err(|_| Problem::NotText)?.contains(string))
}

/// Removes commas before a closing bracket from JSON text, and returns the text and the number of removed commas. JSON does
/// not allow such commas, but some vector files have them.
fn without_trailing_commas(text: &str) -> (String, usize) {
    let mut mended = String::with_capacity(text.len());
    let mut removed = 0;
    let (mut is_string, mut is_escaped) = (false, false);
    for (at, character) in text.char_indices() {
        let after = || text.get(at + 1..).unwrap_or_default().trim_start();
        let is_after_value = || !mended.trim_end().ends_with(['[', '{', ',']);
        match character {
            ',' if !is_string && after().starts_with([']', '}']) && is_after_value() => {
                removed += 1;
                continue;
            }
            '"' if !is_escaped => is_string = !is_string,
            _ => {}
        }
        is_escaped = character == '\\' && !is_escaped;
        mended.push(character);
    }
    (mended, removed)
}

impl Document {
    fn rows(text: &str) -> Document {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        Document::Rows(lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
    }

    /// Returns the cases and comments of a file as JSON values: the elements of a JSON array, the lines of JSON Lines,
    /// or the single value. Empty for comma-separated rows.
    pub(crate) fn items(&self) -> &[Value] {
        match self {
            Document::Json(Value::Array(items)) | Document::Lines(items) => items,
            Document::Json(value) => core::slice::from_ref(value),
            Document::Rows(_) => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::json;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Decompresses and parses a file that is JSON or JSON Lines, not comma-separated rows.
    fn read(bytes: &[u8], limit: u64) -> Result<Loaded, Problem> {
        Loaded::read(bytes, limit, |_| false)
    }

    fn document(bytes: &[u8]) -> Document {
        read(bytes, 100).unwrap().document
    }

    #[test]
    fn json_and_json_lines_plain_and_compressed() {
        let json = Document::Json(json!([{"a": 1}]));
        assert_eq!(read(b" [{\"a\": 1}]\n", 100), Ok(json.clone().into()));
        assert_eq!(read(&gzip(b"[{\"a\": 1}]"), 100), Ok(json.into()));
        let lines = document(b"{\"a\":1}\n\n{\"a\":2}\n");
        assert_eq!(lines, Document::Lines(vec![json!({"a": 1}), json!({"a": 2})]));
        assert_eq!(lines.items().len(), 2);
        assert_eq!(document(b"{\"a\":1}").items().len(), 1);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let Document::Json(value) = document(b"0.10000000000000000001") else { panic!() };
        assert_eq!(value.to_string(), "0.10000000000000000001");
    }

    #[test]
    fn what_is_not_json_says_where() {
        let problem = |bytes: &[u8]| read(bytes, 100).unwrap_err().to_string();
        assert_eq!(problem(b"[1,"), "not JSON: EOF while parsing a value at line 1 column 3");
        assert_eq!(problem(b""), "not JSON: EOF while parsing a value at line 1 column 0");
        assert_eq!(
            problem(b"{\"a\":\n{\"a\":1}"),
            "not JSON: EOF while parsing an object at line 2 column 7"
        );
        assert_eq!(problem(b"\xff\xfe"), "neither gzip nor UTF-8 text");
        assert!(problem(&gzip(b"[]")[..12]).starts_with("damaged gzip data: "));
        assert!(problem("[".repeat(300).as_bytes()).starts_with("larger than 100 bytes"));
        let deep = read("[".repeat(300).as_bytes(), 1000).unwrap_err();
        assert!(deep.to_string().contains("recursion limit"), "{deep}");
    }

    #[test]
    fn a_broken_line_does_not_lose_the_others() {
        let loaded = read(b"{\"a\":1}\n{\"a\":\n{\"a\":3}\n", 100).unwrap();
        assert_eq!(loaded.document, Document::Lines(vec![json!({"a": 1}), Value::Null, json!({"a": 3})]));
        let problem = "line 2: EOF while parsing a value at line 1 column 5".to_owned();
        assert_eq!(loaded.broken, BTreeMap::from([(1, problem)]));
    }

    #[test]
    fn trailing_commas_are_ignored_and_counted() {
        let mended =
            |text: &str| read(text.as_bytes(), 100).map(|loaded| (loaded.document, loaded.trailing_commas));
        assert_eq!(
            mended("[[1, 2, ], {\"a\": 3,\n} ,\n]"),
            Ok((Document::Json(json!([[1, 2], {"a": 3}])), 3))
        );
        assert_eq!(mended(r#"[",]", "\",]", "\\",]"#), Ok((Document::Json(json!([",]", "\",]", "\\"])), 1)));
        assert_eq!(mended("[1]"), Ok((Document::Json(json!([1])), 0)));
        for wrong in ["[1,,]", "[,]", "[1,", "{\"a\",}"] {
            assert!(mended(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_string_is_found_in_plain_and_in_compressed_text() {
        for bytes in [b"{\"id\":\"a/b\"}".to_vec(), gzip(b"{\"id\":\"a/b\"}")] {
            assert_eq!(contains(&bytes, "a/b", 100), Ok(true));
            assert_eq!(contains(&bytes, "a/c", 100), Ok(false));
            assert_eq!(contains(&bytes, "a/b", 11), Err(Problem::TooLarge { limit: 11 }));
        }
    }

    #[test]
    fn expansion_is_bounded() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert!(bomb.len() < 2000);
        assert_eq!(read(&bomb, 1 << 16), Err(Problem::TooLarge { limit: 1 << 16 }));
    }
}
