//! [`Opcode`] and the opcodes that exist today. The opcodes of each proposed soft fork are in its folder below
//! `proposals/`, and `tables/opcodes.rs` joins them into one table.
//!
//! Each row of the table has the byte, the name that Bitcoin Core uses, the stack effect (`before -- after`, top of the
//! stack on the right) and a sentence on what the opcode does. An `OP_SUCCESSx` that a proposal redefines has the name
//! that the proposal gives it, whether or not the proposal is active. The opcode 0xb3 is printed as `OP_NOP4`;
//! `OP_CHECKTEMPLATEVERIFY` is its alias.

/// One opcode byte. Every byte value is an `Opcode`. [`Opcode::info`] returns the name and description, if the opcode
/// has a name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opcode(pub u8);

/// Name and description of one opcode: a row of the table [`OPCODES`](crate::OPCODES).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpcodeInfo {
    /// The opcode byte that this row describes.
    pub opcode: Opcode,
    /// Name of the opcode, including `OP_`.
    pub name: &'static str,
    /// Other names of the opcode, which [`Opcode::from_name`] accepts too.
    pub aliases: &'static [&'static str],
    /// Effect of the opcode on the stack, written as `before -- after` with the top of the stack on the right.
    pub effect: &'static str,
    /// A sentence that describes the opcode.
    pub summary: &'static str,
}

