/* Answers the cases of `sigstack conform` with the verifier of sigstack.h: a case a line in, a line out. An example of a client in a
 * language without a JSON reader: the lines have no spaces between their tokens, and no text of a line can contain the quotes
 * that surround a field's name, so that a field is found by its name. */
#define _POSIX_C_SOURCE 200809L
#include "sigstack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PREVOUTS 100000
#define MAX_FLAGS_LENGTH 4096

/* What follows a field's name; NULL if there is no such field. */
static const char *field(const char *line, const char *name) {
  const char *found = strstr(line, name);
  return found ? found + strlen(name) : NULL;
}

static int digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

/* Writes the bytes of hex digits, up to the first other character, which *end takes. Returns their number. */
static size_t from_hex(const char *text, uint8_t *bytes, const char **end) {
  size_t count = 0;
  while (digit(text[0]) >= 0 && digit(text[1]) >= 0) {
    bytes[count++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
    text += 2;
  }
  *end = text;
  return count;
}

/* Reads an output: eight bytes of amount, the script's length, the script. Returns 0 if it is none. */
static int read_output(const uint8_t *bytes, size_t length, sigstack_prevout *prevout) {
  uint64_t amount = 0, script_length = 0;
  size_t at = 9, width;
  if (length < 9) return 0;
  for (int nth = 7; nth >= 0; nth--) amount = amount << 8 | bytes[nth];
  width = bytes[8] < 253 ? 0 : (size_t)2 << (bytes[8] - 253);
  if (length - at < width) return 0;
  script_length = width ? 0 : bytes[8];
  for (size_t nth = width; nth-- > 0;) script_length = script_length << 8 | bytes[at + nth];
  at += width;
  if (script_length != length - at) return 0;
  *prevout = (sigstack_prevout){bytes + at, length - at, (int64_t)amount};
  return 1;
}

/* Reads names between commas up to a quote. Returns the name that is unknown, NULL if there is none. */
static const char *read_flags(const char *text, uint64_t *flags) {
  static char name[MAX_FLAGS_LENGTH];
  *flags = 0;
  while (*text != '"') {
    size_t length = strcspn(text, ",\"");
    if (length >= sizeof name) return "too long";
    memcpy(name, text, length);
    name[length] = 0;
    uint64_t flag = sigstack_flag(name);
    if (!flag && strcmp(name, "NONE") != 0) return name;
    *flags |= flag;
    text += length;
    if (*text == ',') text++;
  }
  return NULL;
}

/* Answers a line. `bytes` has room for all hex digits of the line. */
static void answer(const char *line, uint8_t *bytes) {
  static sigstack_prevout prevouts[MAX_PREVOUTS];
  const char *tx = field(line, "\"tx\":\""), *index = field(line, "\"index\":");
  const char *outputs = field(line, "\"prevouts\":["), *names = field(line, "\"flags\":\""), *end, *unknown;
  char error[64];
  uint64_t flags;
  size_t count = 0, tx_length;
  uint8_t *next;
  if (!tx || !index || !outputs || !names) {
    puts("? not a case");
    return;
  }
  if ((unknown = read_flags(names, &flags))) {
    printf("? unknown flag %s\n", unknown);
    return;
  }
  tx_length = from_hex(tx, bytes, &end);
  next = bytes + tx_length;
  while (*outputs == '"' && count < MAX_PREVOUTS) {
    size_t length = from_hex(outputs + 1, next, &end);
    if (!read_output(next, length, &prevouts[count++])) {
      puts("? not an output");
      return;
    }
    next += length;
    outputs = end + 1;
    if (*outputs == ',') outputs++;
  }
  /* The index "all" asks about the transaction. */
  switch (*index == '"' ? sigstack_verify_transaction(bytes, tx_length, prevouts, count, flags, error, sizeof error)
                        : sigstack_verify_input(bytes, tx_length, prevouts, count, strtoul(index, NULL, 10), flags,
                                                error, sizeof error)) {
  case SIGSTACK_VALID:
  case SIGSTACK_INVALID:
    puts(error);
    break;
  default:
    printf("? %s\n", error);
  }
}

int main(void) {
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  while ((length = getline(&line, &room, stdin)) > 0) {
    uint8_t *bytes = malloc((size_t)length);
    if (!bytes) return 1;
    answer(line, bytes);
    free(bytes);
    fflush(stdout);
  }
  free(line);
  return 0;
}
