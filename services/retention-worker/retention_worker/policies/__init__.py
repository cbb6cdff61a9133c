"""Policies: their versions, how a change comes to be (proposed, previewed, approved by a second person), and the public page."""
