//! Compares generated policies with their canonical form and the interpreter. A separate command runs the whole search:
//! `cargo run --release -p sigstack-compiler --example search`.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use sigstack_compiler::{Reason, compile, parse};
use support::generate::Generator;
use support::property::{Seen, check};

/// Number of policies that each of the two tests checks. The search checks more.
const POLICIES: usize = 150;

#[test]
fn generated_policies_of_odd_seeds_do_what_they_mean() {
    check_seeds(1);
}

#[test]
fn generated_policies_of_even_seeds_do_what_they_mean() {
    check_seeds(2);
}

/// Checks policies that are generated from the seeds `first`, `first + 2`, `first + 4` and so on.
#[allow(clippy::panic, reason = "a test")]
fn check_seeds(first: u64) {
    let (mut compiled, mut refused, mut seen) = (0, 0, Seen::default());
    for seed in (first..).step_by(2) {
        if compiled == POLICIES {
            break;
        }
        let mut generator = Generator::new(seed, false);
        let text = generator.document(if seed % 10 == 0 { 10 } else { 6 });
        let document = parse(&text).unwrap_or_else(|error| panic!("{}", error.render(&text)));
        assert_eq!(parse(&document.to_string()).as_ref(), Ok(&document), "seed {seed}");
        // Policies whose conditions count twice are tested as well.
        let Ok(policy) = compile(&document, &BTreeMap::new(), &BTreeSet::from([Reason::Repeated])) else {
            refused += 1;
            continue;
        };
        compiled += 1;
        seen += check(&policy, &mut generator.world)
            .unwrap_or_else(|error| panic!("seed {seed}: {text}\n{error}"));
    }
    println!("{compiled} policies, {refused} refused, {seen:?}");
    assert!(seen.witnesses > POLICIES && refused > 0);
}
