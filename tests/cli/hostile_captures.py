"""Writes captures that mean harm: hostile_captures.py KIND SIZE FILE. SIZE says how much of it; `kinds` lists them all.

Growing kinds cost a sensor more the longer they are, but no more than that: four times the size may take four times the
work. Whole kinds are of one size."""
import gzip
import struct
import subprocess
import sys
import zlib

CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])


def be(value, size):
    return value.to_bytes(size, "big")


def ip4(payload, protocol=6, source=CLIENT, target=SERVER, fragment=0, number=1):
    return (be(0x4500, 2) + be((20 + len(payload)) & 0xFFFF, 2) + be(number & 0xFFFF, 2) + be(fragment, 2) + b"\x40" +
            be(protocol, 1) + b"\0\0" + source + target + payload)


def ip6(payload, following):
    return be(0x60000000, 4) + be(len(payload) & 0xFFFF, 2) + be(following, 1) + b"\x40" + b"\x20\x01\x0d\xb8" + bytes(
        11) + b"\1" + b"\x20\x01\x0d\xb8" + bytes(11) + b"\2" + payload


def udp(payload, source=5000, target=53):
    return be(source, 2) + be(target, 2) + be((8 + len(payload)) & 0xFFFF, 2) + b"\0\0" + payload


def tcp(payload, sequence, acknowledgement, flags, source=40000, target=80, options=b""):
    return (be(source, 2) + be(target, 2) + be(sequence & 0xFFFFFFFF, 4) + be(acknowledgement & 0xFFFFFFFF, 4) +
            be((20 + len(options)) // 4 * 16, 1) + be(flags, 1) + be(60000, 2) + bytes(4) + options + payload)


def ethernet(kind, payload):
    return b"\2\0\0\0\0\2\2\0\0\0\0\1" + be(kind, 2) + payload


class Talk:
    """A connection as frames; what is said comes in segments of `most` bytes, each acknowledged."""

    def __init__(self, port, client_port=40000, most=1400, client=CLIENT):
        self.port, self.client_port, self.most, self.address = port, client_port, most, client
        self.next = [1000, 5000]
        self.frames = []
        self.send(0, b"", 2, -1), self.send(1, b"", 18, -1), self.send(0, b"", 16)

    def send(self, side, payload, flags=24, shift=0):
        ports = (self.client_port, self.port) if side == 0 else (self.port, self.client_port)
        ends = (self.address, SERVER) if side == 0 else (SERVER, self.address)
        acknowledgement = 0 if flags == 2 else self.next[1 - side]
        segment = tcp(payload, self.next[side] + shift, acknowledgement, flags, *ports)
        self.frames.append(ip4(segment, 6, *ends))

    def say(self, side, text):
        for at in range(0, len(text), self.most):
            part = text[at:at + self.most]
            self.send(side, part)
            self.next[side] += len(part)
            self.send(1 - side, b"", 16)
        return self

    def client(self, text):
        return self.say(0, text)

    def server(self, text):
        return self.say(1, text)


GET = b"GET /a?x=1 HTTP/1.1\r\nHost: example.org\r\n\r\n"
QUERY = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3org\0\0\1\0\1"


def answered(headers, body):
    return Talk(80).client(GET).server(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), headers) + body)


def hello(padding=0):
    name = b"www.example.org"
    extension = be(0, 2) + be(len(name) + 5, 2) + be(len(name) + 3, 2) + b"\0" + be(len(name), 2) + name
    extension += be(21, 2) + be(padding, 2) + bytes(padding)
    body = b"\3\3" + bytes(32) + b"\0" + b"\0\2\x13\1" + b"\1\0" + be(len(extension), 2) + extension
    return b"\1" + be(len(body), 3) + body


def record(message):
    return b"\x16\3\1" + be(len(message), 2) + message


def mail(body):
    return Talk(25).server(b"220 mx\r\n").client(b"EHLO a\r\n").server(b"250 mx\r\n").client(
        b"MAIL FROM:<a@b.example>\r\n").server(b"250 ok\r\n").client(b"RCPT TO:<c@d.example>\r\n").server(
            b"250 ok\r\n").client(b"DATA\r\n").server(b"354 go\r\n").client(body + b"\r\n.\r\n").server(b"250 ok\r\n")


