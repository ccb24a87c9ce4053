"""Hold files, folders, links and locks: written whole, hashed, bundled, published, and locked by one writer."""
