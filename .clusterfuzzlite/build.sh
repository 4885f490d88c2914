#!/bin/bash -eu
# Builds every target of fuzz/ for ClusterFuzzLite and OSS-Fuzz, with its seeds and its dictionary. The environment's compilers and
# flags are those of the service.
cd "$SRC/sigstack"
# bitcoinconsensus is C++: link the standard library that the service compiles it with.
export CXXSTDLIB=c++
cargo fuzz build -O
release="fuzz/target/x86_64-unknown-linux-gnu/release"

# The tools are not fuzzers, so they are built without the service's flags.
tools=(env -u RUSTFLAGS -u CFLAGS -u CXXFLAGS -u CXXSTDLIB CC=clang CXX=clang++ cargo run --release --locked
  --manifest-path fuzz/Cargo.toml --bin sigstack-fuzz --target-dir /tmp/tools --)
"${tools[@]}" seeds /tmp/seeds
for target in $("${tools[@]}" list); do
  cp "$release/$target" "$OUT/"
  if [ -d "fuzz/regressions/$target" ]; then
    mkdir -p "/tmp/seeds/$target"
    cp "fuzz/regressions/$target"/* "/tmp/seeds/$target/"
  fi
  [ ! -d "/tmp/seeds/$target" ] || (cd "/tmp/seeds/$target" && find . -type f | zip -q -@ "$OUT/${target}_seed_corpus.zip")
  cp fuzz/opcodes.dict "$OUT/$target.dict"
  printf '[libfuzzer]\nmax_len = 8192\n' > "$OUT/$target.options"
done
