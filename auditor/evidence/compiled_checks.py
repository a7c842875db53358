"""Which checks have a compiled twin."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from auditor.evidence.checks import (
    accounts,
    citrix,
    lines,
    management,
    media,
    naming,
    quic,
    sql,
    windows,
)
from auditor.evidence.checks import tls as transport_security

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from auditor.evidence.signature_model import Check, SeriesCheck

    CompiledSeries = Callable[
        [NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]], None
    ]
    """Takes bytes, (n, most) starts and lengths of payloads in them, and (n,) answers to set."""


@cache
def compiled_checks() -> dict[Check, int]:
    """Map checks to the numbers of their twins; others are asked payload by payload."""
    from auditor.kernel import (  # noqa: PLC0415 - numba is slow to load and few captures need it
        checks,
        checks_accounts,
        checks_citrix,
        checks_http,
        checks_management,
        checks_media,
        checks_naming,
        checks_sql,
        checks_tls,
        checks_windows,
    )

    families = {
        checks.ACCOUNTS: {
            accounts.ldap_request: checks_accounts.LDAP_REQUEST,
            accounts.ldap_response: checks_accounts.LDAP_RESPONSE,
            accounts.kerberos_message: checks_accounts.KERBEROS,
            accounts.snmp_request: checks_accounts.SNMP_REQUEST,
            accounts.snmp_response: checks_accounts.SNMP_RESPONSE,
        },
        checks.CITRIX: {
            citrix.ica_client_module: checks_citrix.ICA_CLIENT_MODULE,
            citrix.ica_server_packet: checks_citrix.ICA_SERVER_PACKET,
            citrix.cgp_bind_request: checks_citrix.CGP_BIND_REQUEST,
            citrix.cgp_bind_response: checks_citrix.CGP_BIND_RESPONSE,
            citrix.flexnet_message: checks_citrix.FLEXNET_MESSAGE,
            citrix.flexnet_old_message: checks_citrix.FLEXNET_OLD_MESSAGE,
            citrix.netscaler_rpc_message: checks_citrix.RPC_MESSAGE,
            citrix.netscaler_heartbeat: checks_citrix.HEARTBEAT,
        },
        checks.HTTP: {
            lines.http_request: checks_http.REQUEST,
            lines.http_request_cut: checks_http.REQUEST_CUT,
            lines.http_response: checks_http.RESPONSE,
        },
        checks.MANAGEMENT: {
            management.ntp_packet: checks_management.NTP_PACKET,
            management.ntp_client: checks_management.NTP_CLIENT,
            management.ntp_server: checks_management.NTP_SERVER,
            management.isakmp_header: checks_management.ISAKMP,
        },
        checks.MEDIA: {
            media.rtp_packet: checks_media.RTP_PACKET,
            media.rtcp_packets: checks_media.RTCP_PACKETS,
            media.rtcp_compound: checks_media.RTCP_COMPOUND,
            media.stun_attributes: checks_media.STUN,
            media.udt_handshake: checks_media.UDT,
            quic.quic_long_header: checks_media.QUIC_LONG,
            quic.gquic_packet: checks_media.QUIC_GOOGLE,
        },
        checks.NAMING: {
            naming.dns_message: checks_naming.MESSAGE,
            naming.dns_question: checks_naming.QUESTION,
            naming.dns_over_tcp: checks_naming.OVER_TCP,
        },
        checks.SQL: {
            sql.tds_prelogin: checks_sql.PRELOGIN,
            sql.tds_login: checks_sql.LOGIN,
            sql.tds_tokens: checks_sql.TOKENS,
            sql.tds_packets: checks_sql.PACKETS,
        },
        checks.TLS: {
            transport_security.tls_client_hello: checks_tls.CLIENT_HELLO,
            transport_security.tls_server_hello: checks_tls.SERVER_HELLO,
            transport_security.tls_records: checks_tls.RECORDS,
            transport_security.dtls_client_hello: checks_tls.DTLS_CLIENT_HELLO,
            transport_security.dtls_server_hello: checks_tls.DTLS_SERVER_HELLO,
            transport_security.dtls_handshake: checks_tls.DTLS_HANDSHAKE,
            transport_security.dtls_records: checks_tls.DTLS_RECORDS,
        },
        checks.WINDOWS: {
            windows.smb_request: checks_windows.SMB_REQUEST,
            windows.smb_response: checks_windows.SMB_RESPONSE,
            windows.dce_rpc_header: checks_windows.RPC_HEADER,
            windows.dce_rpc_bind: checks_windows.RPC_BIND,
        },
    }
    return {
        check: family + number
        for family, numbers in families.items()
        for check, number in numbers.items()
    }


@cache
def compiled_series() -> dict[SeriesCheck, CompiledSeries]:
    """Map checks of several payloads to their twins."""
    from auditor.kernel.checks_series import rtp_series  # noqa: PLC0415 - as above

    return {media.rtp_series: rtp_series}
