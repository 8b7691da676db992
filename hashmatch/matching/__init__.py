"""Query variants, index search, tiers and verdict: the Matcher."""
