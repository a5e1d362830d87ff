"""Pages that show several rooms: home, ladder, person, company, people, search, sign-in, design."""
