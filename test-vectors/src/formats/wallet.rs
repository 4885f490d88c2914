//! Reader of BIP 341's wallet test vectors: outputs made from keys and script trees, and the signing of key path spends.
//!
//! The checks compute everything in signing that a verifier also computes: the tweak, the signed message, its digest, and
//! the verdict on the signature. Then every input of the signed transaction is verified under today's policy.

use std::sync::Arc;

use bitcoin::{Address, Network, Transaction, TxOut, Witness};
use serde_json::Value;
use sigstack_interpreter::sighash::taproot;
use sigstack_interpreter::taproot::{leaf_hash, tweak_hash};
use sigstack_interpreter::{Flags, TaprootMessage};

use crate::check::{Check, Expected};
use crate::dialect::Rules;
use crate::document::Document;
use crate::error::Bad;
use crate::field;
use crate::outcome::{Mismatch, Outcome, expect_accepted, same_bytes, spend};
use crate::question::{InputQuestion, Question};
use crate::reading::ParsedCase;
use crate::taptree::{Tree, control_block, output_key, output_script};

/// A leaf of a taproot script tree, as described in the vector file.
#[derive(Clone, Debug)]
struct TreeLeaf {
    depth: usize,
    version: u8,
    script: Vec<u8>,
}

/// A test of the wallet vectors: a taproot output, with the expected intermediate values of its computation.
#[derive(Clone, Debug)]
pub(crate) struct WalletOutput {
    internal_key: [u8; 32],
    leaves: Vec<TreeLeaf>,
    leaf_hashes: Vec<[u8; 32]>,
    root: Option<[u8; 32]>,
    tweak: [u8; 32],
    output_key: [u8; 32],
    script_pubkey: Vec<u8>,
    address: String,
    control_blocks: Vec<Vec<u8>>,
}

/// A transaction of the wallet vectors, with the outputs that it spends in input order.
#[derive(Clone, Debug)]
pub(crate) struct Funded {
    tx: Transaction,
    prevouts: Vec<TxOut>,
}

/// A test of the wallet vectors: an input that is signed on the key path, with the expected intermediate values.
#[derive(Clone, Debug)]
pub(crate) struct WalletSpend {
    unsigned: Arc<Funded>,
    index: usize,
    witness: Witness,
    hash_type: u8,
    internal_key: [u8; 32],
    root: Option<[u8; 32]>,
    tweak: [u8; 32],
    /// Hashes that are computed once per transaction, such as `sha_amounts`. Each is stored with the name of the field
    /// that contains it in the signed message.
    precomputed: Vec<(&'static str, [u8; 32])>,
    message: Vec<u8>,
    digest: [u8; 32],
}

/// Names of hashes that are computed once per transaction: the name in the wallet vectors of BIP 341, and the name of
/// the field in the signed message.
const PRECOMPUTED: &[(&str, &str)] = &[
    ("hashAmounts", "sha_amounts"),
    ("hashOutputs", "sha_outputs"),
    ("hashPrevouts", "sha_prevouts"),
    ("hashScriptPubkeys", "sha_scriptpubkeys"),
    ("hashSequences", "sha_sequences"),
];

fn sections(document: &Document) -> Option<(&Value, &Value)> {
    let Document::Json(value) = document else { return None };
    Some((value.get("scriptPubKey")?, value.get("keyPathSpending")?))
}

pub(crate) fn recognise(document: &Document) -> bool {
    sections(document).is_some()
}

/// The name of a check, and the check or the reason why it cannot be read.
type NamedCheck = (String, Result<Arc<dyn Check>, Bad>);

pub(crate) fn read(document: &Document, _: &Rules) -> Vec<ParsedCase> {
    let Some((outputs, spends)) = sections(document) else { return vec![] };
    let mut checks: Vec<NamedCheck> = Vec::new();
    for (name, section) in [("scriptPubKey", outputs), ("keyPathSpending", spends)] {
        if let Err(bad) = field::array(section, name) {
            checks.push((name.to_owned(), Err(bad)));
        }
    }
    for (nth, output) in elements(outputs).enumerate() {
        let check = read_output(output).map(Check::shared);
        checks.push((format!("scriptPubKey {nth}"), check));
    }
    for (nth, spend) in elements(spends).enumerate() {
        let unsigned = match read_unsigned(spend) {
            Ok(unsigned) => Arc::new(unsigned),
            Err(bad) => {
                checks.push((format!("keyPathSpending {nth}"), Err(bad)));
                continue;
            }
        };
        let inputs =
            field::get(spend, "inputSpending").and_then(|inputs| field::array(inputs, "inputSpending"));
        if let Err(bad) = &inputs {
            checks.push((format!("keyPathSpending {nth}"), Err(bad.clone())));
        }
        for input in inputs.unwrap_or_default() {
            let index = input.pointer("/given/txinIndex").map(Value::to_string).unwrap_or_default();
            let check = read_spend(spend, input, &unsigned).map(Check::shared);
            checks.push((format!("keyPathSpending {nth}, signing of input {index}"), check));
        }
        let signed = read_signed(spend, &unsigned).map(Check::shared);
        checks.push((format!("keyPathSpending {nth}, the signed transaction"), signed));
    }
    let cases = checks.into_iter().enumerate();
    cases.map(|(nth, (comment, check))| ParsedCase::new(nth + 1, comment, check)).collect()
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Returns the value of the field `inner` in the object that is the field `outer` of a JSON object.
fn at<'a>(object: &'a Value, outer: &str, inner: &str) -> Result<&'a Value, Bad> {
    field::get(field::get(object, outer)?, inner).map_err(|bad| bad.within(outer))
}

