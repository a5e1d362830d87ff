"""The demo company: a believable firm made from a seed, with causes planted where reports should find them."""
