//! Random tapscripts with taproot commitments that are almost always correct. Execution gets far into the scripts,
//! because most of their checks succeed.
//!
//! Two thirds of the tapscripts contain opcodes or key types of proposed soft forks. Hashes, tweaks and signatures are
//! computed with the bitcoin crate, so that they do not share errors with the engine under test.

mod script;
mod signing;
mod transaction;

use bitcoin::secp256k1::Parity;
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::{ScriptBuf, Transaction, TxOut, Witness};

use self::script::ScriptBuilder;
use self::signing::{Keys, SigningContext};
use self::transaction::{template_hash, transaction};
use crate::random::Random;

/// A transaction in which one input spends a tapscript.
pub(crate) struct TapscriptSpend {
    pub(crate) tx: Transaction,
    /// The outputs that the transaction spends, in input order.
    pub(crate) prevouts: Vec<TxOut>,
    /// Index of the transaction input that spends the tapscript.
    pub(crate) index: usize,
}

/// Generator of random tapscripts. The tapscripts depend only on its seed.
pub(crate) struct Tapscripts {
    seed: u64,
    keys: Keys,
}

impl Tapscripts {
    pub(crate) fn new(seed: u64) -> Tapscripts {
        Tapscripts { seed, keys: Keys::new() }
    }

    /// Returns the random tapscript with this number. The same number and seed always give the same tapscript.
    pub(crate) fn spend(&self, number: u64) -> TapscriptSpend {
        self.spend_after(&[], &[], number)
    }

    /// Returns the random tapscript with this number, after the given opcodes. `script` must consist of opcodes only,
    /// consume the witness elements `stack`, given bottom first, and leave nothing on the stack.
    pub(crate) fn spend_after(&self, stack: &[&[u8]], script: &[u8], number: u64) -> TapscriptSpend {
        let mut random = Random::new(self.seed, number);
        let (mut tx, mut prevouts, index) = transaction(&mut random);
        let internal_key = random.below(self.keys.count());
        let template = template_hash(&tx, index);
        let mut builder = ScriptBuilder::new(&self.keys, random, internal_key, template);
        stack.iter().rev().for_each(|element| builder.take(element.to_vec()));
        builder.ops(script);
        builder.write();
        let (mut random, script, elements) = builder.finish();

        let leaf_version = if random.once_in(60) { 0xc2 + 2 * random.below(3) as u8 } else { 0xc0 };
        let script = ScriptBuf::from(script);
        let leaf_hash = TapLeafHash::from_script(&script, LeafVersion::from_consensus(leaf_version).unwrap());
        let path: Vec<Vec<u8>> = (0..random.below(3)).map(|_| random.bytes(32)).collect();
        let (output_key, parity) = self.keys.output_key(internal_key, leaf_hash, &path);
        let flaw = random.once_in(200) as u8;
        let mut output = [&[0x51, 0x20], output_key.as_slice()].concat();
        output[2] ^= flaw;
        prevouts[index].script_pubkey = ScriptBuf::from(output);

        let annex = random.once_in(6).then(|| {
            let length = random.below(40);
            [vec![0x50], random.bytes(length)].concat()
        });
        let context = SigningContext { tx: &tx, prevouts: &prevouts, index, leaf_hash, annex: &annex };
        let solved =
            elements.into_iter().rev().map(|element| self.keys.solve(element, &context, &mut random));
        let mut witness: Vec<Vec<u8>> = solved.collect();
        if random.once_in(40) {
            witness.insert(0, random.bytes(1));
        }
        let first = leaf_version | u8::from(parity == Parity::Odd);
        let control_block = [vec![first], self.keys.x_only(internal_key).to_vec(), path.concat()].concat();
        witness.extend([script.into_bytes(), control_block]);
        witness.extend(annex);
        tx.input[index].witness = Witness::from_slice(&witness);
        TapscriptSpend { tx, prevouts, index }
    }
}
