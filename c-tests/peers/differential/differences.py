"""Where other implementations differ from ours, and the words of RFC 6455 that this is about.

An entry says what the other one would have seen if it differed in nothing else. It explains a difference
only if that is exactly what ours has seen: the same messages, the same end, the same frames sent.
"""

import dataclasses
from collections.abc import Callable

from frames import CLOSE, CONTINUATION, EXTENDED, find, mask, shortest
from seen import ENDED

PROTOCOL_ERROR = 1002
CONTROL_BIT = 0x8


@dataclasses.dataclass(frozen=True)
class Difference:
    """`predict` gets the stream, and a function that tells what the other implementation sees in another
    one. It returns what ours should have seen, or None where this is not the reason."""

    name: str
    others: tuple
    section: str
    words: str
    why: str
    predict: Callable


def failed_at(stream, sees, wrong):
    """As if the connection was failed by the first frame whose header, complete, is wrong."""
    for frame in find(stream):
        if frame.body is not None and wrong(frame):
            seen = sees(stream[:frame.start])
            if seen.end != (ENDED,):
                return None
            seen.fail(PROTOCOL_ERROR)
            return seen
    return None


def length_not_shortest(stream, sees):
    return failed_at(stream, sees, lambda frame: frame.form != shortest(frame.declared))


def length_with_top_bit(stream, sees):
    return failed_at(stream, sees, lambda frame: frame.declared >= 2**63)


def close_inside_message(stream, sees):
    """The same without the frames of the message that is not complete."""
    unfinished = []
    for frame in find(stream):
        if frame.end is None:
            return None
        if frame.opcode == CLOSE:
            break
        if not frame.opcode & CONTROL_BIT:
            unfinished = [] if frame.fin else [*unfinished, frame]
    else:
        return None
    for frame in reversed(unfinished):
        stream = stream[:frame.start] + stream[frame.end:]
    return sees(stream) if unfinished else None


def first_close(stream):
    """Complete, and of a length that it may have."""
    closes = (frame for frame in find(stream) if frame.opcode == CLOSE and frame.end and frame.form < 126)
    return next(closes, None)


def code_before_reason(stream, sees):
    """The same without the reason."""
    close = first_close(stream)
    if close is None or len(close.payload) <= 2:
        return None
    second = close.second - len(close.payload) + 2
    return sees(stream[:close.start + 1] + bytes([second]) + stream[close.start + 2:close.body + 2])


def code_1014(stream, sees):
    """The same with 1013, which it knows."""
    close = first_close(stream)
    if close is None or close.payload[:2] != (1014).to_bytes(2, "big"):
        return None
    known = mask(close.key, (1013).to_bytes(2, "big") + close.payload[2:])
    seen = sees(stream[:close.body] + known)
    seen.end = with_1014(seen.end)
    seen.sent = [with_1014(frame) for frame in seen.sent]
    return seen


def with_1014(close):
    return tuple(1014 if part == 1013 else part for part in close)


def before_the_frame_is_complete(stream, sees):
    """The same with the last frame completed: by zeros, that is, and so few as its length's form allows
    if its length is a matter of the last 16 bits or more."""
    frame = find(stream)[-1] if len(stream) >= 2 else None
    if frame is None or frame.end is not None:
        return None
    masked = frame.second >= 0x80
    behind = frame.start + 2 + EXTENDED.get(frame.form, 0)
    raw = stream[behind + 4 * masked:]
    length = frame.form if frame.form < 126 else max(len(raw), 126 if frame.form == 126 else 65536)
    key = stream[behind:behind + 4].ljust(4, b"\0") if masked else bytes(4)
    payload = mask(key, raw).ljust(length, b"\0")
    return sees(stream[:frame.start + 2] + length.to_bytes(8, "big")[8 - EXTENDED.get(frame.form, 0):]
                + key * masked + mask(key, payload))


def before_the_key(stream, sees):
    """The same without the header that lacks its key, or some of it."""
    frame = find(stream)[-1] if len(stream) >= 2 else None
    if frame is None or frame.body is not None or frame.declared is None:
        return None
    return sees(stream[:frame.start])


