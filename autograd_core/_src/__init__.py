"""How `autograd_core` works: nothing here is public, and any of it may change; ARCHITECTURE.md is the way in."""
