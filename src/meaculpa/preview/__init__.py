"""The live desk on localhost: everything that ops write, as customers will see it, at any moment they choose."""
