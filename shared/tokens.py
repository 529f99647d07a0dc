"""What the issuer of access tokens and those who verify them agree on."""

from datetime import timedelta

ALGORITHM = "EdDSA"
AUDIENCE = "thidua"
MACHINE = "machine:"
"""How the subject of a machine's token begins; no person's id does."""
TOKEN_LIFE = timedelta(minutes=10)
"""The longest that a token is good; for so long an end of access must be remembered."""
