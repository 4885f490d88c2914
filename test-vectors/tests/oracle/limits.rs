//! Mutants with scripts at the limits of several rules at once. The order of the checks then determines which error
//! occurs.

use crate::oracle::edit::{edit_signature, element, split};
use crate::oracle::layout::{Layout, Place, push};
use crate::random::Random;

/// Maximum number of opcodes in a script. Pushes do not count.
const MAX_OPS: usize = 201;
/// Maximum number of elements on the stack and the alternate stack together.
const MAX_STACK: usize = 1_000;
/// Maximum size of a script in bytes.
const MAX_SCRIPT: usize = 10_000;

const OP_DROP: u8 = 0x75;
const OP_NOP: u8 = 0x61;
const OP_1: u8 = 0x51;

/// Returns a random number that differs from `number` by at most two.
fn near(number: usize, random: &mut Random) -> usize {
    (number + random.below(5)).saturating_sub(2)
}

/// Changes a script or its initial stack so that its size is close to a limit: equal, slightly below or slightly above.
pub(crate) fn to_limit(layout: &mut Layout, random: &mut Random) {
    if !random.once_in(4) {
        return fill_script(&mut layout.script, random);
    }
    let missing = near(MAX_STACK, random).saturating_sub(layout.stack.len());
    let mut fill = vec![vec![1]; missing];
    // Exceeds two limits at once.
    if random.once_in(2) && missing > 0 {
        fill[random.below(missing)] = vec![random.byte(); near(520, random)];
    }
    layout.stack.splice(0..0, fill);
}

/// Extends a script so that its size, opcode count or stack use is close to a limit: equal, slightly below or slightly
/// above. Most instructions are added at the beginning.
fn fill_script(script: &mut Vec<u8>, random: &mut Random) {
    let parts = split(script);
    let ops = parts.iter().filter(|part| part[0] > 0x60).count();
    let fill = match random.below(5) {
        // The keys of OP_CHECKMULTISIG count as opcodes too.
        0 => vec![OP_NOP; near(MAX_OPS.saturating_sub(ops + random.below(4)), random)],
        1 => vec![OP_1; near(MAX_STACK, random).saturating_sub(random.below(4))],
        2 => {
            let chunk = [push(&[random.byte(); 520]), vec![OP_DROP]].concat();
            let room = near(MAX_SCRIPT.saturating_sub(script.len()), random);
            let mut fill = chunk.repeat(room / chunk.len());
            fill.resize(room, OP_NOP);
            fill
        }
        3 => [push(&vec![random.byte(); near(520, random)]), vec![OP_DROP]].concat(),
        // Exceeds two limits at once.
        _ => {
            let large = push(&vec![random.byte(); near(520, random)]);
            [vec![OP_1; near(MAX_STACK, random)], vec![OP_NOP; random.below(4)], large].concat()
        }
    };
    let at = if random.once_in(3) { random.below(parts.len() + 1) } else { 0 };
    *script = [parts[..at].concat(), fill, parts[at..].concat()].concat();
}

/// Returns a push of a number. The number is usually encoded minimally. Rarely, a random element is pushed instead.
fn number(value: usize, random: &mut Random) -> Vec<u8> {
    match value {
        _ if random.once_in(24) => push(&element(random)),
        0 => vec![0],
        1..=16 if !random.once_in(16) => vec![0x50 + value as u8],
        _ => push(&[value as u8]),
    }
}

/// Returns a random public key for OP_CHECKMULTISIG. Most keys are valid, and can later be replaced by keys with known
/// secrets. Others violate a rule.
fn key(random: &mut Random) -> Vec<u8> {
    const GENERATOR: [u8; 32] = [
        0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07, 0x02,
        0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
    ];
    match random.below(10) {
        0 => element(random),
        1 => [vec![4], random.bytes(64)].concat(),
        2 => [vec![6 + random.byte() % 2], random.bytes(64)].concat(),
        3 => [vec![5], GENERATOR.to_vec()].concat(),
        _ => [vec![2 + random.byte() % 2], GENERATOR.to_vec()].concat(),
    }
}

/// Returns an ECDSA signature with random R and S, for which no key is known. Most are correctly encoded, and one in
/// six is changed at random.
fn signature(random: &mut Random) -> Vec<u8> {
    let integer = |random: &mut Random| [vec![2, 32, 1 + random.byte() % 0x7f], random.bytes(31)].concat();
    let integers = [integer(random), integer(random)].concat();
    let mut signature =
        [vec![0x30, integers.len() as u8], integers, vec![*random.pick(&[1, 1, 2, 3, 0x81])]].concat();
    if random.once_in(6) {
        edit_signature(&mut signature, random);
    }
    signature
}

/// Replaces script and stack by a random OP_CHECKMULTISIG script and a matching stack, for a random kind of output. The
/// counts of signatures and keys are usually correct. Sometimes a limit is approached too.
pub(crate) fn multisig(layout: &mut Layout, random: &mut Random) {
    layout.place =
        *random.pick(&[Place::Bare, Place::P2sh, Place::P2wsh, Place::P2shP2wsh, Place::Tapscript]);
    let most = if random.once_in(8) { 22 } else { 4 };
    let keys = random.below(most);
    let signatures = random.below(keys + 1);
    let off =
        |count: usize, random: &mut Random| if random.once_in(10) { near(count, random) } else { count };
    let announced = (off(signatures, random), off(keys, random));
    let keys: Vec<u8> = (0..keys).flat_map(|_| push(&key(random))).collect();
    let opcode: &[u8] = match random.below(4) {
        0 => &[0xae, 0x91],
        1 => &[0xaf, OP_1],
        _ => &[0xae],
    };
    layout.script =
        [number(announced.0, random), keys, number(announced.1, random), opcode.to_vec()].concat();
    let dummy = if random.once_in(6) { element(random) } else { vec![] };
    let absent = random.once_in(12);
    let elements = (0..signatures).map(|_| if random.once_in(5) { vec![] } else { signature(random) });
    layout.stack = (!absent).then_some(dummy).into_iter().chain(elements).collect();
    if random.once_in(5) {
        to_limit(layout, random);
    }
}
