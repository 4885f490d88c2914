//! Keys and values of a PSBT that do not have the shape that the BIPs specify.

use super::*;

/// Each row has the key data and the value of a field, and the expected error. The error is empty for a valid field.
#[test]
fn keys_and_values_have_the_shape_that_the_bips_specify() {
    let origin = [1; 8];
    let leaf = [7; 32];
    let x_only = hex(X_ONLY);
    let key = |data: &[u8]| data.to_vec();
    let block = |path: usize| [vec![0xc0], hex(X_ONLY), vec![7; path]].concat();
    let tree = |leaves: &[[u8; 4]]| leaves.concat();
    let no_key = format!("02{NO_POINT}");
    for (place, kind, data, value, problem) in [
        (Global, 0x06, key(&[]), vec![0xff], ""),
        (Global, 0x06, key(&[]), vec![0; 2], "the value has 2 bytes, must have 1"),
        (Global, 0x06, key(&[1]), vec![0], "the key data has 1 byte, must be empty"),
        (Global, 0x01, key(&[0; 77]), origin.to_vec(), "the key data has 77 bytes, must have 78"),
        (Global, 0xfb, key(&[]), vec![2, 0], "the value has 2 bytes, must have 4"),
        (Global, 0xfc, vec![1, 9, 0], vec![], ""),
        (Global, 0xfc, vec![0], vec![], "the subtype: 1 byte expected, 0 left"),
        (Global, 0xfc, vec![0xfd, 9], vec![], "the identifier's length: 3 bytes expected, 2 left"),
        (Global, 0xfc, vec![2, 9], vec![], "the identifier: 2 bytes expected, 1 left"),
        (Input, 0x02, hex(KEY), hex("300602010102010101"), ""),
        (
            Input,
            0x02,
            hex(X_ONLY),
            hex("300602010102010101"),
            "the key data has 32 bytes, must have 33 or 65",
        ),
        (Input, 0x02, hex(KEY), hex("3006020101020101"), "the value is not a DER signature and a hash type"),
        (Input, 0x02, hex(KEY), vec![], "the value is not a DER signature and a hash type"),
        (Input, 0x03, key(&[]), vec![1, 0, 0, 0], ""),
        (Input, 0x03, key(&[]), vec![1], "the value has 1 byte, must have 4"),
        (Input, 0x06, hex(KEY), origin.to_vec(), ""),
        (
            Input,
            0x06,
            hex(&no_key),
            origin.to_vec(),
            "the key data is not a public key: 02eefdea4cdb677750a420fee807\
          eacf21eb9898ae79b9768766e4faa04a2d4a34",
        ),
        (
            Input,
            0x06,
            hex(KEY),
            vec![1; 9],
            "the key origin has 9 bytes, must have 4 for the fingerprint and 4 for \
          each step of the path",
        ),
        (
            Input,
            0x06,
            hex(KEY),
            vec![],
            "the key origin has 0 bytes, must have 4 for the fingerprint and 4 for each \
          step of the path",
        ),
        (Input, 0x13, key(&[]), vec![1; 64], ""),
        (Input, 0x13, key(&[]), vec![1; 65], ""),
        (Input, 0x13, key(&[]), vec![1; 63], "the value has 63 bytes, must have 64 or 65"),
        (Input, 0x13, key(&[]), vec![1; 66], "the value has 66 bytes, must have 64 or 65"),
        (Input, 0x14, [&x_only[..], &leaf].concat(), vec![1; 64], ""),
        (
            Input,
            0x14,
            [&hex(KEY)[..], &leaf].concat(),
            vec![1; 64],
            "the key data has 65 bytes, must have 64",
        ),
        (
            Input,
            0x14,
            [&x_only[..], &leaf].concat(),
            vec![1; 57],
            "the value has 57 bytes, must have 64 or 65",
        ),
        (Input, 0x15, block(0), vec![0x51, 0xc0], ""),
        (Input, 0x15, block(128 * 32), vec![0x51, 0xc0], ""),
        (
            Input,
            0x15,
            block(1),
            vec![0x51, 0xc0],
            "the key data has 34 bytes; a control block has 33 + 32m for an m \
          from 0 to 128",
        ),
        (
            Input,
            0x15,
            block(129 * 32),
            vec![0x51, 0xc0],
            "the key data has 4161 bytes; a control block has 33 + 32m \
          for an m from 0 to 128",
        ),
        (Input, 0x15, block(0), vec![], "the value is empty: it has no leaf version"),
        (Input, 0x16, x_only.clone(), [&[1][..], &leaf, &origin].concat(), ""),
        (Input, 0x16, hex(KEY), [&[0][..], &origin].concat(), "the key data has 33 bytes, must have 32"),
        (
            Input,
            0x16,
            x_only.clone(),
            [&[2][..], &leaf, &origin].concat(),
            "the leaf hashes: 64 bytes expected, 40 left",
        ),
        (
            Input,
            0x16,
            x_only.clone(),
            [&[1][..], &leaf].concat(),
            "the key origin has 0 bytes, must have 4 for the \
          fingerprint and 4 for each step of the path",
        ),
        (Input, 0x16, x_only.clone(), vec![], "the number of leaf hashes: 1 byte expected, 0 left"),
        (Input, 0x01, key(&[]), vec![0; 9], ""),
        (
            Input,
            0x01,
            key(&[]),
            vec![0; 8],
            "the value is not an output: length of scriptPubKey: 1 byte expected, 0 left (byte 8)",
        ),
        (Input, 0x17, key(&[]), x_only.clone(), ""),
        (Input, 0x17, key(&[]), hex(KEY), "the value has 33 bytes, must have 32"),
        (
            Input,
            0x17,
            key(&[]),
            hex(NO_POINT),
            "the value is not an x-only public key: eefdea4cdb677750a420fee807eacf\
          21eb9898ae79b9768766e4faa04a2d4a34",
        ),
        (Input, 0x18, key(&[]), vec![1; 32], ""),
        (Input, 0x18, key(&[]), vec![1; 31], "the value has 31 bytes, must have 32"),
        (Input, 0x0b, hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"), vec![0], ""),
        (
            Input,
            0x0b,
            hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            vec![1],
            "the value is \
          not the preimage of 6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        ),
        (Input, 0x1a, hex(KEY), hex(KEY).repeat(2), ""),
        (Input, 0x1a, hex(KEY), hex(X_ONLY), "the value has 32 bytes, must have a multiple of 33"),
        (Input, 0x1b, hex(KEY).repeat(2), vec![1; 66], ""),
        (Input, 0x1b, hex(KEY).repeat(2), vec![1; 65], "the value has 65 bytes, must have 66"),
        (Input, 0x1c, [hex(KEY).repeat(2), leaf.to_vec()].concat(), vec![1; 32], ""),
        (
            Input,
            0x1c,
            [hex(KEY).repeat(2), vec![7; 31]].concat(),
            vec![1; 32],
            "the key data has 97 bytes, must have \
          66 or 98",
        ),
        (
            Input,
            0x1c,
            [hex(KEY), hex(&no_key)].concat(),
            vec![1; 32],
            "the aggregate key is not a public key: 02eefdea\
          4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34",
        ),
        (Input, 0x11, key(&[]), serialize(&500_000_000u32), ""),
        (
            Input,
            0x11,
            key(&[]),
            serialize(&499_999_999u32),
            "499999999 is not a time: must be 500000000 or more",
        ),
        (Input, 0x12, key(&[]), serialize(&499_999_999u32), ""),
        (Input, 0x12, key(&[]), serialize(&1u32), ""),
        (Input, 0x12, key(&[]), serialize(&0u32), "0 is not a block height: must be from 1 to 499999999"),
        (
            Input,
            0x12,
            key(&[]),
            serialize(&500_000_000u32),
            "500000000 is not a block height: must be from 1 to \
          499999999",
        ),
        (Input, 0x12, key(&[]), vec![1], "the value has 1 byte, must have 4"),
        (Output, 0x03, key(&[]), vec![0; 9], "the value has 9 bytes, must have 8"),
        (Output, 0x06, key(&[]), tree(&[[1, 0xc0, 1, 0x51], [1, 0xc0, 1, 0x51]]), ""),
        (
            Output,
            0x06,
            key(&[]),
            vec![0, 0xc0, 3, 0x51],
            "leaf 0 of the tree: the script: 3 bytes expected, 1 left",
        ),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[1, 0xc0, 1, 0x51]]),
            "the tree is incomplete: a branch has no sibling",
        ),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[1, 0xc0, 1, 0x51], [1, 0xc0, 1, 0x51], [1, 0xc0, 1, 0x51]]),
            "leaf 2 of the tree: one too many: the leaves before it fill the tree",
        ),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[0, 0xc0, 1, 0x51], [0, 0xc0, 1, 0x51]]),
            "leaf 1 of the tree: one too many: the leaves before it fill the tree",
        ),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[129, 0xc0, 1, 0x51]]),
            "leaf 0 of the tree: the depth is 129, must be at most 128",
        ),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[2, 0xc0, 1, 0x51], [1, 0xc0, 1, 0x51]]),
            "leaf 1 of the tree: not in depth first order",
        ),
        (Output, 0x06, key(&[]), vec![], "the tree is empty"),
        (
            Output,
            0x06,
            key(&[]),
            tree(&[[0, 0xc1, 1, 0x51]]),
            "leaf 0 of the tree: Leaf version(193) must have the least significant bit 0",
        ),
    ] {
        let map = ["global", "input 0", "output 0"][place as usize];
        let read = Maps::of(2).with(place, &[&[kind], &data[..]].concat(), &value).read();
        match problem {
            "" => assert!(read.is_ok(), "{map} {kind:#x}: {read:?}"),
            _ => {
                let error = read.unwrap_err();
                let after_name = error.split_once(": PSBT_").and_then(|(_, rest)| rest.split_once(": "));
                assert_eq!(after_name.map(|(_, problem)| problem), Some(problem), "{map} {kind:#x}");
                assert!(error.starts_with(map), "{error}");
            }
        }
    }
}
