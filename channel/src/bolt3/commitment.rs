//! Commitment and HTLC transactions (BOLT 3 "Commitment Transaction Construction", "HTLC-Timeout and HTLC-Success
//! Transactions").

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};

use super::keys::CommitmentKeys;
use super::scripts::{self, HtlcScript};
use crate::tx::{P2A_DUST_LIMIT, input, output, p2a, p2wpkh, p2wsh, transaction};

/// Amount of an anchor output, in satoshi.
pub const ANCHOR_SAT: u64 = 330;

/// Commitment format of a channel, which determines how fees are paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `option_static_remotekey`: commitment and HTLC transactions pay a fee at a feerate that was agreed in advance.
    StaticRemotekey,
    /// `option_anchors` with zero-fee HTLC transactions: the commitment transaction pays a small fee. Child
    /// transactions that spend the anchors can pay more.
    Anchors,
    /// Version 3 commitment transaction without a fee. Its P2A output receives the amounts of trimmed outputs, up to
    /// 240 sat (lightning/bolts pull request 1228, in review).
    ZeroFee,
}

impl Format {
    /// Returns the expected weight of a commitment transaction without HTLCs (BOLT 3 appendix A). The value of
    /// `ZeroFee`, which is not in BOLT 3, is the sum of the weights of the transaction's parts.
    pub const fn commitment_weight(self) -> u64 {
        match self {
            Format::StaticRemotekey => 724,
            Format::Anchors => 1124,
            Format::ZeroFee => 824,
        }
    }

    /// Returns the total amount of a commitment transaction's anchor outputs in satoshi. Both sides are assumed to
    /// have an anchor.
    pub const fn anchors(self) -> u64 {
        match self {
            Format::Anchors => 2 * ANCHOR_SAT,
            Format::StaticRemotekey | Format::ZeroFee => 0,
        }
    }

    /// Returns the expected weight of an HTLC transaction, in weight units (BOLT 3 appendix A).
    pub const fn htlc_weight(self, direction: HtlcDirection) -> u64 {
        match (direction, self) {
            (HtlcDirection::Offered, Format::StaticRemotekey) => 663,
            (HtlcDirection::Received, Format::StaticRemotekey) => 703,
            (HtlcDirection::Offered, _) => 666,
            (HtlcDirection::Received, _) => 706,
        }
    }

    /// Returns whether HTLC scripts and to_remote have a relative lock of one block.
    pub const fn one_block_lock(self) -> bool {
        !matches!(self, Format::StaticRemotekey)
    }

    /// Returns the fee in satoshi that is fixed in an HTLC transaction. In the formats with zero-fee HTLC
    /// transactions it is 0. Whoever publishes the HTLC transaction then adds an input that pays the fee.
    pub const fn htlc_fee(self, direction: HtlcDirection, feerate_per_kw: u64) -> u64 {
        match self {
            Format::StaticRemotekey => self.htlc_weight(direction).saturating_mul(feerate_per_kw) / 1000,
            Format::Anchors | Format::ZeroFee => 0,
        }
    }

    /// Returns the nVersion of commitment and HTLC transactions.
    pub const fn version(self) -> i32 {
        match self {
            Format::ZeroFee => 3,
            _ => 2,
        }
    }

    /// Returns the hash type of the remote side's signature of an HTLC transaction.
    pub const fn remote_htlc_sighash(self) -> u8 {
        match self {
            Format::StaticRemotekey => super::SIGHASH_ALL,
            _ => super::SIGHASH_SINGLE_ANYONECANPAY,
        }
    }
}

/// Direction of an HTLC, seen from the owner of the commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HtlcDirection {
    /// The owner of the commitment transaction offered the HTLC, and pays it if the preimage is revealed.
    Offered,
    /// The owner of the commitment transaction receives the HTLC's amount if it knows the preimage.
    Received,
}

/// A pending HTLC of an LN-penalty commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LnHtlc {
    /// Direction of the HTLC, seen from the owner of the commitment transaction.
    pub direction: HtlcDirection,
    /// Amount of the HTLC in millisatoshi.
    pub amount_msat: u64,
    /// Height from which the side that offered the HTLC can take it back.
    pub expiry: u32,
    /// Payment hash of the HTLC, which is the SHA-256 hash of its preimage.
    pub payment_hash: [u8; 32],
}

