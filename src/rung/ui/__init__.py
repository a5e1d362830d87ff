"""Layout, design tokens, components, paging and tables. Knows no room; every component is shown on /design."""
