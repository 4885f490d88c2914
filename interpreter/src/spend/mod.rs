//! [`Spend`]: the type with which callers verify a whole transaction, or one of its inputs.

mod all;

use bitcoin::{Transaction, TxOut};

use crate::claim::Claim;
use crate::code_points::{CodePoints, Rules};
use crate::conclude::{self, InputVerified};
use crate::error::{TransactionError, UsageError, VerifyError};
use crate::flags::Flags;
use crate::inspector::{Inspector, NoInspector};
use crate::tx_host::TxHost;
use crate::verify;
use crate::view::{TxCache, TxView};

pub use all::verify_spends;

/// A transaction together with the outputs that it spends. [`Spend::verify`] verifies the whole transaction, and
/// [`Spend::verify_input`] verifies one input.
///
/// Hashes that several inputs need are computed once, when first needed.
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
    code_points: CodePoints,
}

impl<'a> Spend<'a> {
    /// Creates a `Spend` from a transaction and the output that each of its inputs spends, in input order.
    ///
    /// # Errors
    ///
    /// [`UsageError::PrevoutCount`] if the number of prevouts differs from the number of inputs.
    pub fn new(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Result<Spend<'a>, UsageError> {
        if tx.input.len() != prevouts.len() {
            return Err(UsageError::PrevoutCount { inputs: tx.input.len(), prevouts: prevouts.len() });
        }
        Ok(Spend { tx, prevouts, cache: TxCache::default(), code_points: CodePoints::default() })
    }

    /// Sets the opcode bytes that stand for the opcodes of proposals in all scripts. By default, each proposal has the
    /// byte that its [`Proposal`](crate::Proposal) lists.
    #[must_use]
    pub fn with_code_points(self, code_points: CodePoints) -> Spend<'a> {
        Spend { code_points, ..self }
    }

    /// Returns which opcode byte stands for the opcode of each proposed soft fork.
    pub fn code_points(&self) -> &CodePoints {
        &self.code_points
    }

    /// Returns the transaction that spends the outputs.
    pub fn tx(&self) -> &'a Transaction {
        self.tx
    }

    /// Returns the outputs that the inputs of the transaction spend, in input order.
    pub fn prevouts(&self) -> &'a [TxOut] {
        self.prevouts
    }

    /// Returns the transaction view from which the signature hashes of an input are computed.
    ///
    /// # Errors
    ///
    /// [`UsageError::InputIndex`] if the transaction has no such input.
    pub fn view(&self, input: usize) -> Result<TxView<'_>, UsageError> {
        if input >= self.tx.input.len() {
            return Err(UsageError::InputIndex { index: input, inputs: self.tx.input.len() });
        }
        Ok(TxView { tx: self.tx, prevouts: self.prevouts, input, cache: &self.cache })
    }

    /// Verifies one input (Core `VerifyScript`). This is not a verdict on the transaction: pass the results of all
    /// inputs to [`Spend::conclude`], or use [`Spend::verify`].
    ///
    /// # Errors
    ///
    /// [`VerifyError::Script`] if the input breaks a rule. [`VerifyError::Usage`] if the transaction has no such input, or
    /// if a flag is set without another flag that it needs.
    pub fn verify_input(&self, input: usize, flags: Flags) -> Result<InputVerified, VerifyError> {
        self.verify_input_with(input, flags, &mut NoInspector)
    }

    /// Verifies one input and reports each step to an inspector. The verdict is the same as that of [`Spend::verify_input`].
    ///
    /// # Errors
    ///
    /// The errors are those of [`Spend::verify_input`].
    pub fn verify_input_with<I: Inspector>(
        &self,
        input: usize,
        flags: Flags,
        inspector: &mut I,
    ) -> Result<InputVerified, VerifyError> {
        flags.check().map_err(UsageError::from)?;
        let host = TxHost { view: self.view(input)?, claims: Vec::new() };
        verify::verify_input(host, Rules { flags, code_points: &self.code_points }, inspector)
    }

    /// Checks the rules over the whole transaction and returns the verdict. `inputs` are the results of verifying all
    /// inputs, in any order.
    ///
    /// # Errors
    ///
    /// - [`TransactionError::Rule`] if the transaction breaks a rule over the whole transaction.
    /// - [`TransactionError::Usage`] if `inputs` lacks an input of the transaction, has an input more than once, or has
    ///   an input that was verified under other flags.
    pub fn conclude(&self, inputs: &[InputVerified], flags: Flags) -> Result<(), TransactionError> {
        flags.check().map_err(UsageError::from)?;
        conclude::require_each(inputs, self.tx.input.len(), flags)?;
        let claims: Vec<Claim> = inputs.iter().flat_map(InputVerified::claims).copied().collect();
        Ok(conclude::check(self.tx, &claims, flags)?)
    }

    /// Verifies the transaction: every input, and the rules over the whole transaction. With the feature `rayon`,
    /// inputs are verified in parallel; the verdict is the same.
    ///
    /// # Errors
    ///
    /// - [`TransactionError::Input`] for the first invalid input, in input order.
    /// - [`TransactionError::Rule`] if every input is valid but the transaction breaks a rule over the whole
    ///   transaction.
    /// - [`TransactionError::Usage`] if a flag is set without another flag that it needs. The flags are checked even if
    ///   the transaction has no inputs.
    pub fn verify(&self, flags: Flags) -> Result<(), TransactionError> {
        flags.check().map_err(UsageError::from)?;
        let claims = all::claims(self, flags)?;
        Ok(conclude::check(self.tx, &claims, flags)?)
    }
}
