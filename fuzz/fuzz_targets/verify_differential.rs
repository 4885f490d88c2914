//! Binary of the fuzz target `verify_differential`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(verify_differential);
