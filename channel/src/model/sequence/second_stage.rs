//! A variant of the signed sequence form in which the commitment transaction itself has the HTLC outputs. The publisher
//! claims an HTLC through a second-stage transaction, so an HTLC may expire before the contest delay ends.
//!
//! With the second-stage transaction the publisher moves an HTLC to a separate output, either with the preimage or
//! after the expiry. The publisher can spend that output after the contest delay. The other party can take it if it has
//! the publisher's signature of a higher state number. The other party claims its HTLCs directly from the commitment
//! transaction.
//!
//! - **By template**: the HTLC leaf contains the template of the second-stage transaction. No signature per HTLC is
//!   needed, and the txid of the commitment transaction does not matter. A template commits to the number of inputs. So
//!   each HTLC needs its own second-stage transaction, with a child that pays the fee.
//! - **By ANYPREVOUT**: both parties sign each second-stage transaction under SINGLE|ANYPREVOUT, one signature per HTLC
//!   and commitment transaction. The signature is valid for any txid, but only for the HTLC outputs of one state
//!   number, because the publisher's key in the leaf is different for each state number. With a single key, the
//!   publisher of an old commitment transaction could move an HTLC that later states also contain to a second-stage
//!   output of a later state number, which the victim does not check. Second stages with the same nLockTime can share
//!   one transaction with a fee input: all that use preimages, or all with the same expiry.
//!
//! In both cases one transaction spends all second-stage outputs after the delay.
//!
//! The second-stage outputs of one state number all have the same script, so a victim can take them without data of old
//! HTLCs. The HTLC outputs of an old commitment transaction cannot be rebuilt without that data, so the victim cannot
//! take an HTLC output that the cheater leaves unspent. The contested output is smaller than the capacity, and a tower
//! reads its amount from the confirmed commitment transaction. With ANYPREVOUT alone (no CSFS) this is impossible,
//! because the victim's signature of the tower's transaction commits to one amount.

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::Keypair;
use sigstack_interpreter::taproot::leaf_hash;

use super::SignedSequence;
use crate::error::ChannelError;
use crate::keys::{sign_schnorr, tagged_hash, taproot_keypair, x_only};
use crate::leaves;
use crate::model::accept::{MAX_TRUC_WEIGHT, OUTPUT_WEIGHT, Size, blocks_until_claimed};
use crate::model::contested::{Contested, obscure};
use crate::model::{ClientRecord, Construction, Content, Htlc, Profile, Step, Terms};
use crate::publish::outputs_to;
use crate::sign::{self, SINGLE_ANYPREVOUT, with_hash_type};
use crate::taproot::{Leaf, TAPSCRIPT, TapOutput};
use crate::tx::{
    P2TR_DUST_LIMIT, SEQUENCE_FREE, input, op_return, outpoint, output, p2a, set_witness, transaction,
};
use crate::wallet::Wallet;

/// Weight of a signed commitment transaction with a P2A output and without HTLC outputs, in weight units.
const VERSION_WEIGHT: u64 = 668;

/// How the parties fix the second-stage transactions of a commitment transaction. With such a transaction, the
/// publisher moves an HTLC to an output with a delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// The HTLC leaf contains an OP_CHECKTEMPLATEVERIFY template, which only the second-stage transaction satisfies.
    Template,
    /// Both parties sign the second-stage transaction in advance, under SINGLE|ANYPREVOUT.
    AnyPrevOut,
}

/// An HTLC output of a commitment transaction, with the data for the second-stage transaction with which the publisher
/// spends it.
#[derive(Clone, Debug)]
struct Placed {
    htlc: Htlc,
    out: TapOutput,
    /// Leaf script that the second-stage transaction satisfies.
    leaf: Vec<u8>,
    /// nLockTime of the second-stage transaction: the expiry if the publisher sends the HTLC, otherwise 0.
    lock_time: u32,
    /// Joint signature of the second-stage transaction. `None` if a template fixes that transaction.
    signature: Option<[u8; 64]>,
}

