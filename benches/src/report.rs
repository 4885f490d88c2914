//! Description of the environment in which times were measured (machine, compiler, versions), and formatting of
//! tables.

use std::process::Command;

/// The machine and the software with which times were measured.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Environment {
    /// Name of the processor, with its family and model.
    pub cpu: String,
    /// Number of threads that the processor runs at the same time.
    pub cpu_threads: usize,
    /// Operating system and processor architecture.
    pub platform: String,
    /// Version of the Rust compiler.
    pub rustc: String,
    /// Names and versions of the libraries that determine the verification speed, from the lock file.
    pub libraries: Vec<String>,
}

/// Names of the libraries that determine the verification speed.
const LIBRARIES: [&str; 7] =
    ["bitcoin", "ripemd", "secp256k1", "secp256k1-sys", "sha1", "sha2", "sigstack-interpreter"];

impl Environment {
    /// Returns the machine and software on which this process runs.
    pub fn here() -> Environment {
        let cpu_info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let field = |name: &str| {
            let line = cpu_info.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let model = field("model name").unwrap_or_else(|| "unknown processor".to_owned());
        let family = |name| field(name).unwrap_or_default();
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let rustc = Command::new(rustc).arg("--version").output();
        Environment {
            cpu: format!("{model} (family {} model {})", family("cpu family"), family("model\t")),
            cpu_threads: std::thread::available_parallelism().map_or(1, usize::from),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            rustc: rustc.map_or_else(
                |_| "unknown".to_owned(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            ),
            libraries: locked_versions(include_str!("../../Cargo.lock")),
        }
    }

    /// Returns lines that describe this machine and software, to print above a table.
    pub fn lines(&self) -> String {
        format!(
            "{}, {} threads, {}\n{}\n{}",
            self.cpu,
            self.cpu_threads,
            self.platform,
            self.rustc,
            self.libraries.join(", ")
        )
    }
}

fn locked_versions(lock: &str) -> Vec<String> {
    let value = |line: &str, key: &str| {
        Some(line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?.to_owned())
    };
    lock.split("[[package]]")
        .filter_map(|package| {
            let name = package.lines().find_map(|line| value(line, "name"))?;
            let version = package.lines().find_map(|line| value(line, "version"))?;
            LIBRARIES.contains(&name.as_str()).then(|| format!("{name} {version}"))
        })
        .collect()
}

/// Formats a table in Markdown with padded columns. The first column is left-aligned, the others are right-aligned.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.iter().enumerate().map(|(column, width)| match column {
        0 => "-".repeat(*width),
        _ => format!("{}:", "-".repeat(width.saturating_sub(1))),
    });
    let rule: Vec<String> = rule.collect();
    let mut text = line(&mut head.iter().copied());
    text += &line(&mut rule.iter().map(String::as_str));
    rows.iter().for_each(|row| text += &line(&mut row.iter().map(String::as_str)));
    text
}

/// Writes a benchmark report to a JSON file.
///
/// # Errors
///
/// A message with the path and the error.
pub fn write_json(path: &str, report: &impl serde::Serialize) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let text = serde_json::to_string_pretty(report).map_err(|error| failed(&error))?;
    std::fs::write(path, text + "\n").map_err(|error| failed(&error))
}

/// Formats a time in nanoseconds as a number of microseconds.
pub fn micros(nanoseconds: f64) -> String {
    format!("{:.1}", nanoseconds / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"sha2\"\nversion = \"0.11.0\"\n\n[[package]]\nname = \"syn\"\nversion = \"3.0.0\"\n";
        assert_eq!(locked_versions(lock), ["sha2 0.11.0"]);
        let ours = locked_versions(include_str!("../../Cargo.lock"));
        for library in LIBRARIES {
            assert!(ours.iter().any(|version| version.starts_with(library)), "{library}");
        }
    }

    #[test]
    fn tables_are_padded() {
        let rows = [vec!["a".to_owned(), "10.0".to_owned()], vec!["long".to_owned(), "1".to_owned()]];
        assert_eq!(
            table(&["name", "µs"], &rows),
            "| name |   µs |\n| ---- | ---: |\n| a    | 10.0 |\n| long |    1 |\n"
        );
    }
}
