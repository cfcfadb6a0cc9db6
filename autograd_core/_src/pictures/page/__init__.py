"""Pictures as interactive HTML for notebooks and pages: `embed`, and the scripts and styles in `static`."""
