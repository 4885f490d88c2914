//! Kinds of outputs that the benchmarks spend: their scriptPubKeys, and the scriptSigs and witnesses that spend them.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, hashes::Hash};
use ripemd::Ripemd160;
use secp256k1::{Keypair, Message, Scalar};
use sha2::{Digest, Sha256};
use sigstack_interpreter::proposals::{checktemplateverify, templatehash};
use sigstack_interpreter::sighash::{self};
use sigstack_interpreter::taproot::{branch_hash, leaf_hash, tweak_hash};
use sigstack_interpreter::{KeyVersion, Spend, TaprootMessage, TapscriptMessage, TxView};

use crate::keys::Keys;
use crate::script::push;
use crate::workload::Case;

const SIGHASH_ALL: u8 = 1;
const LEAF_VERSION: u8 = 0xc0;

/// An element of a tapscript's initial stack, which is computed when the spending transaction is known.
#[derive(Clone, Debug)]
pub enum Item {
    /// A stack element that consists of these bytes.
    Bytes(Vec<u8>),
    /// A signature of the spending transaction by this key, with this key version and hash type. A hash type of 0 is
    /// not appended to the signature.
    Signature(Keypair, KeyVersion, u8),
    /// The BIP 119 template hash of the spending transaction, which `OP_CHECKTEMPLATEVERIFY` compares.
    CheckTemplate,
    /// The BIP 446 template hash of the spending transaction, which `OP_TEMPLATEHASH` pushes.
    TemplateHash,
}

/// A leaf of a taproot output, and the data that is needed to spend it.
#[derive(Clone, Debug)]
pub struct Tapscript {
    /// Script of the taproot leaf.
    pub script: Vec<u8>,
    /// Initial stack of the leaf script, top element last.
    pub stack: Vec<Item>,
    /// Depth of the leaf in the script tree: the number of hashes in the control block.
    pub depth: usize,
    /// X-only internal key of the taproot output.
    pub internal_key: [u8; 32],
}

impl Tapscript {
    /// Creates a taproot leaf at depth 1, with an internal key from `keys`.
    pub fn new(keys: &mut Keys, script: Vec<u8>, stack: Vec<Item>) -> Tapscript {
        let internal_key = keys.key().x_only_public_key().0.to_byte_array();
        Tapscript { script, stack, depth: 1, internal_key }
    }
}

/// An output to spend, with the keys and the data that are needed to spend it.
#[derive(Clone, Debug)]
pub enum Lock {
    /// P2PKH output that pays to this key.
    P2pkh(Keypair),
    /// P2WPKH output that pays to this key.
    P2wpkh(Keypair),
    /// P2WSH output of this multisig script. The witness consists of the dummy element of `OP_CHECKMULTISIG`, a
    /// signature by each of these keys, and the script.
    Multisig(Vec<u8>, Vec<Keypair>),
    /// Bare output with this script as scriptPubKey. The scriptSig pushes these elements.
    Bare(Vec<u8>, Vec<Vec<u8>>),
    /// Taproot output without leaves, which is spent on the key path. The internal key is this key.
    KeyPath(Keypair),
    /// Taproot output that is spent on the script path, with this leaf.
    Leaf(Tapscript),
}

fn hash160(bytes: &[u8]) -> [u8; 20] {
    Ripemd160::digest(Sha256::digest(bytes)).into()
}

fn p2pkh(key: &Keypair) -> Vec<u8> {
    let hash = hash160(&key.public_key().serialize());
    [&[0x76, 0xa9, 20], &hash[..], &[0x88, 0xac]].concat()
}

fn ecdsa(key: &Keypair, digest: [u8; 32]) -> Vec<u8> {
    // These signatures have an R of 32 bytes, as about half of all signatures do. Signers that grind for a small R are not
    // modelled.
    let mut signature = key.secret_key().sign_ecdsa(Message::from_digest(digest)).serialize_der().to_vec();
    signature.push(SIGHASH_ALL);
    signature
}

fn schnorr(key: &Keypair, message: &TaprootMessage, hash_type: u8, view: &TxView<'_>) -> Vec<u8> {
    let digest = sighash::taproot::digest(view, message, hash_type).expect("a defined hash type");
    let mut signature = key.sign_schnorr_no_aux_rand(&digest).to_byte_array().to_vec();
    if hash_type != 0 {
        signature.push(hash_type);
    }
    signature
}

/// The output key of a taproot output with one known leaf, and the control block of this leaf.
struct Tree {
    output_key: [u8; 32],
    control_block: Vec<u8>,
}

impl Tree {
    fn of(leaf: &Tapscript) -> Tree {
        let path: Vec<[u8; 32]> =
            (0..leaf.depth).map(|level| Sha256::digest(level.to_le_bytes()).into()).collect();
        let root = path
            .iter()
            .fold(leaf_hash(LEAF_VERSION, &leaf.script), |node, sibling| branch_hash(&node, sibling));
        let internal_key = secp256k1::XOnlyPublicKey::from_byte_array(leaf.internal_key).expect("a key");
        let (output_key, parity) = tweaked(&internal_key, tweak_hash(&leaf.internal_key, Some(&root)));
        let mut control_block = vec![LEAF_VERSION | parity.to_u8()];
        control_block.extend(leaf.internal_key);
        path.iter().for_each(|sibling| control_block.extend(sibling));
        Tree { output_key: output_key.to_byte_array(), control_block }
    }
}

fn scalar(tweak: [u8; 32]) -> Scalar {
    Scalar::from_be_bytes(tweak).expect("a hash below the order")
}

