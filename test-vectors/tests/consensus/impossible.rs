//! Lists combinations that cannot occur, each with the reason: an opcode with an outcome in a kind of script, and a
//! script error in a kind of script.

use sigstack_interpreter::ScriptError as E;
use sigstack_interpreter::{Hook, Opcode, Proposal, ScriptError};

use super::Outcome::{self, Executed, Fails, PassedOver};
use super::watch::Place;

/// Returns the reason why an opcode cannot have an outcome in a script version; `None` if the opcode can have it.
pub(crate) fn of_opcode(opcode: Opcode, place: Place, outcome: Outcome) -> Option<&'static str> {
    OPCODES.iter().find(|row| row.is_about(opcode, place, outcome)).map(|row| row.reason)
}

/// A reason why some opcodes cannot have certain outcomes in certain kinds of script.
struct Row {
    opcodes: fn(Opcode) -> bool,
    places: &'static [Place],
    outcomes: &'static [Outcome],
    reason: &'static str,
}

impl Row {
    fn is_about(&self, opcode: Opcode, place: Place, outcome: Outcome) -> bool {
        (self.opcodes)(opcode) && self.places.contains(&place) && self.outcomes.contains(&outcome)
    }
}

const EARLIER: &[Place] = &[Place::Bare, Place::P2sh, Place::P2wsh, Place::P2shP2wsh];
const TAPSCRIPT: &[Place] = &[Place::Tapscript];

const OPCODES: &[Row] = &[
    Row {
        opcodes: |opcode| matches!(opcode.0, 0x7e..=0x81 | 0x83..=0x86 | 0x8d | 0x8e | 0x95..=0x99),
        places: EARLIER,
        outcomes: &[Executed, PassedOver],
        reason: "a disabled opcode fails a script even where it is not executed",
    },
    Row {
        opcodes: |opcode| matches!(opcode, Opcode::OP_VERIF | Opcode::OP_VERNOTIF),
        places: Place::SCRIPTS,
        outcomes: &[Executed, PassedOver],
        reason: "OP_VERIF and OP_VERNOTIF fail a script even where they are not executed",
    },
    Row {
        opcodes: |opcode| opcode == Opcode::OP_RETURN,
        places: Place::SCRIPTS,
        outcomes: &[Executed],
        reason: "OP_RETURN fails wherever it is executed",
    },
    Row {
        opcodes: |opcode| matches!(opcode.0, 0x50 | 0x62 | 0x89 | 0x8a | 0xba..=0xff),
        places: EARLIER,
        outcomes: &[Executed],
        reason: "an opcode without a meaning fails wherever it is executed",
    },
    Row {
        opcodes: |opcode| opcode == Opcode::OP_INVALIDOPCODE,
        places: TAPSCRIPT,
        outcomes: &[Executed],
        reason: "0xff is no OP_SUCCESSx: it fails wherever it is executed",
    },
    Row {
        opcodes: |opcode| matches!(opcode, Opcode::OP_CHECKMULTISIG | Opcode::OP_CHECKMULTISIGVERIFY),
        places: TAPSCRIPT,
        outcomes: &[Executed],
        reason: "the multisig opcodes fail wherever a tapscript executes them",
    },
    Row {
        opcodes: Opcode::is_success,
        places: TAPSCRIPT,
        outcomes: &[PassedOver],
        reason: "with an OP_SUCCESSx in it a tapscript succeeds before anything runs, so nothing is passed over",
    },
    Row {
        opcodes: |opcode| Proposal::of_success_opcode(opcode).is_some(),
        places: TAPSCRIPT,
        outcomes: &[Fails],
        reason: "an OP_SUCCESSx that a proposal has is refused by the proposal's own policy, not by one of Core's flags",
    },
    Row {
        opcodes: |opcode| matches!(opcode, Opcode::OP_NOP | Opcode::OP_CODESEPARATOR),
        places: TAPSCRIPT,
        outcomes: &[Fails],
        reason: "it takes and leaves nothing, tapscript does not count opcodes, and no policy refuses it there",
    },
    Row {
        opcodes: |opcode| matches!(Proposal::of_opcode(opcode), Some(Proposal { hook: Hook::Nop(_), .. })),
        places: TAPSCRIPT,
        outcomes: &[Fails],
        reason: "a NOP that a proposal has is refused by the proposal's own policy, not by one of Core's flags",
    },
];

