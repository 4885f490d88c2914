//! [`MockHost`]: a [`Host`] for scripts without a transaction. A function of the caller decides, for example, whether a
//! signature is valid. **Its verdicts say nothing about validity**: the host is for teaching and for fuzzers, which use
//! it to reach the code behind signature checks.

use std::sync::LazyLock;

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut};

use crate::host::Host;
use crate::proposals::anyprevout;
use crate::sighash::EcdsaMidstates;
use crate::sighash::taproot::TaprootMessage;
use crate::view::{TxCache, TxView};

/// A question that a running script asks its [`MockHost`]. The caller's function answers it with `true` or `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question<'q> {
    /// Whether an ECDSA signature is valid.
    Ecdsa {
        /// The signature, without its hash type.
        signature: &'q [u8],
        /// Public key with which the signature is checked.
        public_key: &'q [u8],
    },
    /// Whether a Schnorr signature is valid.
    Schnorr {
        /// The signature, without its hash type.
        signature: &'q [u8; 64],
        /// X-only public key with which the signature is checked.
        public_key: &'q [u8; 32],
        /// The signed bytes: a signature hash or, for `OP_CHECKSIGFROMSTACK`, the message from the stack.
        message: &'q [u8],
    },
    /// Whether nLockTime satisfies this argument of `OP_CHECKLOCKTIMEVERIFY`.
    LockTime(i64),
    /// Whether nSequence satisfies this argument of `OP_CHECKSEQUENCEVERIFY`.
    Sequence(i64),
    /// Whether the transaction has an output with the input's index, as a taproot signature with `SIGHASH_SINGLE`
    /// requires.
    SingleOutput,
}

/// A [`Host`] whose answers come from a function. Its signature hashes and its transaction are fixed dummy values.
///
/// ```
/// use sigstack_interpreter::{Context, Flags, MockHost, NoInspector, Opcode, Stack, run_script};
///
/// let mut stack = Stack::new();
/// let script = [Opcode::OP_16.0, Opcode::OP_CHECKLOCKTIMEVERIFY.0];
/// let mut locked = MockHost::new(|_| false);
/// let flags = Flags::CONSENSUS;
/// let result = run_script(&mut stack, &script, Context::Legacy, flags, &mut locked, &mut NoInspector);
/// assert_eq!(result.unwrap_err().error.name(), "UNSATISFIED_LOCKTIME");
/// ```
pub struct MockHost<F>(F);

impl<F: FnMut(Question<'_>) -> bool> MockHost<F> {
    /// Creates a host that passes every [`Question`] of a running script to the function `answer`.
    pub fn new(answer: F) -> MockHost<F> {
        MockHost(answer)
    }
}

/// The transaction of every [`MockHost`]. It has one input and one output, both of 1,000 satoshi.
struct Dummy {
    tx: Transaction,
    prevouts: [TxOut; 1],
    cache: TxCache,
}

static DUMMY: LazyLock<Dummy> = LazyLock::new(|| {
    let output = TxOut { value: Amount::from_sat(1_000), script_pubkey: ScriptBuf::new() };
    let tx = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn::default()],
        output: vec![output.clone()],
    };
    Dummy { tx, prevouts: [output], cache: TxCache::default() }
});

/// Every signature hash that a [`MockHost`] returns consists of 32 bytes of this value.
const DIGEST_BYTE: u8 = 0x77;

impl<F: FnMut(Question<'_>) -> bool> Host for MockHost<F> {
    fn legacy_digest(&mut self, _: &[u8], _: u8, _: &mut EcdsaMidstates) -> [u8; 32] {
        [DIGEST_BYTE; 32]
    }

    fn segwit_v0_digest(&mut self, _: &[u8], _: u8, _: &mut EcdsaMidstates) -> Option<[u8; 32]> {
        Some([DIGEST_BYTE; 32])
    }

    fn taproot_digest(&mut self, _: &TaprootMessage, hash_type: u8) -> Option<[u8; 32]> {
        let single = hash_type & 3 == 3;
        let defined = anyprevout::is_defined(hash_type) && (!single || (self.0)(Question::SingleOutput));
        defined.then_some([DIGEST_BYTE; 32])
    }

    fn verify_ecdsa(&mut self, signature: &[u8], public_key: &[u8], _: &[u8; 32]) -> bool {
        (self.0)(Question::Ecdsa { signature, public_key })
    }

    fn verify_schnorr(&mut self, signature: &[u8; 64], public_key: &[u8; 32], message: &[u8]) -> bool {
        (self.0)(Question::Schnorr { signature, public_key, message })
    }

    fn view(&self) -> TxView<'_> {
        let Dummy { tx, prevouts, cache } = &*DUMMY;
        TxView { tx, prevouts, input: 0, cache }
    }

    fn check_lock_time(&mut self, lock_time: i64) -> bool {
        (self.0)(Question::LockTime(lock_time))
    }

    fn check_sequence(&mut self, sequence: i64) -> bool {
        (self.0)(Question::Sequence(sequence))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_made_up() {
        let mut host = MockHost::new(|_| true);
        let mut midstates = EcdsaMidstates::default();
        let message = TaprootMessage { annex_hash: None, tapscript: None };
        let digests = [
            host.legacy_digest(&[], 1, &mut midstates),
            host.segwit_v0_digest(&[], 1, &mut midstates).unwrap(),
            host.taproot_digest(&message, 1).unwrap(),
        ];
        assert_eq!(digests, [[0x77; 32]; 3]);
        let view = host.view();
        assert_eq!((view.tx.input.len(), view.prevouts.len(), view.input), (1, 1, 0));
    }
}
