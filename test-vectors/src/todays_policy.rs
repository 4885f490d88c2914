//! Verdicts of implementations that do not know the proposals. Their policy refuses the upgrade mechanism (OP_SUCCESSx,
//! NOP, unknown public key type) of every proposal with a generic discourage error.

use sigstack_interpreter::{Flags, PROPOSALS, ScriptError, Spend, VerifyError};

use crate::case::{Case, Expect, Subject};
use crate::dialect::{CORE, Rules};
use crate::question::InputQuestion;

/// Returns the flags as an implementation that does not know the proposals applies them. Each generic discourage flag
/// also sets the discourage flags of the inactive proposals whose upgrade mechanism it refuses. Discourage flags of
/// active proposals are removed. Returns `None` if Core's dialect does not know a flag.
fn refusing_inactive_proposals(flags: Flags) -> Option<Flags> {
    let joined = Rules::new(CORE).parse(&flags.to_string(), "flags").ok()?;
    let active = PROPOSALS.iter().filter(|proposal| flags.contains(proposal.flag));
    Some(joined - active.map(|proposal| proposal.discourage).collect::<Flags>())
}

/// Returns whether a case expects a generic discourage error only because today's policy does not know the proposals.
/// The interpreter accepts the input, but refuses it if the discourage flags of inactive proposals are added.
///
/// Implementations that do not know a proposal refuse its upgrade mechanism (OP_SUCCESSx, NOP, unknown public key type)
/// because of a generic flag. In this interpreter each proposal has a discourage flag of its own.
pub(crate) fn is_todays_policy(case: &Case) -> bool {
    let (Expect::Error(generic), Subject::Input(index)) = (case.expect, case.subject) else { return false };
    let Some(flags) = refusing_inactive_proposals(case.flags) else { return false };
    let Ok(spend) = Spend::new(&case.tx, &case.prevouts) else { return false };
    let accepted = spend.verify_input(index, case.flags).is_ok();
    match spend.verify_input(index, flags) {
        Err(VerifyError::Script { error, location }) => {
            accepted && CORE.accepts(generic.name(), error, &location)
        }
        _ => false,
    }
}

/// Returns whether the error is one that Core reports when its policy refuses an upgrade mechanism that a proposal
/// uses.
fn is_of_upgrade_mechanism(error: &ScriptError) -> bool {
    PROPOSALS
        .iter()
        .filter_map(|proposal| proposal.hook.core_policy())
        .any(|(_, of_policy)| of_policy == *error)
}

/// Returns the generic discourage error with which an implementation that does not know the proposals refuses the
/// input. Such an implementation refuses the upgrade mechanism (OP_SUCCESSx, NOP, unknown public key type) of an
/// inactive proposal. Returns `None` if it has no such reason to refuse the input.
///
/// [`is_todays_policy`] is the counterpart for cases that expect such an error.
pub(crate) fn todays_policy(question: &InputQuestion) -> Option<ScriptError> {
    let flags = refusing_inactive_proposals(question.flags)?;
    if question.flags.contains(flags) {
        return None;
    }
    let spend = Spend::new(&question.tx, &question.prevouts).ok()?;
    match spend.verify_input(question.index, flags) {
        Err(VerifyError::Script { error, .. }) => error.in_core().filter(is_of_upgrade_mechanism),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Check as _;

    /// Checks `is_todays_policy` with two cases that expect the generic discourage error. It returns true for the case
    /// with an inactive opcode and false for the case with an active one.
    #[test]
    fn only_mechanisms_of_inactive_proposals_are_judged_as_todays_policy() {
        let csfs =
            std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/proposals/csfs.jsonl")).unwrap();
        let case = |id: &str| {
            let mut lines = csfs.lines();
            let line = lines.find(|line| line.contains(&format!("\"id\":\"csfs/{id}\""))).unwrap();
            let mut case = Case::read(&serde_json::from_str(line).unwrap()).unwrap();
            case.flags |= Flags::DISCOURAGE_OP_SUCCESS;
            case.expect = Expect::Error(ScriptError::DiscourageOpSuccess);
            case
        };
        assert!(is_todays_policy(&case("state-inactive")));
        assert!(!is_todays_policy(&case("state-active")));
        let mut other_error = case("state-inactive");
        other_error.expect = Expect::Error(ScriptError::EvalFalse);
        assert!(!is_todays_policy(&other_error));
        let excuse = |case: Case| case.excuse();
        assert_eq!(excuse(case("state-inactive")), Some("judged as today's policy, proposals refused"));
        assert_eq!((excuse(case("state-active")), excuse(other_error)), (None, None));
    }
}
