"""A picture as HTML that lives in notebooks and on pages: `embed`, and the scripts and styles in `static`."""
