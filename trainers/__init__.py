"""Scripts that train on viewpoint data with TRL.

TRL trains; ours are data columns, rewards, callbacks, checks, configs.
"""
