//! [`Unchecked`]: the rules that a verification can skip, for example because an opcode or a version has no rules yet.

use core::fmt;

use crate::encoding::{bytes_text, usize_to_u64};
use crate::flags::Flags;
use crate::opcode::Opcode;
use crate::proposals::Proposal;

/// A reason why an input can be valid although a rule, or a whole script, was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unchecked {
    /// The tapscript contains an `OP_SUCCESSx`, so it succeeds without being executed (BIP 342 "Script execution").
    OpSuccess {
        /// The first `OP_SUCCESSx` of the script.
        opcode: Opcode,
        /// The inactive proposal that would assign a meaning to the opcode, if any.
        proposal: Option<&'static Proposal>,
    },
    /// The taproot leaf has a version without rules (BIP 341 "Script validation rules").
    LeafVersion {
        /// Leaf version for which no rules exist.
        version: u8,
    },
    /// The witness program has a version or length without rules (BIP 141 "Witness program", BIP 341 "Script validation
    /// rules").
    WitnessProgram {
        /// Witness version of the program, from 0 to 16.
        version: u8,
        /// Length of the witness program in bytes.
        length: usize,
        /// Whether the program is the redeem script of a pay-to-script-hash output.
        in_p2sh: bool,
    },
    /// The output is pay-to-anchor, which anyone can spend.
    Anchor,
    /// The output, or its redeem script, is a witness program, and a flag that its verification needs is not set.
    WitnessProgramFlag {
        /// Witness version of the program, from 0 to 16.
        version: u8,
        /// Flags that the verification of the witness program needs and that are not set.
        missing: Flags,
    },
    /// The output is pay-to-script-hash and the flag `P2SH` is not set, so the redeem script was not executed.
    P2shFlag,
    /// A signature was accepted without verification, since its public key has an unknown type (BIP 342 "Rules for signature
    /// opcodes").
    PublicKey {
        /// Length in bytes of the public key of unknown type.
        length: usize,
        /// First byte of the public key of unknown type.
        first: u8,
        /// The inactive proposal that would assign a meaning to public keys of this type, if any.
        proposal: Option<&'static Proposal>,
    },
    /// A NOP that is reserved for upgrades was executed.
    Nop {
        /// The opcode that was executed without effect.
        opcode: Opcode,
        /// The inactive proposal that would assign a meaning to the opcode, if any.
        proposal: Option<&'static Proposal>,
    },
    /// `OP_CHECKLOCKTIMEVERIFY` or `OP_CHECKSEQUENCEVERIFY` was executed as a NOP since its flag is not set.
    LocktimeFlag {
        /// The opcode that was executed without effect.
        opcode: Opcode,
        /// Flag of the soft fork that added the executed opcode. This flag is not set.
        missing: Flags,
    },
    /// The argument of `OP_CHECKSEQUENCEVERIFY` has the disable bit set, so the opcode did nothing (BIP 112 "Summary").
    SequenceDisabled,
    /// The argument of `OP_CHECKTEMPLATEVERIFY` is not 32 bytes long, so the opcode did nothing (BIP 119 "Detailed
    /// Specification").
    TemplateSize {
        /// Length in bytes of the argument of `OP_CHECKTEMPLATEVERIFY`.
        length: usize,
    },
    /// A legacy signature has `SIGHASH_SINGLE` and the transaction has no output with the input's index. Such a signature
    /// signs the number 1 and commits to nothing.
    SingleWithoutOutput,
    /// No signature that commits to the transaction was checked.
    NoSignature {
        /// The executed opcode that computed a template hash of the transaction, or `None`. `OP_CHECKTEMPLATEVERIFY`
        /// also compares the hash, while `OP_TEMPLATEHASH` only pushes it. If both were executed, this is
        /// `OP_CHECKTEMPLATEVERIFY`.
        template: Option<Opcode>,
    },
    /// Every signature that commits to the transaction has `SIGHASH_NONE`, so anyone can change the outputs.
    OpenOutputs,
}

impl Unchecked {
    /// Creates the value [`Unchecked::PublicKey`], for a signature that was accepted because its public key has an
    /// unknown type.
    pub(crate) fn of_key(public_key: &[u8], proposal: Option<&'static Proposal>) -> Unchecked {
        let first = public_key.first().copied().unwrap_or_default();
        Unchecked::PublicKey { length: public_key.len(), first, proposal }
    }

