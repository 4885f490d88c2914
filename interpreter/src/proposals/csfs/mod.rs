//! `OP_CHECKSIGFROMSTACK` (BIP 348), which redefines `OP_SUCCESS204`.

mod rules;

pub(crate) use rules::execute;
