//! The kinds of spends that transactions are made of, and transactions of a hundred inputs.

use sigstack_interpreter::{Flags, KeyVersion};

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript, any_output, spend};
use crate::script::{push, push_number, script};
use crate::workload::{Case, Workload};

/// Variants of a small spend.
pub const VARIANTS: usize = 128;
/// Variants of a transaction with a hundred inputs.
pub const LARGE_VARIANTS: usize = 8;

fn one_input(name: &str, flags: Flags, lock: impl Fn(&mut Keys) -> Lock) -> Workload {
    Workload::new(name, flags, VARIANTS, |variant| {
        let mut keys = Keys::of(name, variant);
        let lock = lock(&mut keys);
        pay(&mut keys, &[lock])
    })
}

fn hundred_inputs(name: &str, lock: impl Fn(&mut Keys) -> Lock) -> Workload {
    Workload::new(name, Flags::CONSENSUS, LARGE_VARIANTS, |variant| {
        let mut keys = Keys::of(name, variant);
        let locks: Vec<Lock> = (0..100).map(|_| lock(&mut keys)).collect();
        pay(&mut keys, &locks)
    })
}

/// A payment with change.
pub(crate) fn pay(keys: &mut Keys, locks: &[Lock]) -> Case {
    let outputs = vec![any_output(keys), any_output(keys)];
    spend(keys, locks, outputs)
}

/// A tapscript of one signature check, the signature on the stack.
fn checksig(keys: &mut Keys) -> Lock {
    let key = keys.key();
    let mut script = Vec::new();
    push(&mut script, &key.x_only_public_key().0.to_byte_array());
    script.extend(self::script("CHECKSIG"));
    Lock::Leaf(Tapscript::new(keys, script, vec![Item::Signature(key, KeyVersion::Bip342, 0)]))
}

/// A tapscript of one `OP_CHECKSIGFROMSTACK` over a digest.
fn checksig_from_stack(keys: &mut Keys) -> Lock {
    let (key, message) = (keys.key(), keys.bytes());
    let mut script = Vec::new();
    push(&mut script, &key.x_only_public_key().0.to_byte_array());
    script.extend(self::script("CHECKSIGFROMSTACK"));
    let signature = key.sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
    Lock::Leaf(Tapscript::new(keys, script, vec![Item::Bytes(signature), Item::Bytes(message.to_vec())]))
}

fn two_of_three(keys: &mut Keys) -> Lock {
    let three = [keys.key(), keys.key(), keys.key()];
    let mut script = script("2");
    three.iter().for_each(|key| push(&mut script, &key.public_key().serialize()));
    script.extend(self::script("3 CHECKMULTISIG"));
    // The opcode tries keys from the last one on: with these two none is tried in vain.
    Lock::Multisig(script, three.into_iter().skip(1).collect())
}

/// `<key> CHECKSIG <key> CHECKSIGADD ... 20 NUMEQUAL`, all twenty signed.
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

/// Every kind of spend.
pub fn all() -> Vec<Workload> {
    let csfs = Flags::CONSENSUS | Flags::CHECKSIGFROMSTACK;
    let today = Flags::CONSENSUS;
    vec![
        one_input("p2pkh", today, |keys| Lock::P2pkh(keys.key())),
        one_input("p2wpkh", today, |keys| Lock::P2wpkh(keys.key())),
        one_input("p2wsh-2of3", today, two_of_three),
        one_input("p2tr-key", today, |keys| Lock::KeyPath(keys.key())),
        one_input("tapscript-checksig", today, checksig),
        one_input("tapscript-csfs", csfs, checksig_from_stack),
        one_input("tapscript-20of20", today, twenty_of_twenty),
        hundred_inputs("100x-p2pkh", |keys| Lock::P2pkh(keys.key())),
        hundred_inputs("100x-p2wpkh", |keys| Lock::P2wpkh(keys.key())),
        hundred_inputs("100x-p2tr-key", |keys| Lock::KeyPath(keys.key())),
    ]
}
