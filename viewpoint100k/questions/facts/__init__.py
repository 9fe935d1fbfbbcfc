"""What pictures clearly show, and the sentences that say so; shared by many kinds."""