/// A commitment transaction of one state that has HTLC outputs, signed by both parties.
#[derive(Clone, Debug)]
pub struct TwoStage {
    second: Second,
    publisher: usize,
    /// State number of the commitment transaction, as scripts compare it: the channel's first state number plus the
    /// number of updates.
    number: u32,
    /// The signed commitment transaction.
    pub commitment: Step,
    /// The output that every second-stage transaction of this commitment transaction creates.
    stage: TapOutput,
    placed: Vec<Placed>,
}

/// A fee input for a second-stage transaction: the wallet, its unspent output, and the fee in satoshi.
pub type FeeCoin<'a> = (&'a Wallet, &'a (OutPoint, TxOut), u64);

impl SignedSequence {
    /// Returns the output that the second-stage transactions of a commitment transaction have. The publisher can spend
    /// it after the delay. The other party can spend it with the publisher's signature of a higher state number.
    fn stage_output(&self, publisher: usize, number: u32) -> Result<TapOutput, ChannelError> {
        let own = leaves::delayed(&x_only(&self.setup.party(publisher)?.htlc), self.setup.delay);
        let contest = self.contested(publisher)?.contest_leaf(number);
        self.setup.joint_output(vec![(1, Leaf::Script(own)), (1, Leaf::Script(contest))])
    }

    /// Returns the publisher's key in the HTLC leaves that second-stage transactions satisfy. It is different for each
    /// state number.
    fn stage_key(&self, publisher: usize, number: u32) -> Result<Keypair, ChannelError> {
        let bound = tagged_hash("sigstack/second-stage", &[&number.to_le_bytes()]);
        taproot_keypair(&self.setup.party(publisher)?.htlc, Some(&bound))
    }

    /// Builds the output of an HTLC in a commitment transaction, and the leaf that the publisher's second-stage
    /// transaction satisfies.
    fn place(
        &self,
        (publisher, number, second): (usize, u32, Second),
        htlc: &Htlc,
        stage: &TapOutput,
    ) -> Result<Placed, ChannelError> {
        let own = x_only(&self.stage_key(publisher, number)?);
        let other = x_only(&self.setup.party(1 - publisher.min(1))?.htlc);
        let (offered, hash) = (htlc.from == publisher, htlc.short_hash());
        let lock_time = if offered { htlc.expiry } else { 0 };
        let joint = self.setup.internal_key();
        let leaf = match (second, offered) {
            (Second::Template, _) => {
                let stage = second_stage(second, lock_time, &[(htlc.sat, stage)]);
                let template = sign::check_template(&stage)?;
                match offered {
                    true => leaves::htlc_timeout_template(&own, htlc.expiry, &template),
                    false => leaves::htlc_success_template(&own, &hash, &template),
                }
            }
            (Second::AnyPrevOut, true) => leaves::htlc_timeout_anyprevout(&joint, &own, htlc.expiry),
            (Second::AnyPrevOut, false) => leaves::htlc_success_anyprevout(&joint, &own, &hash),
        };
        let others = match offered {
            true => leaves::htlc_success(&other, &hash),
            false => leaves::htlc_timeout(&other, htlc.expiry),
        };
        let out =
            self.setup.joint_output(vec![(1, Leaf::Script(leaf.clone())), (1, Leaf::Script(others))])?;
        Ok(Placed { htlc: *htlc, out, leaf, lock_time, signature: None })
    }

    /// Returns the conditions for a channel state whose HTLCs are outputs of the commitment transaction. Each HTLC and
    /// each balance that is not zero must be large enough for an output. An HTLC must expire late enough for two
    /// confirmations: of the commitment transaction and of the transaction that claims it.
    fn two_stage_terms(&self) -> Terms {
        let size = Size { frame: VERSION_WEIGHT, balance: 0, htlc: OUTPUT_WEIGHT, most: MAX_TRUC_WEIGHT };
        Terms {
            least_htlc: [P2TR_DUST_LIMIT; 2],
            most_trimmed: 0,
            size,
            claim_delay: blocks_until_claimed(0, 2),
            ..self.acceptance()
        }
    }

