//! From bytes to JSON or rows: decompression, text, and nothing about vectors.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::error::Problem;

/// Most bytes of a file, after decompression.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The two bytes with which gzip data begins (RFC 1952).
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A file's content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// One JSON value.
    Json(Value),
    /// JSON Lines: one value a line.
    Lines(Vec<Value>),
    /// Comma-separated rows without quoting, the heading first.
    Rows(Vec<Vec<String>>),
}

impl Document {
    /// Reads a file, gzip'd or not.
    pub(crate) fn read(bytes: &[u8], limit: u64) -> Result<Document, Problem> {
        let mut unpacked = Vec::new();
        let plain = if bytes.starts_with(GZIP_MAGIC) {
            let mut reader = MultiGzDecoder::new(bytes).take(limit.saturating_add(1));
            reader.read_to_end(&mut unpacked).map_err(|error| Problem::Gzip(error.to_string()))?;
            unpacked.as_slice()
        } else {
            bytes
        };
        if u64::try_from(plain.len()).is_ok_and(|length| length > limit) {
            return Err(Problem::TooLarge { limit });
        }
        Document::parse(core::str::from_utf8(plain).map_err(|_| Problem::NotText)?)
    }

    fn parse(text: &str) -> Result<Document, Problem> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if crate::formats::bip340::is_heading(text.lines().next().unwrap_or_default()) {
            return Ok(Document::rows(text));
        }
        let error = match serde_json::from_str(text) {
            Ok(value) => return Ok(Document::Json(value)),
            Err(error) => error,
        };
        // A first line that is an object by itself makes the file JSON Lines.
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let first = lines.clone().next().map(|(_, line)| serde_json::from_str(line));
        if !matches!(first, Some(Ok(Value::Object(_)))) {
            return Err(Problem::NotJson(error.to_string()));
        }
        let values = lines.try_fold(Vec::new(), |mut values, (nth, line)| {
            let wrong = |error| Problem::NotJson(format!("line {}: {error}", nth + 1));
            values.push(serde_json::from_str(line).map_err(wrong)?);
            Ok(values)
        });
        values.map(Document::Lines)
    }

    fn rows(text: &str) -> Document {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        Document::Rows(lines.map(|line| line.split(',').map(str::to_owned).collect()).collect())
    }

    /// The elements of an array, the lines of JSON Lines, or the one object.
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

    #[test]
    fn json_and_json_lines_plain_and_compressed() {
        let json = Document::Json(json!([{"a": 1}]));
        assert_eq!(Document::read(b" [{\"a\": 1}]\n", 100), Ok(json.clone()));
        assert_eq!(Document::read(&gzip(b"[{\"a\": 1}]"), 100), Ok(json));
        let lines = Document::read(b"{\"a\":1}\n\n{\"a\":2}\n", 100).unwrap();
        assert_eq!(lines, Document::Lines(vec![json!({"a": 1}), json!({"a": 2})]));
        assert_eq!(lines.items().len(), 2);
        assert_eq!(Document::read(b"{\"a\":1}", 100).unwrap().items().len(), 1);
    }

    #[test]
    fn numbers_keep_their_digits() {
        let Document::Json(value) = Document::read(b"0.10000000000000000001", 100).unwrap() else { panic!() };
        assert_eq!(value.to_string(), "0.10000000000000000001");
    }

    #[test]
    fn what_is_not_json_says_where() {
        let problem = |bytes: &[u8]| Document::read(bytes, 100).unwrap_err().to_string();
        assert_eq!(problem(b"[1,"), "not JSON: EOF while parsing a value at line 1 column 3");
        assert_eq!(problem(b""), "not JSON: EOF while parsing a value at line 1 column 0");
        assert_eq!(
            problem(b"{\"a\":1}\n{\"a\":"),
            "not JSON: line 2: EOF while parsing a value at line 1 column 5"
        );
        assert_eq!(problem(b"\xff\xfe"), "neither gzip nor UTF-8 text");
        assert!(problem(&gzip(b"[]")[..12]).starts_with("damaged gzip data: "));
        assert!(problem("[".repeat(300).as_bytes()).starts_with("larger than 100 bytes"));
        let deep = Document::read("[".repeat(300).as_bytes(), 1000).unwrap_err();
        assert!(deep.to_string().contains("recursion limit"), "{deep}");
    }

    #[test]
    fn expansion_is_bounded() {
        let bomb = gzip(&vec![b' '; 1 << 20]);
        assert!(bomb.len() < 2000);
        assert_eq!(Document::read(&bomb, 1 << 16), Err(Problem::TooLarge { limit: 1 << 16 }));
    }
}
