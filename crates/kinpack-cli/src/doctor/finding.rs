//! What was found.

use serde::Serialize;

/// How bad it is; what is worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Severity {
    Advice,
    MayHurt,
    LosesData,
}

/// A setting that is not as it should be.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// A name that stays the same, for programs.
    pub(super) check: &'static str,
    /// The setting, as AWS calls it, and what it is.
    pub(super) setting: String,
    /// What comes of it.
    pub(super) why: String,
    #[serde(flatten)]
    pub(super) remedy: Remedy,
}

/// What to do: words, a command, or both.
#[derive(Debug, Serialize)]
pub(super) struct Remedy {
    #[serde(rename = "do")]
    pub(super) words: Option<String>,
    pub(super) command: Option<String>,
}

impl From<&str> for Remedy {
    fn from(words: &str) -> Self {
        Self { words: Some(words.to_owned()), command: None }
    }
}

/// A command by itself.
impl From<String> for Remedy {
    fn from(command: String) -> Self {
        Self { words: None, command: Some(command) }
    }
}

impl<W: Into<String>> From<(W, String)> for Remedy {
    fn from((words, command): (W, String)) -> Self {
        Self { words: Some(words.into()), command: Some(command) }
    }
}

impl Finding {
    pub(super) fn new(
        (severity, check): (Severity, &'static str),
        setting: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<Remedy>,
    ) -> Self {
        let (setting, why, remedy) = (setting.into(), why.into(), remedy.into());
        Self { severity, check, setting, why, remedy }
    }
}

/// The worst first, else in the order they were found.
pub(super) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|it| std::cmp::Reverse(it.severity));
    findings
}
