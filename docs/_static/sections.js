// Written anew by docs/_ext/words.py: the words of each page's sections.
