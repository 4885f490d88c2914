//! What a figure means only together with: the machine, the compiler, the versions. And tables.

use std::process::Command;

/// Where and with what a run was made.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Environment {
    /// The processor's name.
    pub cpu: String,
    /// Threads that it offers.
    pub cpu_threads: usize,
    /// The operating system and architecture.
    pub platform: String,
    /// The compiler's version.
    pub rustc: String,
    /// Libraries whose speed decides, from the lock file.
    pub libraries: Vec<String>,
}

/// Libraries whose speed decides.
const LIBRARIES: [&str; 7] =
    ["bitcoin", "ripemd", "secp256k1", "secp256k1-sys", "sha1", "sha2", "sigstack-interpreter"];

impl Environment {
    /// That of this process.
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

    /// The environment in lines to print above a table.
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

/// A table in Markdown, its columns padded: the first to the left, the others to the right.
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

/// Writes a report.
///
/// # Errors
///
/// Which file could not be written, and why.
pub fn write_json(path: &str, report: &impl serde::Serialize) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let text = serde_json::to_string_pretty(report).map_err(|error| failed(&error))?;
    std::fs::write(path, text + "\n").map_err(|error| failed(&error))
}

/// Nanoseconds as microseconds.
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
