"""Export: a trained network as a file, or a page, that computes what Keras computes."""
