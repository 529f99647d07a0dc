"""Hội đồng Thi đua - Khen thưởng, the Chairman and văn thư: who is rewarded, and by which rule."""
