"""The verifier of evidence: one file that runs without Loa (docs/evidence.md)."""
