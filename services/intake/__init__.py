"""Phòng Văn hóa - Xã hội at its desk: receives, urges and consolidates."""
