# SPDX-License-Identifier: CC0-1.0
"""The curve secp256k1, and the two signature schemes that scripts check over it.

Naive on purpose: integers, one group law, and the verification algorithms as their texts state
them. Nothing here is constant-time and nothing here signs, so it must never see a secret key.
"""

import hashlib

# BIP 340, Notation: "The constant p refers to the field size", "The constant n refers to the
# curve order".
p = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEFFFFFC2F
n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

# A point is a pair (x, y) of field elements, or None for the point at infinity.
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def tagged_hash(tag, message):
    """BIP 340, Design: hash_tag(x) = SHA256(SHA256(tag) || SHA256(tag) || x)."""
    tag_hash = hashlib.sha256(tag.encode()).digest()
    return hashlib.sha256(tag_hash + tag_hash + message).digest()


# The group law. A verification needs a double multiplication, and one modular inversion for each
# of its some five hundred steps would be most of the running time; so the sums are made in
# Jacobian coordinates, (X, Y, Z) for the point (X/Z^2, Y/Z^3), with Z = 0 for infinity.

INFINITY = (1, 1, 0)


def jacobian_double(point):
    x, y, z = point
    if z == 0:
        return INFINITY
    # No point of the curve has y = 0 (the order is odd), so the tangent is never vertical.
    yy = y * y % p
    s = 4 * x * yy % p
    m = 3 * x * x % p
    x3 = (m * m - 2 * s) % p
    return x3, (m * (s - x3) - 8 * yy * yy) % p, 2 * y * z % p


def jacobian_add(a, b):
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    x1, y1, z1 = a
    x2, y2, z2 = b
    z1z1 = z1 * z1 % p
    z2z2 = z2 * z2 % p
    u1 = x1 * z2z2 % p
    u2 = x2 * z1z1 % p
    s1 = y1 * z2 * z2z2 % p
    s2 = y2 * z1 * z1z1 % p
    if u1 == u2:
        return jacobian_double(a) if s1 == s2 else INFINITY
    h = (u2 - u1) % p
    r = (s2 - s1) % p
    hh = h * h % p
    hhh = h * hh % p
    v = u1 * hh % p
    x3 = (r * r - hhh - 2 * v) % p
    return x3, (r * (v - x3) - s1 * hhh) % p, h * z1 * z2 % p


def to_affine(point):
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, p)
    return x * inverse * inverse % p, y * inverse * inverse * inverse % p


def combine(a, point_a, b, point_b):
    """Returns a*A + b*B, both multiplications in one walk over the bits."""
    jacobian_a = (*point_a, 1)
    jacobian_b = (*point_b, 1)
    both = jacobian_add(jacobian_a, jacobian_b)
    result = INFINITY
    for bit in reversed(range(256)):
        result = jacobian_double(result)
        use_a, use_b = a >> bit & 1, b >> bit & 1
        if use_a and use_b:
            result = jacobian_add(result, both)
        elif use_a:
            result = jacobian_add(result, jacobian_a)
        elif use_b:
            result = jacobian_add(result, jacobian_b)
    return to_affine(result)


def is_square_root(y, square):
    return y * y % p == square


