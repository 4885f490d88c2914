//! `OP_CHECKSIGFROMSTACK` (BIP 348), which redefines `OP_SUCCESS204`.

mod rules;

use crate::flags::{Flags, flags};
use crate::limits::VALIDATION_WEIGHT_PER_SIGOP;
use crate::opcode::{Opcode, opcodes};
use crate::proposals::{BIPS_REVISION, Hook, Proposal, ProposalId, Sample};
use crate::script_error::{ScriptError, errors};

pub(crate) use rules::execute;

flags! {
    21 CHECKSIGFROMSTACK Proposal "Give OP_SUCCESS204 the meaning of OP_CHECKSIGFROMSTACK (BIP 348).";
    32 DISCOURAGE_CHECKSIGFROMSTACK ProposalPolicy "Fail on OP_CHECKSIGFROMSTACK.";
}

opcodes! {
    0xcc OP_CHECKSIGFROMSTACK = OP_CSFS "sig msg key -- bool" "Pushes whether sig is key's signature of msg (BIP 348); succeeds at once while not active (OP_SUCCESS204).";
}

errors! {
    DiscourageOpCheckSigFromStack "DISCOURAGE_OP_CHECKSIGFROMSTACK" "OP_CHECKSIGFROMSTACK is used and policy refuses it";
}

/// The entry of BIP 348 in [`PROPOSALS`](crate::PROPOSALS).
pub(crate) const CHECKSIGFROMSTACK: Proposal = Proposal {
    id: ProposalId::CHECKSIGFROMSTACK,
    name: "CHECKSIGFROMSTACK",
    short_name: Some("CSFS"),
    bip: 348,
    revision: BIPS_REVISION,
    hook: Hook::Success(Opcode::OP_CHECKSIGFROMSTACK),
    flag: Flags::CHECKSIGFROMSTACK,
    discourage: Flags::DISCOURAGE_CHECKSIGFROMSTACK,
    discouraged_error: Some(ScriptError::DiscourageOpCheckSigFromStack),
    flags: FLAG_ROWS,
    opcodes: OPCODE_ROWS,
    errors: ERROR_ROWS,
    failures: &[
        ScriptError::BadOpcode,
        ScriptError::InvalidStackOperation,
        ScriptError::TapscriptEmptyPubkey,
        ScriptError::SchnorrSigSize,
        ScriptError::SchnorrSig,
        ScriptError::DiscourageUpgradablePubkeyType,
        ScriptError::TapscriptValidationWeight,
        ScriptError::DiscourageOpCheckSigFromStack,
    ],
    cost: VALIDATION_WEIGHT_PER_SIGOP,
    vectors: Some("csfs"),
    sample: Some(Sample { stack: &[SIGNATURE, &[0; 32], KEY], script: &[Opcode::OP_CHECKSIGFROMSTACK.0] }),
};

/// The public key of test vector 0 of BIP 340.
const KEY: &[u8] = &[
    0xf9, 0x30, 0x8a, 0x01, 0x92, 0x58, 0xc3, 0x10, 0x49, 0x34, 0x4f, 0x85, 0xf8, 0x9d, 0x52, 0x29, 0xb5,
    0x31, 0xc8, 0x45, 0x83, 0x6f, 0x99, 0xb0, 0x86, 0x01, 0xf1, 0x13, 0xbc, 0xe0, 0x36, 0xf9,
];

/// The signature of test vector 0 of BIP 340, whose message is 32 zero bytes.
const SIGNATURE: &[u8] = &[
    0xe9, 0x07, 0x83, 0x1f, 0x80, 0x84, 0x8d, 0x10, 0x69, 0xa5, 0x37, 0x1b, 0x40, 0x24, 0x10, 0x36, 0x4b,
    0xdf, 0x1c, 0x5f, 0x83, 0x07, 0xb0, 0x08, 0x4c, 0x55, 0xf1, 0xce, 0x2d, 0xca, 0x82, 0x15, 0x25, 0xf6,
    0x6a, 0x4a, 0x85, 0xea, 0x8b, 0x71, 0xe4, 0x82, 0xa7, 0x4f, 0x38, 0x2d, 0x2c, 0xe5, 0xeb, 0xee, 0xe8,
    0xfd, 0xb2, 0x17, 0x2f, 0x47, 0x7d, 0xf4, 0x90, 0x0d, 0x31, 0x05, 0x36, 0xc0,
];
