//! One search state: the chain, the honest side with its production code, and the remaining moves of the
//! corrupted side.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{OutPoint, Transaction, TxOut};

use super::honest::Honest;
use super::knowledge::{Candidate, Knowledge};
use crate::chain::{Chain, Reject};
use crate::error::ChannelError;
use crate::tx::{SEQUENCE_FREE, input, outpoint, output, p2a, set_witness, transaction, weight};
use crate::wallet::Wallet;

/// The moves and blocks that the corrupted side may still use in a search, counted by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget {
    /// Maximum number of moves that offer a transaction, disconnect blocks or replace the watchtower's data for its
    /// client. If a miner includes a transaction that the mempool refuses, the move counts here and also in `blocks`.
    pub moves: u32,
    /// Maximum number of moves that mine blocks. One such move may mine several blocks.
    pub blocks: u32,
    /// Maximum number of blocks from which the corrupted side may exclude the honest side's transactions.
    pub pins: u32,
    /// Maximum number of blocks that are mined without being read by the honest side.
    pub absent: u32,
    /// Maximum number of blocks that the corrupted side may disconnect in reorganisations.
    pub reorganisations: u32,
}

/// One move of the corrupted side.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Offers a transaction, or a parent and its child, to the mempool.
    Offer(Vec<Transaction>),
    /// A miner includes a transaction that the mempool refuses. While [`Budget::pins`] is not 0, the block contains
    /// no other transaction. When it is 0, the block also contains the mempool's best transactions.
    Include(Transaction),
    /// Mines this many blocks, with the mempool transactions that pay at least the market feerate.
    Mine(u32),
    /// Mines a block without the honest side's transactions.
    MineWithout,
    /// Mines this many blocks that the honest side does not see.
    MineUnseen(u32),
    /// Disconnects this many blocks. Later moves mine the replacement blocks.
    Reorganise(u32),
    /// Replaces the record (the bytes) that the honest side's watchtower stores for its client.
    HandRecord(Vec<u8>),
}

/// A move of the corrupted side, with its name in the printed list of moves.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) label: String,
    pub(super) action: Action,
}

/// A linked list of the names of the moves that led to a search state.
#[derive(Debug)]
struct Link {
    label: String,
    before: Option<Arc<Link>>,
}

/// One search state: the chain, the honest side and the corrupted side's remaining moves. It also contains the names
/// of the moves that led to it. A move is applied to a clone.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) honest: Honest,
    pub(super) left: Budget,
    trace: Option<Arc<Link>>,
}

/// Cache of the corrupted side's transactions that spend an output, by the outpoint of the output and by the version
/// of the spending transaction.
type Spends = BTreeMap<(OutPoint, i32), Arc<Vec<Candidate>>>;

/// Constants of a search: data that no move changes, such as the knowledge of the corrupted side and the market
/// feerate.
#[derive(Debug)]
pub(super) struct Game {
    pub(super) knowledge: Knowledge,
    pub(super) wallet: Wallet,
    /// 0-sat P2A outputs outside the channel. The corrupted side can add them as inputs without a signature.
    pub(super) anchors: Vec<OutPoint>,
    /// Feerate that a transaction must pay to be included in the simulated blocks, in satoshi per virtual byte.
    pub(super) market: u64,
    /// Number of blocks during which a published old state can be contested.
    pub(super) delay: u32,
    /// Outpoint of the channel's funding output. `None` only while the game is built.
    pub(super) funding: Option<OutPoint>,
    /// Whether all channel outputs must be spent when the outcome is judged. This is not required if spending costs
    /// more than the amount at stake, or if there are too many HTLCs to claim within [`Game::horizon`] blocks.
    pub(super) leaves_nothing: bool,
    /// Number of blocks after the corrupted side's last move during which a client with a watchtower stays
    /// offline.
    pub(super) away: u32,
    /// Maximum number of blocks mined after the corrupted side's last move, before the outcome is judged.
    pub(super) horizon: u32,
    /// Records (bytes that a watchtower stores for a client) that the corrupted side can give to the watchtower. Each
    /// has a name for the printed list of moves.
    pub(super) records: Vec<(&'static str, Vec<u8>)>,
    spends: RefCell<Spends>,
}

impl Game {
    pub(super) fn new(knowledge: Knowledge, wallet: Wallet, market: u64, delay: u32) -> Game {
        Game {
            knowledge,
            wallet,
            anchors: Vec::new(),
            market,
            delay,
            funding: None,
            leaves_nothing: true,
            away: delay + 6,
            horizon: 2 * delay + 130,
            records: Vec::new(),
            spends: RefCell::default(),
        }
    }

    /// Returns the corrupted side's transactions that spend the output `out` at the outpoint `coin`, as
    /// [`Knowledge::spends`] finds them. Those that the corrupted side builds itself have the transaction version
    /// `version`. All are computed once and cached.
    pub(super) fn spends(&self, coin: OutPoint, out: &TxOut, version: i32) -> Arc<Vec<Candidate>> {
        let key = (coin, version);
        if let Some(found) = self.spends.borrow().get(&key) {
            return Arc::clone(found);
        }
        let found = Arc::new(self.knowledge.spends(coin, out, version));
        self.spends.borrow_mut().insert(key, Arc::clone(&found));
        found
    }

