//! Tapscripts that repeat a short sequence of opcodes, called the body. They measure the cost of an opcode, and of a
//! block full of this opcode.

use sigstack_interpreter::{Flags, KeyVersion};

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript};
use crate::script::{repeat, script};
use crate::spends::pay;
use crate::workload::{Case, Workload};

/// The initial stack of a tapscript that repeats a sequence of opcodes (the body). The body leaves this stack
/// unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The initial stack consists of equal elements.
    Bytes {
        /// Number of equal elements on the initial stack.
        count: usize,
        /// Size of each element of the initial stack in bytes.
        size: usize,
    },
    /// The initial stack consists of several copies of one number.
    Number {
        /// Number of elements on the initial stack, which all encode the same number.
        count: usize,
        /// The number that each element of the initial stack encodes.
        number: i64,
    },
    /// The initial stack has three pairs of a transaction signature and its public key. The keys have this version,
    /// and the signatures have this hash type.
    Signature(KeyVersion, u8),
    /// The initial stack has the operands of `OP_CHECKSIGADD`: a signature, a number and the public key.
    SignatureNumber,
    /// The initial stack has the operands of `OP_CHECKSIGFROMSTACK` twice: a signature, a message with this number of
    /// bytes, and the public key.
    SignedMessage(usize),
    /// The initial stack has the template hash that `OP_CHECKTEMPLATEVERIFY` compares (BIP 119).
    CheckTemplate,
}

/// A tapscript that repeats a sequence of opcodes (the body) on an initial stack (the base).
#[derive(Clone, Debug)]
pub struct Shape {
    /// Name of the opcode that is measured, without `OP_`.
    pub opcode: &'static str,
    /// The repeated sequence of opcodes as text, for example `DUP SHA256 DROP`.
    pub body: String,
    /// Initial stack on which the repeated opcodes run.
    pub base: Base,
    /// Script flags that the repeated opcodes need.
    pub flags: Flags,
    /// Number of signature checks in one repetition. Each check uses up 50 weight units of the signature operation
    /// budget.
    pub checks: usize,
}

impl Shape {
    /// Returns a name that distinguishes this shape (tapscript that repeats opcodes) from all others.
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

    /// Returns the size of one repetition of the opcodes in bytes. In a witness, this is also its weight.
    pub fn weight(&self) -> usize {
        script(&self.body).len()
    }

    /// Prepares the initial stack. Returns the witness elements for it, the script that completes the stack from them,
    /// and the number of elements on the completed stack.
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

    /// Returns a transaction that spends a tapscript with this number of repetitions of the body. If the signature
    /// operation budget would not suffice, elements that the script drops are added to the witness.
    pub fn case(&self, keys: &mut Keys, repetitions: usize) -> Case {
        self.case_above(keys, repetitions, None)
    }

    /// Returns the transaction of [`Shape::case`], optionally with a longer script. If `first` is given, the script
    /// first repeats the body (sequence of opcodes) of another shape the given number of times, on the initial stack of
    /// that shape, and then drops that stack.
    pub fn case_above(&self, keys: &mut Keys, repetitions: usize, first: Option<(&Shape, usize)>) -> Case {
        let (mut stack, mut script, count) = self.base(keys);
        let mut checks = self.checks * repetitions;
        if let Some((shape, times)) = first {
            let (above, prologue, height) = shape.base(keys);
            stack.extend(above);
            // Only the bottom element is on the stack at this point. It is copied to make the base after everything above it
            // was dropped.
            let mut start = [prologue, repeat(&shape.body, times)].concat();
            start.extend(repeat("2DROP", height / 2));
            start.extend(repeat("DROP", height % 2));
            script.splice(0..0, start);
            checks += shape.checks * times;
        }
        script.extend(repeat(&self.body, repetitions));
        script.extend(repeat("2DROP", count / 2));
        script.extend(repeat("DROP", count % 2));
        // Adds elements below all others, which the end of the script drops.
        let missing = (checks * 50).saturating_sub(script.len());
        let padding = missing.div_ceil(520);
        stack.splice(0..0, std::iter::repeat_n(Item::Bytes(vec![0; 520]), padding));
        script.extend(repeat("2DROP", padding / 2));
        script.extend(repeat("DROP", padding % 2));
        script.extend(self::script("1"));
        let leaf = Tapscript::new(keys, script, stack);
        pay(keys, &[Lock::Leaf(leaf)])
    }

    /// Returns a workload with four variants of the transaction that [`Shape::case`] returns.
    pub fn workload(&self, repetitions: usize) -> Workload {
        let name = self.name();
        Workload::new(name.clone(), self.flags, 4, |variant| {
            self.case(&mut Keys::of(&name, variant), repetitions)
        })
    }
}
