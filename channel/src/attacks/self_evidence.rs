//! Attacks in which the cheater revokes its own published commitment transaction. A party can always sign a state
//! number higher than that of the transaction that it published. A leaf that requires only such a signature is
//! therefore unsafe: the publisher can use the leaf too. A safe leaf also requires a key that the publisher does not
//! have. No construction uses the unsafe leaves of this file.

use bitcoin::{OutPoint, Transaction, TxOut};
use secp256k1::Keypair;
use sigstack_interpreter::Flags;

use super::{Shown, Trial, resigned};
use crate::chain::{Chain, Policy};
use crate::error::ChannelError;
use crate::keys::{Seed, sign_schnorr, x_only};
use crate::leaves;
use crate::model::{
    Construction, Content, PlayError, Profile, Setup, SignedSequence, Stage, Step, TowerRecord,
};
use crate::script::{Num, Push, script};
use crate::sign::{self, NONE_ANYPREVOUTANYSCRIPT};
use crate::taproot::{Leaf, TapOutput};
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2a, p2tr, set_witness, transaction, weight};
use crate::wallet::Wallet;

const CAPACITY: u64 = 1_000_000;
const DELAY: u16 = 144;
/// Feerate of the pinning and contest transactions, in sat/vB.
const RATE: u64 = 20;
/// State number of the published commitment transaction, and the higher number that the cheater signs.
const NUMBERS: (u32, u32) = (0x0080_0000, 0x0080_0001);

/// A simulated chain with the contested output of a cheater's commitment transaction. One leaf of the output is
/// unsafe, because it requires nothing except the publisher's revocation signature.
struct Board {
    chain: Chain,
    out: TapOutput,
    coin: (OutPoint, TxOut),
    leaf: Vec<u8>,
    contest: Vec<u8>,
    number: Keypair,
    penalty: Keypair,
    cheater: Wallet,
}

impl Board {
    fn new(leaf: impl FnOnce(u32, &[u8; 32]) -> Vec<u8>) -> Result<Board, PlayError> {
        let key = |name: &str| Seed::from_name("self-made evidence").keypair(name, &[]);
        let (number, penalty) = (key("number")?, key("penalty")?);
        let leaf = leaf(NUMBERS.0, &x_only(&number));
        let contest = leaves::contest(NUMBERS.0, &x_only(&number), &x_only(&penalty));
        let tree = vec![
            (1, Leaf::Hidden([7; 32])),
            (2, Leaf::Script(contest.clone())),
            (2, Leaf::Script(leaf.clone())),
        ];
        let out = TapOutput::new(x_only(&key("joint")?), tree)?;
        let mut chain = Chain::new(proposals(), Policy::default());
        let contested = output(CAPACITY, out.script_pubkey());
        let coin = (chain.mint(contested.clone()), contested);
        let cheater = Wallet::of(&key("cheater")?)?;
        Ok(Board { chain, out, coin, leaf, contest, number, penalty, cheater })
    }

    /// Returns the two witness elements that revoke the published state: the cheater's own signature of a higher
    /// state number, and this number.
    fn evidence(&self) -> Vec<Vec<u8>> {
        let number = leaves::number_bytes(NUMBERS.1);
        vec![sign_schnorr(&self.number, &number).to_vec(), number]
    }

    /// Makes `tx` spend the contested output by the unsafe leaf, with the cheater's own revocation signature.
    fn complete(&self, mut tx: Transaction) -> Result<Transaction, PlayError> {
        if let Some(first) = tx.input.first_mut() {
            first.previous_output = self.coin.0;
        }
        set_witness(&mut tx, 0, &self.out.witness(&self.leaf, self.evidence())?);
        Ok(tx)
    }

    /// Returns the victim's contest transaction with a fee of `fee` satoshi.
    fn contest(&self, fee: u64) -> Result<Transaction, PlayError> {
        let pays = output(CAPACITY.saturating_sub(fee), victim_script()?);
        let mut tx = transaction(3, 0, vec![input(self.coin.0, SEQUENCE_FREE)], vec![pays]);
        let prevouts = std::slice::from_ref(&self.coin.1);
        let digest = sign::script_path(&tx, prevouts, 0, &self.contest, sign::DEFAULT, false, None)?;
        let mut stack = vec![sign_schnorr(&self.penalty, &digest).to_vec()];
        stack.extend(self.evidence());
        set_witness(&mut tx, 0, &self.out.witness(&self.contest, stack)?);
        Ok(tx)
    }

    /// Returns the lowest fee in satoshi with which the mempool accepts the victim's contest transaction.
    fn cheapest_contest(&self) -> Result<u64, PlayError> {
        let (mut low, mut high) = (0u64, CAPACITY / 2);
        while high - low > 1 {
            let middle = low.midpoint(high);
            match self.chain.clone().submit(self.contest(middle)?) {
                Ok(_) => high = middle,
                Err(_) => low = middle,
            }
        }
        Ok(high)
    }

