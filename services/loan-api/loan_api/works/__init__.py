"""Works and items: what the library has."""
