//! The end: what is reported, and what happened.

use super::{Engine, State};
use crate::config::{Memory, Reporting};
use crate::outcome::{Finished, InvocationError, Outcome, Response, StoppedBy};

impl Engine {
    pub(super) fn settle(&self) -> Finished {
        let count = |of: &[State]| self.states.iter().filter(|state| of.contains(state)).count();
        let finished = [State::Handled, State::Skipped, State::Dead];
        let checkpoint = self.order.checkpoint();
        let no_progress = checkpoint.is_some_and(|group| self.no_progress(group));
        let mut metrics = self.metrics;
        metrics.deadline_stop = self.deadline_stop.into();
        metrics.no_progress = no_progress.into();
        let outcome = Outcome {
            handled: count(&[State::Handled]) as u64,
            skipped: count(&[State::Skipped]) as u64,
            dead: count(&[State::Dead, State::Blocked]) as u64,
            failed: count(&[State::Failed, State::Blocked]) as u64,
            not_finished: (self.states.len() - count(&finished)) as u64,
            stopped_by: checkpoint.and(self.stopped_by),
            checkpoint: checkpoint.map(|group| self.batch.sequence_number(group).to_owned()),
            progress_lost: self.remembering.is_lost(),
            metrics,
        };
        Finished { response: self.response(&outcome, no_progress), outcome }
    }

    fn response(&self, outcome: &Outcome, no_progress: bool) -> Response {
        let Some(sequence_number) = outcome.checkpoint.clone() else { return Response::Success };
        if no_progress {
            return Response::Fail(InvocationError::NoProgress { sequence_number });
        }
        match self.settings.reporting {
            Reporting::BatchItemFailures => Response::Partial { sequence_number },
            Reporting::FailInvocation => Response::Fail(InvocationError::NotFinished {
                sequence_number,
                user_records: outcome.not_finished,
            }),
        }
    }

    /// Whether the deadline ended it before anything advanced: neither Lambda's checkpoint nor what
    /// all environments remember.
    fn no_progress(&self, checkpoint: usize) -> bool {
        let moves = checkpoint > 0 && self.settings.reporting == Reporting::BatchItemFailures;
        let durable = self.settings.memory == Some(Memory::Durable);
        let remembered = durable && self.remembering.wrote_finished();
        self.stopped_by == Some(StoppedBy::Deadline) && !moves && !remembered
    }
}
