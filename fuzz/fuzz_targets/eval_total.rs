//! Binary of the fuzz target `eval_total`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(eval_total);
