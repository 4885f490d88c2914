use super::*;

/// Name of each attack, and for each of its trials whether the attack is expected to work.
const EXPECTED: &[(&str, &[bool])] = &[
    ("swap", &[true, false]),
    ("forgotten-htlc", &[true, false]),
    ("unopenable", &[true, false]),
    ("byte-shift", &[true, false, false]),
    ("mix-and-match", &[true, false]),
    ("short-template", &[true, false]),
    ("two-delays", &[true, false]),
    ("stale-updates", &[true, false]),
    ("replay", &[true, false]),
    ("tower-theft", &[true, false]),
    ("stale-state", &[true, false]),
    // A penalty also takes everything from an honest party with an old backup.
    ("restored-backup", &[true, false]),
    ("hostage-split", &[true, false]),
    ("same-number", &[true, false]),
    ("skipped-number", &[true, false]),
    ("update-after-broadcast", &[true, false]),
    ("crash", &[true, false]),
    ("silent-rollback", &[true, false]),
    ("splice", &[true, false]),
    ("reused-nonce", &[true, false]),
    ("trimmed-dust", &[true, false]),
    ("fee-input", &[true, false]),
    ("pinning", &[true, false]),
    ("self-made-sweep", &[true, true, false, false]),
    ("self-made-pin", &[true, true, false, false, false]),
    ("self-made-cycle", &[true, false]),
];

#[test]
fn every_attack_works_on_the_naive_form_and_not_on_the_mended() {
    assert_eq!(names().collect::<Vec<_>>(), EXPECTED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let attacks = run(|_| true, &|_| ()).unwrap();
    println!("{}", table(&attacks).to_markdown());
    for (attack, (name, expected)) in attacks.iter().zip(EXPECTED) {
        let works: Vec<bool> = attack.trials.iter().map(|trial| trial.works).collect();
        assert_eq!(
            works,
            *expected,
            "{name}: {:?}",
            attack.trials.iter().map(|t| &t.outcome).collect::<Vec<_>>()
        );
    }
}

#[test]
fn rejected_spends_are_rejected_for_their_reason() {
    let attacks = run(
        |name| {
            let names = ["swap", "byte-shift", "mix-and-match", "replay", "tower-theft"];
            names.contains(&name) || name.starts_with("self-made")
        },
        &|_| (),
    )
    .unwrap();
    let errors = |name: &str, trial: usize| -> Vec<Option<ScriptError>> {
        let attack = attacks.iter().find(|attack| attack.name == name).unwrap();
        attack.trials[trial].shown.iter().map(|shown| shown.expect).collect()
    };
    assert_eq!(errors("swap", 1), [Some(ScriptError::SchnorrSig)]);
    assert_eq!(errors("byte-shift", 1), [Some(ScriptError::EqualVerify)]);
    assert_eq!(errors("mix-and-match", 1), [Some(ScriptError::SchnorrSig), Some(ScriptError::Verify), None]);
    assert_eq!(errors("replay", 1), [Some(ScriptError::SchnorrSig)]);
    assert_eq!(errors("tower-theft", 1), [Some(ScriptError::TemplateMismatch), None]);
    // The publisher's keys satisfy neither the contest leaf nor the tower leaf.
    let lacks = [Some(ScriptError::SchnorrSig), Some(ScriptError::SchnorrSig)];
    for (name, trials) in [("self-made-sweep", 2..4), ("self-made-pin", 2..5), ("self-made-cycle", 1..2)] {
        for trial in trials {
            assert_eq!(errors(name, trial), lacks, "{name} {trial}");
        }
    }
}
