//! `OP_PAIRCOMMIT` (BIP 442), which redefines `OP_SUCCESS205`.

use sha2::Digest;

use crate::error::ScriptError;
use crate::inspector::Event;
use crate::machine::Machine;
use crate::proposals::Proposal;
use crate::sighash::{MessageSink, tags, write_sized};

tags! {
    /// Hasher for the tag of BIP 442 "Specification".
    tag "PairCommit";
}

/// `a b -- hash`: pushes the tagged hash of both elements, each preceded by its length, the deeper element first (BIP 442
/// "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    m.tapscript_with(Proposal::PAIRCOMMIT)?;
    m.stack.need(2)?;
    let (a, b) = (m.stack.get(1)?, m.stack.get(0)?);
    let mut hasher = tag();
    write_preimage(a, b, &mut hasher);
    let digest = hasher.finalize().into();
    if let Some(events) = &mut m.events {
        let mut preimage = Vec::new();
        write_preimage(a, b, &mut preimage);
        events.push(Event::PairCommit { preimage, digest });
    }
    m.stack.drop_top(2)?;
    m.stack.push(&digest)
}

/// Writes the bytes that are hashed after the tag.
fn write_preimage(a: &[u8], b: &[u8], sink: &mut impl MessageSink) {
    write_sized(sink, "x1", a);
    write_sized(sink, "x2", b);
}
