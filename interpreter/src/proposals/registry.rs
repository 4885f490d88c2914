//! The list of the proposed soft forks. The list consists of names and imports nothing, so that every module can use
//! it.

/// Calls the macro `$generate` with the list of proposals, followed by `$arguments`. An entry of the list consists of:
///
/// - the folder of the proposal below `proposals/`;
/// - the constants of type `Proposal` in that folder; each has the name of the flag that activates the proposal;
/// - `opcode`: the opcode that the proposal adds, if any; the function `execute` in the folder executes it;
/// - `discouraged`: the `ScriptError` for a use that policy rejects, unless Core already has that error;
/// - `errors`: other variants of `ScriptError` that Core does not have.
///
/// The order of this list is the order of [`PROPOSALS`]. It also orders the errors of proposals in
/// [`ScriptError::ALL`], where all `discouraged` errors precede all `errors`.
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