/// Parses a 32-byte hash in hex, or null. Returns `None` for null.
fn optional_hash(value: &Value, field: &str) -> Result<Option<[u8; 32]>, Bad> {
    if value.is_null() { Ok(None) } else { field::fixed_bytes(value, field).map(Some) }
}

/// Parses an array in the field `inner` of the field `outer` of a JSON object. Returns an empty list if there is no
/// such field.
fn optional_array<'a, T>(
    object: &'a Value,
    outer: &str,
    inner: &str,
    read: impl Fn(&'a Value, &str) -> Result<T, Bad>,
) -> Result<Vec<T>, Bad> {
    let Some(values) = object.get(outer).and_then(|outer| outer.get(inner)) else { return Ok(vec![]) };
    let values = field::array(values, inner)?.iter().enumerate();
    values.map(|(nth, value)| read(value, &format!("{outer}.{inner}[{nth}]"))).collect()
}

fn read_output(item: &Value) -> Result<WalletOutput, Bad> {
    let middle = |name| at(item, "intermediary", name);
    Ok(WalletOutput {
        internal_key: field::fixed_bytes(at(item, "given", "internalPubkey")?, "given.internalPubkey")?,
        leaves: read_tree(at(item, "given", "scriptTree")?)?,
        leaf_hashes: optional_array(item, "intermediary", "leafHashes", field::fixed_bytes)?,
        root: optional_hash(middle("merkleRoot")?, "intermediary.merkleRoot")?,
        tweak: field::fixed_bytes(middle("tweak")?, "intermediary.tweak")?,
        output_key: field::fixed_bytes(middle("tweakedPubkey")?, "intermediary.tweakedPubkey")?,
        script_pubkey: field::bytes(at(item, "expected", "scriptPubKey")?, "expected.scriptPubKey")?,
        address: field::text(at(item, "expected", "bip350Address")?, "expected.bip350Address")?.to_owned(),
        control_blocks: optional_array(item, "expected", "scriptPathControlBlocks", field::bytes)?,
    })
}

/// Parses a script tree, and returns its leaves from left to right. In the JSON file, a leaf is an object, a branch is
/// an array of two nodes, and null means that there is no tree.
fn read_tree(tree: &Value) -> Result<Vec<TreeLeaf>, Bad> {
    let name = "given.scriptTree";
    let mut leaves = Vec::new();
    let mut waiting = vec![(0, tree)];
    while let Some((depth, node)) = waiting.pop() {
        match node {
            Value::Null if depth == 0 => {}
            Value::Array(children) => match children.as_slice() {
                [left, right] => waiting.extend([(depth + 1, right), (depth + 1, left)]),
                _ => return Err(Bad::new(name, format!("a branch has {} children, not 2", children.len()))),
            },
            leaf => leaves.push(TreeLeaf {
                depth,
                version: field::get(leaf, "leafVersion")
                    .and_then(|version| field::integer(version, "leafVersion"))
                    .map_err(|bad| bad.within(name))?,
                script: field::get(leaf, "script")
                    .and_then(|script| field::bytes(script, "script"))
                    .map_err(|bad| bad.within(name))?,
            }),
        }
    }
    Ok(leaves)
}

