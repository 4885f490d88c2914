//! Program that runs the fuzz target `compile_spend`, whose code is the module of this name in the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(compile_spend);
