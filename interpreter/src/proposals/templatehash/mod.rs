//! `OP_TEMPLATEHASH` (BIP 446), which redefines `OP_SUCCESS206`.

mod message;

use crate::error::ScriptError;
use crate::inspector::Event;
use crate::machine::Machine;
use crate::proposals::Proposal;

pub use message::{template_hash_digest, write_template_hash};

/// `-- hash`: pushes the template hash for the input that is verified (BIP 446 "Specification").
pub(crate) fn execute(m: &mut Machine<'_>) -> Result<(), ScriptError> {
    let annex_hash = m.tapscript_with(Proposal::TEMPLATEHASH)?.annex_hash;
    let digest = m.host.template_hash(annex_hash.as_ref());
    m.record(|| Event::TemplateHash { annex_hash, digest });
    m.stack.push(&digest)
}