const SCRIPT_SIG: Place = Place::ScriptSig;
const P2WPKH: &[Place] = &[Place::P2wpkh, Place::P2shP2wpkh];
const WITNESS_V0: &[Place] = &[Place::P2wsh, Place::P2shP2wsh, Place::P2wpkh, Place::P2shP2wpkh];
const NO_SCRIPT: &[Place] = &[Place::Program, Place::P2shProgram, Place::KeyPath];
const LEGACY: &[Place] = &[Place::ScriptSig, Place::Bare, Place::P2sh];
const NOT_TAPROOT: &[Place] = &[
    Place::ScriptSig,
    Place::Bare,
    Place::P2sh,
    Place::P2wsh,
    Place::P2shP2wsh,
    Place::P2wpkh,
    Place::P2shP2wpkh,
    Place::Program,
    Place::P2shProgram,
];

/// Script errors, the kinds of script in which these errors cannot occur, and the reason.
pub(crate) const ERRORS: &[(&[ScriptError], &[Place], &str)] = &[
    (
        &[
            E::EvalFalse,
            E::OpReturn,
            E::ScriptNum,
            E::ScriptSize,
            E::PushSize,
            E::OpCount,
            E::StackSize,
            E::SigCount,
            E::PubkeyCount,
            E::Verify,
            E::EqualVerify,
            E::CheckMultisigVerify,
            E::CheckSigVerify,
            E::NumEqualVerify,
            E::BadOpcode,
            E::DisabledOpcode,
            E::InvalidStackOperation,
            E::InvalidAltstackOperation,
            E::UnbalancedConditional,
            E::NegativeLocktime,
            E::UnsatisfiedLocktime,
            E::SigHashtype,
            E::SigDer,
            E::MinimalData,
            E::SigHighS,
            E::SigNullDummy,
            E::PubkeyType,
            E::CleanStack,
            E::MinimalIf,
            E::SigNullFail,
            E::DiscourageUpgradableNops,
            E::WitnessPubkeyType,
            E::OpCodeSeparator,
            E::SigFindAndDelete,
        ],
        NO_SCRIPT,
        "no script runs",
    ),
    (
        &[
            E::OpReturn,
            E::ScriptNum,
            E::ScriptSize,
            E::OpCount,
            E::StackSize,
            E::SigCount,
            E::PubkeyCount,
            E::Verify,
            E::CheckMultisigVerify,
            E::CheckSigVerify,
            E::NumEqualVerify,
            E::BadOpcode,
            E::DisabledOpcode,
            E::InvalidStackOperation,
            E::InvalidAltstackOperation,
            E::UnbalancedConditional,
            E::NegativeLocktime,
            E::UnsatisfiedLocktime,
            E::MinimalData,
            E::SigNullDummy,
            E::CleanStack,
            E::MinimalIf,
            E::DiscourageUpgradableNops,
        ],
        P2WPKH,
        "the script is always OP_DUP OP_HASH160, a push, OP_EQUALVERIFY OP_CHECKSIG, on two elements",
    ),
    (&[E::EvalFalse, E::CleanStack], &[SCRIPT_SIG], "what the scriptSig leaves is for the scriptPubKey"),
    (
        &[E::ScriptSize, E::PushSize],
        &[Place::P2sh],
        "a redeem script is an element of up to 520 bytes, and no push in it is longer",
    ),
    (&[E::ScriptSize, E::OpCount], TAPSCRIPT, "BIP 342 has lifted the limit"),
    (&[E::DisabledOpcode], TAPSCRIPT, "the disabled opcodes are OP_SUCCESSx in tapscript"),
    (
        &[E::SigCount, E::PubkeyCount, E::CheckMultisigVerify, E::SigNullDummy],
        TAPSCRIPT,
        "there is no multisig opcode in tapscript",
    ),
    (
        &[E::SigHashtype, E::SigDer, E::SigHighS, E::PubkeyType, E::SigNullFail, E::WitnessPubkeyType],
        TAPSCRIPT,
        "there is no ECDSA in tapscript",
    ),
    (
        &[E::OpCodeSeparator, E::SigFindAndDelete],
        WITNESS_V0,
        "CONST_SCRIPTCODE is about scripts of before segwit",
    ),
    (
        &[E::OpCodeSeparator, E::SigFindAndDelete],
        TAPSCRIPT,
        "CONST_SCRIPTCODE is about scripts of before segwit",
    ),
    (&[E::MinimalIf, E::WitnessPubkeyType], LEGACY, "the flag is about segwit v0"),
    (&[E::MinimalIf], TAPSCRIPT, "in tapscript the rule is consensus and its error TAPSCRIPT_MINIMALIF"),
    (
        &[E::SigPushOnly],
        &[
            Place::Bare,
            Place::P2wsh,
            Place::P2shP2wsh,
            Place::P2wpkh,
            Place::P2shP2wpkh,
            Place::Program,
            Place::P2shProgram,
            Place::Tapscript,
            Place::KeyPath,
        ],
        "it is a rule about the scriptSig, checked before it runs or before a redeem script does",
    ),
    (
        &[
            E::DiscourageUpgradableTaprootVersion,
            E::DiscourageOpSuccess,
            E::DiscourageUpgradablePubkeyType,
            E::TaprootWrongControlSize,
            E::TapscriptValidationWeight,
            E::TapscriptCheckMultisig,
            E::TapscriptMinimalIf,
            E::TapscriptEmptyPubkey,
            E::SchnorrSigSize,
            E::SchnorrSigHashtype,
            E::SchnorrSig,
        ],
        NOT_TAPROOT,
        "it is a rule of taproot",
    ),
    (
        &[
            E::DiscourageUpgradableTaprootVersion,
            E::DiscourageOpSuccess,
            E::DiscourageUpgradablePubkeyType,
            E::TaprootWrongControlSize,
            E::TapscriptValidationWeight,
            E::TapscriptCheckMultisig,
            E::TapscriptMinimalIf,
            E::TapscriptEmptyPubkey,
        ],
        &[Place::KeyPath],
        "there is no leaf on the key path",
    ),
    (
        &[E::DiscourageUpgradableWitnessProgram, E::WitnessProgramWrongLength],
        &[
            Place::ScriptSig,
            Place::Bare,
            Place::P2sh,
            Place::P2wsh,
            Place::P2shP2wsh,
            Place::P2wpkh,
            Place::P2shP2wpkh,
            Place::Tapscript,
            Place::KeyPath,
        ],
        "it is about programs of other versions or lengths",
    ),
    (
        &[E::WitnessProgramWitnessEmpty],
        &[Place::ScriptSig, Place::Bare, Place::P2sh, Place::Program, Place::P2shProgram],
        "no witness is needed",
    ),
    (
        &[E::WitnessProgramWitnessEmpty],
        P2WPKH,
        "an empty witness has not two elements: WITNESS_PROGRAM_MISMATCH",
    ),
    (&[E::WitnessProgramWitnessEmpty], TAPSCRIPT, "a script path spend has elements in its witness"),
    (
        &[E::WitnessProgramMismatch],
        &[Place::ScriptSig, Place::Bare, Place::P2sh, Place::Program, Place::P2shProgram, Place::KeyPath],
        "there is no hash or commitment that a witness must match",
    ),
    (
        &[E::WitnessMalleated],
        &[
            Place::ScriptSig,
            Place::Bare,
            Place::P2sh,
            Place::P2shP2wsh,
            Place::P2shP2wpkh,
            Place::P2shProgram,
        ],
        "it is about the scriptSig of a program that is not inside pay-to-script-hash",
    ),
    (
        &[E::WitnessMalleatedP2sh],
        &[
            Place::ScriptSig,
            Place::Bare,
            Place::P2sh,
            Place::P2wsh,
            Place::P2wpkh,
            Place::Program,
            Place::Tapscript,
            Place::KeyPath,
        ],
        "it is about the scriptSig of a program inside pay-to-script-hash",
    ),
    (
        &[E::WitnessUnexpected],
        &[
            Place::ScriptSig,
            Place::P2wsh,
            Place::P2shP2wsh,
            Place::P2wpkh,
            Place::P2shP2wpkh,
            Place::Program,
            Place::P2shProgram,
            Place::Tapscript,
            Place::KeyPath,
        ],
        "a witness belongs there, or is looked at after all scripts",
    ),
];
