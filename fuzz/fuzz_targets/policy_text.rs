//! Program that runs the fuzz target `policy_text`, whose code is the module of this name in the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(policy_text);
