"""Protocols that speak in lines of text: HTTP/1, SSDP, SMTP, FTP, syslog, and TFTP's requests."""

from __future__ import annotations

import re

_LONGEST_LINE = 8192
_REQUEST = re.compile(rb"[A-Z][A-Z_-]{2,19} [!-~]{1,%d} HTTP/1\.[01]\r?\n" % _LONGEST_LINE)
_REQUEST_START = re.compile(
    rb"(?:GET|POST|HEAD|PUT|DELETE|PATCH|OPTIONS) (?:/|https?://)[!-~]*(?: HTTP?/?1?\.?[01]?\r?)?\Z"
)
_RESPONSE = re.compile(rb"HTTP/1\.[01] [1-5][0-9]{2}(?:[ \r\n]|\Z)")
_FRAME_HEADER_LEN, _LAST_SETTING = 9, 9
_SSDP = re.compile(rb"(?:M-SEARCH \*|NOTIFY \*) HTTP/1\.[01]\r?\n", re.IGNORECASE)
_SSDP_ANSWER = re.compile(rb"HTTP/1\.[01] 200 OK\r?\n(?:[^\n]*\n)*?(?:ST|USN):", re.IGNORECASE)
_GREETING = re.compile(rb"220[ -][\t -~\x80-\xff]*\r?\n")
_FTP_ONLY = re.compile(
    rb"^(?:PASV|EPSV|EPRT|PORT|TYPE|SYST|CWD|PWD|STOR|MKD|MLSD|AUTH TLS|AUTH SSL)\b[^\n]*\r?$",
    re.MULTILINE,
)
_FTP_BEGIN = re.compile(rb"(?:USER [^\r\n]+|FEAT|AUTH (?:TLS|SSL)|SYST)\r?\n")
_FTP_ANSWERS = re.compile(rb"^331[ -]", re.MULTILINE)
_SMTP_ANSWERS = re.compile(rb"^250[ -]", re.MULTILINE)
_SMTP_COMMAND = re.compile(rb"(?:EHLO|HELO) [!-~]+ *\r?\n", re.IGNORECASE)
_MONTHS = b"Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_SYSLOG = re.compile(
    rb"<(?P<pri>0|[1-9][0-9]{0,2})>(?:"
    rb"(?P<new>1 (?:-|[0-9]{4}-[0-9]{2}-[0-9]{2}T))"
    rb"|(?:" + _MONTHS + rb") [ 0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
    rb"| ?[0-9]{2}/[0-9]{2}/[0-9]{4}:[0-2][0-9]:[0-5][0-9]:[0-5][0-9] )"
)
_PRIORITY = re.compile(rb"<(0|[1-9][0-9]{0,2})>[ -~]{4}")
_SYSLOG_COUNT = re.compile(rb"[1-9][0-9]{0,4} (?=<)")
_LAST_PRIORITY = 191
_TFTP_MODES = frozenset({b"octet", b"netascii", b"mail"})
_TFTP_OPTIONS = frozenset({b"blksize", b"tsize", b"timeout", b"windowsize", b"multicast"})
_PRINTABLE = re.compile(rb"[ -~\x80-\xff]+")


def http_request(payload: bytes) -> bool:
    """Read a request line (RFC 9112 section 3)."""
    return _REQUEST.match(payload) is not None


def http_request_cut(payload: bytes) -> bool:
    """Read as much of a request line as a cut payload has."""
    return _REQUEST_START.match(payload) is not None


def http_response(payload: bytes) -> bool:
    """Read a status line (RFC 9112 section 4)."""
    return _RESPONSE.match(payload) is not None


def http2_settings(payload: bytes) -> bool:
    """Read the settings that an HTTP/2 side begins with (RFC 9113 section 6.5), two or more."""
    length = payload[2] if len(payload) > _FRAME_HEADER_LEN else 0
    settings = payload[_FRAME_HEADER_LEN : _FRAME_HEADER_LEN + length]
    names = [int.from_bytes(settings[i : i + 2], "big") for i in range(0, length, 6)]
    return (
        length >= 12
        and length % 6 == 0
        and len(settings) == length
        and all(0 < name <= _LAST_SETTING for name in names)
        and len(set(names)) == len(names)
    )


def ssdp_message(payload: bytes) -> bool:
    """Read a search, an announcement, or the answer to a search (UPnP Device Architecture)."""
    return (_SSDP.match(payload) or _SSDP_ANSWER.match(payload)) is not None


def smtp_greeting(payload: bytes) -> bool:
    """Read a greeting that names the protocol, or is followed by an SMTP answer."""
    greeting = _GREETING.match(payload)
    if greeting is None or b"FTP" in greeting[0] or _FTP_ANSWERS.search(payload):
        return False
    return b"SMTP" in greeting[0] or _SMTP_ANSWERS.search(payload) is not None


def smtp_command(payload: bytes) -> bool:
    """Read the command that opens a session (RFC 5321 section 4.1.1.1)."""
    return _SMTP_COMMAND.match(payload) is not None


def ftp_greeting(payload: bytes) -> bool:
    """Read a greeting that names the protocol, or is followed by the question for a password."""
    greeting = _GREETING.match(payload)
    if greeting is None or b"SMTP" in greeting[0]:
        return False
    return b"FTP" in greeting[0] or _FTP_ANSWERS.search(payload) is not None


def ftp_commands(payload: bytes) -> bool:
    """Read the commands that open a session, one of which no other protocol has (RFC 959)."""
    return _FTP_BEGIN.match(payload) is not None and _FTP_ONLY.search(payload) is not None


def syslog_message(payload: bytes) -> bool:
    """Read priority and time: RFC 5424, RFC 3164, or the date that a NetScaler writes."""
    found = _SYSLOG.match(payload)
    return found is not None and int(found["pri"]) <= _LAST_PRIORITY


def syslog_priority(payload: bytes) -> bool:
    """Read a priority with printable text behind it, all that some devices write."""
    found = _PRIORITY.match(payload)
    return found is not None and int(found[1]) <= _LAST_PRIORITY


def syslog_over_tcp(payload: bytes) -> bool:
    """Read a message as above, behind its length or not (RFC 6587)."""
    count = _SYSLOG_COUNT.match(payload)
    return syslog_message(payload[count.end() :] if count else payload)


def tftp_request(payload: bytes) -> bool:
    """Read a request to read or write: a name, a mode, and options in pairs (RFC 1350, 2347)."""
    fields = payload[2:].split(b"\0")
    return (
        len(fields) >= 3
        and len(fields) % 2 == 1
        and fields[-1] == b""
        and fields[1].lower() in _TFTP_MODES
        and all(_PRINTABLE.fullmatch(field) for field in fields[:-1])
    )


def tftp_option_answer(payload: bytes) -> bool:
    """Read the acknowledgement of options (RFC 2347)."""
    fields = payload[2:].split(b"\0")
    return (
        len(fields) >= 3
        and len(fields) % 2 == 1
        and fields[-1] == b""
        and all(name.lower() in _TFTP_OPTIONS for name in fields[:-1:2])
    )