/// Parameters of a commitment transaction.
#[derive(Clone, Copy, Debug)]
pub struct CommitmentParams<'a> {
    /// Funding output that the commitment transaction spends.
    pub funding: OutPoint,
    /// Commitment number, starting with 0.
    pub number: u64,
    /// 48-bit mask that obscures the commitment number.
    pub mask: u64,
    /// Keys of this commitment transaction.
    pub keys: &'a CommitmentKeys,
    /// Number of blocks that the owner of the commitment transaction must wait before it can spend its balance.
    pub to_self_delay: u16,
    /// Dust limit in satoshi. Outputs below it are trimmed.
    pub dust_limit: u64,
    /// Agreed feerate in satoshi per 1,000 weight units.
    pub feerate_per_kw: u64,
    /// Owner's balance in millisatoshi, without pending HTLCs.
    pub to_local_msat: u64,
    /// Remote side's balance in millisatoshi, without pending HTLCs.
    pub to_remote_msat: u64,
    /// HTLCs that are pending in this commitment transaction.
    pub htlcs: &'a [LnHtlc],
    /// Commitment format, which determines how fees are paid.
    pub format: Format,
    /// Whether the owner of the commitment transaction opened the channel. The opener pays the fee.
    pub owner_is_opener: bool,
}

/// Kind of an output of a commitment transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentOutput {
    /// Output with the balance of the commitment transaction's owner (to_local).
    ToLocal,
    /// Output with the balance of the remote side (to_remote).
    ToRemote,
    /// HTLC output. The value is the index of the HTLC in [`CommitmentParams::htlcs`].
    Htlc(usize),
    /// Anchor output that the owner of the commitment transaction can spend.
    LocalAnchor,
    /// Anchor output that the remote side can spend.
    RemoteAnchor,
    /// P2A anchor, which anyone can spend.
    SharedAnchor,
}

/// An unsigned commitment transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTx {
    /// The unsigned commitment transaction.
    pub tx: Transaction,
    /// Kind of each output of the commitment transaction, in output order.
    pub outputs: Vec<CommitmentOutput>,
}

/// Returns the nLockTime and nSequence that encode a commitment number. They contain the lower and the upper
/// 24 bits of the number after XOR with `mask`.
pub fn obscure_number(number: u64, mask: u64) -> (u32, u32) {
    let hidden = number ^ mask;
    let low = |bits: u64| u32::try_from(bits & 0xff_ffff).unwrap_or_default();
    (0x2000_0000 | low(hidden), 0x8000_0000 | low(hidden >> 24))
}

/// Returns the commitment number that a transaction encodes, or `None` if the transaction is not a commitment
/// transaction.
pub fn commitment_number(tx: &Transaction, mask: u64) -> Option<u64> {
    let sequence = u64::from(tx.input.first()?.sequence.0);
    let lock_time = u64::from(tx.lock_time.to_consensus_u32());
    (sequence >> 24 == 0x80 && lock_time >> 24 == 0x20)
        .then_some(((sequence & 0xff_ffff) << 24 | lock_time & 0xff_ffff) ^ mask)
}

/// Returns the witness script of an HTLC output.
pub fn htlc_output_script(keys: &CommitmentKeys, htlc: &LnHtlc, format: Format) -> Vec<u8> {
    let parts = HtlcScript {
        revocation: &keys.revocation,
        local_htlc: &keys.local_htlc,
        remote_htlc: &keys.remote_htlc,
        payment_hash: &htlc.payment_hash,
        expiry: htlc.expiry,
        one_block_lock: format.one_block_lock(),
    };
    match htlc.direction {
        HtlcDirection::Offered => parts.offered(),
        HtlcDirection::Received => parts.received(),
    }
}