fn read_unsigned(spend: &Value) -> Result<Funded, Bad> {
    let tx = field::transaction(at(spend, "given", "rawUnsignedTx")?, "given.rawUnsignedTx")?;
    let spent = field::array(at(spend, "given", "utxosSpent")?, "given.utxosSpent")?;
    if spent.len() != tx.input.len() {
        let problem = format!("{} outputs for {} inputs", spent.len(), tx.input.len());
        return Err(Bad::new("given.utxosSpent", problem));
    }
    let prevouts = spent.iter().enumerate().map(|(nth, value)| {
        read_unspent(value).map_err(|bad| bad.within(format_args!("given.utxosSpent[{nth}]")))
    });
    Ok(Funded { prevouts: prevouts.collect::<Result<_, _>>()?, tx })
}

fn read_unspent(value: &Value) -> Result<TxOut, Bad> {
    Ok(TxOut {
        script_pubkey: field::script(field::get(value, "scriptPubKey")?, "scriptPubKey")?,
        value: field::satoshi(field::get(value, "amountSats")?, "amountSats")?,
    })
}

fn read_signed(spend: &Value, unsigned: &Funded) -> Result<Funded, Bad> {
    let name = "auxiliary.fullySignedTx";
    let tx = field::transaction(at(spend, "auxiliary", "fullySignedTx")?, name)?;
    if tx.compute_ntxid() != unsigned.tx.compute_ntxid() {
        return Err(Bad::new(name, "is another transaction than given.rawUnsignedTx"));
    }
    Ok(Funded { tx, prevouts: unsigned.prevouts.clone() })
}

fn read_spend(spend: &Value, item: &Value, unsigned: &Arc<Funded>) -> Result<WalletSpend, Bad> {
    let middle = |name| at(item, "intermediary", name);
    let index = field::input_index(at(item, "given", "txinIndex")?, "given.txinIndex", &unsigned.tx)?;
    let used = field::array(middle("precomputedUsed")?, "intermediary.precomputedUsed")?;
    let mut precomputed = Vec::new();
    for (theirs, ours) in PRECOMPUTED.iter().filter(|(theirs, _)| used.iter().any(|name| name == theirs)) {
        let hash = at(spend, "intermediary", theirs)?;
        precomputed.push((*ours, field::fixed_bytes(hash, &format!("intermediary.{theirs}"))?));
    }
    let key = field::fixed_bytes(middle("internalPubkey")?, "intermediary.internalPubkey")?;
    Ok(WalletSpend {
        unsigned: Arc::clone(unsigned),
        index,
        witness: field::witness(at(item, "expected", "witness")?, "expected.witness")?,
        hash_type: field::integer(at(item, "given", "hashType")?, "given.hashType")?,
        internal_key: key,
        root: optional_hash(at(item, "given", "merkleRoot")?, "given.merkleRoot")?,
        tweak: field::fixed_bytes(middle("tweak")?, "intermediary.tweak")?,
        precomputed,
        message: field::bytes(middle("sigMsg")?, "intermediary.sigMsg")?,
        digest: field::fixed_bytes(middle("sigHash")?, "intermediary.sigHash")?,
    })
}

