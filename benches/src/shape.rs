//! Tapscripts that repeat one body: what an opcode costs, and what a block full of it would cost.

use sigstack_interpreter::{Flags, KeyVersion};

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript};
use crate::script::{repeat, script};
use crate::spends::pay;
use crate::workload::{Case, Workload};

/// What lies on the stack while the body repeats. Bodies leave it as they find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// This many elements of this many bytes.
    Bytes {
        /// How many.
        count: usize,
        /// Their size in bytes.
        size: usize,
    },
    /// This many times a number.
    Number {
        /// How many times.
        count: usize,
        /// The number.
        number: i64,
    },
    /// Three pairs of a transaction signature and its key, for keys of this version and with this hash type.
    Signature(KeyVersion, u8),
    /// A signature, a number and the key, as `OP_CHECKSIGADD` takes them.
    SignatureNumber,
    /// Twice a signature, a message of this many bytes that it signs, and the key, as `OP_CHECKSIGFROMSTACK` takes them.
    SignedMessage(usize),
    /// The hash that BIP 119 compares with.
    CheckTemplate,
}

/// A body and what it works on.
#[derive(Clone, Debug)]
pub struct Shape {
    /// The opcode that it is about.
    pub opcode: &'static str,
    /// The body, in words.
    pub body: String,
    /// The stack below it.
    pub base: Base,
    /// The flags that it needs.
    pub flags: Flags,
    /// Signature checks in the body, each of which costs 50 weight units of budget.
    pub checks: usize,
}

impl Shape {
    /// What distinguishes it.
    pub fn name(&self) -> String {
        let base = match &self.base {
            Base::Bytes { count, size } => format!("{count} of {size} B"),
            Base::Number { count, number } => format!("{count} times {number}"),
            Base::Signature(KeyVersion::Bip342, _) => "signature, key".to_owned(),
            Base::Signature(KeyVersion::Bip118, hash_type) => format!("BIP 118 signature 0x{hash_type:02x}"),
            Base::SignatureNumber => "signature, number, key".to_owned(),
            Base::SignedMessage(size) => format!("signed {size} B"),
            Base::CheckTemplate => "template hash".to_owned(),
        };
        format!("{} ({base})", self.body)
    }

    /// The weight of the body in the witness, in weight units.
    pub fn weight(&self) -> usize {
        script(&self.body).len()
    }

    /// The stack that the witness brings, and the script's part that makes the rest of it.
    fn base(&self, keys: &mut Keys) -> (Vec<Item>, Vec<u8>, usize) {
        let copies = |item, count: usize| (vec![item], repeat("DUP", count - 1), count);
        match &self.base {
            Base::Bytes { count, size } => {
                let bytes = keys.bytes().iter().copied().cycle().take(*size).collect();
                copies(Item::Bytes(bytes), *count)
            }
            Base::Number { count, number } => {
                let number = sigstack_interpreter::script_num::encode(*number);
                copies(Item::Bytes(number.as_bytes().to_vec()), *count)
            }
            Base::Signature(version, hash_type) => {
                let prefix: &[u8] = if *version == KeyVersion::Bip118 { &[1] } else { &[] };
                let pair = |_| {
                    let key = keys.key();
                    let public_key = [prefix, &key.x_only_public_key().0.to_byte_array()].concat();
                    [Item::Signature(key, *version, *hash_type), Item::Bytes(public_key)]
                };
                ((0..3).flat_map(pair).collect(), vec![], 6)
            }
            Base::SignatureNumber => {
                let key = keys.key();
                let public_key = key.x_only_public_key().0.to_byte_array().to_vec();
                let signature = Item::Signature(key, KeyVersion::Bip342, 0);
                (vec![signature, Item::Bytes(vec![]), Item::Bytes(public_key)], vec![], 3)
            }
            Base::SignedMessage(size) => {
                let triple = |_| {
                    let key = keys.key();
                    let message: Vec<u8> = keys.bytes().iter().copied().cycle().take(*size).collect();
                    let signature = key.sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
                    let public_key = key.x_only_public_key().0.to_byte_array().to_vec();
                    [signature, message, public_key].map(Item::Bytes)
                };
                ((0..2).flat_map(triple).collect(), vec![], 6)
            }
            Base::CheckTemplate => (vec![Item::CheckTemplate], vec![], 1),
        }
    }

    /// A spend whose script repeats the body. If the budget for signatures would not last, the script is made heavier by a
    /// push that it drops.
    pub fn case(&self, keys: &mut Keys, repetitions: usize) -> Case {
        self.case_above(keys, repetitions, None)
    }

    /// As [`Shape::case`]; before, another shape's body is repeated as often as told, on a base of its own that is dropped.
    pub fn case_above(&self, keys: &mut Keys, repetitions: usize, first: Option<(&Shape, usize)>) -> Case {
        let (mut stack, mut script, count) = self.base(keys);
        let mut checks = self.checks * repetitions;
        if let Some((shape, times)) = first {
            let (above, prologue, height) = shape.base(keys);
            stack.extend(above);
            // The bottom element was not copied yet: the copies of the base come when all above it is gone.
            let mut start = [prologue, repeat(&shape.body, times)].concat();
            start.extend(repeat("2DROP", height / 2));
            start.extend(repeat("DROP", height % 2));
            script.splice(0..0, start);
            checks += shape.checks * times;
        }
        script.extend(repeat(&self.body, repetitions));
        script.extend(repeat("2DROP", count / 2));
        script.extend(repeat("DROP", count % 2));
        // Elements below all others, which the end of the script drops.
        let missing = (checks * 50).saturating_sub(script.len());
        let padding = missing.div_ceil(520);
        stack.splice(0..0, std::iter::repeat_n(Item::Bytes(vec![0; 520]), padding));
        script.extend(repeat("2DROP", padding / 2));
        script.extend(repeat("DROP", padding % 2));
        script.extend(self::script("1"));
        let leaf = Tapscript::new(keys, script, stack);
        pay(keys, &[Lock::Leaf(leaf)])
    }

    /// The spend in a few variants.
    pub fn workload(&self, repetitions: usize) -> Workload {
        let name = self.name();
        Workload::new(name.clone(), self.flags, 4, |variant| {
            self.case(&mut Keys::of(&name, variant), repetitions)
        })
    }
}
