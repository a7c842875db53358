"""Named checks: what a signature asks of a payload beyond constant bytes.

A check reads claims that anyone may have sent, so it raises nothing, loops over no more than the
payload, and answers False where bytes are missing that it would need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.evidence.checks.accounts import (
    kerberos_message,
    kpasswd_message,
    ldap_message,
    snmp_message,
)
from auditor.evidence.checks.citrix import (
    cgp_bind_request,
    cgp_bind_response,
    flexnet_message,
    flexnet_old_message,
    ica_client_module,
    ica_server_packet,
    netscaler_rpc_message,
)
from auditor.evidence.checks.desktop import rdp_negotiation, x224_connection
from auditor.evidence.checks.exports import ipfix_message, netflow5_message, netflow9_message
from auditor.evidence.checks.lines import (
    ftp_commands,
    ftp_greeting,
    http_request,
    http_request_cut,
    http_response,
    smtp_command,
    smtp_greeting,
    ssdp_message,
    syslog_message,
    syslog_over_tcp,
    tftp_option_answer,
    tftp_request,
)
from auditor.evidence.checks.management import (
    dhcp_options,
    dhcpv6_options,
    isakmp_header,
    ntp_client,
    ntp_server,
    radius_attributes,
    rmcp_message,
    tacacs_header,
)
from auditor.evidence.checks.media import (
    afs_rx_data,
    rtcp_compound,
    rtcp_packets,
    rtp_packet,
    rtp_series,
    stun_attributes,
    udt_handshake,
)
from auditor.evidence.checks.naming import (
    dns_message,
    dns_over_tcp,
    dns_question,
    netbios_datagram,
    netbios_name_message,
    netbios_session_request,
)
from auditor.evidence.checks.quic import gquic_packet, quic_long_header, quic_versions
from auditor.evidence.checks.sql import (
    mysql_greeting,
    postgresql_authentication,
    postgresql_startup,
    tds_login,
    tds_packets,
    tds_prelogin,
    tds_tokens,
)
from auditor.evidence.checks.storage import (
    iscsi_login,
    rpc_call,
    rpc_call_over_tcp,
    rpc_reply_over_tcp,
)
from auditor.evidence.checks.tls import (
    dtls_client_hello,
    dtls_handshake,
    dtls_records,
    dtls_server_hello,
    ssl2_client_hello,
    tls_client_hello,
    tls_records,
    tls_server_hello,
)
from auditor.evidence.checks.windows import (
    dce_rpc_bind,
    dce_rpc_datagram,
    dce_rpc_header,
    net_tcp_preamble,
    smb_request,
    smb_response,
)

if TYPE_CHECKING:
    from auditor.evidence.signature_model import Check, SeriesCheck

CHECKS: dict[str, Check] = {
    check.__name__.replace("_", "-"): check
    for check in (
        afs_rx_data, cgp_bind_request, cgp_bind_response, dce_rpc_bind, dce_rpc_datagram,
        dce_rpc_header, dhcp_options, dhcpv6_options, dns_message, dns_over_tcp, dns_question,
        dtls_client_hello, dtls_handshake, dtls_records, dtls_server_hello, flexnet_message,
        flexnet_old_message, ftp_commands, ftp_greeting, gquic_packet, http_request,
        http_request_cut, http_response, ica_client_module, ica_server_packet, ipfix_message,
        isakmp_header, iscsi_login, kerberos_message, kpasswd_message, ldap_message,
        mysql_greeting, net_tcp_preamble, netbios_datagram, netbios_name_message,
        netbios_session_request, netflow5_message, netflow9_message, netscaler_rpc_message,
        ntp_client, ntp_server, postgresql_authentication, postgresql_startup, quic_long_header,
        quic_versions, radius_attributes, rdp_negotiation, rmcp_message, rpc_call,
        rpc_call_over_tcp, rpc_reply_over_tcp, rtcp_compound, rtcp_packets, rtp_packet,
        smb_request, smb_response, smtp_command, smtp_greeting, snmp_message, ssdp_message,
        ssl2_client_hello, stun_attributes, syslog_message, syslog_over_tcp, tacacs_header,
        tds_login, tds_packets, tds_prelogin, tds_tokens, tftp_option_answer, tftp_request,
        tls_client_hello, tls_records, tls_server_hello, udt_handshake, x224_connection,
    )
}  # fmt: skip
"""Checks of one payload; the names that signature files use are the functions' own."""

SERIES_CHECKS: dict[str, SeriesCheck] = {"rtp-series": rtp_series}
"""Checks of successive datagrams."""
