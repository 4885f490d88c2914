//! Simulates a third party who sees a witness and tries every other witness of the same transaction that can be built from
//! its elements.

use bitcoin::{Transaction, TxOut};
use sigstack_compiler::Compiled;

use super::{flags, verify, with_witness};

/// Result of a simulated attack: the numbers of witnesses tried and skipped, and the accepted witnesses that differ
/// from the observed witness.
#[derive(Debug, Default)]
pub struct Attack {
    pub tried: usize,
    pub skipped: usize,
    pub accepted: Vec<Vec<Vec<u8>>>,
}

/// Tries up to `most` stacks in each leaf. A stack has the elements of the witness in any order and number, the empty
/// element and the element 1, which selects branches. Lengths that would need more stacks are skipped and counted.
pub fn attack(compiled: &Compiled, tx: &Transaction, prevout: &TxOut, most: usize) -> Attack {
    let seen = tx.input[0].witness.to_vec();
    let shown = if seen.len() == 1 { 1 } else { seen.len() - 2 };
    let mut pool: Vec<Vec<u8>> = vec![Vec::new(), vec![1]];
    for element in &seen[..shown] {
        if !pool.contains(element) {
            pool.push(element.clone());
        }
    }
    let mut attack = Attack::default();
    for (leaf, block) in compiled.leaves.iter().zip(&compiled.output.control_blocks) {
        for len in 0..=shown + 1 {
            let stacks = pool.len().checked_pow(len as u32).filter(|stacks| *stacks <= most);
            let Some(stacks) = stacks else {
                attack.skipped += 1;
                continue;
            };
            for mut number in 0..stacks {
                let mut witness = Vec::with_capacity(len + 2);
                for _ in 0..len {
                    witness.push(pool[number % pool.len()].clone());
                    number /= pool.len();
                }
                witness.extend([leaf.script.clone(), block.clone()]);
                attack.tried += 1;
                if witness != seen && verify(&with_witness(tx, &witness), prevout, flags()).is_ok() {
                    attack.accepted.push(witness);
                }
            }
        }
    }
    attack
}
