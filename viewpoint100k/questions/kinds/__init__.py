"""One file for each kind of question, or for a family of kinds; `registry.py` lists them."""
