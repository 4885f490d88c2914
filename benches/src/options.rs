//! Command line options of the benchmarks that are commands.

use std::collections::BTreeMap;

/// Options of the form `--name value`.
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Those of this process, each one of the names.
    ///
    /// # Errors
    ///
    /// Which word is wrong, and what is known.
    pub fn parse(names: &[&str]) -> Result<Options, String> {
        Options::of(std::env::args().skip(1), names)
    }

    fn of(mut words: impl Iterator<Item = String>, names: &[&str]) -> Result<Options, String> {
        let mut options = BTreeMap::new();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                // Cargo passes it to every benchmark.
                Some("bench") => {}
                Some(name) if names.contains(&name) => {
                    let value = words.next().ok_or(format!("--{name} needs a value"))?;
                    options.insert(name.to_owned(), value);
                }
                _ => return Err(format!("unknown option {word}; there are --{}", names.join(", --"))),
            }
        }
        Ok(Options(options))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A number from 1 on.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn number(&self, name: &str, default: usize) -> Result<usize, String> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or(format!("--{name} {text}: not a number from 1 on")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Options, String> {
        Options::of(words.split_whitespace().map(str::to_owned), &["rounds", "json"])
    }

    #[test]
    fn words() {
        let options = parse("--bench --rounds 7 --json out.json").unwrap();
        assert_eq!((options.number("rounds", 3), options.text("json")), (Ok(7), Some("out.json")));
        assert_eq!(parse("").unwrap().number("rounds", 3), Ok(3));
        assert_eq!(parse("--rounds").err(), Some("--rounds needs a value".to_owned()));
        assert_eq!(parse("7").err(), Some("unknown option 7; there are --rounds, --json".to_owned()));
        let error = "--rounds 0: not a number from 1 on".to_owned();
        assert_eq!(parse("--rounds 0").unwrap().number("rounds", 3), Err(error));
    }
}
