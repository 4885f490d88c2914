//! The table of the opcodes that exist today and of those that proposed soft forks add, and the methods of [`Opcode`]
//! that need it.

use core::fmt;

use crate::opcode::{OPCODE_ROWS, Opcode, OpcodeInfo};
use crate::proposals::PROPOSALS;

/// All opcodes that have a name, in the order of their bytes. For example, direct pushes of 1 to 75 bytes have no name.
#[allow(clippy::indexing_slicing, reason = "the loop runs when this is compiled")]
pub const OPCODES: &[OpcodeInfo] = &{
    let mut table = [OPCODE_ROWS[0]; count_rows()];
    let (mut byte, mut filled) = (0, 0);
    while byte < BYTES {
        if let Some(row) = row_of(byte) {
            table[filled] = *row;
            filled += 1;
        }
        byte += 1;
    }
    table
};

/// Number of possible opcode bytes.
const BYTES: usize = 256;

/// Returns the table row of the opcode with this byte, from the opcodes that exist today or from a proposal; `None` if
/// the opcode has no name.
const fn row_of(byte: usize) -> Option<&'static OpcodeInfo> {
    let (mut rows, mut proposals) = (OPCODE_ROWS, PROPOSALS);
    loop {
        match (rows, proposals) {
            ([row, ..], _) if row.opcode.0 as usize == byte => return Some(row),
            ([_, tail @ ..], _) => rows = tail,
            ([], [proposal, tail @ ..]) => (rows, proposals) = (proposal.opcodes, tail),
            ([], []) => return None,
        }
    }
}

const fn count_rows() -> usize {
    let (mut byte, mut count) = (0, 0);
    while byte < BYTES {
        count += row_of(byte).is_some() as usize;
        byte += 1;
    }
    count
}

impl Opcode {
    /// Returns the name and description of the opcode; `None` if the opcode has no name.
    pub fn info(self) -> Option<&'static OpcodeInfo> {
        OPCODES.iter().find(|info| info.opcode == self)
    }

    /// Returns the opcode with this name, with or without `OP_`; `None` if there is none. Aliases and names such as
    /// `OP_SUCCESS187` are accepted.
    pub fn from_name(name: &str) -> Option<Opcode> {
        let bare = name.strip_prefix("OP_").unwrap_or(name);
        if let Some(info) =
            OPCODES.iter().find(|info| info.names().any(|name| name.strip_prefix("OP_") == Some(bare)))
        {
            return Some(info.opcode);
        }
        let number = bare.strip_prefix("SUCCESS")?.parse().ok()?;
        Some(Opcode(number)).filter(|opcode| opcode.is_success())
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Some(info) => f.write_str(info.name),
            None if self.0 < Opcode::OP_PUSHDATA1.0 => write!(f, "OP_PUSHBYTES_{}", self.0),
            None if self.is_success() => write!(f, "OP_SUCCESS{}", self.0),
            None => write!(f, "OP_UNKNOWN_{:#04x}", self.0),
        }
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_rows_are_in_order() {
        for info in OPCODES {
            for name in info.names() {
                assert_eq!(Opcode::from_name(name), Some(info.opcode));
                assert_eq!(Opcode::from_name(&name[3..]), Some(info.opcode));
            }
            assert_eq!(info.opcode.to_string(), info.name);
        }
        assert!(OPCODES.windows(2).all(|pair| pair[0].opcode < pair[1].opcode));
    }

    #[test]
    fn success_opcodes_are_those_of_bip_342() {
        assert_eq!((0..=255).filter(|byte| Opcode(*byte).is_success()).count(), 87);
        assert_eq!(Opcode::from_name("OP_SUCCESS204"), Some(Opcode(204)));
        assert_eq!(Opcode::from_name("OP_SUCCESS186"), None);
        let unassigned = (187..=254).map(Opcode).find(|opcode| opcode.info().is_none()).unwrap();
        assert_eq!(unassigned.to_string(), format!("OP_SUCCESS{}", unassigned.0));
    }

    #[test]
    fn disabled_opcodes_are_fifteen_and_all_of_them_success_opcodes() {
        let disabled: Vec<_> = (0..=255).map(Opcode).filter(|opcode| opcode.is_disabled()).collect();
        assert_eq!(disabled.len(), 15);
        assert!(disabled.iter().all(|opcode| opcode.is_success()));
    }
}
