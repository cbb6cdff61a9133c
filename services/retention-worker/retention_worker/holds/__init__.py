"""Legal holds: named stops on disposal, with author, reason and end."""
