"""The sections of the settings: what each setting is, its unit, its bounds, and the reason for its default."""
