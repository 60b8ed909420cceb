"""What builds, edits and publishing cost, and what they cost elsewhere: medians of whole processes."""
