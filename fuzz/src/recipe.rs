//! How a spend is made: what fuzzers change, and seeds are written as.
//!
//! | part | form |
//! | --- | --- |
//! | place | a byte: how the output commits to the script ([`Place`]) |
//! | transaction | version, nLockTime (4 bytes each); number of inputs, of outputs, and the input to verify (a byte each) |
//! | each input | nSequence (4 bytes), amount (8, of which the highest bit is not looked at), scriptSig (sized; the verified input's is made otherwise) |
//! | each output | amount (8), script (sized) |
//! | script | sized; pushes of two bytes may be [words](crate::words) |
//! | stack | number of elements (a byte), each sized; elements of two bytes may be words |
//! | leaf | version, internal key, steps of the Merkle path (a byte each) |
//! | annex | a byte, odd if there is one; then sized |
//! | damage | how, where (2 bytes), with what: after signing |

use crate::bytes::{Reader, Writer};

/// How an output commits to a script and a spend reveals it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The output is the script; the stack is pushed by the scriptSig.
    Bare,
    /// BIP 16.
    P2sh,
    /// BIP 141, 32 bytes.
    P2wsh,
    /// P2WSH inside of P2SH.
    P2shP2wsh,
    /// BIP 342.
    Tapscript,
    /// BIP 341; the internal key is the output key.
    KeyPath,
    /// BIP 141, 20 bytes.
    P2wpkh,
    /// P2WPKH inside of P2SH.
    P2shP2wpkh,
    /// The output is the script; the stack is the witness. For programs of other versions.
    Program,
    /// The redeem script is the script; the stack is the witness.
    P2shProgram,
}

/// The places by the byte that stands for them; tapscript, which has the most rules, has the most bytes.
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

/// An input of the transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// nSequence.
    pub sequence: u32,
    /// The amount that it spends.
    pub amount: u64,
    /// The scriptSig, unless it is the input that is verified.
    pub script_sig: Vec<u8>,
}

/// What is changed after signing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// What: 1 an element of the witness, 2 the scriptSig, 3 the output's script; anything else nothing.
    pub part: u8,
    /// Which byte.
    pub position: u16,
    /// With which bits.
    pub bits: u8,
}

/// How a spend is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// How the output commits to the script.
    pub place: Place,
    /// The transaction's version.
    pub version: i32,
    /// nLockTime.
    pub lock_time: u32,
    /// The inputs, 1 to [`MAX_INPUTS`].
    pub inputs: Vec<Input>,
    /// The outputs, up to [`MAX_OUTPUTS`]: amount and script.
    pub outputs: Vec<(u64, Vec<u8>)>,
    /// The input to verify.
    pub index: usize,
    /// The script, with words.
    pub script: Vec<u8>,
    /// The stack from the bottom up, with words.
    pub stack: Vec<Vec<u8>>,
    /// The leaf version, of tapscripts.
    pub leaf_version: u8,
    /// The number of the internal key; [`NUMS`] is a key without secret.
    pub internal_key: u8,
    /// Steps of the Merkle path.
    pub path: u8,
    /// The annex, with its first byte.
    pub annex: Option<Vec<u8>>,
    /// What is changed after signing.
    pub damage: Damage,
}

/// Most inputs of a recipe.
pub const MAX_INPUTS: usize = 4;
/// Most outputs of a recipe.
pub const MAX_OUTPUTS: usize = 4;
/// The number of the internal key that has no known secret.
pub const NUMS: u8 = 0xff;
/// Longest Merkle path: two more than there may be.
const MAX_PATH: u8 = 130;
/// What is added to the leaf version, so that zero is tapscript's.
const LEAF_VERSION: u8 = 0xc0;

impl Recipe {
    /// Reads a recipe; every input is one.
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

    /// Writes what [`Recipe::read`] reads; none if something is too large for its form.
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
