"""Official documents as PDF, from templates that a ward may replace."""
