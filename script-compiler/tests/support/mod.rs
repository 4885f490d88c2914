//! Keys, secrets and transactions for tests. They can satisfy every condition of a policy.

#![allow(dead_code, missing_docs, unreachable_pub)]
// These functions are part of tests, so an error in them should abort the test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, transaction};
use secp256k1::{Keypair, Scalar};
use sigstack_compiler::policy::{HashFn, Join};
use sigstack_compiler::*;
use sigstack_interpreter::{Flags, PROPOSALS, ScriptError, Spend};

pub mod attack;
pub mod compare;
pub mod files;
pub mod generate;
pub mod property;
pub mod stability;
pub mod vectors;

/// Returns consensus flags with every proposal active.
pub fn flags() -> Flags {
    PROPOSALS.iter().fold(Flags::CONSENSUS, |flags, proposal| flags | proposal.flag)
}

/// Returns policy flags with every proposal active: the rules of relay after activation.
pub fn relay_flags() -> Flags {
    let discouraged = PROPOSALS.iter().fold(Flags::NONE, |flags, proposal| flags | proposal.discourage);
    (Flags::POLICY | flags()) - discouraged
}

pub fn hash(parts: &[&str]) -> [u8; 32] {
    sha256::Hash::hash(parts.join(" ").as_bytes()).to_byte_array()
}

/// Returns the key pair of a name. The secret is SHA256("sigstack example key NAME"), negated if its point has an odd y.
pub fn keypair(name: &str) -> Keypair {
    Keypair::from_secret_bytes(hash(&["sigstack example key", name])).unwrap()
}

pub fn x_only(pair: &Keypair) -> [u8; 32] {
    pair.x_only_public_key().0.to_byte_array()
}

/// The transaction that a template in a policy commits to.
#[derive(Clone)]
pub struct Template {
    pub lock_time: u32,
    pub sequence: u32,
    pub outputs: Vec<TxOut>,
}

/// All keys, preimages and other secrets that a test may use.
#[derive(Default)]
pub struct World {
    pub keys: BTreeMap<[u8; 32], Keypair>,
    pub preimages: BTreeMap<(HashFn, Vec<u8>), Vec<u8>>,
    /// Template transactions. The key of the map is a template hash of the transaction, or the presigned signature.
    pub templates: BTreeMap<Vec<u8>, Template>,
    /// Numbers with their blinding factors. The key of the map is the commitment to the number.
    pub numbers: BTreeMap<[u8; 32], (u64, [u8; 32])>,
    /// Values of the parts of committed messages. The key of the map is the commitment.
    pub openings: BTreeMap<Vec<u8>, Vec<Value>>,
    /// Bytes for the messages `any(NAME)` and `any32(NAME)`, by name.
    pub slots: BTreeMap<String, Vec<u8>>,
    /// Lock time that signed messages contain where the policy has the message `locktime`.
    pub signed_lock: u32,
}

pub const VALUE: u64 = 100_000;

/// Returns an output for the template transaction with this name. Each name gives a different output.
pub fn template_output(name: &str) -> TxOut {
    let mut script = vec![0x51, 0x20];
    script.extend(hash(&["output", name]));
    TxOut { value: Amount::from_sat(VALUE - 1_000), script_pubkey: ScriptBuf::from_bytes(script) }
}

pub fn unsigned(lock_time: u32, sequence: u32, outputs: Vec<TxOut>) -> Transaction {
    Transaction {
        version: transaction::Version(3),
        lock_time: LockTime::from_consensus(lock_time),
        input: vec![TxIn {
            previous_output: OutPoint { txid: Txid::all_zeros(), vout: 1 },
            script_sig: ScriptBuf::new(),
            sequence: Sequence(sequence),
            witness: Witness::new(),
        }],
        output: outputs,
    }
}

impl World {
    pub fn key(&mut self, name: &str) -> [u8; 32] {
        let pair = keypair(name);
        let x = x_only(&pair);
        self.keys.insert(x, pair);
        x
    }

    pub fn preimage(&mut self, function: HashFn, name: &str) -> Vec<u8> {
        let preimage = hash(&["preimage", name]).to_vec();
        let image = function.hash(&preimage);
        self.preimages.insert((function, image.clone()), preimage);
        image
    }

