//! What several fuzz targets do.

pub mod read;
pub mod records;
