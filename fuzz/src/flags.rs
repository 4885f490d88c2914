//! Conversions between bytes of a fuzz input and sets of script flags. Only combinations of flags that Core allows are
//! returned.

use sigstack_interpreter::{FLAGS, FlagKind, Flags};

use crate::bytes::Reader;

/// Number of bytes that [`any`] reads.
pub const ANY_BYTES: usize = 9;

/// Returns the consensus flags that a byte of the fuzz input selects. If its highest bit is 0, these are all consensus
/// flags. Otherwise each lower bit selects one flag, and the flags that it requires are added.
pub fn consensus(byte: u8) -> Flags {
    if byte & 0x80 == 0 {
        return Flags::CONSENSUS;
    }
    let drawn = Flags::CONSENSUS.iter().enumerate().filter(|(nth, _)| byte >> nth & 1 == 1);
    drawn.map(|(_, info)| info.flag).collect::<Flags>().closure()
}

/// Returns the byte that selects the consensus flags in `flags` when [`consensus`] reads it.
pub fn consensus_byte(flags: Flags) -> u8 {
    let bits = Flags::CONSENSUS.iter().enumerate().filter(|(_, info)| flags.contains(info.flag));
    bits.fold(0x80, |byte, (nth, _)| byte | 1 << nth)
}

/// Returns the flags that `bits` selects, together with the flags that these require. Bit n selects the flag with
/// index n in the table of flags.
pub fn of_bits(bits: u64) -> Flags {
    let drawn = FLAGS.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    drawn.map(|(_, info)| info.flag).collect::<Flags>().closure()
}

/// Returns the bits that select the flags `flags` when [`of_bits`] reads them.
pub fn bits(flags: Flags) -> u64 {
    let set = FLAGS.iter().enumerate().filter(|(_, info)| flags.contains(info.flag));
    set.fold(0, |bits, (nth, _)| bits | 1 << nth)
}

/// Reads any set of flags from the fuzz input. The first byte selects the form, and the next eight bytes have a bit
/// for each flag. In three of the four forms, the consensus flags are added.
pub fn any(reader: &mut Reader<'_>) -> Flags {
    let (form, drawn) = (reader.byte(), of_bits(reader.u64()));
    let proposals = Flags::of_kind(FlagKind::Proposal);
    match form % 4 {
        0 => Flags::CONSENSUS | proposals,
        1 => (Flags::CONSENSUS | proposals | drawn).closure(),
        2 => (Flags::CONSENSUS | drawn).closure(),
        _ => drawn,
    }
}

/// Returns the bytes that select the flags `flags` when [`any`] reads them.
pub fn any_bytes(flags: Flags) -> [u8; ANY_BYTES] {
    let mut bytes = [3; ANY_BYTES];
    bytes[1..].copy_from_slice(&bits(flags).to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_were_written_and_never_a_wrong_combination() {
        for info in FLAGS {
            let flags = info.flag.closure();
            assert_eq!(of_bits(bits(flags)), flags);
            assert_eq!(any(&mut Reader::new(&any_bytes(flags))), flags);
            for form in 0..4 {
                let bytes = [&[form], &any_bytes(info.flag)[1..]].concat();
                assert_eq!(any(&mut Reader::new(&bytes)).check(), Ok(()));
            }
        }
        for byte in 0..=255 {
            let flags = consensus(byte);
            assert_eq!(flags.check(), Ok(()));
            assert!(Flags::CONSENSUS.contains(flags));
            assert_eq!(consensus(consensus_byte(flags)), flags);
        }
        assert_eq!(consensus(0), Flags::CONSENSUS);
    }
}
