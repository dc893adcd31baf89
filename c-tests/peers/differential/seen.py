"""What an end of a connection makes of a stream: ours, and that of two other implementations.

Those do no input or output of their own. They are told what has arrived, and tell what would have to be
sent.
"""

import codecs
import dataclasses
import errno
import logging

from websockets import frames as websockets_frames
from websockets import protocol as websockets_protocol
from wsproto import connection as wsproto_connection
from wsproto import events as wsproto_events

from frames import BINARY, CLOSE, PONG, TEXT, Frame, find
from streams import CLIENT

# How a stream ends: with a close frame; with something that fails the connection; without either.
CLOSED, FAILED, ENDED = "closed", "failed", "ended"
# Section 7.1.5: the peer's close frame had no code.
NO_STATUS = 1005
INVALID_PAYLOAD = 1007

LOGGER = logging.getLogger("differential")
LOGGER.setLevel(logging.CRITICAL)


@dataclasses.dataclass
class Seen:
    """The messages, how it ended, code and reason of the peer's close frame if that was how; and what was
    sent: pongs, then a close frame. That of a failed connection counts without its reason, which is for
    people."""

    messages: list = dataclasses.field(default_factory=list)
    end: tuple = (ENDED,)
    sent: list = dataclasses.field(default_factory=list)

    def __str__(self):
        """Short: a message is its opcode, its length and its beginning."""
        messages = [(kind, len(data), data[:16]) for kind, data in self.messages]
        return f"messages {messages}, end {self.end}, sent {self.sent}"

    def fail(self, code):
        self.end = (FAILED,)
        self.sent = [*self.sent, ("close", code, "")]


def read_sent(role, data, failed):
    """What an end that plays `role` has sent. A frame that it should not build so is shown as its bytes."""
    sent = []
    for frame in find(data):
        whole = data[frame.start:frame.end]
        key = frame.key if role == CLIENT else None
        if whole != Frame(frame.opcode, frame.payload, key=key).encode():
            sent.append(("malformed", whole))
        elif frame.opcode == PONG:
            sent.append(("pong", frame.payload))
        elif frame.opcode == CLOSE:
            code = int.from_bytes(frame.payload[:2], "big") or NO_STATUS
            sent.append(("close", code, "" if failed else frame.payload[2:].decode(errors="replace")))
        else:
            sent.append(("unexpected", whole))
    return sent


def ours(role, messages, err, status, reason, written):
    """From an answer of receiver.c."""
    end = {errno.EPIPE: (CLOSED, status or NO_STATUS, reason.decode(errors="replace")),
           errno.EPROTO: (FAILED,),
           errno.ECONNRESET: (ENDED,)}.get(err, (errno.errorcode.get(err, err),))
    kinds = {0: BINARY, 1: TEXT}
    return Seen([(kinds[kind], data) for kind, data in messages], end,
                read_sent(role, written, end == (FAILED,)))


def by_websockets(role, pieces):
    side = websockets_protocol.CLIENT if role == CLIENT else websockets_protocol.SERVER
    protocol = websockets_protocol.Protocol(side, max_size=None, logger=LOGGER)
    seen, written, pings = Seen(), [], 0
    message = Message(seen)
    for piece in pieces:
        protocol.receive_data(piece)
        written += protocol.data_to_send()
        for frame in protocol.events_received():
            pings += frame.opcode is websockets_frames.PING
            try:
                message.take(frame)
            except UnicodeDecodeError:
                # It leaves this check to the layer above, and has gone on: back to here.
                seen.sent = read_sent(role, b"".join(written), False)[:pings]
                seen.fail(INVALID_PAYLOAD)
                return seen
    protocol.receive_eof()
    written += protocol.data_to_send()
    if not isinstance(protocol.parser_exc, (EOFError, type(None))):
        seen.end = (FAILED,)
    elif protocol.close_rcvd:
        seen.end = (CLOSED, int(protocol.close_rcvd.code), protocol.close_rcvd.reason)
    seen.sent = read_sent(role, b"".join(written), seen.end == (FAILED,))
    return seen


class Message:
    """Puts messages together from the frames of websockets."""

    def __init__(self, seen):
        self.seen = seen

    def take(self, frame):
        if frame.opcode in (websockets_frames.TEXT, websockets_frames.BINARY):
            self.kind, self.data = int(frame.opcode), b""
            self.decoder = codecs.getincrementaldecoder("utf-8")()
        elif frame.opcode is not websockets_frames.CONT:
            return
        self.data += frame.data
        if self.kind == TEXT:
            self.decoder.decode(frame.data, frame.fin)
        if frame.fin:
            self.seen.messages.append((self.kind, self.data))


def by_wsproto(role, pieces):
    kind = wsproto_connection.CLIENT if role == CLIENT else wsproto_connection.SERVER
    connection = wsproto_connection.Connection(kind)
    seen, written, message = Seen(), b"", []
    for piece in pieces:
        connection.receive_data(piece)
        for event in connection.events():
            if isinstance(event, wsproto_events.Ping):
                written += connection.send(event.response())
            elif isinstance(event, wsproto_events.TextMessage | wsproto_events.BytesMessage):
                message.append(event.data)
                if event.message_finished:
                    text = isinstance(event.data, str)
                    data = "".join(message).encode() if text else b"".join(message)
                    seen.messages.append((TEXT if text else BINARY, data))
                    message = []
            elif isinstance(event, wsproto_events.CloseConnection):
                # It tells its own failures in the same way as the peer's close frame.
                failed = connection.state is wsproto_connection.ConnectionState.OPEN
                written += connection.send(event.response())
                seen.end = (FAILED,) if failed else (CLOSED, int(event.code), event.reason)
                seen.sent = read_sent(role, written, failed)
                return seen
    seen.sent = read_sent(role, written, False)
    return seen


OTHERS = {"websockets": by_websockets, "wsproto": by_wsproto}
