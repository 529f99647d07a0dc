"""Tables and queries of awards; every function takes an open connection and a ward."""
