//! Random edits of bytes, scripts and stacks.

use bitcoin::secp256k1::SecretKey;
use bitcoin::secp256k1::ecdsa::Signature;
use sigstack_interpreter::Instructions;

use crate::oracle::layout::push;
use crate::random::Random;

/// Returns a random stack element that is likely to be near a limit: an edge case of a boolean, a number, a size or a
/// key.
pub(crate) fn element(random: &mut Random) -> Vec<u8> {
    match random.below(16) {
        0 | 1 => vec![],
        2 | 3 => vec![1],
        4 => vec![0],
        5 => vec![0x80],
        6 => vec![0x81],
        7 => vec![random.byte() % 20],
        8 => random.bytes(4),
        9 => random.bytes(5),
        10 => vec![0xff, 0xff, 0xff, 0x7f],
        11 => random.bytes(32),
        12 => [vec![1 + random.byte() % 3], random.bytes(32)].concat(),
        13 => random.bytes(64),
        14 => vec![random.byte(); 520],
        _ => vec![random.byte(); *random.pick(&[75, 76, 255, 256, 519, 521])],
    }
}

/// Makes one random change to a byte string: flips a bit, or replaces, inserts, removes or repeats bytes.
pub(crate) fn edit_bytes(bytes: &mut Vec<u8>, random: &mut Random) {
    let inserted = random.byte();
    if bytes.is_empty() {
        bytes.push(inserted);
        return;
    }
    let at = random.below(bytes.len());
    match random.below(10) {
        0..5 => bytes[at] ^= 1 << random.below(8),
        5 | 6 => bytes[at] = inserted,
        7 => bytes.insert(at, inserted),
        8 => drop(bytes.remove(at)),
        _ => {
            let end = bytes.len().min(at + 1 + random.below(8));
            let run: Vec<u8> = bytes.drain(at..end).collect();
            if random.once_in(2) {
                bytes.splice(at..at, [run.clone(), run].concat());
            }
        }
    }
}

/// Splits a script into its instructions. If the script ends with a truncated push, the last element is that push.
pub(crate) fn split(script: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![];
    let mut instructions = Instructions::new(script);
    let mut start = 0;
    while let Some(instruction) = instructions.next() {
        let end = if instruction.is_ok() { instructions.offset() } else { script.len() };
        parts.push(script[start..end].to_vec());
        start = end;
    }
    parts
}

/// Returns a random script instruction: an opcode, often one with special rules, or a push of a random element.
fn instruction(random: &mut Random) -> Vec<u8> {
    const SPECIAL: &[u8] = &[
        0x4f, 0x50, 0x51, 0x60, 0x61, 0x63, 0x64, 0x65, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x75, 0x76, 0x7c,
        0x7e, 0x82, 0x87, 0x88, 0x8f, 0x91, 0x93, 0x9a, 0x9c, 0xa5, 0xa6, 0xa8, 0xa9, 0xab, 0xac, 0xad, 0xae,
        0xaf, 0xb1, 0xb2, 0xb3, 0xba, 0xbb, 0xcb, 0xcc, 0xcd, 0xce, 0xfe, 0xff,
    ];
    match random.below(8) {
        0..3 => vec![*random.pick(SPECIAL)],
        3 | 4 => vec![0x4f + random.below(0xbb - 0x4f) as u8],
        5 => vec![random.byte()],
        _ => push(&element(random)),
    }
}

/// Changes a push in a script: re-encodes it by another opcode, or truncates or extends its data. If the announced
/// length becomes wrong, the push consumes following bytes, or some of its data is read as instructions.
fn edit_push(part: &mut Vec<u8>, random: &mut Random) {
    let (header, announced) = match part.first() {
        Some(0x4c) => (2, true),
        Some(0x4d) => (3, true),
        Some(0x4e) => (5, true),
        Some(opcode) => (1, *opcode < 0x4c),
        None => return,
    };
    let Some(data) = part.get(header..).filter(|_| announced) else { return edit_bytes(part, random) };
    let mut data = data.to_vec();
    match random.below(6) {
        0 => data.truncate(data.len() - random.below(data.len() + 1)),
        1 => data.extend(random.bytes(2)),
        _ => {}
    }
    let length = data.len() as u32;
    let mut header = match random.below(5) {
        0 => [&[0x4c], &length.to_le_bytes()[..1]].concat(),
        1 => [&[0x4d], &length.to_le_bytes()[..2]].concat(),
        2 => [&[0x4e], length.to_le_bytes().as_slice()].concat(),
        _ => part[..header].to_vec(),
    };
    if random.once_in(8) {
        edit_bytes(&mut header, random);
    }
    *part = [header, data].concat();
}

