"""Frames as bytes: built as they are wanted, legal or not, and found in a stream without any judgement."""

import dataclasses

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
# The bytes of an extended length (RFC 6455, section 5.2).
EXTENDED = {126: 2, 127: 8}


def mask(key, data):
    """The same in either direction (section 5.3)."""
    length = len(data)
    repeated = (key * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(length, "big")


def shortest(length):
    """The first seven bits of a length in its shortest form."""
    return length if length < 126 else 126 if length < 65536 else 127


@dataclasses.dataclass
class Frame:
    """A frame to be built. Where `declared` or `form` is set it need not be what the payload has; where
    `cut` is, only so many bytes are built. `inverted`: who need not mask does, who must does not."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    key: bytes | None = None
    declared: int | None = None
    form: int | None = None
    cut: int | None = None
    inverted: bool = False

    def encode(self):
        declared = len(self.payload) if self.declared is None else self.declared
        form = shortest(declared) if self.form is None else self.form
        head = bytes([self.fin << 7 | self.rsv << 4 | self.opcode, (self.key is not None) << 7 | form])
        extended = declared.to_bytes(8, "big")[8 - EXTENDED.get(form, 0):]
        key = self.key or b""
        payload = mask(key, self.payload) if key else self.payload
        return (head + extended + key + payload)[:self.cut]


@dataclasses.dataclass
class Found:
    """A frame in a stream. What the stream does not have is None."""

    start: int
    first: int
    second: int
    declared: int | None = None
    # Where the payload begins, and where the frame ends.
    body: int | None = None
    end: int | None = None
    key: bytes = bytes(4)
    payload: bytes = b""

    @property
    def fin(self):
        return self.first >= 0x80

    @property
    def opcode(self):
        return self.first & 0xF

    @property
    def form(self):
        return self.second & 0x7F


def find(stream):
    """The frames of a stream, as their lengths say, and a last one that is not complete."""
    found, at = [], 0
    while at is not None and len(stream) - at >= 2:
        frame = Found(at, stream[at], stream[at + 1])
        found.append(frame)
        behind = at + 2 + EXTENDED.get(frame.form, 0)
        masked = frame.second >= 0x80
        if len(stream) >= behind:
            frame.declared = int.from_bytes(stream[at + 2:behind], "big") if frame.form > 125 else frame.form
            if len(stream) >= behind + 4 * masked:
                frame.body = behind + 4 * masked
                frame.key = stream[behind:frame.body] if masked else bytes(4)
                frame.payload = mask(frame.key, stream[frame.body:frame.body + frame.declared])
                if len(stream) - frame.body >= frame.declared:
                    frame.end = frame.body + frame.declared
        at = frame.end
    return found
