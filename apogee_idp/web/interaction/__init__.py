"""Where people come in: the authorization request, its pages, and signing out."""
