"""Samples in, spectrogram clips out. Nothing here imports TensorFlow, and nothing reads a header's length."""
