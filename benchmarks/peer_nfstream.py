"""A peer: NFStream to pandas, as its manual shows it. `python peer_nfstream.py CAPTURE`."""

from __future__ import annotations

import sys

from nfstream import NFStreamer

if __name__ == "__main__":
    print(len(NFStreamer(source=sys.argv[1]).to_pandas()))
