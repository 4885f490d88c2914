//! Property: that of [`verify_differential`](crate::verify_differential), whose counts it shares, of nothing but tapscripts:
//! most executions of that target are over before a tapscript begins.
//!
//! Input: a byte of flags, then a [recipe](crate::recipe). Its place and leaf version are not looked at. What would keep most
//! scripts from running is left out: damage, Merkle paths that are too long, and `OP_SUCCESSx`, for which other opcodes stand.

use std::sync::LazyLock;

use sigstack_interpreter::{Flags, Opcode};

use crate::bytes::Reader;
use crate::flags;
use crate::recipe::{Damage, Place, Recipe};
use crate::spend::{Subject, make};
use crate::verify_differential::{COUNTS, compare_subject};
use crate::words::split;

/// The leaf version of BIP 342.
const TAPSCRIPT: u8 = 0xc0;

/// Longest Merkle path (BIP 341 "Script validation rules").
const MAX_PATH: u8 = 128;

/// Opcodes that do something in a tapscript, besides pushes.
static OPCODES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let after_pushes = Opcode::OP_16.0 + 1..=u8::MAX;
    after_pushes.filter(|byte| Opcode(*byte).info().is_some() && !Opcode(*byte).is_success()).collect()
});

/// The script with another opcode for each `OP_SUCCESSx`, always the same.
fn without_success(script: &[u8]) -> Vec<u8> {
    let mut script: Vec<Vec<u8>> = split(script).into_iter().map(<[u8]>::to_vec).collect();
    for opcode in script.iter_mut().filter_map(|part| part.first_mut()) {
        if Opcode(*opcode).is_success() {
            *opcode = OPCODES[usize::from(*opcode) % OPCODES.len()];
        }
    }
    script.concat()
}

/// Holds the engine to another verifier, which answers as for `verify_differential`.
pub fn compare(bytes: &[u8], accepts: impl Fn(&Subject, Flags) -> Option<bool>) {
    COUNTS.begin();
    let mut reader = Reader::new(bytes);
    let flags = (flags::consensus(reader.byte()) | Flags::WITNESS | Flags::TAPROOT).closure();
    let recipe = Recipe::read(&mut reader);
    let recipe = Recipe {
        place: Place::Tapscript,
        script: without_success(&recipe.script),
        path: recipe.path.min(MAX_PATH),
        leaf_version: TAPSCRIPT,
        damage: Damage::default(),
        ..recipe
    };
    compare_subject(&make(&recipe, flags), flags, false, accepts);
}

/// The target's body.
#[cfg(feature = "consensus")]
pub fn run(bytes: &[u8]) {
    compare(bytes, crate::consensus::accepts);
}

#[cfg(all(test, feature = "consensus"))]
mod tests {
    use super::*;
    use crate::bytes::Writer;

    #[test]
    fn opcodes_stand_for_success_and_nothing_else_changes() {
        let opcodes: Vec<u8> = (Opcode::OP_PUSHDATA4.0 + 1..=u8::MAX).collect();
        let changed = without_success(&opcodes);
        assert_eq!(changed.len(), opcodes.len());
        for (before, after) in opcodes.into_iter().zip(changed) {
            assert!(!Opcode(after).is_success(), "{after:#04x} for {before:#04x}");
            assert!(before == after || Opcode(before).is_success(), "{after:#04x} for {before:#04x}");
        }
        // What is pushed is no opcode.
        assert_eq!(without_success(&[2, 0x50, 0x50, 0x51]), [2, 0x50, 0x50, 0x51]);
    }

    #[test]
    fn every_recipe_is_a_tapscript() {
        let mut writer = Writer::default();
        let recipe = Recipe {
            place: Place::KeyPath,
            leaf_version: 0xc2,
            // OP_SUCCESS80 would end it before OP_1 is executed, though it stands in a branch that is not.
            script: vec![0x51, 0x00, 0x63, 0x50, 0x68],
            path: MAX_PATH + 2,
            damage: Damage { part: 1, position: 0, bits: 1 },
            ..Recipe::read(&mut Reader::new(&[]))
        };
        recipe.write(writer.byte(flags::consensus_byte(Flags::NONE))).unwrap();
        let before = COUNTS.accepted_tapscripts();
        run(&writer.finish());
        assert!(COUNTS.accepted_tapscripts() > before);
    }
}