impl Check for WalletOutput {
    fn expected(&self) -> Expected {
        Expected::Value("the values of the file")
    }

    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let hashes = self.leaves.iter().map(|leaf| leaf_hash(leaf.version, &leaf.script));
        let hashes: Vec<[u8; 32]> = hashes.collect();
        same_bytes("leaf hashes", &self.leaf_hashes.concat(), &hashes.concat())?;
        let leaves: Vec<_> = self.leaves.iter().map(|leaf| leaf.depth).zip(hashes).collect();
        let tree = Tree::build(&leaves);
        let root = tree.as_ref().map(|tree| tree.root);
        let bytes = |root: Option<[u8; 32]>| root.map(Vec::from).unwrap_or_default();
        same_bytes("Merkle root", &bytes(self.root), &bytes(root))?;
        let tweak = tweak_hash(&self.internal_key, root.as_ref());
        same_bytes("tweak", &self.tweak, &tweak)?;
        let (key, parity) = output_key(&self.internal_key, tweak).map_err(|problem| {
            Mismatch::value("output key", hex::encode(self.output_key), format!("the internal key {problem}"))
        })?;
        same_bytes("output key", &self.output_key, &key)?;
        let script = output_script(&key);
        same_bytes("scriptPubKey", &self.script_pubkey, script.as_bytes())?;
        let address = Address::from_script(&script, Network::Bitcoin).map(|address| address.to_string());
        let address = address.unwrap_or_else(|error| error.to_string());
        if address != self.address {
            return Err(Mismatch::value("address", self.address.clone(), address));
        }
        let paths = tree.map(|tree| tree.paths).unwrap_or_default();
        let blocks = self.leaves.iter().zip(&paths);
        let blocks = blocks.map(|(leaf, path)| control_block(leaf.version, parity, &self.internal_key, path));
        let blocks: Vec<Vec<u8>> = blocks.collect();
        if blocks.len() != self.control_blocks.len() {
            let (expected, actual) = (self.control_blocks.len().to_string(), blocks.len().to_string());
            return Err(Mismatch::value("number of control blocks", expected, actual));
        }
        let mut pairs = self.control_blocks.iter().zip(&blocks).enumerate();
        pairs.try_for_each(|(nth, (expected, actual))| {
            same_bytes(&format!("control block of leaf {nth}"), expected, actual)
        })
    }
}

impl Check for Funded {
    fn expected(&self) -> Expected {
        Expected::Ok
    }

    /// Returns one question for each input of the transaction: is this input valid under today's policy?
    fn questions(&self) -> Vec<Question> {
        let (tx, prevouts) = (&self.tx, &self.prevouts);
        let question =
            |index| InputQuestion { tx: tx.clone(), prevouts: prevouts.clone(), index, flags: Flags::POLICY };
        (0..tx.input.len()).map(question).map(Question::Input).collect()
    }

    /// Checks that every input of the transaction is valid under today's policy.
    fn run(&self, _: &Rules, _: usize) -> Outcome {
        let spend = spend(&self.tx, &self.prevouts)?;
        (0..self.tx.input.len()).try_for_each(|index| expect_accepted(&spend, index, Flags::POLICY, true))
    }
}

impl WalletSpend {
    /// Returns the question whether the input, with the witness from the vector file, is valid under the consensus
    /// flags.
    fn question(&self) -> InputQuestion {
        let mut tx = self.unsigned.tx.clone();
        if let Some(input) = tx.input.get_mut(self.index) {
            input.witness = self.witness.clone();
        }
        let prevouts = self.unsigned.prevouts.clone();
        InputQuestion { tx, prevouts, index: self.index, flags: Flags::CONSENSUS }
    }
}

impl Check for WalletSpend {
    fn expected(&self) -> Expected {
        Expected::Ok
    }

    fn questions(&self) -> Vec<Question> {
        vec![Question::Input(self.question())]
    }

    fn run(&self, _: &Rules, _: usize) -> Outcome {
        same_bytes("tweak", &self.tweak, &tweak_hash(&self.internal_key, self.root.as_ref()))?;
        let question = self.question();
        let spend = spend(&question.tx, &question.prevouts)?;
        let no_digest = |why: String| Mismatch::value("digest", hex::encode(self.digest), why);
        let view = spend.view(self.index).map_err(|error| no_digest(error.to_string()))?;
        let key_path = TaprootMessage { annex_hash: None, tapscript: None };
        let mut fields: Vec<(&'static str, Vec<u8>)> = Vec::new();
        taproot::write_message(&view, &key_path, self.hash_type, &mut fields)
            .ok_or_else(|| no_digest("none".into()))?;
        for (name, expected) in &self.precomputed {
            let field = fields.iter().find(|(field, _)| field == name);
            same_bytes(name, expected, field.map_or(&[], |(_, bytes)| bytes))?;
        }
        let message: Vec<u8> = fields.into_iter().flat_map(|(_, bytes)| bytes).collect();
        same_bytes("signed message", &self.message, &message)?;
        let digest = taproot::digest(&view, &key_path, self.hash_type);
        same_bytes("digest", &self.digest, &digest.map(Vec::from).unwrap_or_default())?;
        expect_accepted(&spend, question.index, question.flags, true)
    }
}
