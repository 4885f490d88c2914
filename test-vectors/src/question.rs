//! Questions to an implementation: is an input, or a whole transaction, valid under these flags? The answer is a
//! verdict.

use bitcoin::{Transaction, TxOut};
use sigstack_interpreter::Flags;

/// One input of one transaction, and the flags to verify the input with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputQuestion {
    /// The transaction that contains the input to verify.
    pub tx: Transaction,
    /// The outputs spent by the transaction, in input order.
    pub prevouts: Vec<TxOut>,
    /// Index of the input to verify.
    pub index: usize,
    /// Flags under which the input is verified.
    pub flags: Flags,
}

/// A transaction to verify as a whole (every input, and the rules that span inputs), and the flags to verify with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionQuestion {
    /// The transaction to verify as a whole.
    pub tx: Transaction,
    /// The outputs spent by the transaction, in input order.
    pub prevouts: Vec<TxOut>,
    /// Flags under which the transaction is verified.
    pub flags: Flags,
}

/// What an implementation is asked to verify: one input, or a whole transaction. The two have separate types, because
/// some implementations can verify only single inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The question whether one input of a transaction is valid.
    Input(InputQuestion),
    /// The question whether a whole transaction is valid.
    Transaction(TransactionQuestion),
}

impl Question {
    /// Returns the question if it is about one input, or `None` if it is about a whole transaction.
    pub fn input(self) -> Option<InputQuestion> {
        match self {
            Question::Input(question) => Some(question),
            Question::Transaction(_) => None,
        }
    }
}
