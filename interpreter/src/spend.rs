//! A transaction with the outputs that it spends, its verdict, and that of an input.

use bitcoin::{Transaction, TxOut};

use crate::all;
use crate::claims::{self, Claim, InputVerified};
use crate::error::{TransactionError, UsageError, VerifyError};
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
/// use sigstack_interpreter::{Flags, ScriptError, Spend};
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
/// assert_eq!(spend.verify(Flags::CONSENSUS), Ok(()));
///
/// let false_output = [spend_of(&[0x00])];
/// let verdict = Spend::new(&tx, &false_output)?.verify(Flags::CONSENSUS);
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

    /// Verifies one input (Core `VerifyScript`). The transaction's verdict needs every input: [`Spend::conclude`].
    ///
    /// # Errors
    ///
    /// [`VerifyError::Script`] if the input breaks a rule; [`VerifyError::Usage`] if there is no such input or the flags
    /// do not go together.
    pub fn verify_input(&self, input: usize, flags: Flags) -> Result<InputVerified, VerifyError> {
        self.verify_input_with(input, flags, &mut NoInspector)
    }

    /// Verifies one input and reports each step to an inspector. The verdict is that of [`Spend::verify_input`].
    ///
    /// # Errors
    ///
    /// As [`Spend::verify_input`].
    pub fn verify_input_with<I: Inspector>(
        &self,
        input: usize,
        flags: Flags,
        inspector: &mut I,
    ) -> Result<InputVerified, VerifyError> {
        flags.check()?;
        let host = TxHost { signing: self.signing(input)?, claims: Vec::new() };
        verify::verify_input(host, flags, inspector)
    }

    /// Concludes the verdict on the transaction from its verified inputs, in any order: the rules that span inputs.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Rule`] if the transaction breaks such a rule; [`TransactionError::Usage`] unless every input of the
    /// transaction was verified once and under these flags.
    pub fn conclude(&self, inputs: &[InputVerified], flags: Flags) -> Result<(), TransactionError> {
        flags.check()?;
        claims::require_each(inputs, self.tx.input.len(), flags)?;
        let claims: Vec<Claim> = inputs.iter().flat_map(InputVerified::claims).copied().collect();
        Ok(claims::check(self.tx, &claims, flags)?)
    }

    /// Verifies the transaction: every input, and the rules that span inputs. With the feature `rayon` inputs are verified in
    /// parallel; the verdict is the same.
    ///
    /// # Errors
    ///
    /// That of the first invalid input, in input order; if every input is valid, the rule over the whole transaction that is
    /// broken. [`TransactionError::Usage`] if the flags do not go together, whatever the number of inputs.
    pub fn verify(&self, flags: Flags) -> Result<(), TransactionError> {
        flags.check()?;
        let claims = all::claims(self, flags)?;
        Ok(claims::check(self.tx, &claims, flags)?)
    }
}