def http2(kind, flags, stream, payload=b""):
    return be(len(payload), 3) + bytes([kind, flags]) + be(stream, 4) + payload


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2(4, 0, 0)
REQUEST = bytes.fromhex("828684410161")  # GET, http, /, :authority a


def good_frames():
    """One of each sort, for those that spoil them."""
    dns = ip4(udp(QUERY), 17)
    frames = Talk(80).client(GET).server(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").frames
    frames += Talk(443, 40001).client(record(hello())).frames
    frames += Talk(80, 40002).client(PREFACE + http2(1, 5, 1, REQUEST)).frames
    smb = b"\xfeSMB\x40\0" + bytes(58) + b"\x24\0\1\0" + bytes(32) + b"\x11\3"
    frames += Talk(445, 40003).client(be(len(smb), 4) + smb).frames
    frames += [
        dns, ip6(udp(QUERY), 17), ip4(be(0x0800, 4) + dns, 47), ip4(dns, 4), ip4(ip6(udp(QUERY), 17), 41),
        ip4(udp(b"\x08" + bytes(7) + ethernet(0x0800, dns), 1, 4789), 17),
        ip4(udp(b"\0\0\x65\x58" + bytes(4) + ethernet(0x0800, dns), 1, 6081), 17),
        ip4(udp(b"\x30\xff" + be(len(dns), 2) + bytes(4) + dns, 2152, 2152), 17),
        ip4(udp(ip6(udp(QUERY), 17), 1, 3544), 17),
        ip4(b"\3\1" + bytes(6) + dns, 1), ip6(b"\x3a\0\1\4\0\0\0\0" + b"\x80" + bytes(7), 0),
        ip4(tcp(b"", 1, 0, 2, options=b"\2\4\5\xb4\4\2\x08\x0a" + bytes(8) + b"\1\3\3\7")),
        ip4(udp(b"\2\1\6" + bytes(233) + b"\x63\x82\x53\x63\x35\1\5\xff", 67, 68), 17),
        ip4(udp(b"\x30\x26\2\1\1\4\6public\xa0\x19\2\1\1\2\1\0\2\1\0"
                b"\x30\x0e\x30\x0c\6\x08\x2b\6\1\2\1\1\1\0\5\0", 5000, 161), 17),
        ip4(udp(b"\0\1a\0octet\0", 5000, 69), 17),
        ip4(udp(b"\xc0\0\0\0\1\x08abcdefgh\0\0\x40\x40" + bytes(64), 5000, 443), 17),
    ]
    return [ethernet(0x86DD if frame[0] >> 4 == 6 else 0x0800, frame) for frame in frames]


# ---- of one size


def lies(_):
    """Every byte of every frame once each of a few others: lengths, counts, types, offsets."""
    for frame in good_frames():
        for at in range(12, len(frame)):
            for value in (0, 0xFF, frame[at] + 1 & 0xFF, frame[at] ^ 0x80):
                yield frame[:at] + bytes([value]) + frame[at + 1:]


def cuts(_):
    """Frames that end anywhere, and connections that do."""
    for frame in good_frames():
        for size in range(len(frame)):
            yield frame[:size]
    said = (80, GET), (80, PREFACE + http2(1, 5, 1, REQUEST)), (443, record(hello()))
    for index, (port, text) in enumerate(said):
        for size in range(1, len(text)):
            talk = Talk(port, 1024 + size, client=bytes([10, 0, 2, index])).client(text[:size])
            talk.send(0, b"", 17)
            yield from (ethernet(0x0800, frame) for frame in talk.frames)


def tunnels(_):
    inner = ip4(udp(QUERY), 17)
    for wrap in (lambda p: ip4(be(0x0800, 4) + p, 47), lambda p: ip4(p, 4),
                 lambda p: ip6(p, 4 if p[0] >> 4 == 4 else 41),
                 lambda p: ip4(udp(b"\x08" + bytes(7) + ethernet(0x0800, p), 1, 4789), 17)):
        frame = inner
        for _ in range(300):
            frame = wrap(frame)
            yield ethernet(0x86DD if frame[0] >> 4 == 6 else 0x0800, frame)
    for kind, tag in ((0x8100, b"\0\5\x81\0"), (0x8847, b"\0\1\0\x40"), (0x88A8, b"\0\5\x88\xa8")):
        yield ethernet(kind, tag * 5000 + inner)
    yield ethernet(0x86DD, ip6((b"\x3c\0" + bytes(6)) * 7000, 60))


def bombs(_):
    zeros = bytes(64 << 20)
    once = gzip.compress(zeros, mtime=0)
    script = "process.stdout.write(require('zlib').brotliCompressSync(Buffer.alloc(1<<26)))"
    brotli = subprocess.run(["node", "-e", script], capture_output=True, check=True).stdout
    flash = b"CWS\x0a" + struct.pack("<I", len(zeros)) + zlib.compress(zeros)
    for index, (headers, body) in enumerate(
        ((b"Content-Encoding: gzip\r\n", once), (b"Content-Encoding: gzip, gzip\r\n", gzip.compress(once, mtime=0)),
         (b"Content-Encoding: deflate\r\n", zlib.compress(zeros)), (b"Content-Encoding: br\r\n", brotli),
         (b"Content-Type: application/x-shockwave-flash\r\n", flash))):
        talk = answered(headers, body)
        yield from (frame.replace(CLIENT, bytes([10, 0, 1, index])) for frame in talk.frames)
    # HPACK: a long field kept once and named thousands of times (RFC 7541 section 7.3).
    field = b"\x40\x01a\x7f" + bytes([0x80 | (3900 - 127) & 0x7F, (3900 - 127) >> 7]) + b"b" * 3900
    frames = PREFACE + http2(1, 5, 1, REQUEST + field)
    for stream in range(3, 63, 2):
        frames += http2(1, 5, stream, REQUEST + b"\xbe" * 16000)
    yield from Talk(80, 41000).client(frames).frames


def nested(_):
    """MIME in MIME."""
    body = b"text"
    for depth in range(3000):
        body = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)) + body
    yield from mail(body).frames
    yield from mail(b"Content-Type: message/rfc822\r\n\r\n" * 5000).frames


