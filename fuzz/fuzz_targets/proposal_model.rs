//! Program that runs the fuzz target `proposal_model`, whose code is the module of this name in the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(proposal_model);
