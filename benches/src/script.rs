//! Functions that build scripts from text with the names of opcodes.

use sigstack_interpreter::Opcode;

/// Returns the script of a text with opcode names without `OP_`, and with bytes to push (`0x...`), separated by spaces.
///
/// ```
/// assert_eq!(sigstack_benches::script::script("1 0xaabb DROP"), [0x51, 2, 0xaa, 0xbb, 0x75]);
/// ```
///
/// # Panics
///
/// If a word is neither an opcode nor bytes.
pub fn script(text: &str) -> Vec<u8> {
    let mut script = Vec::new();
    for word in text.split_whitespace() {
        if let Some(hex) = word.strip_prefix("0x") {
            let digits: Vec<char> = hex.chars().collect();
            let byte = |pair: &[char]| {
                u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("two hexadecimal digits")
            };
            push(&mut script, &digits.chunks(2).map(byte).collect::<Vec<u8>>());
        } else {
            script.push(Opcode::from_name(&format!("OP_{word}")).expect("the name of an opcode").0);
        }
    }
    script
}

/// Returns the script of `text`, repeated `count` times.
pub fn repeat(text: &str, count: usize) -> Vec<u8> {
    script(text).repeat(count)
}

/// Appends the shortest push of some bytes to a script. Number opcodes such as `OP_1` are not used.
pub fn push(script: &mut Vec<u8>, bytes: &[u8]) {
    let [a, b, ..] = bytes.len().to_le_bytes();
    match bytes.len() {
        0..=75 => script.push(a),
        76..=255 => script.extend([Opcode::OP_PUSHDATA1.0, a]),
        _ => script.extend([Opcode::OP_PUSHDATA2.0, a, b]),
    }
    script.extend_from_slice(bytes);
}

/// Appends the shortest push of a number to a script.
pub fn push_number(script: &mut Vec<u8>, number: usize) {
    match u8::try_from(number) {
        Ok(0) => script.push(0),
        Ok(small @ 1..=16) => script.push(Opcode::OP_1.0 - 1 + small),
        _ => push(
            script,
            sigstack_interpreter::script_num::encode(i64::try_from(number).expect("a number")).as_bytes(),
        ),
    }
}
