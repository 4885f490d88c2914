//! Tests of the fuzz target `verify_differential` with transaction inputs whose verdicts are known.

use sigstack_interpreter::{Flags, ScriptError, Spend};

use super::{COUNTS, run};
use crate::bytes::Writer;
use crate::recipe::{Damage, Input, Place, Recipe};
use crate::spend::{RECIPE, make};

fn recipe(place: Place, script: &[u8], stack: &[&[u8]]) -> Recipe {
    let input = Input { sequence: 0, amount: 1_000, script_sig: vec![] };
    Recipe {
        place,
        version: 2,
        lock_time: 0,
        inputs: vec![input; 2],
        outputs: vec![(900, vec![0x51])],
        index: 0,
        script: script.to_vec(),
        stack: stack.iter().map(|element| element.to_vec()).collect(),
        leaf_version: 0xc0,
        internal_key: 1,
        path: 2,
        annex: None,
        damage: Damage::default(),
    }
}

/// Runs the fuzz target on a recipe, and returns the engine's verdict on it.
fn verdict(recipe: &Recipe) -> Result<(), ScriptError> {
    let mut writer = Writer::default();
    writer.byte(0).byte(RECIPE);
    recipe.write(&mut writer).unwrap();
    run(&writer.finish());
    let subject = make(recipe, Flags::CONSENSUS);
    let verdict = Spend::new(&subject.tx, &subject.prevouts)
        .unwrap()
        .verify_input(subject.index, Flags::CONSENSUS)
        .map(drop);
    verdict.map_err(|error| error.script_error().unwrap())
}

const ECDSA: &[u8] = &[0xf6, 0x81];
const SCHNORR: &[u8] = &[0xf7, 0x01];
const CHECK: &[u8] = &[2, 0xf1, 0, 0xac];
const TAPSCRIPT_CHECK: &[u8] = &[2, 0xf0, 0, 0xac];

#[test]
fn signatures_are_real_in_every_place() {
    use Place::*;
    for place in [Bare, P2sh, P2wsh, P2shP2wsh] {
        assert_eq!(verdict(&recipe(place, CHECK, &[ECDSA])), Ok(()), "{place:?}");
        assert!(verdict(&recipe(place, CHECK, &[&[0x30]])).is_err(), "{place:?}");
        // 2-of-3 multisig. The empty first element is the dummy element of OP_CHECKMULTISIG.
        let multisig = [0x52, 2, 0xf1, 0, 2, 0xf1, 1, 2, 0xf2, 2, 0x53, 0xae];
        assert_eq!(verdict(&recipe(place, &multisig, &[&[], ECDSA, ECDSA])), Ok(()), "{place:?}");
    }
    for place in [P2wpkh, P2shP2wpkh] {
        assert_eq!(verdict(&recipe(place, &[], &[ECDSA, &[0xf1, 1]])), Ok(()), "{place:?}");
    }
    assert_eq!(verdict(&recipe(KeyPath, &[], &[SCHNORR])), Ok(()));
    assert_eq!(verdict(&recipe(Tapscript, TAPSCRIPT_CHECK, &[SCHNORR])), Ok(()));
    let after_separator = [&[0xab], TAPSCRIPT_CHECK].concat();
    let with_annex = Recipe { annex: Some(vec![0x50, 1]), ..recipe(Tapscript, &after_separator, &[SCHNORR]) };
    assert_eq!(verdict(&with_annex), Ok(()));
    assert_eq!(verdict(&recipe(Program, &[0x52, 2, 1, 1], &[&[1]])), Ok(()));
    assert_eq!(verdict(&recipe(P2shProgram, &[0x52, 2, 1, 1], &[&[1]])), Ok(()));
}

#[test]
fn damage_is_seen() {
    let signed = recipe(Place::Tapscript, TAPSCRIPT_CHECK, &[SCHNORR]);
    let bits = |part, position| Recipe { damage: Damage { part, position, bits: 1 }, ..signed.clone() };
    assert_eq!(verdict(&bits(1, 5)), Err(ScriptError::SchnorrSig));
    // The witness consists of 65 bytes of signature, followed by the script.
    assert_eq!(verdict(&bits(1, 65)), Err(ScriptError::WitnessProgramMismatch));
    assert_eq!(verdict(&bits(2, 0)), Ok(()), "an empty scriptSig has no byte to damage");
    assert_eq!(verdict(&bits(3, 5)), Err(ScriptError::WitnessProgramMismatch));
}

#[test]
fn tapscripts_are_counted() {
    let before = (COUNTS.tapscripts(), COUNTS.accepted_tapscripts());
    verdict(&recipe(Place::Tapscript, &[0x51], &[])).unwrap();
    verdict(&recipe(Place::Tapscript, &[0x00], &[])).unwrap_err();
    // A script with OP_SUCCESS is not executed.
    verdict(&recipe(Place::Tapscript, &[0x50], &[])).unwrap();
    let after = (COUNTS.tapscripts(), COUNTS.accepted_tapscripts());
    // Other tests that run at the same time count as well.
    assert!(after.0 >= before.0 + 2 && after.1 > before.1);
}
