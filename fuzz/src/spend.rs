//! The transactions that the fuzz targets verify: built and signed from recipes, or decoded from the fuzz input without
//! changes.

use core::cell::OnceCell;

use bitcoin::absolute::LockTime;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::key::UntweakedPublicKey;
use bitcoin::secp256k1::Parity;
use bitcoin::taproot::{LeafVersion, TapLeafHash, TapNodeHash, TapTweakHash};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use sigstack_interpreter::Flags;
use sigstack_interpreter::taproot::NUMS_KEY;

use crate::bytes::Reader;
use crate::keys;
use crate::naive;
use crate::recipe::{Damage, NUMS, Place, Recipe};
use crate::signer;
use crate::words::{Templates, Words, push};

/// A transaction with its spent outputs, and the index of the input to verify.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The transaction that contains the input to verify.
    pub tx: Transaction,
    /// Spent outputs of the transaction, in input order.
    pub prevouts: Vec<TxOut>,
    /// Index of the input to verify.
    pub index: usize,
}

/// First byte of a fuzz input that contains a recipe. Any even first byte is treated in the same way.
pub const RECIPE: u8 = 0;
/// First byte of a fuzz input that contains a whole transaction, which is not signed again. Any odd first byte is
/// treated in the same way. The byte is followed by the index of the input to verify and the number of prevouts (a
/// byte each). Then follow each prevout (amount and script with length) and the serialized transaction.
pub const AS_IT_IS: u8 = 1;

impl Subject {
    /// Reads a transaction from a fuzz input: either a recipe or a whole transaction. The transaction of a recipe is
    /// signed so that it is valid under `flags` if possible. Returns `None` if a whole transaction cannot be decoded,
    /// or if the input to verify does not exist.
    pub fn read(reader: &mut Reader<'_>, flags: Flags) -> Option<Subject> {
        if reader.byte() & 1 == AS_IT_IS {
            Subject::as_it_is(reader)
        } else {
            Some(make(&Recipe::read(reader), flags))
        }
    }

    fn as_it_is(reader: &mut Reader<'_>) -> Option<Subject> {
        let (index, count) = (usize::from(reader.byte()), reader.byte());
        let output = |_| TxOut {
            value: Amount::from_sat(reader.spent_amount()),
            script_pubkey: ScriptBuf::from(reader.sized().to_vec()),
        };
        let mut prevouts: Vec<TxOut> = (0..count).map(output).collect();
        let tx: Transaction = deserialize(reader.rest()).ok()?;
        prevouts.resize(tx.input.len(), TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() });
        (index < tx.input.len()).then_some(Subject { tx, prevouts, index })
    }
}

/// The data of a recipe that determines the verified input and the output that it spends. [Words](crate::words) in
/// script and stack are already replaced by the data that they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) place: Place,
    pub(crate) script: Vec<u8>,
    pub(crate) stack: Vec<Vec<u8>>,
    pub(crate) leaf_version: u8,
    pub(crate) internal_key: [u8; 32],
    path: Vec<[u8; 32]>,
    pub(crate) annex: Option<Vec<u8>>,
    /// HASH160 of the public key, for P2WPKH outputs.
    key_hash: [u8; 20],
    /// scriptPubKey and control block of a taproot output, computed on first use. Signing does not change them.
    committed: OnceCell<(Vec<u8>, Vec<u8>)>,
}