fn tweaked(
    internal_key: &secp256k1::XOnlyPublicKey,
    tweak: [u8; 32],
) -> (secp256k1::XOnlyPublicKey, secp256k1::Parity) {
    internal_key.add_tweak(&scalar(tweak)).expect("a point")
}

fn key_path_key(key: &Keypair) -> Keypair {
    let tweak = tweak_hash(&key.x_only_public_key().0.to_byte_array(), None);
    key.add_xonly_tweak(&scalar(tweak)).expect("a point")
}

fn program(version: u8, program: &[u8]) -> Vec<u8> {
    let mut script = vec![version];
    push(&mut script, program);
    script
}

impl Lock {
    fn script_pubkey(&self) -> Vec<u8> {
        match self {
            Lock::P2pkh(key) => p2pkh(key),
            Lock::P2wpkh(key) => program(0, &hash160(&key.public_key().serialize())),
            Lock::Multisig(script, _) => program(0, &Sha256::digest(script)),
            Lock::Bare(script, _) => script.clone(),
            Lock::KeyPath(key) => program(0x51, &key_path_key(key).x_only_public_key().0.to_byte_array()),
            Lock::Leaf(leaf) => program(0x51, &Tree::of(leaf).output_key),
        }
    }

    /// Returns the scriptSig and the witness that spend this output in the transaction `view`.
    fn unlock(&self, view: &TxView<'_>) -> (Vec<u8>, Vec<Vec<u8>>) {
        let segwit_v0 =
            |script_code: &[u8]| sighash::segwit_v0::digest(view, script_code, SIGHASH_ALL.into());
        match self {
            Lock::P2pkh(key) => {
                let digest = sighash::legacy::digest(view, &p2pkh(key), SIGHASH_ALL.into());
                let mut script_sig = Vec::new();
                push(&mut script_sig, &ecdsa(key, digest));
                push(&mut script_sig, &key.public_key().serialize());
                (script_sig, vec![])
            }
            Lock::P2wpkh(key) => {
                let signature = ecdsa(key, segwit_v0(&p2pkh(key)));
                (vec![], vec![signature, key.public_key().serialize().to_vec()])
            }
            Lock::Multisig(script, signers) => {
                let signatures = signers.iter().map(|key| ecdsa(key, segwit_v0(script)));
                (vec![], [vec![]].into_iter().chain(signatures).chain([script.clone()]).collect())
            }
            Lock::Bare(_, elements) => {
                let mut script_sig = Vec::new();
                elements.iter().for_each(|element| push(&mut script_sig, element));
                (script_sig, vec![])
            }
            Lock::KeyPath(key) => {
                let message = TaprootMessage { annex_hash: None, tapscript: None };
                (vec![], vec![schnorr(&key_path_key(key), &message, 0, view)])
            }
            Lock::Leaf(leaf) => (vec![], leaf.unlock(view)),
        }
    }
}

impl Tapscript {
    fn unlock(&self, view: &TxView<'_>) -> Vec<Vec<u8>> {
        let element = |item: &Item| match item {
            Item::Bytes(bytes) => bytes.clone(),
            Item::CheckTemplate => checktemplateverify::check_template_digest(view).to_vec(),
            Item::TemplateHash => templatehash::template_hash_digest(view, None).to_vec(),
            Item::Signature(key, key_version, hash_type) => {
                let tapscript = Some(TapscriptMessage {
                    key_version: *key_version,
                    leaf_hash: leaf_hash(LEAF_VERSION, &self.script),
                    code_separator_position: u32::MAX,
                });
                schnorr(key, &TaprootMessage { annex_hash: None, tapscript }, *hash_type, view)
            }
        };
        let mut witness: Vec<Vec<u8>> = self.stack.iter().map(element).collect();
        witness.push(self.script.clone());
        witness.push(Tree::of(self).control_block);
        witness
    }
}

/// Returns an output of 50,000 sat with a random taproot output key.
pub(crate) fn any_output(keys: &mut Keys) -> TxOut {
    TxOut { value: Amount::from_sat(50_000), script_pubkey: ScriptBuf::from(program(0x51, &keys.bytes())) }
}

/// Returns a signed transaction. It has one input for each element of `locks`, and the given outputs.
pub fn spend(keys: &mut Keys, locks: &[Lock], outputs: Vec<TxOut>) -> Case {
    let inputs = locks.iter().map(|_| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array(keys.bytes()), vout: 1 },
        script_sig: ScriptBuf::new(),
        // The input is not final and has no relative lock, so that OP_CHECKLOCKTIMEVERIFY and OP_CHECKSEQUENCEVERIFY accept
        // zero.
        sequence: Sequence::ZERO,
        witness: Witness::new(),
    });
    let mut tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: inputs.collect(),
        output: outputs,
    };
    let prevouts: Vec<TxOut> = locks
        .iter()
        .map(|lock| TxOut {
            value: Amount::from_sat(100_000),
            script_pubkey: ScriptBuf::from(lock.script_pubkey()),
        })
        .collect();
    let unsigned = tx.clone();
    let signer = Spend::new(&unsigned, &prevouts).expect("a prevout for each input");
    for (index, (lock, input)) in locks.iter().zip(&mut tx.input).enumerate() {
        let (script_sig, witness) = lock.unlock(&signer.view(index).expect("an input"));
        input.script_sig = ScriptBuf::from(script_sig);
        input.witness = Witness::from_slice(&witness);
    }
    Case::new(&tx, prevouts)
}
