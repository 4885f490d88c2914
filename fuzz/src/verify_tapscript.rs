//! Property: the engine accepts a tapscript spend exactly if Bitcoin Core accepts it. This is the property of
//! [`verify_differential`](crate::verify_differential) for tapscripts only, because most executions of that target end
//! before a tapscript is executed. Both targets share their counters.
//!
//! Fuzz input: a byte of flags, then a [recipe](crate::recipe), whose output type and leaf version are ignored. The
//! target leaves out what would prevent most scripts from being executed: changes after signing, and Merkle paths that
//! are too long. `OP_SUCCESSx` is replaced by other opcodes.

use std::sync::LazyLock;

use sigstack_interpreter::{Flags, Opcode};

use crate::bytes::Reader;
use crate::flags;
use crate::recipe::{Damage, Place, Recipe};
use crate::spend::{Subject, make};
use crate::verify_differential::{COUNTS, compare_subject};
use crate::words::split;

/// Leaf version of tapscript (BIP 342).
const TAPSCRIPT: u8 = 0xc0;

/// Maximum length of a Merkle path in hashes (BIP 341 "Script validation rules").
const MAX_PATH: u8 = 128;

/// Opcodes that have a function in a tapscript, except pushes.
static OPCODES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let after_pushes = Opcode::OP_16.0 + 1..=u8::MAX;
    after_pushes.filter(|byte| Opcode(*byte).info().is_some() && !Opcode(*byte).is_success()).collect()
});

/// Replaces each `OP_SUCCESSx` in a script by another opcode. The same script always gives the same result.
fn without_success(script: &[u8]) -> Vec<u8> {
    let mut script: Vec<Vec<u8>> = split(script).into_iter().map(<[u8]>::to_vec).collect();
    for opcode in script.iter_mut().filter_map(|part| part.first_mut()) {
        if Opcode(*opcode).is_success() {
            *opcode = OPCODES[usize::from(*opcode) % OPCODES.len()];
        }
    }
    script.concat()
}

/// Compares the engine with another verifier on one fuzz input. `accepts` returns whether the other verifier accepts
/// the input to verify, or `None` if it cannot parse the transaction.
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

/// Runs the fuzz target `verify_tapscript` on one fuzz input. Panics if the verdicts differ.
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
        // Pushed bytes are not opcodes.
        assert_eq!(without_success(&[2, 0x50, 0x50, 0x51]), [2, 0x50, 0x50, 0x51]);
    }

    #[test]
    fn every_recipe_is_a_tapscript() {
        let mut writer = Writer::default();
        let recipe = Recipe {
            place: Place::KeyPath,
            leaf_version: 0xc2,
            // OP_SUCCESS80 would end the script before OP_1 is executed, although it is in a branch that is not executed.
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
