//! Commitment and HTLC transactions (BOLT 3 "Commitment Transaction Construction", "HTLC-Timeout and HTLC-Success
//! Transactions").

use bitcoin::{OutPoint, ScriptBuf, Transaction, TxOut};

use super::keys::CommitmentKeys;
use super::scripts::{self, HtlcScript};
use crate::tx::{P2A_DUST_LIMIT, input, output, p2a, p2wpkh, p2wsh, transaction};

/// Satoshi in an anchor output.
pub const ANCHOR_SAT: u64 = 330;

/// How a commitment pays its fee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `option_static_remotekey`: the commitment and the HTLC transactions pay a fee that was agreed before.
    StaticRemotekey,
    /// `option_anchors` with zero-fee HTLC transactions: the commitment pays a small fee, anchors add to it.
    Anchors,
    /// Version 3 without any fee, one P2A that also takes in trimmed amounts (lightning/bolts pull request 1228, in review).
    ZeroFee,
}

impl Format {
    /// Expected weight without HTLCs (BOLT 3 appendix A; for the zero-fee form what its parts add up to).
    pub const fn commitment_weight(self) -> u64 {
        match self {
            Format::StaticRemotekey => 724,
            Format::Anchors => 1124,
            Format::ZeroFee => 824,
        }
    }

    /// Satoshi in the anchors of a commitment with outputs of both sides.
    pub const fn anchors(self) -> u64 {
        match self {
            Format::Anchors => 2 * ANCHOR_SAT,
            Format::StaticRemotekey | Format::ZeroFee => 0,
        }
    }

    /// Expected weight of an HTLC transaction (BOLT 3 appendix A).
    pub const fn htlc_weight(self, direction: HtlcDirection) -> u64 {
        match (direction, self) {
            (HtlcDirection::Offered, Format::StaticRemotekey) => 663,
            (HtlcDirection::Received, Format::StaticRemotekey) => 703,
            (HtlcDirection::Offered, _) => 666,
            (HtlcDirection::Received, _) => 706,
        }
    }

    /// Whether HTLC scripts and to_remote wait for one block.
    pub const fn one_block_lock(self) -> bool {
        !matches!(self, Format::StaticRemotekey)
    }

    /// The fee that an HTLC transaction pays of itself.
    pub const fn htlc_fee(self, direction: HtlcDirection, feerate_per_kw: u64) -> u64 {
        match self {
            Format::StaticRemotekey => self.htlc_weight(direction).saturating_mul(feerate_per_kw) / 1000,
            Format::Anchors | Format::ZeroFee => 0,
        }
    }

    /// nVersion of all transactions.
    pub const fn version(self) -> i32 {
        match self {
            Format::ZeroFee => 3,
            _ => 2,
        }
    }

    /// The hash type of the other side's signature of an HTLC transaction.
    pub const fn remote_htlc_sighash(self) -> u8 {
        match self {
            Format::StaticRemotekey => super::SIGHASH_ALL,
            _ => super::SIGHASH_SINGLE_ANYONECANPAY,
        }
    }
}

/// Who pays an HTLC, seen from the commitment's owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HtlcDirection {
    /// The owner pays if the preimage comes.
    Offered,
    /// The owner is paid if it has the preimage.
    Received,
}

/// An HTLC in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LnHtlc {
    /// Seen from the commitment's owner.
    pub direction: HtlcDirection,
    /// Thousandths of a satoshi.
    pub amount_msat: u64,
    /// The height from which on it can be timed out.
    pub expiry: u32,
    /// SHA-256 of the preimage.
    pub payment_hash: [u8; 32],
}

/// What a commitment transaction is made of.
#[derive(Clone, Copy, Debug)]
pub struct CommitmentParams<'a> {
    /// The output that it spends.
    pub funding: OutPoint,
    /// Commitments count from 0.
    pub number: u64,
    /// Hides the number.
    pub mask: u64,
    /// Keys of this commitment.
    pub keys: &'a CommitmentKeys,
    /// Blocks for which the owner waits.
    pub to_self_delay: u16,
    /// Outputs below are trimmed.
    pub dust_limit: u64,
    /// The agreed feerate.
    pub feerate_per_kw: u64,
    /// The owner's balance without HTLCs in flight.
    pub to_local_msat: u64,
    /// The other side's balance without HTLCs in flight.
    pub to_remote_msat: u64,
    /// HTLCs in flight.
    pub htlcs: &'a [LnHtlc],
    /// How it pays its fee.
    pub format: Format,
    /// Whether the owner opened the channel, and so pays the fee.
    pub owner_is_opener: bool,
}

/// What an output of a commitment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentOutput {
    /// The owner's balance.
    ToLocal,
    /// The other side's balance.
    ToRemote,
    /// An HTLC, by its place in the list.
    Htlc(usize),
    /// The owner's anchor.
    LocalAnchor,
    /// The other side's anchor.
    RemoteAnchor,
    /// The anchor that anyone spends.
    SharedAnchor,
}

/// A commitment transaction without its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitmentTx {
    /// The transaction.
    pub tx: Transaction,
    /// What its outputs are.
    pub outputs: Vec<CommitmentOutput>,
}

/// nLockTime and nSequence that hold a number: its upper and lower 24 bits, hidden by the mask.
pub fn obscure_number(number: u64, mask: u64) -> (u32, u32) {
    let hidden = number ^ mask;
    let low = |bits: u64| u32::try_from(bits & 0xff_ffff).unwrap_or_default();
    (0x2000_0000 | low(hidden), 0x8000_0000 | low(hidden >> 24))
}

/// The number in a commitment on the chain.
pub fn commitment_number(tx: &Transaction, mask: u64) -> Option<u64> {
    let sequence = u64::from(tx.input.first()?.sequence.0);
    let lock_time = u64::from(tx.lock_time.to_consensus_u32());
    (sequence >> 24 == 0x80 && lock_time >> 24 == 0x20)
        .then_some(((sequence & 0xff_ffff) << 24 | lock_time & 0xff_ffff) ^ mask)
}

/// The witness script of an HTLC's output.
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

    /// The fee that the weight formula gives, without what is trimmed.
    pub fn base_fee(&self) -> u64 {
        let count = self.htlcs.iter().filter(|htlc| !self.is_trimmed(htlc)).count() as u64;
        match self.format {
            Format::ZeroFee => 0,
            format => (format.commitment_weight() + 172 * count).saturating_mul(self.feerate_per_kw) / 1000,
        }
    }

    /// The witness script of to_remote, if it is P2WSH.
    pub fn remote_script(&self) -> Option<Vec<u8>> {
        self.format.one_block_lock().then(|| scripts::to_remote_anchors(&self.keys.remote_payment))
    }

    /// The witness script of to_local.
    pub fn local_script(&self) -> Vec<u8> {
        scripts::to_local(&self.keys.revocation, self.to_self_delay, &self.keys.local_delayed)
    }

    /// Builds the transaction: balances with the opener's fee and anchors taken off, dust trimmed, outputs in the order of BIP
    /// 69 (amount, script; HTLCs that are equal in both by expiry).
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

/// The HTLC transaction of an output of a commitment, without its signatures: HTLC-timeout for an HTLC that the owner
/// offered, HTLC-success for one that it received.
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
