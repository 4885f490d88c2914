//! Ways to pay the fee of a commitment transaction, in particular with an input that the publisher adds.
//!
//! The peer signs a commitment transaction with a sighash type that allows additional inputs. Before publication, the
//! publisher adds an input that pays the fee, so no child is needed. The new input changes the txid, and signatures for
//! the original txid become invalid. Templates, signatures under ANYPREVOUTANYSCRIPT, and signatures made after the
//! publication are valid for any txid. With CSFS alone the settlement is signed for one txid, so this module refuses
//! that profile.
//!
//! With a fee input there is no P2A output of 0 sat, because a transaction with a dust output is relayed only if its
//! fee is zero. While the commitment transaction is unconfirmed, anyone can remove the publisher's input and add other
//! inputs. The resulting transaction can have up to 10,000 vB, which makes it expensive to replace (pinning). A child
//! on a P2A output is limited to 1,000 vB.

use bitcoin::{OutPoint, TxOut};

use super::SignedSequence;
use crate::error::ChannelError;
use crate::model::{Profile, Step};
use crate::sign;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, op_return, output, p2a};
use crate::wallet::Wallet;

/// How the fee of a commitment transaction is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fees {
    /// A child transaction pays the fee. It spends a P2A output of 0 sat of the commitment transaction.
    #[default]
    Child,
    /// Additional inputs pay the fee with their whole value. The sighash type is ALL|ANYONECANPAY, which covers all
    /// outputs.
    Inputs,
    /// An additional input pays the fee, and an additional output returns the change. The sighash type is
    /// SINGLE|ANYONECANPAY, which covers only the contested output. The hash of the settlement leaf is in the annex,
    /// which the signature also covers.
    InputWithChange,
}

impl Fees {
    /// Returns the sighash type with which both parties sign commitment transactions.
    pub const fn hash_type(self) -> u8 {
        match self {
            Fees::Child => sign::DEFAULT,
            Fees::Inputs => sign::ALL_ANYONECANPAY,
            Fees::InputWithChange => sign::SINGLE_ANYONECANPAY,
        }
    }

    /// Returns the outputs of a commitment transaction. `published` is the hash of the settlement leaf. It is `None` if
    /// the settlement leaf is the same in all states, so that it need not be published.
    pub(super) fn outputs(self, contested: TxOut, published: Option<[u8; 32]>) -> Vec<TxOut> {
        let hash =
            published.filter(|_| self != Fees::InputWithChange).map(|hash| output(0, op_return(&hash)));
        let anchor = (self == Fees::Child).then(|| output(0, p2a()));
        [Some(contested), hash, anchor].into_iter().flatten().collect()
    }

    /// Returns the annex of a commitment transaction, which publishes the hash of the settlement leaf. Returns `None`
    /// if this hash is published in an output instead.
    pub(super) fn annex(self, published: &[u8; 32]) -> Option<Vec<u8>> {
        (self == Fees::InputWithChange).then(|| [&[0x50][..], published].concat())
    }
}

impl SignedSequence {
    /// Selects how the fees of commitment transactions are paid. Must be called before the channel is opened.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if the settlement is signed for one txid, which a fee input would change.
    pub fn with_fees(mut self, fees: Fees) -> Result<SignedSequence, ChannelError> {
        if fees != Fees::Child && self.terms.profile == Profile::CsfsOnly {
            return Err(ChannelError::refused(
                "the settlement is signed for one txid; a fee input changes it",
            ));
        }
        self.fees = fees;
        Ok(self)
    }

    /// Returns the settlement transaction of a state, which spends the published commitment transaction. Fee inputs may
    /// have changed the txid of that commitment transaction.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if `published` is not the commitment transaction of this publisher and state.
    pub fn settle_on(
        &self,
        publisher: usize,
        number: u32,
        published: &bitcoin::Transaction,
    ) -> Result<Step, ChannelError> {
        let content = self.history.state(number)?;
        let version = self.version(publisher, number, content)?;
        self.settle((published, &version.out), content, None)
    }
}

