"""Who somebody is: persons, companies, identity keys, aliases, merging."""
