//! `SIGHASH_ANYPREVOUT` (BIP 118): tapscript public keys that begin with 0x01, and the messages that their signatures
//! commit to.

mod message;
mod rules;

use crate::flags::{Flags, flags};
use crate::limits::VALIDATION_WEIGHT_PER_SIGOP;
use crate::opcode::Opcode;
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

pub use message::{SIGHASH_ANYPREVOUT, SIGHASH_ANYPREVOUTANYSCRIPT, is_defined, write_message};
pub(crate) use rules::key;

flags! {
    22 ANYPREVOUT Proposal "Give public keys that begin with 0x01 the meaning of BIP 118.";
    33 DISCOURAGE_ANYPREVOUT ProposalPolicy "Fail on public keys of BIP 118.";
}

errors! {
    DiscourageAnyPrevOut "DISCOURAGE_ANYPREVOUT" "a public key of BIP 118 is used and policy refuses it";
}

/// The entry of BIP 118 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const ANYPREVOUT: Proposal = Proposal {
    id: ProposalId::ANYPREVOUT,
    name: "ANYPREVOUT",
    short_name: Some("APO"),
    bip: 118,
    revision: BIPS_REVISION,
    hook: Hook::KeyType(0x01),
    flag: Flags::ANYPREVOUT,
    discourage: Flags::DISCOURAGE_ANYPREVOUT,
    discouraged_error: Some(ScriptError::DiscourageAnyPrevOut),
    flags: FLAG_ROWS,
    opcodes: &[],
    errors: ERROR_ROWS,
    failures: &[
        ScriptError::SigDer,
        ScriptError::InvalidStackOperation,
        ScriptError::TapscriptEmptyPubkey,
        ScriptError::SchnorrSigSize,
        ScriptError::SchnorrSigHashtype,
        ScriptError::SchnorrSig,
        ScriptError::DiscourageUpgradablePubkeyType,
        ScriptError::TapscriptValidationWeight,
        ScriptError::DiscourageAnyPrevOut,
    ],
    cost: VALIDATION_WEIGHT_PER_SIGOP,
    vectors: Some("anyprevout"),
    // The signature is empty because any other signature would be valid for one transaction only.
    sample: Some(Sample {
        stack: &[&[]],
        script: &[Opcode::OP_1.0, Opcode::OP_CHECKSIG.0, Opcode::OP_NOT.0],
    }),
};