# ---- growing


def half_open(size):
    for i in range(size):
        yield ip4(tcp(b"", i, 0, 2, 1024 + i % 50000, 80), 6, be(0x0B000000 + i, 4))


def one_datagram_each(size):
    for i in range(size):
        yield ip4(udp(QUERY, 1024 + i % 50000), 17, be(0x0B000000 + i, 4))


def unanswered(size):
    """Connections that say the beginning of something and no more."""
    for i in range(size):
        source, port = be(0x0B000000 + i, 4), 1024 + i % 50000
        yield ip4(tcp(b"", 999, 0, 2, port), 6, source)
        yield ip4(tcp(b"", 4999, 1000, 18, 80, port), 6, SERVER, source)
        yield ip4(tcp(b"GET / HTTP/1.1\r\nHos", 1000, 5000, 24, port), 6, source)
        yield ip4(tcp(b"", 5000, 1019, 16, 80, port), 6, SERVER, source)


def collisions(size):
    """Flows whose ends, ports or sums are the same: for hashes that add or xor them."""
    for i in range(size):
        a, b = i & 0xFF, i >> 8 & 0xFF
        c = i >> 16
        yield ip4(udp(b"x", 1000 + a, 1000 + (a ^ b)), 17, bytes([10, a, b, c]), bytes([10, a ^ 0x55, b ^ 0x55, c]))


def same_hash(size):
    """IPv6 addresses that a hash by well known numbers (the finaliser of MurmurHash3) says are one."""
    most = (1 << 64) - 1

    def mixed(x):
        x = (x ^ x >> 33) * 0xFF51AFD7ED558CCD & most
        x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53 & most
        return x ^ x >> 33

    for i in range(size):
        high = 0x2001_0DB8_0000_0000 + i
        low = -mixed(high + 0x9E3779B97F4A7C15 & most) & most
        datagram = bytearray(ip6(udp(QUERY), 17))
        datagram[8:24] = be(high, 8) + be(low, 8)
        yield bytes(datagram)


