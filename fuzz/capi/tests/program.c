/* Calls every function of the C interface with questions whose answers are known. Prints the number of checks; exit status 0 if
 * all hold. */
#include "../sigstack.h"

#include <stdio.h>
#include <string.h>

static int checks, failures;

static void check(int holds, const char *what) {
  checks++;
  if (!holds) {
    failures++;
    fprintf(stderr, "failed: %s\n", what);
  }
}
#define CHECK(holds) check((holds), #holds)

/* One input, one output of 0 satoshi to an empty script, version 2, no lock time; the input's witness is the element 01. */
static const uint8_t TX[] = {
    2, 0, 0, 0, 0, 1,                                              /* version, segwit marker */
    1,                                                             /* inputs */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                /* txid */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    /* and vout */
    0,                                                             /* scriptSig */
    0xff, 0xff, 0xff, 0xff,                                        /* nSequence */
    1, 0, 0, 0, 0, 0, 0, 0, 0, 0,                                  /* output */
    1, 1, 1,                                                       /* witness */
    0, 0, 0, 0,                                                    /* nLockTime */
};

static void script_eval(void) {
  const uint8_t add[] = {0x51, 0x52, 0x93};
  const uint8_t underflow[] = {0x93};
  const uint8_t locked[] = {0x51, 0xb1};
  const uint8_t separator[] = {0xab};
  uint64_t const_scriptcode = sigstack_flag("CONST_SCRIPTCODE");
  CHECK(sigstack_script_eval(add, sizeof add, 0, 0) == SIGSTACK_VALID);
  CHECK(sigstack_script_eval(add, sizeof add, 0, 1) == SIGSTACK_VALID);
  CHECK(sigstack_script_eval(underflow, sizeof underflow, 0, 0) == SIGSTACK_INVALID);
  CHECK(sigstack_script_eval(locked, sizeof locked, sigstack_flag("CHECKLOCKTIMEVERIFY"), 0) == SIGSTACK_VALID);
  CHECK(sigstack_script_eval(separator, sizeof separator, const_scriptcode, 0) == SIGSTACK_INVALID);
  CHECK(sigstack_script_eval(separator, sizeof separator, const_scriptcode, 1) == SIGSTACK_VALID);
  CHECK(sigstack_script_eval(NULL, 0, 0, 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_script_eval(add, sizeof add, 0, 2) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_script_eval(add, sizeof add, sigstack_flag("WITNESS"), 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_script_eval(add, sizeof add, UINT64_C(1) << 63, 0) == SIGSTACK_ABSTAIN);
}

static void verify_script(void) {
  const uint8_t one[] = {0x51}, zero[] = {0x00}, equal_one[] = {0x51, 0x87};
  CHECK(sigstack_verify_script(one, 1, equal_one, 2) == SIGSTACK_VALID);
  CHECK(sigstack_verify_script(zero, 1, equal_one, 2) == SIGSTACK_INVALID);
  CHECK(sigstack_verify_script(one, 1, NULL, 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_verify_script(NULL, 0, one, 1) == SIGSTACK_ABSTAIN);
}

static void verify_input(void) {
  /* P2WSH of the one-byte witness script 01, which pushes a byte that is not there: SHA256(01). */
  const uint8_t program[] = {0x00, 0x20, 0x4b, 0xf5, 0x12, 0x2f, 0x34, 0x45, 0x54, 0xc5, 0x3b, 0xde,
                             0x2e, 0xbb, 0x8c, 0xd2, 0xb7, 0xe3, 0xd1, 0x60, 0x0a, 0xd6, 0x31, 0xc3,
                             0x85, 0xa5, 0xd7, 0xcc, 0xe2, 0x3c, 0x77, 0x85, 0x45, 0x9a};
  const uint8_t one[] = {0x51};
  const sigstack_prevout p2wsh = {program, sizeof program, 1000}, bare = {one, sizeof one, 1000};
  uint64_t p2sh = sigstack_flag("SCRIPT_VERIFY_P2SH"), witness = p2sh | sigstack_flag("WITNESS");
  char error[40] = "?";
  CHECK(p2sh == 1 && sigstack_flag("WITNESS") == 1 << 11 && sigstack_flag("TAPROOT") == 1 << 17);
  CHECK(sigstack_flag("CHECKSIGFROMSTACK") > 1 << 20 && sigstack_flag("NO_SUCH_FLAG") == 0 && sigstack_flag(NULL) == 0);
  CHECK(sigstack_verify_input(TX, sizeof TX, &p2wsh, 1, 0, p2sh, error, sizeof error) == SIGSTACK_VALID);
  CHECK(strcmp(error, "OK") == 0);
  CHECK(sigstack_verify_input(TX, sizeof TX, &p2wsh, 1, 0, witness, error, sizeof error) == SIGSTACK_INVALID);
  CHECK(strcmp(error, "BAD_OPCODE") == 0);
  CHECK(sigstack_verify_input(TX, sizeof TX, &p2wsh, 1, 0, witness, error, 4) == SIGSTACK_INVALID);
  CHECK(strcmp(error, "BAD") == 0);
  CHECK(sigstack_verify_input(TX, sizeof TX, &bare, 1, 0, witness, error, sizeof error) == SIGSTACK_INVALID);
  CHECK(strcmp(error, "WITNESS_UNEXPECTED") == 0);
  CHECK(sigstack_verify_input(TX, sizeof TX, &bare, 1, 0, p2sh, NULL, 0) == SIGSTACK_VALID);
  CHECK(sigstack_verify_input(TX, sizeof TX - 1, &bare, 1, 0, p2sh, NULL, 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_verify_input(TX, sizeof TX, NULL, 0, 0, p2sh, NULL, 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_verify_input(TX, sizeof TX, &bare, 1, 1, p2sh, NULL, 0) == SIGSTACK_ABSTAIN);
  CHECK(sigstack_verify_input(TX, sizeof TX, &bare, 1, 0, sigstack_flag("CLEANSTACK"), NULL, 0) == SIGSTACK_ABSTAIN);
}

/* BIP 54: a transaction of exactly 64 bytes without its witness is invalid, although its input is valid. */
static void verify_transaction(void) {
  uint8_t tx[64] = {2, 0, 0, 0, 1};
  const uint8_t anyone[] = {0x51};
  sigstack_prevout prevout = {anyone, sizeof anyone, 0};
  uint64_t flag = sigstack_flag("FORBID_64_BYTE_TX");
  char error[64];
  tx[46] = 1;  /* outputs */
  tx[55] = 4;  /* bytes of the output's script */
  CHECK(flag != 0);
  CHECK(sigstack_verify_input(tx, sizeof tx, &prevout, 1, 0, flag, error, sizeof error) == SIGSTACK_VALID);
  CHECK(sigstack_verify_transaction(tx, sizeof tx, &prevout, 1, 0, error, sizeof error) == SIGSTACK_VALID);
  CHECK(strcmp(error, "OK") == 0);
  CHECK(sigstack_verify_transaction(tx, sizeof tx, &prevout, 1, flag, error, sizeof error) == SIGSTACK_INVALID);
  CHECK(strcmp(error, "bad-txns-size") == 0);
  CHECK(sigstack_verify_transaction(tx, sizeof tx, &prevout, 0, flag, error, sizeof error) == SIGSTACK_ABSTAIN);
}

int main(void) {
  script_eval();
  verify_script();
  verify_input();
  verify_transaction();
  printf("%d checks of the C interface, %d failed\n", checks, failures);
  return failures != 0;
}
