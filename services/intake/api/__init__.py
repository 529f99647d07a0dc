"""HTTP routes of intake: the desk, people, sign-in."""
