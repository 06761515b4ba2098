"""Models in plain torch, as people write them: in their own words, styles and order, each beside its zoo file."""