def fragments(size):
    """First fragments that nothing follows."""
    for i in range(size):
        yield ip4(bytes(24), 17, be(0x0B000000 + i // 60000, 4), fragment=0x2000, number=i)


def tiny_fragments(size):
    """Datagrams of fragments of eight bytes, the last of which never comes, each piece twice."""
    for i in range(size):
        at = i * 5 % 8000
        yield ip4(bytes([i & 0xFF]) * 8, 17, fragment=0x2000 | at, number=i // 16000)


def holes(size):
    """Segments of one byte with a hole before each."""
    talk = Talk(80)
    for i in range(size):
        talk.frames.append(ip4(tcp(b"x", 1001 + 2 * (i * 7919 % 30000), 5000, 24)))
    return talk.frames


def overlaps(size):
    talk = Talk(80)
    for i in range(size):
        talk.frames.append(ip4(tcp(bytes([65 + i % 20]) * 1000, 1001 + i % 977, 5000, 24)))
    return talk.frames


def bytewise(size):
    """A header that does not end, a byte at a time."""
    return Talk(80, most=1).client(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * size).frames


def headers(size):
    fields = b"".join(b"X%d: y\r\n" % i for i in range(size))
    return Talk(80).client(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n").frames


def parts(size):
    """Files in one form of HTTP."""
    form = b"--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\nx\r\n" * size
    return Talk(80).client(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                           b"Content-Length: %d\r\n\r\n" % len(form) + form).frames


def requests(size):
    return Talk(80).client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * size).frames


def streams(size):
    """HTTP/2: streams that are begun and reset."""
    resets = (http2(1, 5, 2 * i + 1, REQUEST) + http2(3, 0, 2 * i + 1, be(8, 4)) for i in range(size))
    return Talk(80).client(PREFACE + b"".join(resets)).frames


def continuations(size):
    return Talk(80).client(PREFACE + http2(1, 1, 1, REQUEST) + http2(9, 0, 1, b"\x40\x01a\x01b" * 20) * size).frames


def records(size):
    """TLS: a handshake of which each byte is a record."""
    return Talk(443).client(b"".join(record(bytes([one])) for one in hello(size))).frames


def lines(size):
    fields = b"".join(b"X-%d: =?utf-8?q?a=20?=\r\n" % i for i in range(size))
    return mail(fields + b"\r\n" + b"http://a.example/ " * size).frames


def commands(size):
    asked = b"PORT 10,0,0,1,4,1\r\nRETR a\r\n" * size
    return Talk(21).server(b"220 a\r\n").client(asked).server(b"200 a\r\n" * size).frames


def names(size):
    """DNS: answers each of whose names points to the one before."""
    answers = b"".join(be(0xC000 + (33 + 14 * (i - 1) if i else 12), 2) + b"\0\5\0\1" + bytes(4) + b"\0\2" +
                       be(0xC000 + 33 + 14 * i, 2) for i in range(120))
    message = b"\x81\x80\0\1" + be(120, 2) + bytes(4) + b"\3www\7example\3org\0\0\1\0\1" + answers
    for i in range(size):
        yield ip4(udp(be(i & 0xFFFF, 2) + QUERY[2:]), 17)
        yield ip4(udp(be(i & 0xFFFF, 2) + message, 53, 5000), 17, SERVER, CLIENT)


def calls(size):
    """SMB: requests that are never answered."""
    one = be(64 + 4, 4) + b"\xfeSMB\x40\0" + bytes(6) + b"\x0d\0\1\0" + bytes(8)
    echoes = (one + i.to_bytes(8, "little") + bytes(32) + b"\4\0\0\0" for i in range(size))
    return Talk(445).client(b"".join(echoes)).frames


def patterns(size):
    """For expressions and contents that are tried again and again."""
    for i in range(size):
        yield ip4(udp(b"a" * 1300 + b"!" + be(i, 4), 5000, 9000), 17)


WHOLE = (lies, cuts, tunnels, bombs, nested)
GROWING = {
    half_open: 25000, one_datagram_each: 10000, unanswered: 5000, collisions: 25000, same_hash: 8000,
    fragments: 15000, tiny_fragments: 10000, holes: 8000, overlaps: 4000, bytewise: 8000, headers: 10000, parts: 2000,
    requests: 4000, streams: 5000, continuations: 3000, records: 10000, lines: 4000, commands: 2000, names: 500,
    calls: 4000, patterns: 500,
}


def main(kind, size, path):
    ether = kind in ("lies", "cuts", "tunnels")
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1 if ether else 101))
        for number, frame in enumerate(globals()[kind](size)):
            when = 1700000000 + number // 100000, number % 100000 * 10
            file.write(struct.pack("<IIII", *when, len(frame), len(frame)) + frame)


if sys.argv[1] == "kinds":
    for whole in WHOLE:
        print(whole.__name__, 0)
    for growing, least in GROWING.items():
        print(growing.__name__, least)
else:
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