/// Creates the transaction that a recipe describes, and signs the input to verify.
pub fn make(recipe: &Recipe, flags: Flags) -> Subject {
    let mut subject = unspent(recipe);
    let templates = Templates {
        ctv: naive::check_template_hash(&subject.tx, subject.index),
        template_hash: naive::template_hash(&subject.tx, subject.index, recipe.annex.as_deref()),
    };
    let mut words = Words::new(templates);
    let mut parts = Parts {
        place: recipe.place,
        script: words.script(&recipe.script),
        stack: recipe.stack.iter().map(|element| words.element(element)).collect(),
        leaf_version: recipe.leaf_version & 0xfe,
        internal_key: if recipe.internal_key == NUMS {
            NUMS_KEY
        } else {
            keys::key(recipe.internal_key).x_only
        },
        path: (0..recipe.path).map(|step| sha256::Hash::hash(&[step]).to_byte_array()).collect(),
        annex: recipe.annex.as_ref().map(|annex| [&[0x50], annex.get(1..).unwrap_or_default()].concat()),
        key_hash: keys::key(recipe.internal_key).hash160(),
        committed: OnceCell::new(),
    };
    parts.write(&mut subject);
    if words.has_placeholders() {
        signer::sign(&mut parts, &mut subject, flags);
    }
    damage(recipe.damage, &mut subject);
    subject
}

/// Creates the transaction that a recipe describes, without signatures. The input to verify has neither scriptSig nor
/// witness, and all spent outputs have the script `OP_1`.
pub fn unspent(recipe: &Recipe) -> Subject {
    let input = |(nth, input): (usize, &crate::recipe::Input)| TxIn {
        previous_output: OutPoint { txid: Txid::hash(&[nth as u8]), vout: nth as u32 },
        script_sig: if nth == recipe.index {
            ScriptBuf::new()
        } else {
            ScriptBuf::from(input.script_sig.clone())
        },
        sequence: Sequence(input.sequence),
        witness: Witness::new(),
    };
    let output = |(amount, script): &(u64, Vec<u8>)| TxOut {
        value: Amount::from_sat(*amount),
        script_pubkey: ScriptBuf::from(script.clone()),
    };
    let prevout = |input: &crate::recipe::Input| TxOut {
        value: Amount::from_sat(input.amount),
        script_pubkey: ScriptBuf::from(vec![0x51]),
    };
    let tx = Transaction {
        version: Version(recipe.version),
        lock_time: LockTime::from_consensus(recipe.lock_time),
        input: recipe.inputs.iter().enumerate().map(input).collect(),
        output: recipe.outputs.iter().map(output).collect(),
    };
    Subject { tx, prevouts: recipe.inputs.iter().map(prevout).collect(), index: recipe.index }
}

impl Parts {
    /// Returns the script code that a P2WPKH signature commits to (BIP 143).
    pub(crate) fn implied_script(&self) -> Vec<u8> {
        [&[0x76, 0xa9, 20], self.key_hash.as_slice(), &[0x88, 0xac]].concat()
    }

    /// Returns the tapleaf hash of the script, computed with the bitcoin crate.
    pub(crate) fn leaf_hash(&self) -> TapLeafHash {
        let mut engine = TapLeafHash::engine();
        match LeafVersion::from_consensus(self.leaf_version) {
            Ok(version) => TapLeafHash::from_script(Script::from_bytes(&self.script), version),
            // The crate does not accept 0x50 as a leaf version, so that an annex cannot be confused with a control block. Core
            // accepts it, so the hash is computed here.
            Err(_) => {
                use bitcoin::consensus::Encodable;
                use bitcoin::hashes::HashEngine;
                engine.input(&[self.leaf_version]);
                Script::from_bytes(&self.script)
                    .consensus_encode(&mut engine)
                    .expect("hashing does not fail");
                TapLeafHash::from_engine(engine)
            }
        }
    }

