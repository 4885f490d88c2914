//! Scripts of the taproot leaves that the constructions use, compiled from policies.
//!
//! The policies are files in `script-compiler/policies`. Each leaf is compiled once, with holes for values
//! that change from state to state, and the functions here fill the holes. The documentation of each function
//! shows the script and the witness that satisfies it. The witness is written bottom of the stack first,
//! without script and control block. Sizes are in bytes (B) and assume state numbers of four bytes and
//! heights of three bytes.
//!
//! Some scripts are not compiled from policies, for these reasons:
//!
//! | script | reason |
//! | --- | --- |
//! | [`crate::bolt3::scripts`] | P2WSH scripts of a published standard; the compiler writes tapscripts |
//! | the scripts of [`crate::attacks`] that have a mistake | the compiler rejects or corrects such policies |
//! | [`literal_cat`] without size checks | the compiler always adds the size checks |
//! | P2A, `OP_RETURN` | these outputs have no policy |
//! | the one leaf of [`crate::compare::measure_bip442`] | the table of BIP 442 assumes `OP_IF update OP_ELSE settle OP_ENDIF` |

mod htlc;
mod literal;
mod sequence;
mod symmetry;
mod templates;

use std::sync::OnceLock;

use sigstack_compiler::{Fill, Template};
use sigstack_interpreter::Opcode;

pub use htlc::{
    htlc_success, htlc_success_anyprevout, htlc_success_presigned, htlc_success_template, htlc_timeout,
    htlc_timeout_anyprevout, htlc_timeout_template,
};
pub use literal::{delayed, literal_cat, literal_pair_commit};
pub use sequence::{contest, contest_lock_time, delayed_internal_key, tower, tower_lock_time};
pub(crate) use sequence::{higher_number, sweep};
pub use symmetry::{
    override_pair_commit, override_templatehash, update_apo, update_ctv, update_ctv_internal_key,
    update_pair_commit, update_templatehash,
};
pub use templates::{template_ctv, template_signature, template_templatehash, template_templatehash_after};

/// The opcode `OP_CHECKTEMPLATEVERIFY` (BIP 119).
pub const CTV: Opcode = Opcode::OP_CHECKTEMPLATEVERIFY;
/// The smallest nLockTime that counts as a time. Some constructions encode state number n as the nLockTime
/// `NUMBER_BASE` + n.
pub const NUMBER_BASE: u32 = 500_000_000;
/// The highest state number. It is the largest operand of OP_GREATERTHAN, which accepts at most four bytes.
pub const MAX_NUMBER: u32 = 0x7fff_ffff;

/// Returns the hash `PairCommit(a, b)` of OP_PAIRCOMMIT (BIP 442).
pub fn pair_commit(a: &[u8], b: &[u8]) -> [u8; 32] {
    sigstack_compiler::pair_commit(a, b)
}

/// Returns the minimal script encoding of a state number, as used in witnesses and in signed messages.
pub fn number_bytes(number: u32) -> Vec<u8> {
    sigstack_compiler::number_bytes(number.into())
}

/// The script of a taproot leaf in which some values, for example keys and state numbers, are left open (holes). It
/// is compiled from a policy file at its first use.
struct PolicyLeaf {
    policy: &'static str,
    leaf: usize,
    holes: &'static [&'static str],
    template: OnceLock<Option<Template>>,
}

impl PolicyLeaf {
    /// Returns the leaf with index `leaf` of the policy file `policy`. `holes` names the values that
    /// [`PolicyLeaf::fill`] receives, in order.
    const fn new(policy: &'static str, leaf: usize, holes: &'static [&'static str]) -> PolicyLeaf {
        PolicyLeaf { policy, leaf, holes, template: OnceLock::new() }
    }

    fn template(&self) -> Option<&Template> {
        let compile = || {
            let document = sigstack_compiler::parse(sigstack_compiler::policy_text(self.policy)?).ok()?;
            Template::new(&document, self.leaf, self.holes).ok()
        };
        self.template.get_or_init(compile).as_ref()
    }

    /// Returns the leaf's script with `values` in its holes, which are the places where the compiler left out a
    /// value.
    ///
    /// If the policy does not compile or a value has the wrong length, the result is `OP_RETURN`, a leaf that nobody
    /// can spend. The tests compile every policy that is used here.
    fn fill(&self, values: &[Fill<'_>]) -> Vec<u8> {
        self.template().and_then(|template| template.fill(values)).unwrap_or_else(unspendable)
    }

    /// Returns a part of the leaf's script: the checks of the conditions with the indices `conditions`. `values` are
    /// inserted as in [`PolicyLeaf::fill`].
    fn conditions(&self, conditions: core::ops::Range<usize>, values: &[Fill<'_>]) -> Vec<u8> {
        let script = self.template().and_then(|template| template.fill_conditions(conditions, values));
        script.unwrap_or_else(unspendable)
    }
}

fn unspendable() -> Vec<u8> {
    vec![Opcode::OP_RETURN.0]
}

/// Wraps a number as a value for [`PolicyLeaf::fill`].
fn number(number: impl Into<i64>) -> Fill<'static> {
    Fill::Number(number.into())
}

#[cfg(test)]
mod tests;
