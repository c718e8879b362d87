"""Networks computed with few bits: post-training fake quantisation of weights and activations."""