/// Makes one random change to the instructions of a script.
pub(crate) fn edit_script(script: &mut Vec<u8>, random: &mut Random) {
    let mut parts = split(script);
    let at = random.below(parts.len() + 1);
    match parts.get_mut(at) {
        None => parts.push(instruction(random)),
        Some(part) => match random.below(10) {
            0 | 1 => *part = instruction(random),
            2 | 3 => parts.insert(at, instruction(random)),
            4 => drop(parts.remove(at)),
            5 => {
                let part = part.clone();
                parts.insert(at, part);
            }
            6 => parts.swap(at, 0),
            7 | 8 => edit_push(part, random),
            _ => edit_bytes(part, random),
        },
    }
    *script = parts.concat();
}

/// Inserts a random sequence of instructions into a script. The sequences have no effect in most places.
pub(crate) fn pad_script(script: &mut Vec<u8>, random: &mut Random) {
    const NOTHING: &[&[u8]] = &[
        &[0x61],
        &[0xab],
        &[0xb3],
        &[0xb9],
        &[0x76, 0x75],
        &[0x51, 0x69],
        &[0x00, 0x75],
        &[0x00, 0x63, 0x68],
        &[0x51, 0x63, 0x67, 0x50, 0x68],
        &[0x74, 0x6b, 0x6c, 0x75],
        &[0x82, 0x75],
        &[0x06, 0x7e, 0xb3, 0xcb, 0xcc, 0xcd, 0xce, 0x75],
        &[0x00, 0x00, 0xba, 0x75],
        &[0x51, 0x52, 0x93, 0x53, 0x88],
    ];
    let mut parts = split(script);
    let at = random.below(parts.len() + 1);
    parts.insert(at, random.pick(NOTHING).to_vec());
    *script = parts.concat();
}

/// Changes one property of a signature that the rules check: hash type, S value, DER encoding or size. Adds or removes
/// a byte if the element is not a signature.
pub(crate) fn edit_signature(signature: &mut Vec<u8>, random: &mut Random) {
    let Some((hash_type, der)) = signature.split_last() else { return signature.push(random.byte()) };
    let parsed = Signature::from_der(der).ok();
    match (random.below(8), parsed) {
        (0, Some(parsed)) => {
            // The negated S value, with which the signature is also valid.
            let compact = parsed.serialize_compact();
            let Ok(s) = SecretKey::from_slice(&compact[32..]) else { return };
            let other =
                Signature::from_compact(&[&compact[..32], &s.negate().secret_bytes()].concat()).unwrap();
            *signature = [other.serialize_der().as_ref(), &[*hash_type]].concat();
        }
        // A superfluous zero byte before R, with the lengths adjusted.
        (1, Some(_)) => {
            signature.insert(4, 0);
            signature[3] += 1;
            signature[1] += 1;
        }
        (2, _) => drop(signature.pop()),
        (3, _) => signature.push(random.byte()),
        (4, _) => signature.truncate(random.below(signature.len() + 1)),
        _ => {
            let last = signature.len() - 1;
            signature[last] =
                *random.pick(&[0, 1, 2, 3, 4, 0x1f, 0x41, 0x61, 0x80, 0x81, 0x82, 0x83, 0x84, 0xff]);
        }
    }
}

/// Makes one random change to a stack: changes, replaces, inserts, removes or moves an element.
pub(crate) fn edit_stack(stack: &mut Vec<Vec<u8>>, random: &mut Random) {
    if stack.is_empty() {
        stack.push(element(random));
        return;
    }
    let at = random.below(stack.len());
    match random.below(12) {
        0..3 => edit_bytes(&mut stack[at], random),
        9 | 10 => edit_signature(&mut stack[at], random),
        3 | 4 => stack[at] = element(random),
        5 => stack.insert(at, element(random)),
        6 => drop(stack.remove(at)),
        7 => stack.insert(at, stack[at].clone()),
        8 => stack.swap(at, 0),
        // Appends a hash type to a signature.
        _ => stack[at].push(*random.pick(&[0, 1, 2, 3, 4, 0x41, 0x80, 0x81, 0x82, 0x83])),
    }
}
