//! `OP_CHECKSIGFROMSTACK` (BIP 348), on `OP_SUCCESS204`.

mod rules;

pub(crate) use rules::execute;