    /// Adds `count` inputs of the cheater, whose amounts add up to `fee` satoshi. Each input has 330 sat, except the
    /// first, which has the rest.
    fn add_inputs(&mut self, tx: &mut Transaction, count: usize, fee: u64) -> Result<(), PlayError> {
        let mut prevouts = vec![self.coin.1.clone()];
        for nth in 0..count {
            let others = 330 * (count as u64 - 1);
            let sat = if nth == 0 { fee.saturating_sub(others) } else { 330 };
            let (coin, out) = self.cheater.mint(&mut self.chain, sat);
            tx.input.push(input(coin, SEQUENCE_FREE));
            prevouts.push(out);
        }
        for nth in 1..=count {
            self.cheater.sign(tx, &prevouts, nth)?;
        }
        Ok(())
    }
}

fn proposals() -> Flags {
    Flags::CHECKSIGFROMSTACK | Flags::CHECKTEMPLATEVERIFY | Flags::ANYPREVOUT
}

fn victim_script() -> Result<bitcoin::ScriptBuf, ChannelError> {
    Ok(p2tr(&x_only(&Seed::from_name("victim").keypair("payout", &[])?)))
}

/// Returns the watchtower's justice transaction with a placeholder as input. It pays `anchor` satoshi to a P2A
/// output, and the rest to the victim.
fn justice(anchor: u64) -> Result<Transaction, ChannelError> {
    let outputs = vec![output(CAPACITY - anchor, victim_script()?), output(anchor, p2a())];
    Ok(transaction(3, 0, vec![input(OutPoint::null(), SEQUENCE_FREE)], outputs))
}

/// Returns a [`Board`] whose unsafe leaf belongs to a watchtower but does not require the tower's key. The leaf fixes
/// the tower's transaction, so the cheater can publish only this transaction. `anchor` is the amount of its P2A
/// output, in satoshi.
fn keyless(profile: Profile, anchor: u64) -> Result<Board, PlayError> {
    let fixed = profile.fixed(&justice(anchor)?)?.unwrap_or_default();
    Board::new(|number, key| [leaves::higher_number(number, key), fixed].concat())
}

fn stop(label: &'static str) -> impl Fn(crate::chain::Reject) -> PlayError {
    move |reject| PlayError::Chain { label, reject }
}

/// Returns a channel, the simulated chain, and the commitment transaction of state `state` that the first party
/// published. The second party is the victim.
fn channel(profile: Profile, state: u32) -> Result<(SignedSequence, Stage, Transaction), PlayError> {
    let content = |first: u64| Content::of(&[first, CAPACITY - first]);
    let setup = Setup::named("self-made evidence", 2, CAPACITY, DELAY)?;
    let mut channel = SignedSequence::new(setup, profile, content(600_000))?;
    let mut stage = Stage::new(&channel)?;
    stage.open(&mut channel)?;
    channel.update(content(500_000))?;
    let step = channel.close(0, state)?.into_iter().next();
    let step = step.ok_or_else(|| ChannelError::refused("no commitment"))?;
    let published = stage.publish(step)?.step.tx;
    Ok((channel, stage, published))
}

/// Returns two transactions that the cheater signs itself: the victim's contest transaction and the tower's
/// transaction. Each contains the cheater's own revocation signature. The cheater also signs with its own key in
/// place of the victim's key or the tower's key.
fn by_own_keys(channel: &SignedSequence, published: &Transaction) -> Result<Vec<Step>, PlayError> {
    let above = channel.number() + 1;
    let (number, evidence) = (channel.script_number(above)?, channel.sign_number(0, above)?);
    let record = TowerRecord { number, evidence, ..channel.tower_record(1)? };
    let mut client = channel.client_record(1).cloned().into_iter().collect::<Vec<_>>();
    for kept in &mut client {
        (kept.number, kept.evidence) = (number, evidence);
    }
    let mut steps = Vec::new();
    for kept in &client {
        steps.extend(channel.contest_with_fee(1, kept, published, RATE * 173)?);
    }
    steps.extend(channel.terms().answer(&record, published, None)?);
    let own = channel.setup().party(0)?;
    steps.into_iter().map(|step| Ok(resigned(step, &own.penalty)?)).collect()
}