    /// Returns an unspent output of the corrupted side's wallet that can pay fees: it has at least
    /// [`LEAST_COIN`] satoshi, and no mempool transaction spends it. Returns `None` if there is none.
    pub(super) fn free_coin(&self, chain: &Chain) -> Option<(OutPoint, TxOut)> {
        let coins = chain.coins_to(self.wallet.script_pubkey());
        let mut free = coins.filter(|(coin, found)| {
            found.out.value.to_sat() >= LEAST_COIN && chain.mempool().spender(coin).is_none()
        });
        free.next().map(|(coin, found)| (coin, found.out.clone()))
    }

    /// Returns a child that pays for its parent by spending the parent's P2A output. `rate` is the feerate of
    /// parent and child together in sat/vB, or of the child alone for [`Shape::Heavy`]. Returns `None` if the
    /// parent has no P2A output, or if the corrupted side has no output to pay the fee.
    pub(super) fn child(
        &self,
        chain: &Chain,
        parent: &Transaction,
        rate: u64,
        shape: Shape,
    ) -> Option<Transaction> {
        let anchor_script = p2a();
        let (vout, anchor) = (0..).zip(&parent.output).find(|(_, out)| out.script_pubkey == anchor_script)?;
        let coin = self.free_coin(chain)?;
        let inputs = vec![input(outpoint(parent, vout), SEQUENCE_FREE), input(coin.0, SEQUENCE_FREE)];
        let mut outputs = vec![output(0, self.wallet.script_pubkey().clone())];
        match shape {
            Shape::Small => {}
            Shape::Heavy => {
                outputs.extend((0..17).map(|_| output(330, self.wallet.script_pubkey().clone())));
            }
            Shape::Decoy => outputs.extend(self.decoys()),
        }
        let mut tx = transaction(parent.version.0, 0, inputs, outputs);
        let parent_size = if shape == Shape::Heavy { 0 } else { weight(parent).div_ceil(4) };
        let size = weight(&tx).div_ceil(4) + 17 + parent_size;
        let paid = anchor.value.to_sat() + coin.1.value.to_sat();
        let rest = paid.checked_sub(crate::tx::output_sum(&tx) + size * rate)?;
        tx.output.first_mut()?.value = bitcoin::Amount::from_sat(rest);
        self.wallet.sign(&mut tx, &[anchor.clone(), coin.1], 1).ok()?;
        Some(tx)
    }

    /// Returns a feerate just below the market, in satoshi per virtual byte, but at least 1.
    pub(super) fn below_market(&self) -> u64 {
        self.market.saturating_sub(1).max(1)
    }

    /// Returns one decoy output for each script of a channel output. A decoy has the same script and an amount of
    /// [`DECOY`] satoshi.
    fn decoys(&self) -> impl Iterator<Item = TxOut> {
        self.knowledge.scripts().map(|script| output(DECOY, script.clone()))
    }
}

/// Minimum amount of an output that the corrupted side uses to pay fees, in satoshi.
const LEAST_COIN: u64 = 20_000;
/// Amount of a decoy output in satoshi. A decoy output has the same script as a channel output but does not belong to
/// the channel.
pub(super) const DECOY: u64 = 330;

/// Size and outputs of a child transaction that pays the fee of its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A fee-paying child transaction with one output.
    Small,
    /// A fee-paying child transaction with 18 outputs, about 880 vB. A child of a version 3 transaction may have at
    /// most 1,000 vB.
    Heavy,
    /// A fee-paying child transaction with one additional output for each channel output script. The additional outputs
    /// look like channel outputs.
    Decoy,
}

impl World {
    pub(super) fn new(chain: Chain, honest: Honest, left: Budget) -> World {
        World { chain, honest, left, trace: None }
    }

    /// Returns the names of the moves that led to this search state, first move first.
    pub(super) fn trace(&self) -> Vec<String> {
        let mut labels = Vec::new();
        let mut link = self.trace.as_ref();
        while let Some(found) = link {
            labels.push(found.label.clone());
            link = found.before.as_ref();
        }
        labels.reverse();
        labels
    }

    /// Returns a fingerprint of the search state. The search explores only one of the states that have the same
    /// fingerprint.
    pub(super) fn fingerprint(&self) -> (u128, u64, Budget) {
        (self.chain.fingerprint(), self.honest.fingerprint(), self.left)
    }

