//! Recipes: byte strings that describe a transaction and the input to verify. The fuzz targets build and sign the
//! transaction that a recipe describes. Recipes are used as seeds, and the fuzzer changes them.
//!
//! | part | form |
//! | --- | --- |
//! | place | a byte: how the output commits to the script ([`Place`]) |
//! | transaction | version, nLockTime (4 bytes each); number of inputs, number of outputs, and index of the input to verify (a byte each) |
//! | each input | nSequence (4 bytes), amount (8 bytes, highest bit ignored), scriptSig (with length; ignored for the verified input) |
//! | each output | amount (8 bytes), script (with length) |
//! | script | with length; pushes of two bytes may be [words](crate::words) |
//! | stack | number of elements (a byte), each with length; elements of two bytes may be words |
//! | leaf | leaf version, number of the internal key, length of the Merkle path (a byte each) |
//! | annex | a byte that is odd if there is an annex; then the annex with length |
//! | damage | change after signing: the part, the position (2 bytes), and the bits to flip |

use crate::bytes::{Reader, Writer};

/// How an output commits to a script, and how the input that spends it reveals the script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Bare output: the scriptPubKey is the recipe's script itself, and the scriptSig pushes the stack.
    Bare,
    /// P2SH output (BIP 16) of the recipe's script.
    P2sh,
    /// P2WSH output (BIP 141) of the recipe's script.
    P2wsh,
    /// P2WSH output of the recipe's script, nested in P2SH (BIP 141).
    P2shP2wsh,
    /// Script path of a taproot output (BIP 342), whose leaf is the recipe's script.
    Tapscript,
    /// Key path of a taproot output (BIP 341). The recipe's internal key is used as the output key.
    KeyPath,
    /// P2WPKH output (BIP 141). The recipe's script is not used.
    P2wpkh,
    /// P2WPKH output nested in P2SH (BIP 141). The recipe's script is not used.
    P2shP2wpkh,
    /// The scriptPubKey is the recipe's script itself, and the witness is the stack. Intended for scripts that are
    /// witness programs, of any version.
    Program,
    /// P2SH output whose redeem script is the recipe's script, and the witness is the stack. Intended for scripts that
    /// are witness programs, of any version.
    P2shProgram,
}

/// The output types that the first byte of a recipe selects: the byte modulo 16 is the index. Tapscript has the most
/// rules, so it occurs most often.
const PLACES: [Place; 16] = [
    Place::Tapscript,
    Place::Bare,
    Place::P2sh,
    Place::P2wsh,
    Place::P2shP2wsh,
    Place::KeyPath,
    Place::P2wpkh,
    Place::P2shP2wpkh,
    Place::Program,
    Place::P2shProgram,
    Place::Tapscript,
    Place::Tapscript,
    Place::Tapscript,
    Place::Tapscript,
    Place::Tapscript,
    Place::Tapscript,
];

/// An input of the transaction that a recipe describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// nSequence of this transaction input.
    pub sequence: u32,
    /// Amount in satoshi of the output that this input spends.
    pub amount: u64,
    /// scriptSig of the input. It is ignored for the input to verify.
    pub script_sig: Vec<u8>,
}

/// A change to the transaction or to the spent output that is made after signing, so that the signatures were made for
/// the unchanged data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Selects what is changed: 1 for the witness, 2 for the scriptSig, 3 for the spent scriptPubKey. Any other value
    /// means no change.
    pub part: u8,
    /// Position of the changed byte within the witness, scriptSig or scriptPubKey. It is taken modulo the length of
    /// this data.
    pub position: u16,
    /// Bits to flip in the changed byte.
    pub bits: u8,
}

/// A transaction, and the index, script and initial stack of the input to verify, as read from the bytes of a fuzz
/// input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Type of the output that the verified input spends. The type determines how the output commits to the script.
    pub place: Place,
    /// nVersion of the transaction that the recipe describes.
    pub version: i32,
    /// nLockTime of the transaction that the recipe describes.
    pub lock_time: u32,
    /// Inputs of the transaction that the recipe describes. There are from 1 to [`MAX_INPUTS`].
    pub inputs: Vec<Input>,
    /// Outputs of the transaction that the recipe describes, at most [`MAX_OUTPUTS`]. Each is an amount in satoshi and
    /// a scriptPubKey.
    pub outputs: Vec<(u64, Vec<u8>)>,
    /// Index of the input to verify.
    pub index: usize,
    /// Script of the verified input. It may contain [words](crate::words).
    pub script: Vec<u8>,
    /// Initial stack of the script, bottom element first. The elements may be [words](crate::words).
    pub stack: Vec<Vec<u8>>,
    /// Leaf version of the script, if the spent output is a taproot output with this leaf.
    pub leaf_version: u8,
    /// Number of the internal key or P2WPKH key among the [known keys](crate::keys::key). [`NUMS`] selects an internal
    /// key without a known secret.
    pub internal_key: u8,
    /// Length of the Merkle path from the taproot leaf to the root.
    pub path: u8,
    /// Annex of the witness, including its first byte. `None` if there is no annex.
    pub annex: Option<Vec<u8>>,
    /// Change that is made to the transaction or to the spent output after signing.
    pub damage: Damage,
}

