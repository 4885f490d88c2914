//! The witness scripts of BOLT 3, each with the witness that spends it (bottom first, without the script).

use secp256k1::PublicKey;
use sigstack_interpreter::Opcode as O;

use crate::script::{Num, Push, script};
use crate::tx::hash160;

/// `2 <key1> <key2> 2 OP_CHECKMULTISIG`, the lesser key first. Witness: `"" <sig1> <sig2>`.
pub fn funding(a: &PublicKey, b: &PublicKey) -> Vec<u8> {
    let (a, b) = (a.serialize(), b.serialize());
    let (first, second) = if a < b { (a, b) } else { (b, a) };
    script(&[&O::OP_2, &Push(&first), &Push(&second), &O::OP_2, &O::OP_CHECKMULTISIG])
}

/// The owner's balance. Witness of the owner after `delay` blocks: `<sig> ""`; of the other with the revocation key:
/// `<sig> 01`. HTLC transactions pay to the same script.
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

/// The other side's balance where anchors are, one block after confirmation. Witness: `<sig>`.
pub fn to_remote_anchors(remote_payment: &PublicKey) -> Vec<u8> {
    script(&[&Push(&remote_payment.serialize()), &O::OP_CHECKSIGVERIFY, &O::OP_1, &O::OP_CHECKSEQUENCEVERIFY])
}

/// An anchor. Witness of the key's owner: `<sig>`; of anyone after 16 blocks: `""`.
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

/// What the scripts of HTLCs are made of.
#[derive(Clone, Copy, Debug)]
pub struct HtlcScript<'a> {
    /// The revocation key.
    pub revocation: &'a PublicKey,
    /// The owner's HTLC key.
    pub local_htlc: &'a PublicKey,
    /// The other side's HTLC key.
    pub remote_htlc: &'a PublicKey,
    /// SHA-256 of the preimage.
    pub payment_hash: &'a [u8; 32],
    /// The height from which on it can be timed out.
    pub expiry: u32,
    /// Whether the other side's paths wait for a block, as they do where anchors are.
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

    /// RIPEMD-160 of the payment hash, which is the preimage's HASH160.
    fn short_hash(&self) -> [u8; 20] {
        use bitcoin::hashes::{Hash as _, ripemd160};
        ripemd160::Hash::hash(self.payment_hash).to_byte_array()
    }

    /// An HTLC that the owner offered. Witness of the revocation: `<revsig> <revocationpubkey>`; of the other side with the
    /// preimage: `<sig> <preimage>`; of the HTLC-timeout transaction: `"" <remotesig> <localsig> ""`.
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

    /// An HTLC that the owner received. Witness of the revocation: `<revsig> <revocationpubkey>`; of the other side after
    /// the expiry: `<sig> ""`; of the HTLC-success transaction: `"" <remotesig> <localsig> <preimage>`.
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
