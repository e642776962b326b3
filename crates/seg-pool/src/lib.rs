//! Pooled, page-aligned byte segments with out-of-band metadata.
