//! Records whose data could not be had.

use super::{Span, Store};
use crate::{BadData, BadDataKind};

/// What is wrong with the data of a record, small because a hostile document has little else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) record: u32,
    pub(crate) what: What,
    /// The member at fault, as its reader numbers it.
    pub(crate) slot: u8,
    pub(crate) offset: u32,
    /// The position in base64 text.
    position: u32,
    text: [u32; 2],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Missing,
    NotAString,
    Base64,
    Member,
}

impl Store {
    /// Says that the record has no data.
    pub(crate) fn push_fault(&mut self, what: What, slot: u8) {
        self.faults.push(Fault {
            record: (self.entries.len().saturating_sub(1)) as u32,
            what,
            slot,
            offset: 0,
            position: 0,
            text: [0; 2],
        });
    }

    /// Says that the record's data is no base64.
    pub(crate) fn push_base64_fault(&mut self, slot: u8, position: usize, text: &str) {
        self.push_fault(What::Base64, slot);
        self.set_fault_text(self.faults.len() - 1, text);
        if let Some(fault) = self.faults.last_mut() {
            fault.position = position as u32;
        }
    }

    /// The faults in the order of their records.
    pub(crate) fn faults(&self) -> &[Fault] {
        &self.faults
    }

    pub(crate) fn set_fault_offset(&mut self, fault: usize, offset: usize) {
        self.faults[fault].offset = offset as u32;
    }

    pub(crate) fn set_fault_text(&mut self, fault: usize, text: &str) {
        let span = self.keep(text).range();
        self.faults[fault].text = [span.start as u32, span.len() as u32];
    }

    #[cold]
    #[inline(never)]
    pub(super) fn bad_data(&self, record: usize) -> BadData<'_> {
        let index = self.faults.partition_point(|fault| (fault.record as usize) < record);
        let fault = &self.faults[index];
        BadData {
            kind: match fault.what {
                What::Missing => BadDataKind::Missing,
                What::NotAString => BadDataKind::NotAString,
                What::Base64 => BadDataKind::Base64 { position: fault.position as usize },
                What::Member => BadDataKind::MemberNotAString(crate::read::member_name(fault.slot)),
            },
            offset: fault.offset as usize,
            text: self.text(Span::new(fault.text[0] as usize, fault.text[1] as usize)),
        }
    }
}