def lift_x(x):
    """BIP 340, Specification: lift_x(x), the point with this x and an even y, or None."""
    # "Fail if x >= p."
    if x >= p:
        return None
    # "Let c = x^3 + 7 mod p. Let y = c^((p+1)/4) mod p. Fail if c != y^2 mod p."
    c = (pow(x, 3, p) + 7) % p
    y = pow(c, (p + 1) // 4, p)
    if not is_square_root(y, c):
        return None
    # "Return the unique point P such that x(P) = x and y(P) = y if y mod 2 = 0 or
    # y(P) = p-y otherwise."
    return x, y if y % 2 == 0 else p - y


def schnorr_verify(public_key, message, signature):
    """BIP 340, Verification: Verify(pk, m, sig), for a message of any length."""
    assert len(public_key) == 32 and len(signature) == 64
    # "Let P = lift_x(int(pk)); fail if that fails."
    point = lift_x(int.from_bytes(public_key, "big"))
    if point is None:
        return False
    # "Let r = int(sig[0:32]); fail if r >= p. Let s = int(sig[32:64]); fail if s >= n."
    r = int.from_bytes(signature[:32], "big")
    s = int.from_bytes(signature[32:], "big")
    if r >= p or s >= n:
        return False
    # "Let e = int(hash_BIP0340/challenge(bytes(r) || bytes(P) || m)) mod n."
    challenge = tagged_hash("BIP0340/challenge", signature[:32] + public_key + message)
    e = int.from_bytes(challenge, "big") % n
    # "Let R = s*G - e*P. Fail if is_infinite(R). Fail if not has_even_y(R). Fail if x(R) != r."
    result = combine(s, G, n - e, point)
    return result is not None and result[1] % 2 == 0 and result[0] == r


def taproot_tweak(internal_key, merkle_root):
    """BIP 341: the output point Q = P + int(t)G and the tweak t, or None where the rules fail.

    merkle_root is empty for an output that commits to no script.
    """
    # Script validation rules: "Let p = c[1:33] and let P = lift_x(int(p)) [...]. Fail if this
    # point is not on the curve."
    point = lift_x(int.from_bytes(internal_key, "big"))
    # "Let t = hash_TapTweak(p || k_m). If t >= [the order of secp256k1], fail."
    tweak = tagged_hash("TapTweak", internal_key + merkle_root)
    t = int.from_bytes(tweak, "big")
    if point is None or t >= n:
        return None
    # "Let Q = P + int(t)G."
    output = combine(1, point, t, G)
    return None if output is None else (output, tweak)


# ECDSA, for scripts before taproot.


def parse_ecdsa_key(key):
    """Returns the point of a serialized public key (SEC 1, section 2.3.4), or None.

    The hybrid form (06 and 07, with the parity in the first byte) is accepted, as consensus does.
    """
    if len(key) == 33 and key[0] in (2, 3):
        point = lift_x(int.from_bytes(key[1:], "big"))
        if point is None:
            return None
        return point if key[0] == 2 else (point[0], p - point[1])
    if len(key) == 65 and key[0] in (4, 6, 7):
        x = int.from_bytes(key[1:33], "big")
        y = int.from_bytes(key[33:], "big")
        if x >= p or y >= p or not is_square_root(y, (pow(x, 3, p) + 7) % p):
            return None
        if key[0] != 4 and y % 2 != key[0] % 2:
            return None
        return x, y
    return None


def parse_der_lax(signature):
    """Returns (r, s) of a BER-like signature, or None where even the lax parser gives up.

    Before BIP 66 any signature that OpenSSL could parse was valid. This is the parser that Core
    has used since: it ignores the sequence's length, allows padding of the integers and trailing
    bytes, and turns an integer that does not fit into a signature of zeros, which never verifies.
    """
    position = 0

    def read_byte():
        nonlocal position
        if position >= len(signature):
            raise ValueError
        position += 1
        return signature[position - 1]

    def read_integer():
        nonlocal position
        if read_byte() != 0x02:
            raise ValueError
        length = read_byte()
        if length & 0x80:
            count = length & 0x7F
            if count > len(signature) - position:
                raise ValueError
            digits = signature[position : position + count].lstrip(b"\x00")
            position += count
            # Core reads the length into a machine word and refuses what might not fit.
            if len(digits) >= 4:
                raise ValueError
            length = int.from_bytes(digits, "big")
        if length > len(signature) - position:
            raise ValueError
        value = signature[position : position + length]
        position += length
        return value.lstrip(b"\x00")

    try:
        if read_byte() != 0x30:
            return None
        length = read_byte()
        if length & 0x80:
            count = length & 0x7F
            if count > len(signature) - position:
                return None
            position += count
        r, s = read_integer(), read_integer()
    except ValueError:
        return None
    if len(r) > 32 or len(s) > 32:
        return 0, 0
    r, s = int.from_bytes(r, "big"), int.from_bytes(s, "big")
    return (r, s) if r < n and s < n else (0, 0)


def ecdsa_verify(key, digest, signature):
    """SEC 1, section 4.1.4, with a lax signature encoding and either sign of s.

    The stricter encodings of BIP 66 and of policy are checked by the caller, as in Core, where
    they are rules of script and not of the signature scheme.
    """
    point = parse_ecdsa_key(key)
    parsed = parse_der_lax(signature)
    if point is None or parsed is None:
        return False
    r, s = parsed
    # Either sign of s verifies, since r is compared as an x coordinate only.
    if r == 0 or s == 0:
        return False
    e = int.from_bytes(digest, "big")
    inverse = pow(s, -1, n)
    result = combine(e * inverse % n, G, r * inverse % n, point)
    return result is not None and result[0] % n == r
