//! Lists the moves that the corrupted side can make in one search state, and plays its behavior after the
//! last move.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Transaction, TxOut, Txid};

use super::knowledge::Candidate;
use super::world::{Action, Game, Loss, Move, Shape, World, offer, unlock_anchor};
use crate::chain::Chain;
use crate::tx::{P2TR_DUST_LIMIT, SEQUENCE_FREE, input, outpoint, output, p2a, transaction};

/// A change to a transaction that the corrupted side can complete. A changed transaction is offered only if
/// its signatures are still valid, or can be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Adds an input that spends a 0-sat P2A output, which anyone can spend. If `first` is true, it is placed before
    /// the other inputs, otherwise after them.
    Anchor { first: bool },
    /// Adds an input from the corrupted side's wallet, whose whole amount becomes fee. If `first` is true, it is placed
    /// before the other inputs, otherwise after them.
    Fee { first: bool },
    /// Adds an output with the script of a channel output, paid for with an input from the corrupted side's
    /// wallet.
    Output,
    /// Changes the script of the transaction's first output, which then pays the corrupted side's wallet.
    Redirect,
}

const CHANGES: [Change; 6] = [
    Change::Anchor { first: true },
    Change::Anchor { first: false },
    Change::Fee { first: true },
    Change::Fee { first: false },
    Change::Output,
    Change::Redirect,
];

/// Returns all search states that the corrupted side reaches with one move from `world`.
///
/// # Errors
///
/// Returns the loss if a move causes one immediately, with the name of the move.
pub(super) fn successors(game: &Game, world: &World) -> Result<Vec<World>, (Loss, String)> {
    let mut next = Next { game, world, found: Vec::new() };
    if world.left.moves > 0 {
        for (coin, out, version) in coins(game, world) {
            for candidate in game.spends(coin, &out, version).iter() {
                next.publish(candidate)?;
            }
        }
        next.children()?;
        next.cycles()?;
        next.spend_twice()?;
        for (label, record) in &game.records {
            next.add(format!("hand the tower {label}"), Action::HandRecord(record.clone()))?;
        }
        for depth in 1..=world.left.reorganisations.min(2) {
            next.add(format!("reorganise {depth}"), Action::Reorganise(depth))?;
        }
    }
    if world.left.blocks > 0 {
        next.add("mine".to_owned(), Action::Mine(1))?;
        if game.delay > 3 {
            next.add("wait".to_owned(), Action::Mine(game.delay - 2))?;
        }
        if world.left.pins > 0 && world.chain.mempool().entries().next().is_some() {
            next.add("mine without the honest side".to_owned(), Action::MineWithout)?;
        }
        if world.left.absent > 0 {
            next.add("mine unseen".to_owned(), Action::MineUnseen(world.left.absent))?;
        }
    }
    Ok(next.found)
}

/// Returns the channel's unspent outputs on the chain, and the channel's outputs created in the mempool. The
/// third value of an entry is the version for transactions that spend the output. For a confirmed output the
/// version is 2. For an unconfirmed output it is the version of the mempool transaction that creates the
/// output.
pub(super) fn coins(game: &Game, world: &World) -> Vec<(OutPoint, TxOut, i32)> {
    let mut found: Vec<(OutPoint, TxOut, i32)> = Vec::new();
    for (coin, unspent) in world.chain.coins() {
        if game.knowledge.knows(&unspent.out) {
            found.push((*coin, unspent.out.clone(), 2));
        }
    }
    for entry in world.chain.mempool().entries() {
        let outputs = (0..).zip(&entry.tx.output).filter(|(_, out)| game.knowledge.knows(out));
        found.extend(
            outputs.map(|(vout, out)| (OutPoint { txid: entry.txid, vout }, out.clone(), entry.tx.version.0)),
        );
    }
    found
}

struct Next<'a> {
    game: &'a Game,
    world: &'a World,
    found: Vec<World>,
}

type Done = Result<bool, (Loss, String)>;

