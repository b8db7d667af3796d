//! The settings of the handler under test.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use kinpack_consumer::{
    AfterDeadLetter, BrokenAggregates, CheckpointEvery, Config, Reporting, Settings,
};
use serde_json::{Value, json};

/// Where progress is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nowhere.
    None,
    /// In an environment, which Lambda may end at any time.
    InMemory,
    /// In a store that all environments share.
    Durable,
}

/// What the user of the engine chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handler {
    /// How Lambda is told of failures.
    pub reporting: Reporting,
    /// Records under way at once.
    pub concurrency: usize,
    /// The deadline's margin in milliseconds; `None`: the engine does not know the deadline.
    pub margin: Option<u64>,
    /// Where progress is kept.
    pub memory: Memory,
    /// Failed attempts that make poison; for a durable store.
    pub poison_after: Option<u32>,
    /// What becomes of poison; `None`: there is no dead letter.
    pub after: Option<AfterDeadLetter>,
    /// What becomes of broken aggregates.
    pub broken: BrokenAggregates,
    /// Writes in between; for a durable store.
    pub checkpoint_every: Option<CheckpointEvery>,
    /// What the progress of a shard may take, if not what the engine allows by itself.
    pub progress_limit: Option<usize>,
}

impl Handler {
    /// As JSON, for a handler under test in another process.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let (every_records, every_millis) = match self.checkpoint_every {
            Some(CheckpointEvery::Records(records)) => (Some(records.get()), None),
            Some(CheckpointEvery::Time(time)) => (None, Some(time.as_millis() as u64)),
            _ => (None, None),
        };
        json!({
            "reporting": match self.reporting {
                Reporting::BatchItemFailures => "batchItemFailures",
                Reporting::FailInvocation => "failInvocation",
            },
            "concurrency": self.concurrency,
            "deadlineMarginMillis": self.margin,
            "memory": match self.memory {
                Memory::None => "none",
                Memory::InMemory => "inMemory",
                Memory::Durable => "durable",
            },
            "poisonAfter": self.poison_after,
            "afterDeadLetter": self.after.map(|after| match after {
                AfterDeadLetter::SkipRecord => "skipRecord",
                AfterDeadLetter::HoldKey => "holdKey",
                AfterDeadLetter::Block => "block",
            }),
            "brokenAggregates": match self.broken {
                BrokenAggregates::Fail => "fail",
                BrokenAggregates::PassThrough => "passThrough",
            },
            "checkpointEveryRecords": every_records,
            "checkpointEveryMillis": every_millis,
            "progressLimit": self.progress_limit,
        })
    }

    /// As the engine takes them.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut config = Config::new(self.reporting)
            .concurrency(NonZeroUsize::new(self.concurrency).unwrap_or(NonZeroUsize::MIN))
            .deadline_margin(Duration::from_millis(self.margin.unwrap_or(0)))
            .broken_aggregates(self.broken);
        if let Some(after) = self.after {
            config = config.dead_letter(after);
        }
        match self.memory {
            Memory::None => config.settings(),
            Memory::InMemory => config.progress_in_memory().settings(),
            Memory::Durable => {
                let mut config = config.durable_progress();
                if let Some((attempts, after)) = self.poison_after.zip(self.after) {
                    let attempts = NonZeroU32::new(attempts).unwrap_or(NonZeroU32::MIN);
                    config = config.poison_after(attempts, after);
                }
                if let Some(every) = self.checkpoint_every {
                    config = config.checkpoint_every(every);
                }
                if let Some(limit) = self.progress_limit {
                    config = config.progress_limit(limit);
                }
                config.settings()
            }
        }
    }
}