    /// Returns a short name of the reason, such as `op-success`, for use by programs. The name does not change between
    /// releases.
    pub const fn name(&self) -> &'static str {
        match self {
            Unchecked::OpSuccess { .. } => "op-success",
            Unchecked::LeafVersion { .. } => "leaf-version",
            Unchecked::WitnessProgram { .. } => "witness-program",
            Unchecked::Anchor => "anchor",
            Unchecked::WitnessProgramFlag { .. } => "witness-program-flag",
            Unchecked::P2shFlag => "p2sh-flag",
            Unchecked::PublicKey { .. } => "public-key",
            Unchecked::Nop { .. } => "nop",
            Unchecked::LocktimeFlag { .. } => "locktime-flag",
            Unchecked::SequenceDisabled => "sequence-disabled",
            Unchecked::TemplateSize { .. } => "template-size",
            Unchecked::SingleWithoutOutput => "single-without-output",
            Unchecked::NoSignature { .. } => "no-signature",
            Unchecked::OpenOutputs => "open-outputs",
        }
    }

    /// Returns true if, for this reason, the output was spent without checking a signature and without executing the
    /// script to which the output commits. Anyone who knows the data to which the output commits can spend it.
    pub const fn no_rule_ran(&self) -> bool {
        matches!(
            self,
            Unchecked::OpSuccess { .. }
                | Unchecked::LeafVersion { .. }
                | Unchecked::WitnessProgram { .. }
                | Unchecked::Anchor
                | Unchecked::WitnessProgramFlag { .. }
        )
    }

    /// Returns the inactive proposal that would add the missing check, if any.
    pub const fn proposal(&self) -> Option<&'static Proposal> {
        match self {
            Unchecked::OpSuccess { proposal, .. }
            | Unchecked::PublicKey { proposal, .. }
            | Unchecked::Nop { proposal, .. } => *proposal,
            _ => None,
        }
    }

    /// Returns the flags that must be added so that the skipped rule is checked; `None` if no flag enables the check.
    pub fn missing_flags(&self) -> Option<Flags> {
        match self {
            Unchecked::WitnessProgramFlag { missing, .. } | Unchecked::LocktimeFlag { missing, .. } => {
                Some(*missing)
            }
            Unchecked::P2shFlag => Some(Flags::P2SH),
            _ => self.proposal().map(|proposal| proposal.flag),
        }
    }
}

/// Writes a clause in lower case, for example to continue a sentence that begins with "OK, but".
impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Unchecked::OpSuccess { opcode, proposal: Some(proposal) } => {
                write!(f, "no rule ran: {} is inactive", proposal.hook.opcode().unwrap_or(opcode))
            }
            Unchecked::OpSuccess { opcode, proposal: None } => {
                write!(f, "no rule ran: the tapscript contains OP_SUCCESS{}", opcode.0)?;
                // Many OP_SUCCESSx opcodes have names from before tapscript.
                if opcode.info().is_some() && Proposal::of_opcode(opcode).is_none() {
                    return write!(f, " ({opcode})");
                }
                Ok(())
            }
            Unchecked::LeafVersion { version } => {
                write!(f, "no rule ran: the leaf version {version:#04x} is unknown")
            }
            Unchecked::WitnessProgram { version: 1, in_p2sh: true, .. } => {
                f.write_str("no rule ran: a program of witness version 1 has no rules inside P2SH")
            }
            Unchecked::WitnessProgram { version: 1, length, .. } => {
                write!(f, "no rule ran: a program of witness version 1 and {length} bytes is unknown")
            }
            Unchecked::WitnessProgram { version, .. } => {
                write!(f, "no rule ran: the witness version {version} is unknown")
            }
            Unchecked::Anchor => f.write_str("no rule ran: anyone can spend a pay-to-anchor output"),
            Unchecked::WitnessProgramFlag { missing, .. } => {
                write!(f, "no rule ran: the witness program was not verified without {missing}")
            }
            Unchecked::P2shFlag => f.write_str("the redeem script was not run: the flag P2SH is not set"),
            Unchecked::PublicKey { proposal: Some(proposal), .. } => write!(
                f,
                "a signature was not checked: its public key is of BIP {}, and {} is inactive",
                proposal.bip, proposal.name
            ),
            Unchecked::PublicKey { length, first, proposal: None } => {
                let plural = if length == 1 { "" } else { "s" };
                write!(
                    f,
                    "a signature was not checked: its public key is of an unknown type \
                     ({length} byte{plural}, the first {first:#04x})"
                )
            }
            Unchecked::Nop { proposal: Some(proposal), .. } => {
                write!(f, "OP_{} did nothing: it is inactive", proposal.name)
            }
            Unchecked::Nop { opcode, proposal: None } => {
                write!(f, "{opcode} did nothing: it is reserved for upgrades")
            }
            Unchecked::LocktimeFlag { opcode, missing } => {
                write!(f, "{opcode} did nothing: the flag {missing} is not set")
            }
            Unchecked::SequenceDisabled => {
                f.write_str("OP_CHECKSEQUENCEVERIFY did nothing: the disable bit of its argument is set")
            }
            Unchecked::TemplateSize { length } => {
                write!(f, "OP_CHECKTEMPLATEVERIFY did nothing: its argument has {}, not 32", bytes_text(usize_to_u64(length)))
            }
            Unchecked::SingleWithoutOutput => f.write_str(
                "a signature commits to nothing: it has SIGHASH_SINGLE, and there is no output of the input's index",
            ),
            Unchecked::NoSignature { template: None } => f.write_str(
                "no signature of the transaction was checked: anyone who has the witness can spend",
            ),
            Unchecked::NoSignature { template: Some(Opcode::OP_TEMPLATEHASH) } => f.write_str(
                "no signature of the transaction was checked: its template hash was only computed (OP_TEMPLATEHASH); \
                 whether the script compares it is not known",
            ),
            // The text names OP_CHECKTEMPLATEVERIFY, since OP_NOP4 would be less clear.
            Unchecked::NoSignature { template: Some(_) } => f.write_str(
                "no signature of the transaction was checked: only its template hash was (OP_CHECKTEMPLATEVERIFY)",
            ),
            Unchecked::OpenOutputs => f.write_str(
                "the signatures leave the outputs open (SIGHASH_NONE): whoever has this transaction can redirect its money",
            ),
        }
    }
}
