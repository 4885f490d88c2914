//! Consensus checks that depend on the chain: inputs, locks and amounts of a transaction.

use bitcoin::{OutPoint, Transaction, TxOut, absolute::LockTime};
use sigstack_interpreter::{Flags, Spend, check_transaction};

use super::{Chain, Reject};

/// An unspent output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coin {
    /// Amount and script of the unspent output.
    pub out: TxOut,
    /// Height of the block that created the output. For an unconfirmed output this is the height of the
    /// next block.
    pub height: u32,
}

/// Position in the chain at which a transaction is checked: height and median time.
pub(super) struct Context<'a> {
    chain: &'a Chain,
    height: u32,
    median_time: u32,
}

impl<'a> Context<'a> {
    /// Returns the height and the median time with which transactions for the next block are checked.
    pub(super) fn next(chain: &'a Chain) -> Context<'a> {
        let tip = chain.height();
        Context { chain, height: tip.saturating_add(1), median_time: chain.median_time_past(tip) }
    }
}

/// The outputs that a transaction spends, the heights at which they confirmed, and the transaction's fee.
pub(super) struct Placed {
    pub(super) prevouts: Vec<TxOut>,
    pub(super) heights: Vec<u32>,
    pub(super) fee: u64,
}

/// Bit of nSequence that disables the relative lock (BIP 68).
const DISABLE: u32 = 1 << 31;
/// Bit of nSequence that makes the relative lock count in units of 512 seconds instead of blocks (BIP 68).
const TIME: u32 = 1 << 22;

/// Checks the inputs, locks, amounts and structure of a transaction, but not its scripts. `coin` looks up an unspent
/// output.
pub(super) fn place(
    tx: &Transaction,
    context: &Context<'_>,
    coin: impl Fn(&OutPoint) -> Option<Coin>,
) -> Result<Placed, Reject> {
    check_transaction(tx).map_err(Reject::Transaction)?;
    let coins = tx
        .input
        .iter()
        .map(|input| coin(&input.previous_output).ok_or(Reject::MissingInput(input.previous_output)))
        .collect::<Result<Vec<Coin>, Reject>>()?;
    if !is_final(tx, context) {
        return Err(Reject::NotFinal);
    }
    sequence_locks(tx, &coins, context)?;
    let (prevouts, heights): (Vec<TxOut>, Vec<u32>) =
        coins.into_iter().map(|coin| (coin.out, coin.height)).unzip();
    let paid_in = prevouts.iter().fold(0u64, |sum, out| sum.saturating_add(out.value.to_sat()));
    let fee = paid_in.checked_sub(crate::tx::output_sum(tx)).ok_or(Reject::CreatesMoney)?;
    Ok(Placed { prevouts, heights, fee })
}

/// Verifies all scripts of the transaction with the interpreter.
pub(super) fn verify(tx: &Transaction, prevouts: &[TxOut], flags: Flags) -> Result<(), Reject> {
    let spend = Spend::new(tx, prevouts).map_err(|error| Reject::Script(error.into()))?;
    spend.verify(flags).map_err(Reject::Script)
}

fn is_final(tx: &Transaction, context: &Context<'_>) -> bool {
    let reached = match tx.lock_time {
        LockTime::Blocks(height) => height.to_consensus_u32() < context.height,
        LockTime::Seconds(time) => time.to_consensus_u32() < context.median_time,
    };
    reached || tx.lock_time == LockTime::ZERO || tx.input.iter().all(|input| input.sequence.is_final())
}

/// Checks the relative locks of all inputs (BIP 68).
fn sequence_locks(tx: &Transaction, coins: &[Coin], context: &Context<'_>) -> Result<(), Reject> {
    // BIP 68 compares nVersion as an unsigned number.
    if tx.version.0.cast_unsigned() < 2 {
        return Ok(());
    }
    for (nth, (input, coin)) in tx.input.iter().zip(coins).enumerate() {
        let sequence = input.sequence.0;
        let (value, open) = (sequence & 0xffff, Err(Reject::SequenceLocked { input: nth }));
        if sequence & DISABLE != 0 {
            continue;
        }
        if sequence & TIME == 0 {
            // The block that created the coin counts as the first block.
            if coin.height.saturating_add(value) > context.height {
                return open;
            }
        } else {
            let from = context.chain.median_time_past(coin.height.saturating_sub(1));
            if from.saturating_add(value << 9) > context.median_time {
                return open;
            }
        }
    }
    Ok(())
}
