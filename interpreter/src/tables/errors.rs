//! The table of the script errors: names and summaries of Core's errors and of those that proposals add.

use core::fmt;

use crate::proposals::{PROPOSALS, Proposal};
use crate::script_error::{ERROR_ROWS, ErrorInfo, ScriptError};

/// Returns the row that describes `error`; `None` if `rows` has no such row.
const fn find(rows: &[ErrorInfo], error: ScriptError) -> Option<ErrorInfo> {
    let mut rest = rows;
    while let [info, tail @ ..] = rest {
        if info.error as usize == error as usize {
            return Some(*info);
        }
        rest = tail;
    }
    None
}

impl ScriptError {
    /// Returns the name and summary of the error, from Core's table or from the proposal that adds the error.
    const fn info(self) -> ErrorInfo {
        let mut proposals = PROPOSALS;
        let mut rows = ERROR_ROWS;
        loop {
            if let Some(info) = find(rows, self) {
                return info;
            }
            let [proposal, tail @ ..] = proposals else { break };
            (rows, proposals) = (proposal.errors, tail);
        }
        // A test looks up every error.
        ErrorInfo { error: self, name: "", summary: "" }
    }

    /// Returns the name of the error, spelled as in the test vectors of Bitcoin Core 31.
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Returns a sentence that describes the error.
    pub const fn summary(self) -> &'static str {
        self.info().summary
    }

    /// Returns the error that Bitcoin Core, which does not implement the proposals, reports for the same input:
    ///
    /// - for an error of Core, the same error;
    /// - if policy rejects the use of a proposal, Core's error for the upgrade mechanism, such as
    ///   `DISCOURAGE_OP_SUCCESS`;
    /// - for any other error that a proposal adds, `None`.
    pub fn in_core(self) -> Option<ScriptError> {
        match self.proposal() {
            None => Some(self),
            Some(proposal) if proposal.discouraged_error == Some(self) => {
                proposal.hook.core_policy().map(|(_, error)| error)
            }
            Some(_) => None,
        }
    }

    /// Returns the proposal that adds the error; `None` for Core's errors.
    pub fn proposal(self) -> Option<&'static Proposal> {
        let adds = |proposal: &&Proposal| proposal.errors.iter().any(|info| info.error == self);
        PROPOSALS.iter().copied().find(adds)
    }

    /// Names that older versions of Core gave to script errors, each with its error. [`ScriptError::from_name`] accepts
    /// them.
    pub const ALIASES: &'static [(&'static str, ScriptError)] = &[("SIG_NULLFAIL", ScriptError::SigNullFail)];

    /// Returns the error with this name, with or without the prefix `SCRIPT_ERR_`; `None` if there is none. The names
    /// in [`ScriptError::ALIASES`] are accepted too.
    pub fn from_name(name: &str) -> Option<ScriptError> {
        let name = name.strip_prefix("SCRIPT_ERR_").unwrap_or(name);
        let alias = || ScriptError::ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, error)| *error);
        ScriptError::ALL.iter().copied().find(|error| error.name() == name).or_else(alias)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), self.summary())
    }
}

impl core::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_distinct() {
        for error in ScriptError::ALL {
            assert_eq!(ScriptError::from_name(error.name()), Some(*error), "{error:?}");
            assert!(!error.summary().is_empty(), "{error:?}");
        }
        assert_eq!(ScriptError::from_name("SCRIPT_ERR_SIG_NULLFAIL"), Some(ScriptError::SigNullFail));
        assert_eq!(ScriptError::from_name("OK"), None);
    }

    #[test]
    fn core_has_one_error_for_each_upgrade_mechanism() {
        assert_eq!(ScriptError::DiscourageOpCat.in_core(), Some(ScriptError::DiscourageOpSuccess));
        assert_eq!(
            ScriptError::DiscourageAnyPrevOut.in_core(),
            Some(ScriptError::DiscourageUpgradablePubkeyType)
        );
        assert_eq!(ScriptError::PushSize.in_core(), Some(ScriptError::PushSize));
        assert_eq!(ScriptError::TemplateMismatch.in_core(), None);
    }
}
