"""Results as they leave the tool: tables for papers, rows for programs, a section of a model card."""