/// Tries the attacks of this file against the signed sequence channel itself. Each of its leaves also requires a key
/// that the cheater lacks, so the cheater's own revocation signature satisfies none of them.
fn without_the_key(profile: Profile, state: u32) -> Result<Trial, PlayError> {
    let (channel, mut stage, published) = channel(profile, state)?;
    let steps = by_own_keys(&channel, &published)?;
    let shown = steps.iter().map(|step| Shown::verify(step.clone(), channel.facts().proposals));
    let shown = shown.collect::<Result<Vec<Shown>, PlayError>>()?;
    let mut works = steps.len() != 2 || shown.iter().any(Shown::is_valid);
    for step in steps {
        works |= stage.publish(step).is_ok();
    }
    let mut outcome = "the publisher lacks the key of each leaf that its number opens".to_owned();
    if let Some(record) = channel.client_record(1)
        && let Some(contest) = channel.contest_with_fee(1, record, &published, RATE * 173)?
    {
        let fee = contest.fee();
        works |= stage.publish(contest).is_err();
        outcome = format!("{outcome}; the contest confirms for {fee} sat");
    }
    Ok(Trial { against: channel.facts().name, works, outcome, shown })
}

/// Returns an unsafe leaf for a construction without CSFS. It requires the next state number as nLockTime, and a
/// signature with `number_key`, the key with which the publisher revokes states.
fn lock_time_leaf(number: u32, number_key: &[u8; 32]) -> Vec<u8> {
    use sigstack_interpreter::Opcode as O;
    let lock = i64::from(leaves::NUMBER_BASE) + i64::from(number) + 1;
    let key = [&[1][..], number_key].concat();
    script(&[&Push(&key), &O::OP_CHECKSIGVERIFY, &Num(lock), &O::OP_CHECKLOCKTIMEVERIFY])
}

/// Attack "self-made-sweep": the publisher of the latest state signs the next state number itself. With this
/// signature it takes the whole output before the settlement becomes valid.
pub(super) fn sweep() -> Result<Vec<Trial>, PlayError> {
    let delay = DELAY / 4 * 3;
    let by_number = Board::new(|number, key| leaves::sweep(number, key, delay))?;
    let by_lock_time = Board::new(lock_time_leaf)?;
    let mut trials = Vec::new();
    for (against, mut board, sequence) in [
        (
            "a leaf for anyone with a higher number, after three quarters of the delay",
            by_number,
            delay.into(),
        ),
        ("a leaf that the number key opens alone, by ANYPREVOUT", by_lock_time, SEQUENCE_FREE),
    ] {
        let pays = vec![output(CAPACITY - 1_000, board.cheater.script_pubkey().clone())];
        let lock_time = if sequence == SEQUENCE_FREE { leaves::NUMBER_BASE + NUMBERS.1 } else { 0 };
        let mut tx = transaction(3, lock_time, vec![input(board.coin.0, sequence)], pays);
        let stack = if sequence == SEQUENCE_FREE {
            let digest = sign::rebindable(&tx, NONE_ANYPREVOUTANYSCRIPT)?;
            vec![sign::with_hash_type(sign_schnorr(&board.number, &digest), NONE_ANYPREVOUTANYSCRIPT)]
        } else {
            board.evidence()
        };
        set_witness(&mut tx, 0, &board.out.witness(&board.leaf, stack)?);
        let step = Step { label: "sweep", tx: tx.clone(), prevouts: vec![board.coin.1.clone()] };
        let shown = vec![Shown::verify(step, proposals())?];
        board.chain.mine(delay.into()).map_err(stop("delay"))?;
        board.chain.submit(tx).map_err(stop("sweep"))?;
        board.chain.mine(1).map_err(stop("sweep"))?;
        let gained = board.chain.balance(board.cheater.script_pubkey());
        trials.push(Trial {
            against,
            works: gained > CAPACITY / 2,
            outcome: format!("the publisher of the latest state has {gained} of {CAPACITY} sat"),
            shown,
        });
    }
    trials.push(without_the_key(Profile::Ctv, 1)?);
    trials.push(without_the_key(Profile::AnyPrevOutAlone, 1)?);
    Ok(trials)
}

/// The cheater publishes the tower's transaction with a child of 970 vB, which makes it expensive to replace. A child
/// of a version 3 transaction may have at most 1,000 vB. Returns the simulated chain and the size of the child in vB.
fn pin_by_child() -> Result<(Board, u64), PlayError> {
    const OUTPUTS: u64 = 19;
    let mut board = keyless(Profile::Ctv, 0)?;
    let parent = board.complete(justice(0)?)?;
    let coin = board.cheater.mint(&mut board.chain, 100_000);
    let to = board.cheater.script_pubkey().clone();
    let inputs = vec![input(outpoint(&parent, 1), SEQUENCE_FREE), input(coin.0, SEQUENCE_FREE)];
    let mut outputs: Vec<TxOut> = (0..OUTPUTS).map(|_| output(330, to.clone())).collect();
    outputs.push(output(0, to));
    let mut child = transaction(3, 0, inputs, outputs);
    let prevouts = [output(0, p2a()), coin.1];
    board.cheater.sign(&mut child, &prevouts, 1)?;
    let size = weight(&child).div_ceil(4);
    let fee = RATE * (size + weight(&parent).div_ceil(4));
    if let Some(last) = child.output.last_mut() {
        last.value = bitcoin::Amount::from_sat(100_000 - 330 * OUTPUTS - fee);
    }
    board.cheater.sign(&mut child, &prevouts, 1)?;
    board.chain.submit_package(parent, child).map_err(stop("pin"))?;
    Ok((board, size))
}

