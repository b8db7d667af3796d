//! What several fuzz targets do.

pub mod compressed;
pub mod read;
pub mod records;
