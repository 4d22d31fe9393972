"""What the commands have to say: stores and summaries turned into documents, which `render` then shows."""
