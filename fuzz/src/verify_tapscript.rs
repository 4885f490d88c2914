//! Property: that of [`verify_differential`](crate::verify_differential), whose counts it shares, of nothing but tapscripts:
//! most executions of that target are over before a tapscript begins.
//!
//! Input: a byte of flags, then a [recipe](crate::recipe). Its place and leaf version are not looked at, nor is its damage, which
//! would keep most scripts from running.

use sigstack_interpreter::Flags;

use crate::bytes::Reader;
use crate::flags;
use crate::recipe::{Damage, Place, Recipe};
use crate::spend::{Subject, make};
use crate::verify_differential::{COUNTS, compare_subject};

/// The leaf version of BIP 342.
const TAPSCRIPT: u8 = 0xc0;

/// Holds the engine to another verifier, which answers as for `verify_differential`.
pub fn compare(bytes: &[u8], accepts: impl Fn(&Subject, Flags) -> Option<bool>) {
    COUNTS.begin();
    let mut reader = Reader::new(bytes);
    let flags = (flags::consensus(reader.byte()) | Flags::WITNESS | Flags::TAPROOT).closure();
    let recipe = Recipe {
        place: Place::Tapscript,
        leaf_version: TAPSCRIPT,
        damage: Damage::default(),
        ..Recipe::read(&mut reader)
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
    fn every_recipe_is_a_tapscript() {
        let mut writer = Writer::default();
        let recipe = Recipe {
            place: Place::KeyPath,
            leaf_version: 0xc2,
            script: vec![0x51],
            damage: Damage { part: 1, position: 0, bits: 1 },
            ..Recipe::read(&mut Reader::new(&[]))
        };
        recipe.write(writer.byte(flags::consensus_byte(Flags::NONE))).unwrap();
        let before = COUNTS.accepted_tapscripts();
        run(&writer.finish());
        assert!(COUNTS.accepted_tapscripts() > before);
    }
}
