"""Interfaces that other programs expect: HEAR, scikit-learn, and the `map` of Hugging Face datasets."""
