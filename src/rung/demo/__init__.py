"""The demo company: a believable firm's history, made from a seed, with causes planted where reports should find them."""
