"""The only door to Keras and TensorFlow: a checked config in, a network that is ready out."""
