//! The schema of the messages, in files.

use std::path::PathBuf;

pub(crate) const SCHEMA: &str = r#"{"type": "record", "name": "Click", "fields": [
    {"name": "id", "type": "long"}, {"name": "user", "type": "string"}]}"#;
pub(crate) const UUID: &str = "b7b4a7f0-9c96-4e4a-a687-fb5de9ef0c63";

/// A directory of one schema under three names, gone when the test is over.
pub(crate) struct Schemas(PathBuf);

impl Schemas {
    pub(crate) fn new(name: &str) -> Self {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&directory).unwrap();
        for file in ["301", UUID, "click"] {
            std::fs::write(directory.join(format!("{file}.avsc")), SCHEMA).unwrap();
        }
        Self(directory)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Schemas {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
