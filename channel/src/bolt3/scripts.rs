//! Witness scripts of BOLT 3. The documentation of each script shows the witnesses that satisfy it. A witness
//! is written bottom of the stack first, without the script.

use secp256k1::PublicKey;
use sigstack_interpreter::Opcode as O;

use crate::script::{Num, Push, script};
use crate::tx::hash160;

/// Script of the funding output: `2 <key1> <key2> 2 OP_CHECKMULTISIG`, with the keys in lexicographic order.
/// Witness: `"" <sig1> <sig2>`.
pub fn funding(a: &PublicKey, b: &PublicKey) -> Vec<u8> {
    let (a, b) = (a.serialize(), b.serialize());
    let (first, second) = if a < b { (a, b) } else { (b, a) };
    script(&[&O::OP_2, &Push(&first), &Push(&second), &O::OP_2, &O::OP_CHECKMULTISIG])
}

/// Script of to_local, which pays the owner's balance, and of the outputs of HTLC transactions. The witnesses
/// are:
///
/// - of the owner after `delay` blocks: `<sig> ""`
/// - of the remote side with the revocation key: `<sig> 01`
pub fn to_local(revocation: &PublicKey, delay: u16, local_delayed: &PublicKey) -> Vec<u8> {
    script(&[
        &O::OP_IF,
        &Push(&revocation.serialize()),
        &O::OP_ELSE,
        &Num(delay.into()),
        &O::OP_CHECKSEQUENCEVERIFY,
        &O::OP_DROP,
        &Push(&local_delayed.serialize()),
        &O::OP_ENDIF,
        &O::OP_CHECKSIG,
    ])
}

/// Script of to_remote, which pays the remote side's balance, in channels with anchors. It can be spent one
/// block after confirmation. Witness: `<sig>`.
pub fn to_remote_anchors(remote_payment: &PublicKey) -> Vec<u8> {
    script(&[&Push(&remote_payment.serialize()), &O::OP_CHECKSIGVERIFY, &O::OP_1, &O::OP_CHECKSEQUENCEVERIFY])
}

/// Script of an anchor output. The owner of `funding_key` spends it with the witness `<sig>`. After 16 blocks
/// anyone can spend it with the witness `""`.
pub fn anchor(funding_key: &PublicKey) -> Vec<u8> {
    script(&[
        &Push(&funding_key.serialize()),
        &O::OP_CHECKSIG,
        &O::OP_IFDUP,
        &O::OP_NOTIF,
        &O::OP_16,
        &O::OP_CHECKSEQUENCEVERIFY,
        &O::OP_ENDIF,
    ])
}

/// Parameters of an HTLC output's script.
#[derive(Clone, Copy, Debug)]
pub struct HtlcScript<'a> {
    /// Key with which the remote side takes the output if the commitment transaction was revoked.
    pub revocation: &'a PublicKey,
    /// HTLC key of the commitment transaction's owner.
    pub local_htlc: &'a PublicKey,
    /// HTLC key of the remote side.
    pub remote_htlc: &'a PublicKey,
    /// Payment hash of the HTLC, which is the SHA-256 hash of its preimage.
    pub payment_hash: &'a [u8; 32],
    /// Height from which the HTLC can be timed out.
    pub expiry: u32,
    /// Whether every path except the revocation path has a relative lock of one block, as in channels with anchors.
    pub one_block_lock: bool,
}

impl HtlcScript<'_> {
    fn lock(&self) -> Vec<u8> {
        match self.one_block_lock {
            true => script(&[&O::OP_1, &O::OP_CHECKSEQUENCEVERIFY, &O::OP_DROP]),
            false => Vec::new(),
        }
    }

    fn head(&self) -> Vec<u8> {
        script(&[
            &O::OP_DUP,
            &O::OP_HASH160,
            &Push(&hash160(&self.revocation.serialize())),
            &O::OP_EQUAL,
            &O::OP_IF,
            &O::OP_CHECKSIG,
            &O::OP_ELSE,
            &Push(&self.remote_htlc.serialize()),
            &O::OP_SWAP,
            &O::OP_SIZE,
            &Num(32),
            &O::OP_EQUAL,
        ])
    }

    /// Returns the RIPEMD-160 hash of the payment hash, which equals the HASH160 of the preimage.
    fn short_hash(&self) -> [u8; 20] {
        use bitcoin::hashes::{Hash as _, ripemd160};
        ripemd160::Hash::hash(self.payment_hash).to_byte_array()
    }

    /// Script of an HTLC that the owner of the commitment transaction offered. The witnesses are:
    ///
    /// - of the remote side with the revocation key: `<revsig> <revocationpubkey>`
    /// - of the remote side with the preimage: `<sig> <preimage>`
    /// - of the HTLC-timeout transaction: `"" <remotesig> <localsig> ""`
    pub fn offered(&self) -> Vec<u8> {
        let tail = script(&[
            &O::OP_NOTIF,
            &O::OP_DROP,
            &O::OP_2,
            &O::OP_SWAP,
            &Push(&self.local_htlc.serialize()),
            &O::OP_2,
            &O::OP_CHECKMULTISIG,
            &O::OP_ELSE,
            &O::OP_HASH160,
            &Push(&self.short_hash()),
            &O::OP_EQUALVERIFY,
            &O::OP_CHECKSIG,
            &O::OP_ENDIF,
        ]);
        let end = script(&[&O::OP_ENDIF]);
        [self.head(), tail, self.lock(), end].concat()
    }

    /// Script of an HTLC that the owner of the commitment transaction received. The witnesses are:
    ///
    /// - of the remote side with the revocation key: `<revsig> <revocationpubkey>`
    /// - of the remote side after the expiry: `<sig> ""`
    /// - of the HTLC-success transaction: `"" <remotesig> <localsig> <preimage>`
    pub fn received(&self) -> Vec<u8> {
        let tail = script(&[
            &O::OP_IF,
            &O::OP_HASH160,
            &Push(&self.short_hash()),
            &O::OP_EQUALVERIFY,
            &O::OP_2,
            &O::OP_SWAP,
            &Push(&self.local_htlc.serialize()),
            &O::OP_2,
            &O::OP_CHECKMULTISIG,
            &O::OP_ELSE,
            &O::OP_DROP,
            &Num(self.expiry.into()),
            &O::OP_CHECKLOCKTIMEVERIFY,
            &O::OP_DROP,
            &O::OP_CHECKSIG,
            &O::OP_ENDIF,
        ]);
        let end = script(&[&O::OP_ENDIF]);
        [self.head(), tail, self.lock(), end].concat()
    }
}
