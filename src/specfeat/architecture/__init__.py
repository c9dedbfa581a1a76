"""The network as a graph of layers, and the arithmetic of its shapes; no Keras."""
