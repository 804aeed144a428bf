"""Gives changed files of an index right checksums again, so that only their contents are wrong.

Checksums are XXH3-64, written here once more in Python. In all functions data is a bytearray.
"""
import json
import struct

HEADER = 4096
CHUNK = 1 << 20  # of a table, under one checksum
MASK = (1 << 64) - 1
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff"
    "7221b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46"
    "a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581"
    "a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428"
    "afd7fbcabb4b407e")
PRIME32_1, PRIME32_2, PRIME32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
PRIMES64 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
            0x27D4EB2F165667C5)


def xxh3(data, seed=0):
    """XXH3-64 of exactly 8 bytes (without a seed) or of more than 240."""
    if len(data) == 8 and seed == 0:
        return xxh3_of_8(data)
    assert len(data) > 240
    secret = b"".join(struct.pack("<QQ", (low + seed) & MASK, (high - seed) & MASK)
                      for low, high in struct.iter_unpack("<QQ", SECRET))
    lanes = [PRIME32_3, PRIMES64[0], PRIMES64[1], PRIMES64[2], PRIMES64[3], PRIME32_2, PRIMES64[4],
             PRIME32_1]

    def accumulate(at, secret_at):
        stripe, keys = struct.unpack_from("<8Q", data, at), struct.unpack_from("<8Q", secret,
                                                                               secret_at)
        for i, (value, key) in enumerate(zip(stripe, keys)):
            mixed = value ^ key
            lanes[i ^ 1] = (lanes[i ^ 1] + value) & MASK
            lanes[i] = (lanes[i] + (mixed & 0xFFFFFFFF) * (mixed >> 32)) & MASK
    per_block = (len(secret) - 64) // 8
    for stripe in range((len(data) - 1) // 64):
        accumulate(64 * stripe, 8 * (stripe % per_block))
        if stripe % per_block == per_block - 1:
            for i, key in enumerate(struct.unpack_from("<8Q", secret, len(secret) - 64)):
                lanes[i] = ((lanes[i] ^ lanes[i] >> 47 ^ key) * PRIME32_1) & MASK
    accumulate(len(data) - 64, len(secret) - 64 - 7)
    result = len(data) * PRIMES64[0]
    keys = struct.unpack_from("<8Q", secret, 11)
    for i in range(0, 8, 2):
        product = (lanes[i] ^ keys[i]) * (lanes[i + 1] ^ keys[i + 1])
        result += (product & MASK) ^ (product >> 64)
    result &= MASK
    result = ((result ^ result >> 37) * 0x165667919E3779F9) & MASK
    return result ^ result >> 32


def xxh3_of_8(data):
    """XXH3-64 of 8 bytes, seed 0: that of a list of one checksum."""
    first, second = struct.unpack("<II", data)
    one, other = struct.unpack_from("<QQ", SECRET, 8)
    mixed = second + (first << 32) ^ one ^ other

    def rotated(bits):
        return (mixed << bits | mixed >> (64 - bits)) & MASK
    mixed = ((mixed ^ rotated(49) ^ rotated(24)) * 0x9FB21C651E98DF25) & MASK
    mixed = ((mixed ^ (mixed >> 35) + 8) * 0x9FB21C651E98DF25) & MASK
    return mixed ^ mixed >> 28


def uuid_seed(data):
    """What seeds the checksums of a file's pages and chunks: the first 8 bytes of the uuid."""
    return struct.unpack_from("<Q", data, 24)[0]


def seal_header(data):
    """After a change of the first 4,096 bytes of .pages or of a table."""
    struct.pack_into("<Q", data, 8, xxh3(bytes(data[16:HEADER])))


def seal_page(data, at, size):
    """After a change of the page that begins at this offset."""
    struct.pack_into("<Q", data, at, xxh3(bytes(data[at + 8:at + size]), uuid_seed(data)))


def seal_table(data, rows):
    """The table with these rows (bytes, more than 240 and at most 1 MiB) instead of its own."""
    assert len(rows) <= CHUNK
    row_bytes = struct.unpack_from("<I", data, 44)[0]
    checksum = struct.pack("<Q", xxh3(rows, uuid_seed(data)))
    data[HEADER:] = rows + checksum
    struct.pack_into("<QQ", data, 48, len(rows) // row_bytes, xxh3(checksum))
    seal_header(data)


def table_rows(data):
    """The rows of a table of at most 1 MiB, as 32-bit numbers."""
    row_bytes, row_count = struct.unpack_from("<IQ", data, 44)
    return list(struct.unpack_from(f"<{row_bytes * row_count // 4}I", data, HEADER))


def sealed_manifest(body):
    """The text of a manifest of these fields."""
    body = {key: value for key, value in body.items() if key != "checksum"}
    checksum = xxh3(json.dumps(body, separators=(",", ":")).encode())
    return json.dumps(body | {"checksum": f"{checksum:016x}"}, indent=2) + "\n"


def without_identity(index):
    """What the files of an index hold, by part, apart from its uuid and what hangs on that: two
    indexes laid out alike are equal here, although names and checksums differ."""
    held = {}
    for path in index.iterdir():
        data = bytearray(path.read_bytes())
        if path.name == "manifest.json":
            body = json.loads(data)
            held[path.name] = {key: body[key] for key in body if key not in ("uuid", "checksum")}
            continue
        data[8:16], data[24:40] = bytes(8), bytes(16)
        if path.suffix == ".pages":
            page_size = struct.unpack_from("<I", data, 40)[0]
            for at in range(page_size, len(data), page_size):
                data[at:at + 8] = bytes(8)
        else:
            row_bytes, row_count = struct.unpack_from("<IQ", data, 44)
            data[56:64] = bytes(8)
            del data[HEADER + row_bytes * row_count:]
        held[path.suffix] = bytes(data)
    return held