/// The cheater publishes the tower's transaction with as many additional inputs as fit into 9,400 vB, which makes it
/// expensive to replace. Returns the simulated chain and the size of the transaction in vB.
fn pin_by_inputs() -> Result<(Board, u64), PlayError> {
    const SIZE: u64 = 9_400;
    let mut board = keyless(Profile::AnyPrevOut, 1_000)?;
    let mut heavy = board.complete(justice(1_000)?)?;
    // An input that is spent by the key path adds 57.5 vB.
    let count = usize::try_from((SIZE - weight(&heavy).div_ceil(4)) * 2 / 115).unwrap_or_default();
    board.add_inputs(&mut heavy, count, RATE * SIZE)?;
    let size = weight(&heavy).div_ceil(4);
    board.chain.submit(heavy).map_err(stop("pin"))?;
    Ok((board, size))
}

/// Attack "self-made-pin": the cheater publishes the tower's transaction itself, enlarged so that it is expensive to
/// replace. The victim must pay for the replacement to confirm its contest transaction.
pub(super) fn pin() -> Result<Vec<Trial>, PlayError> {
    let (by_child, by_inputs) = (pin_by_child()?, pin_by_inputs()?);
    let mut trials = Vec::new();
    for (against, what, (board, size)) in [
        ("a tower leaf without a key, CSFS+CTV", "a child", by_child),
        ("a tower leaf without a key, CSFS+APO", "inputs added", by_inputs),
    ] {
        let (fee, unpinned) = (board.cheapest_contest()?, RATE * 173);
        trials.push(Trial {
            against,
            works: fee > 2 * unpinned,
            outcome: format!("{what}, {size} vB: the contest costs {fee} sat instead of {unpinned}"),
            shown: Vec::new(),
        });
    }
    trials.push(without_the_key(Profile::Ctv, 0)?);
    trials.push(without_the_key(Profile::AnyPrevOut, 0)?);
    trials.push(without_the_key(Profile::AnyPrevOutAlone, 0)?);
    Ok(trials)
}

/// Attack "self-made-cycle": the cheater replaces the victim's contest transaction by the tower's
/// transaction, to which it adds an input. Then it double-spends this input, which evicts the tower's
/// transaction. The contest transaction does not come back.
pub(super) fn cycle() -> Result<Vec<Trial>, PlayError> {
    let mut board = keyless(Profile::AnyPrevOut, 1_000)?;
    let contest = board.contest(RATE * 173)?;
    board.chain.submit(contest.clone()).map_err(stop("contest"))?;
    let mut justice = board.complete(justice(1_000)?)?;
    board.add_inputs(&mut justice, 1, 6_000)?;
    let Some(added) = justice.input.get(1).map(|input| input.previous_output) else { return Ok(vec![]) };
    board.chain.submit(justice.clone()).map_err(stop("replacement"))?;
    // The double-spend has two inputs: the one that was added above, and another one. Its fee is their sum
    // minus the output.
    let coins = (added, output(6_000, board.cheater.script_pubkey().clone()));
    let other = board.cheater.mint(&mut board.chain, 20_000);
    let pays = vec![output(18_000, board.cheater.script_pubkey().clone())];
    let inputs = vec![input(coins.0, SEQUENCE_FREE), input(other.0, SEQUENCE_FREE)];
    let mut away = transaction(2, 0, inputs, pays);
    let prevouts = [coins.1, other.1];
    board.cheater.sign(&mut away, &prevouts, 0)?;
    board.cheater.sign(&mut away, &prevouts, 1)?;
    board.chain.submit(away).map_err(stop("cycle"))?;
    let waits = |tx: &Transaction| board.chain.mempool().get(&tx.compute_txid()).is_some();
    let works = !waits(&contest) && !waits(&justice);
    let naive = Trial {
        against: "a tower leaf without a key, CSFS+APO",
        works,
        outcome: "neither the contest nor the tower's transaction is left in the mempool".to_owned(),
        shown: Vec::new(),
    };
    Ok(vec![naive, without_the_key(Profile::AnyPrevOut, 0)?])
}
