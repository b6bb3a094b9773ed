"""The families of layers, each a function that draws a configuration."""
