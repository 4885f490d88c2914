//! Conversion of an input to its executed script and initial stack, and back. The conversion back recomputes every
//! commitment to the script.

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::key::{Secp256k1, UntweakedPublicKey};
use bitcoin::secp256k1::{Parity, Scalar};
use bitcoin::{ScriptBuf, Witness};
use sigstack_interpreter::Instructions;
use sigstack_interpreter::taproot::{ControlBlock, branch_hash, leaf_hash, tweak_hash};
use sigstack_vectors::InputQuestion;

/// The kind of output whose script a [`Layout`] contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Bare,
    P2sh,
    P2wsh,
    P2shP2wsh,
    Tapscript,
}

/// Leaf version, internal key and Merkle path of a tapscript. They are the content of its control block.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) version: u8,
    pub(crate) internal_key: [u8; 32],
    pub(crate) path: Vec<[u8; 32]>,
}

/// The point with unknown discrete logarithm that BIP 341 suggests as internal key.
const NUMS_KEY: [u8; 32] = [
    0x50, 0x92, 0x9b, 0x74, 0xc1, 0xa0, 0x49, 0x54, 0xb7, 0x8b, 0x4b, 0x60, 0x35, 0xe9, 0x7a, 0x5e, 0x07,
    0x8a, 0x5a, 0x0f, 0x28, 0xec, 0x96, 0xd5, 0x47, 0xbf, 0xee, 0x9a, 0xce, 0x80, 0x3a, 0xc0,
];

impl Default for Leaf {
    fn default() -> Leaf {
        Leaf { version: 0xc0, internal_key: NUMS_KEY, path: vec![] }
    }
}

/// The script that is executed to verify an input, its initial stack, and the kind of output that commits to the
/// script.
#[derive(Clone)]
pub(crate) struct Layout {
    pub(crate) place: Place,
    pub(crate) script: Vec<u8>,
    /// The initial stack of the script, from bottom to top.
    pub(crate) stack: Vec<Vec<u8>>,
    /// Leaf version, internal key and Merkle path. Used only if the output is a taproot output.
    pub(crate) leaf: Leaf,
    /// The annex, which only an input with a tapscript can have here.
    pub(crate) annex: Option<Vec<u8>>,
}

/// Returns a push of data as Core's tests encode it. Small numbers are pushed as data too, not by OP_1 to OP_16.
pub(crate) fn push(data: &[u8]) -> Vec<u8> {
    let length = data.len().to_le_bytes();
    let prefix = match data.len() {
        0..=75 => length[..1].to_vec(),
        76..=255 => vec![0x4c, length[0]],
        256..=65_535 => vec![0x4d, length[0], length[1]],
        _ => [&[0x4e], &length[..4]].concat(),
    };
    [&prefix, data].concat()
}

/// Returns the elements that a script leaves on the stack, if it consists only of pushes; `None` for other scripts.
fn pushed(script: &[u8]) -> Option<Vec<Vec<u8>>> {
    let elements = Instructions::new(script).map(|instruction| match instruction.ok()? {
        push if push.opcode.0 <= 0x4e => Some(push.data.to_vec()),
        number @ sigstack_interpreter::Instruction { .. } => match number.opcode.0 {
            0x4f => Some(vec![0x81]),
            opcode @ 0x51..=0x60 => Some(vec![opcode - 0x50]),
            _ => None,
        },
    });
    elements.collect()
}

