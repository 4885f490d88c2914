//! The guard of towers for the signed sequence form.

use secp256k1::Keypair;

use super::contested::Contested;
use super::{SequenceTerms, TowerRecord};
use crate::error::ChannelError;
use crate::keys::x_only;
use crate::mutation::{Mutation, mutated};
use crate::publish::{Claim, Guard, Orders, Purpose, View};

/// The [`Guard`] of a tower: it decides which transactions the tower publishes. It answers an older commitment
/// transaction of the peer with the justice transaction.
#[derive(Clone, Debug)]
pub(super) struct TowerGuard {
    terms: SequenceTerms,
    delay: u16,
    record: TowerRecord,
    key: Keypair,
}

impl TowerGuard {
    /// Parses a tower's record and verifies its signatures. `key` is the tower's own key, which is needed only if the
    /// reward is paid to this key.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if the record is damaged, if a signature in it is invalid, or if the terms need a key and `key`
    /// is not that key.
    pub(super) fn read(
        (terms, delay): (SequenceTerms, u16),
        record: &[u8],
        key: Option<&Keypair>,
    ) -> Result<TowerGuard, ChannelError> {
        let record = TowerRecord::from_bytes(record)?;
        let key = terms.tower_key(&record, key)?;
        if !mutated(Mutation::EvidenceUnchecked) {
            terms.profile.check_number(&record.number_key, record.number, &record.evidence)?;
        }
        Contested::of_record(terms, &record, x_only(&key)).check_consent(record.number, record.consent)?;
        Ok(TowerGuard { terms, delay, record, key })
    }
}

impl Guard for TowerGuard {
    fn claims(&self, view: View<'_>, _orders: &Orders) -> Result<Vec<Claim>, ChannelError> {
        let Some(spend) = view.confirmed_spend(&self.record.funding) else { return Ok(Vec::new()) };
        let answer = self.terms.answer(&self.record, spend.tx, Some(&self.key))?;
        let claims = answer.into_iter().filter_map(|step| {
            let coin = step.tx.input.first().map(|input| input.previous_output);
            let coin = coin.filter(|coin| view.is_unspent(coin))?;
            let claim = Claim::with_child(Purpose::Answer, coin, step, self.record.capacity);
            Some(claim.before(spend.height.unwrap_or_default().saturating_add(self.delay.into())))
        });
        Ok(claims.collect())
    }

    fn channel(&self) -> Vec<u8> {
        TowerRecord { number: 0, evidence: [0; 64], consent: None, ..self.record }.to_bytes()
    }

    fn rank(&self) -> Vec<u32> {
        vec![self.record.number]
    }
}
