//! Tables with output as Markdown, CSV and JSON. The command `sigstack` prints them as text.

use serde_json::{Map, Value};

/// A table: column headings and rows of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Creates a table without rows.
    pub fn new(headings: &[&str]) -> Table {
        Table { headings: headings.iter().map(|&heading| heading.to_owned()).collect(), rows: Vec::new() }
    }

    /// Appends a row. Missing cells are empty, and cells beyond the last heading are dropped.
    pub fn push(&mut self, mut row: Vec<String>) {
        row.resize(self.headings.len(), String::new());
        self.rows.push(row);
    }

    /// Returns the column headings of the table.
    pub fn headings(&self) -> &[String] {
        &self.headings
    }

    /// Returns the rows of the table, without the headings.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Formats the table as Markdown.
    pub fn to_markdown(&self) -> String {
        let line = |row: &[String]| format!("| {} |\n", row.join(" | "));
        let rule = format!("|{}\n", " --- |".repeat(self.headings.len()));
        let rows = self.rows.iter().map(|row| line(row));
        [line(&self.headings), rule].into_iter().chain(rows).collect()
    }

    /// Formats the table as comma-separated values (RFC 4180).
    pub fn to_csv(&self) -> String {
        let cell = |cell: &String| match cell.contains([',', '"', '\n']) {
            true => format!("\"{}\"", cell.replace('"', "\"\"")),
            false => cell.clone(),
        };
        let line = |row: &Vec<String>| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n";
        std::iter::once(&self.headings).chain(&self.rows).map(line).collect()
    }

    /// Formats the table as a JSON array with one object for each row. Whole numbers become JSON numbers. If a
    /// heading occurs more than once, the later keys get a number, for example `sat` and `sat 2`.
    pub fn to_json(&self) -> String {
        let mut names: Vec<String> = Vec::new();
        for heading in &self.headings {
            let same = self.headings.iter().take(names.len()).filter(|other| *other == heading).count();
            names.push(if same == 0 { heading.clone() } else { format!("{heading} {}", same + 1) });
        }
        let value = |cell: &String| match cell.parse::<i64>() {
            Ok(number) => Value::from(number),
            Err(_) => Value::from(cell.as_str()),
        };
        let rows = self.rows.iter().map(|row| {
            let fields = names.iter().zip(row).map(|(name, cell)| (name.clone(), value(cell)));
            Value::Object(fields.collect::<Map<_, _>>())
        });
        let mut text = format!("{:#}", rows.collect::<Value>());
        text.push('\n');
        text
    }
}
