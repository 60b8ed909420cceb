"""Orders + incident -> one letter for each affected order."""
