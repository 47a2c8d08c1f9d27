"""What a bundle of evidence holds, and how it is written; ``verifier.loa_verify`` reads it (docs/evidence.md)."""
