//! Workloads of common kinds of transactions. Each has one input or a hundred inputs.

use sigstack_interpreter::{Flags, KeyVersion};

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript, any_output, spend};
use crate::script::{push, push_number, script};
use crate::workload::{Case, Workload};

/// Default number of variants of a workload whose transactions have one input.
pub const VARIANTS: usize = 128;
/// Default number of variants of a workload whose transactions have a hundred inputs.
pub const LARGE_VARIANTS: usize = 8;

fn one_input(name: &str, variants: usize, flags: Flags, lock: impl Fn(&mut Keys) -> Lock) -> Workload {
    Workload::new(name, flags, variants, |variant| {
        let mut keys = Keys::of(name, variant);
        let lock = lock(&mut keys);
        pay(&mut keys, &[lock])
    })
}

fn hundred_inputs(name: &str, variants: usize, lock: impl Fn(&mut Keys) -> Lock) -> Workload {
    Workload::new(name, Flags::CONSENSUS, variants, |variant| {
        let mut keys = Keys::of(name, variant);
        let locks: Vec<Lock> = (0..100).map(|_| lock(&mut keys)).collect();
        pay(&mut keys, &locks)
    })
}

/// Returns a transaction that spends the outputs `locks` and has two outputs, a payment and its change.
pub(crate) fn pay(keys: &mut Keys, locks: &[Lock]) -> Case {
    let outputs = vec![any_output(keys), any_output(keys)];
    spend(keys, locks, outputs)
}

/// Returns a taproot output whose leaf makes one signature check. The signature is on the initial stack.
fn checksig(keys: &mut Keys) -> Lock {
    let key = keys.key();
    let mut script = Vec::new();
    push(&mut script, &key.x_only_public_key().0.to_byte_array());
    script.extend(self::script("CHECKSIG"));
    Lock::Leaf(Tapscript::new(keys, script, vec![Item::Signature(key, KeyVersion::Bip342, 0)]))
}

/// Returns a taproot output whose leaf uses `OP_CHECKSIGFROMSTACK` `count` times with 32-byte messages. Each use has
/// its own key, message and signature.
fn checksig_from_stack(keys: &mut Keys, count: usize) -> Lock {
    let (mut script, mut stack) = (Vec::new(), Vec::new());
    for nth in 1..=count {
        let (key, message) = (keys.key(), keys.bytes());
        push(&mut script, &key.x_only_public_key().0.to_byte_array());
        script.extend(self::script(if nth == count {
            "CHECKSIGFROMSTACK"
        } else {
            "CHECKSIGFROMSTACK VERIFY"
        }));
        let signature = key.sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
        stack.splice(0..0, [Item::Bytes(signature), Item::Bytes(message.to_vec())]);
    }
    Lock::Leaf(Tapscript::new(keys, script, stack))
}

fn two_of_three(keys: &mut Keys) -> Lock {
    let three = [keys.key(), keys.key(), keys.key()];
    let mut script = script("2");
    three.iter().for_each(|key| push(&mut script, &key.public_key().serialize()));
    script.extend(self::script("3 CHECKMULTISIG"));
    // The opcode tries the keys from the last one on. With these two signatures no attempt fails.
    Lock::Multisig(script, three.into_iter().skip(1).collect())
}

/// Returns a taproot output with the leaf `<key> CHECKSIG <key> CHECKSIGADD ... 20 NUMEQUAL` and twenty signatures.
fn twenty_of_twenty(keys: &mut Keys) -> Lock {
    let twenty: Vec<_> = (0..20).map(|_| keys.key()).collect();
    let mut script = Vec::new();
    for (nth, key) in twenty.iter().enumerate() {
        push(&mut script, &key.x_only_public_key().0.to_byte_array());
        script.extend(self::script(if nth == 0 { "CHECKSIG" } else { "CHECKSIGADD" }));
    }
    push_number(&mut script, twenty.len());
    script.extend(self::script("NUMEQUAL"));
    let signatures = twenty.into_iter().rev().map(|key| Item::Signature(key, KeyVersion::Bip342, 0));
    Lock::Leaf(Tapscript::new(keys, script, signatures.collect()))
}

/// Function that builds a workload from its name and its number of variants.
type Build = fn(&str, usize) -> Workload;

/// All kinds of transactions for which there is a workload. Each row has the name of the workload, its number of
/// variants, and the function that builds it.
const TABLE: &[(&str, usize, Build)] = &[
    ("p2pkh", VARIANTS, |name, variants| one_input(name, variants, TODAY, |keys| Lock::P2pkh(keys.key()))),
    ("p2wpkh", VARIANTS, |name, variants| one_input(name, variants, TODAY, |keys| Lock::P2wpkh(keys.key()))),
    ("p2wsh-2of3", VARIANTS, |name, variants| one_input(name, variants, TODAY, two_of_three)),
    ("p2tr-key", VARIANTS, |name, variants| {
        one_input(name, variants, TODAY, |keys| Lock::KeyPath(keys.key()))
    }),
    ("tapscript-checksig", VARIANTS, |name, variants| one_input(name, variants, TODAY, checksig)),
    ("tapscript-csfs", VARIANTS, |name, variants| {
        let flags = Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK;
        one_input(name, variants, flags, |keys| checksig_from_stack(keys, 1))
    }),
    ("tapscript-csfs-21", VARIANTS / 4, |name, variants| {
        let flags = Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK;
        one_input(name, variants, flags, |keys| checksig_from_stack(keys, 21))
    }),
    ("tapscript-20of20", VARIANTS, |name, variants| one_input(name, variants, TODAY, twenty_of_twenty)),
    ("100x-p2pkh", LARGE_VARIANTS, |name, variants| {
        hundred_inputs(name, variants, |keys| Lock::P2pkh(keys.key()))
    }),
    ("100x-p2wpkh", LARGE_VARIANTS, |name, variants| {
        hundred_inputs(name, variants, |keys| Lock::P2wpkh(keys.key()))
    }),
    ("100x-p2wsh-2of3", LARGE_VARIANTS, |name, variants| hundred_inputs(name, variants, two_of_three)),
    ("100x-p2tr-key", LARGE_VARIANTS, |name, variants| {
        hundred_inputs(name, variants, |keys| Lock::KeyPath(keys.key()))
    }),
    ("100x-tapscript-checksig", LARGE_VARIANTS, |name, variants| hundred_inputs(name, variants, checksig)),
    // Each variant has 2,000 keys. More variants would make no difference, and signing them takes long.
    ("100x-tapscript-20of20", 2, |name, variants| hundred_inputs(name, variants, twenty_of_twenty)),
];

const TODAY: Flags = Flags::CONSENSUS;

/// Returns the workloads of all common kinds of transactions.
pub fn all() -> Vec<Workload> {
    TABLE.iter().map(|(name, variants, build)| build(name, *variants)).collect()
}

/// Builds the workload with this name and with the given number of variants. Returns `None` if there is no workload
/// with this name.
pub fn find(name: &str, variants: usize) -> Option<Workload> {
    TABLE.iter().find(|(other, ..)| *other == name).map(|(name, _, build)| build(name, variants))
}