    /// Returns the search state after a move. Returns `None` if the mempool, the chain or the watchtower
    /// refuses the move.
    ///
    /// # Errors
    ///
    /// Returns the loss if the move causes one immediately.
    pub(super) fn after(&self, game: &Game, step: &Move) -> Result<Option<World>, Loss> {
        let mut next = self.clone();
        match &step.action {
            Action::Offer(txs) => {
                next.left.moves = next.left.moves.saturating_sub(1);
                if !offer(&mut next.chain, txs) {
                    return Ok(None);
                }
            }
            Action::Include(tx) => {
                next.left.moves = next.left.moves.saturating_sub(1);
                next.left.blocks = next.left.blocks.saturating_sub(1);
                let is_alone = next.left.pins > 0;
                next.left.pins = next.left.pins.saturating_sub(1);
                let block = if is_alone {
                    next.chain.mine_block(vec![tx.clone()])
                } else {
                    next.chain.mine_with(tx.clone(), 1_000 * game.market)
                };
                if block.is_err() {
                    return Ok(None);
                }
                next.look()?;
            }
            Action::Mine(blocks) => {
                next.left.blocks = next.left.blocks.saturating_sub(1);
                for _ in 0..*blocks {
                    next.mine(game)?;
                }
            }
            Action::MineWithout => {
                next.left.blocks = next.left.blocks.saturating_sub(1);
                next.left.pins = next.left.pins.saturating_sub(1);
                next.mine_without()?;
            }
            Action::MineUnseen(blocks) => {
                next.left.blocks = next.left.blocks.saturating_sub(1);
                next.left.absent = next.left.absent.saturating_sub(*blocks);
                for _ in 0..*blocks {
                    next.chain.mine_at(1_000 * game.market).map_err(Loss::Mining)?;
                }
            }
            Action::Reorganise(blocks) => {
                next.left.moves = next.left.moves.saturating_sub(1);
                next.left.reorganisations = next.left.reorganisations.saturating_sub(*blocks);
                if next.chain.reorganise(*blocks).is_err() {
                    return Ok(None);
                }
                next.look()?;
            }
            Action::HandRecord(record) => {
                next.left.moves = next.left.moves.saturating_sub(1);
                if !next.honest.hand_record(record) {
                    return Ok(None);
                }
            }
        }
        next.trace = Some(Arc::new(Link { label: step.label.clone(), before: self.trace.clone() }));
        Ok(Some(next))
    }

    /// Mines a block at the market feerate; then the honest side reacts to the chain.
    pub(super) fn mine(&mut self, game: &Game) -> Result<(), Loss> {
        self.chain.mine_at(1_000 * game.market).map_err(Loss::Mining)?;
        self.look()
    }

    /// Lets the honest side read the chain and react to it.
    pub(super) fn look(&mut self) -> Result<(), Loss> {
        self.honest.look(&mut self.chain).map_err(Loss::Honest)
    }

    /// Mines a block without the honest side's mempool transactions. Then the honest side reacts to the
    /// block.
    fn mine_without(&mut self) -> Result<(), Loss> {
        let made = self.honest.made(&self.chain);
        let others = self.chain.mempool().entries().filter(|entry| !made.contains(&entry.txid));
        let mut block: Vec<Transaction> = others.map(|entry| entry.tx.clone()).collect();
        // Parents come before their children.
        let ids: Vec<bitcoin::Txid> = block.iter().map(Transaction::compute_txid).collect();
        block.sort_by_key(|tx| tx.input.iter().any(|input| ids.contains(&input.previous_output.txid)));
        if self.chain.mine_block(block).is_err() {
            self.chain.mine_block(Vec::new()).map_err(Loss::Mining)?;
        }
        self.look()
    }
}

/// Offers a transaction, or a parent and a child as a package, to the mempool. Returns whether the mempool
/// accepted it.
pub(super) fn offer(chain: &mut Chain, txs: &[Transaction]) -> bool {
    match txs {
        [tx] => chain.submit(tx.clone()).is_ok(),
        [parent, child] => chain.submit_package(parent.clone(), child.clone()).is_ok(),
        _ => false,
    }
}

/// An outcome that must not occur: the result that a search looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The final balance of the honest side is lower than its lowest acceptable balance.
    Less {
        /// Final balance of the honest side, in satoshi.
        has: u64,
        /// Lowest acceptable final balance of the honest side, in satoshi. The allowance for fees is already deducted.
        owed: u64,
    },
    /// Channel outputs worth this many satoshi in total are still unspent when the outcome is judged.
    Left(u64),
    /// The watchtower paid this many satoshi of fees, which is more than the scenario allows.
    TowerPaid(u64),
    /// A block built from the mempool is invalid.
    Mining(Reject),
    /// The honest side's code returned an error.
    Honest(ChannelError),
    /// The construction breaks a rule about keys, nonces, accepted states or the wire protocol. The text says
    /// which rule.
    Rule(String),
}

impl core::fmt::Display for Loss {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Loss::Less { has, owed } => {
                write!(f, "the honest side has {has} sat, at least {owed} are its own")
            }
            Loss::Left(sat) => write!(f, "{sat} sat are left that nobody can spend"),
            Loss::TowerPaid(sat) => write!(f, "the tower paid {sat} sat, more than its fees may be"),
            Loss::Mining(reject) => write!(f, "a block of what the mempool holds is invalid: {reject}"),
            Loss::Honest(error) => write!(f, "the honest side fails: {error}"),
            Loss::Rule(text) => f.write_str(text),
        }
    }
}

/// Empties the witness of input `place`, which spends a 0-sat P2A anchor. Anyone can spend the anchor without a
/// signature.
pub(super) fn unlock_anchor(tx: &mut Transaction, place: usize) {
    set_witness::<Vec<u8>>(tx, place, &[]);
}
