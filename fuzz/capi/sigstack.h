/* Sigstack's verifier for C and C++, in the shape that harnesses comparing implementations take.
 *
 * Link with the static library that `cargo build --release -p sigstack-capi` makes (libsigstack_capi.a), and with
 * -lpthread -ldl -lm. Every function may be called from any thread, keeps nothing, and takes pointers that are valid for the
 * lengths beside them; with a length of 0 a pointer may be null.
 */
#ifndef SIGSTACK_H
#define SIGSTACK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Verdicts. A harness leaves SIGSTACK_ABSTAIN out of its comparison: the question was none. */
#define SIGSTACK_VALID 1
#define SIGSTACK_INVALID 0
#define SIGSTACK_ABSTAIN (-1)

/* Flags: the bits of Bitcoin Core's SCRIPT_VERIFY_ flags, 0 (P2SH) to 20 (DISCOURAGE_UPGRADABLE_PUBKEYTYPE), then those of the
 * proposed soft forks. sigstack_flag gives the bit of a name. WITNESS needs P2SH; CLEANSTACK needs P2SH and WITNESS. */

/* An output that the transaction spends. */
typedef struct sigstack_prevout {
  const uint8_t *script;
  size_t script_len;
  int64_t value; /* satoshi */
} sigstack_prevout;

/* The bit of a flag, named as in Core, with or without SCRIPT_VERIFY_, or of a proposal (CHECKSIGFROMSTACK, ...); 0 if there is
 * none of this name. The name is a C string. */
uint64_t sigstack_flag(const char *name);

/* Runs one script on an empty stack, as Core's EvalScript does: valid if it runs to its end, whatever it leaves. No signature is
 * valid, and every lock time is met. version: 0 legacy, 1 segwit v0. Abstains on an empty script, on another version, on
 * unknown bits and on flags that do not go together. */
int32_t sigstack_script_eval(const uint8_t *script, size_t script_len, uint64_t flags, size_t version);

/* Verifies a scriptSig and a scriptPubKey without flags and without a witness, in a transaction of no meaning, so that in practice
 * no signature is valid. Abstains if one of them is empty. */
int32_t sigstack_verify_script(const uint8_t *script_sig, size_t script_sig_len, const uint8_t *script_pubkey,
                               size_t script_pubkey_len);

/* Verifies an input of a serialized transaction, witness and all. prevouts are what all inputs spend, in input order. Abstains if
 * the bytes are no transaction, on a wrong number of prevouts, if there is no such input, on unknown bits and on flags that do
 * not go together. error, which may be null, takes the name of Core's error as a C string of at most error_len bytes, cut
 * if it is longer; "OK" for what is valid, the reason for what is abstained from. */
int32_t sigstack_verify_input(const uint8_t *tx, size_t tx_len, const sigstack_prevout *prevouts, size_t prevout_count,
                              size_t input, uint64_t flags, char *error, size_t error_len);

/* Verifies a serialized transaction: every input, and the rules that span inputs. A transaction can be invalid although each of its
 * inputs is valid; error is then the reject reason, such as bad-txns-legacy-sigops. Otherwise as sigstack_verify_input. */
int32_t sigstack_verify_transaction(const uint8_t *tx, size_t tx_len, const sigstack_prevout *prevouts,
                                    size_t prevout_count, uint64_t flags, char *error, size_t error_len);

#ifdef __cplusplus
}
#endif
#endif
