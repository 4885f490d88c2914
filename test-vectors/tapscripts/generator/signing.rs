//! Keys with known secrets, and the witness elements of random tapscripts, which may be signatures by these keys.

use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, UntweakedPublicKey};
use bitcoin::secp256k1::{All, Message, Parity, Secp256k1};
use bitcoin::sighash::{Annex, Prevouts, SighashCache};
use bitcoin::taproot::{TapLeafHash, TapNodeHash, TapTweakHash};
use bitcoin::{TapSighashType, Transaction, TxOut};

use crate::random::Random;

/// Secret keys of the generator. Each consists of 32 equal bytes, whose value is listed here.
const SECRETS: [u8; 3] = [0x11, 0x22, 0x33];

/// Key pairs for the signatures in random tapscripts. Methods refer to a key by its index.
pub(super) struct Keys {
    secp: Secp256k1<All>,
    keys: Vec<Keypair>,
}

/// A witness element that a random tapscript consumes: fixed bytes, or a signature to be made later.
pub(super) enum Element {
    Bytes(Vec<u8>),
    Signature {
        key: usize,
        hash_type: u8,
        /// Position of the last `OP_CODESEPARATOR` executed before the check of this signature. `u32::MAX` if there is
        /// none.
        separator: u32,
    },
}

impl Keys {
    pub(super) fn new() -> Keys {
        let secp = Secp256k1::new();
        let key = |secret| Keypair::from_seckey_slice(&secp, &[secret; 32]).unwrap();
        let keys = SECRETS.into_iter().map(key).collect();
        Keys { secp, keys }
    }

    /// Returns the number of key pairs.
    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn x_only(&self, key: usize) -> [u8; 32] {
        self.keys[key].x_only_public_key().0.serialize()
    }

    pub(super) fn sign(&self, key: usize, message: [u8; 32]) -> Vec<u8> {
        let message = Message::from_digest(message);
        self.secp.sign_schnorr_no_aux_rand(&message, &self.keys[key]).serialize().to_vec()
    }

    /// Computes the taproot output key (BIP 341) and its parity. The tweak commits to the Merkle root that follows from
    /// the leaf and the sibling hashes in `path`.
    pub(super) fn output_key(
        &self,
        internal_key: usize,
        leaf: TapLeafHash,
        path: &[Vec<u8>],
    ) -> ([u8; 32], Parity) {
        let join = |node, sibling: &Vec<u8>| {
            TapNodeHash::from_node_hashes(node, TapNodeHash::from_slice(sibling).unwrap())
        };
        let root = path.iter().fold(TapNodeHash::from(leaf), join);
        let internal_key: UntweakedPublicKey = self.keys[internal_key].x_only_public_key().0;
        let tweak = TapTweakHash::from_key_and_tweak(internal_key, Some(root)).to_scalar();
        let (output_key, parity) = internal_key.add_tweak(&self.secp, &tweak).unwrap();
        (output_key.serialize(), parity)
    }

    /// Returns the bytes of a witness element. If the element is a signature, it is made first, and one in twenty
    /// signatures then gets one random bit flipped.
    pub(super) fn solve(
        &self,
        element: Element,
        context: &SigningContext<'_>,
        random: &mut Random,
    ) -> Vec<u8> {
        let (key, hash_type, separator) = match element {
            Element::Bytes(bytes) => return bytes,
            Element::Signature { key, hash_type, separator } => (key, hash_type, separator),
        };
        let mut signature = match context.digest(hash_type, separator) {
            Some(digest) => self.sign(key, digest),
            None => random.bytes(64),
        };
        if random.once_in(20) {
            signature[random.below(64)] ^= 1 << random.below(8);
        }
        if hash_type != 0 {
            signature.push(hash_type);
        }
        signature
    }
}

/// The data that a signature in a tapscript commits to: the transaction, its prevouts, the input index, the leaf hash
/// and the annex.
pub(super) struct SigningContext<'a> {
    pub(super) tx: &'a Transaction,
    pub(super) prevouts: &'a [TxOut],
    pub(super) index: usize,
    pub(super) leaf_hash: TapLeafHash,
    pub(super) annex: &'a Option<Vec<u8>>,
}

impl SigningContext<'_> {
    /// Computes the signature hash. Returns `None` if the hash type is undefined, or if it is SINGLE and there is no
    /// corresponding output.
    fn digest(&self, hash_type: u8, separator: u32) -> Option<[u8; 32]> {
        let hash_type = TapSighashType::from_consensus_u8(hash_type).ok()?;
        let annex = self.annex.as_ref().map(|annex| Annex::new(annex).unwrap());
        let leaf = Some((self.leaf_hash, separator));
        let prevouts = Prevouts::All(self.prevouts);
        let mut cache = SighashCache::new(self.tx);
        let digest = cache.taproot_signature_hash(self.index, &prevouts, annex, leaf, hash_type);
        digest.ok().map(|digest| digest.to_byte_array())
    }
}
