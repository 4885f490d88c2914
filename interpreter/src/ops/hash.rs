//! Hash opcodes, which replace the top element by its hash: `x -- hash`.

use ripemd::Ripemd160;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::Result;
use crate::machine::Machine;

pub(super) fn ripemd160(m: &mut Machine<'_>) -> Result {
    replace_top(m, |x| Ripemd160::digest(x))
}

pub(super) fn sha1(m: &mut Machine<'_>) -> Result {
    replace_top(m, |x| Sha1::digest(x))
}

pub(super) fn sha256(m: &mut Machine<'_>) -> Result {
    replace_top(m, |x| Sha256::digest(x))
}

pub(super) fn hash160(m: &mut Machine<'_>) -> Result {
    replace_top(m, |x| Ripemd160::digest(Sha256::digest(x)))
}

pub(super) fn hash256(m: &mut Machine<'_>) -> Result {
    replace_top(m, |x| Sha256::digest(Sha256::digest(x)))
}

#[inline]
fn replace_top<H: AsRef<[u8]>>(m: &mut Machine<'_>, hash: impl FnOnce(&[u8]) -> H) -> Result {
    let digest = hash(m.stack.get(0)?);
    m.stack.drop_top(1)?;
    m.stack.push(digest.as_ref())
}
