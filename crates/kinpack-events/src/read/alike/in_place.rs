//! Base64 decoded where it stands, in a way that can be taken back.

use base64_turbo::{STANDARD, STANDARD_NO_PAD};

/// How much of a text is decoded aside and copied, until the part that was decoded is so much
/// shorter than its text that the next finds room in between.
const PIECE: usize = 4096;

/// Room to decode one of those.
pub(super) type Aside = [u8; PIECE / 4 * 3];

/// Decodes all of `text` to its beginning and says how many bytes that are. On a fault, that many
/// were decoded and the rest of the text is untouched.
pub(super) fn decode(text: &mut [u8], aside: &mut Aside) -> Result<usize, usize> {
    let (mut taken, mut decoded) = (0, 0);
    while taken < text.len() {
        let room = (taken - decoded) / 3 * 4;
        let len = room.max(PIECE).min(text.len() - taken);
        let is_last = taken + len == text.len();
        let decoder = if is_last { STANDARD } else { STANDARD_NO_PAD };
        let (before, piece) = text.split_at_mut(taken);
        let piece = &piece[..len];
        let result = if len <= room {
            decoder.decode_slice(piece, &mut before[decoded..])
        } else {
            decoder.decode_slice(piece, aside).inspect(|&len| {
                text[decoded..][..len].copy_from_slice(&aside[..len]);
            })
        };
        taken += len;
        decoded += result.map_err(|_| decoded)?;
    }
    Ok(decoded)
}

/// Takes back what decoded to the first `decoded` bytes: as the decoder is strict, there is one
/// text only that it can have been.
pub(super) fn undo(text: &mut [u8], decoded: usize) {
    let data = text[..decoded].to_vec();
    let written = STANDARD.encode_slice(&data, text);
    debug_assert!(written.is_ok(), "the text was longer than its data");
}

#[cfg(test)]
mod tests {
    use super::*;
    // Another's, so that each is judged by the other.
    use base64_simd::STANDARD as JUDGE;

    /// Something of every length, and of a long text's every byte.
    fn texts() -> impl Iterator<Item = String> {
        let lengths = (0..200).chain([3070, 3071, 3072, 3073, 4096, 9215, 9216, 12_289, 60_000]);
        lengths.map(|len| {
            let data: Vec<u8> = (0..len).map(|i: u32| (i * i / 7 % 251) as u8).collect();
            JUDGE.encode_to_string(data)
        })
    }

    #[test]
    fn decodes_what_the_decoder_decodes_and_takes_it_back() {
        for text in texts() {
            let mut buffer = text.clone().into_bytes();
            let len = decode(&mut buffer, &mut [0; _]).unwrap();
            assert_eq!(buffer[..len], JUDGE.decode_to_vec(&text).unwrap());
            undo(&mut buffer, len);
            assert_eq!(buffer, text.as_bytes());
        }
    }

    #[test]
    fn takes_back_what_stands_before_a_fault() {
        for text in texts().filter(|text| !text.is_empty()) {
            let places = [0, 1, text.len() / 3, text.len() / 2, 4095, 4096, 8191, 20_000]
                .into_iter()
                .chain(text.len().saturating_sub(5)..text.len());
            for at in places.filter(|&at| at < text.len()) {
                for fault in [b'=', b'?', 0xff, b'B', b'/', b'-'] {
                    let mut faulty = text.clone().into_bytes();
                    faulty[at] = fault;
                    let mut buffer = faulty.clone();
                    match (decode(&mut buffer, &mut [0; _]), JUDGE.decode_to_vec(&faulty)) {
                        (Ok(len), Ok(data)) => assert_eq!(buffer[..len], data),
                        (Err(decoded), Err(_)) => {
                            undo(&mut buffer, decoded);
                            assert_eq!(buffer, faulty, "{at} of {}", text.len());
                        }
                        (ours, theirs) => panic!("{ours:?} but {theirs:?}"),
                    }
                }
            }
        }
    }
}
