"""Tests in real parts: Chromium, JupyterLab, marimo, Pyodide. Each is skipped by name where its part is missing."""
