#!/usr/bin/env python3
"""An independent reader of svault's sealed files, written from sealed-file-v1.md alone.

    reader.py FILE [--passphrase TEXT] [--recovery CODE] [--store HEX] [--slot N]

Needs: pip install cryptography argon2-cffi. It shows what a file holds: it is no tool for real secrets.
check_vectors.py tries it on all vectors.
"""
import argparse, hashlib, hmac, pathlib, struct, sys
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

class Bad(Exception):
    """A file that must be refused: the error's name in the specification, and why."""
    def __init__(self, name, why="", offset=None):
        super().__init__(f"{name}: {why}" + ("" if offset is None else f" at byte {offset}"))
        self.name = name

def need(holds, name, why="", offset=None):
    if not holds:
        raise Bad(name, why, offset)

# Section 1: primitives.

def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()

def expand(prk, info, length):
    out = block = b""
    for n in range(1, -(-length // 32) + 1):
        block = mac(prk, block, info, bytes([n]))
        out += block
    return out[:length]

def hkdf(salt, ikm, info):
    return expand(mac(salt, ikm), info, 32)

def xaes_open(key, nonce, ad, sealed):
    """XAES-256-GCM; ValueError when the tag is wrong."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    left = int.from_bytes(aes.update(bytes(16)), "big")
    k1 = (left << 1 & (1 << 128) - 1) ^ (0x87 if left >> 127 else 0)
    half = [int.from_bytes(bytes([0, n]) + b"X\0" + nonce[:12], "big") ^ k1 for n in (1, 2)]
    derived = b"".join(aes.update(h.to_bytes(16, "big")) for h in half)
    try:
        return AESGCM(derived).decrypt(nonce[12:], sealed, ad)
    except InvalidTag as e:
        raise ValueError("a tag") from e

class Fields:
    """Takes fields off the front of bytes."""
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(n <= len(self.data) - self.at, "Bounds", "a field is cut short")
        self.at += n
        return self.data[self.at - n : self.at]

    def int(self, n):
        return int.from_bytes(self.take(n), "little")

# Sections 2 and 3: header and slots.

def read_slot(f):
    slot, begin = {"id": f.take(8), "flags": f.int(1), "factors": []}, f.at
    count = f.int(1)
    need(1 <= count <= 3, "Slot", "1 to 3 factors")
    for _ in range(count):
        number, length = f.int(1), f.int(2)
        need(1 <= number <= 8 and length <= 2048, "Slot", "a factor")
        need(length == {1: 12, 2: 0, 8: 0}.get(number, length), "Slot", "a factor's parameters")
        slot["factors"].append((number, f.take(length)))
        if number == 1:
            m, t, p = struct.unpack("<III", slot["factors"][-1][1])
            need(65_536 <= m <= 2_097_152 and 3 <= t <= 16 and 1 <= p <= 16, "Kdf", f"m={m} t={t} p={p}")
    slot["factor_bytes"] = f.data[begin : f.at]
    slot |= {"salt": f.take(32), "commit": f.take(32), "nonce": f.take(24), "wrapped": f.take(48)}
    numbers = slot["numbers"] = [n for n, _ in slot["factors"]]
    need(slot["flags"] == 0 or slot["flags"] == 1 and {4, 5} & set(numbers), "Slot", "flags")
    need(all(a < b for a, b in zip(numbers, numbers[1:])), "Slot", "factors must ascend")
    need({1, 2, 8} & set(numbers) or slot["flags"], "Slot", "a factor that may not stand alone")
    need(8 not in numbers or count == 1, "Slot", "a store key stands alone")
    return slot

def read_header(data):
    need(len(data) <= 4 << 30, "Bounds", "4 GiB")
    need(data[:7] == b"SVAULT\0", "BadMagic")
    f = Fields(data[7:])
    need(f.int(1) == 1, "Version")
    length = f.int(4)
    need(74 <= length <= 65_536, "Bounds", "header_len")
    h, header_mac = Fields(f.take(length)), f.take(32)
    head = {"kind": h.int(1), "file_id": h.take(16), "epoch": h.int(8), "generation": h.int(8)}
    head |= {"created": h.int(8), "parent": h.take(32), "mac": header_mac, "covered": data[: 12 + length]}
    need(1 <= head["kind"] <= 4, "Bounds", "kind")
    count = h.int(1)
    need(1 <= count <= 16, "Bounds", "slot_count")
    head["slots"] = slots = [read_slot(h) for _ in range(count)]
    need(h.at == length, "Bounds", "bytes after the last slot")
    need(len({slot["id"] for slot in slots}) == count, "Slot", "two slots with one id")
    shape = [slot["numbers"] for slot in slots]
    right = {1: [8] not in shape, 2: shape == [[8]], 3: shape == [[8]], 4: shape in ([[1]], [[2]])}
    need(right[head["kind"]], "Slot", "a slot that may not be in this kind of file")
    return head

def unwrap(head, slot, given):
    """The root key. `given`: by factor number a passphrase, a recovery code's bytes or a key."""
    ikm = b""
    for number, params in slot["factors"]:
        output = given.get(number, b"")
        if number == 1:
            salt = hkdf(slot["salt"], slot["id"], b"svault/1/argon2")
            m, t, p = struct.unpack("<III", params)
            output = hash_secret_raw(output, salt, t, m, p, 32, Type.ID)
        ikm += struct.pack("<BH", number, len(output)) + output
    info = b"svault/1/slot" + struct.pack("<B16sQ", head["kind"], head["file_id"], head["epoch"])
    info += slot["id"] + bytes([slot["flags"]]) + slot["factor_bytes"]
    keys = expand(mac(slot["salt"], ikm), info, 64)
    need(hmac.compare_digest(keys[32:], slot["commit"]), "WrongKey")
    try:
        return xaes_open(keys[:32], slot["nonce"], info, slot["wrapped"])
    except ValueError:
        raise Bad("HeaderMac") from None

# Section 5: frames.

def padded_value(n):
    if n <= 1024:
        return max(32, 1 << (n - 1).bit_length())
    step = 1 << n.bit_length() - 1 - (n.bit_length() - 1).bit_length()
    return -(-n // step) * step

def unpad(plain, total):
    length = int.from_bytes(plain[:4], "little")
    if total(4 + length) != len(plain) or any(plain[4 + length :]):
        raise ValueError("padding")
    return plain[4 : 4 + length]

def read_frame(data, at, head, keys, previous, tx):
    """The frame at `at` and its length; ValueError if it is not good, EOFError if the file ends inside it."""
    if len(data) - at < 16:
        raise EOFError("cut short")
    meta_len, value_len, flags, tx_count = struct.unpack_from("<IIII", data, at)
    length = 16 + 40 + meta_len + (40 + value_len if value_len else 0) + 32
    if flags or not meta_len or meta_len % 64 or length > 1 << 20:
        raise ValueError("flags or lengths")
    if len(data) - at < length:
        raise EOFError("cut short")
    f = Fields(data[at : at + length])
    front = f.take(16)
    parts = [(f.take(24), f.take(n + 16)) for n in (meta_len, value_len) if n]
    link, chain = [n for n, _ in parts] + [sealed[-16:] for _, sealed in parts], f.take(32)
    if not hmac.compare_digest(mac(keys["chain"], previous, front, *link), chain):
        raise ValueError("chain")
    if tx_count not in (0, tx):
        raise ValueError("tx_count")
    bound, lens = head["file_id"] + struct.pack("<Q", head["epoch"]), struct.pack("<II", meta_len, value_len)
    m = Fields(unpad(xaes_open(keys["meta"], parts[0][0], bound + b"\1" + lens, parts[0][1]), lambda n: -(-n // 64) * 64))
    try:
        frame = {"offset": at, "tx_count": tx_count, "chain": chain, "value": None, "op": m.int(1)}
        frame |= {"kind": m.int(1), "record": m.take(16), "version": m.int(8)}
        frame |= {"names": m.int(8) if frame["op"] == 2 else None, "body": m.data[m.at :]}
    except Bad as e:
        raise ValueError("meta") from e
    if not 1 <= frame["op"] <= 3 or value_len and frame["op"] != 1:
        raise ValueError("op")
    if value_len:
        ad = bound + b"\2" + lens + frame["record"] + struct.pack("<Q", frame["version"])
        frame["value"] = unpad(xaes_open(keys["value"], parts[1][0], ad, parts[1][1]), padded_value)
    return frame, length

def check_versions(frames):
    known = {}
    for frame in frames:
        last, op, offset = known.get(frame["record"]), frame["op"], frame["offset"]
        need(not last or frame["version"] == last["version"] + 1, "Record", "version", offset)
        there = last if last and last["op"] != 3 else None
        need(op == 1 or there, "Record", "no such record", offset)
        need(not there or there["kind"] == frame["kind"], "Record", "another kind", offset)
        need(op != 2 or frame["names"] == there["put"], "Record", "names_version", offset)
        known[frame["record"]] = frame | {"put": frame["version"] if op == 1 else there["put"]}

# Section 7: reading. All values are decrypted here, also those that a head vouches for.

def read(data, slot, given, want=None):
    """The header and the frames that count. `want` is a head: file_id, epoch, generation, frames, bytes, chain."""
    head = read_header(data)
    root, salt = unwrap(head, head["slots"][slot], given), head["file_id"] + struct.pack("<Q", head["epoch"])
    keys = {name: hkdf(salt, root, b"svault/1/" + name.encode()) for name in ("mac", "chain", "meta", "value")}
    need(hmac.compare_digest(mac(keys["mac"], head["covered"]), head["mac"]), "HeaderMac")
    at, previous, tx, bad = len(head["covered"]) + 32, head["mac"], 0, None
    frames, good, ends = [], 0, {at: (0, previous)}
    while at < len(data):
        try:
            frame, length = read_frame(data, at, head, keys, previous, tx + 1)
        except (ValueError, EOFError) as e:
            bad = e
            break
        frames.append(frame)
        at, previous, tx = at + length, frame["chain"], 0 if frame["tx_count"] else tx + 1
        if frame["tx_count"]:
            good, ends[at] = len(frames), (len(frames), previous)
    if want:
        need(head["file_id"] == want["file_id"], "Beside", "file_id")
        need(head["generation"] >= want["generation"], "RolledBack", "generation")
    if want and head["generation"] > want["generation"]:
        need(head["generation"] == want["generation"] + 1, "Beside", "generation")
        need(head["epoch"] >= want["epoch"] and head["parent"] == want["chain"], "Beside", "parent")
        want = None
    if not want:
        need(not bad and good == len(frames), "Damaged", bad or "unfinished", at)
    else:
        need(head["epoch"] == want["epoch"], "Beside", "epoch")
        cut = isinstance(bad, EOFError) and len(data) < want["bytes"]
        need(not bad or at >= want["bytes"], "RolledBack" if cut else "Damaged", bad, at)
        need(max(ends) >= want["bytes"], "RolledBack", "frames are missing")
        need(ends.get(want["bytes"]) == (want["frames"], want["chain"]), "Beside", "another history")
    check_versions(frames[:good])
    return head, frames[:good]

def recovery_bytes(text):
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = "".join(text.upper().split()).replace("-", "").translate(str.maketrans("OIL", "011"))
    number = sum(digits.index(c) << 5 * n for n, c in enumerate(reversed(text)))
    code, check = (number >> 20).to_bytes(20, "big"), number & 0xFFFFF
    found = int.from_bytes(hashlib.sha256(b"svault/1/recovery" + code).digest()[:3], "big") >> 4
    need(len(text) == 36 and check == found, "Recovery", "the checksum does not fit")
    return code

def main():
    args = argparse.ArgumentParser(usage=__doc__)
    args.add_argument("file", type=pathlib.Path)
    args.add_argument("--slot", type=int, default=0)
    [args.add_argument(name, default="") for name in ("--passphrase", "--recovery", "--store")]
    a = args.parse_args()
    given = {1: a.passphrase.encode(), 2: a.recovery and recovery_bytes(a.recovery), 8: bytes.fromhex(a.store)}
    head, frames = read(a.file.read_bytes(), a.slot, given)
    print({k: v.hex() if isinstance(v, bytes) else v for k, v in head.items() if k not in ("slots", "covered")})
    for frame in frames:
        print(frame)

if __name__ == "__main__":
    try:
        main()
    except Bad as e:
        sys.exit(str(e))