impl Next<'_> {
    /// Makes a move, and adds the resulting search state to `found` if the move is possible. Returns whether it was
    /// possible.
    fn add(&mut self, label: String, action: Action) -> Done {
        let step = Move { label, action };
        match self.world.after(self.game, &step) {
            Ok(Some(next)) => {
                self.found.push(next);
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(loss) => Err((loss, step.label)),
        }
    }

    /// Lists the moves that publish a transaction of the corrupted side: unchanged, and with every change that its
    /// signatures allow.
    fn publish(&mut self, candidate: &Candidate) -> Result<(), (Loss, String)> {
        self.offer_or_include(candidate, &candidate.label)?;
        if candidate.is_own {
            return Ok(());
        }
        for change in CHANGES {
            if let Some(changed) = changed(self.game, &self.world.chain, candidate, change) {
                self.offer_or_include(&changed, &format!("{}, {change:?}", candidate.label))?;
            }
        }
        Ok(())
    }

    /// Lists the moves that offer a transaction to the mempool: alone, and with fee-paying children of several sizes
    /// and feerates. If the mempool refuses all of these, adds the move in which a miner includes the transaction in
    /// a block.
    fn offer_or_include(&mut self, candidate: &Candidate, label: &str) -> Result<(), (Loss, String)> {
        let (game, chain) = (self.game, &self.world.chain);
        let mut is_taken = self.add(format!("publish {label}"), Action::Offer(vec![candidate.tx.clone()]))?;
        for (rate, shape, how) in [
            (game.market + 1, Shape::Small, "with a child"),
            (10 * game.market, Shape::Small, "with a child of high fee"),
            (game.below_market(), Shape::Heavy, "with a heavy child of low fee"),
            (game.market + 1, Shape::Decoy, "with a child that looks like the channel"),
        ] {
            if let Some(child) = game.child(chain, &candidate.tx, rate, shape) {
                let package = vec![candidate.tx.clone(), child];
                is_taken |= self.add(format!("publish {label} {how}"), Action::Offer(package))?;
            }
        }
        if !is_taken && self.world.left.blocks > 0 {
            self.add(format!("a miner includes {label}"), Action::Include(candidate.tx.clone()))?;
        }
        Ok(())
    }

    /// Lists the moves that attach a child to a mempool transaction with a P2A output: a large child below the market
    /// feerate, or a small one at ten times the market feerate.
    fn children(&mut self) -> Result<(), (Loss, String)> {
        let parents: Vec<Transaction> =
            self.world.chain.mempool().entries().map(|entry| entry.tx.clone()).collect();
        for parent in parents {
            for (shape, rate, label) in [
                (Shape::Heavy, self.game.below_market(), "heavy child"),
                (Shape::Small, 10 * self.game.market, "child"),
            ] {
                if let Some(child) = self.game.child(&self.world.chain, &parent, rate, shape) {
                    self.add(format!("attach a {label}"), Action::Offer(vec![child]))?;
                }
            }
        }
        Ok(())
    }

    /// Lists the move that offers a package in which parent and child spend the same output. The mempool must refuse
    /// this conflict.
    fn spend_twice(&mut self) -> Result<(), (Loss, String)> {
        let (game, chain) = (self.game, &self.world.chain);
        let Some((coin, out)) = game.free_coin(chain) else { return Ok(()) };
        let Ok(parent) = game.wallet.spend(3, &(coin, out.clone()), 0) else { return Ok(()) };
        let prevouts = [parent.output.first().cloned().unwrap_or_else(|| out.clone()), out];
        let inputs = vec![input(outpoint(&parent, 0), SEQUENCE_FREE), input(coin, SEQUENCE_FREE)];
        let rest = prevouts.iter().fold(0, |sum, out| sum + out.value.to_sat()).saturating_sub(5_000);
        let pays = vec![output(rest, game.wallet.script_pubkey().clone())];
        let mut child = transaction(3, 0, inputs, pays);
        for place in 0..2 {
            if game.wallet.sign(&mut child, &prevouts, place).is_err() {
                return Ok(());
            }
        }
        self.add("a child spends its parent's coin again".to_owned(), Action::Offer(vec![parent, child]))
            .map(drop)
    }

    /// Lists the moves that replace a mempool transaction of the corrupted side itself (replacement cycling). Each
    /// replacement double-spends an input that belongs to the wallet of the corrupted side. It also evicts all
    /// descendants of the replaced transaction.
    fn cycles(&mut self) -> Result<(), (Loss, String)> {
        let chain = &self.world.chain;
        let inputs = chain.mempool().entries().flat_map(|entry| &entry.tx.input);
        let coins: Vec<OutPoint> = inputs.map(|input| input.previous_output).collect();
        for coin in coins {
            let Some(again) = cycle(self.game, &self.world.chain, &coin) else { continue };
            self.add("spend its own input again".to_owned(), Action::Offer(vec![again]))?;
        }
        Ok(())
    }
}

/// Returns a transaction that spends `coin` back to the corrupted side's wallet and replaces the mempool transaction
/// that spends `coin`. Returns `None` if no mempool transaction spends `coin`, or if `coin` is not a confirmed output
/// of the wallet.
fn cycle(game: &Game, chain: &Chain, coin: &OutPoint) -> Option<Transaction> {
    let entry = chain.mempool().spender(coin)?;
    let out = chain.coin(coin)?.out.clone();
    if out.script_pubkey != *game.wallet.script_pubkey() {
        return None;
    }
    let fee = entry.fee.saturating_add(4_000);
    game.wallet.spend(entry.tx.version.0, &(*coin, out), fee).ok()
}

