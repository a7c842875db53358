"""Which names are URLs, and what of them is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.capture.urls import hide, is_url, quotes_secret, reveal, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "s3://bucket/day/*.pcapng.zst",
        "memory://a.pcap",
        "arrow_hdfs://host/a.pcap",
        "zip://a.pcap::file:///x.zip",
        "simplecache::s3://bucket/a.pcap",
    ],
)
def test_urls_are_told_by_their_protocol(name: str) -> None:
    """A chain of fsspec's is a URL as well."""
    assert is_url(name)


@pytest.mark.parametrize(
    "name",
    [
        r"C:\x.pcap",
        "C:/x.pcap",
        "C://x.pcap",
        r"\\server\share\x.pcap",
        "//server/share/x.pcap",
        "-",
        "",
        "a:b.pcap",
        "day/s3://x",
        "::1.pcap",
        "1://x",
    ],
)
def test_paths_are_no_urls(name: str) -> None:
    """The drive of a Windows path is one letter, a protocol is never."""
    assert not is_url(name)
    assert hide(name) == name


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ftp://user:pw@host/a.pcap", "ftp://user:***@host/a.pcap"),
        ("ftp://user:p@w@host/a@b:c", "ftp://user:***@host/a@b:c"),
        ("s3://KEY:wJalr/K7+M/x@bucket/a", "s3://KEY:***@bucket/a"),
        ("redis://:pw@host/a", "redis://:***@host/a"),
        ("zip://a.pcap::ftp://user:pw@host/x.zip", "zip://a.pcap::ftp://user:***@host/x.zip"),
        ("https://h/a?X-Amz-Date=1&X-Amz-Signature=ab%2F&b=2",
         "https://h/a?X-Amz-Date=1&X-Amz-Signature=***&b=2"),
        ("https://h/a?sv=1&sig=ab", "https://h/a?sv=1&sig=***"),
        ("https://h/a?access_token=ab", "https://h/a?access_token=***"),
    ],
)  # fmt: skip
def test_passwords_and_keys_are_hidden(url: str, shown: str) -> None:
    """What is shown leads back to the URL."""
    assert hide(url) == shown
    assert reveal(shown) == url
    assert hide(shown) == shown


@pytest.mark.parametrize(
    "url",
    [
        "s3://bucket/a:b@c.pcap",
        "http://host:8080/a@b.pcap",
        "http://[::1]:8080/a@b.pcap",
        "ftp://user@host/a.pcap",
        "abfs://container@account/a.pcap",
        "file:///C:/a@b.pcap",
        "https://h/signature=1?page=2",
    ],
)
def test_urls_without_secrets_are_shown_as_they_are(url: str) -> None:
    """A port is no password, nor is anything behind the host."""
    assert hide(url) == url


def test_urls_that_differ_in_their_secrets_are_two() -> None:
    """Links to share two files by may differ in nothing else."""
    first, second = hide("https://h/get?token=one"), hide("https://h/get?token=two")

    assert (reveal(first), reveal(second)) == ("https://h/get?token=one", "https://h/get?token=two")
    assert hide("https://h/get?token=two") == second


def test_messages_that_quote_a_url_are_cleaned() -> None:
    """Libraries put the address into their errors."""
    text = "530 ftp://me:pw@host/x refused, http://host:80/x too"

    assert without_secrets(text) == "530 ftp://me:***@host/x refused, http://host:80/x too"


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('invalid bucket name "KEY:wJalr"', True),
        ("no key K7+M%2F", True),
        ("no key K7+M/", True),
        ("no such bucket", False),
    ],
)
def test_parts_of_a_secret_are_recognised(text: str, *, quoted: bool) -> None:
    """A library may take what stands before a slash for the bucket, or decode what it quotes."""
    first, second = hide("s3://KEY:wJalr/x1@bucket/a"), hide("ftp://KEY:K7+M%2F@bucket/a")

    assert (quotes_secret(text, first) or quotes_secret(text, second)) == quoted


@given(st.text(st.characters(exclude_characters="@", exclude_categories=["Z", "C"]), min_size=1))
def test_no_password_is_shown(password: str) -> None:
    """Whatever it is made of, if it is no number that could be a port."""
    shown = without_secrets(f"ftp://user:<{password}>@host/x")

    assert shown == "ftp://user:***@host/x"
