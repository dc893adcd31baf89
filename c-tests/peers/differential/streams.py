"""Random streams of frames: conversations as they should be, and what can become of them."""

import dataclasses

from frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, find

CLIENT, SERVER = 0, 1
POLLING, BLOCKING = 0, 1

# Two bytes, an extended length of eight and a key of four (RFC 6455, section 5.2).
MOST_HEADER = 14
LENGTHS = [0, 1, 2, 3, 7, 30, 124, 125, 126, 127, 128, 300, 1000]
LONG_LENGTHS = [4096, 65535, 65536, 70000]
# What a length field may be changed to.
LIES = [0, 1, 125, 126, 127, 65535, 65536, 2**32, 2**40, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
# The first and the last of each length, and those beside the surrogates.
CHARACTERS = ["\0", "a", "\x7f", "\x80", "ö", "\u07ff", "\u0800", "€", "\ud7ff", "\ue000", "\uffff",
              "\U00010000", "😀", "\U0010ffff"]
# RFC 3629, section 3: what is never a part of UTF-8. Overlong forms, surrogates, beyond U+10FFFF, a
# continuation of nothing, a beginning without continuation, bytes that have no meaning.
NOT_UTF8 = [b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf", b"\xed\xa0\x80",
            b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xbf", b"\xc3a",
            b"\xe2\x82a", b"\xf0\x9f\x98a", b"\xfe", b"\xff"]
CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
BAD_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
# What is longer does not come byte by byte. A receiver that blocks gets few pieces: each is waited for.
MOST_BYTE_BY_BYTE = 400
MOST_PIECES = 20
MOST_PIECES_BLOCKING = 6
# A socket takes this without waiting for the receiver.
LONGEST_PIECE = 32768


@dataclasses.dataclass
class Case:
    """A stream of bytes for one end of a connection, and how it arrives."""

    number: int
    role: int
    patience: int
    pieces: list
    story: list

    @property
    def stream(self):
        return b"".join(self.pieces)


def text(draw, length):
    """So many characters, or fewer bytes than four times as many."""
    return "".join(draw.choices(CHARACTERS, k=length)).encode()


def close_payload(draw):
    if draw.random() < 0.2:
        return b""
    reason = b"" if draw.random() < 0.3 else text(draw, draw.randrange(30))
    return draw.choice(CODES).to_bytes(2, "big") + reason


def control(draw, opcode):
    if opcode == CLOSE:
        return Frame(CLOSE, close_payload(draw))
    return Frame(opcode, draw.randbytes(draw.choice([0, 1, 4, 124, 125])))


def message(draw):
    """The frames of a message, cut without regard to characters, control frames between them."""
    length = draw.choice(LONG_LENGTHS if draw.random() < 0.02 else LENGTHS)
    opcode = draw.choice([TEXT, BINARY])
    data = text(draw, length // 2) if opcode == TEXT else draw.randbytes(length)
    count = draw.choice([1, 1, 1, 2, 3, 5])
    cuts = [0, *sorted(draw.choices(range(len(data) + 1), k=count - 1)), len(data)]
    for number, (begin, end) in enumerate(zip(cuts, cuts[1:])):
        yield Frame(CONTINUATION if number else opcode, data[begin:end], fin=number == count - 1)
        if number < count - 1 and draw.random() < 0.3:
            yield control(draw, draw.choice([PING, PONG]))


def conversation(draw):
    """A sequence of frames that breaks no rule."""
    frames = []
    for _ in range(draw.choice([0, 1, 1, 2, 2, 3, 4])):
        if draw.random() < 0.3:
            frames.append(control(draw, draw.choice([PING, PONG])))
        frames.extend(message(draw))
    if draw.random() < 0.6:
        frames.append(control(draw, CLOSE))
    return frames


# What can become of a conversation. Each of these changes the list of its frames.

def any_frame(draw, frames):
    frame = Frame(draw.randrange(16), draw.randbytes(draw.choice([0, 1, 2, 5, 125, 126])),
                  fin=draw.random() < 0.6, rsv=draw.choice([0, 0, 0, 1, 2, 4, 7]))
    frames.insert(draw.randrange(len(frames) + 1), frame)


def a_legal_frame(draw, frames):
    frame = draw.choice([*message(draw), *(control(draw, opcode) for opcode in (PING, PONG, CLOSE))])
    frames.insert(draw.randrange(len(frames) + 1), frame)


def removed_frame(draw, frames):
    del frames[draw.randrange(len(frames))]


def doubled_frame(draw, frames):
    at = draw.randrange(len(frames))
    frames.insert(draw.randrange(len(frames) + 1), dataclasses.replace(frames[at]))


def exchanged_frames(draw, frames):
    one, other = draw.randrange(len(frames)), draw.randrange(len(frames))
    frames[one], frames[other] = frames[other], frames[one]


def reserved_bits(draw, frames):
    draw.choice(frames).rsv = draw.randrange(1, 8)


def another_opcode(draw, frames):
    draw.choice(frames).opcode = draw.randrange(16)


def fin_inverted(draw, frames):
    frame = draw.choice(frames)
    frame.fin = not frame.fin


def mask_bit_inverted(draw, frames):
    frame = draw.choice(frames)
    frame.inverted = not frame.inverted


def longer_form(draw, frames):
    frame = draw.choice(frames)
    frame.form = draw.choice([form for form in (126, 127) if form == 127 or len(frame.payload) < 65536])


def another_length(draw, frames):
    frame = draw.choice(frames)
    near = [max(0, len(frame.payload) + by) for by in (-2, -1, 1, 2)]
    frame.declared = draw.choice(near if draw.random() < 0.5 else LIES)
    frame.form = draw.choice([None, 126, 127])


def not_utf8(draw, frames):
    """In a text or a close reason."""
    texts = [frame for frame in frames if frame.opcode in (TEXT, CONTINUATION)
             or frame.opcode == CLOSE and len(frame.payload) >= 2]
    frame = draw.choice(texts or frames)
    at = draw.randrange(2 if frame.opcode == CLOSE else 0, max(2, len(frame.payload)) + 1)
    replaced = draw.choice([0, 1])
    frame.payload = frame.payload[:at] + draw.choice(NOT_UTF8) + frame.payload[at + replaced:]


def not_utf8_in_fragments(draw, frames):
    """A text that is not UTF-8, one byte a fragment where it is not, and pings between them."""
    parts = [text(draw, 3), *(bytes([byte]) for byte in draw.choice(NOT_UTF8)), text(draw, 3)]
    fragments = []
    for number, part in enumerate(parts):
        fragments.append(Frame(CONTINUATION if number else TEXT, part, fin=number == len(parts) - 1))
        if draw.random() < 0.5:
            fragments.append(control(draw, PING))
    at = draw.choice([0, len(frames), draw.randrange(len(frames) + 1)])
    frames[at:at] = fragments


def character_cut(draw, frames):
    """The last byte of a payload is missing."""
    frame = draw.choice(frames)
    frame.payload = frame.payload[:-1]


def another_close(draw, frames):
    """A code that may not be there, perhaps with a reason that may not either, or one byte."""
    frame = Frame(CLOSE, draw.choice(BAD_CODES + [1014]).to_bytes(2, "big"))
    frame.payload += draw.choice([b"", b"", text(draw, 3), draw.choice(NOT_UTF8)])
    if draw.random() < 0.1:
        frame.payload = b"\x03"
    frames.insert(draw.randrange(len(frames) + 1), frame)


def begun_frame(draw, frames):
    """The last frame stops in its header, or soon behind it; perhaps it was wrong already."""
    del frames[draw.randrange(len(frames)) + 1:]
    change = draw.choice([None, reserved_bits, another_opcode, fin_inverted, mask_bit_inverted, longer_form,
                          another_length])
    if change:
        change(draw, frames[-1:])
    frames[-1].cut = draw.randrange(1, MOST_HEADER + 2)


CHANGES = [any_frame, a_legal_frame, removed_frame, doubled_frame, exchanged_frames, reserved_bits,
           another_opcode, fin_inverted, mask_bit_inverted, longer_form, another_length, not_utf8,
           not_utf8_in_fragments, character_cut, another_close, begun_frame]


# And these change the bytes.

def untouched(draw, stream):
    return stream


def place(draw, stream):
    """Somewhere in a stream; half the time in the header of a frame."""
    frames = find(stream)
    if not frames or draw.random() < 0.5:
        return draw.randrange(len(stream) + 1)
    return min(draw.choice(frames).start + draw.randrange(MOST_HEADER), len(stream))


def truncated(draw, stream):
    return stream[:place(draw, stream)]


def flipped_bit(draw, stream):
    at = place(draw, stream)
    return stream[:at] + bytes(byte ^ 1 << draw.randrange(8) for byte in stream[at:at + 1]) + stream[at + 1:]


def inserted_bytes(draw, stream):
    at = place(draw, stream)
    return stream[:at] + draw.randbytes(draw.randrange(1, 5)) + stream[at:]


def removed_bytes(draw, stream):
    at = place(draw, stream)
    return stream[:at] + stream[at + draw.randrange(1, 5):]


def cut_in_pieces(draw, stream, most):
    """The stream whole, byte by byte, or in some pieces of any length."""
    if not stream:
        return []
    kind = draw.random()
    if kind < 0.1 and len(stream) <= most:
        return [bytes([byte]) for byte in stream]
    places = set(range(LONGEST_PIECE, len(stream), LONGEST_PIECE))
    if kind < 0.75 and len(stream) > 1:
        places |= {draw.randrange(1, len(stream)) for _ in range(draw.randrange(1, min(most, MOST_PIECES)))}
    cuts = [0, *sorted(places), len(stream)]
    return [stream[begin:end] for begin, end in zip(cuts, cuts[1:])]


def changed(draw, frames):
    """Applies some changes and tells which."""
    changes = draw.choices(CHANGES, k=draw.choice([0, 1, 1, 1, 2]))
    for change in changes:
        if not frames:
            frames.append(control(draw, PING))
        change(draw, frames)
    return changes


def encoded(draw, role, frames):
    """The frames as bytes. Clients mask, servers do not (RFC 6455, section 5.1)."""
    for frame in frames:
        frame.key = draw.randbytes(4) if (role == SERVER) != frame.inverted else None
    return b"".join(frame.encode() for frame in frames)


def make(draw, number, patiences):
    role, patience = draw.choice([CLIENT, SERVER]), draw.choice(patiences)
    frames = conversation(draw)
    changes = changed(draw, frames)
    on_bytes = draw.choices([untouched, truncated, flipped_bit, inserted_bytes, removed_bytes],
                            weights=[12, 3, 3, 1, 1])[0]
    stream = on_bytes(draw, encoded(draw, role, frames))
    most = MOST_PIECES_BLOCKING if patience == BLOCKING else MOST_BYTE_BY_BYTE
    return Case(number, role, patience, cut_in_pieces(draw, stream, most),
                [change.__name__ for change in (*changes, on_bytes)])