/// Maximum number of inputs of the transaction that a recipe describes.
pub const MAX_INPUTS: usize = 4;
/// Maximum number of outputs of the transaction that a recipe describes.
pub const MAX_OUTPUTS: usize = 4;
/// Key number in a recipe that selects the internal key without a known secret.
pub const NUMS: u8 = 0xff;
/// Maximum length of a Merkle path in a recipe, two more than consensus allows.
const MAX_PATH: u8 = 130;
/// Value that is XORed with the leaf version byte of a recipe, so that a zero byte selects tapscript.
const LEAF_VERSION: u8 = 0xc0;

impl Recipe {
    /// Reads a recipe from a fuzz input. Any bytes are a valid recipe.
    pub fn read(reader: &mut Reader<'_>) -> Recipe {
        let place = *reader.pick(&PLACES);
        let (version, lock_time) = (reader.u32().cast_signed(), reader.u32());
        let (inputs, outputs) = (1 + reader.below(MAX_INPUTS), reader.below(MAX_OUTPUTS + 1));
        let index = reader.below(inputs);
        let mut input = |_| Input {
            sequence: reader.u32(),
            amount: reader.spent_amount(),
            script_sig: reader.sized().to_vec(),
        };
        let inputs = (0..inputs).map(&mut input).collect();
        let outputs = (0..outputs).map(|_| (reader.u64(), reader.sized().to_vec())).collect();
        let script = reader.sized().to_vec();
        let elements = reader.byte();
        let stack = (0..elements).map(|_| reader.sized().to_vec()).collect();
        let leaf_version = reader.byte() ^ LEAF_VERSION;
        let (internal_key, path) = (reader.byte(), reader.byte() % (MAX_PATH + 1));
        let annex = reader.bool().then(|| reader.sized().to_vec());
        let damage = Damage { part: reader.byte(), position: reader.u16(), bits: reader.byte() };
        Recipe {
            place,
            version,
            lock_time,
            inputs,
            outputs,
            index,
            script,
            stack,
            leaf_version,
            internal_key,
            path,
            annex,
            damage,
        }
    }

    /// Writes this recipe in the form that [`Recipe::read`] reads. Returns `None` if a value does not fit into this
    /// form.
    pub fn write(&self, writer: &mut Writer) -> Option<()> {
        let place = PLACES.iter().position(|place| *place == self.place)?;
        let fits = (1..=MAX_INPUTS).contains(&self.inputs.len())
            && self.outputs.len() <= MAX_OUTPUTS
            && self.index < self.inputs.len()
            && self.path <= MAX_PATH;
        if !fits {
            return None;
        }
        writer.byte(place as u8).bytes(&self.version.to_le_bytes()).bytes(&self.lock_time.to_le_bytes());
        writer.byte(self.inputs.len() as u8 - 1).byte(self.outputs.len() as u8).byte(self.index as u8);
        for input in &self.inputs {
            writer.bytes(&input.sequence.to_le_bytes()).bytes(&input.amount.to_le_bytes());
            writer.sized(&input.script_sig)?;
        }
        for (amount, script) in &self.outputs {
            writer.bytes(&amount.to_le_bytes()).sized(script)?;
        }
        writer.sized(&self.script)?.byte(u8::try_from(self.stack.len()).ok()?);
        for element in &self.stack {
            writer.sized(element)?;
        }
        writer.byte(self.leaf_version ^ LEAF_VERSION).byte(self.internal_key).byte(self.path);
        match &self.annex {
            Some(annex) => writer.byte(1).sized(annex)?,
            None => writer.byte(0),
        };
        let Damage { part, position, bits } = self.damage;
        writer.byte(part).bytes(&position.to_le_bytes()).byte(bits);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_round_trip() {
        let recipe = Recipe {
            place: Place::P2wsh,
            version: -1,
            lock_time: 500_000_000,
            inputs: vec![
                Input { sequence: 7, amount: 8, script_sig: vec![0x51] },
                Input { sequence: u32::MAX, amount: i64::MAX as u64, script_sig: vec![] },
            ],
            outputs: vec![(9, vec![0x6a]); 4],
            index: 1,
            script: vec![0xac; 300],
            stack: vec![vec![], vec![1], vec![2; 520]],
            leaf_version: 0xc2,
            internal_key: NUMS,
            path: 128,
            annex: Some(vec![0x50, 1]),
            damage: Damage { part: 1, position: 300, bits: 4 },
        };
        let mut writer = Writer::default();
        recipe.write(&mut writer).unwrap();
        let bytes = writer.finish();
        let mut reader = Reader::new(&bytes);
        assert_eq!(Recipe::read(&mut reader), recipe);
        assert!(reader.is_empty());
        for wrong in [
            Recipe { index: 2, ..recipe.clone() },
            Recipe { inputs: vec![], ..recipe.clone() },
            Recipe { outputs: vec![(0, vec![]); 5], ..recipe.clone() },
            Recipe { path: 131, ..recipe.clone() },
        ] {
            assert_eq!(wrong.write(&mut Writer::default()), None);
        }
    }

    #[test]
    fn zeros_are_a_tapscript() {
        let recipe = Recipe::read(&mut Reader::new(&[]));
        assert_eq!((recipe.place, recipe.leaf_version, recipe.inputs.len()), (Place::Tapscript, 0xc0, 1));
    }
}
