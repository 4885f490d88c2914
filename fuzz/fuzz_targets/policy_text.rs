//! Binary of the fuzz target `policy_text`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(policy_text);
