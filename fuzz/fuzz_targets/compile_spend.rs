//! Binary of the fuzz target `compile_spend`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(compile_spend);