    /// Builds a commitment transaction with HTLC outputs and signs it with both parties.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Content`] if the state breaks an acceptance rule. [`ChannelError::Refused`] if the channel's
    /// profile lacks the opcodes for `second`.
    pub fn two_stage(
        &mut self,
        publisher: usize,
        number: u32,
        content: &Content,
        second: Second,
    ) -> Result<TwoStage, ChannelError> {
        let needed = match second {
            Second::Template => Profile::Ctv,
            Second::AnyPrevOut => Profile::AnyPrevOut,
        };
        if self.terms.profile != needed {
            return Err(ChannelError::refused("the channel's profile cannot fix these second stages"));
        }
        let content = self.setup.accept(content.clone(), &self.two_stage_terms())?;
        let numbered = self.script_number(number)?;
        let stage = self.stage_output(publisher, numbered)?;
        let mut placed = Vec::with_capacity(content.htlcs.len());
        for htlc in &content.htlcs {
            let mut one = self.place((publisher, numbered, second), htlc, &stage)?;
            if second == Second::AnyPrevOut {
                let tx = second_stage(second, one.lock_time, &[(htlc.sat, &stage)]);
                let spent = [output(htlc.sat, one.out.script_pubkey())];
                let digest = sign::script_path(&tx, &spent, 0, &one.leaf, SINGLE_ANYPREVOUT, true, None)?;
                one.signature = Some(self.setup.sign_jointly(None, &digest)?);
            }
            placed.push(one);
        }
        let mut tx = self.version_with(publisher, numbered, &content, &placed)?;
        let prevouts = vec![self.funding_output.clone()];
        let digest = sign::key_path(&tx, &prevouts, 0, sign::DEFAULT)?;
        let id = (numbered, if publisher == 0 { "two stages, party 0" } else { "two stages, party 1" });
        let partial = self.setup.sign_for(publisher, &self.funding, id, &digest)?;
        let signature = self.setup.complete(publisher, &self.funding, id, &partial, &digest)?;
        set_witness(&mut tx, 0, &[signature]);
        let commitment = Step { label: "commitment", tx, prevouts };
        Ok(TwoStage { second, publisher, number: numbered, commitment, stage, placed })
    }

    /// Builds the commitment transaction without its witness. Its outputs are the contested output with the balances,
    /// the hash of the settlement leaf, the HTLC outputs, and a P2A output.
    fn version_with(
        &self,
        publisher: usize,
        numbered: u32,
        content: &Content,
        placed: &[Placed],
    ) -> Result<Transaction, ChannelError> {
        let mut balances = Vec::with_capacity(3);
        for (party, balance) in content.balances.iter().enumerate() {
            if *balance >= P2TR_DUST_LIMIT {
                balances.push(output(*balance, self.setup.party(party)?.payout_script()?));
            }
        }
        balances.push(output(0, p2a()));
        let contested_sat = content.balances.iter().copied().fold(0, u64::saturating_add);
        if contested_sat == 0 {
            return Err(ChannelError::refused("everything is in HTLCs: the contested output would be empty"));
        }
        let settlement = transaction(3, 0, vec![input(OutPoint::null(), self.setup.delay.into())], balances);
        let settle = self.terms.profile.fixed(&settlement)?.unwrap_or_default();
        let contested = Contested { capacity: contested_sat, ..self.contested(publisher)? };
        let out = contested.out(numbered, Leaf::Script(settle.clone()))?;
        let mut outputs = vec![
            output(contested_sat, out.script_pubkey()),
            output(0, op_return(&leaf_hash(TAPSCRIPT, &settle))),
        ];
        outputs.extend(placed.iter().map(|one| output(one.htlc.sat, one.out.script_pubkey())));
        outputs.push(output(0, p2a()));
        let (lock_time, sequence) = obscure(numbered, self.mask);
        Ok(transaction(3, lock_time, vec![input(self.setup.funding, sequence)], outputs))
    }

