//! Dictionary for libFuzzer. It contains opcodes and example scripts of proposals from the interpreter's tables, and
//! [words](crate::words).

use core::fmt::Write;

use sigstack_interpreter::{OPCODES, PROPOSALS, append_push};

/// Path of the dictionary file in the repository.
pub const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/opcodes.dict");

/// Words that the dictionary contains. Each row has the first byte of the word, its name, and the values of its second
/// byte.
const WORDS: &[(u8, &str, &[u8])] = &[
    (0xf0, "key", &[0, 1, 2, 3]),
    (0xf1, "compressed", &[0, 1, 2, 3]),
    (0xf2, "uncompressed", &[0]),
    (0xf3, "hybrid", &[0]),
    (0xf4, "bip118", &[0, 1, 2, 3]),
    (0xf5, "hash160", &[0, 1]),
    (0xf6, "ecdsa", &[0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x00]),
    (0xf7, "schnorr", &[0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83, 0x41, 0x42, 0x43, 0xc1, 0xc2, 0xc3]),
    (0xf8, "sha256", &[0, 1]),
    (0xf9, "hash160_of_byte", &[0, 1]),
    (0xfa, "edge", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    (0xfb, "ctv", &[0]),
    (0xfc, "template_hash", &[0]),
];

/// Maximum size of a dictionary entry in bytes. libFuzzer ignores longer entries.
const MAX_ENTRY_SIZE: usize = 64;

/// Returns the text of the dictionary file for libFuzzer.
pub fn text() -> String {
    let mut text = String::from(
        "# Written by `sigstack-fuzz dictionary`: opcodes, samples of proposals, and words (src/words.rs) as pushes.\n",
    );
    let mut line = |name: &str, bytes: &[u8]| {
        let escaped: String = bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        let _ = writeln!(text, "{name}=\"{escaped}\"");
    };
    for info in OPCODES {
        line(info.name, &[info.opcode.0]);
    }
    for proposal in PROPOSALS {
        if let Some(sample) = proposal.sample {
            let mut script = Vec::new();
            sample.stack.iter().for_each(|element| append_push(element, &mut script));
            script.extend_from_slice(sample.script);
            if script.len() <= MAX_ENTRY_SIZE {
                line(&format!("sample_{}", proposal.name), &script);
            }
        }
    }
    for (kind, name, seconds) in WORDS {
        for second in *seconds {
            line(&format!("{name}_{second:02x}"), &[2, *kind, *second]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_dictionary_is_that_of_the_table() {
        let committed = std::fs::read_to_string(super::FILE).unwrap();
        assert!(committed == super::text(), "write it with `cargo run -p sigstack-fuzz dictionary`");
    }
}