    /// Returns both template hashes of a template transaction, and records the transaction under each of them.
    pub fn template(&mut self, template: &Template) -> Templates {
        let tx = unsigned(template.lock_time, template.sequence, template.outputs.clone());
        let prevouts = [TxOut { value: Amount::from_sat(VALUE), script_pubkey: ScriptBuf::new() }];
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let hashes = templates(&spend.view(0).unwrap());
        self.templates.insert(hashes.ctv.to_vec(), template.clone());
        self.templates.insert(hashes.template_hash.to_vec(), template.clone());
        hashes
    }

    /// Returns an ALL|ANYPREVOUTANYSCRIPT signature of a template transaction, for use in a script.
    pub fn presign(&mut self, pair: &Keypair, template: &Template) -> Vec<u8> {
        let tx = unsigned(template.lock_time, template.sequence, template.outputs.clone());
        let prevouts = [TxOut { value: Amount::from_sat(VALUE), script_pubkey: ScriptBuf::new() }];
        let spend = Spend::new(&tx, &prevouts).unwrap();
        let digest = bip118_digest(&spend.view(0).unwrap(), [0; 32], 0xc1).unwrap();
        let mut signature = pair.sign_schnorr_no_aux_rand(&digest).to_byte_array().to_vec();
        signature.push(0xc1);
        self.templates.insert(signature.clone(), template.clone());
        signature
    }

    pub fn commit(&mut self, join: Join, number: u64, name: &str) -> [u8; 32] {
        let blinding = hash(&["blinding", name]);
        let commitment = commit_number(join, number, &blinding);
        self.numbers.insert(commitment, (number, blinding));
        commitment
    }

    pub fn slot(&mut self, name: &str) -> Vec<u8> {
        self.slots.entry(name.into()).or_insert_with(|| hash(&["slot", name]).to_vec()).clone()
    }

    /// Returns the smallest values that are valid parts of the message.
    fn values(&mut self, msg: &Msg, assets: &mut Assets) -> Vec<Value> {
        let parts: Vec<Msg> = msg.parts().into_iter().cloned().collect();
        parts
            .iter()
            .map(|part| match part {
                Msg::Fixed(bytes) => Value::Bytes(bytes.clone()),
                Msg::Any(slot) | Msg::Any32(slot) => Value::Bytes(self.slot(slot)),
                Msg::Number(bounds) => Value::Number(bounds.least().unwrap()),
                Msg::NewerWide(n) => Value::Number(n + 1),
                Msg::NewerOpened(_, commitment) => {
                    let older = self.numbers[commitment];
                    Value::Opened { newer: (older.0 + 1, hash(&["newer"])), older }
                }
                Msg::Locktime => {
                    assets.after.insert(self.signed_lock);
                    Value::Lock(self.signed_lock)
                }
                Msg::Ctv(_) | Msg::TemplateHash => Value::Template,
                Msg::Delegate => {
                    let key = self.key("delegate");
                    assets.signers.insert(key);
                    Value::Key(key)
                }
                Msg::Join(..) | Msg::Sha256(_) => unreachable!("not a part"),
            })
            .collect()
    }

    /// Adds to `assets` everything that a spender needs to satisfy the condition.
    pub fn hold(&mut self, atom: &Atom, assets: &mut Assets) {
        match atom {
            Atom::Sig(key) => drop(assets.signers.insert(key.x)),
            Atom::Rebind(_, key) => drop(assets.rebinders.insert(key.x)),
            Atom::After(n) => drop(assets.after.insert(*n)),
            Atom::Older(n) => drop(assets.older.insert(*n)),
            Atom::Hash(function, image) => drop(assets.images.insert((*function, image.clone()))),
            Atom::Presigned(_, signature) => drop(assets.presigned.insert(signature.clone())),
            Atom::Ctv(hash) => drop(assets.templates.insert(*hash)),
            Atom::TemplateHash(hash) => drop(assets.template_hashes.insert(*hash)),
            Atom::Signed(msg, keys) => {
                let values = self.values(msg, assets);
                for key in keys {
                    assets.statements.insert((key.x, values.clone()));
                }
            }
            Atom::Opens(commitment, _) => {
                let values = self.openings[commitment].clone();
                assets.openings.insert((commitment.clone(), values));
            }
        }
    }

    pub fn assets(&mut self, atoms: &[Atom], held: impl IntoIterator<Item = usize>) -> Assets {
        let mut assets = Assets::default();
        for index in held {
            self.hold(&atoms[index], &mut assets);
        }
        assets
    }

