//! Compresses the project's vector files with gzip and generates the table of embedded files for the feature `embedded`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;

/// Folders that contain vector files.
const FOLDERS: [&str; 5] = ["bips", "channels", "compiler", "consensus", "proposals"];

/// Name of the JSON file in the vector folders that contains no vectors. The file lists the rules of the BIP draft, and
/// for each rule the ids of its cases.
const NO_VECTORS: &str = "rules.json";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBEDDED").is_none() {
        return Ok(());
    }
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut files = Vec::new();
    for folder in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        find(&root.join(folder), &mut files)?;
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (nth, path) in files.iter().enumerate() {
        let name: Vec<_> = path.strip_prefix(&root)?.iter().map(|part| part.to_string_lossy()).collect();
        let packed = out.join(format!("{nth}.gz"));
        let mut encoder = GzEncoder::new(fs::File::create(&packed)?, Compression::best());
        encoder.write_all(&fs::read(path)?)?;
        encoder.finish()?;
        let name = name.join("/");
        writeln!(table, "EmbeddedFile {{ name: {name:?}, bytes: include_bytes!({packed:?}) }},")?;
    }
    table.push(']');
    fs::write(out.join("embedded.rs"), table)?;
    Ok(())
}

/// Adds to `files` the vector files in a folder and its subfolders. A folder that does not exist contains none.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_vectors = path.extension().is_some_and(|ending| ending == "json" || ending == "jsonl")
            && !path.ends_with(NO_VECTORS);
        if path.is_dir() {
            find(&path, files)?;
        } else if is_vectors {
            files.push(path);
        }
    }
    Ok(())
}
