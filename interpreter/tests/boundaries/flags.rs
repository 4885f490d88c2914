//! Tests that a flag enables its own rule and nothing else. A script or input that breaks one rule fails if only the
//! flag of this rule is set, and is valid if all other flags of today's consensus and policy rules are set.

use sigstack_interpreter::{Context, FlagKind, Flags, ScriptError as E};

use crate::{CHECKSIG, CODESEPARATOR, DROP, public_key, push, run, tapscript};

/// The kind of the script in a [`Row`], which selects the rules under which the script runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum In {
    Legacy,
    WitnessV0,
    Tapscript,
}

/// A test case: a flag, the kind of a script, the script, its initial stack, and the error with which the script fails
/// if the flag is set.
type Row<'r> = (Flags, In, &'r [u8], &'r [&'r [u8]], E);

impl In {
    fn context(self) -> Context {
        match self {
            In::Legacy => Context::Legacy,
            In::WitnessV0 => Context::WitnessV0,
            In::Tapscript => tapscript(1000),
        }
    }
}

#[test]
fn each_flag_switches_its_own_rule() {
    let key = public_key();
    let uncompressed = [&[4][..], &[1; 64]].concat();
    let hybrid = [&[6][..], &[1; 64]].concat();
    let valid: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 1];
    let not_der: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 1, 1];
    let undefined: &[u8] = &[0x30, 6, 2, 1, 1, 2, 1, 1, 5];
    let found = [push(valid), vec![DROP, CHECKSIG]].concat();
    let rows: &[Row<'_>] = &[
        (Flags::STRICTENC, In::Legacy, &[CHECKSIG], &[valid, &hybrid], E::PubkeyType),
        (Flags::STRICTENC, In::Legacy, &[CHECKSIG], &[undefined, &key], E::SigHashtype),
        (Flags::MINIMALDATA, In::Legacy, &[0x8b], &[&[1, 0]], E::ScriptNum),
        (Flags::MINIMALDATA, In::Tapscript, &[1, 1], &[], E::MinimalData),
        (Flags::DISCOURAGE_UPGRADABLE_NOPS, In::Legacy, &[0xb0], &[], E::DiscourageUpgradableNops),
        (Flags::DISCOURAGE_UPGRADABLE_NOPS, In::Tapscript, &[0xb9], &[], E::DiscourageUpgradableNops),
        (Flags::NULLDUMMY, In::Legacy, &[0xae], &[&[1], &[], &[]], E::SigNullDummy),
        (Flags::MINIMALIF, In::WitnessV0, &[0x63, 0x68], &[&[2]], E::MinimalIf),
        (
            Flags::WITNESS_PUBKEYTYPE,
            In::WitnessV0,
            &[CHECKSIG],
            &[valid, &uncompressed],
            E::WitnessPubkeyType,
        ),
        (Flags::CONST_SCRIPTCODE, In::Legacy, &[CODESEPARATOR], &[], E::OpCodeSeparator),
        (Flags::CONST_SCRIPTCODE, In::Legacy, &found, &[valid, &key], E::SigFindAndDelete),
        (Flags::CHECKLOCKTIMEVERIFY, In::Legacy, &[0xb1], &[&[0x81]], E::NegativeLocktime),
        (Flags::CHECKSEQUENCEVERIFY, In::Legacy, &[0xb2], &[&[0x81]], E::NegativeLocktime),
        (
            Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE,
            In::Tapscript,
            &[CHECKSIG],
            &[&[1], &[2]],
            E::DiscourageUpgradablePubkeyType,
        ),
    ];
    for (flag, kind, script, elements, error) in rows {
        let others = (Flags::CONSENSUS | Flags::of_kind(FlagKind::Policy)) - *flag;
        assert_eq!(run(script, elements, kind.context(), *flag, true), Err(*error), "{flag}, {kind:?}");
        let result = run(script, elements, kind.context(), others, true);
        assert!(result.is_ok(), "{kind:?} without {flag}: {result:?}");
    }
    // Each of three flags requires strict DER.
    for flag in [Flags::DERSIG, Flags::LOW_S, Flags::STRICTENC] {
        let result = run(&[CHECKSIG], &[not_der, &key], Context::Legacy, flag, true);
        assert_eq!(result, Err(E::SigDer), "{flag}");
    }
    // Without flags none of these scripts fails, and MINIMALIF is a rule of segwit v0 only.
    for (_, kind, script, elements, _) in rows.iter().filter(|row| row.1 != In::Tapscript) {
        assert!(run(script, elements, kind.context(), Flags::NONE, true).is_ok(), "{kind:?}");
    }
    assert!(run(&[0x63, 0x68], &[&[2]], Context::Legacy, Flags::MINIMALIF, true).is_ok());
    let result = run(&[0x63, 0x68], &[&[2]], tapscript(0), Flags::NONE, true);
    assert_eq!(result, Err(E::TapscriptMinimalIf));
    let failed = run(&[CHECKSIG], &[valid, &key], Context::Legacy, Flags::NULLFAIL, false);
    assert_eq!(failed, Err(E::SigNullFail));
    let others = Flags::POLICY - Flags::NULLFAIL;
    assert_eq!(run(&[CHECKSIG], &[valid, &key], Context::Legacy, others, false), Ok(vec![vec![]]));
}