impl Layout {
    /// Extracts the executed script and the initial stack of an input. Returns `None` for taproot key path spends, for
    /// witnesses without the required script, and for scriptSigs that do not consist of pushes only.
    pub(crate) fn read(question: &InputQuestion) -> Option<Layout> {
        let input = &question.tx.input[question.index];
        let output = question.prevouts[question.index].script_pubkey.as_bytes();
        let script_sig = input.script_sig.as_bytes();
        let mut witness = input.witness.to_vec();
        let plain = |place, script: Vec<u8>, stack| {
            Some(Layout { place, script, stack, leaf: Leaf::default(), annex: None })
        };
        match output {
            [0x51, 0x20, key @ ..] if key.len() == 32 => Layout::tapscript(witness),
            [0x00, 0x20, hash @ ..] if hash.len() == 32 => plain(Place::P2wsh, witness.pop()?, witness),
            // A P2WPKH output is converted to P2WSH of the corresponding pay-to-public-key-hash script.
            [0x00, 0x14, hash @ ..] if hash.len() == 20 => {
                let script = [&[0x76, 0xa9, 0x14], hash, &[0x88, 0xac]].concat();
                plain(Place::P2wsh, script, witness)
            }
            [0xa9, 0x14, hash @ .., 0x87] if hash.len() == 20 => {
                let mut stack = pushed(script_sig)?;
                let redeem_script = stack.pop()?;
                match redeem_script.as_slice() {
                    [0x00, 0x20, hash @ ..] if hash.len() == 32 => {
                        plain(Place::P2shP2wsh, witness.pop()?, witness)
                    }
                    _ => plain(Place::P2sh, redeem_script, stack),
                }
            }
            _ => plain(Place::Bare, output.to_vec(), pushed(script_sig)?),
        }
    }

    fn tapscript(mut stack: Vec<Vec<u8>>) -> Option<Layout> {
        let has_annex = stack.len() >= 2 && stack.last()?.first() == Some(&0x50);
        let annex = if has_annex { stack.pop() } else { None };
        let control_block = stack.pop()?;
        let control = ControlBlock::parse(&control_block).ok()?;
        let path = control.path().copied().collect();
        let leaf = Leaf { version: control.leaf_version, internal_key: *control.internal_key, path };
        Some(Layout { place: Place::Tapscript, script: stack.pop()?, stack, leaf, annex })
    }

    /// Writes this script and its stack into an input. Sets an output that commits to the script, and a scriptSig or
    /// witness that reveals it.
    pub(crate) fn write(self, question: &mut InputQuestion) {
        let Layout { place, script, mut stack, leaf, annex } = self;
        let program =
            |script: &[u8]| [&[0x00, 0x20], sha256::Hash::hash(script).as_byte_array().as_slice()].concat();
        let pay_to_hash = |script: &[u8]| {
            [&[0xa9, 0x14], hash160::Hash::hash(script).as_byte_array().as_slice(), &[0x87]].concat()
        };
        let pushes = |stack: &[Vec<u8>]| stack.iter().flat_map(|element| push(element)).collect::<Vec<u8>>();
        let (output, script_sig, witness) = match place {
            Place::Bare => (script, pushes(&stack), vec![]),
            Place::P2sh => (pay_to_hash(&script), [pushes(&stack), push(&script)].concat(), vec![]),
            Place::P2wsh => {
                let output = program(&script);
                stack.push(script);
                (output, vec![], stack)
            }
            Place::P2shP2wsh => {
                let redeem_script = program(&script);
                stack.push(script);
                (pay_to_hash(&redeem_script), push(&redeem_script), stack)
            }
            Place::Tapscript => {
                let (output, control_block) = leaf.commit(&script);
                stack.extend([script, control_block]);
                stack.extend(annex);
                (output, vec![], stack)
            }
        };
        question.prevouts[question.index].script_pubkey = ScriptBuf::from(output);
        let input = &mut question.tx.input[question.index];
        input.script_sig = ScriptBuf::from(script_sig);
        input.witness = Witness::from_slice(&witness);
    }
}

impl Leaf {
    /// Returns the taproot scriptPubKey that commits to a script, and the control block that reveals it. Replaces an
    /// internal key that is not a valid public key.
    fn commit(mut self, script: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let internal_key = UntweakedPublicKey::from_slice(&self.internal_key).unwrap_or_else(|_| {
            self.internal_key = NUMS_KEY;
            UntweakedPublicKey::from_slice(&NUMS_KEY).unwrap()
        });
        let root = self
            .path
            .iter()
            .fold(leaf_hash(self.version, script), |node, sibling| branch_hash(&node, sibling));
        let tweak = Scalar::from_be_bytes(tweak_hash(&self.internal_key, Some(&root))).unwrap();
        let (output_key, parity) = internal_key.add_tweak(&Secp256k1::verification_only(), &tweak).unwrap();
        let output = [&[0x51, 0x20], output_key.serialize().as_slice()].concat();
        let first = self.version | u8::from(parity == Parity::Odd);
        (output, [&[first], self.internal_key.as_slice(), &self.path.concat()].concat())
    }
}
