//! See the library's module of this name.

#![cfg_attr(fuzzing, no_main)]

sigstack_fuzz::fuzz_main!(verify_tapscript);
