//! [`CodePoints`]: which opcode byte stands for the opcode of each proposed soft fork.
//!
//! Two proposals may claim the same byte, and the authors of a proposal may change its byte. The rules of a proposal do
//! not depend on its byte. Therefore the caller of a verification can assign other bytes. By default, each proposal has
//! the byte that its [`Proposal`] lists.

use core::fmt;

use crate::flags::Flags;
use crate::opcode::Opcode;
use crate::proposals::{Hook, PROPOSALS, Proposal};

/// For each proposed soft fork with an opcode, the byte that stands for the opcode in scripts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodePoints {
    /// For each byte, the opcode whose rules apply to this byte in scripts. It is the opcode with the same byte by
    /// default. It differs for a byte that was assigned to a proposal, and for the default byte of a proposal that was
    /// assigned another byte.
    meanings: [Opcode; 256],
}

/// An `OP_SUCCESSx` that no proposal redefines. If a proposal is moved from its `OP_SUCCESSx` to another byte, the
/// rules of this opcode apply to the old byte.
const FREE_SUCCESS: Opcode = Opcode(0xfe);
/// A NOP that no proposal redefines. If a proposal is moved from its NOP to another byte, the rules of this opcode
/// apply to the old byte.
const FREE_NOP: Opcode = Opcode::OP_NOP10;

static DEFAULT: CodePoints = CodePoints::defaults();

impl CodePoints {
    #[allow(clippy::indexing_slicing, reason = "a byte is less than 256")]
    const fn defaults() -> CodePoints {
        let mut meanings = [Opcode(0); 256];
        let mut byte = 0u8;
        loop {
            meanings[byte as usize] = Opcode(byte);
            let Some(next) = byte.checked_add(1) else { return CodePoints { meanings } };
            byte = next;
        }
    }