/// Applies a change to a transaction and makes its witness valid again. Returns `None` if the signatures do
/// not allow the change, or if the corrupted side has no output to pay for it.
fn changed(game: &Game, chain: &Chain, candidate: &Candidate, change: Change) -> Option<Candidate> {
    let mut changed = candidate.clone();
    let mut place = 0;
    match change {
        Change::Anchor { first } => {
            let coin = game
                .anchors
                .iter()
                .find(|coin| chain.coin(coin).is_some() && chain.mempool().spender(coin).is_none())?;
            place = add_input(&mut changed, *coin, output(0, p2a()), first);
            let last = changed.tx.input.len() - 1;
            unlock_anchor(&mut changed.tx, if first { 0 } else { last });
        }
        Change::Fee { first } => {
            let (coin, out) = game.free_coin(chain)?;
            place = add_input(&mut changed, coin, out, first);
        }
        Change::Output => {
            let (coin, out) = game.free_coin(chain)?;
            place = add_input(&mut changed, coin, out.clone(), false);
            let rest = out.value.to_sat().checked_sub(5_000)?;
            let script = game.knowledge.scripts().next()?.clone();
            changed.tx.output.push(output(P2TR_DUST_LIMIT, script));
            changed.tx.output.push(output(rest, game.wallet.script_pubkey().clone()));
        }
        Change::Redirect => {
            changed.tx.output.first_mut()?.script_pubkey = game.wallet.script_pubkey().clone();
        }
    }
    let mut signed = game.knowledge.again(&changed, place, candidate)?;
    if matches!(change, Change::Fee { .. } | Change::Output) {
        let own = if place == 0 { signed.tx.input.len() - 1 } else { 0 };
        game.wallet.sign(&mut signed.tx, &signed.prevouts, own).ok()?;
    }
    Some(signed)
}

/// Adds an input to a changed transaction: as the first input if `first` is true, as the last one if it is false.
/// Returns the new index of the input that was at index 0 before.
fn add_input(changed: &mut Candidate, coin: OutPoint, out: TxOut, first: bool) -> usize {
    let place = if first { 0 } else { changed.tx.input.len() };
    changed.tx.input.insert(place, input(coin, SEQUENCE_FREE));
    changed.prevouts.insert(place, out);
    usize::from(first)
}

/// What the corrupted side does between its last move and the judgement of the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    /// The corrupted side closes the channel in an old state, and takes all outputs that it can.
    Takes,
    /// The corrupted side waits until the honest side closes the channel, and then takes all outputs that
    /// it can.
    Waits,
    /// The corrupted side does nothing after its last move.
    Nothing,
}

/// Lets the corrupted side claim the channel's outputs. The search calls this function before each block. For each output,
/// the corrupted side offers the mempool every transaction whose locks have expired, until one is accepted. Each is
/// tried alone, then with a child that pays its fee, then with an added fee input. `refused` collects the txids of
/// transactions for which all three failed. They are not tried again.
pub(super) fn take_all(game: &Game, world: &mut World, end: End, refused: &mut BTreeSet<Txid>) {
    for (coin, out, version) in coins(game, world) {
        if end == End::Waits && Some(coin) == game.funding {
            continue;
        }
        let Some(height) = world.chain.coin(&coin).map(|found| found.height) else { continue };
        // A mempool transaction of the honest side may be replaced. One that already pays the corrupted side
        // is kept.
        let pays_itself = |out: &TxOut| out.script_pubkey == *game.wallet.script_pubkey();
        if world.chain.mempool().spender(&coin).is_some_and(|entry| entry.tx.output.iter().any(pays_itself)) {
            continue;
        }
        let (candidates, tip) = (game.spends(coin, &out, version), world.chain.height());
        // If the transaction that pays this state's balances is available, the corrupted side does not
        // publish another state instead. The delay would start again.
        let settles =
            |candidate: &Candidate| !candidate.closes_latest && !game.knowledge.is_state(&candidate.tx);
        let stays = Some(coin) != game.funding && candidates.iter().any(settles);
        let harms = |candidate: &&Candidate| {
            let wanted = settles(candidate) || !stays && !candidate.closes_latest;
            wanted && is_ready(candidate, height, tip)
        };
        for candidate in candidates.iter().filter(harms) {
            let txid = candidate.tx.compute_txid();
            if refused.contains(&txid) {
                continue;
            }
            if offer(&mut world.chain, std::slice::from_ref(&candidate.tx)) {
                break;
            }
            let child = game.child(&world.chain, &candidate.tx, game.market + 2, Shape::Small);
            if child.is_some_and(|child| offer(&mut world.chain, &[candidate.tx.clone(), child])) {
                break;
            }
            // If a child cannot pay the transaction's fee, an input is added that pays it. This works only if
            // the signatures do not commit to the inputs.
            let funded = changed(game, &world.chain, candidate, Change::Fee { first: false });
            if funded.is_some_and(|funded| offer(&mut world.chain, &[funded.tx])) {
                break;
            }
            refused.insert(txid);
        }
    }
}

/// Returns whether the locks of a candidate's first input allow the next block to include the transaction.
/// `coin` is the height at which the spent output confirmed, and `height` is the height of the tip.
fn is_ready(candidate: &Candidate, coin: u32, height: u32) -> bool {
    let sequence = candidate.tx.input.first().map_or(0, |input| input.sequence.0);
    let relative = sequence & (1 << 31 | 1 << 22) != 0 || coin + (sequence & 0xffff) <= height + 1;
    let lock_time = candidate.tx.lock_time.to_consensus_u32();
    relative && (lock_time <= height || lock_time >= 500_000_000)
}