impl OpcodeInfo {
    /// Iterates over the names of the opcode: first its main name, then its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        core::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Defines opcodes. For each opcode, defines a row of the opcode table, and a constant of [`Opcode`] for each of its
/// names. The first name is the one that is printed. The macro is used below for the opcodes that exist today, and in
/// the folder of each proposal for its own opcodes.
macro_rules! opcodes {
    ($($byte:literal $name:ident $(= $alias:ident)* $effect:literal $summary:literal;)*) => {
        impl $crate::Opcode {
            $(
                #[doc = concat!("`", stringify!($name), "` (", stringify!($byte), "): `", $effect, "`. ", $summary)]
                pub const $name: $crate::Opcode = $crate::Opcode($byte);
                $(
                    #[doc = concat!("Another name of `", stringify!($name), "`.")]
                    pub const $alias: $crate::Opcode = $crate::Opcode($byte);
                )*
            )*
        }

        /// Names and descriptions of the opcodes that this module defines. `tables/opcodes.rs` joins them into the
        /// table of all opcodes.
        pub(crate) const OPCODE_ROWS: &[$crate::OpcodeInfo] = &[
            $($crate::OpcodeInfo {
                opcode: $crate::Opcode($byte),
                name: stringify!($name),
                aliases: &[$(stringify!($alias)),*],
                effect: $effect,
                summary: $summary,
            },)*
        ];
    };
}
pub(crate) use opcodes;

opcodes! {
    0x00 OP_0 = OP_FALSE "-- \"\"" "Pushes the empty vector, which is the number zero and false.";
    0x4c OP_PUSHDATA1 "-- x" "Pushes as many bytes as the next byte says.";
    0x4d OP_PUSHDATA2 "-- x" "Pushes as many bytes as the next two bytes (little endian) say.";
    0x4e OP_PUSHDATA4 "-- x" "Pushes as many bytes as the next four bytes (little endian) say.";
    0x4f OP_1NEGATE "-- -1" "Pushes the number -1.";
    0x50 OP_RESERVED "--" "Fails if executed; succeeds at once in tapscript (OP_SUCCESS80).";
    0x51 OP_1 = OP_TRUE "-- 1" "Pushes the number 1.";
    0x52 OP_2 "-- 2" "Pushes the number 2.";
    0x53 OP_3 "-- 3" "Pushes the number 3.";
    0x54 OP_4 "-- 4" "Pushes the number 4.";
    0x55 OP_5 "-- 5" "Pushes the number 5.";
    0x56 OP_6 "-- 6" "Pushes the number 6.";
    0x57 OP_7 "-- 7" "Pushes the number 7.";
    0x58 OP_8 "-- 8" "Pushes the number 8.";
    0x59 OP_9 "-- 9" "Pushes the number 9.";
    0x5a OP_10 "-- 10" "Pushes the number 10.";
    0x5b OP_11 "-- 11" "Pushes the number 11.";
    0x5c OP_12 "-- 12" "Pushes the number 12.";
    0x5d OP_13 "-- 13" "Pushes the number 13.";
    0x5e OP_14 "-- 14" "Pushes the number 14.";
    0x5f OP_15 "-- 15" "Pushes the number 15.";
    0x60 OP_16 "-- 16" "Pushes the number 16.";
    0x61 OP_NOP "--" "Does nothing.";
    0x62 OP_VER "--" "Fails if executed; succeeds at once in tapscript (OP_SUCCESS98).";
    0x63 OP_IF "x --" "Executes what follows if x is true.";
    0x64 OP_NOTIF "x --" "Executes what follows if x is false.";
    0x65 OP_VERIF "--" "Fails even if not executed.";
    0x66 OP_VERNOTIF "--" "Fails even if not executed.";
    0x67 OP_ELSE "--" "Executes what follows if the branch before it was not executed.";
    0x68 OP_ENDIF "--" "Ends an IF or NOTIF.";
    0x69 OP_VERIFY "x --" "Fails unless x is true.";
    0x6a OP_RETURN "--" "Fails.";
    0x6b OP_TOALTSTACK "x --" "Moves x to the alt stack.";
    0x6c OP_FROMALTSTACK "-- x" "Moves the top of the alt stack to the stack.";
    0x6d OP_2DROP "a b --" "Removes two elements.";
    0x6e OP_2DUP "a b -- a b a b" "Duplicates two elements.";
    0x6f OP_3DUP "a b c -- a b c a b c" "Duplicates three elements.";
    0x70 OP_2OVER "a b c d -- a b c d a b" "Copies the pair below the top pair.";
    0x71 OP_2ROT "a b c d e f -- c d e f a b" "Moves the third pair to the top.";
    0x72 OP_2SWAP "a b c d -- c d a b" "Swaps the two top pairs.";
    0x73 OP_IFDUP "x -- x | x x" "Duplicates x if it is true.";
    0x74 OP_DEPTH "-- n" "Pushes the number of elements.";
    0x75 OP_DROP "x --" "Removes the top element.";
    0x76 OP_DUP "x -- x x" "Duplicates the top element.";
    0x77 OP_NIP "a b -- b" "Removes the second element.";
    0x78 OP_OVER "a b -- a b a" "Copies the second element.";
    0x79 OP_PICK "x ... n -- x ... x" "Copies the element n below the top.";
    0x7a OP_ROLL "x ... n -- ... x" "Moves the element n below the top to the top.";
    0x7b OP_ROT "a b c -- b c a" "Moves the third element to the top.";
    0x7c OP_SWAP "a b -- b a" "Swaps the two top elements.";
    0x7d OP_TUCK "a b -- b a b" "Copies the top element below the second.";
    0x7f OP_SUBSTR "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS127).";
    0x80 OP_LEFT "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS128).";
    0x81 OP_RIGHT "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS129).";
    0x82 OP_SIZE "x -- x n" "Pushes the length of x in bytes.";
    0x83 OP_INVERT "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS131).";
    0x84 OP_AND "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS132).";
    0x85 OP_OR "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS133).";
    0x86 OP_XOR "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS134).";
    0x87 OP_EQUAL "a b -- bool" "Pushes whether a and b are the same bytes.";
    0x88 OP_EQUALVERIFY "a b --" "Fails unless a and b are the same bytes.";
    0x89 OP_RESERVED1 "--" "Fails if executed; succeeds at once in tapscript (OP_SUCCESS137).";
    0x8a OP_RESERVED2 "--" "Fails if executed; succeeds at once in tapscript (OP_SUCCESS138).";
    0x8b OP_1ADD "n -- n+1" "Adds one.";
    0x8c OP_1SUB "n -- n-1" "Subtracts one.";
    0x8d OP_2MUL "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS141).";
    0x8e OP_2DIV "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS142).";
    0x8f OP_NEGATE "n -- -n" "Flips the sign.";
    0x90 OP_ABS "n -- |n|" "Makes the number positive.";
    0x91 OP_NOT "n -- bool" "Pushes whether n is zero.";
    0x92 OP_0NOTEQUAL "n -- bool" "Pushes whether n is not zero.";
    0x93 OP_ADD "a b -- a+b" "Adds.";
    0x94 OP_SUB "a b -- a-b" "Subtracts.";
    0x95 OP_MUL "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS149).";
    0x96 OP_DIV "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS150).";
    0x97 OP_MOD "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS151).";
    0x98 OP_LSHIFT "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS152).";
    0x99 OP_RSHIFT "--" "Disabled; succeeds at once in tapscript (OP_SUCCESS153).";
    0x9a OP_BOOLAND "a b -- bool" "Pushes whether both numbers are not zero.";
    0x9b OP_BOOLOR "a b -- bool" "Pushes whether one of the numbers is not zero.";
    0x9c OP_NUMEQUAL "a b -- bool" "Pushes whether the numbers are equal.";
    0x9d OP_NUMEQUALVERIFY "a b --" "Fails unless the numbers are equal.";
    0x9e OP_NUMNOTEQUAL "a b -- bool" "Pushes whether the numbers differ.";
    0x9f OP_LESSTHAN "a b -- bool" "Pushes whether a < b.";
    0xa0 OP_GREATERTHAN "a b -- bool" "Pushes whether a > b.";
    0xa1 OP_LESSTHANOREQUAL "a b -- bool" "Pushes whether a <= b.";
    0xa2 OP_GREATERTHANOREQUAL "a b -- bool" "Pushes whether a >= b.";
    0xa3 OP_MIN "a b -- min" "Pushes the smaller number.";
    0xa4 OP_MAX "a b -- max" "Pushes the larger number.";
    0xa5 OP_WITHIN "x min max -- bool" "Pushes whether min <= x < max.";
    0xa6 OP_RIPEMD160 "x -- hash" "Pushes the 20-byte RIPEMD-160 of x.";
    0xa7 OP_SHA1 "x -- hash" "Pushes the 20-byte SHA-1 of x.";
    0xa8 OP_SHA256 "x -- hash" "Pushes the 32-byte SHA-256 of x.";
    0xa9 OP_HASH160 "x -- hash" "Pushes the RIPEMD-160 of the SHA-256 of x.";
    0xaa OP_HASH256 "x -- hash" "Pushes the SHA-256 of the SHA-256 of x.";
    0xab OP_CODESEPARATOR "--" "Marks where the script code that signatures commit to begins.";
    0xac OP_CHECKSIG "sig key -- bool" "Pushes whether sig is key's signature of the transaction.";
    0xad OP_CHECKSIGVERIFY "sig key --" "Fails unless sig is key's signature of the transaction.";
    0xae OP_CHECKMULTISIG "dummy sig... m key... n -- bool" "Pushes whether m of the n keys signed.";
    0xaf OP_CHECKMULTISIGVERIFY "dummy sig... m key... n --" "Fails unless m of the n keys signed.";
    0xb0 OP_NOP1 "--" "Does nothing; kept for an upgrade.";
    0xb1 OP_CHECKLOCKTIMEVERIFY = OP_NOP2 = OP_CLTV "n -- n" "Fails unless the transaction's nLockTime is at least n (BIP 65).";
    0xb2 OP_CHECKSEQUENCEVERIFY = OP_NOP3 = OP_CSV "n -- n" "Fails unless the input's nSequence is at least n (BIP 112).";
    0xb4 OP_NOP5 "--" "Does nothing; kept for an upgrade.";
    0xb5 OP_NOP6 "--" "Does nothing; kept for an upgrade.";
    0xb6 OP_NOP7 "--" "Does nothing; kept for an upgrade.";
    0xb7 OP_NOP8 "--" "Does nothing; kept for an upgrade.";
    0xb8 OP_NOP9 "--" "Does nothing; kept for an upgrade.";
    0xb9 OP_NOP10 "--" "Does nothing; kept for an upgrade.";
    0xba OP_CHECKSIGADD "sig n key -- n|n+1" "Adds one to n if sig is key's signature (BIP 342; tapscript only).";
    0xff OP_INVALIDOPCODE "--" "Fails if executed.";
}

impl Opcode {
    /// Returns whether the opcode is an `OP_SUCCESSx` of BIP 342: a tapscript that contains one succeeds without being
    /// executed ("Script execution"). The result does not depend on flags: opcodes that proposals redefine are
    /// included.
    #[inline]
    #[allow(
        clippy::indexing_slicing,
        reason = "a byte is less than 256, and the loop runs when this is compiled"
    )]
    pub const fn is_success(self) -> bool {
        // Every opcode of a tapscript is looked up before the script runs, and a table is faster than comparisons.
        const SUCCESS: [bool; 256] = {
            let mut table = [false; 256];
            let mut byte = 0;
            while byte < table.len() {
                table[byte] = matches!(byte, 80 | 98 | 126..=129 | 131..=134 | 137..=138)
                    || matches!(byte, 141..=142 | 149..=153 | 187..=254);
                byte += 1;
            }
            table
        };
        SUCCESS[self.0 as usize]
    }

    /// Returns whether the opcode is disabled: it fails a legacy or segwit v0 script even where it is not executed
    /// (CVE-2010-5137).
    #[inline]
    pub(crate) const fn is_disabled(self) -> bool {
        matches!(self.0, 0x7e..=0x81 | 0x83..=0x86 | 0x8d..=0x8e | 0x95..=0x99)
    }

    /// Returns whether the opcode is a NOP that is reserved for upgrades, or that a proposal assigns a meaning to.
    /// Returns false for `OP_NOP`, `OP_CHECKLOCKTIMEVERIFY` and `OP_CHECKSEQUENCEVERIFY`.
    #[inline]
    pub const fn is_upgradable_nop(self) -> bool {
        matches!(self.0, 0xb0 | 0xb3..=0xb9)
    }

    /// Returns whether the opcode is at most `OP_16` (0x00 to 0x60). `OP_RESERVED` is included, as in Core's `IsPushOnly`.
    #[inline]
    pub const fn is_push(self) -> bool {
        self.0 <= Opcode::OP_16.0
    }
}