    /// Assigns other bytes to the opcodes of some proposals; all other proposals keep their default bytes. The bytes
    /// are assigned at once, so that two proposals can swap their bytes.
    ///
    /// # Errors
    ///
    /// - [`CodePointError::NoOpcode`] if a proposal has no opcode.
    /// - [`CodePointError::NotReserved`] if a proposal gets a byte that is not reserved for its kind of upgrade
    ///   (`OP_SUCCESSx` or NOP).
    /// - [`CodePointError::Clash`] if two proposals would have the same byte. Proposals that keep their default bytes
    ///   are checked too.
    pub fn assign(assigned: &[(&'static Proposal, Opcode)]) -> Result<CodePoints, CodePointError> {
        let mut bytes: Vec<(&'static Proposal, Opcode)> = Vec::new();
        for (proposal, opcode) in assigned {
            let fits = match proposal.hook {
                Hook::Success(_) => opcode.is_success(),
                Hook::Nop(_) => opcode.is_upgradable_nop(),
                Hook::KeyType(_) | Hook::Transaction => return Err(CodePointError::NoOpcode { proposal }),
            };
            if !fits {
                return Err(CodePointError::NotReserved { proposal, opcode: *opcode });
            }
            bytes.push((proposal, *opcode));
        }
        let kept = |proposal: &&&'static Proposal| !assigned.iter().any(|(other, _)| other == *proposal);
        let kept = PROPOSALS.iter().filter(kept);
        bytes.extend(kept.filter_map(|proposal| Some((*proposal, proposal.hook.opcode()?))));
        for (nth, (second, opcode)) in bytes.iter().enumerate() {
            if let Some((first, _)) = bytes.iter().take(nth).find(|(_, earlier)| earlier == opcode) {
                return Err(CodePointError::Clash { opcode: *opcode, first, second });
            }
        }
        let mut points = CodePoints::defaults();
        for (proposal, _) in assigned {
            let free = if matches!(proposal.hook, Hook::Nop(_)) { FREE_NOP } else { FREE_SUCCESS };
            points.set(proposal.hook.opcode(), free);
        }
        for (proposal, opcode) in bytes {
            if let Some(meaning) = proposal.hook.opcode() {
                points.set(Some(opcode), meaning);
            }
        }
        Ok(points)
    }

    fn set(&mut self, byte: Option<Opcode>, meaning: Opcode) {
        if let Some(slot) = byte.and_then(|byte| self.meanings.get_mut(usize::from(byte.0))) {
            *slot = meaning;
        }
    }

    /// Returns the opcode whose rules apply to a byte. If a proposal has the byte, this is the opcode that the proposal
    /// adds. If a proposal was moved from the byte to another one, this is an opcode that is reserved for upgrades.
    /// Otherwise, it is the byte itself.
    #[inline]
    pub fn meaning(&self, byte: Opcode) -> Opcode {
        self.meanings.get(usize::from(byte.0)).copied().unwrap_or(byte)
    }

    /// Returns the byte that stands for an opcode in scripts. It differs from the opcode's own byte only if a proposal
    /// was assigned another byte.
    pub fn byte(&self, opcode: Opcode) -> Opcode {
        let own = Proposal::of_opcode(opcode).is_some();
        let mut bytes = (0..=u8::MAX).map(Opcode).filter(|byte| own && self.meaning(*byte) == opcode);
        bytes.next().unwrap_or(opcode)
    }
}

impl Opcode {
    /// Returns the name to print for this opcode byte. `meaning` is the opcode whose rules apply to the byte
    /// ([`CodePoints::meaning`]).
    pub fn name_as(self, meaning: Opcode) -> String {
        match Proposal::of_opcode(meaning) {
            Some(_) => meaning.to_string(),
            // A proposal left the byte, so the name in the table is that of another byte.
            None if Proposal::of_opcode(self).is_some() && self.is_success() => {
                format!("OP_SUCCESS{}", self.0)
            }
            None => self.to_string(),
        }
    }
}

/// By default, each proposal has the opcode byte that its [`Proposal`] lists.
impl Default for CodePoints {
    fn default() -> CodePoints {
        DEFAULT
    }
}

/// Lists only the bytes to which the rules of another opcode apply, each with that opcode.
impl fmt::Debug for CodePoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = (0..=u8::MAX).map(Opcode).map(|byte| (byte, self.meaning(byte)));
        f.debug_map().entries(bytes.filter(|(byte, meaning)| byte != meaning)).finish()
    }
}

/// The rules under which a script runs: the verification flags, and the opcode bytes of proposals. [`Flags`] alone
/// convert to rules with the default opcode bytes.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    /// The verification flags under which the script runs.
    pub flags: Flags,
    /// The opcode bytes that stand for the opcodes of proposals.
    pub code_points: &'r CodePoints,
}

impl From<Flags> for Rules<'static> {
    fn from(flags: Flags) -> Rules<'static> {
        Rules { flags, code_points: &DEFAULT }
    }
}

/// Reason why [`CodePoints::assign`] rejects an assignment of opcode bytes to proposals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodePointError {
    /// A byte was given for a proposal that has no opcode.
    NoOpcode {
        /// Proposal to which the caller assigned a byte.
        proposal: &'static Proposal,
    },
    /// The byte given for a proposal is not reserved for the upgrade mechanism that the proposal uses, `OP_SUCCESSx` or
    /// NOP.
    NotReserved {
        /// Proposal to which the caller assigned a byte.
        proposal: &'static Proposal,
        /// The opcode byte that the proposal cannot have.
        opcode: Opcode,
    },
    /// Two proposals would have the same opcode byte.
    Clash {
        /// The opcode byte that the proposal cannot have.
        opcode: Opcode,
        /// The first of the two proposals that would have the same byte.
        first: &'static Proposal,
        /// The second of the two proposals that would have the same byte.
        second: &'static Proposal,
    },
}

impl fmt::Display for CodePointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodePointError::NoOpcode { proposal } => write!(f, "{} has no opcode", proposal.name),
            CodePointError::NotReserved { proposal, opcode } => {
                let kind = match proposal.hook {
                    Hook::Nop(_) => "a NOP that is reserved for upgrades",
                    _ => "an OP_SUCCESSx",
                };
                write!(f, "{:#04x} ({opcode}) is not {kind}, so it cannot be {}", opcode.0, proposal.name)
            }
            CodePointError::Clash { opcode, first, second } => {
                write!(f, "{:#04x} would be both {} and {}", opcode.0, first.name, second.name)
            }
        }
    }
}

