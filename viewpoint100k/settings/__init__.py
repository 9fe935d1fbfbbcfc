"""The sections of the settings: each with its unit, its bounds, and the reason for its default."""
