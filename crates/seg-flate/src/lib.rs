//! DEFLATE, zlib and gzip over pooled segments, with hard output limits.
