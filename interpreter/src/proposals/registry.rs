//! The registry of the proposals: a list of names only, so that every module can use it.

/// The registry: passes an entry for each proposal, and then its own arguments, to the macro `$generate`. An entry has
///
/// - the folder;
/// - the rows in it, which are also the names of the flags that activate them;
/// - `opcode`: the opcode that `execute` in the folder executes, if there is one;
/// - `discouraged`: the error if policy refuses its use, unless that is one of Core's errors;
/// - `errors`: other errors that Core does not have.
///
/// The order is that of [`PROPOSALS`] and, among errors of one kind, that of [`ScriptError::ALL`].
macro_rules! for_each_proposal {
    ($generate:ident! $($arguments:tt)*) => {
        $generate! {
            proposals {
                csfs: CHECKSIGFROMSTACK, opcode OP_CHECKSIGFROMSTACK, discouraged DiscourageOpCheckSigFromStack;
                anyprevout: ANYPREVOUT, discouraged DiscourageAnyPrevOut;
                checktemplateverify: CHECKTEMPLATEVERIFY, opcode OP_CHECKTEMPLATEVERIFY, errors TemplateMismatch;
                cat: OP_CAT, opcode OP_CAT, discouraged DiscourageOpCat;
                internalkey: INTERNALKEY, opcode OP_INTERNALKEY, discouraged DiscourageOpInternalKey;
                paircommit: PAIRCOMMIT, opcode OP_PAIRCOMMIT, discouraged DiscourageOpPairCommit;
                templatehash: TEMPLATEHASH, opcode OP_TEMPLATEHASH, discouraged DiscourageTemplateHash;
                bip54: LEGACY_SIGOPS_LIMIT FORBID_64_BYTE_TX;
            }
            $($arguments)*
        }
    };
}
pub(crate) use for_each_proposal;
