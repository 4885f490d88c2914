//! Claims on the HTLC outputs of constructions that use taproot.

use bitcoin::{ScriptBuf, Transaction};
use secp256k1::Keypair;

use super::{Claim, Deadline, Draft, Found, Orders, Pays, Purpose, Signer, Unlock, View, outputs_to};
use crate::content::Htlc;
use crate::error::ChannelError;
use crate::keys::x_only;
use crate::leaves;
use crate::mutation::{Mutation, mutated};
use crate::taproot::TapOutput;
use crate::tx::{SEQUENCE_FREE, input, output, transaction};

/// The HTLC outputs of one channel state, with the data that one party needs to claim them.
#[derive(Clone, Debug)]
pub struct HtlcOutputs {
    /// Index of the party that claims the HTLC outputs.
    pub party: usize,
    /// The party's key pair for the HTLC leaf scripts.
    pub key: Keypair,
    /// Script to which the party's claims pay.
    pub payout: ScriptBuf,
    /// All HTLCs of the state that are large enough for an output, each with its output.
    pub outputs: Vec<(Htlc, TapOutput)>,
}

impl HtlcOutputs {
    /// Returns the sum of all HTLCs that the party sends or receives, in satoshi.
    pub fn stake(&self) -> u64 {
        let own = self.outputs.iter().filter(|(htlc, _)| htlc.to == self.party || htlc.from == self.party);
        own.fold(0, |sum, (htlc, _)| sum.saturating_add(htlc.sat))
    }

    /// Returns the earliest deadline of the HTLCs that have not expired and that the party can claim with a known
    /// preimage. This is the first block in which the sender can take such an HTLC back. The amount of the deadline is
    /// the sum of all such HTLCs with the same expiry. Returns `None` if there is no such HTLC.
    pub fn deadline(&self, view: View<'_>, orders: &Orders) -> Option<Deadline> {
        let known = |htlc: &Htlc| htlc.to == self.party && orders.preimage(&htlc.payment_hash).is_some();
        let open = self.outputs.iter().map(|(htlc, _)| htlc);
        let open: Vec<&Htlc> = open.filter(|htlc| known(htlc) && htlc.expiry >= view.height()).collect();
        let expiry = open.iter().map(|htlc| htlc.expiry).min()?;
        let first = open.iter().filter(|htlc| htlc.expiry == expiry);
        let lost = first.fold(0, |sum: u64, htlc| sum.saturating_add(htlc.sat));
        Some(Deadline { block: expiry.saturating_add(1), lost })
    }

    /// Returns the party's claims on the HTLC outputs of the transaction `tx`, which confirmed at `height`.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if an output lacks the leaf script that the claim needs.
    pub fn claims(
        &self,
        view: View<'_>,
        orders: &Orders,
        (tx, height): (&Transaction, u32),
    ) -> Result<Vec<Claim>, ChannelError> {
        let mut claims: Vec<Claim> = Vec::new();
        for (htlc, out) in &self.outputs {
            let equal = if mutated(Mutation::FirstOfEqualHtlcs) { 1 } else { usize::MAX };
            for found in outputs_to(tx, height, &out.script_pubkey()).into_iter().take(equal) {
                // Two HTLCs with equal terms have two outputs with the same script.
                let taken = claims.iter().any(|claim| claim.coin == found.coin);
                if !taken && view.is_unspent(&found.coin) {
                    claims.extend(self.claim(&found, htlc, out, orders)?);
                }
            }
        }
        Ok(claims)
    }

    fn claim(
        &self,
        found: &Found,
        htlc: &Htlc,
        out: &TapOutput,
        orders: &Orders,
    ) -> Result<Option<Claim>, ChannelError> {
        let preimage = orders.preimage(&htlc.payment_hash).filter(|_| htlc.to == self.party);
        if mutated(Mutation::HtlcNotTaken) && preimage.is_some() {
            return Ok(None);
        }
        if mutated(Mutation::HtlcNotTakenBack) && htlc.from == self.party {
            return Ok(None);
        }
        let draft = match preimage {
            Some(_) => htlc_draft(found, htlc, out, (&self.key, &self.payout), preimage)?,
            None if htlc.from == self.party => htlc_draft(found, htlc, out, (&self.key, &self.payout), None)?,
            None => return Ok(None),
        };
        let stake = found.out.value.to_sat();
        let claim = Claim::new(Purpose::Htlc, found.coin, draft, Pays::Own, stake);
        Ok(Some(match preimage {
            Some(_) => claim.before(htlc.expiry.saturating_add(1)),
            None => claim.from(htlc.expiry),
        }))
    }
}

/// Builds the unsigned transaction that claims an HTLC output. If `preimage` is given, the recipient of the HTLC
/// claims. Otherwise the sender claims after the expiry.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the output lacks the leaf script that the claim needs.
pub fn htlc_draft(
    found: &Found,
    htlc: &Htlc,
    out: &TapOutput,
    (key, payout): (&Keypair, &ScriptBuf),
    preimage: Option<&[u8; 32]>,
) -> Result<Draft, ChannelError> {
    let (leaf, lock_time, label) = match preimage {
        Some(_) => (leaves::htlc_success(&x_only(key), &htlc.short_hash()), 0, "HTLC success"),
        None => (leaves::htlc_timeout(&x_only(key), htlc.expiry), htlc.expiry, "HTLC timeout"),
    };
    let mut stack: Vec<Vec<u8>> = preimage.iter().map(|preimage| preimage.to_vec()).collect();
    let place = stack.len();
    stack.push(Vec::new());
    let witness = out.witness(&leaf, stack)?;
    let outputs = vec![output(found.out.value.to_sat(), payout.clone())];
    let tx = transaction(2, lock_time, vec![input(found.coin, SEQUENCE_FREE)], outputs);
    let unlock = Unlock::signed(Signer::Leaf(*key, leaf), witness, place);
    Ok(Draft { label, tx, prevouts: vec![found.out.clone()], unlocks: vec![unlock] })
}
