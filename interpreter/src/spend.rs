//! The public face: a transaction, what it spends, and the verdict of an input.

use bitcoin::{Transaction, TxOut};

use crate::error::{UsageError, VerifyError};
use crate::flags::Flags;
use crate::inspector::{Inspector, NoInspector};
use crate::sighash::{Signing, TxCache};
use crate::tx_host::TxHost;
use crate::verify;

/// A transaction together with the outputs that it spends.
///
/// Hashes that several inputs need are computed once, when the first input needs them.
///
/// ```
/// use bitcoin::{Amount, ScriptBuf, Transaction, TxIn, TxOut, absolute::LockTime, transaction::Version};
/// use sigstack_interpreter::{Flags, ScriptError, Spend, VerifyError};
///
/// let tx = Transaction {
///     version: Version::TWO,
///     lock_time: LockTime::ZERO,
///     input: vec![TxIn::default()],
///     output: vec![],
/// };
/// let spend_of = |script: &[u8]| TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from(script.to_vec()) };
///
/// let true_output = [spend_of(&[0x51])];
/// let spend = Spend::new(&tx, &true_output)?;
/// assert_eq!(spend.verify(0, Flags::CONSENSUS), Ok(()));
///
/// let false_output = [spend_of(&[0x00])];
/// let verdict = Spend::new(&tx, &false_output)?.verify(0, Flags::CONSENSUS);
/// assert_eq!(verdict.unwrap_err().script_error(), Some(ScriptError::EvalFalse));
/// # Ok::<(), sigstack_interpreter::UsageError>(())
/// ```
#[derive(Debug)]
pub struct Spend<'a> {
    tx: &'a Transaction,
    prevouts: &'a [TxOut],
    cache: TxCache,
}

impl<'a> Spend<'a> {
    /// Takes a transaction and the output that each of its inputs spends, in input order.
    ///
    /// # Errors
    ///
    /// [`UsageError::PrevoutCount`] unless there is one prevout for each input.
    pub fn new(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Result<Spend<'a>, UsageError> {
        if tx.input.len() != prevouts.len() {
            return Err(UsageError::PrevoutCount { inputs: tx.input.len(), prevouts: prevouts.len() });
        }
        Ok(Spend { tx, prevouts, cache: TxCache::default() })
    }

    /// The transaction.
    pub fn tx(&self) -> &'a Transaction {
        self.tx
    }

    /// The outputs that its inputs spend, in input order.
    pub fn prevouts(&self) -> &'a [TxOut] {
        self.prevouts
    }

    /// What signature hashes of an input are made of.
    ///
    /// # Errors
    ///
    /// [`UsageError::InputIndex`] if there is no such input.
    pub fn signing(&self, input: usize) -> Result<Signing<'_>, UsageError> {
        if input >= self.tx.input.len() {
            return Err(UsageError::InputIndex { index: input, inputs: self.tx.input.len() });
        }
        Ok(Signing { tx: self.tx, prevouts: self.prevouts, input, cache: &self.cache })
    }

    /// Verifies one input (Core `VerifyScript`).
    ///
    /// # Errors
    ///
    /// [`VerifyError::Script`] if the spend breaks a rule; [`VerifyError::Usage`] if there is no such input or the flags
    /// do not go together.
    pub fn verify(&self, input: usize, flags: Flags) -> Result<(), VerifyError> {
        self.verify_with(input, flags, &mut NoInspector)
    }

    /// Verifies one input and tells an inspector every step of it. The verdict is that of [`Spend::verify`].
    ///
    /// # Errors
    ///
    /// As [`Spend::verify`].
    pub fn verify_with<I: Inspector>(
        &self,
        input: usize,
        flags: Flags,
        inspector: &mut I,
    ) -> Result<(), VerifyError> {
        flags.check()?;
        let host = TxHost { signing: self.signing(input)?, deferred: None };
        verify::verify_input(host, flags, inspector)
    }
}