impl core::error::Error for CodePointError {}

#[cfg(test)]
mod tests {
    use super::*;

    const CSFS: &Proposal = Proposal::CHECKSIGFROMSTACK;
    const CAT: &Proposal = Proposal::OP_CAT;
    const CTV: &Proposal = Proposal::CHECKTEMPLATEVERIFY;

    #[test]
    fn free_opcodes_are_reserved_and_belong_to_no_proposal() {
        assert!(FREE_SUCCESS.is_success() && FREE_NOP.is_upgradable_nop());
        assert_eq!([FREE_SUCCESS, FREE_NOP].map(Proposal::of_opcode), [None, None]);
        let proposals = PROPOSALS.iter().filter_map(|proposal| Some((*proposal, proposal.hook.opcode()?)));
        assert_eq!(CodePoints::assign(&proposals.collect::<Vec<_>>()), Ok(CodePoints::default()));
    }

    #[test]
    fn a_byte_has_the_meaning_of_the_proposal_that_it_is_assigned_to() {
        let points = CodePoints::assign(&[(CSFS, Opcode(0xbb)), (CTV, Opcode(0xb8))]).unwrap();
        assert_eq!(points.meaning(Opcode(0xbb)), Opcode::OP_CHECKSIGFROMSTACK);
        assert_eq!(points.meaning(Opcode(0xb8)), Opcode::OP_CHECKTEMPLATEVERIFY);
        // The bytes that they left are reserved again.
        assert_eq!(points.meaning(Opcode(0xcc)), FREE_SUCCESS);
        assert_eq!(points.meaning(Opcode(0xb3)), FREE_NOP);
        assert_eq!(points.byte(Opcode::OP_CHECKSIGFROMSTACK), Opcode(0xbb));
        assert_eq!(points.byte(Opcode::OP_DUP), Opcode::OP_DUP);
        let name = |byte: u8| Opcode(byte).name_as(points.meaning(Opcode(byte)));
        assert_eq!(name(0xbb), "OP_CHECKSIGFROMSTACK");
        assert_eq!(name(0xcc), "OP_SUCCESS204");
        assert_eq!(name(0xbc), "OP_SUCCESS188");
    }

    #[test]
    fn two_proposals_can_swap_their_bytes() {
        let (csfs, cat) = (Opcode::OP_CHECKSIGFROMSTACK, Opcode::OP_CAT);
        let points = CodePoints::assign(&[(CSFS, cat), (CAT, csfs)]).unwrap();
        assert_eq!((points.meaning(cat), points.meaning(csfs)), (csfs, cat));
    }

    #[test]
    fn a_byte_that_is_not_free_is_refused() {
        let text =
            |assigned: &[(&'static Proposal, Opcode)]| CodePoints::assign(assigned).unwrap_err().to_string();
        assert_eq!(text(&[(CSFS, Opcode::OP_CAT)]), "0x7e would be both CHECKSIGFROMSTACK and OP_CAT");
        assert_eq!(
            text(&[(CSFS, Opcode(0xbb)), (CAT, Opcode(0xbb))]),
            "0xbb would be both CHECKSIGFROMSTACK and OP_CAT"
        );
        assert_eq!(
            text(&[(CSFS, Opcode(0xac))]),
            "0xac (OP_CHECKSIG) is not an OP_SUCCESSx, so it cannot be CHECKSIGFROMSTACK"
        );
        assert_eq!(
            text(&[(CTV, Opcode(0xbb))]),
            "0xbb (OP_SUCCESS187) is not a NOP that is reserved for upgrades, so it cannot be CHECKTEMPLATEVERIFY"
        );
        assert_eq!(text(&[(Proposal::ANYPREVOUT, Opcode(0xbb))]), "ANYPREVOUT has no opcode");
    }
}