    /// Builds the transaction with which the publisher takes all its second-stage outputs after the delay. `confirmed`
    /// are the second-stage transactions.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if `confirmed` contains no second stage of the commitment transaction.
    pub fn sweep_stages(
        &self,
        version: &TwoStage,
        confirmed: &[&Transaction],
        fee: u64,
    ) -> Result<Step, ChannelError> {
        let owner = self.setup.party(version.publisher)?;
        let leaf = leaves::delayed(&x_only(&owner.htlc), self.setup.delay);
        let pays = owner.payout_script()?;
        take_all(
            ("sweep", self.setup.delay.into(), 0),
            (&version.stage, confirmed),
            (pays, fee),
            |tx, spent, nth| {
                let digest = sign::script_path(tx, spent, nth, &leaf, sign::DEFAULT, false, None)?;
                version.stage.witness(&leaf, vec![sign_schnorr(&owner.htlc, &digest).to_vec()])
            },
        )
    }

    /// Builds the transaction with which the victim takes all second-stage outputs of an older commitment transaction.
    /// The victim needs the state number of that commitment transaction, but no data of its HTLCs.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if `confirmed` contains no second stage of a commitment transaction with this number.
    pub fn punish_stages(
        &self,
        victim: usize,
        (record, number): (&ClientRecord, u32),
        confirmed: &[&Transaction],
        fee: u64,
    ) -> Result<Step, ChannelError> {
        let publisher = 1 - victim.min(1);
        let contested = self.contested(publisher)?;
        let (stage, leaf) = (self.stage_output(publisher, number)?, contested.contest_leaf(number));
        let own = self.setup.party(victim)?;
        let profile = self.terms.profile;
        let kind = ("contest", SEQUENCE_FREE, profile.lock_time(record.number));
        take_all(kind, (&stage, confirmed), (own.payout_script()?, fee), |tx, spent, nth| {
            let digest = sign::script_path(tx, spent, nth, &leaf, sign::DEFAULT, false, None)?;
            let mut stack = vec![sign_schnorr(&own.penalty, &digest).to_vec()];
            stack.extend(profile.show_number(record.number, &record.evidence));
            stage.witness(&leaf, stack)
        })
    }
}

/// Builds a second-stage transaction for one or more HTLCs, without witnesses. It has one output per HTLC, and a P2A
/// output if a child pays the fee.
fn second_stage(second: Second, lock_time: u32, stages: &[(u64, &TapOutput)]) -> Transaction {
    let inputs = stages.iter().map(|_| input(OutPoint::null(), SEQUENCE_FREE)).collect();
    let mut outputs: Vec<TxOut> = stages.iter().map(|(sat, out)| output(*sat, out.script_pubkey())).collect();
    outputs.extend((second == Second::Template).then(|| output(0, p2a())));
    transaction(3, lock_time, inputs, outputs)
}

