//! The opcodes that Bitcoin has today, with one file for each family of opcodes. Opcodes of proposed soft forks are in
//! `proposals/`. Each function implements only the rule of its own opcode; the rules common to all opcodes are in
//! `engine.rs`.

mod arithmetic;
mod control;
mod hash;
mod locktime;
mod multisig;
mod signature;
mod stack;

use crate::machine::Machine;
use crate::opcode::Opcode;
use crate::proposals::dispatch;
use crate::script_error::ScriptError;

type Result<T = ()> = core::result::Result<T, ScriptError>;

/// Executes one opcode that is not a push of data, that is, an opcode above `OP_PUSHDATA4`.
#[inline]
pub(crate) fn execute(m: &mut Machine<'_>, opcode: Opcode) -> Result {
    use Opcode as Op;
    match opcode {
        Op::OP_1NEGATE => m.stack.push_number(-1),
        Op(0x51..=0x60) => m.stack.push_number(i64::from(opcode.0 - 0x50)),

        Op::OP_NOP => Ok(()),
        Op::OP_IF => control::if_notif(m, true),
        Op::OP_NOTIF => control::if_notif(m, false),
        Op::OP_ELSE => control::else_(m),
        Op::OP_ENDIF => control::endif(m),
        Op::OP_VERIFY => control::verify(m, ScriptError::Verify),
        Op::OP_RETURN => Err(ScriptError::OpReturn),

        Op::OP_TOALTSTACK => m.stack.move_to_alt(),
        Op::OP_FROMALTSTACK => m.stack.move_from_alt(),
        Op::OP_2DROP => m.stack.drop_top(2),
        Op::OP_2DUP => m.stack.copy(1, 2),
        Op::OP_3DUP => m.stack.copy(2, 3),
        Op::OP_2OVER => m.stack.copy(3, 2),
        Op::OP_2ROT => m.stack.roll(5, 2),
        Op::OP_2SWAP => m.stack.roll(3, 2),
        Op::OP_IFDUP => stack::if_dup(m),
        Op::OP_DEPTH => stack::depth(m),
        Op::OP_DROP => m.stack.drop_top(1),
        Op::OP_DUP => m.stack.copy(0, 1),
        Op::OP_NIP => m.stack.remove(1),
        Op::OP_OVER => m.stack.copy(1, 1),
        Op::OP_PICK => stack::pick(m),
        Op::OP_ROLL => stack::roll(m),
        Op::OP_ROT => m.stack.roll(2, 1),
        Op::OP_SWAP => m.stack.roll(1, 1),
        Op::OP_TUCK => m.stack.tuck(),
        Op::OP_SIZE => stack::size(m),
        Op::OP_EQUAL => stack::equal(m),
        Op::OP_EQUALVERIFY => {
            stack::equal(m)?;
            control::verify(m, ScriptError::EqualVerify)
        }

        Op::OP_1ADD => arithmetic::unary(m, |n| n + 1),
        Op::OP_1SUB => arithmetic::unary(m, |n| n - 1),
        Op::OP_NEGATE => arithmetic::unary(m, |n| -n),
        Op::OP_ABS => arithmetic::unary(m, i64::abs),
        Op::OP_NOT => arithmetic::unary(m, |n| i64::from(n == 0)),
        Op::OP_0NOTEQUAL => arithmetic::unary(m, |n| i64::from(n != 0)),
        Op::OP_ADD => arithmetic::binary(m, |a, b| a + b),
        Op::OP_SUB => arithmetic::binary(m, |a, b| a - b),
        Op::OP_BOOLAND => arithmetic::compare(m, |a, b| a != 0 && b != 0),
        Op::OP_BOOLOR => arithmetic::compare(m, |a, b| a != 0 || b != 0),
        Op::OP_NUMEQUAL => arithmetic::compare(m, |a, b| a == b),
        Op::OP_NUMEQUALVERIFY => {
            arithmetic::compare(m, |a, b| a == b)?;
            control::verify(m, ScriptError::NumEqualVerify)
        }
        Op::OP_NUMNOTEQUAL => arithmetic::compare(m, |a, b| a != b),
        Op::OP_LESSTHAN => arithmetic::compare(m, |a, b| a < b),
        Op::OP_GREATERTHAN => arithmetic::compare(m, |a, b| a > b),
        Op::OP_LESSTHANOREQUAL => arithmetic::compare(m, |a, b| a <= b),
        Op::OP_GREATERTHANOREQUAL => arithmetic::compare(m, |a, b| a >= b),
        Op::OP_MIN => arithmetic::binary(m, i64::min),
        Op::OP_MAX => arithmetic::binary(m, i64::max),
        Op::OP_WITHIN => arithmetic::within(m),

        Op::OP_RIPEMD160 => hash::ripemd160(m),
        Op::OP_SHA1 => hash::sha1(m),
        Op::OP_SHA256 => hash::sha256(m),
        Op::OP_HASH160 => hash::hash160(m),
        Op::OP_HASH256 => hash::hash256(m),

        Op::OP_CODESEPARATOR => signature::code_separator(m),
        Op::OP_CHECKSIG => signature::check_sig(m),
        Op::OP_CHECKSIGVERIFY => {
            signature::check_sig(m)?;
            control::verify(m, ScriptError::CheckSigVerify)
        }
        Op::OP_CHECKSIGADD => signature::check_sig_add(m),
        Op::OP_CHECKMULTISIG => multisig::check_multisig(m),
        Op::OP_CHECKMULTISIGVERIFY => {
            multisig::check_multisig(m)?;
            control::verify(m, ScriptError::CheckMultisigVerify)
        }

        Op::OP_CHECKLOCKTIMEVERIFY => locktime::check_lock_time_verify(m),
        Op::OP_CHECKSEQUENCEVERIFY => locktime::check_sequence_verify(m),
        _ => match m.code_points.meaning(opcode) {
            Op::OP_NOP1 | Op(0xb4..=0xb9) => control::upgradable_nop(m, opcode),
            meaning => dispatch::execute(m, meaning),
        },
    }
}
