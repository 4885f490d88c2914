//! Tests that the constants of type [`Proposal`] agree with each other and with `registry.rs`.

use super::*;
use crate::flags::FlagKind;
use crate::tables::{FLAGS, OPCODES};
use crate::{Context, MockHost, NoInspector, Stack, Tapscript, run_script};

#[test]
fn rows_have_the_flags_of_their_names_and_hooks_of_their_own() {
    for (nth, proposal) in PROPOSALS.iter().enumerate() {
        assert_eq!(Flags::from_name(proposal.name), Some(proposal.flag));
        if proposal.hook == Hook::Transaction {
            assert_eq!((proposal.discourage, proposal.discouraged_error), (Flags::NONE, None));
            continue;
        }
        assert_eq!(Flags::from_name(&format!("DISCOURAGE_{}", proposal.name)), Some(proposal.discourage));
        assert!(proposal.discouraged_error.is_some());
        assert!(PROPOSALS[..nth].iter().all(|other| other.hook != proposal.hook));
        if let Hook::Success(opcode) = proposal.hook {
            assert!(opcode.is_success());
            assert_eq!(Proposal::of_success_opcode(opcode), Some(*proposal));
        }
    }
    let flags: Flags = PROPOSALS.iter().map(|proposal| proposal.flag).collect();
    assert_eq!(flags, Flags::of_kind(FlagKind::Proposal));
}

#[test]
fn discouraged_wins_over_active() {
    for proposal in PROPOSALS {
        assert_eq!(proposal.activation(Flags::NONE), Activation::Inactive);
        assert_eq!(proposal.activation(proposal.flag), Activation::Active);
        if proposal.hook != Hook::Transaction {
            let both = proposal.flag | proposal.discourage;
            assert_eq!(proposal.activation(both), Activation::Discouraged);
        }
    }
}

#[test]
fn each_row_is_that_of_its_entry_and_lists_what_it_adds() {
    for proposal in PROPOSALS {
        assert_eq!(format!("{:?}", proposal.id), proposal.name);
        let names = || proposal.flags.iter().map(|info| info.name);
        assert!(names().all(|name| name.contains(proposal.name)), "{}", proposal.name);
        let listed: Flags = proposal.flags.iter().map(|info| info.flag).collect();
        assert!(listed.contains(proposal.flag | proposal.discourage), "{}", proposal.name);
        let opcodes = proposal.opcodes.iter().map(|info| info.opcode).collect::<Vec<_>>();
        assert_eq!(opcodes, Vec::from_iter(proposal.hook.opcode()), "{}", proposal.name);
        // If policy rejects a NOP, the error is one that Core has, so it is not among the errors of the proposal.
        let own = |error: &ScriptError| proposal.errors.iter().any(|info| info.error == *error);
        let discouraged = proposal.discouraged_error;
        assert!(
            discouraged.is_none_or(|error| own(&error) || proposal.hook.core_policy().unwrap().1 == error)
        );
        assert!(discouraged.is_none_or(|error| proposal.failures.contains(&error)), "{}", proposal.name);
        assert!(
            proposal.errors.iter().all(|info| proposal.failures.contains(&info.error)),
            "{}",
            proposal.name
        );
        assert_eq!(proposal.vectors.is_some(), proposal.is_of_scripts());
    }
}

/// No two proposals use the same flag bit or opcode byte. Otherwise, the tables of flags and opcodes would list only
/// one of the two.
#[test]
fn no_row_hides_another() {
    let core = |kind| matches!(kind, FlagKind::Consensus | FlagKind::Policy);
    let flags = FLAGS.iter().filter(|info| !core(info.kind)).count();
    assert_eq!(flags, PROPOSALS.iter().map(|proposal| proposal.flags.len()).sum());
    let opcodes = OPCODES.iter().filter(|info| Proposal::of_opcode(info.opcode).is_some()).count();
    assert_eq!(opcodes, PROPOSALS.iter().map(|proposal| proposal.opcodes.len()).sum());
}

#[test]
fn a_sample_is_satisfied_while_its_proposal_is_active() {
    let run = |sample: &Sample, flags| {
        let mut stack = Stack::new();
        sample.stack.iter().for_each(|element| stack.push(element).unwrap());
        let context = Context::Tapscript(Tapscript::new([0; 32], [1; 32], None, 1000));
        // Schnorr signatures are verified. All other questions of the script are answered with no.
        let mut host = MockHost::new(|question| match question {
            crate::Question::Schnorr { signature, public_key, message } => {
                crate::verify_schnorr(signature, public_key, message)
            }
            _ => false,
        });
        let result = run_script(&mut stack, sample.script, context, flags, &mut host, &mut NoInspector);
        result.map(|()| (stack.len(), stack.is_true(0)))
    };
    for proposal in PROPOSALS.iter().filter(|proposal| proposal.is_of_scripts()) {
        let sample = proposal.sample.as_ref().unwrap();
        let flags = Flags::CONSENSUS | proposal.flag;
        assert_eq!(run(sample, flags), Ok((1, Ok(true))), "{}", proposal.name);
        // The sample uses the proposal, so the script does not succeed if policy rejects the proposal.
        let refused = run(sample, (flags - proposal.flag) | proposal.discourage);
        assert_ne!(refused, Ok((1, Ok(true))), "{}", proposal.name);
    }
}