    /// Writes the spent output of the input to verify, and the scriptSig and witness that spend it.
    pub(crate) fn write(&self, subject: &mut Subject) {
        let pay_to_script = |script: &[u8]| {
            [&[0xa9, 20], hash160::Hash::hash(script).as_byte_array().as_slice(), &[0x87]].concat()
        };
        let program =
            |script: &[u8]| [&[0, 32], sha256::Hash::hash(script).as_byte_array().as_slice()].concat();
        let pay_to_key = || [&[0, 20], self.key_hash.as_slice()].concat();
        let pushes = || self.stack.iter().flat_map(|element| push(element)).collect::<Vec<u8>>();
        let script = &self.script;
        let with_script = || [self.stack.as_slice(), core::slice::from_ref(script)].concat();
        let with_annex = |witness: Vec<Vec<u8>>| witness.into_iter().chain(self.annex.clone()).collect();
        let (output, script_sig, witness): (Vec<u8>, Vec<u8>, Vec<Vec<u8>>) = match self.place {
            Place::Bare => (script.clone(), pushes(), vec![]),
            Place::P2sh => (pay_to_script(script), [pushes(), push(script)].concat(), vec![]),
            Place::P2wsh => (program(script), vec![], with_script()),
            Place::P2shP2wsh => (pay_to_script(&program(script)), push(&program(script)), with_script()),
            Place::P2wpkh => (pay_to_key(), vec![], self.stack.clone()),
            Place::P2shP2wpkh => (pay_to_script(&pay_to_key()), push(&pay_to_key()), self.stack.clone()),
            Place::Program => (script.clone(), vec![], self.stack.clone()),
            Place::P2shProgram => (pay_to_script(script), push(script), self.stack.clone()),
            Place::KeyPath => {
                ([&[0x51, 32], self.internal_key.as_slice()].concat(), vec![], with_annex(self.stack.clone()))
            }
            Place::Tapscript => {
                let (output, control_block) = self.committed.get_or_init(|| self.commit()).clone();
                (output, vec![], with_annex([with_script(), vec![control_block]].concat()))
            }
        };
        subject.prevouts[subject.index].script_pubkey = ScriptBuf::from(output);
        let input = &mut subject.tx.input[subject.index];
        input.script_sig = ScriptBuf::from(script_sig);
        input.witness = Witness::from_slice(&witness);
    }

    /// Computes the scriptPubKey and the control block of a taproot output with the bitcoin crate (BIP 341
    /// "Constructing and spending Taproot outputs").
    fn commit(&self) -> (Vec<u8>, Vec<u8>) {
        let join = |node, sibling: &[u8; 32]| {
            TapNodeHash::from_node_hashes(node, TapNodeHash::from_byte_array(*sibling))
        };
        let root = self.path.iter().fold(TapNodeHash::from(self.leaf_hash()), join);
        let internal_key = UntweakedPublicKey::from_slice(&self.internal_key).expect("a point of the curve");
        let tweak = TapTweakHash::from_key_and_tweak(internal_key, Some(root)).to_scalar();
        let (output_key, parity) = internal_key.add_tweak(keys::secp(), &tweak).expect("not the negated key");
        let first = self.leaf_version | u8::from(parity == Parity::Odd);
        let output = [&[0x51, 32], output_key.serialize().as_slice()].concat();
        (output, [&[first], self.internal_key.as_slice(), &self.path.concat()].concat())
    }
}

fn damage(damage: Damage, subject: &mut Subject) {
    let change = |bytes: &mut [u8]| {
        if !bytes.is_empty() {
            bytes[usize::from(damage.position) % bytes.len()] ^= damage.bits;
        }
    };
    let input = &mut subject.tx.input[subject.index];
    match damage.part {
        1 => {
            let mut elements = input.witness.to_vec();
            let total: usize = elements.iter().map(Vec::len).sum();
            if total == 0 {
                return;
            }
            let mut position = usize::from(damage.position) % total;
            for element in &mut elements {
                match position.checked_sub(element.len()) {
                    Some(rest) => position = rest,
                    None => {
                        element[position] ^= damage.bits;
                        break;
                    }
                }
            }
            input.witness = Witness::from_slice(&elements);
        }
        2 => change(input.script_sig.as_mut_bytes()),
        3 => change(subject.prevouts[subject.index].script_pubkey.as_mut_bytes()),
        _ => {}
    }
}
