//! A transaction with its spent outputs, which is checked against policy.

use bitcoin::{Transaction, TxIn, TxOut};
use sigstack_interpreter::limits::MAX_MONEY;

use crate::{Policy, PolicyError, dust_limit, form, inputs, limits, sigops};

/// A transaction to check against policy, with those of its spent outputs that are known.
///
/// If all spent outputs are known, [`Candidate::check`] applies every rule. If some spent outputs are unknown, it
/// skips the rules that need them:
///
/// - the rules for each input that [`Candidate::unknown_prevouts`] returns,
/// - the minimum fee,
/// - the rule that a transaction with a dust output pays no fee.
///
/// Therefore an error means that a node refuses the transaction, even if some spent outputs are unknown. `Ok` means
/// only that the transaction satisfies the rules that were applied.
#[derive(Clone, Debug)]
pub struct Candidate<'a> {
    tx: &'a Transaction,
    prevouts: Vec<Option<&'a TxOut>>,
}

impl<'a> Candidate<'a> {
    /// Creates a candidate from a transaction and all outputs that it spends, in input order.
    pub fn new(tx: &'a Transaction, prevouts: &'a [TxOut]) -> Candidate<'a> {
        Candidate::with_known(tx, prevouts.iter().map(Some))
    }

    /// Creates a candidate from a transaction and the known spent outputs, in input order. `None` marks an unknown
    /// output. If the list is shorter than the inputs, the spent outputs of the remaining inputs are unknown.
    pub fn with_known(
        tx: &'a Transaction,
        prevouts: impl IntoIterator<Item = Option<&'a TxOut>>,
    ) -> Candidate<'a> {
        let known = prevouts.into_iter().chain(core::iter::repeat(None));
        Candidate { tx, prevouts: known.take(tx.input.len()).collect() }
    }

    /// Returns the indices of the inputs whose spent outputs are unknown to this candidate.
    pub fn unknown_prevouts(&self) -> Vec<usize> {
        let unknown = self.prevouts.iter().enumerate().filter(|(_, prevout)| prevout.is_none());
        unknown.map(|(input, _)| input).collect()
    }

    /// Checks all policy rules for a single transaction, in the order in which Core 31 applies them.
    ///
    /// # Errors
    ///
    /// The first rule that the transaction violates.
    pub fn check(&self, policy: &Policy) -> Result<(), PolicyError> {
        self.check_form(policy)?;
        let fee = self.fee()?;
        self.check_inputs(policy)?;
        if let Some(fee) = fee {
            self.check_ephemeral_dust(fee, policy)?;
        }
        self.check_sigops_cost()?;
        if let Some(fee) = fee {
            self.check_fee(fee, policy)?;
        }
        self.check_truc_size()
    }

    /// Checks the rules that do not depend on the spent outputs. They concern the version, the size, the scriptSigs,
    /// the outputs and the number of dust outputs.
    ///
    /// # Errors
    ///
    /// The first rule that the transaction violates.
    pub fn check_form(&self, policy: &Policy) -> Result<(), PolicyError> {
        form::check(self.tx, policy)
    }

    /// Checks the rules for those inputs whose spent outputs are known. They concern the number of signature
    /// operations outside the witness (BIP 54), the form of each spent output, and the witnesses.
    ///
    /// # Errors
    ///
    /// The first rule that the transaction violates.
    pub fn check_inputs(&self, policy: &Policy) -> Result<(), PolicyError> {
        let mut sigops = 0u64;
        for (_, input, prevout) in self.known() {
            sigops = sigops.saturating_add(sigstack_interpreter::sigops::legacy(input, prevout));
            if sigops > limits::MAX_TX_LEGACY_SIGOPS {
                return Err(PolicyError::LegacySigops { sigops });
            }
        }
        for (nth, input, prevout) in self.known() {
            inputs::check_spent(nth, input, prevout)?;
        }
        for (input, tx_input, prevout) in self.known() {
            inputs::check_witness(tx_input, prevout, policy)
                .map_err(|rule| PolicyError::Witness { input, rule })?;
        }
        Ok(())
    }

    /// Returns the fee of the transaction in satoshi. Returns `None` if a spent output is unknown.
    ///
    /// # Errors
    ///
    /// [`PolicyError::InputValuesOutOfRange`] or [`PolicyError::InBelowOut`] if the amounts violate consensus (Core
    /// `CheckTxInputs`).
    pub fn fee(&self) -> Result<Option<u64>, PolicyError> {
        let mut spent = 0u64;
        for (input, prevout) in self.prevouts.iter().enumerate() {
            let Some(prevout) = prevout else { return Ok(None) };
            spent = spent.saturating_add(prevout.value.to_sat());
            if spent > MAX_MONEY {
                return Err(PolicyError::InputValuesOutOfRange { input });
            }
        }
        let created =
            self.tx.output.iter().fold(0u64, |sum, output| sum.saturating_add(output.value.to_sat()));
        match spent.checked_sub(created) {
            Some(fee) => Ok(Some(fee)),
            None => Err(PolicyError::InBelowOut { spent, created }),
        }
    }

    /// Checks that a transaction with a dust output pays no fee (Core `PreCheckEphemeralTx`). Without a fee, miners
    /// have no incentive to include the transaction unless a child spends the dust.
    ///
    /// # Errors
    ///
    /// [`PolicyError::DustWithFee`] if the transaction has a dust output and `fee` is not 0.
    pub fn check_ephemeral_dust(&self, fee: u64, policy: &Policy) -> Result<(), PolicyError> {
        match form::dust(self.tx, policy).next() {
            Some((output, dust)) if fee > 0 => {
                let limit = dust_limit(&dust.script_pubkey, policy.dust_relay);
                Err(PolicyError::DustWithFee { output, amount: dust.value.to_sat(), limit, fee })
            }
            _ => Ok(()),
        }
    }

    /// Returns the signature operation cost of the transaction (BIP 141). A signature operation costs 4 outside the
    /// witness and 1 inside the witness. For an input whose spent output is unknown, only the scriptSig is counted.
    pub fn sigops_cost(&self) -> u64 {
        let inputs = self.known().map(|(_, input, prevout)| sigops::cost_of_input(input, prevout));
        sigops::cost_of_form(self.tx).saturating_add(inputs.sum())
    }

    /// Checks that the signature operation cost of the transaction (BIP 141) is at most 16,000.
    ///
    /// # Errors
    ///
    /// [`PolicyError::SigopsCost`] if the cost exceeds this limit.
    pub fn check_sigops_cost(&self) -> Result<(), PolicyError> {
        match self.sigops_cost() {
            cost if cost > limits::MAX_TX_SIGOPS_COST => Err(PolicyError::SigopsCost { cost }),
            _ => Ok(()),
        }
    }

    /// Returns the virtual size of the transaction in bytes, adjusted for signature operations (Core
    /// `GetVirtualTransactionSize`).
    pub fn vsize(&self) -> u64 {
        let adjusted = self.sigops_cost().saturating_mul(limits::BYTES_PER_SIGOP);
        self.tx.weight().to_wu().max(adjusted).div_ceil(4)
    }

    /// Checks that a fee in satoshi reaches the minimum relay feerate for the virtual size of the transaction.
    ///
    /// # Errors
    ///
    /// [`PolicyError::MinRelayFee`] if the fee is too low.
    pub fn check_fee(&self, fee: u64, policy: &Policy) -> Result<(), PolicyError> {
        let vsize = self.vsize();
        match Policy::fee(policy.min_relay, vsize) {
            needed if fee < needed => Err(PolicyError::MinRelayFee { fee, needed, vsize }),
            _ => Ok(()),
        }
    }

    /// Checks that a version 3 transaction has at most 10,000 virtual bytes (BIP 431). Other versions always pass.
    ///
    /// # Errors
    ///
    /// [`PolicyError::TrucSize`] if the version 3 transaction is larger.
    pub fn check_truc_size(&self) -> Result<(), PolicyError> {
        match self.vsize() {
            vsize if self.tx.version.0 == 3 && vsize > limits::MAX_TRUC_VSIZE => {
                Err(PolicyError::TrucSize { vsize })
            }
            _ => Ok(()),
        }
    }

    /// Returns the inputs whose spent outputs are known. Each item is the index of the input, the input and its spent
    /// output.
    fn known(&self) -> impl Iterator<Item = (usize, &'a TxIn, &'a TxOut)> + '_ {
        let inputs = self.tx.input.iter().zip(&self.prevouts).enumerate();
        inputs.filter_map(|(nth, (input, prevout))| prevout.map(|prevout| (nth, input, prevout)))
    }
}
