//! Program that runs the fuzz target `verify_differential`, whose code is the module of this name in the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(verify_differential);
