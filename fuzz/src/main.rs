//! Command-line tools for the fuzz targets.
//!
//! - `sigstack-fuzz list`: prints the names of the targets, one on each line
//! - `sigstack-fuzz seeds [FOLDER]`: writes seeds of all targets, made from every vector file, into `corpus/` or the folder
//! - `sigstack-fuzz dictionary`: writes `opcodes.dict`
//! - `sigstack-fuzz hunt FOLDER SECONDS`: runs every target on its corpus in the folder (created from the vectors if it
//!   does not exist), and runs the vectors. Prints the names of the targets that detect a bug. The exit status is 1 if
//!   there are any
//! - `sigstack-fuzz regressions`: runs every target on its folder in `regressions/`

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use sigstack_fuzz::{TARGETS, dictionary, replay, seeds};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["list"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            Ok(())
        }
        ["seeds"] => write_seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")),
        ["seeds", folder] => write_seeds(Path::new(folder)),
        ["dictionary"] => std::fs::write(dictionary::FILE, dictionary::text()),
        ["hunt", folder, seconds] => match hunt(folder, seconds) {
            Ok(found) if found.is_empty() => Ok(()),
            Ok(_) => return ExitCode::from(1),
            Err(error) => Err(error),
        },
        ["regressions"] => regressions(),
        _ => {
            eprintln!(
                "usage: sigstack-fuzz list | seeds [FOLDER] | dictionary | hunt FOLDER SECONDS | regressions"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sigstack-fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn write_seeds(corpus: &Path) -> io::Result<()> {
    let folders = seeds::folders();
    let made = seeds::seeds(&folders)?;
    for folder in folders {
        println!("from {}", folder.display());
    }
    for (target, count) in seeds::write(&made, corpus)? {
        println!("{count:>7} {target}");
    }
    Ok(())
}

fn hunt(folder: &str, seconds: &str) -> io::Result<Vec<&'static str>> {
    let seconds =
        seconds.parse().map_err(|_| io::Error::other(format!("{seconds:?} is no number of seconds")))?;
    let found = sigstack_fuzz::hunt::hunt(Path::new(folder), Duration::from_secs(seconds))?;
    found.iter().for_each(|finder| println!("{finder}"));
    Ok(found)
}

fn regressions() -> io::Result<()> {
    for target in TARGETS {
        let folder: PathBuf = replay::regressions(target.name);
        let count = if folder.is_dir() { replay::replay(target.run, &[folder])? } else { 0 };
        println!("{count:>7} {}", target.name);
    }
    Ok(())
}
