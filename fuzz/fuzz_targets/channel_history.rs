//! Binary of the fuzz target `channel_history`, which is a module of the library.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(channel_history);