    /// Returns the unsigned transaction of a plan. This is the template's transaction if the plan needs one.
    pub fn transaction(&self, compiled: &Compiled, plan: &Plan) -> Transaction {
        let template = plan.atoms.iter().find_map(|&index| match &compiled.atoms()[index] {
            Atom::Ctv(hash) | Atom::TemplateHash(hash) => Some(self.templates[hash.as_slice()].clone()),
            Atom::Presigned(_, signature) => Some(self.templates[signature].clone()),
            _ => None,
        });
        match template {
            Some(template) => unsigned(template.lock_time, template.sequence, template.outputs),
            None => unsigned(plan.lock_time, plan.sequence, vec![template_output("any")]),
        }
    }

    /// Signs a transaction that follows a plan. Returns the transaction with its witness, and the output that it
    /// spends.
    pub fn fill(&self, compiled: &Compiled, plan: &Plan) -> (Transaction, TxOut) {
        let mut tx = self.transaction(compiled, plan);
        let prevout =
            TxOut { value: Amount::from_sat(VALUE), script_pubkey: compiled.output.script_pubkey() };
        let witness = {
            let prevouts = [prevout.clone()];
            let spend = Spend::new(&tx, &prevouts).unwrap();
            let view = spend.view(0).unwrap();
            let give = |_: usize, slot: &Slot| -> Option<Vec<u8>> {
                Some(match slot {
                    Slot::Signature { key, kind } => {
                        let mut pair = self.keys[key];
                        if *kind == SignatureKind::KeyPath {
                            pair = tweak(pair, compiled);
                        }
                        let message = compiled.signed_bytes(plan, slot, &view)?;
                        let mut signature = pair.sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
                        if kind.hash_type() != 0 {
                            signature.push(kind.hash_type());
                        }
                        signature
                    }
                    Slot::MessageSignature { key, .. } => {
                        let message = compiled.signed_bytes(plan, slot, &view)?;
                        self.keys[key].sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec()
                    }
                    Slot::Preimage { function, image } => self.preimages[&(*function, image.clone())].clone(),
                    Slot::Template => templates(&view).ctv.to_vec(),
                    Slot::Lock(_) | Slot::Known(_) => unreachable!("the plan knows it"),
                })
            };
            plan.fill(give).unwrap()
        };
        tx.input[0].witness = Witness::from_slice(&witness);
        (tx, prevout)
    }
}

fn tweak(pair: Keypair, compiled: &Compiled) -> Keypair {
    let output = &compiled.output;
    let tweak = sigstack_interpreter::taproot::tweak_hash(&output.internal_key, output.merkle_root.as_ref());
    pair.add_xonly_tweak(&Scalar::from_be_bytes(tweak).unwrap()).unwrap()
}

pub fn verify(tx: &Transaction, prevout: &TxOut, flags: Flags) -> Result<(), ScriptError> {
    let prevouts = [prevout.clone()];
    let verdict = Spend::new(tx, &prevouts).unwrap().verify(flags);
    verdict.map_err(|error| error.script_error().expect("the usage is right"))
}

pub fn with_witness(tx: &Transaction, witness: &[Vec<u8>]) -> Transaction {
    let mut tx = tx.clone();
    tx.input[0].witness = Witness::from_slice(witness);
    tx
}

/// Returns every witness that differs from this one in one element that is damaged or missing, or in two neighbouring
/// elements that are swapped.
pub fn damaged(witness: &[Vec<u8>]) -> Vec<(String, Vec<Vec<u8>>)> {
    let mut found = Vec::new();
    for nth in 0..witness.len() {
        let mut flipped = witness.to_vec();
        match flipped[nth].last_mut() {
            Some(byte) => *byte ^= 1,
            None => flipped[nth].push(1),
        }
        found.push((format!("element {nth} flipped"), flipped));
        let mut dropped = witness.to_vec();
        dropped.remove(nth);
        found.push((format!("element {nth} dropped"), dropped));
        if !witness[nth].is_empty() {
            let mut emptied = witness.to_vec();
            emptied[nth].clear();
            found.push((format!("element {nth} emptied"), emptied));
            let mut padded = witness.to_vec();
            padded[nth].push(0);
            found.push((format!("element {nth} padded"), padded));
        }
        if nth > 0 && witness[nth] != witness[nth - 1] {
            let mut swapped = witness.to_vec();
            swapped.swap(nth, nth - 1);
            found.push((format!("elements {} and {nth} swapped", nth - 1), swapped));
        }
    }
    found
}

/// Returns the conditions whose bits are set in `bits`.
pub fn held_set(atoms: &[Atom], bits: u64) -> BTreeSet<usize> {
    (0..atoms.len()).filter(|nth| bits >> nth & 1 == 1).collect()
}
