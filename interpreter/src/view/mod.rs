//! [`TxView`]: a transaction, the outputs that it spends, and the input to which a rule or a signature hash applies.

mod cache;

use bitcoin::{Transaction, TxOut};

pub use cache::TxCache;
pub(crate) use cache::{BLANK_INPUT_SIZE, write_before_outpoint};

/// A transaction, the outputs that it spends, and the index of the input that is verified or signed. Opcodes that
/// inspect the transaction and functions that compute signature hashes use this view.
#[derive(Clone, Copy, Debug)]
pub struct TxView<'a> {
    /// The transaction.
    pub tx: &'a Transaction,
    /// The outputs that the inputs of the transaction spend, in input order.
    pub prevouts: &'a [TxOut],
    /// Index of the input that is verified or signed. The input and its prevout must exist.
    pub input: usize,
    /// Cache of the hashes of the transaction that several inputs need.
    pub cache: &'a TxCache,
}
