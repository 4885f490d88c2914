//! Command line options of benchmarks that do not use Criterion.

use std::collections::BTreeMap;

/// Command line options of the form `--name value`, by name.
pub struct Options(BTreeMap<String, String>);

impl Options {
    /// Parses the command line of this process. Only options with the given names are accepted.
    ///
    /// # Errors
    ///
    /// A message with the invalid word and the known options.
    pub fn parse(names: &[&str]) -> Result<Options, String> {
        Options::of(std::env::args().skip(1), names)
    }

    fn of(mut words: impl Iterator<Item = String>, names: &[&str]) -> Result<Options, String> {
        let mut options = BTreeMap::new();
        while let Some(word) = words.next() {
            match word.strip_prefix("--") {
                // Cargo passes `--bench` to every benchmark.
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

    /// Returns the value of the option `name`, or `None` if it is not given on the command line.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the value of the option `name` as a number of at least 1, or `default` if the option is not given.
    ///
    /// # Errors
    ///
    /// A message if the value is not such a number.
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
