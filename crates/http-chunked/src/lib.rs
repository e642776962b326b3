//! Strict HTTP/1.1 chunked bodies assembled from received segments without copies.
