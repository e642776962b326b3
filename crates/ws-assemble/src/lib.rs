//! WebSocket frames unmasked, validated and assembled in place, segment by segment.
