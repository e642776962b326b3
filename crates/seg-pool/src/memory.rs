//! Memory: pages from the system, fallible boxes, lists of items that hold their links.

pub(crate) mod fallible_box;
pub(crate) mod list;
pub(crate) mod metadata;
pub(crate) mod pages;
