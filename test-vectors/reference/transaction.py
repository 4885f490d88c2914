# SPDX-License-Identifier: CC0-1.0
"""Transactions and their outputs: reading the serialized forms, and the sizes in them."""

import hashlib
from dataclasses import dataclass, field


def sha256(data):
    return hashlib.sha256(data).digest()


def hash256(data):
    return sha256(sha256(data))


def le(value, size):
    """An integer in little-endian bytes."""
    return value.to_bytes(size, "little")


def compact_size(value):
    if value < 0xFD:
        return le(value, 1)
    if value <= 0xFFFF:
        return b"\xfd" + le(value, 2)
    if value <= 0xFFFFFFFF:
        return b"\xfe" + le(value, 4)
    return b"\xff" + le(value, 8)


def sized(data):
    """The bytes after their length: how scripts, witness elements and annexes are serialized."""
    return compact_size(len(data)) + data


@dataclass
class Input:
    outpoint: bytes
    script_sig: bytes
    sequence: int
    witness: list = field(default_factory=list)


@dataclass
class Output:
    # The eight bytes of the amount are kept as they are: every digest copies them, and only the
    # signatures of segwit version 0 depend on their sign.
    amount: bytes
    script_pubkey: bytes

    def serialize(self):
        return self.amount + sized(self.script_pubkey)


@dataclass
class Transaction:
    # The version is kept as an unsigned number; a digest that serializes it as a signed one
    # writes the same four bytes.
    version: int
    inputs: list
    outputs: list
    lock_time: int


class Reader:
    """A cursor over bytes that raises ValueError where they end too early."""

    def __init__(self, data):
        self.data = data
        self.position = 0

    def take(self, size):
        if size > len(self.data) - self.position:
            raise ValueError(f"ends early, at byte {len(self.data)}")
        self.position += size
        return self.data[self.position - size : self.position]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    def compact_size(self):
        first = self.number(1)
        if first < 0xFD:
            return first
        value = self.number({0xFD: 2, 0xFE: 4, 0xFF: 8}[first])
        if value < {0xFD: 0xFD, 0xFE: 0x10000, 0xFF: 0x100000000}[first]:
            raise ValueError("has a length that is not in its shortest form")
        return value

    def sized(self):
        return self.take(self.compact_size())

    def finish(self):
        if self.position != len(self.data):
            raise ValueError(f"goes on after its end, at byte {self.position}")


def read_input(reader):
    return Input(reader.take(36), reader.sized(), reader.number(4))


def read_output(reader):
    return Output(reader.take(8), reader.sized())


def parse_output(data):
    reader = Reader(data)
    output = read_output(reader)
    reader.finish()
    return output


def parse_transaction(data):
    """Reads both serializations: the original one, and BIP 144's with marker, flag and witness."""
    reader = Reader(data)
    version = reader.number(4)
    # BIP 144, Serialization: the marker 00 stands where the number of inputs would, and the flag
    # 01 follows it. A transaction without inputs verifies nothing, so it need not be told apart.
    extended = data[4:6] == b"\x00\x01"
    if extended:
        reader.take(2)
    inputs = [read_input(reader) for _ in range(reader.compact_size())]
    outputs = [read_output(reader) for _ in range(reader.compact_size())]
    if extended:
        for txin in inputs:
            txin.witness = [reader.sized() for _ in range(reader.compact_size())]
        # BIP 144: "If the witness is empty, the old serialization format must be used."
        if not any(txin.witness for txin in inputs):
            raise ValueError("has the witness serialization but no witness")
    lock_time = reader.number(4)
    reader.finish()
    return Transaction(version, inputs, outputs, lock_time)