/// Adds the wallet's coins as fee inputs to a commitment transaction, and signs these inputs. If `fees` allows a change
/// output, it receives the rest of the coins. Otherwise the coins must be equal to the fee.
///
/// # Errors
///
/// [`ChannelError::Refused`] if the coins cannot pay exactly this fee, or if `fees` is [`Fees::Child`].
pub fn with_fee_inputs(
    fees: Fees,
    version: Step,
    (wallet, coins): (&Wallet, &[(OutPoint, TxOut)]),
    fee: u64,
) -> Result<Step, ChannelError> {
    let Step { label, mut tx, mut prevouts } = version;
    let signed = tx.input.len();
    let sum = coins.iter().fold(0u64, |sum, (_, out)| sum.saturating_add(out.value.to_sat()));
    for (coin, out) in coins {
        tx.input.push(input(*coin, SEQUENCE_FREE));
        prevouts.push(out.clone());
    }
    match (fees, sum.checked_sub(fee)) {
        (Fees::Inputs, Some(0)) => {}
        (Fees::InputWithChange, Some(change)) if change >= P2TR_DUST_LIMIT => {
            tx.output.push(output(change, wallet.script_pubkey().clone()));
        }
        _ => return Err(ChannelError::refused(format!("coins of {sum} sat cannot pay a fee of {fee} sat"))),
    }
    for place in signed..tx.input.len() {
        wallet.sign(&mut tx, &prevouts, place)?;
    }
    Ok(Step { label, tx, prevouts })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attacks::Shown;
    use crate::chain::{PolicyError, Reject};
    use crate::model::contested::Contested;
    use crate::model::{Construction, Content, PlayError, Setup, Stage};
    use crate::publish::{Orders, Pays, View};
    use crate::taproot::Leaf;
    use sigstack_interpreter::ScriptError;

    const CAPACITY: u64 = 1_000_000;
    const WITH_TEMPLATES: [Profile; 4] =
        [Profile::Ctv, Profile::TemplateHash, Profile::AnyPrevOut, Profile::AnyPrevOutAlone];

    fn content(state: u64) -> Content {
        Content::of(&[600_000 - 50_000 * state, 400_000 + 50_000 * state])
    }

    fn channel(profile: Profile, fees: Fees) -> (SignedSequence, Stage) {
        let setup = Setup::named("fee input", 2, CAPACITY, 144).unwrap();
        let channel = SignedSequence::new(setup, profile, content(0)).unwrap();
        let mut channel = channel.with_fees(fees).unwrap();
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        for state in 1..4 {
            channel.update(content(state)).unwrap();
        }
        (channel, stage)
    }

    /// Returns the commitment transaction of a state with an added input that pays a fee of 1,000 sat.
    fn funded(channel: &SignedSequence, stage: &mut Stage, state: u32) -> Step {
        let sat = if channel.fees == Fees::Inputs { 1_000 } else { 50_000 };
        let coin = stage.wallet.mint(&mut stage.chain, sat);
        let version = channel.close(0, state).unwrap().remove(0);
        with_fee_inputs(channel.fees, version, (&stage.wallet, &[coin]), 1_000).unwrap()
    }

    /// Settlement, contest and justice transactions are valid even if a fee input changed the txid of the commitment
    /// transaction.
    #[test]
    fn settlement_contest_and_justice_survive_a_fee_input() {
        for (profile, fees) in WITH_TEMPLATES
            .into_iter()
            .flat_map(|profile| [(profile, Fees::Inputs), (profile, Fees::InputWithChange)])
        {
            for ending in ["settlement", "contest", "justice"] {
                let (channel, mut stage) = channel(profile, fees);
                let state = if ending == "settlement" { 3 } else { 1 };
                let signed = channel.close(0, state).unwrap()[0].tx.compute_txid();
                let version = funded(&channel, &mut stage, state);
                assert_ne!(version.tx.compute_txid(), signed);
                let published = stage.publish(version).unwrap();
                assert!(published.child.is_none());
                let tx = published.step.tx;
                let (steps, paid) = match ending {
                    "settlement" => (Some(vec![channel.settle_on(0, state, &tx).unwrap()]), 550_000),
                    "contest" => (channel.contest(1, &tx).unwrap(), CAPACITY),
                    _ => (channel.tower_contest(1, &tx).unwrap(), CAPACITY),
                };
                stage
                    .publish_all(steps.unwrap())
                    .unwrap_or_else(|error| panic!("{profile:?} {fees:?}: {error}"));
                // Only the contest subtracts a fee from the output that it takes.
                let fee = paid - stage.paid(&channel, 1);
                assert_eq!(
                    (340..350).contains(&fee),
                    ending == "contest",
                    "{profile:?} {fees:?} {ending}: {fee}"
                );
            }
        }
    }

    /// A fee input changes the txid of the commitment transaction. A settlement that both parties signed for the
    /// original txid is then invalid.
    #[test]
    fn what_is_signed_for_one_txid_does_not_survive() {
        let refused = ChannelError::refused("the settlement is signed for one txid; a fee input changes it");
        let setup = || Setup::named("fee input", 2, CAPACITY, 144).unwrap();
        let with_csfs = SignedSequence::new(setup(), Profile::CsfsOnly, content(0)).unwrap();
        assert_eq!(with_csfs.with_fees(Fees::Inputs).map(drop), Err(refused));
        // The same channel, built without this check.
        let mut channel = SignedSequence::new(setup(), Profile::CsfsOnly, content(0)).unwrap();
        channel.fees = Fees::Inputs;
        let mut stage = Stage::new(&channel).unwrap();
        stage.open(&mut channel).unwrap();
        let mut settlement = channel.close(0, 0).unwrap().remove(1);
        let proposals = channel.facts().proposals;
        assert_eq!(Shown::verify(settlement.clone(), proposals).unwrap().expect, None);
        let published = funded(&channel, &mut stage, 0).tx;
        settlement.tx.input[0].previous_output.txid = published.compute_txid();
        let shown = Shown::verify(settlement, proposals).unwrap();
        assert_eq!(shown.expect, Some(ScriptError::SchnorrSig));
    }

    /// Shows which parts of a commitment transaction can be changed without invalidating its signature, by the
    /// publisher or by anyone.
    #[test]
    fn a_version_s_signature_leaves_open_what_its_type_says() {
        for fees in [Fees::Inputs, Fees::InputWithChange] {
            let (channel, mut stage) = channel(Profile::Ctv, fees);
            let version = funded(&channel, &mut stage, 3);
            let verdict = |tx: &bitcoin::Transaction, prevouts: &[TxOut]| {
                let step = Step { label: "changed", tx: tx.clone(), prevouts: prevouts.to_vec() };
                Shown::verify(step, channel.facts().proposals).unwrap().expect
            };
            let (tx, prevouts) = (&version.tx, &version.prevouts);
            assert_eq!(verdict(tx, prevouts), None);
            // The signature covers the contested output and the data that publishes the settlement hash.
            let mut changed = tx.clone();
            changed.output[0].value = bitcoin::Amount::from_sat(CAPACITY - 1);
            assert_eq!(verdict(&changed, prevouts), Some(ScriptError::SchnorrSig));
            let mut changed = tx.clone();
            match fees {
                Fees::Inputs => changed.output[1] = output(0, op_return(&[1; 32])),
                _ => {
                    let signature = changed.input[0].witness.to_vec().remove(0);
                    let annex = [&[0x50][..], &[1; 32]].concat();
                    crate::tx::set_witness(&mut changed, 0, &[signature, annex]);
                }
            }
            assert_eq!(verdict(&changed, prevouts), Some(ScriptError::SchnorrSig));
            // Only SINGLE allows additional outputs.
            let mut changed = tx.clone();
            changed.output.push(output(0, p2a()));
            let open = if fees == Fees::Inputs { Some(ScriptError::SchnorrSig) } else { None };
            assert_eq!(verdict(&changed, prevouts), open);
            // Anyone can remove the publisher's fee input.
            let mut stripped = tx.clone();
            stripped.input.pop();
            assert_eq!(verdict(&stripped, &prevouts[..1]), None);
        }
    }

    /// Towers and clients find the funding input and the contested output of a commitment transaction even if both have
    /// index 1.
    #[test]
    fn a_version_behind_another_input_is_answered() {
        for by_tower in [false, true] {
            let (channel, mut stage) = channel(Profile::Ctv, Fees::InputWithChange);
            let mut version = funded(&channel, &mut stage, 1);
            version.tx.input.swap(0, 1);
            version.tx.output.swap(0, 1);
            version.prevouts.swap(0, 1);
            stage.wallet.sign(&mut version.tx, &version.prevouts, 0).unwrap();
            let tx = stage.publish(version).unwrap().step.tx;
            let steps = if by_tower { channel.tower_contest(1, &tx) } else { channel.contest(1, &tx) };
            let steps = steps.unwrap().unwrap();
            assert_eq!(steps[0].tx.input[0].previous_output.vout, 1);
            stage.publish_all(steps).unwrap();
            assert!(stage.paid(&channel, 1) > CAPACITY - 350);
        }
    }

    /// The sighash type SINGLE allows additional outputs. So an output that imitates the contested output may come
    /// before the real one. Guards and towers must ignore the imitation.
    #[test]
    fn a_decoy_before_the_contested_output_is_left_alone() {
        for state in [1, 3] {
            let (channel, mut stage) = channel(Profile::Ctv, Fees::InputWithChange);
            let mut version = funded(&channel, &mut stage, state);
            version.tx.input.swap(0, 1);
            version.tx.output.swap(0, 1);
            version.prevouts.swap(0, 1);
            let number = channel.script_number(state).unwrap();
            let settle = channel.settle_leaf(channel.history.state(state).unwrap()).unwrap();
            let capacity = if state == 1 { 330 } else { CAPACITY };
            let decoy = Contested { capacity, ..channel.contested(0).unwrap() };
            let out = decoy.out(number, Leaf::Script(settle)).unwrap();
            let change = output(48_670, stage.wallet.script_pubkey().clone());
            version.tx.output[0] = output(330, out.script_pubkey());
            version.tx.output.push(change);
            stage.wallet.sign(&mut version.tx, &version.prevouts, 0).unwrap();
            let tx = stage.publish(version).unwrap().step.tx;
            let claims =
                channel.guard(1).unwrap().claims(View::new(&stage.chain), &Orders::default()).unwrap();
            let claimed: Vec<u32> = claims.iter().map(|claim| claim.coin.vout).collect();
            assert_eq!(claimed, [1], "{state}");
            let justice = channel.tower_contest(1, &tx).unwrap();
            let spent = justice.map(|steps| steps[0].tx.input[0].previous_output.vout);
            assert_eq!(spent, (state == 1).then_some(1));
        }
    }

    /// To close the channel, the guard makes a claim whose fee is paid by an additional input. The signed commitment
    /// transaction gets this input and a change output.
    #[test]
    fn the_guard_closes_with_an_input_that_it_adds() {
        let (channel, mut stage) = channel(Profile::Ctv, Fees::InputWithChange);
        let mut orders = Orders::default();
        orders.close = true;
        let guard = channel.guard(0).unwrap();
        let claims = guard.claims(View::new(&stage.chain), &orders).unwrap();
        assert!(matches!(claims[0].pays, Pays::Input));
        let coin = stage.wallet.mint(&mut stage.chain, 50_000);
        let step = claims[0].draft.funded(&stage.wallet, &coin, 1_000).unwrap();
        assert_eq!(stage.publish(step).unwrap().child, None);
        let claims = guard.claims(View::new(&stage.chain), &orders).unwrap();
        stage.publish(claims[0].step(0).unwrap()).unwrap();
        assert_eq!(stage.paid(&channel, 0), 450_000);
    }

    /// A commitment transaction with both a fee input and a P2A output of 0 sat is not relayed.
    #[test]
    fn a_fee_input_beside_an_anchor_is_not_relayed() {
        let (channel, mut stage) = channel(Profile::Ctv, Fees::InputWithChange);
        let mut version = channel.close(0, 3).unwrap().remove(0);
        version.tx.output.push(output(0, p2a()));
        let coin = stage.wallet.mint(&mut stage.chain, 50_000);
        let coins = [coin];
        let funded = with_fee_inputs(channel.fees, version, (&stage.wallet, &coins), 1_000).unwrap();
        let refused = stage.publish(funded);
        let dust = |reject: &Reject| matches!(reject, Reject::NonStandard(PolicyError::DustWithFee { .. }));
        assert!(matches!(&refused, Err(PlayError::Chain { reject, .. }) if dust(reject)), "{refused:?}");
        // `with_fee_inputs` refuses coins that cannot pay the fee.
        let version = || channel.close(0, 3).unwrap().remove(0);
        for (fees, fee) in [(Fees::Child, 1_000), (Fees::Inputs, 1_000), (Fees::InputWithChange, 49_671)] {
            let refused = with_fee_inputs(fees, version(), (&stage.wallet, &coins), fee).map(drop);
            let reason = format!("coins of 50000 sat cannot pay a fee of {fee} sat");
            assert_eq!(refused, Err(ChannelError::refused(reason)));
        }
        assert!(with_fee_inputs(Fees::InputWithChange, version(), (&stage.wallet, &coins), 49_670).is_ok());
        assert!(with_fee_inputs(Fees::Inputs, version(), (&stage.wallet, &coins), 50_000).is_ok());
    }

    /// Weights of a commitment transaction for each of the three ways to pay its fee, including the child or input that
    /// pays.
    #[test]
    fn weights_of_the_ways_to_pay() {
        let mut found = Vec::new();
        for fees in [Fees::Child, Fees::Inputs, Fees::InputWithChange] {
            let (channel, mut stage) = channel(Profile::Ctv, fees);
            let version = match fees {
                Fees::Child => channel.close(0, 3).unwrap().remove(0),
                _ => funded(&channel, &mut stage, 3),
            };
            found.push(stage.publish(version).unwrap().weight());
        }
        assert_eq!(found, [668 + 609, 847, 881]);
    }
}
