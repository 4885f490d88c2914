//! Workloads for the proposed soft forks. Some use a proposal once, and some use it repeatedly.

use bitcoin::TxOut;
use sigstack_interpreter::{Flags, KeyVersion, PROPOSALS, Proposal, ProposalId};

use crate::keys::Keys;
use crate::lock::{Item, Lock, Tapscript, any_output, spend};
use crate::opcodes::BIP118_HASH_TYPES;
use crate::script::{push, repeat, script};
use crate::workload::Workload;

const VARIANTS: usize = 32;

/// Returns a workload that spends a taproot leaf in a transaction with `outputs` outputs. `build` returns the script
/// of the leaf and its initial stack.
fn leaf(
    name: &str,
    flag: Flags,
    outputs: usize,
    build: impl Fn(&mut Keys) -> (Vec<u8>, Vec<Item>),
) -> Workload {
    Workload::new(name, Flags::CONSENSUS | flag, if outputs > 100 { 2 } else { VARIANTS }, |variant| {
        let mut keys = Keys::of(name, variant);
        let (script, stack) = build(&mut keys);
        let lock = Lock::Leaf(Tapscript::new(&mut keys, script, stack));
        let outputs: Vec<TxOut> = (0..outputs).map(|_| any_output(&mut keys)).collect();
        spend(&mut keys, &[lock], outputs)
    })
}

/// Number of uses of an opcode that a workload named `repeated` has more than the workload named `first`. The cost of
/// one use is the difference between the times of both workloads, divided by this number.
pub const REPETITIONS: usize = 100;

fn templates(outputs: usize) -> Vec<Workload> {
    let (check, hash) = (Flags::CHECKTEMPLATEVERIFY, Flags::TEMPLATEHASH);
    let once_and_again = |name: &str, flag, item: Item, words: &str, end: &str| {
        [("first", 1), ("repeated", 1 + REPETITIONS)].map(|(which, count)| {
            let script = [repeat(words, count), script(end)].concat();
            leaf(&format!("{name}-{outputs}-outputs-{which}"), flag, outputs, |_| {
                (script.clone(), vec![item.clone()])
            })
        })
    };
    let ctv = once_and_again("ctv", check, Item::CheckTemplate, "NOP4", "");
    let template_hash =
        once_and_again("templatehash", hash, Item::TemplateHash, "TEMPLATEHASH OVER EQUALVERIFY", "");
    ctv.into_iter().chain(template_hash).collect()
}

/// Returns a workload that runs the example script of a proposal. Returns `None` for a proposal that has workloads of
/// its own in this file, and for a proposal without an example.
fn of_sample(proposal: &Proposal) -> Option<Workload> {
    match proposal.id {
        ProposalId::CHECKSIGFROMSTACK
        | ProposalId::ANYPREVOUT
        | ProposalId::CHECKTEMPLATEVERIFY
        | ProposalId::OP_CAT
        | ProposalId::PAIRCOMMIT
        | ProposalId::TEMPLATEHASH => return None,
        _ => {}
    }
    let sample = proposal.sample?;
    let stack = || sample.stack.iter().map(|element| Item::Bytes(element.to_vec())).collect();
    Some(leaf(&proposal.name.to_lowercase(), proposal.flag, 2, |_| (sample.script.to_vec(), stack())))
}

/// Returns all workloads for proposed soft forks.
pub fn all() -> Vec<Workload> {
    let mut all = Vec::new();
    for size in [0, 32, 520] {
        all.push(leaf(&format!("csfs-{size}-byte-message"), Flags::CHECKSIGFROMSTACK, 2, |keys| {
            let key = keys.key();
            let message: Vec<u8> = keys.bytes().iter().copied().cycle().take(size).collect();
            let signature = key.sign_schnorr_no_aux_rand(&message).to_byte_array().to_vec();
            let mut code = Vec::new();
            push(&mut code, &key.x_only_public_key().0.to_byte_array());
            code.extend(script("CHECKSIGFROMSTACK"));
            (code, vec![Item::Bytes(signature), Item::Bytes(message)])
        }));
    }
    for hash_type in BIP118_HASH_TYPES {
        all.push(leaf(&format!("apo-0x{hash_type:02x}"), Flags::ANYPREVOUT, 2, |keys| {
            let key = keys.key();
            let mut code = Vec::new();
            push(&mut code, &[&[1][..], &key.x_only_public_key().0.to_byte_array()].concat());
            code.extend(script("CHECKSIG"));
            (code, vec![Item::Signature(key, KeyVersion::Bip118, hash_type)])
        }));
    }
    for outputs in [1, 100, 5_000] {
        all.extend(templates(outputs));
    }
    let bytes =
        |keys: &mut Keys, size: usize| Item::Bytes(keys.bytes().iter().copied().cycle().take(size).collect());
    for (name, flag, word) in [("cat", Flags::OP_CAT, "CAT"), ("paircommit", Flags::PAIRCOMMIT, "PAIRCOMMIT")]
    {
        for size in [32, 260] {
            all.push(leaf(&format!("{name}-{size}+{size}-bytes"), flag, 2, |keys| {
                (script(&format!("{word} SIZE NIP")), vec![bytes(keys, size), bytes(keys, size)])
            }));
        }
    }
    all.extend(PROPOSALS.iter().filter_map(|proposal| of_sample(proposal)));
    all
}

/// Returns the same workload with the flags of all proposals, which should not change its time. Returns `None` if the
/// workload uses a proposal.
pub fn unused(workload: &Workload) -> Option<Workload> {
    let flags = PROPOSALS.iter().fold(Flags::CONSENSUS, |flags, proposal| flags | proposal.flag);
    (workload.flags == Flags::CONSENSUS).then(|| Workload { flags, ..workload.clone() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{scripts, spends};

    #[test]
    fn workloads_are_valid_and_have_names_of_their_own() {
        let all: Vec<Workload> = all()
            .into_iter()
            .chain(spends::all())
            .chain(scripts::all().into_iter().map(|(_, workload)| workload))
            .collect();
        // Building a workload verifies it. Without the flag of its proposal the verification would check nothing, so the
        // flag must be set.
        let names: BTreeSet<&str> = all.iter().map(|workload| workload.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn proposals_change_nothing_for_those_who_do_not_use_them() {
        for workload in spends::all().iter().filter_map(unused) {
            assert!(workload.cases.iter().all(|case| case.verify(workload.flags)), "{}", workload.name);
        }
    }
}
