"""Search structures over hash values, and the snapshots that hold them."""
