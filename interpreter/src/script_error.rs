//! [`ScriptError`]: the reasons why a script can fail, under Core's names. The names and summaries of Core's errors are
//! here, and those of each proposed soft fork in its folder below `proposals/`. `tables/errors.rs` looks up both.

use crate::proposals::registry::for_each_proposal;

/// The name and the summary of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The error that this row describes.
    pub error: ScriptError,
    /// Name of the error, such as `PUSH_SIZE`.
    pub name: &'static str,
    /// Short description of the error.
    pub summary: &'static str,
}

/// Defines the names and summaries of the errors that a proposal adds. Used in the folder of the proposal.
macro_rules! errors {
    ($($variant:ident $name:literal $summary:literal;)*) => {
        /// Names and summaries of the errors that the proposal of this module adds.
        pub(crate) const ERROR_ROWS: &[$crate::ErrorInfo] = &[
            $($crate::ErrorInfo { error: $crate::ScriptError::$variant, name: $name, summary: $summary },)*
        ];
    };
}
pub(crate) use errors;

/// Defines [`ScriptError`]. Core's errors are given in three parts, and the errors of proposals are inserted between
/// them.
macro_rules! script_errors {
    (
        proposals { $($folder:ident: $($proposal:ident)+ $(, opcode $opcode:ident)? $(, discouraged $discouraged:ident)? $(, errors $($own:ident)+)?;)* }
        core { $($first:ident $first_name:literal $first_summary:literal;)* }
        discouraged
        core { $($second:ident $second_name:literal $second_summary:literal;)* }
        errors
        core { $($third:ident $third_name:literal $third_summary:literal;)* }
    ) => {
        /// Reason why a script failed, under Core's name. Misuse of the API is reported as [`crate::UsageError`] instead.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ScriptError {
            $(#[doc = concat!("`", $first_name, "`: ", $first_summary)] $first,)*
            $($(#[doc = concat!("Policy refuses the use of a proposal: see `proposals/", stringify!($folder), "`.")] $discouraged,)?)*
            $(#[doc = concat!("`", $second_name, "`: ", $second_summary)] $second,)*
            $($($(#[doc = concat!("A rule of a proposal: see `proposals/", stringify!($folder), "`.")] $own,)+)?)*
            $(#[doc = concat!("`", $third_name, "`: ", $third_summary)] $third,)*
        }

        impl ScriptError {
            /// Every script error, in Core's order. Errors of the proposals are placed next to related errors of Core.
            pub const ALL: &'static [ScriptError] = &[
                $(ScriptError::$first,)*
                $($(ScriptError::$discouraged,)?)*
                $(ScriptError::$second,)*
                $($($(ScriptError::$own,)+)?)*
                $(ScriptError::$third,)*
            ];
        }

        /// Names and summaries of Core's errors.
        pub(crate) const ERROR_ROWS: &[ErrorInfo] = &[
            $(ErrorInfo { error: ScriptError::$first, name: $first_name, summary: $first_summary },)*
            $(ErrorInfo { error: ScriptError::$second, name: $second_name, summary: $second_summary },)*
            $(ErrorInfo { error: ScriptError::$third, name: $third_name, summary: $third_summary },)*
        ];
    };
}

for_each_proposal! {
    script_errors!
    core {
        EvalFalse "EVAL_FALSE" "the script ended with false or an empty stack";
        OpReturn "OP_RETURN" "OP_RETURN was executed";
        ScriptNum "SCRIPTNUM" "a number is too long or not minimally encoded";
        ScriptSize "SCRIPT_SIZE" "the script is longer than 10,000 bytes";
        PushSize "PUSH_SIZE" "an element is longer than 520 bytes";
        OpCount "OP_COUNT" "the script has more than 201 opcodes";
        StackSize "STACK_SIZE" "the stacks hold more than 1,000 elements";
        SigCount "SIG_COUNT" "the number of signatures is negative or more than the number of keys";
        PubkeyCount "PUBKEY_COUNT" "the number of keys is negative or more than 20";
        Verify "VERIFY" "OP_VERIFY met false";
        EqualVerify "EQUALVERIFY" "OP_EQUALVERIFY met different elements";
        CheckMultisigVerify "CHECKMULTISIGVERIFY" "OP_CHECKMULTISIGVERIFY failed";
        CheckSigVerify "CHECKSIGVERIFY" "OP_CHECKSIGVERIFY failed";
        NumEqualVerify "NUMEQUALVERIFY" "OP_NUMEQUALVERIFY met different numbers";
        BadOpcode "BAD_OPCODE" "an opcode is unknown, reserved or cut short";
        DisabledOpcode "DISABLED_OPCODE" "an opcode is disabled";
        InvalidStackOperation "INVALID_STACK_OPERATION" "an opcode needs more elements than the stack has";
        InvalidAltstackOperation "INVALID_ALTSTACK_OPERATION" "OP_FROMALTSTACK met an empty alt stack";
        UnbalancedConditional "UNBALANCED_CONDITIONAL" "OP_IF, OP_ELSE and OP_ENDIF do not match";
        NegativeLocktime "NEGATIVE_LOCKTIME" "a locktime is negative";
        UnsatisfiedLocktime "UNSATISFIED_LOCKTIME" "the transaction does not satisfy a locktime";
        SigHashtype "SIG_HASHTYPE" "an ECDSA signature has an undefined hash type";
        SigDer "SIG_DER" "an ECDSA signature is not strict DER";
        MinimalData "MINIMALDATA" "a push is not the shortest possible";
        SigPushOnly "SIG_PUSHONLY" "the scriptSig does more than push";
        SigHighS "SIG_HIGH_S" "an ECDSA signature has a high S value";
        SigNullDummy "SIG_NULLDUMMY" "the dummy element of OP_CHECKMULTISIG is not empty";
        PubkeyType "PUBKEYTYPE" "a public key is neither compressed nor uncompressed";
        CleanStack "CLEANSTACK" "the stack does not have exactly one element";
        MinimalIf "MINIMALIF" "the argument of OP_IF or OP_NOTIF is neither empty nor 0x01";
        SigNullFail "NULLFAIL" "the signature of a failed check is not empty";
        DiscourageUpgradableNops "DISCOURAGE_UPGRADABLE_NOPS" "a NOP that is kept for upgrades is used";
        DiscourageUpgradableWitnessProgram "DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM" "the witness program is of an unknown version";
        DiscourageUpgradableTaprootVersion "DISCOURAGE_UPGRADABLE_TAPROOT_VERSION" "the taproot leaf is of an unknown version";
        DiscourageOpSuccess "DISCOURAGE_OP_SUCCESS" "an OP_SUCCESS opcode is used";
        DiscourageUpgradablePubkeyType "DISCOURAGE_UPGRADABLE_PUBKEYTYPE" "a public key is of an unknown type";
    }
    discouraged
    core {
        WitnessProgramWrongLength "WITNESS_PROGRAM_WRONG_LENGTH" "the witness program has neither 20 nor 32 bytes";
        WitnessProgramWitnessEmpty "WITNESS_PROGRAM_WITNESS_EMPTY" "the witness is empty";
        WitnessProgramMismatch "WITNESS_PROGRAM_MISMATCH" "the witness does not match the witness program";
        WitnessMalleated "WITNESS_MALLEATED" "a witness program is spent with a scriptSig";
        WitnessMalleatedP2sh "WITNESS_MALLEATED_P2SH" "the scriptSig is not just a push of the redeem script";
        WitnessUnexpected "WITNESS_UNEXPECTED" "there is a witness where none is used";
        WitnessPubkeyType "WITNESS_PUBKEYTYPE" "a public key in segwit v0 is not compressed";
        SchnorrSigSize "SCHNORR_SIG_SIZE" "a Schnorr signature has a wrong size";
        SchnorrSigHashtype "SCHNORR_SIG_HASHTYPE" "a Schnorr signature has an undefined hash type";
        SchnorrSig "SCHNORR_SIG" "a Schnorr signature is invalid";
        TaprootWrongControlSize "TAPROOT_WRONG_CONTROL_SIZE" "the control block has a wrong size";
        TapscriptValidationWeight "TAPSCRIPT_VALIDATION_WEIGHT" "more signature checks than the witness's weight pays for";
        TapscriptCheckMultisig "TAPSCRIPT_CHECKMULTISIG" "OP_CHECKMULTISIG is not available in tapscript";
        TapscriptMinimalIf "TAPSCRIPT_MINIMALIF" "the argument of OP_IF or OP_NOTIF is neither empty nor 0x01";
        TapscriptEmptyPubkey "TAPSCRIPT_EMPTY_PUBKEY" "a public key is empty";
    }
    errors
    core {
        OpCodeSeparator "OP_CODESEPARATOR" "OP_CODESEPARATOR is used in a legacy script";
        SigFindAndDelete "SIG_FINDANDDELETE" "a signature is found in the script code";
    }
}
