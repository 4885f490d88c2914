//! A state of the search: the chain, the honest side with its real code, and what the corrupted side may still do.

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

/// What the corrupted side may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Budget {
    /// Transactions that it offers, and other moves but waiting.
    pub moves: u32,
    /// Times that it lets time pass.
    pub blocks: u32,
    /// Blocks from which it keeps the honest side's transactions.
    pub pins: u32,
    /// Blocks that the honest side does not look at.
    pub absent: u32,
    /// Blocks that it reorganises.
    pub reorganisations: u32,
}

/// One move.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// Offers a transaction, or a parent and its child, to the mempool.
    Offer(Vec<Transaction>),
    /// A miner includes a transaction that the mempool refuses: alone in its block while there are pins, then beside what the market
    /// puts there.
    Include(Transaction),
    /// So many blocks, as the market fills them.
    Mine(u32),
    /// A block without the honest side's transactions.
    MineWithout,
    /// A block that the honest side does not look at.
    MineUnseen(u32),
    /// The last blocks are disconnected, and others follow.
    Reorganise(u32),
    /// The tower of the honest side is handed a record.
    HandRecord(Vec<u8>),
}

/// A move with its name.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) label: String,
    pub(super) action: Action,
}

/// The moves that led to a state.
#[derive(Debug)]
struct Link {
    label: String,
    before: Option<Arc<Link>>,
}

/// A state of the search.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) honest: Honest,
    pub(super) left: Budget,
    trace: Option<Arc<Link>>,
}

/// The transactions that spend an output, by output and version.
type Spends = BTreeMap<(OutPoint, i32), Arc<Vec<Candidate>>>;

/// What does not change in a search.
#[derive(Debug)]
pub(super) struct Game {
    pub(super) knowledge: Knowledge,
    pub(super) wallet: Wallet,
    /// Its 0-sat coins that anyone can spend.
    pub(super) anchors: Vec<OutPoint>,
    /// Satoshi per virtual byte that blocks take.
    pub(super) market: u64,
    /// The contest delay.
    pub(super) delay: u32,
    /// The funding output.
    pub(super) funding: Option<OutPoint>,
    /// Whether everything must be spent at the end of a line: not where that costs more than what is at stake.
    pub(super) leaves_nothing: bool,
    /// Blocks at the end of a line for which a client with a tower does not look.
    pub(super) away: u32,
    /// Blocks after which a line ends.
    pub(super) horizon: u32,
    /// Records that can be handed to the tower.
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

    /// What the corrupted side can do with an output, computed once.
    pub(super) fn spends(&self, coin: OutPoint, out: &TxOut, version: i32) -> Arc<Vec<Candidate>> {
        let key = (coin, version);
        if let Some(found) = self.spends.borrow().get(&key) {
            return Arc::clone(found);
        }
        let found = Arc::new(self.knowledge.spends(coin, out, version));
        self.spends.borrow_mut().insert(key, Arc::clone(&found));
        found
    }

    /// A coin of the corrupted side that nothing spends: one that it had, the change of its children, or what it took.
    pub(super) fn free_coin(&self, chain: &Chain) -> Option<(OutPoint, TxOut)> {
        let coins = chain.coins_to(self.wallet.script_pubkey());
        let mut free = coins.filter(|(coin, found)| {
            found.out.value.to_sat() >= LEAST_COIN && chain.mempool().spender(coin).is_none()
        });
        free.next().map(|(coin, found)| (coin, found.out.clone()))
    }

    /// The child that pays for a parent by its P2A, with more outputs if wanted. None if the parent has no P2A.
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

    /// A feerate just below what blocks ask, in satoshi per virtual byte; 1 where they ask for 1.
    pub(super) fn below_market(&self) -> u64 {
        self.market.saturating_sub(1).max(1)
    }

    /// Outputs that look like the channel's own.
    fn decoys(&self) -> impl Iterator<Item = TxOut> {
        self.knowledge.scripts().map(|script| output(DECOY, script.clone()))
    }
}

/// Satoshi of the smallest coin that the corrupted side pays fees with.
const LEAST_COIN: u64 = 20_000;
/// Satoshi of an output that looks like one of the channel's.
pub(super) const DECOY: u64 = 330;

/// The form of a fee-paying child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One output.
    Small,
    /// Nearly the 1,000 vB that version 3 allows.
    Heavy,
    /// With outputs that look like the channel's own.
    Decoy,
}

impl World {
    pub(super) fn new(chain: Chain, honest: Honest, left: Budget) -> World {
        World { chain, honest, left, trace: None }
    }

    /// The moves that led here.
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

    /// What two equal states have in common.
    pub(super) fn fingerprint(&self) -> (u128, u64, Budget) {
        (self.chain.fingerprint(), self.honest.fingerprint(), self.left)
    }

    /// The state after a move; none if it is refused or changes nothing.
    ///
    /// # Errors
    ///
    /// A loss that shows at once.
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

    /// A block as the market fills it; then the honest side looks.
    pub(super) fn mine(&mut self, game: &Game) -> Result<(), Loss> {
        self.chain.mine_at(1_000 * game.market).map_err(Loss::Mining)?;
        self.look()
    }

    /// The honest side looks at the chain.
    pub(super) fn look(&mut self) -> Result<(), Loss> {
        self.honest.look(&mut self.chain).map_err(Loss::Honest)
    }

    /// A block with what the corrupted side made alone.
    fn mine_without(&mut self) -> Result<(), Loss> {
        let made = self.honest.made(&self.chain);
        let others = self.chain.mempool().entries().filter(|entry| !made.contains(&entry.txid));
        let mut block: Vec<Transaction> = others.map(|entry| entry.tx.clone()).collect();
        // Parents first.
        let ids: Vec<bitcoin::Txid> = block.iter().map(Transaction::compute_txid).collect();
        block.sort_by_key(|tx| tx.input.iter().any(|input| ids.contains(&input.previous_output.txid)));
        if self.chain.mine_block(block).is_err() {
            self.chain.mine_block(Vec::new()).map_err(Loss::Mining)?;
        }
        self.look()
    }
}

/// Offers a transaction, or a package.
pub(super) fn offer(chain: &mut Chain, txs: &[Transaction]) -> bool {
    match txs {
        [tx] => chain.submit(tx.clone()).is_ok(),
        [parent, child] => chain.submit_package(parent.clone(), child.clone()).is_ok(),
        _ => false,
    }
}

/// What must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The honest side has less than its worst acceptable outcome, less fees.
    Less {
        /// Satoshi that it has.
        has: u64,
        /// Satoshi that it must have, fees taken off.
        owed: u64,
    },
    /// Satoshi are left on the chain that nobody can spend.
    Left(u64),
    /// The tower paid more fees than it may.
    TowerPaid(u64),
    /// A block that the mempool proposes is invalid.
    Mining(Reject),
    /// The honest side's code fails.
    Honest(ChannelError),
    /// A rule of the wire protocol, keys, nonces or acceptance is broken. The text says which.
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

/// A 0-sat output that anyone spends needs no signature.
pub(super) fn unlock_anchor(tx: &mut Transaction, place: usize) {
    set_witness::<Vec<u8>>(tx, place, &[]);
}