/// Builds one transaction that spends all outputs of the transactions `confirmed` that have the script of `out`. The
/// function `witness` makes the witness of each input.
fn take_all(
    (label, sequence, lock_time): (&'static str, u32, u32),
    (out, confirmed): (&TapOutput, &[&Transaction]),
    (pays, fee): (bitcoin::ScriptBuf, u64),
    witness: impl Fn(&Transaction, &[TxOut], usize) -> Result<Vec<Vec<u8>>, ChannelError>,
) -> Result<Step, ChannelError> {
    let script = out.script_pubkey();
    let found: Vec<_> = confirmed.iter().flat_map(|tx| outputs_to(tx, 0, &script)).collect();
    if found.is_empty() {
        return Err(ChannelError::refused("no second stage of this version"));
    }
    let sum = found.iter().fold(0u64, |sum, found| sum.saturating_add(found.out.value.to_sat()));
    let inputs = found.iter().map(|found| input(found.coin, sequence)).collect();
    let mut tx = transaction(3, lock_time, inputs, vec![output(sum.saturating_sub(fee), pays)]);
    let prevouts: Vec<TxOut> = found.into_iter().map(|found| found.out).collect();
    for nth in 0..prevouts.len() {
        let elements = witness(&tx, &prevouts, nth)?;
        set_witness(&mut tx, nth, &elements);
    }
    Ok(Step { label, tx, prevouts })
}

impl TwoStage {
    /// Builds the second-stage transaction of one or more HTLCs. `claims` lists the index of each HTLC in the state,
    /// with the preimage if the publisher receives the HTLC.
    ///
    /// With [`Second::Template`] the transaction is valid only for a single HTLC and without a fee input.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Refused`] if an HTLC does not exist, or the coin cannot pay the fee.
    pub fn second_stage(
        &self,
        channel: &SignedSequence,
        claims: &[(usize, Option<[u8; 32]>)],
        fee: Option<FeeCoin<'_>>,
    ) -> Result<Step, ChannelError> {
        let missing = || ChannelError::refused("the version has no such HTLC");
        let mut chosen = Vec::with_capacity(claims.len());
        for (nth, preimage) in claims {
            chosen.push((*nth, self.placed.get(*nth).ok_or_else(missing)?, preimage));
        }
        let stages: Vec<(u64, &TapOutput)> =
            chosen.iter().map(|(_, placed, _)| (placed.htlc.sat, &self.stage)).collect();
        let lock_time = chosen.first().map_or(0, |(_, placed, _)| placed.lock_time);
        let mut tx = second_stage(self.second, lock_time, &stages);
        let mut prevouts = Vec::with_capacity(chosen.len() + 1);
        for ((nth, placed, _), spends) in chosen.iter().zip(&mut tx.input) {
            // The HTLC outputs come after the contested output and the hash of its settlement leaf.
            let vout = u32::try_from(*nth).unwrap_or(u32::MAX).saturating_add(2);
            spends.previous_output = outpoint(&self.commitment.tx, vout);
            prevouts.push(output(placed.htlc.sat, placed.out.script_pubkey()));
        }
        if let Some((wallet, (coin, out), sat)) = fee {
            let change = out.value.to_sat().checked_sub(sat).filter(|change| *change >= P2TR_DUST_LIMIT);
            let change = change.ok_or_else(|| ChannelError::refused("the coin cannot pay this fee"))?;
            tx.input.push(input(*coin, SEQUENCE_FREE));
            tx.output.push(output(change, wallet.script_pubkey().clone()));
            prevouts.push(out.clone());
        }
        let key = channel.stage_key(self.publisher, self.number)?;
        for (place, (_, placed, preimage)) in chosen.iter().enumerate() {
            let digest = sign::script_path(&tx, &prevouts, place, &placed.leaf, sign::DEFAULT, false, None)?;
            let own = sign_schnorr(&key, &digest).to_vec();
            let preimage = preimage.map(|preimage| preimage.to_vec());
            let joint = placed.signature.map(|signature| with_hash_type(signature, SINGLE_ANYPREVOUT));
            let stack = match self.second {
                Second::Template => [Some(own), preimage, None],
                Second::AnyPrevOut => [preimage, Some(own), joint],
            };
            let elements = placed.out.witness(&placed.leaf, stack.into_iter().flatten().collect())?;
            set_witness(&mut tx, place, &elements);
        }
        if let Some((wallet, ..)) = fee {
            wallet.sign(&mut tx, &prevouts, chosen.len())?;
        }
        Ok(Step { label: "second stage", tx, prevouts })
    }
}

#[cfg(test)]
mod tests;
