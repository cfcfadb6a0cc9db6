// Written anew where the site is built with Pyodide.
