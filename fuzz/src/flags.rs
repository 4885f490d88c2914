//! Sets of flags from bytes. Only combinations that Core allows are ever drawn.

use sigstack_interpreter::{FLAGS, FlagKind, Flags};

use crate::bytes::Reader;

/// How many bytes [`any`] reads.
pub const ANY_BYTES: usize = 9;

/// The consensus flags of a byte: all of them where its highest bit is not set.
pub fn consensus(byte: u8) -> Flags {
    if byte & 0x80 == 0 {
        return Flags::CONSENSUS;
    }
    let drawn = Flags::CONSENSUS.iter().enumerate().filter(|(nth, _)| byte >> nth & 1 == 1);
    drawn.map(|(_, info)| info.flag).collect::<Flags>().closure()
}

/// The byte that [`consensus`] reads as these flags, which are of the consensus.
pub fn consensus_byte(flags: Flags) -> u8 {
    let bits = Flags::CONSENSUS.iter().enumerate().filter(|(_, info)| flags.contains(info.flag));
    bits.fold(0x80, |byte, (nth, _)| byte | 1 << nth)
}

/// The flags whose rows of the table have a bit set, with what they need.
pub fn of_bits(bits: u64) -> Flags {
    let drawn = FLAGS.iter().enumerate().filter(|(nth, _)| bits >> nth & 1 == 1);
    drawn.map(|(_, info)| info.flag).collect::<Flags>().closure()
}

/// The bits that [`of_bits`] reads as these flags.
pub fn bits(flags: Flags) -> u64 {
    let set = FLAGS.iter().enumerate().filter(|(_, info)| flags.contains(info.flag));
    set.fold(0, |bits, (nth, _)| bits | 1 << nth)
}

/// Any flags: a byte that says how the eight after it are meant.
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

/// The bytes that [`any`] reads as these flags.
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
