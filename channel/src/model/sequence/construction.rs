//! Implementation of [`Construction`] for the signed sequence form.

use std::sync::Arc;

use bitcoin::{OutPoint, TxOut};

use super::super::known::{self, Held, Known};
use super::super::settlement::Settlement;
use super::super::{
    ClientRecord, Construction, Content, Facts, Profile, Setup, Step, Terms, TowerTerms, UpdateCost,
};
use super::guard::SequenceGuard;
use super::{Fees, SignedSequence, claim_delay};
use crate::error::ChannelError;
use crate::keys::x_only;
use crate::leaves;
use crate::publish::SharedGuard;
use crate::taproot::TapOutput;

impl Construction for SignedSequence {
    fn facts(&self) -> Facts {
        Facts {
            name: self.terms.profile.name(),
            proposals: self.terms.profile.proposals(),
            annex: self.fees == Fees::InputWithChange,
            symmetric: false,
            penalty: true,
            states: self.terms.profile.numbers().saturating_sub(self.first).into(),
            worst_delay: self.setup.delay.into(),
            multiparty: false,
        }
    }

    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn acceptance(&self) -> Terms {
        self.setup.settlement_terms(self.frame, claim_delay(&self.setup))
    }

    fn see_height(&mut self, height: u32) {
        self.setup.height = height;
    }

    fn funding_output(&self) -> &TxOut {
        &self.funding_output
    }

    fn open(&mut self, funding: OutPoint) -> Result<(), ChannelError> {
        if self.setup.opened(funding) {
            self.history.forget_signatures();
        }
        if !self.history.is_signed() {
            let content = self.history.newest().clone();
            let signed = self.sign_state(self.number(), &content)?;
            self.history.sign(signed);
        }
        Ok(())
    }

    fn number(&self) -> u32 {
        self.history.number()
    }

    fn content(&self) -> &Content {
        self.history.newest()
    }

    fn update(&mut self, content: Content) -> Result<UpdateCost, ChannelError> {
        let content = self.setup.accept(content, &self.acceptance())?;
        let signed = self.sign_state(self.number().saturating_add(1), &content)?;
        self.history.push(content, Some(signed));
        // With CSFS alone: two partial signatures for each of two settlements. With APO alone: each party's signature
        // for its tower.
        let more = match self.terms.profile {
            Profile::CsfsOnly => 4,
            Profile::AnyPrevOutAlone => 2,
            _ => 0,
        };
        // In every profile: one partial signature for each commitment transaction, and one signature of the state
        // number by each party.
        Ok(UpdateCost { signatures: 4 + more, secrets: 0 })
    }

    fn agree(&mut self, content: Content) -> Result<(), ChannelError> {
        let content = self.setup.accept(content, &self.acceptance())?;
        self.history.push(content, None);
        Ok(())
    }

    fn cooperative_close(&mut self) -> Result<Step, ChannelError> {
        self.setup.cooperative_close(&self.funding, self.history.newest())
    }

    fn close(&self, by: usize, number: u32) -> Result<Vec<Step>, ChannelError> {
        let records = self.history.signed(number)?;
        let record =
            records.get(by).ok_or_else(|| ChannelError::refused(format!("there is no party {by}")))?;
        let (commitment, out) = self.complete(by, number, &record.content, &record.commitment)?;
        let signature = record.settlements.map(|[own, _]| own);
        let settlement = self.settle((&commitment.tx, &out), &record.content, signature)?;
        Ok(vec![commitment, settlement])
    }

    fn guard(&self, party: usize) -> Result<SharedGuard, ChannelError> {
        let record = ClientRecord::from_bytes(&self.client_bytes(party))?;
        let peer = 1 - party.min(1);
        let (contested, key) = (self.contested(peer)?, &self.setup.party(party)?.penalty);
        contested.terms.profile.check_number(&contested.number_key, record.number, &record.evidence)?;
        let content = &record.content;
        let number = record.number.saturating_sub(self.first);
        let (commitment, own) = self.complete(party, number, content, &record.commitment)?;
        let peers = self.version(peer, number, content)?.out;
        let settlement = |out: TapOutput, signature: Option<[u8; 64]>| {
            let stack = signature.map(|signature| signature.to_vec()).into_iter().collect();
            let (tx, leaf) = (self.settlement(content)?, self.settle_leaf(content)?);
            Ok::<_, ChannelError>(Settlement { tx, leaf, out, stack })
        };
        Ok(Arc::new(SequenceGuard {
            funding: self.setup.funding,
            contested,
            mask: self.mask,
            delay: self.setup.delay,
            key: *key,
            number: record.number,
            evidence: record.evidence,
            settlements: [
                settlement(own, record.settlements.map(|[own, _]| own))?,
                settlement(peers, record.settlements.map(|[_, peers]| peers))?,
            ],
            commitment,
            fees: self.fees,
            balance: content.balances.get(party).copied().unwrap_or_default(),
            htlcs: self.setup.htlc_outputs(party, content)?,
        }))
    }

    fn tower_terms(&self) -> Option<TowerTerms> {
        // Without a template, a tower would need the client's key to make a justice transaction.
        (self.terms.profile != Profile::CsfsOnly)
            .then_some(TowerTerms::Sequence(self.terms, self.setup.delay))
    }

    fn state(&self, number: u32) -> Result<&Content, ChannelError> {
        Ok(self.history.state(number)?)
    }

    fn outputs(&self) -> Result<Vec<Known>, ChannelError> {
        let mut outputs = known::htlc_outputs(self)?;
        for number in 0..=self.number() {
            for publisher in 0..2 {
                outputs.push(Known::Tap(self.version(publisher, number, self.history.state(number)?)?.out));
            }
        }
        Ok(outputs)
    }

    fn held(&self, party: usize) -> Result<Held, ChannelError> {
        let mut held = Held::of(self.setup.party(party)?)?;
        let peer = x_only(&self.setup.party(1 - party.min(1))?.number);
        for number in 0..=self.number() {
            if let Some(record) = self.history.signed(number)?.get(party) {
                held.statements.push((peer, leaves::number_bytes(record.number), record.evidence));
            }
            // The party can sign the next higher state number itself.
            held.fixed.push(self.contested(party)?.justice(self.script_number(number + 1)?)?);
        }
        Ok(held)
    }

    fn client_bytes(&self, party: usize) -> Vec<u8> {
        self.client_record(party).map(ClientRecord::to_bytes).unwrap_or_default()
    }

    fn tower_bytes(&self, client: usize) -> Vec<u8> {
        match self.terms.profile {
            Profile::CsfsOnly => Vec::new(),
            _ => self.tower_record(client).map(|record| record.to_bytes()).unwrap_or_default(),
        }
    }
}
