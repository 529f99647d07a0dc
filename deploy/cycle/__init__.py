"""Tứ Minh's 2025 cycle, played on the business clock through the doors that people use."""
