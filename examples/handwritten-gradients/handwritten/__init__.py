"""Models with gradients derived by hand."""
