"""Numbers that standards fix and more than one reader of headers needs; as tuples, for kernels."""

from __future__ import annotations

from auditor.records import IPPROTO_GRE

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_IPV6 = 0x86DD

VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
"""EtherTypes of tags."""

LONGEST_802_3 = 1500
"""Up to here what stands in an EtherType's place is a length."""

LINK_ETHERNET = 1
LINK_COOKED = 113
LINK_COOKED_2 = 276
LINKS_RAW = (12, 14, 101, 228, 229)
LINKS_LOOPBACK = (0, 108)

FAMILIES_IPV4 = (2,)
FAMILIES_IPV6 = (10, 23, 24, 28, 30)
"""Address families of a loopback header: Linux; Windows; NetBSD, OpenBSD; FreeBSD; macOS."""

CARRIER_ETHERTYPES = (
    0x22F3,  # TRILL
    0x6558,  # transparent Ethernet bridging
    0x880B,  # PPP
    0x8847,  # MPLS
    0x8848,  # MPLS multicast
    0x8864,  # PPPoE session
    0x88E5,  # MACsec
    0x88E7,  # provider backbone bridging
    0x892F,  # HSR
    0x894F,  # network service header
)
"""EtherTypes of what may hold an IP packet further inside."""

IPPROTO_IPV4 = 4
IPPROTO_IPV6 = 41
IPPROTO_AH = 51
CARRIER_PROTOCOLS = (IPPROTO_IPV4, IPPROTO_IPV6, IPPROTO_GRE, IPPROTO_AH)
"""IP protocols of what may."""

UDP_L2TP = 1701
UDP_GTP = 2152
UDP_TEREDO = 3544
UDP_VXLAN = 4789
UDP_VXLAN_GPE = 4790
UDP_GENEVE = 6081
CARRIER_UDP_PORTS = (UDP_L2TP, UDP_GTP, UDP_TEREDO, UDP_VXLAN, UDP_VXLAN_GPE, UDP_GENEVE)
"""Ports that IANA has given to protocols which carry packets."""

IPV6_FRAGMENT = 44
IPV6_EXTENSIONS = (0, 43, IPV6_FRAGMENT, 60)
"""Hop-by-hop options, routing, fragment, destination options."""

ICMP_ERRORS = (3, 4, 5, 11, 12)
ICMPV6_ERRORS = (1, 2, 3, 4, 137)
"""Types of messages that quote a packet; a redirect is one here."""

ICMP_ECHO = 8
ICMP_ECHO_REPLY = 0
ICMPV6_ECHO = 128
ICMPV6_ECHO_REPLY = 129