def half_a_surrogate(stream, sees):
    """The same with another second byte, which can stand nowhere."""
    message = b""
    for frame in find(stream):
        if frame.opcode & CONTROL_BIT:
            continue
        message = (message if frame.opcode == CONTINUATION else b"") + frame.payload
        if frame.payload and message[-2:-1] == b"\xed" and message[-1] in range(0xA0, 0xC0):
            at = frame.body + len(frame.payload) - 1
            return sees(stream[:at] + bytes([stream[at] ^ message[-1] ^ 0xFF]) + stream[at + 1:])
    return None


def payload_that_is_not_complete(stream, sees):
    """The same without the last frame."""
    frame = find(stream)[-1] if len(stream) >= 2 else None
    if frame is None or frame.end is not None or not frame.payload:
        return None
    return sees(stream[:frame.start])


DIFFERENCES = [
    Difference(
        "a length that is not in its shortest form", ("websockets",), "5.2",
        "Note that in all cases, the minimal number of bytes MUST be used to encode the length",
        "Ours fails the connection, websockets takes such a frame.",
        length_not_shortest),
    Difference(
        "a length with its top bit set", ("websockets",), "5.2",
        "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit "
        "MUST be 0) are the payload length.",
        "Ours fails the connection, websockets waits for so many bytes.",
        length_with_top_bit),
    Difference(
        "a close frame inside a message", ("websockets",), "5.4",
        "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.",
        "To ours it is a close frame like any other, websockets fails the connection.",
        close_inside_message),
    Difference(
        "a close frame with a wrong code and a wrong reason", ("websockets",), "7.4.1",
        "1002 indicates that an endpoint is terminating the connection due to a protocol error.",
        "1007 would be right for the reason. The RFC does not say what is looked at first: ours looks at the "
        "code, websockets at the reason.",
        code_before_reason),
    Difference(
        "close code 1014", ("wsproto",), "7.4.2",
        "Status codes in the range 1000-2999 are reserved for definition by this protocol, its future "
        "revisions, and extensions specified in a permanent and readily available public specification.",
        "The registry of section 11.7 has 1014 by now; wsproto does not know it.",
        code_1014),
    Difference(
        "a rule broken by a frame that never becomes complete", ("websockets", "wsproto"), "10.7",
        "If, at any time, an endpoint is faced with data that it does not understand or that violates some "
        "criteria by which the endpoint determines the safety of input, [...] the endpoint MAY drop the TCP "
        "connection.",
        "Ours looks at what has arrived, websockets at whole frames, wsproto at whole headers, and whether "
        "a frame may come now when some of its payload is there.",
        before_the_frame_is_complete),
    Difference(
        "a length refused before the masking key has arrived", ("wsproto",), "10.7",
        "If, at any time, an endpoint is faced with data that it does not understand or that violates some "
        "criteria by which the endpoint determines the safety of input, [...] the endpoint MAY drop the TCP "
        "connection.",
        "Ours looks at the length when the whole header is there.",
        before_the_key),
    Difference(
        "the first half of a surrogate", ("websockets", "wsproto"), "8.1",
        "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in "
        "fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
        "Nothing that begins with ED A0 to ED BF is UTF-8 (RFC 3629, section 4). Ours sees it at the second "
        "byte, Python's decoder at the third.",
        half_a_surrogate),
]

# On libdill these are there as well.
ON_LIBDILL = [
    Difference(
        "a payload that is not complete", ("wsproto",), "10.7",
        "If, at any time, an endpoint is faced with data that it does not understand or that violates some "
        "criteria by which the endpoint determines the safety of input, [...] the endpoint MAY drop the TCP "
        "connection.",
        "libdill delivers nothing of what was asked for when the stream ends before all of it has come.",
        payload_that_is_not_complete),
]


def explain(listed, other, stream, sees, ours):
    """The difference in the list that explains what ours has seen, if one does."""
    for difference in listed:
        if other in difference.others and difference.predict(stream, lambda stream: sees([stream])) == ours:
            return difference
    return None