impl CommitmentParams<'_> {
    fn is_trimmed(&self, htlc: &LnHtlc) -> bool {
        let fee = self.format.htlc_fee(htlc.direction, self.feerate_per_kw);
        htlc.amount_msat / 1000 < self.dust_limit.saturating_add(fee)
    }

    /// Returns the commitment transaction's fee in satoshi by the weight formula of BOLT 3. Amounts of
    /// trimmed outputs are not included.
    pub fn base_fee(&self) -> u64 {
        let count = self.htlcs.iter().filter(|htlc| !self.is_trimmed(htlc)).count() as u64;
        match self.format {
            Format::ZeroFee => 0,
            format => (format.commitment_weight() + 172 * count).saturating_mul(self.feerate_per_kw) / 1000,
        }
    }

    /// Returns the witness script of the to_remote output, or `None` if this output is P2WPKH.
    pub fn remote_script(&self) -> Option<Vec<u8>> {
        self.format.one_block_lock().then(|| scripts::to_remote_anchors(&self.keys.remote_payment))
    }

    /// Returns the witness script of the to_local output, which pays the owner's balance.
    pub fn local_script(&self) -> Vec<u8> {
        scripts::to_local(&self.keys.revocation, self.to_self_delay, &self.keys.local_delayed)
    }

    /// Builds the unsigned commitment transaction. Fee and anchors are subtracted from the opener's balance, and dust
    /// outputs are trimmed. Outputs are in the order of BIP 69 (amount, then script); equal HTLC outputs are ordered by
    /// expiry.
    pub fn build(&self) -> CommitmentTx {
        let fee = self.base_fee().saturating_add(self.format.anchors());
        let (local, remote) = (self.to_local_msat / 1000, self.to_remote_msat / 1000);
        let (local, remote) = match self.owner_is_opener {
            true => (local.saturating_sub(fee), remote),
            false => (local, remote.saturating_sub(fee)),
        };

        let mut outputs = self.htlc_outputs();
        let has_htlcs = !outputs.is_empty();
        if local >= self.dust_limit {
            outputs.push((output(local, p2wsh(&self.local_script())), 0, CommitmentOutput::ToLocal));
        }
        if remote >= self.dust_limit {
            outputs.push((output(remote, self.remote_output()), 0, CommitmentOutput::ToRemote));
        }
        if self.format == Format::Anchors {
            if local >= self.dust_limit || has_htlcs {
                let script = p2wsh(&scripts::anchor(&self.keys.local_funding));
                outputs.push((output(ANCHOR_SAT, script), 0, CommitmentOutput::LocalAnchor));
            }
            if remote >= self.dust_limit || has_htlcs {
                let script = p2wsh(&scripts::anchor(&self.keys.remote_funding));
                outputs.push((output(ANCHOR_SAT, script), 0, CommitmentOutput::RemoteAnchor));
            }
        }
        if self.format == Format::ZeroFee {
            let trimmed = self.trimmed_sat(local, remote).min(P2A_DUST_LIMIT);
            outputs.push((output(trimmed, p2a()), 0, CommitmentOutput::SharedAnchor));
        }
        outputs.sort_by(|(a, a_expiry, _), (b, b_expiry, _)| {
            let key = |out: &TxOut, expiry| (out.value, out.script_pubkey.clone(), expiry);
            key(a, *a_expiry).cmp(&key(b, *b_expiry))
        });
        let (lock_time, sequence) = obscure_number(self.number, self.mask);
        CommitmentTx {
            outputs: outputs.iter().map(|(_, _, kind)| *kind).collect(),
            tx: transaction(
                self.format.version(),
                lock_time,
                vec![input(self.funding, sequence)],
                outputs.into_iter().map(|(out, _, _)| out).collect(),
            ),
        }
    }

    fn htlc_outputs(&self) -> Vec<(TxOut, u32, CommitmentOutput)> {
        let kept = self.htlcs.iter().enumerate().filter(|(_, htlc)| !self.is_trimmed(htlc));
        kept.map(|(place, htlc)| {
            let script = p2wsh(&htlc_output_script(self.keys, htlc, self.format));
            (output(htlc.amount_msat / 1000, script), htlc.expiry, CommitmentOutput::Htlc(place))
        })
        .collect()
    }

    fn remote_output(&self) -> ScriptBuf {
        match self.remote_script() {
            Some(script) => p2wsh(&script),
            None => p2wpkh(&self.keys.remote_payment.serialize()),
        }
    }

    fn trimmed_sat(&self, local: u64, remote: u64) -> u64 {
        let htlcs =
            self.htlcs.iter().filter(|htlc| self.is_trimmed(htlc)).map(|htlc| htlc.amount_msat / 1000);
        let balances = [local, remote].into_iter().filter(|sat| *sat < self.dust_limit);
        htlcs.chain(balances).fold(0, u64::saturating_add)
    }
}

/// Returns the unsigned transaction that spends an HTLC output of the owner's commitment transaction:
/// HTLC-timeout for an HTLC that the owner offered, HTLC-success for one that it received.
pub fn htlc_transaction(
    params: &CommitmentParams<'_>,
    commitment: &Transaction,
    vout: u32,
    htlc: &LnHtlc,
) -> Transaction {
    let fee = params.format.htlc_fee(htlc.direction, params.feerate_per_kw);
    let lock_time = match htlc.direction {
        HtlcDirection::Offered => htlc.expiry,
        HtlcDirection::Received => 0,
    };
    let funding = OutPoint { txid: commitment.compute_txid(), vout };
    let sequence = u32::from(params.format.one_block_lock());
    let value = (htlc.amount_msat / 1000).saturating_sub(fee);
    let out = output(value, p2wsh(&params.local_script()));
    transaction(params.format.version(), lock_time, vec![input(funding, sequence)], vec![out])
}
