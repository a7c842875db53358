"""A small Citrix site in network namespaces, watched at a mirror port.

`namespaces` holds one host's network, `network` joins them by a bridge with a mirror, `servers`
runs Debian's daemons in them, `speakers` and `clients` talk, `scenario` performs what
sample_pcaps/lab.truth.yaml says, `recording` keeps what the mirror hears.
"""
