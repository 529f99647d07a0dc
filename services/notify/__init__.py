"""Trung tâm Văn hóa, Thể thao và Truyền thông: tells people what concerns them, once."""
