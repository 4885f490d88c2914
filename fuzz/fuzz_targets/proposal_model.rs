//! Binary of the fuzz target `proposal_model`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(proposal_model);
