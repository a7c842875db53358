"""What the words of a judgement mean, in a sentence each."""

from __future__ import annotations

from auditor.judge.vocabulary import Verdict, Verification

VERDICTS = {
    Verdict.OUT_OF_SCOPE: "neither end is in the site file",
    Verdict.PROHIBITED: "the paper or the site file forbids it",
    Verdict.LOCAL_ONLY: "the port is meant for its own host, and was reached over the network",
    Verdict.DOCUMENTED: "the paper, or a rule of the site, covers it",
    Verdict.DOCUMENTED_ELSEWHERE: "another page of the vendor covers it, not the paper",
    Verdict.AMBIENT: "what the systems around Citrix do anyway",
    Verdict.NEEDS_HOSTNAME: "it may be a cloud service; only a host name could tell",
    Verdict.UNKNOWN_ROLE: "it would fit if the host without a role had the right one",
    Verdict.NOT_COVERED: "the paper only links to a page with this product's ports",
    Verdict.WRONG_DIRECTION: "documented with client and server exchanged",
    Verdict.WRONG_TRANSPORT: "documented on the other of TCP and UDP",
    Verdict.WRONG_ROLES: "the port is documented, for other kinds of host",
    Verdict.UNDOCUMENTED: "nothing covers it",
}

CAVEATS = {
    "insecure-alternative": "the paper offers an encrypted port for the same purpose",
    "possibly-insecure": "the port can be plaintext or encrypted",
    "conditional": "needed only in the case that the paper names",
    "optional": "not needed",
    "planned": "announced, and not to be seen yet",
    "doubtful-direction": "the arrow of the cited line may point the other way",
    "doubtful-peer": "the cited line may mean another peer",
    "doubtful-transport": "the cited line may mean another transport",
    "doubtful-details": "the text beside the cited line does not fit its port",
    "dynamic-range": "ports are handed out from a wide range; a match alone proves little",
    "random-port": "the port is chosen at random; a match alone proves little",
    "loopback": "meant for the host itself",
    "prose-only": "it stands in the paper's text, in no table",
    "icmp": "there is no port to compare",
    "same-role": "both ends hold the same role, so either may begin",
    "wildcard": "the line speaks of any Citrix component",
    "inferred-transport": "the line names an application, not TCP or UDP",
    "broadcast": "matched by the broadcast address",
    "via-implied-role": "matched through a role that follows from another",
    "hostname-confirmed": "the host name was seen, and fits",
    "direction-inferred": "who began was worked out, not seen",
    "role-inferred": "a role was guessed from traffic",
    "payload-truncated": "the capture cut the payload, so it proves nothing",
}

VERIFICATIONS = {
    Verification.VERIFIED: "the payload is the protocol that the port promises",
    Verification.CONTRADICTED: "the payload is positively another protocol",
    Verification.ENCRYPTED: "as is expected there, so the inside cannot be told",
    Verification.UNVERIFIED: "no payload, a cut one, or no known signature",
}
