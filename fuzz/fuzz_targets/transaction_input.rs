//! Binary of the fuzz target `transaction_input`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(transaction_input);
